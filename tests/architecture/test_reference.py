"""The pages made from code say what the code says, and every rule and adapter says enough."""

from __future__ import annotations

import sys

import pytest
from project_files import ROOT
from reference_pages import PAGES, rules_md, sections

from gateway.plugins import load_adapters
from gateway.rules.rule import REGISTRY

RULE_HEADINGS = ["Because", "Accepts", "Finds", "Remedy", "Source"]
ADAPTER_HEADINGS = ["Reads", "Specification", "Units and calendar", "Encoding", "Known limits"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_code_is_as_make_docs_writes_it(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == PAGES[name]()


def test_every_rule_says_why_and_what_with_an_example_of_both() -> None:
    rules_md()
    said = {rule.code: list(sections(rule.page)[1]) for rule in REGISTRY.values() if rule.check}
    assert {code: headings for code, headings in said.items() if headings != RULE_HEADINGS} == {}


def test_every_adapter_says_what_it_reads_and_what_it_does_not() -> None:
    modules = {adapter.name: sys.modules[type(adapter).__module__] for adapter in load_adapters().values()}
    said = {name: list(sections(module.__doc__ or "")[1]) for name, module in modules.items()}
    assert {name: headings for name, headings in said.items() if headings != ADAPTER_HEADINGS} == {}
