"""Signed notes and checkpoints by others (c2sp.org, CC-BY-4.0)."""

from __future__ import annotations

import json

import pytest
from sample_files import samples

from gateway.errors import SignatureMismatch
from gateway.security.canonical import b64url, strict_b64
from gateway.security.checkpoints import key_id, open_checkpoint, open_note
from gateway.security.keys import KeyRing, PublicKey, SigningKey


def test_the_note_of_the_specification_is_opened() -> None:
    case = json.loads(samples("04_crypto_protocol", "tlog", "signed_note_example.json").read_text("utf-8"))
    name, hint, encoded = case["vkey"].split("+", 2)
    raw = strict_b64(encoded)
    key = PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64url(raw[1:])})
    assert (raw[:1], key_id(name, key).hex()) == (b"\1", hint)
    assert open_note(case["note"], name, KeyRing([key])) == "This is an example message.\n"
    with pytest.raises(SignatureMismatch):
        open_note(case["note"].replace("example message", "exemplary message"), name, KeyRing([key]))


def test_a_cosigned_checkpoint_is_understood_and_not_trusted_without_its_key() -> None:
    note = samples("04_crypto_protocol", "tlog", "checkpoint_with_cosignature.txt").read_text("utf-8")
    with pytest.raises(SignatureMismatch, match="none of the given keys"):
        open_checkpoint(note, KeyRing([SigningKey.generate().public]))
