"""A pack runs what concerns a kind, says where, and refuses to run nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any

import pytest

from gateway.errors import ConfigurationError
from gateway.rules.pack import Pack, check_document, check_history, standard_pack
from gateway.rules.rule import REGISTRY, Hit, Rule, Words, reading_rule
from gateway.schemas.findings import Severity
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.place import Place
from gateway.schemas.records import KINDS, TrialBalance, TrialBalanceLine

WORDS = Words("見つかった", "found", "直す", "mend")


def always(view: Any, past: Any = None) -> Iterator[Hit]:
    """Finds something in everything."""
    yield Hit("/lines/0/closing_yen", {"account": "預り金 123456789018"})


def pack_of(form: Any) -> Pack:
    return Pack(
        "p", "p-1", (Rule("X1", form, frozenset({"trial_balance"}), Severity.WARN, WORDS, "test", check=always),)
    )


def observed() -> ObservedDocument:
    line = TrialBalanceLine(source_name="現金", closing_yen=1)
    record = TrialBalance(period_from=date(2024, 4, 1), period_to=date(2024, 4, 30), lines=(line,))
    places = {"": Place(line=1), "/lines/0": Place(line=7, column=3)}
    return ObservedDocument(record=record, ordinal=4, digest="0" * 64, places=places)


def test_a_finding_names_record_field_and_place_and_shows_no_my_number() -> None:
    [finding] = check_document(pack_of("document"), observed())
    assert (finding.code, finding.severity, finding.record) == ("X1", Severity.WARN, 4)
    assert (finding.field, finding.place) == ("/lines/0/closing_yen", Place(line=7, column=3))
    assert finding.params == {"account": "預り金 **********18"}


def test_rules_over_history_need_an_earlier_record() -> None:
    assert check_history(pack_of("history"), observed(), None) == []
    assert [f.code for f in check_history(pack_of("history"), observed(), {"lines": []})] == ["X1"]


def test_a_pack_without_any_rule_for_a_kind_is_refused_rather_than_run_in_vain() -> None:
    with pytest.raises(ConfigurationError, match="p-1 has no effective rule for monitoring_report"):
        pack_of("document").document_rules("monitoring_report")
    with pytest.raises(ConfigurationError):
        check_document(Pack("empty", "empty-1", ()), observed())


def test_words_for_reading_are_no_effective_rules() -> None:
    reading = tuple(rule for rule in standard_pack().rules if rule.form == "reading")
    with pytest.raises(ConfigurationError):
        Pack("words", "words-1", reading).row_rules("repayment_status", history=False)


def test_a_kind_may_have_rules_of_one_form_only() -> None:
    pack = pack_of("history")
    assert [rule.code for rule in pack.history_rules("trial_balance")] == ["X1"]
    assert (pack.document_rules("trial_balance"), pack.row_rules("trial_balance", history=True)) == ((), ())


def test_a_pack_of_other_rules_has_another_version() -> None:
    """The version is sealed with what it judged. Whoever adds or takes away a rule changes both."""
    pack = standard_pack()
    digest = sha256(" ".join(rule.code for rule in pack.rules).encode()).hexdigest()[:8]
    assert (pack.version, digest) == ("standard-7", "3509b158")


def test_the_standard_pack_holds_every_declared_rule_in_the_order_of_codes() -> None:
    assert [rule.code for rule in standard_pack().rules] == sorted(REGISTRY)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_standard_pack_checks_every_kind(kind: str) -> None:
    pack = standard_pack()
    rules = pack.document_rules(kind) + pack.row_rules(kind, history=False)
    assert len(rules) >= 3
    assert {rule.form for rule in rules} <= {"document", "rows"}


def test_a_code_is_never_used_for_two_rules() -> None:
    with pytest.raises(ValueError, match="V06 is declared twice"):
        reading_rule("V06", Severity.WARN, WORDS, "test")
