"""Journals (仕訳帳) rebuilt into trial balances: one a month, of movements only.

What a journal does not say is not made up: opening and closing balances stay empty, and accounts that did not move are
not there. Consumption tax is treated as the figures themselves show, month by month:

- Debits and credits balance as printed: amounts include the tax that stands beside them (内税). Where the heading says
  税抜, that tax is moved to 仮払消費税等 or 仮受消費税等, by its 税区分; else it stays (``tax_method`` inclusive).
- They balance once the tax is added: amounts are without it (外税), and the tax is posted to the same two accounts.
- Neither: they stay as printed, and rule V22 says that they do not balance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, Literal

from gateway.errors import Unreadable
from gateway.formats.exports import Export, Parted, Row, TaxMethod
from gateway.formats.identifiers import shown
from gateway.formats.japanese_calendar import month_end, parse_date
from gateway.formats.money import parse_amount
from gateway.formats.schema_errors import unreadable_value
from gateway.formats.trial_lines import TrialLines
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed
from gateway.schemas.place import Place

Side = Literal["debit", "credit"]
SERIES = "仕訳帳"
"""Stands in ``department``: what a journal adds up to is another series than a stated trial balance."""

PAID, RECEIVED = "仮払消費税等", "仮受消費税等"
_TAX_ACCOUNTS = ("仮払消費税", "仮受消費税")


@dataclass(frozen=True, slots=True)
class Half:
    """The 0-based columns of one side of a row."""

    account: int
    amount: int
    tax: int | None = None
    tax_class: int | None = None


@dataclass(frozen=True, slots=True)
class JournalLayout:
    """Where a journal's rows say what.

    Attributes:
        day: column of the date.
        adjusting: column that is filled where an entry is one of the closing (決算整理).
    """

    day: int
    debit: Half
    credit: Half
    adjusting: int | None = None

    @property
    def width(self) -> int:
        """How many cells a row has at least."""
        return max(self.day, self.debit.account, self.debit.amount, self.credit.account, self.credit.amount) + 1


@dataclass(frozen=True, slots=True)
class Posting:
    """One amount on one side of one account, and the tax that stands beside it (yen)."""

    account: str
    side: Side
    yen: int
    tax_yen: int
    tax_class: str
    place: Place
    tax_place: Place

    @property
    def tax_account(self) -> str | None:
        """Where its tax belongs, if its class says so."""
        if "売" in self.tax_class:
            return RECEIVED
        return PAID if "仕" in self.tax_class else None

    def of_tax(self, account: str) -> Posting:
        """The posting of its tax."""
        return Posting(account, self.side, self.tax_yen, 0, "", self.tax_place, self.tax_place)

    def without_tax(self) -> Posting:
        """The posting of the rest."""
        return Posting(self.account, self.side, self.yen - self.tax_yen, 0, "", self.place, self.place)


@dataclass(frozen=True)
class Journal:
    """A whole journal.

    Attributes:
        heading: rows that come with whichever part of it is given back.
        rows: its entries' rows.
        period: first and last day, where its heading states them; a 20日締め makes its months begin on the 21st.
        tax: as its heading states it.
        header: further fields of each record.
        problems: what was noticed about the file as a whole, said with the first record.
    """

    export: Export
    layout: JournalLayout
    software: str
    heading: Sequence[Row]
    rows: Sequence[Row]
    period: tuple[date, date] | None = None
    tax: TaxMethod = "unknown"
    header: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Finding] = ()

    @cached_property
    def months(self) -> dict[date, list[Row]]:
        """The rows by the first day of their month.

        Raises:
            Unreadable: there are no rows, one ends before its amounts, or has no date: then no month is known to be
                whole, and a part of one would take the place of all of it.
        """
        if not self.rows:
            raise Unreadable("There is no entry in it.", ja="仕訳がありません。", place=Place(line=1))
        months: dict[date, list[Row]] = {}
        for row in self.rows:
            if len(row.cells) < self.layout.width:
                raise Unreadable(
                    f"A row of {len(row.cells)} cells is no entry.",
                    ja=f"列が足りません（{len(row.cells)}列）。",
                    place=Place(line=row.line),
                )
            months.setdefault(self._month(row), []).append(row)
        return months

    def _month(self, row: Row) -> date:
        text = row.cells[self.layout.day]
        try:
            day = parse_date(text)
        except ValueError:
            day = date.min
        if not 1900 <= day.year <= 2200:
            raise Unreadable(
                f"'{shown(text)}' is no date, so that no month is known to be whole.",
                ja=f"日付「{shown(text)}」を読み取れません。どの月の仕訳か分からないため、全体を差し戻します。",
                place=Place(line=row.line, column=self.layout.day + 1),
            )
        if day < self._first_of(day):
            day = day.replace(day=1) - timedelta(days=1)
        return self._first_of(day)

    def _first_of(self, day: date) -> date:
        """The day on which the month begins that begins in the calendar month of this one."""
        start = self.period[0].day if self.period else 1
        return day.replace(day=min(start, month_end(day.year, day.month).day))

    def last_of(self, first: date) -> date:
        """The last day of the month that begins on this one; that of the period where it comes first."""
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        last = self._first_of(following) - timedelta(days=1)
        return min(last, self.period[1]) if self.period and first <= self.period[1] else last

    def returned(self, refused: Collection[int]) -> Iterator[bytes]:
        """The heading, if there is one, and the rows of the refused months."""
        return self._parted.returned(refused)

    def observed(self) -> Iterator[Observed]:
        """One trial balance per month, in the order in which the months first appear."""
        for ordinal, (month, digest) in enumerate(zip(self.months, self._parted.digests(), strict=True)):
            yield _Month(self, month, ordinal).observed(digest)

    @property
    def _parted(self) -> Parted:
        return Parted(self.export.raw, self.export.encoding, self.heading, self.months.values())


class _Month:
    """One month's rows on their way to a trial balance."""

    def __init__(self, journal: Journal, month: date, ordinal: int) -> None:
        self.journal, self.month, self.rows, self.ordinal = journal, month, journal.months[month], ordinal
        self.lines = TrialLines(ordinal, journal.software)
        self.problems = self.lines.problems
        if ordinal == 0:
            self.problems += [*journal.problems, *journal.export.findings()]

    def observed(self, digest: str) -> Observed:
        postings, method = taxed([*self._postings()], self.journal.tax)
        last, adjusting = self.journal.last_of(self.month), self.journal.layout.adjusting
        if self.journal.period is None:
            params: dict[str, str | int] = {"period_from": self.month.isoformat(), "period_to": last.isoformat()}
            place = Place(line=self.rows[0].line, column=self.journal.layout.day + 1)
            self.problems.append(
                Finding(code="R05", severity=Severity.INFO, record=self.ordinal, place=place, params=params)
            )
        header = {
            "period_from": self.month,
            "period_to": last,
            "department": SERIES,
            "tax_method": method,
            "includes_adjusting": True if any(_filled(row, adjusting) for row in self.rows) else None,
            **self.journal.header,
        }
        return self.lines.observed(digest, header, self._added(postings))

    def _postings(self) -> Iterator[Posting]:
        for row in self.rows:
            for side, half in (("debit", self.journal.layout.debit), ("credit", self.journal.layout.credit)):
                account, amount = row.cells[half.account], row.cells[half.amount]
                place = Place(line=row.line, column=half.amount + 1)
                yen = self._read(amount, f"{side}_yen", place)
                if not account:
                    if yen:
                        where = Place(line=row.line, column=half.account + 1)
                        self.problems.append(unreadable_value("/source_name", None, "", self.ordinal, where))
                    continue
                if yen is None and not amount:
                    self.problems.append(unreadable_value(f"/{side}_yen", None, "", self.ordinal, place))
                tax_place = Place(line=row.line, column=half.tax + 1) if half.tax is not None else place
                tax = self._read(_cell(row, half.tax), f"{side}_yen", tax_place) or 0
                tax_class = _cell(row, half.tax_class)
                yield Posting(
                    account, "debit" if side == "debit" else "credit", yen or 0, tax, tax_class, place, tax_place
                )

    def _read(self, text: str, name: str, place: Place) -> int | None:
        try:
            return parse_amount(text)
        except ValueError:  # masked, too: a sum without it would be a guess
            self.problems.append(unreadable_value(f"/{name}", text, "整数 / integer", self.ordinal, place))
            return None

    def _added(self, postings: Sequence[Posting]) -> dict[str, Place]:
        """Adds up the postings by account; the places are those of the first posting on each side."""
        sums: dict[str, dict[str, int]] = {}
        firsts: dict[str, dict[str, Place]] = {}
        for one in postings:
            amounts = sums.setdefault(one.account, {"debit_yen": 0, "credit_yen": 0})
            amounts[f"{one.side}_yen"] += one.yen
            firsts.setdefault(one.account, {"": one.place}).setdefault(f"{one.side}_yen", one.place)
        places = {"": Place(line=self.rows[0].line)}
        for index, (account, amounts) in enumerate(sums.items()):
            here = firsts[account]
            self.lines.add({"source_name": account}, amounts, here.__getitem__)
            places |= {f"/lines/{index}/{name}".rstrip("/"): place for name, place in here.items()}
        return places


