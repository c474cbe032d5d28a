"""Monthly trial balances with e-Tax account codes, as LedgerExplorer exports them.

Reads: ``trial_balance/YYYY-MM.csv``; one file may hold several months, each becomes a trial balance of its own.
Specification: LedgerExplorer's sample data sets (structured CSV). Columns are found by name, in any order: Month,
    Ledger_Account_Number, Ledger_Account_Name, Debit_Amount, Credit_Amount, Beginning_Balance, Ending_Balance and,
    if there, eTax_Category.
Units and calendar: yen; movements of one calendar month; balances as printed, positive on the account's own side.
Encoding: UTF-8 with or without a byte order mark, or CP932. What cannot be read is replaced and counted (V41).
Known limits: the file names no firm (say ``subject=`` when submitting) and no fiscal year. Accounts that did not move
    may be left out, so a month is never taken as complete. Other columns are noticed (R02) and stay in the raw file.

Which side an account is on is not printed: it is the side on which its own figures roll, else that of the chart. Codes
10A, 10B and 10C are the balance sheet, 10D, 10E and 10F profit and loss. Of several months in one file, each one's
digest is that of the file ``returned`` would give for it alone: the header and its own rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, BinaryIO

from pydantic import ValidationError

from gateway.errors import Unreadable
from gateway.formats.accounts import is_total_code, map_account, normal_side
from gateway.formats.exports import Parted, Row
from gateway.formats.identifiers import shown
from gateway.formats.japanese_calendar import month_end
from gateway.formats.money import Masked, parse_amount
from gateway.formats.places import OfTable, nearest
from gateway.formats.schema_errors import schema_findings, unreadable_value
from gateway.formats.text import UTF8_MARK, Decoded, counted, decode, delimited_rows, whole
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import TrialBalance

NAMES = {
    "source_code": "Ledger_Account_Number",
    "source_name": "Ledger_Account_Name",
    "opening_yen": "Beginning_Balance",
    "debit_yen": "Debit_Amount",
    "credit_yen": "Credit_Amount",
    "closing_yen": "Ending_Balance",
}
MONTH, SECTION = "Month", "eTax_Category"
REQUIRED = {MONTH, *NAMES.values()}
AMOUNTS = ("opening_yen", "debit_yen", "credit_yen", "closing_yen")
STATEMENTS = {"A": "BS", "B": "BS", "C": "BS", "D": "PL", "E": "PL", "F": "PL"}

_CODE = re.compile(r"\d{2}([A-F])\d{6}")
_MONTH = re.compile(r"(\d{4})[-/](0?[1-9]|1[0-2])")


class LedgerTbCsv:
    """The adapter."""

    name = "ledger_tb_csv"
    version = "1"
    media_types = frozenset({"text/csv"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A first line that names every required column."""
        line = head.removeprefix(UTF8_MARK).partition(b"\n")[0]
        if line.startswith((b"{", b"[")):
            return False
        return {name.strip().strip('"') for name in line.decode(errors="replace").split(",")} >= REQUIRED

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """One trial balance per month, in the order in which the months first appear."""
        table = _Table.of(whole(source))
        for ordinal, (month, digest) in enumerate(zip(table.months, table.parted().digests(), strict=True)):
            yield _Month(table, month, ordinal).observed(digest)

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The header and the rows of the refused months."""
        yield from _Table.of(whole(source)).parted().returned(refused)


adapter = LedgerTbCsv()


@dataclass(frozen=True, slots=True)
class _Table:
    """The whole file: its header, and its rows by month."""

    raw: bytes
    decoded: Decoded
    header: Row
    columns: dict[str, int]
    months: dict[str, list[Row]]

    @classmethod
    def of(cls, raw: bytes) -> _Table:
        decoded = decode(raw)
        rows = (Row(*row) for row in counted(delimited_rows(decoded.text)) if row[2].strip(", "))
        header = next(rows, Row(1, [], ""))
        columns = {name.strip(): at for at, name in enumerate(header.cells)}
        if absent := sorted(REQUIRED - columns.keys()):
            raise Unreadable(
                f"The first line lacks columns: {', '.join(absent)}.",
                ja=f"1行目に次の列がありません: {'、'.join(absent)}。",
                place=Place(line=header.line),
            )
        months: dict[str, list[Row]] = {}
        for row in rows:
            if len(row.cells) != len(header.cells):
                raise Unreadable(
                    f"A row of {len(row.cells)} cells under {len(header.cells)} columns.",
                    ja=f"列の数が見出し（{len(header.cells)}列）と異なります（{len(row.cells)}列）。",
                    place=Place(line=row.line),
                )
            months.setdefault(row.cells[columns[MONTH]].strip(), []).append(row)
        if not months:
            raise Unreadable(
                "There is no row below the header.", ja="見出しの下に行がありません。", place=Place(line=1)
            )
        return cls(raw, decoded, header, columns, months)

    def parted(self) -> Parted:
        return Parted(self.raw, self.decoded.encoding, (self.header,), self.months.values())

    def place(self, row: Row, name: str) -> Place:
        """The cell of a named column."""
        return Place(line=row.line, column=self.columns[name] + 1)


class _Month:
    """One month's rows on their way to a trial balance."""

    def __init__(self, table: _Table, month: str, ordinal: int) -> None:
        self.table, self.month, self.ordinal = table, month, ordinal
        self.rows = table.months[month]
        self.problems: list[Finding] = list(self._of_the_file()) if ordinal == 0 else []
        self.missing: dict[str, str] = {}

    def observed(self, digest: str) -> Observed:
        columns = {field: self.table.columns[name] + 1 for field, name in NAMES.items()}
        places = OfTable([row.line for row in self.rows], columns, {"": Place(line=self.rows[0].line)})
        lines = [self._line(index, row) for index, row in enumerate(self.rows)]
        days = self._days()
        if days is None:
            self.problems.append(
                unreadable_value(
                    "/period_to", self.month, "YYYY-MM", self.ordinal, self.table.place(self.rows[0], MONTH)
                )
            )
            return Unplaced(self.ordinal, digest, "trial_balance", tuple(self.problems))
        try:
            record = TrialBalance(
                period_from=days[0],
                period_to=days[1],
                statements=tuple(sorted({line["statement"] for line in lines if line["statement"]})),
                software="LedgerExplorer",
                missing=self.missing,
                lines=lines,
            )
        except ValidationError as refused:
            findings = schema_findings(refused, self.ordinal, partial(nearest, places))
            return Unplaced(self.ordinal, digest, "trial_balance", (*self.problems, *findings))
        return ObservedDocument(record, self.ordinal, digest, places, tuple(self.problems))

    def _days(self) -> tuple[date, date] | None:
        found = _MONTH.fullmatch(self.month)
        if found is None or found[1] == "0000":
            return None
        year, month = int(found[1]), int(found[2])
        return date(year, month, 1), month_end(year, month)

    def _line(self, index: int, row: Row) -> dict[str, Any]:
        cells = {name: row.cells[at].strip() for name, at in self.table.columns.items()}
        code, name, section = cells[NAMES["source_code"]], cells[NAMES["source_name"]], cells.get(SECTION)
        letter = _CODE.match(code)
        statement = STATEMENTS[letter[1]] if letter else None
        line: dict[str, Any] = {
            "source_code": code or None,
            "source_name": name,
            "section": section or None,
            "statement": statement,
            "is_total": is_total_code(code),
        }
        for field in AMOUNTS:
            line[field] = self._amount(index, row, field, cells[NAMES[field]])
        mapped = map_account(code or None, name, section or None, statement)
        line["normal_side"] = normal_side(mapped.account_key, line)
        return line

    def _amount(self, index: int, row: Row, field: str, text: str) -> int | None:
        pointer = f"/lines/{index}/{field}"
        try:
            return parse_amount(text)
        except Masked:
            self.missing[pointer] = "masked"
        except ValueError:
            place = self.table.place(row, NAMES[field])
            self.problems.append(unreadable_value(pointer, text, "整数 / integer", self.ordinal, place))
        return None

    def _of_the_file(self) -> Iterator[Finding]:
        """What is noticed about the file as a whole, said once, with its first month."""
        if self.table.decoded.replaced:
            yield Finding(code="V41", severity=Severity.WARN, params={"count": self.table.decoded.replaced})
        for name, at in self.table.columns.items():
            if name not in REQUIRED and name != SECTION:
                place = Place(line=self.table.header.line, column=at + 1)
                yield Finding(
                    code="R02", severity=Severity.WARN, place=place, field=shown(name), params={"found": shown(name)}
                )
