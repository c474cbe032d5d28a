"""What holds of lists whatever is in them: nobody is found for days of which they say nothing or which went before."""

from __future__ import annotations

from array import array
from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.reference.corporations import Columns, Corporations
from gateway.reference.institutions import Institutions, Span
from gateway.reference.lists import Lists
from gateway.rules.pack import check_listed, standard_pack
from gateway.rules.rows import look_up_rows
from gateway.schemas.findings import Finding
from gateway.schemas.identifiers import corporate_number_holds
from gateway.schemas.observed import ObservedDocument, ObservedRows
from gateway.schemas.records import MonitoringReport
from gateway.schemas.records.repayment_columns import KIND, frame_of
from gateway.schemas.statement import Consulted

SOURCE = Consulted(name="list", sha256="0" * 64)
PACK = standard_pack()
EPOCH = date(2024, 1, 1)
DAYS = st.integers(0, 60).map(lambda number: EPOCH + timedelta(days=number))
BANKS = [f"999{number}" for number in range(1, 7)]
BRANCHES = [f"00{number}" for number in range(1, 4)]
CODES = [*BANKS, *(bank + branch for bank in BANKS for branch in BRANCHES)]
NUMBERS = [
    number
    for base in range(999910000001, 999910000009)
    for check in range(1, 10)
    if corporate_number_holds(number := f"{check}{base}")
]


@st.composite
def spans(draw: st.DrawFn) -> Span:
    first, last = sorted((draw(DAYS), draw(DAYS)))
    return Span(draw(st.sampled_from([first, date.min])), draw(st.sampled_from([last, date.max])), None)


@st.composite
def institutions(draw: st.DrawFn) -> Institutions:
    listed = draw(st.dictionaries(st.sampled_from(CODES), st.lists(spans(), min_size=1, max_size=2)))
    followed = {
        code: [
            span._replace(successor=draw(st.sampled_from([None, *(c for c in CODES if len(c) == len(code))])))
            for span in times
        ]
        for code, times in listed.items()
        if code[:4] in listed
    }
    first, last = sorted((draw(DAYS), draw(DAYS)))
    return Institutions(SOURCE, first, last, followed)


@st.composite
def corporations(draw: st.DrawFn) -> Corporations:
    given = sorted(draw(st.sets(st.sampled_from(NUMBERS))))
    closed = [(number, draw(DAYS)) for number in given if draw(st.booleans())]
    columns = Columns(
        memoryview(array("Q", map(int, given))),
        memoryview(array("Q", [int(number) for number, _ in closed])),
        memoryview(array("Q", [0] * len(closed))),
        memoryview(array("I", [int(f"{day:%Y%m%d}") for _, day in closed])),
        memoryview(array("I", [1] * len(closed))),
    )
    return Corporations(SOURCE, draw(DAYS), columns)


def report(bank: str, branch: str | None, day: date, *numbers: str) -> ObservedDocument:
    named = [{"scheme": "corporate_number", "value": number} for number in numbers]
    fields = {"bank_code": bank, "branch_code": branch, "period_from": day, "period_to": day, "references": named}
    return ObservedDocument(record=MonitoringReport.model_validate(fields), ordinal=0, digest="")


def told(findings: list[Finding]) -> list[tuple[str, str, list[tuple[str, str | int]]]]:
    return sorted((one.code, one.severity, sorted(one.params.items())) for one in findings)


@given(institutions(), st.sampled_from(BANKS), st.sampled_from([None, *BRANCHES]), DAYS)
def test_nothing_is_found_on_days_for_which_a_list_is_not_complete(
    listed: Institutions, bank: str, branch: str | None, day: date
) -> None:
    looked = check_listed(PACK, report(bank, branch, day), Lists(listed))
    assert listed.covers(day) or (looked.findings, looked.rules, looked.lists) == ([], 0, set())


@given(institutions(), st.sampled_from(BANKS), st.sampled_from(BRANCHES), DAYS)
def test_a_code_in_use_on_the_day_is_never_found(listed: Institutions, bank: str, branch: str, day: date) -> None:
    found = {one.code for one in check_listed(PACK, report(bank, branch, day), Lists(listed)).findings}
    assert not ("V04" in found and listed.is_in_use(bank, day))
    assert not ("V04B" in found and listed.is_in_use(bank + branch, day))
    assert found <= {"V04"} or found <= {"V04B"}  # one fault, one finding


@given(st.lists(DAYS, min_size=2, max_size=5, unique=True).map(sorted), DAYS)
def test_of_banks_that_merge_each_is_taken_while_it_was_and_after_it_the_one_that_stands_is_named(
    ends: list[date], day: date
) -> None:
    chain = BANKS[: len(ends) + 1]
    firsts = [date.min, *(end + timedelta(days=1) for end in ends)]
    times = zip(chain, firsts, [*ends, date.max], [*chain[1:], None], strict=True)
    listed = Institutions(SOURCE, date.min, date.max, {code: [Span(*span)] for code, *span in times})
    [standing] = [code for code in chain if listed.is_in_use(code, day)]
    for code in chain:
        found = check_listed(PACK, report(code, None, day), Lists(listed)).findings
        ended = chain.index(code) < chain.index(standing)
        assert [one.code for one in found] == ["V04"] * ended
        assert not ended or found[0].params["successor"] == standing


@given(corporations(), st.sampled_from(NUMBERS), DAYS)
def test_a_firm_is_found_only_for_days_after_its_closing_up_to_that_of_the_list(
    listed: Corporations, number: str, day: date
) -> None:
    looked = check_listed(PACK, report("9991", None, day, number), Lists(corporations=listed))
    found, closing = [one.code for one in looked.findings], listed.find_closing(number)
    assert ("V02C" in found) == (closing is not None and closing.closed_on < day <= listed.day)
    assert ("V02" in found) == (not listed.is_listed(number) and day <= listed.day)
    assert looked.rules == (2 if day <= listed.day else 0)


@settings(max_examples=25, deadline=None)
@given(
    institutions(),
    st.lists(st.tuples(st.sampled_from(BANKS), st.sampled_from([None, *BRANCHES]), DAYS), min_size=1, max_size=12),
    st.sampled_from([1, 200]),
)
def test_rows_few_or_many_are_found_as_reports_are(
    listed: Institutions, said: list[tuple[str, str | None, date]], times: int
) -> None:
    rows = [
        {
            "guarantee_no": "13-1",
            "balance_yen": 1,
            "status": "performing",
            "bank_code": bank,
            "branch_code": branch,
            "as_of": str(day),
        }
        for bank, branch, day in said
    ] * times
    numbered = frame_of(rows).with_columns(pl.int_range(pl.len()).alias("ordinal"), pl.lit(1).alias("line"))
    tape = look_up_rows(ObservedRows(KIND, numbered), PACK.listed_rules(KIND), Lists(listed))
    alone = [check_listed(PACK, report(*one), Lists(listed)) for one in said]
    assert told(tape.findings) == told([finding for one in alone for finding in one.findings] * times)
    assert tape.evaluations == sum(one.evaluations for one in alone) * times
