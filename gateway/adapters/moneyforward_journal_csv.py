"""マネーフォワード クラウド会計's 仕訳帳 as CSV, of 19, 27 or any number of columns.

Reads: the export, rebuilt into one trial balance a month: movements only, opening and closing unknown.
Specification: none is published; layout notes 3. Columns are found by their names, with ``(円)`` or without, in any
    order.
Units and calendar: whole yen; calendar months, each taken to be there as a whole (R05); dates in every spelling.
Encoding: UTF-8 with or without a byte order mark, or CP932; text damaged before it was sent is refused.
Known limits: the file names no firm; say ``subject=`` when submitting. Sub-accounts, departments and partners are added
    up into their account. Whether amounts include consumption tax is told by the figures; nothing here says whether the
    firm keeps its books with or without it. Columns that are not known are noticed (R02).

What a journal adds up to is a series of its own (``department`` 仕訳帳): it never takes the place of a trial balance
that the program stated. Entries marked in 決算整理仕訳 set ``includes_adjusting``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO

from gateway.errors import Unreadable
from gateway.formats.exports import Export, Row
from gateway.formats.journals import Half, Journal, JournalLayout
from gateway.formats.text import UTF8_MARK, whole
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed
from gateway.schemas.place import Place

SIDES = ("借方", "貸方")
REQUIRED = {"取引日", *(side + name for side in SIDES for name in ("勘定科目", "金額"))}
NOT_READ = {
    *(side + name for side in SIDES for name in ("補助科目", "部門", "取引先", "インボイス", "税額", "税区分")),
    *("取引No", "摘要", "メモ", "仕訳メモ", "タグ", "MF仕訳タイプ", "決算整理仕訳"),
    *("作成日時", "作成者", "最終更新日時", "最終更新者"),
}

_STARTS = tuple(quote + "取引No".encode(code) for code in ("utf-8", "cp932") for quote in (b"", b'"'))


class MoneyforwardJournalCsv:
    """The adapter."""

    name = "moneyforward_journal_csv"
    version = "1"
    media_types = frozenset({"text/csv"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A first line that begins with 取引No and names both sides' accounts."""
        if head[:1] == b"{" or not head.removeprefix(UTF8_MARK).startswith(_STARTS):
            return False
        line = head.partition(b"\n")[0]
        return any(all((side + "勘定科目").encode(code) in line for side in SIDES) for code in ("utf-8", "cp932"))

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """One trial balance per month, in the order in which the months first appear."""
        yield from _journal(whole(source)).observed()

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The header and the rows of the refused months."""
        yield from _journal(whole(source)).returned(refused)


adapter = MoneyforwardJournalCsv()


def _journal(raw: bytes) -> Journal:
    export = Export.of(raw)
    header = export.rows[0] if export.rows else Row(1, [""], "")
    at = {_label(cell): number for number, cell in reversed(list(enumerate(header.cells)))}
    if absent := sorted(REQUIRED - at.keys()):
        raise Unreadable(
            f"The first line lacks columns: {', '.join(absent)}.",
            ja=f"1行目に次の列がありません: {'、'.join(absent)}。",
            place=Place(line=header.line),
        )
    debit, credit = (
        Half(at[side + "勘定科目"], at[side + "金額"], at.get(side + "税額"), at.get(side + "税区分")) for side in SIDES
    )
    layout = JournalLayout(at["取引日"], debit, credit, at.get("決算整理仕訳"))
    return Journal(export, layout, "マネーフォワード", [header], export.rows[1:], problems=list(_unknown(header)))


def _label(cell: str) -> str:
    return cell.removesuffix("(円)").removesuffix("（円）").strip()


def _unknown(header: Row) -> Iterator[Finding]:
    for at, cell in enumerate(header.cells):
        if cell and _label(cell) not in REQUIRED | NOT_READ:
            place, shown = Place(line=header.line, column=at + 1), cell[:40]
            yield Finding(
                code="R02", severity=Severity.WARN, record=0, place=place, field=shown, params={"found": shown}
            )
