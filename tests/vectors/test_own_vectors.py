"""What the proof code must go on reading and, where there is one spelling only, writing. See own/SOURCE.md."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import DigestMismatch, EvidenceError
from gateway.security.canonical import canonical, strict_load
from gateway.security.checkpoints import Checkpoint, open_checkpoint, write_checkpoint
from gateway.security.http_signatures import SignedRequest, sign_request, verify_request
from gateway.security.keys import KeyRing, PublicKey, SigningKey
from gateway.security.merkle import check_consistency, check_inclusion, inclusion_from_leaves, leaf_hash, root
from gateway.security.signing import open_receipt, sign_receipt
from gateway.security.tokens import read_access_token, read_client_assertion

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "own" / "vectors.json").read_text("utf-8"))
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["key"]["seed"])))
KEYS = KeyRing([PublicKey.from_jwk({"kty": "OKP", "crv": "Ed25519", "x": VECTORS["key"]["x"]})])


def hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def test_a_key_goes_by_its_thumbprint() -> None:
    assert (KEY.kid, KEY.public) == (VECTORS["key"]["kid"], KEYS.find(VECTORS["key"]["kid"]))


def test_the_receipt_is_read_and_written_byte_for_byte() -> None:
    payload, text = VECTORS["receipt"]["payload"].encode(), VECTORS["receipt"]["jws"]
    assert open_receipt(text, KEYS) == payload
    assert sign_receipt(KEY, payload) == text
    assert canonical(strict_load(payload)) == payload


@pytest.mark.parametrize("size", range(8))
def test_the_roots_are_those_of_the_definition(size: int) -> None:
    leaves = [leaf_hash(entry.encode()) for entry in VECTORS["merkle"]["entries"]]
    assert root(leaves[:size]).hex() == VECTORS["merkle"]["roots"][size]


@pytest.mark.parametrize("case", VECTORS["merkle"]["inclusion"], ids=lambda case: f"{case['index']} in {case['size']}")
def test_the_inclusion_proofs_are_those_of_the_definition(case: dict[str, Any]) -> None:
    merkle, size = VECTORS["merkle"], case["size"]
    leaves = [leaf_hash(entry.encode()) for entry in merkle["entries"]]
    path = hashes(case["path"])
    assert inclusion_from_leaves(case["index"], leaves[:size]) == path
    check_inclusion(leaves[case["index"]], case["index"], size, path, bytes.fromhex(merkle["roots"][size]))


@pytest.mark.parametrize("case", VECTORS["merkle"]["consistency"], ids=lambda case: f"{case['old']} to {case['new']}")
def test_the_consistency_proofs_of_the_definition_hold(case: dict[str, Any]) -> None:
    roots = hashes(VECTORS["merkle"]["roots"])
    check_consistency(case["old"], roots[case["old"]], case["new"], roots[case["new"]], hashes(case["path"]))


def test_the_checkpoint_is_read_and_written_byte_for_byte() -> None:
    case = VECTORS["checkpoint"]
    said = Checkpoint(case["origin"], case["size"], bytes.fromhex(case["root"]))
    assert open_checkpoint(case["note"], KEYS) == said
    assert write_checkpoint(said.origin, said.size, said.root, KEY) == case["note"]
    with pytest.raises(EvidenceError):
        open_checkpoint(case["note"].replace("\n7\n", "\n6\n"), KEYS)


def test_the_request_is_verified_and_signed_byte_for_byte() -> None:
    case = VECTORS["http"]
    now, digest = datetime.fromisoformat(case["now"]), sha256(case["body"].encode()).digest()
    sent = SignedRequest(case["method"], case["target_uri"], case["headers"], digest)
    assert verify_request(sent, KEYS, now) == (KEY.kid, now, "hayame")
    made = {"content-digest", "signature-input", "signature"}
    plain = {name: value for name, value in case["headers"].items() if name not in made}
    signed = sign_request(KEY, SignedRequest(sent.method, sent.target_uri, plain, digest), now)
    assert signed == {name: case["headers"][name] for name in made}
    with pytest.raises(DigestMismatch):
        verify_request(SignedRequest(sent.method, sent.target_uri, sent.headers, bytes(32)), KEYS, now)


def test_the_tokens_are_read() -> None:
    case = VECTORS["tokens"]
    now = datetime.fromisoformat(case["now"])
    assertion = read_client_assertion(case["client_assertion"], lambda _: KEYS, case["issuer"], now)
    assert (assertion.client_id, assertion.jti) == ("bank-1", "once")
    token = read_access_token(case["access_token"], KEYS, case["issuer"], now)
    assert (token.client_id, sorted(token.scopes)) == ("bank-1", ["read", "submit"])


def test_the_published_key_protects_nothing() -> None:
    assert VECTORS["key"]["seed"] == sha256(b"hayame own vectors").hexdigest()
    assert KEY.public.members["x"] == VECTORS["key"]["x"]
