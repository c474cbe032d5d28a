"""CSV trial balances of any other program (勘定奉行, PCA, JDL, Jobcan …): columns known by their labels, or learned.

Reads: a table with one account a row, below whatever heading the program writes; one trial balance per 部門 where
    there is such a column. Comma or tab.
Specification: labels in ``schemas/data/columns/trial_balance.yaml`` (domain note 6.7). Where they do not suffice, the
    document is refused with a question and a proposed map; the answer, a file in the data folder's ``column_maps/``, is
    used from then on (``formats/column_maps.py``).
Units and calendar: yen, or as heading, labels or map say; the period that the heading states, in any spelling, else
    that of the file's name; never guessed.
Encoding: CP932, UTF-8 or EUC-JP; 外字 are kept and told (V41G), text damaged before it was sent is refused.
Known limits: the firm is not named; say ``subject=`` when submitting. A table whose labels nobody knows is not
    recognised: send it with ``adapter=mapped_tb_csv``. Balances in two columns (借方残高, 貸方残高) are not read.
    Sub-accounts (補助科目) below their own account stay in the raw file. Further columns are noticed (R02).

A sum is known by its name (合計, 計, a profit of the chart). A name without amounts opens a section.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from gateway.errors import Unreadable
from gateway.formats.column_maps import AMOUNTS, ColumnMap
from gateway.formats.exports import Export, Parted, Row, TaxMethod, period_of, tax_method_of, unit_of
from gateway.formats.identifiers import shown
from gateway.formats.schema_errors import unreadable_value
from gateway.formats.table_columns import cell_of, columns_of, header_row, roles_of
from gateway.formats.text import UTF8_MARK, whole
from gateway.formats.trial_lines import TableLines, bare_name, is_sum, statement_of, stem_of_sum
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed
from gateway.schemas.place import Place
from gateway.schemas.records import Unit

LOOKED_AT_BYTES = 8_192
WHOLE_FIRM = {"", "合計", "全社", "全部門", "事業所(合計)"}

_NOT_OURS = tuple(mark.encode(code) for mark in ("試算表：", '"試算表：', "取引No") for code in ("utf-8", "cp932"))
_TAGS = tuple(tag.encode(code) for tag in ("[明細行]", "[合計行]") for code in ("utf-8", "cp932"))


class MappedTbCsv:
    """The adapter."""

    name = "mapped_tb_csv"
    version = "1"
    media_types = frozenset({"text/csv", "text/tab-separated-values"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A row of labels that names accounts and at least one of their amounts, as no journal's does."""
        if head.startswith((b"{", b"[", b"<", b"PK")) or head.removeprefix(UTF8_MARK).startswith(_NOT_OURS):
            return False
        start = head[:LOOKED_AT_BYTES].rpartition(b"\n")[0]
        if any(tag in head for tag in _TAGS):
            return False
        try:
            return header_row(Export.of(start).rows) is not None
        except Unreadable:
            return False

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """One trial balance, or one per department, in the order in which they first appear."""
        table = _Table.of(whole(source), hints)
        for ordinal, (department, digest) in enumerate(zip(table.groups, table.parted().digests(), strict=True)):
            yield _observed(table, department, ordinal, digest)

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The heading and the rows of the refused departments."""
        yield from _Table.of(whole(source), hints).parted().returned(refused)


adapter = MappedTbCsv()


@dataclass(frozen=True, slots=True)
class _Table:
    """The whole file: what its heading says, which column is what, and its rows by department."""

    export: Export
    heading: Sequence[Row]
    columns: Mapping[str, int]
    groups: Mapping[str, Sequence[Row]]
    learned: ColumnMap | None
    period: tuple[date, date] | None
    unit: Unit
    tax: TaxMethod
    statement: str | None
    title: str

    @staticmethod
    def of(raw: bytes, hints: Hints) -> _Table:
        export = Export.of(raw)
        at, roles, learned = columns_of(export, hints.column_maps)
        columns = {role: number for number, role in enumerate(roles) if role and role != "ignored"}
        heading, groups = export.rows[: at + 1], dict[str, list[Row]]()
        for row in export.rows[at + 1 :]:
            if row.cells != heading[-1].cells:  # printed again on each page
                name = cell_of(row, columns.get("department"))
                groups.setdefault("" if name in WHOLE_FIRM else name, []).append(row)
        if not groups:
            place = Place(line=heading[-1].line)
            raise Unreadable("There is no row below the labels.", ja="見出しの下に行がありません。", place=place)
        text = " ".join(cell for row in heading for cell in row.cells)
        period = period_of([text]) or period_of([(hints.filename or "").rpartition(".")[0]])
        unit = (learned.unit if learned else None) or unit_of(text)
        title = shown(" ".join(heading[0].cells))
        tax, statement = tax_method_of(text), statement_of(text)
        return _Table(export, heading, columns, groups, learned, period, unit, tax, statement, title)

    def parted(self) -> Parted:
        return Parted(self.export.raw, self.export.encoding, self.heading, self.groups.values())

    def findings(self) -> Iterator[Finding]:
        """What is noticed about the file as a whole, said once."""
        yield from self.export.findings()
        header, known = self.heading[-1], roles_of(self.heading[-1], self.learned)
        for at, role in enumerate(known):
            if role is None:
                place, found = Place(line=header.line, column=at + 1), shown(header.cells[at])
                yield Finding(
                    code="R02", severity=Severity.WARN, record=0, place=place, field=found, params={"found": found}
                )

    def lines(self, ordinal: int, rows: Sequence[Row]) -> TableLines:
        """The accounts and sums of one department; a sum that nobody knows is of the statement in which it stands."""
        columns = self.columns
        lines = TableLines(ordinal, columns, self.learned.software if self.learned else None, self.unit)
        accounts = {
            cell_of(row, columns["source_name"]) for row in rows if not cell_of(row, columns.get("sub_account"))
        }
        section: str | None = None
        above: str | None = None
        for row in rows:
            name = cell_of(row, columns["source_name"])
            if cell_of(row, columns.get("sub_account")) and name in accounts:
                continue
            if not any(cell_of(row, columns.get(amount)) for amount in AMOUNTS):
                section = bare_name(name) or section
                continue
            if not name:
                place = Place(line=row.line, column=columns["source_name"] + 1)
                lines.problems.append(unreadable_value("/lines/source_name", None, "", ordinal, place))
                continue
            statement = statement_of(cell_of(row, columns.get("statement"))) or self.statement
            is_total = is_sum(name, statement)
            said = {
                "source_code": cell_of(row, columns.get("source_code")) or None,
                "source_name": name,
                "section": None if is_total else section,
                "statement": statement,
                "is_total": is_total,
            }
            line = lines.add_row(row.line, said, row.cells)
            if is_total and line["statement"] is None:
                line["statement"] = above
            above = line["statement"]
            if is_total and section and stem_of_sum(name) == stem_of_sum(section):
                section = None
        return lines


def _observed(table: _Table, department: str, ordinal: int, digest: str) -> Observed:
    rows = table.groups[department]
    lines = table.lines(ordinal, rows)
    if ordinal == 0:
        lines.problems += table.findings()
    if table.period is None:
        return lines.without_period(digest, table.title, Place(line=1))
    header: dict[str, Any] = {"period_from": table.period[0], "period_to": table.period[1]}
    header |= {"department": department or None, "tax_method": table.tax}
    if table.learned and table.learned.rounding:
        header["rounding"] = table.learned.rounding
    return lines.observed_table(digest, header, Place(line=rows[0].line))
