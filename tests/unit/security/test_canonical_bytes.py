from __future__ import annotations

import pytest

from gateway.errors import EvidenceError
from gateway.security.canonical import (
    LARGEST,
    b64,
    b64url,
    canonical,
    check_profile,
    sha256_hex,
    strict_b64,
    strict_b64url,
    strict_load,
)


def test_members_are_sorted_and_text_is_written_as_utf8() -> None:
    value = {"b": [1, None, True], "a": {"y": "早め", "x": -5}, "A": "\u2028\x1f/"}
    assert canonical(value) == '{"A":"\u2028\\u001f/","a":{"x":-5,"y":"早め"},"b":[1,null,true]}'.encode()


def test_canonical_bytes_load_to_what_they_were_made_of() -> None:
    value = {"amount_yen": LARGEST, "loss_yen": -LARGEST, "names": ["株式会社", ""], "none": None}
    assert strict_load(canonical(value)) == value


def test_an_integer_of_more_than_53_bits_is_not_encoded() -> None:
    with pytest.raises(TypeError):
        canonical({"yen": LARGEST + 1})


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a":1}\n',
        b' {"a":1}',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":1.5}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":123456789012345678901234567890}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\ud800"}',
        '{"円":1}'.encode(),
        '[{"a":[{"é":1}]}]'.encode(),
        b"[" * 5_000 + b"]" * 5_000,
        b"[" * 300 + b"]" * 300,
        b"\xef\xbb\xbf{}",
    ],
)
def test_whatever_is_not_the_one_spelling_within_the_profile_is_refused(raw: bytes) -> None:
    with pytest.raises(EvidenceError):
        strict_load(raw)


def test_the_profile_check_looks_at_every_depth() -> None:
    check_profile({"a": [1, "x", None, True, {"b": ()}]})
    for value in (1.0, [0.5], {"a": {"b": [float("nan")]}}, {1: "x"}, {"鍵": 1}, (LARGEST + 1,), -LARGEST - 1):
        with pytest.raises(EvidenceError):
            check_profile(value)


def test_digests_are_lower_case_hex() -> None:
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("raw", [b"", b"\0", b"\xfb\xff", b"\xfb\xff\xfe", bytes(range(256))])
def test_base64_reads_back_what_it_wrote(raw: bytes) -> None:
    assert strict_b64(b64(raw)) == raw
    assert strict_b64url(b64url(raw)) == raw


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ== ", "Q Q==", "QQ==QQ==", "_w==", "円", "A", "QQ===\n"])
def test_base64_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        strict_b64(text)


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "Q Q", "+w", "/w", "円", "QQ\n"])
def test_base64url_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        strict_b64url(text)
