"""Findings read like sentences, in both languages, whatever they hold."""

from __future__ import annotations

import pytest

from gateway.rules.messages import Language, remedy, render
from gateway.schemas.findings import Finding, Severity


def finding(code: str, **params: str | int) -> Finding:
    return Finding(code=code, severity=Severity.WARN, params=params)


def test_amounts_are_grouped_and_columns_called_by_their_names() -> None:
    broken = finding("V20", account="流動資産合計", column="closing_yen", expected=1234567, found=-1000)
    assert render(broken, "ja") == (
        "「流動資産合計」の期末残高が内訳の合計と一致しません（内訳の合計 1,234,567、記載 -1,000）。"
    )
    assert render(broken, "en") == (
        "流動資産合計: the closing balance differs from the sum of its parts (sum 1,234,567, stated -1,000)."
    )


def test_fields_and_codes_of_a_record_are_called_as_its_kind_calls_them() -> None:
    mixed_up = finding("C01", minimum=3, other="account_activity.average_yen", figure=2)
    assert render(mixed_up, "ja") == "月中の最低残高（3 円）が 平均残高（2 円）を上回っています。"
    assert render(mixed_up, "en") == "The month's lowest balance (3 yen) is above its average balance (2 yen)."
    contradicted = finding("K01", answer="approach.answer.not_met", field="approach.decline_reasons")
    assert render(contradicted, "ja") == "事業者の回答（面談できず）と、辞退の理由の記載が合いません。"


def test_a_remedy_is_a_sentence_too() -> None:
    assert remedy(finding("V20", account="流動資産合計"), "ja") == (
        "「流動資産合計」の内訳に漏れや重複がないか確認してください。"
    )
    assert remedy(finding("V20", account="流動資産合計"), "en").startswith(
        "Check whether an account below 流動資産合計"
    )


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_missing_param_shows_its_name(language: Language) -> None:
    assert "{expected}" in render(finding("V23", account="現金", found=1), language)


def test_a_text_where_a_number_was_expected_is_shown_as_it_is() -> None:
    assert "不明" in render(finding("V23", account="現金", expected="不明", found=1), "ja")


def test_a_code_nobody_declares_any_more_is_shown_with_its_params() -> None:
    assert render(finding("Z99", account="現金", found=1), "ja") == "Z99 account=現金 found=1"
    assert remedy(finding("Z99"), "en") == ""
