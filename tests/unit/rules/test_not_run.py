"""Every check of the domain note is a rule, or is named among those that are not run, with the reason."""

from __future__ import annotations

from gateway.rules.not_run import NOT_RUN
from gateway.rules.pack import standard_pack

DOMAIN_NOTE_11 = [f"V{number:02d}" for number in (*range(1, 7), *range(10, 37), *range(40, 46))]


def test_every_check_of_the_domain_note_is_run_or_named_with_its_reason() -> None:
    run = set(standard_pack().by_code)
    assert [code for code in DOMAIN_NOTE_11 if (code in run) == (code in NOT_RUN)] == []
    assert sorted(NOT_RUN.keys() - set(DOMAIN_NOTE_11)) == []


def test_what_is_not_run_says_so_in_both_languages_and_what_it_would_need() -> None:
    assert [code for code, check in NOT_RUN.items() if not all(check) or check.ja.isascii()] == []
