"""Findings in words, made when they are read: 日本語 or English, the finding and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from string import Formatter
from typing import Any, Final, Literal

from gateway.rules.pack import standard_pack
from gateway.rules.rule import Rule, Words
from gateway.schemas.findings import Finding
from gateway.schemas.records import KINDS
from gateway.schemas.records.labels import names

Language = Literal["ja", "en"]

FIELDS: Final[dict[str, tuple[str, str]]] = {
    "opening_yen": ("期首残高", "opening balance"),
    "debit_yen": ("借方", "debit"),
    "credit_yen": ("貸方", "credit"),
    "closing_yen": ("期末残高", "closing balance"),
    "amount_yen": ("金額", "amount"),
    "not_listed": ("記載なし", "not listed"),
    "no_successor": ("記載なし", "none named"),
    "close_cause_01": ("清算の結了等", "liquidation completed"),
    "close_cause_11": ("合併による解散等", "dissolved by a merger"),
    "close_cause_21": ("登記官による閉鎖", "closed by the registrar"),
    "close_cause_31": ("その他の清算の結了等", "liquidation completed otherwise"),
}
"""Names that stand in a finding's params, as people call what they stand for."""


@cache
def _names() -> Mapping[str, tuple[str, str]]:
    """Those, and what the record kinds call their fields and codes (``kind.field``, ``kind.field.code``)."""
    said = (each for kind, model in KINDS.items() for each in names(model, kind))
    return {name: (ja, en.removesuffix(", yen")) for name, (ja, en) in said} | FIELDS


def render(finding: Finding, language: Language) -> str:
    """The finding as one sentence. A code that is no longer declared is shown as it is, with its params."""
    words = _words(finding)
    if words is None:
        return " ".join((finding.code, *(f"{name}={value}" for name, value in finding.params.items())))
    return _filled(words.ja if language == "ja" else words.en, finding, language)


def remedy(finding: Finding, language: Language) -> str:
    """What the sender can do about it; empty for a code that is no longer declared."""
    words = _words(finding)
    return _filled(words.remedy_ja if language == "ja" else words.remedy_en, finding, language) if words else ""


def _words(finding: Finding) -> Words | None:
    rule: Rule | None = standard_pack().by_code.get(finding.code)
    return rule.words if rule else None


def _filled(template: str, finding: Finding, language: Language) -> str:
    place = 0 if language == "ja" else 1
    named = {name: _names().get(str(value), (value, value))[place] for name, value in finding.params.items()}
    return _Forgiving().vformat(template, (), named)


class _Forgiving(Formatter):
    """Shows the name of a param that is missing, and a text as it is even where a number was expected."""

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), f"{{{key}}}")

    def format_field(self, value: Any, format_spec: str) -> str:
        return format(value, format_spec) if isinstance(value, int) else str(value)
