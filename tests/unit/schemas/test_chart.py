from __future__ import annotations

from collections import Counter

from gateway.schemas.accounts import chart

CHART = chart()


def test_the_chart_is_read_once() -> None:
    assert chart() is CHART


def test_every_parent_is_a_total_or_an_account_with_deductions() -> None:
    parents = {account.parent for account in CHART.accounts.values() if account.parent}
    assert sorted(parents - CHART.accounts.keys()) == []
    assert sorted(key for key in parents if not CHART.accounts[key].total) == ["sales"]


def test_an_account_is_contra_exactly_where_it_stands_on_the_other_side_of_its_parent() -> None:
    stands_across = {
        account.key
        for account in CHART.accounts.values()
        if account.parent and CHART.accounts[account.parent].side != account.side
    }
    assert {account.key for account in CHART.accounts.values() if account.contra} == stands_across


def test_no_code_names_two_accounts() -> None:
    codes = Counter(code for account in CHART.accounts.values() for code in (*account.etax, *account.etax_total))
    assert [code for code, count in codes.items() if count > 1] == []


def test_a_code_of_the_general_table_belongs_to_the_statement_of_its_letter() -> None:
    letters = {"A": "BS", "B": "BS", "C": "BS", "D": "PL", "E": "PL", "F": "PL"}
    strangers = [
        (account.key, code)
        for account in CHART.accounts.values()
        for code in account.etax
        if account.statement != letters[code[2]]
    ]
    assert strangers == [("outsourcing_cost", "10E110660")]  # manufacturing cost has its codes among the costs


def test_families_and_vendors_speak_of_accounts_that_exist() -> None:
    spoken_of = {family.key for family in CHART.families}
    spoken_of |= {key for names in CHART.vendors.values() for key in names.values()}
    assert sorted(spoken_of - CHART.accounts.keys()) == []


def test_no_family_is_found_twice() -> None:
    prefixes = Counter(family.prefix for family in CHART.families if family.prefix)
    sections = Counter(name for family in CHART.families for name in family.sections)
    assert [name for name, count in (*prefixes.items(), *sections.items()) if count > 1] == []


def test_what_collects_the_rest_is_never_a_total() -> None:
    assert [family.key for family in CHART.families if CHART.accounts[family.key].total] == []


def test_every_account_of_the_domain_note_is_there() -> None:
    needed = {"cash_and_deposits", "notes_receivable", "total_assets", "short_term_debt", "officer_debt_long", "sales"}
    needed |= {"net_assets", "gross_profit", "depreciation_sga", "operating_profit", "interest_expense", "net_profit"}
    assert sorted(needed - CHART.accounts.keys()) == []
