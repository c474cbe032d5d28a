"""A checkpoint of a public log with the cosignatures of four public witnesses. See published/SOURCE.md."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import EvidenceError, SignatureMismatch
from gateway.security.canonical import b64, b64url, strict_b64
from gateway.security.checkpoints import open_checkpoint
from gateway.security.cosignatures import Quorum, Witness, cosign, cosigner_id, find_cosignatures
from gateway.security.keys import KeyRing, PublicKey, SigningKey

ORIGIN = "arche2025h1.staging.ct.transparency.dev"
NOTE = (Path(__file__).parent / "published" / "cosigned_checkpoint.txt").read_text("utf-8")
LOG = f"{ORIGIN}+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
WITNESSES = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
]
AT = datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)


def parted(verifier_key: str) -> tuple[str, str, bytes, PublicKey]:
    """Name, key id, signature type and key of a published verifier key (c2sp.org/signed-note)."""
    name, hint, encoded = verifier_key.split("+", 2)
    raw = strict_b64(encoded)
    return name, hint, raw[:1], PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64url(raw[1:])})


def witness(verifier_key: str) -> Witness:
    name, hint, kind, key = parted(verifier_key)
    assert (kind, cosigner_id(name, key).hex()) == (b"\4", hint)
    return Witness(name, key)


ALL = [witness(one) for one in WITNESSES]


@pytest.mark.parametrize("verifier_key", WITNESSES, ids=lambda one: one.partition("+")[0])
def test_the_cosignature_of_a_public_witness_holds(verifier_key: str) -> None:
    one = witness(verifier_key)
    assert [(found.witness, found.at) for found in find_cosignatures(NOTE, [one])] == [(one.name, AT)]
    with pytest.raises(SignatureMismatch):
        find_cosignatures(NOTE.replace("\n1432088532\n", "\n1432088533\n"), [one])


def test_the_log_itself_is_understood_beside_its_witnesses_and_its_other_signature() -> None:
    checkpoint = open_checkpoint(NOTE, KeyRing([parted(LOG)[3]]))
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 1_432_088_532)


def test_four_public_witnesses_are_a_quorum_of_four_and_not_with_a_key_that_signed_nothing() -> None:
    assert Quorum(tuple(ALL), 4).require(NOTE) == dict.fromkeys(sorted(one.name for one in ALL), AT)
    stranger = Witness("remora.n621.de", SigningKey.generate().public)
    with pytest.raises(EvidenceError, match="0 of the named witnesses"):
        Quorum((stranger,)).require(NOTE)


def test_a_line_found_is_the_line_that_was_published() -> None:
    lines = NOTE.splitlines(keepends=True)
    assert [one.line for one in find_cosignatures(NOTE, ALL)] == lines[-4:]


def test_a_cosignature_is_written_byte_for_byte_as_the_specification_puts_it_together() -> None:
    """Put together here from the text of c2sp.org/tlog-cosignature: an Ed25519 signature has one value only."""
    secret, name, seconds = Ed25519PrivateKey.from_private_bytes(bytes(range(32))), "witness.example/w1", 1_679_315_147
    text = NOTE.partition("\n\n")[0] + "\n"
    signature = secret.sign(b"cosignature/v1\ntime 1679315147\n" + text.encode())
    hint = cosigner_id(name, SigningKey(secret).public)
    line = f"— {name} {b64(hint + seconds.to_bytes(8, 'big') + signature)}\n"
    assert cosign(NOTE, name, SigningKey(secret), datetime.fromtimestamp(seconds, UTC)) == line
