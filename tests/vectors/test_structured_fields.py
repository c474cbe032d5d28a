"""The test suite of Structured Fields (httpwg/structured-field-tests, BSD-3-Clause), for the parts that we read.

We read byte sequences in a dictionary (``Content-Digest``, ``Signature``) and the strings and integers among the
parameters of a signature, and take less than the standard allows. So what must fail has to fail, and what is taken has
to mean what the suite says; how much of it is taken is counted.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sample_files import samples

from gateway.errors import DigestMismatch, NotAuthentic
from gateway.security.certificates import told_by_proxy
from gateway.security.http_signatures import (
    SignedRequest,
    content_digest,
    parse_content_digest,
    signature_base,
    verify_request,
)
from gateway.security.keys import KeyRing, SigningKey

KEY, NOW = SigningKey.generate(), datetime(2026, 5, 1, tzinfo=UTC)
REQUEST = {"@method": "POST", "@target-uri": "https://gateway/v1/submissions", "content-digest": content_digest(b"x")}


def cases(kind: str) -> Iterator[dict[str, Any]]:
    """All cases of a type of field, each with its value as it is once lines are joined."""
    for path in sorted(samples("04_crypto_protocol", "structured-fields").glob("*.json")):
        for case in json.loads(path.read_bytes()):
            if case["header_type"] == kind:
                yield case | {"value": ", ".join(case["raw"]), "file": path.name}


def digest(value: str) -> bytes | None:
    try:
        return parse_content_digest(value)
    except DigestMismatch:
        return None


def taken(params: str, components: str = '"@method" "@target-uri" "content-digest"') -> bool:
    """Whether a request is authentic whose signature has these further parameters and is right in itself."""
    stated = f'({components});created={int(NOW.timestamp())};keyid="{KEY.kid}";tag="fapi-2-request"{params}'
    try:
        base = signature_base([(f'"{name}"', value) for name, value in REQUEST.items()], stated)
    except ValueError:
        return False  # nobody can sign that
    signature = base64.b64encode(KEY.sign_http(base)).decode()
    headers = {
        "content-digest": REQUEST["content-digest"],
        "signature-input": f"sig={stated}",
        "signature": f"sig=:{signature}:",
    }
    sent = SignedRequest("POST", REQUEST["@target-uri"], headers, sha256(b"x").digest())
    try:
        verify_request(sent, KeyRing([KEY.public]), NOW)
    except NotAuthentic:
        return False
    return True


def test_a_byte_sequence_is_read_as_published_or_refused() -> None:
    read = 0
    for case in cases("item"):
        found = digest(f"sha-256={case['value']}")
        if found is None:
            continue
        (bare, params), read = case["expected"], read + 1
        assert not case.get("must_fail"), case["name"]
        assert (base64.b32decode(bare["value"]), params) == (found, []), case["name"]
    assert read >= 4


def test_no_dictionary_that_must_fail_is_read_and_none_that_holds_anything_but_bytes() -> None:
    for case in cases("dictionary"):
        value = ", ".join(filter(None, (case["value"], content_digest(b"x"))))
        if digest(value) is None:
            continue
        assert not case.get("must_fail"), case["name"]
        members = case["expected"]
        assert all(bare.get("__type") == "binary" and params == [] for _, (bare, params) in members), case["name"]


def test_a_parameter_of_a_signature_is_a_string_as_published_or_refused() -> None:
    assert taken("")
    strings = 0
    for case in cases("item"):
        if taken(f";nonce={case['value']}"):
            assert not case.get("must_fail"), case["name"]
            assert isinstance(case["expected"][0], str), case["name"]
            strings += 1
    assert strings >= 3


def test_an_instant_of_a_signature_is_an_integer_as_published_or_refused() -> None:
    for case in cases("item"):
        if taken(f";expires={case['value']}"):
            assert not case.get("must_fail"), case["name"]
            assert type(case["expected"][0]) is int, case["name"]
            assert case["expected"][0] >= NOW.timestamp(), case["name"]


def test_parameters_that_must_fail_or_are_unknown_are_refused() -> None:
    for kind in ("item", "list", "dictionary"):
        for case in cases(kind):
            at = case["value"].find(";")
            assert at < 0 or not taken(case["value"][at:]), case["name"]


def test_no_list_but_of_plain_names_is_a_list_of_components() -> None:
    for case in cases("list"):
        assert not taken("", case["value"].strip("()")), case["name"]


def test_no_item_of_the_suite_is_taken_for_a_certificate() -> None:
    for case in cases("item"):
        try:
            told_by_proxy(case["value"])
        except NotAuthentic:
            continue
        raise AssertionError(case["name"])
