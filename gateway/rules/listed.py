"""Rules that look codes and numbers up in lists the operator keeps (``docs/reference-data.md``).

A list speaks for certain days. Of a record of another day it says nothing, neither that a code exists nor that it does
not, and the rule was not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Protocol

from gateway.formats.text import narrow
from gateway.reference.corporations import Corporations
from gateway.reference.institutions import Institutions
from gateway.rules.rule import Asked, Hit, Words, listed_rule
from gateway.schemas.findings import Severity
from gateway.schemas.identifiers import Scheme, corporate_number_holds
from gateway.schemas.records import KINDS, Record

OF_BANKS = tuple(
    kind
    for kind, model in KINDS.items()
    if "branch_code" in model.model_fields and "bank_code" in model.model_json_schema()["required"]
)
OF_FIRMS = tuple(kind for kind in KINDS if kind != "repayment_status")  # rows name guarantees, not firms
NOT_LISTED, NO_SUCCESSOR = "not_listed", "no_successor"


class Office(Protocol):
    """What names a bank and its branch as of a day: a report, or rows that say the same."""

    bank_code: str
    branch_code: str | None

    @property
    def valid_on(self) -> date:
        """The day the record speaks of: a tape's date, the day of a payment, the last of a report's period."""
        ...


@listed_rule(
    "V04",
    OF_BANKS,
    Severity.REFUSE,
    Words(
        ja="金融機関コード {found} は、{on} の時点では使われていません（使用期間: {used}。"
        "{days} の金融機関一覧による）。",
        en="Bank code {found} was not in use on {on} (in use: {used}; list of institutions for {days}).",
        remedy_ja="{on} の時点の金融機関コードに直してください（承継先: {successor}）。",
        remedy_en="Write the bank code in use on {on} (successor: {successor}).",
    ),
    "domain note 11, V04",
    asked=Asked("institutions", ("bank_code", "valid_on")),
)
def bank_code_was_in_use(listed: Institutions, record: Office) -> Sequence[Hit] | None:
    """A bank's code was in use on the day the record speaks of, or took over from one that was.

    *Because* codes end with every merger; under one that nobody has, nobody can be asked about the record. Looked at
    only on days for which the operator's list is complete, and not at all where there is none.
    *Accepts* an old code on its last day; the code that took over, also for days before it came into use.
    *Finds* the old code the day after; a code that no bank ever had.
    *Remedy* write the code of that day.
    *Source* domain note 11, V04 and 3.4.
    """
    day, code = record.valid_on, record.bank_code
    if not listed.covers(day):
        return None
    return () if listed.is_in_use(code, day) or listed.took_over(code, day) else (_ended(listed, code, day),)


@listed_rule(
    "V04B",
    OF_BANKS,
    Severity.WARN,
    Words(
        ja="支店コード {found} は、{on} の時点では使われていません（使用期間: {used}。{days} の金融機関一覧による）。",
        en="Branch code {found} was not in use on {on} (in use: {used}; list of institutions for {days}).",
        remedy_ja="{on} の時点の支店コードに直してください（承継先: {successor}）。",
        remedy_en="Write the branch code in use on {on} (successor: {successor}).",
    ),
    "domain note 11, V04",
    asked=Asked("institutions", ("branch_code", "bank_code", "valid_on")),
)
def branch_code_was_in_use(listed: Institutions, record: Office) -> Sequence[Hit] | None:
    """A branch's code was in use at its bank on the day the record speaks of, or took over from one that was.

    *Because* who is to be asked about the firm is found by it; branches are merged more often than lists are renewed,
    so the record goes in. Not looked at where the list holds no branch of the bank, or the bank had no such code.
    *Accepts* 9991-011 on its last day; 9991-012, which took over from it.
    *Finds* 9991-011 the day after; 9991-999, which never was.
    *Remedy* write the code of that day.
    *Source* domain note 11, V04 and 3.4.
    """
    day, bank = record.valid_on, record.bank_code
    if record.branch_code is None or not listed.covers(day) or not listed.knows_branches_of(bank):
        return None
    if not listed.is_in_use(bank, day):
        return None
    code = bank + record.branch_code
    return () if listed.is_in_use(code, day) or listed.took_over(code, day) else (_ended(listed, code, day),)


def _ended(listed: Institutions, code: str, day: date) -> Hit:
    pointer = "/bank_code" if len(code) == 4 else "/branch_code"
    after = listed.successor(code, day)
    used, successor = listed.times(code) or NOT_LISTED, _shown(after) if after else NO_SUCCESSOR
    told = {"found": _shown(code), "on": str(day), "used": used, "successor": successor, "days": listed.days}
    return Hit(pointer, told)


def _shown(code: str) -> str:
    return "-".join(filter(None, (code[:4], code[4:])))


@listed_rule(
    "V02",
    OF_FIRMS,
    Severity.WARN,
    Words(
        ja="法人番号 {found} は、国税庁の公表データ（{day} 現在）にありません。",
        en="Corporate number {found} is not among those the National Tax Agency publishes (as of {day}).",
        remedy_ja="法人番号を国税庁の公表サイトで確認してください。",
        remedy_en="Look the number up on the National Tax Agency's site.",
    ),
    "domain note 11, V02",
    asked=Asked("corporations"),
)
def corporate_numbers_were_given(listed: Corporations, record: Record) -> Sequence[Hit] | None:
    """A corporate number is one that the National Tax Agency gave to somebody.

    *Because* one wrong number in nine still carries its check digit. Looked at only for records of days up to the one
    for which the operator's copy stands: a firm of later days may have its number since.
    *Accepts* any number of the copy, open or closed.
    *Finds* 7999910000009, which nobody has.
    *Remedy* look the number up and correct it.
    *Source* domain note 11, V02 and 3.1.
    """
    numbers = _numbers(listed, record)
    unknown = [(at, number) for at, number in numbers if not listed.is_listed(number)]
    found = [Hit(at, {"found": number, "day": str(listed.day)}) for at, number in unknown]
    return found if numbers else None


@listed_rule(
    "V02C",
    OF_FIRMS,
    Severity.WARN,
    Words(
        ja="法人番号 {found} の登記記録は {closed_on} に閉鎖されていますが（{cause}。国税庁の公表データ、{day} 現在）、"
        "記録は {on} のものです。",
        en="The register of corporate number {found} was closed on {closed_on} ({cause}; the Tax Agency's data as of "
        "{day}), yet the record is of {on}.",
        remedy_ja="記録の日付と法人番号を確認してください。事業が引き継がれた場合は、その法人の番号で提出してください"
        "（承継先: {successor}）。",
        remedy_en="Check date and number; if the business was taken over, name that firm (successor: {successor}).",
    ),
    "domain note 11, V02",
    asked=Asked("corporations"),
)
def the_firm_was_not_closed_before(listed: Corporations, record: Record) -> Sequence[Hit] | None:
    """A record does not speak of days after the register of its firm was closed.

    *Because* a firm that was wound up or merged has no later figures: they are another's, or of another day. Looked at
    like V02. A register that was opened again counts as open.
    *Accepts* figures up to the day of closing; any figures of a firm that was closed later.
    *Finds* closed 2026-04-01, a trial balance to 2026-04-30.
    *Remedy* check date and number; name the firm that took over.
    *Source* domain note 11, V02 and 3.1 (closeDate).
    """
    numbers, found = _numbers(listed, record), []
    for pointer, number in numbers:
        closing = listed.find_closing(number)
        if closing is not None and closing.closed_on < record.valid_on:
            told = {"found": number, "on": str(record.valid_on), "day": str(listed.day)}
            told |= {"closed_on": str(closing.closed_on), "cause": f"close_cause_{closing.cause}"}
            found.append(Hit(pointer, told | {"successor": closing.successor or NO_SUCCESSOR}))
    return found if numbers else None


def _numbers(listed: Corporations, record: Record) -> list[tuple[str, str]]:
    """Where the record names its firm by a corporate number that can be one (V01), if the list says anything of it."""
    if not record.references or not listed.covers(record.valid_on):
        return []
    return [
        (f"/references/{at}/value", number)
        for at, reference in enumerate(record.references)
        if reference.scheme is Scheme.CORPORATE_NUMBER and (number := _sound(reference.value))
    ]


@lru_cache(maxsize=256)  # two rules ask for the same number one after the other
def _sound(value: str) -> str | None:
    number = narrow(value)
    return number if corporate_number_holds(number) else None
