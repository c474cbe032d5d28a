"""freee会計's 試算表 as CSV: balance sheet, profit and loss or manufacturing cost, one per file.

Reads: the export whose first line is ``試算表：`` and the statement; names stand in up to eight columns, by depth,
    then 期首残高, 借方金額, 貸方金額, 期末残高, 構成比.
Specification: none is published; layout notes 2. The columns of amounts are found by their names, the depth of a name
    by the column it stands in.
Units and calendar: yen, or as 表示単位 says; the period that the heading states, in any spelling.
Encoding: UTF-8 or CP932, whichever the user chose; text damaged before it was sent is refused.
Known limits: the firm is named at most by name; say ``subject=`` when submitting. 構成比 stays in the raw file, and
    so does what stands below an account (補助科目, 取引先別): it is in the account already. Other columns are noticed
    (R02).

A row without any amount opens a section. A sum is known by its name, wherever it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from typing import BinaryIO

from gateway.errors import Unreadable
from gateway.formats.exports import Export, Row, period_of, tax_method_of, unit_of
from gateway.formats.text import UTF8_MARK, match_key, whole, whole_document
from gateway.formats.trial_lines import TableLines, bare_name, is_sum, statement_of
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed
from gateway.schemas.place import Place

LABELS = {
    "opening_yen": ("期首残高", "期首", "繰越残高"),
    "debit_yen": ("借方金額", "借方"),
    "credit_yen": ("貸方金額", "貸方"),
    "closing_yen": ("期末残高", "期末", "残高"),
}
NOT_READ = {"構成比", "勘定科目", "科目", ""}

_STARTS = tuple(quote + "試算表：".encode(code) for code in ("utf-8", "cp932") for quote in (b"", b'"'))
_LABEL_OF = {match_key(label): field for field, labels in LABELS.items() for label in labels}
_HEADING_ROWS = 12


class FreeeTrialCsv:
    """The adapter."""

    name = "freee_trial_csv"
    version = "1"
    media_types = frozenset({"text/csv"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A first line that begins with ``試算表：``."""
        if head[:1] == b"{":
            return False
        return head.removeprefix(UTF8_MARK).startswith(_STARTS)

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """The one trial balance of the file."""
        raw = whole(source)
        yield _observed(Export.of(raw), hashlib.sha256(raw).hexdigest())

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The file as it came."""
        return whole_document(source, refused)


adapter = FreeeTrialCsv()


def _observed(export: Export, digest: str) -> Observed:
    at, columns = _header(export.rows)
    heading = " ".join(cell for row in export.rows[:at] for cell in row.cells)
    statement, depths = statement_of(heading), min(columns.values())
    lines = TableLines(0, columns, "freee", unit_of(heading))
    lines.problems += export.findings()
    lines.problems += _unknown(export.rows[at], columns, depths)
    sections: list[tuple[int, str]] = []
    account: int | None = None
    for row in export.rows[at + 1 :]:
        depth, name = next(((d, cell) for d, cell in enumerate(row.cells[:depths]) if cell), (0, ""))
        if not name:
            raise Unreadable("A row without a name.", ja="科目名のない行があります。", place=Place(line=row.line))
        if account is not None and depth > account:
            continue
        while sections and sections[-1][0] >= depth:
            sections.pop()
        if not any(row.cells[column] for column in columns.values() if column < len(row.cells)):
            sections.append((depth, bare_name(name)))
            account = None
            continue
        is_total = is_sum(name, statement)
        account = None if is_total else depth
        section = sections[-1][1] if sections and not is_total else None
        said = {"source_name": name, "section": section, "statement": statement, "is_total": is_total}
        lines.add_row(row.line, said, row.cells)
    whole, period = Place(line=1), period_of([heading])
    if period is None:
        return lines.without_period(digest, heading, whole)
    header = {"period_from": period[0], "period_to": period[1], "tax_method": tax_method_of(heading)}
    return lines.observed_table(digest, {**header, "company_name": _firm(export.rows[:at])}, whole)


def _header(rows: tuple[Row, ...]) -> tuple[int, dict[str, int]]:
    """Which row names the columns, and field -> 0-based column of the amounts.

    Raises:
        Unreadable: none of the first rows does.
    """
    for at, row in enumerate(rows[:_HEADING_ROWS]):
        found = {field: n for n, cell in enumerate(row.cells) if (field := _LABEL_OF.get(match_key(cell)))}
        if "closing_yen" in found and len(found) > 1 and min(found.values()) > 0:
            return at, found
    raise Unreadable(
        "No row names 期首残高, 借方金額, 貸方金額 and 期末残高.",
        ja="期首残高・借方金額・貸方金額・期末残高の見出しがありません。",
        place=Place(line=1),
    )


def _unknown(header: Row, columns: dict[str, int], depths: int) -> Iterator[Finding]:
    for at, label in enumerate(header.cells):
        if at >= depths and at not in columns.values() and label not in NOT_READ:
            place, shown = Place(line=header.line, column=at + 1), label[:40]
            yield Finding(
                code="R02", severity=Severity.WARN, record=0, place=place, field=shown, params={"found": shown}
            )


def _firm(heading: tuple[Row, ...]) -> str | None:
    for row in heading:
        label, colon, name = row.cells[0].partition("：")
        if colon and label in ("事業所名", "事業所", "会社名"):
            return name.strip() or None
    return None
