"""Every kind names its fields and codes in Japanese and English, and its schema says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from gateway.schemas.records import KINDS
from gateway.schemas.records.header import RecordBase
from gateway.schemas.records.labels import Label, Narrative, Short, free_texts

EARLIER = {"trial_balance", "financial_statement", "monitoring_report", "repayment_status"}
"""Kinds whose names stand in forms and layouts instead; they have those that every kind has."""


def fields(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a kind at every depth, but ``kind`` itself and what stands within a reference."""
    for name, field in schema["properties"].items():
        if name != "kind":
            yield name, field
    for name, inner in definitions.items():
        if name != "Reference":
            yield from fields({"properties": inner.get("properties", {})}, {})


def members(field: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """The codes that a field may hold, itself or as members of a list; empty where it holds no codes."""
    found: set[str] = set()
    for form in (field, field.get("items", {}), *field.get("anyOf", ())):
        named = definitions.get(form.get("$ref", "").rpartition("/")[2], form)
        found |= set(named.get("enum", ())) | ({named["const"]} if "const" in named else set())
    return found


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_has_a_name_in_both_languages_and_so_has_each_of_its_codes(kind: str) -> None:
    schema = KINDS[kind].model_json_schema()
    definitions = schema.get("$defs", {})
    own = [
        (name, field)
        for name, field in fields(schema, definitions)
        if kind not in EARLIER or name in RecordBase.model_fields
    ]
    unnamed = [name for name, field in own if not all(field.get("x-label", {}).get(one) for one in ("ja", "en"))]
    assert unnamed == []
    assert [name for name, field in own if field["x-label"]["ja"].isascii()] == []
    coded = {name: (members(field, definitions), set(field.get("x-codes", {}))) for name, field in own}
    coded.pop("missing")  # its codes are values of a mapping
    assert {name: pair for name, pair in coded.items() if pair[0] != pair[1]} == {}


class Inner(BaseModel):
    said: tuple[Short, ...] = ()
    code: str = ""


class Outer(BaseModel):
    inner: Inner | None = None
    told: Annotated[Narrative | None, Label("所見", "told")] = None


def test_texts_are_found_where_a_model_marks_them_and_nowhere_else() -> None:
    assert list(free_texts(Outer)) == ["said", "told"]
