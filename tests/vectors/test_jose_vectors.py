"""Examples of the JOSE cookbook (RFC 7520, Simplified BSD) and of DPoP (RFC 9449, IETF Trust).

The cookbook's signatures use RS256, PS384, ES512 and HMAC, none of which is accepted; RFC 9449 uses ES256, which is.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from sample_files import samples

from gateway.errors import ConfigurationError, SignatureMismatch
from gateway.security.canonical import strict_b64url
from gateway.security.keys import KeyRing, PublicKey
from gateway.security.signing import open_compact

SECRET = {"d", "p", "q", "dp", "dq", "qi"}


def cookbook() -> list[dict[str, Any]]:
    folder = samples("04_crypto_protocol", "jose-cookbook", "jws")
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


def test_private_and_symmetric_keys_of_the_cookbook_are_refused() -> None:
    for case in cookbook():
        with pytest.raises(ConfigurationError):
            PublicKey.from_jwk(case["input"]["key"])


def test_algorithms_that_are_not_ours_are_refused_even_with_the_right_key() -> None:
    refused = []
    for case in cookbook():
        jwk = case["input"]["key"]
        if jwk["kty"] != "RSA":
            continue
        key = PublicKey.from_jwk({name: value for name, value in jwk.items() if name not in SECRET})
        with pytest.raises(SignatureMismatch, match="algorithm"):
            open_compact(case["output"]["compact"], KeyRing([key]))
        refused.append(case["input"]["alg"])
    assert refused == ["RS256", "PS384"]


def test_the_proofs_of_rfc_9449_hold_for_the_key_whose_thumbprint_is_published() -> None:
    path = samples("04_crypto_protocol", "dpop-rfc9449", "dpop_examples.json")
    vectors = json.loads(path.read_bytes())["vectors"]
    (published,) = {case["jkt"] for case in vectors if "jkt" in case}
    proofs = [case["proof"] for case in vectors if "proof" in case]
    for proof in proofs:
        signed, _, signature = proof.rpartition(".")
        key = PublicKey.from_jwk(json.loads(strict_b64url(signed.partition(".")[0]))["jwk"])
        assert key.kid == published
        key.verify(strict_b64url(signature), signed.encode())
        with pytest.raises(SignatureMismatch):
            key.verify(strict_b64url(signature), signed.swapcase().encode())
    assert len(proofs) == 2
