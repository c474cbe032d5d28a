"""Accept, as RFC 9110 (12.5.1) reads it."""

from __future__ import annotations

import pytest

from gateway.api.negotiation import preferred
from gateway.errors import NotAcceptable

OFFERED = ("application/x-ndjson", "application/json", "application/cloudevents-batch+json")


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("", 0),
        ("*/*", 0),
        ("application/*", 0),
        ("application/json", 1),
        ("APPLICATION/JSON", 1),
        ("application/json; charset=utf-8", 1),
        ("application/cloudevents-batch+json", 2),
        ("text/html, application/xml;q=0.9, */*;q=0.8", 0),
        ("application/json, text/plain, */*", 1),
        ("application/json;q=0.5, application/x-ndjson;q=0.4", 1),
        ("application/json;q=0.5, application/*;q=0.6", 0),
        ("*/*, application/x-ndjson;q=0", 1),
        ("application/*, application/x-ndjson;q=0, application/json;q=0.0", 2),
        ("application/json;q=2, application/x-ndjson", 0),
        ("text/csv, application/json ; q=0.001", 1),
        (", ,application/json", 1),
    ],
)
def test_the_form_that_is_wanted_most_is_given(accept: str, given: int) -> None:
    assert preferred(accept, OFFERED) == OFFERED[given]


@pytest.mark.parametrize(
    "accept",
    [
        "application/xml",
        "text/*",
        "*/*;q=0",
        "application/*;q=0, */*",
        "application/json;q=0",
        "json",
        "application/json;q=x",
    ],
)
def test_what_is_not_offered_is_said_so_with_what_is(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        preferred(accept, OFFERED)
    assert all(name in text for name in OFFERED for text in (refused.value.message, refused.value.ja))
