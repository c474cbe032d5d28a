"""Whether a value fits a JSON Schema, for the part of the language (2020-12) that our published schemas use.

A keyword that is not known here is an error, so that nothing is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
FORMATS = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}
BOUNDS = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "minLength": lambda value, bound: len(value) >= bound,
    "maxLength": lambda value, bound: len(value) <= bound,
    "minItems": lambda value, bound: len(value) >= bound,
    "maxItems": lambda value, bound: len(value) <= bound,
    "minProperties": lambda value, bound: len(value) >= bound,
    "maxProperties": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, bound: re.search(bound, value) is not None,
    "enum": lambda value, bound: value in bound,
    "const": lambda value, bound: value == bound,
}
SHAPES = {"$ref", "anyOf", "type", "format", "properties", "required", "additionalProperties", "items", "propertyNames"}
WORDS = {"title", "x-label", "x-codes", "description", "default", "examples", "$schema", "$id", "$defs"}
APPLY_TO = {"minimum": (int, float), "maximum": (int, float), "minItems": list, "maxItems": list}


def misfits(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Where and how a value does not fit; nothing if it fits.

    Args:
        value: the parsed JSON.
        schema: what it should fit.
        root: the document in which ``$ref`` is looked up.
        at: where the value stands (JSON Pointer).
    """
    unknown = schema.keys() - BOUNDS.keys() - SHAPES - WORDS
    if unknown:
        raise ValueError(f"unknown keywords: {sorted(unknown)}")
    if "$ref" in schema:
        yield from misfits(value, resolved(schema["$ref"], root), root, at)
    if "anyOf" in schema and all(any(misfits(value, one, root, at)) for one in schema["anyOf"]):
        yield f"{at}: fits none of the alternatives"
    if "type" in schema and not is_of(value, schema["type"]):
        yield f"{at}: is no {schema['type']}"
        return
    yield from _bounds(value, schema, at)
    if isinstance(value, dict):
        yield from _members(value, schema, root, at)
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from misfits(one, schema.get("items", {}), root, f"{at}/{number}")


def resolved(ref: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference within a document points at."""
    found: Any = root
    for step in ref.removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def is_of(value: Any, name: str) -> bool:
    """Whether a value is of a JSON type; a boolean is no number."""
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _bounds(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, holds in BOUNDS.items():
        if name in schema and isinstance(value, APPLY_TO.get(name, object)) and not holds(value, schema[name]):
            yield f"{at}: {name} {schema[name]}"
    try:
        FORMATS.get(schema.get("format", ""), str)(value)
    except ValueError:
        yield f"{at}: is no {schema['format']}"


def _members(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
    others = schema.get("additionalProperties", True)
    for name, one in value.items():
        if name in known:
            yield from misfits(one, known[name], root, f"{at}/{name}")
        elif others is False:
            yield f"{at}: {name} is not known"
        elif isinstance(others, dict):
            yield from misfits(one, others, root, f"{at}/{name}")
