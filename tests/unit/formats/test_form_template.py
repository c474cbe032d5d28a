from __future__ import annotations

from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from gateway.errors import ConfigurationError
from gateway.formats.form_template import FormTemplate, load_named, load_template, templates
from gateway.schemas.identifiers import CGC_IDS, Scheme
from gateway.schemas.records import KINDS

REPORT = templates()["monitoring-report"]


def members(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Pointers of every value a record may have, as a template writes them."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = [each for each in (field.annotation, *get_args(field.annotation)) if each is not type(None)]
        part = next((each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)), None)
        listed = "/*" if get_origin(field.annotation) is tuple else ""
        found |= members(part, f"{prefix}/{name}{listed}") if part else {f"{prefix}/{name}{listed}"}
    return found


NOT_ASKED = {
    *("/kind", "/template_id", "/template_version", "/unit", "/rounding"),  # what the form itself says
    *("/produced_at", "/known_at", "/correction", "/correction_reason", "/missing"),  # what the submission says
    *("/references/*/scheme", "/references/*/value", "/references/*/scope"),  # asked by scheme
}


def test_the_form_asks_for_everything_a_report_can_say() -> None:
    asked = {field.pointer for field in REPORT.fields if not field.pointer.startswith("/references/")}
    assert asked == members(KINDS[REPORT.kind]) - NOT_ASKED


def test_every_reference_asked_for_is_a_known_kind_of_number() -> None:
    schemes = {field.pointer.rpartition("/")[2] for field in REPORT.fields if field.pointer.startswith("/references/")}
    assert schemes <= {scheme.value for scheme in Scheme}


def test_every_corporation_can_be_chosen() -> None:
    assert {str(code) for code in REPORT.choices["cgc"]} == CGC_IDS


@pytest.mark.parametrize("field", REPORT.fields, ids=lambda field: field.pointer)
def test_the_codes_of_a_choice_are_those_the_record_takes(field: Any) -> None:
    codes = set(REPORT.choices.get(field.choices or "", {}))
    for each in allowed(KINDS[REPORT.kind], field.pointer.strip("/").split("/")):
        assert codes == each


def allowed(model: Any, steps: list[str]) -> list[set[Any]]:
    """The literal values a record takes at a pointer, where it takes only some."""
    if steps[0] == "references":
        return []
    annotation: Any = model.model_fields[steps[0]].annotation
    options = [annotation, *get_args(annotation)]
    nested = next((each for each in options if isinstance(each, type) and issubclass(each, BaseModel)), None)
    rest = [step for step in steps[1:] if step != "*"]
    if nested and rest:
        return allowed(nested, rest)
    literals = [set(get_args(each)) for each in options if get_args(each) and isinstance(get_args(each)[0], str)]
    return literals[:1]


def changed(**changes: Any) -> str:
    plain = {
        "id": "small",
        "version": "1",
        "kind": "monitoring_report",
        "sheet": "小",
        "title": {"ja": "小", "en": "small"},
        "title_at": "A1",
        "stamp_at": "B1",
        "rounding": "none",
        "omission": {"pointer": "/omission/claimed", "value": True},
        "widths": [10, 10],
        "heights": {},
        "lines": [],
        "choices": {"yes_no": {"yes": "はい", "no": "いいえ"}},
        "sections": [{"title": {"ja": "一", "en": "one"}, "at": "A2:B2", "fields": [asked()]}],
    }
    return yaml.safe_dump(plain | changes, allow_unicode=True)


def asked(**changes: Any) -> dict[str, Any]:
    plain = {"pointer": "/a", "ja": "あ", "en": "a", "label": "A3", "cells": ["B3"], "type": "text", "max_length": 9}
    return plain | changes


def section(*fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"title": {"ja": "一", "en": "one"}, "at": "A2:B2", "fields": list(fields)}]


def test_a_small_template_is_enough_for_a_form() -> None:
    template = load_template(changed())
    assert isinstance(template, FormTemplate)
    assert [(slot.pointer, slot.cell) for slot in template.slots] == [("/a", "B3")]
    assert template.printed == {"A1", "B1", "A2", "A3"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "form template"),
        ("{}", "id"),
        (changed(unknown=1), "unknown"),
        (changed(sections=section(asked(), asked(label="B3", cells=["C3"]))), "used twice"),
        (changed(sections=section(asked(type="choice"))), "choices belong to a choice"),
        (changed(sections=section(asked(choices="yes_no"))), "choices belong to a choice"),
        (changed(sections=section(asked(type="digits"))), "digits to digits"),
        (changed(sections=section(asked(pointer="/a/*"))), "a list has several cells"),
        (changed(sections=section(asked(cells=["B3", "B4"]))), "a list has several cells"),
        (changed(sections=section(asked(type="choice", choices="colours"))), "no such choices"),
        (changed(choices={"long": {str(n): "長い選択肢" * 4 + str(n) for n in range(20)}}), "drop-down"),
        (changed(choices={"comma": {"a": "はい,いいえ"}}), "drop-down"),
        (changed(choices={"same": {"a": "はい", "b": "はい"}}), "one text twice"),
    ],
)
def test_a_template_that_contradicts_itself_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        load_template(text)


def test_an_unknown_form_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="monitoring-report"):
        load_named("annual-report")
