"""What a record's schema refuses, as findings: one place where library words become ours."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.formats.identifiers import shown
from gateway.formats.json_text import pointer_to
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.place import Place

_EXPECTED = {
    "int": "整数 / integer",
    "bool": "true | false",
    "string_type": "文字列 / string",
    "date": "YYYY-MM-DD",
    "datetime": "YYYY-MM-DDThh:mm:ss+09:00",
    "timezone": "YYYY-MM-DDThh:mm:ss+09:00",
    "extra_forbidden": "様式にある項目 / a member of the schema",
}
_BOUNDS = {
    "expected": "",
    "pattern": "",
    "le": "≤ ",
    "ge": "≥ ",
    "max_length": "長さ / length ≤ ",
    "min_length": "長さ / length ≥ ",
}


MOST_REASONS = 10_000
"""For which one record may be refused, each said; a record with more is not of its kind at all."""


def unreadable_value(pointer: str, found: object, expected: str, ordinal: int, place: Place) -> Finding:
    """Finding R01: something stands there, but not what should; R03 where nothing does (``found`` is None)."""
    params: dict[str, str | int] = {"field": pointer.removeprefix("/")}
    if found is not None:
        params |= {"found": shown(found), "expected": expected}
    return Finding(
        code="R03" if found is None else "R01",
        severity=Severity.REFUSE,
        record=ordinal,
        place=place,
        field=pointer.rpartition("/")[2] or None,
        params=params,
    )


def schema_findings(refused: ValidationError, ordinal: int, place_of: Callable[[str], Place]) -> tuple[Finding, ...]:
    """Every reason for which a model refused a record.

    Args:
        refused: what the model raised.
        ordinal: which record of the source it was.
        place_of: JSON Pointer within the record -> place in the source.
    """
    if refused.error_count() > MOST_REASONS:
        too_many = f"> {MOST_REASONS}"
        return (unreadable_value("", too_many, "0 か所の誤り / 0 places that do not fit", ordinal, place_of("")),)
    errors = refused.errors(include_url=False)
    pointers = [pointer_to(*error["loc"]) for error in errors]
    findings = []
    for error, pointer in zip(errors, pointers, strict=True):
        if error["type"] == "too_short" and any(other.startswith(f"{pointer}/") for other in pointers):
            continue  # a list whose members are wrong counts as empty, which is nobody's fault
        found = None if error["type"] == "missing" else error["input"]
        findings.append(unreadable_value(pointer, found, _expected(error), ordinal, place_of(pointer)))
    return tuple(findings)


def _expected(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    bounds = (f"{sign}{context[name]}" for name, sign in _BOUNDS.items() if name in context)
    types = (text for start, text in _EXPECTED.items() if error["type"].startswith(start))
    return next(bounds, None) or next(types, error["msg"])
