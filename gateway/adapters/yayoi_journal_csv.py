"""弥生会計's journals: 仕訳日記帳 (汎用形式) and the import format (弥生インポート形式) of 25 or 27 columns.

Reads: either, rebuilt into one trial balance a month: movements only, opening and closing unknown.
Specification: Yayoi's help page on the import format (domain note 6.7); for 仕訳日記帳, layout notes 1: columns are
    found by their names in [表題行]; without one they stand in the known order.
Units and calendar: whole yen; months of 集計期間 (20日締め too) where it is stated, else calendar months, each taken to
    be there as a whole (R05); dates in every spelling, era letters included.
Encoding: CP932, UTF-8 too; 外字 are kept and told (V41G), text damaged before it was sent is refused.
Known limits: the import format names no firm and 仕訳日記帳 only its name; say ``subject=`` when submitting.
    Sub-accounts and departments are added up into their account. Whether amounts include consumption tax is told by
    税抜/税込 and by the figures; the import format does not say how much of it is deductible (80%), so its tax stays
    where it is.

What a journal adds up to is a series of its own (``department`` 仕訳帳): it never takes the place of a trial balance
that the program stated. 日次合計 and 月度合計 are not counted. Entries of 決算 set ``includes_adjusting``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import BinaryIO

from gateway.errors import Unreadable
from gateway.formats.exports import Export, Row, period_of, tax_method_of
from gateway.formats.journals import Half, Journal, JournalLayout
from gateway.formats.text import UTF8_MARK, match_key, whole
from gateway.ports import Hints
from gateway.schemas.observed import Observed
from gateway.schemas.place import Place

SOFTWARE = "弥生会計"
IMPORTED = JournalLayout(day=3, debit=Half(4, 8, 9, 7), credit=Half(10, 14, 15, 13), adjusting=2)
IMPORT_WIDTHS = (25, 27)
LISTED = JournalLayout(day=1, debit=Half(9, 14, 15, 12), credit=Half(16, 21, 22, 19))
TITLE, DETAIL = "[表題行]", "[明細行]"

_FLAGS = ("2000", "2111", "2110", "2100", "2101", "1000")
_IMPORT = re.compile(
    rb'"?(?:' + "|".join(_FLAGS).encode() + rb')"?,[^,\r\n]*,[^,\r\n]*,"?[RHSrhs]?\.?[0-9]{1,4}[0-9./]*"?,'
)
_LIST_NAMES = tuple("仕訳日記帳".encode(code) for code in ("cp932", "utf-8"))
_DETAILS = tuple(DETAIL.encode(code) for code in ("cp932", "utf-8"))


class YayoiJournalCsv:
    """The adapter."""

    name = "yayoi_journal_csv"
    version = "1"
    media_types = frozenset({"text/csv", "text/plain"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A first row of the import format, or rows under the title 仕訳日記帳."""
        if head[:1] == b"{":
            return False
        if _IMPORT.match(head.removeprefix(UTF8_MARK)):
            return True
        return any(name in head[:2048] for name in _LIST_NAMES) and any(mark in head for mark in _DETAILS)

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """One trial balance per month, in the order in which the months first appear."""
        yield from _journal(whole(source)).observed()

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The heading, if there is one, and the rows of the refused months."""
        yield from _journal(whole(source)).returned(refused)


adapter = YayoiJournalCsv()


def _journal(raw: bytes) -> Journal:
    export = Export.of(raw)
    if export.rows and export.rows[0].cells[0] in _FLAGS:
        for row in export.rows:
            if len(row.cells) not in IMPORT_WIDTHS or row.cells[0] not in _FLAGS:
                raise Unreadable(
                    "A row of the import format has 25 or 27 columns and begins with its flag.",
                    ja="インポート形式の行は識別フラグで始まる25列または27列です。",
                    place=Place(line=row.line),
                )
        return Journal(export, IMPORTED, SOFTWARE, (), export.rows)
    heading = [row for row in export.rows if not row.cells[0].startswith("[") or row.cells[0] == TITLE]
    texts = [cell for row in heading if row.cells[0] != TITLE for cell in row.cells]
    period = period_of(text for text in texts if not text.startswith("処理日時"))
    firm = next((text.partition("：")[2].strip() for text in texts if text.startswith("事業所名：")), "")
    return Journal(
        export,
        _listed(heading),
        SOFTWARE,
        heading,
        [row for row in export.rows if row.cells[0] == DETAIL],
        period,
        tax_method_of(" ".join(texts)),
        {"company_name": firm or None},
    )


def _listed(heading: list[Row]) -> JournalLayout:
    """Where 仕訳日記帳 says what: by its names, else in the known order."""
    for row in heading:
        at = {match_key(cell): number for number, cell in reversed(list(enumerate(row.cells)))}
        if row.cells[0] == TITLE and {"借方勘定科目", "貸方勘定科目", "借方金額", "貸方金額"} <= at.keys():
            halves = [
                Half(at[f"{side}勘定科目"], at[f"{side}金額"], at.get(f"{side}税額"), at.get(f"{side}税区分"))
                for side in ("借方", "貸方")
            ]
            day = at.get("日付", at.get("取引日付", LISTED.day))
            return JournalLayout(day, halves[0], halves[1], at.get("決算"))
    return LISTED
