"""What rules over a document are given: a view of its kind, made once, or the record where a kind has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.rules.books import Books
from gateway.rules.continuity import Past
from gateway.rules.statements import Filed
from gateway.rules.texts import holds_long_number, texts_of
from gateway.schemas.records import Record

View = Books | Filed | Record

_VIEWS: Mapping[str, Callable[[Any], Books | Filed]] = {"trial_balance": Books.of, "financial_statement": Filed}


def view_of(record: Record) -> View:
    """The view that the rules of the record's kind are written for."""
    return _VIEWS[record.kind](record) if record.kind in _VIEWS else record


def record_of(view: View) -> Record:
    """The record behind a view."""
    return view.record if isinstance(view, Books | Filed) else view


def texts_in(view: View) -> list[tuple[str, str, str]]:
    """Address, label and content of the record's texts, or nothing where none holds a number of twelve digits or more.

    Nearly all records have no such number in any text; they cost one look.
    """
    if isinstance(view, Books | Filed) and not view.has_long_number:
        return []
    texts = list(texts_of(record_of(view).model_dump(mode="json", exclude_none=True)))
    return texts if holds_long_number(text for _, _, text in texts) else []


def past_of(record: Record, previous: Mapping[str, Any]) -> Past | Mapping[str, Any]:
    """The earlier record, in the form that the rules of this kind compare with."""
    return Past(previous) if record.kind in _VIEWS else previous
