"""The texts within a record: what people wrote, as against numbers, codes and identifiers, which are typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from gateway.schemas.records import KINDS
from gateway.schemas.records.labels import free_texts

TEXT_FIELDS: Final = frozenset(
    {
        *("company_name", "correction_reason", "department", "provisional_reason", "software", "term_label"),
        *("source_name", "section", "text"),
        *("reporter_name", "reporter_contact", "period", "cause", "observation", "gap_reason", "countermeasure"),
        *("issues", "fi_actions", "action", "kpi", "target", "actual"),
        *(name for model in KINDS.values() for name in free_texts(model)),
    }
)
"""Names of the fields that hold text, alike in every kind of record; all others are typed."""

_TWELVE_DIGITS = re.compile(r"[0-9０-９](?:[^0-9０-９\n]{0,2}[0-9０-９]){11}")
_SHORTEST = 12


def holds_long_number(texts: Iterable[str | None]) -> bool:
    """Whether any of these texts holds twelve digits or more; if not, none needs to be read for numbers."""
    return any(map(_TWELVE_DIGITS.search, [said for said in texts if said and len(said) >= _SHORTEST]))


def texts_of(record: Mapping[str, Any], pointer: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text of a record in its JSON form: JSON Pointer, what the document calls it, and the text.

    A row of a statement is called by its account or title; other fields have no name of the document's own.
    """
    for name, value in record.items():
        here = f"{pointer}/{name}"
        label = "" if name == "source_name" else str(record.get("source_name") or "")
        if isinstance(value, str):
            if name in TEXT_FIELDS:
                yield here, label, value
        elif isinstance(value, Mapping):
            yield from texts_of(value, here)
        elif isinstance(value, list | tuple):
            for number, member in enumerate(value):
                if isinstance(member, Mapping):
                    yield from texts_of(member, f"{here}/{number}")
                elif isinstance(member, str) and name in TEXT_FIELDS:
                    yield f"{here}/{number}", label, member


def with_texts(record: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A record in its JSON form with every text changed by a function, and nothing else."""
    return {name: _changed(value, change, name in TEXT_FIELDS) for name, value in record.items()}


def _changed(value: Any, change: Callable[[str], str], is_text: bool) -> Any:
    if isinstance(value, str):
        return change(value) if is_text else value
    if isinstance(value, Mapping):
        return with_texts(value, change)
    if isinstance(value, list | tuple):
        return [_changed(member, change, is_text) for member in value]
    return value
