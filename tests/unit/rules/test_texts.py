"""Every field of every record is known to be text, and searched, or known to be something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel
from typing_extensions import is_typeddict

from gateway.rules.texts import TEXT_FIELDS, holds_long_number, texts_of
from gateway.schemas.records import KINDS

TYPED = {
    *("source_code", "value", "scope", "guarantee_nos", "guarantee_no", "fi_loan_no", "event_no"),
    *("bank_code", "branch_code", "cgc_id", "template_id", "template_version", "scheme_families", "kinds"),
    *("industry", "jsic", "missing", "sha256", "accountant_no", "consent_id"),
}
"""Identifiers and codes; never searched."""


def holds_free_text(annotation: Any) -> bool:
    """Whether values of this annotation may be strings that neither an enumeration nor a pattern limits."""
    if annotation is str:
        return True
    if any(getattr(mark, "pattern", None) for mark in getattr(annotation, "__metadata__", ())):
        return False
    return any(holds_free_text(each) for each in get_args(annotation) if not isinstance(each, str))


def fields(annotation: Any) -> Iterator[tuple[str, Any]]:
    """Names and annotations of everything within the models and mappings that an annotation speaks of."""
    own: dict[str, Any] = {}
    if is_typeddict(annotation):
        own = get_type_hints(annotation)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        hints = get_type_hints(annotation, include_extras=True)
        own = {name: hints[name] for name in annotation.model_fields}
    for name, inner in own.items():
        yield name, inner
        yield from fields(inner)
    for each in get_args(annotation):
        yield from fields(each)


def test_every_string_is_either_text_or_typed() -> None:
    names = {name for model in KINDS.values() for name, inner in fields(model) if holds_free_text(inner)}
    assert names - TYPED - TEXT_FIELDS == set()
    assert TEXT_FIELDS - names == set()
    assert set() == TYPED & TEXT_FIELDS


def test_texts_are_found_at_every_depth_with_their_place_and_label() -> None:
    record = {
        "company_name": "甲",
        "lines": [{"source_name": "注記", "text": "乙", "source_code": "1"}],
        "plan": {"items": [{"action": "丙"}]},
        "issues": ["丁", "戊"],
        "guarantee_nos": ["己"],
    }
    assert list(texts_of(record)) == [
        ("/company_name", "", "甲"),
        ("/lines/0/source_name", "", "注記"),
        ("/lines/0/text", "注記", "乙"),
        ("/plan/items/0/action", "", "丙"),
        ("/issues/0", "", "丁"),
        ("/issues/1", "", "戊"),
    ]


def test_a_number_may_not_be_put_together_from_two_texts() -> None:
    assert not holds_long_number(["123456", "789018", None, "12345\n6789018"])
    assert holds_long_number([None, "控 1234 5678 9018"])