def taxed(postings: Sequence[Posting], stated: TaxMethod) -> tuple[Sequence[Posting], TaxMethod]:
    """The postings with their consumption tax where it belongs, and whether their amounts now include it.

    Nothing is added or lost: what balanced before balances after.

    Args:
        postings: as printed.
        stated: what the heading says.
    """
    taxes = [one for one in postings if one.tax_yen]
    if not taxes:
        separate = any(one.account.startswith(_TAX_ACCOUNTS) for one in postings)
        return postings, stated if stated != "unknown" or not separate else "exclusive"
    known = all(one.tax_account for one in taxes)
    off = sum(one.yen if one.side == "debit" else -one.yen for one in postings)
    off_with_tax = off + sum(one.tax_yen if one.side == "debit" else -one.tax_yen for one in taxes)
    if off != 0 and off_with_tax == 0 and known:
        return [*postings, *(one.of_tax(one.tax_account or "") for one in taxes)], "exclusive"
    if off == 0 and stated == "exclusive" and known:
        split = [one.without_tax() if one.tax_yen else one for one in postings]
        return [*split, *(one.of_tax(one.tax_account or "") for one in taxes)], "exclusive"
    return postings, "inclusive" if off == 0 else "unknown"


def _cell(row: Row, at: int | None) -> str:
    return row.cells[at] if at is not None and at < len(row.cells) else ""


def _filled(row: Row, at: int | None) -> bool:
    return _cell(row, at).casefold() not in ("", "no", "0", "false")
