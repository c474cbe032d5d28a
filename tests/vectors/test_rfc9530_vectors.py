"""Examples of Digest Fields (RFC 9530, IETF Trust)."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from sample_files import samples

from gateway.errors import DigestMismatch
from gateway.security.http_signatures import content_digest, parse_content_digest


def fields(name: str) -> list[str]:
    text = samples("04_crypto_protocol", "digest-rfc9530", "examples.txt").read_text("utf-8")
    return [field.replace("\\r\\n", "") for field in re.findall(rf"^{name}: (.*)$", text, re.MULTILINE)]


def test_every_digest_that_is_spelled_correctly_is_read() -> None:
    read, refused = [], set()
    for field in fields("(?:Content|Repr)-Digest"):
        try:
            read.append(parse_content_digest(field))
        except DigestMismatch:
            refused.add(field)
    assert {len(digest) for digest in read} == {32}
    # One digest has a stray padding character in some examples; the others that are refused have no sha-256.
    stray = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg==:"
    assert {field for field in refused if "sha-256" in field} == {stray}


@pytest.mark.parametrize("content", [b'{"hello": "world"}\n', b"", b'"world"}\n'])
def test_the_digests_of_the_examples_are_those_of_their_content(content: bytes) -> None:
    published = [field.partition(",")[0] for field in fields("Content-Digest")]
    assert content_digest(content) in published
    assert parse_content_digest(content_digest(content)) == sha256(content).digest()
