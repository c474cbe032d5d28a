"""弥生会計's 残高試算表 as CSV (汎用形式), monthly or for a whole period.

Reads: the export with row tags ([表題行], [区分行], [明細行], [合計行]); one trial balance per 部門 and 月度. The
    whole-period layout has no 月度.
Specification: none is published; domain note 6.7 and layout notes 1. Columns are found by their names in [表題行];
    without one they stand in the known order.
Units and calendar: yen, or as 単位 says; 集計期間 in any spelling, 20日締め too. A 月度 is the month of that period
    which ends, else begins, in the month of that number.
Encoding: CP932, UTF-8 too; 外字 are kept and told (V41G), text damaged before it was sent is refused.
Known limits: the firm is named only by 事業所名; say ``subject=`` when submitting. 構成比 stays in the raw file, other
    columns are noticed (R02). 補助残高一覧表 is another report. Blank is unknown, ``***`` masked, ``-`` zero.

A [合計行] is a total whatever its name. 利益剰余金 has no section here: its total includes the current profit, which
its rows do not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import BinaryIO

from gateway.errors import Unreadable
from gateway.formats.exports import Export, Parted, Row, TaxMethod, period_of, tax_method_of, unit_of
from gateway.formats.identifiers import shown
from gateway.formats.japanese_calendar import month_end
from gateway.formats.text import match_key, whole
from gateway.formats.trial_lines import TableLines, bare_name, statement_of
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed
from gateway.schemas.place import Place
from gateway.schemas.records import Unit

TITLE, SECTION, DETAIL, TOTAL = "[表題行]", "[区分行]", "[明細行]", "[合計行]"
LABELS = {
    "department": ("部門", "事業所"),
    "month": ("月度", "月"),
    "statement": ("表", "帳票", "表区分"),
    "source_name": ("勘定科目", "科目"),
    "opening_yen": ("前期繰越", "前月繰越", "期首残高", "繰越残高", "前月残高"),
    "debit_yen": ("借方", "期間借方", "借方金額", "当月借方"),
    "credit_yen": ("貸方", "期間貸方", "貸方金額", "当月貸方"),
    "closing_yen": ("残高", "当月残高", "期末残高", "期間残高", "当期残高"),
    "ratio": ("構成比", "対売上比"),
}
AMOUNTS = ("opening_yen", "debit_yen", "credit_yen", "closing_yen")
WHOLE_FIRM = "事業所(合計)"

_CLASSES = [
    name.encode(code) for name in ("[貸借対照表]", "[損益計算書]", "[製造原価報告書]") for code in ("cp932", "utf-8")
]
_TAGS = [tag.encode(code) for tag in (DETAIL, TOTAL) for code in ("cp932", "utf-8")]
_LABEL_OF = {match_key(label): field for field, labels in LABELS.items() for label in labels}
_OPTIONAL = {"ratio"}
_STATED_MONTH = re.compile(r"([0-9]{1,2})月度?")


class YayoiTbCsv:
    """The adapter."""

    name = "yayoi_tb_csv"
    version = "1"
    media_types = frozenset({"text/csv"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """Row tags, and the names of statements among them."""
        if head[:1] == b"{":
            return False
        return any(tag in head for tag in _TAGS) and any(name in head for name in _CLASSES)

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """One trial balance per department and month, in the order in which they first appear."""
        report = _Report.of(whole(source))
        for ordinal, (key, digest) in enumerate(zip(report.groups, report.parted().digests(), strict=True)):
            yield _observed(report, key, ordinal, digest)

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The heading and the rows of the refused months."""
        yield from _Report.of(whole(source)).parted().returned(refused)


adapter = YayoiTbCsv()

Key = tuple[str, str]
"""部門 and 月度; the latter is empty where the report is of the whole period."""


@dataclass(frozen=True)
class _Report:
    """The whole file: its heading and what that says, its columns, and its rows by department and month."""

    export: Export
    heading: tuple[Row, ...]
    columns: dict[str, int]
    groups: dict[Key, list[Row]]
    period: tuple[date, date] | None
    unit: Unit
    tax: TaxMethod

    @staticmethod
    def of(raw: bytes) -> _Report:
        export = Export.of(raw)
        heading = tuple(row for row in export.rows if row.cells[0] not in (SECTION, DETAIL, TOTAL))
        body = [row for row in export.rows if row.cells[0] in (SECTION, DETAIL, TOTAL)]
        if not body:
            raise Unreadable("There is no [明細行] in it.", ja="［明細行］がありません。", place=Place(line=1))
        columns = _columns(heading, body[0])
        groups: dict[Key, list[Row]] = {}
        for row in body:
            needed = [at for field, at in columns.items() if field not in _OPTIONAL and row.cells[0] != SECTION]
            if len(row.cells) <= max([columns["department"], columns["source_name"], columns.get("month", 0), *needed]):
                raise Unreadable(
                    f"A row of {len(row.cells)} cells has no balance.",
                    ja=f"列が足りません（{len(row.cells)}列）。",
                    place=Place(line=row.line),
                )
            month = row.cells[columns["month"]] if "month" in columns else ""
            groups.setdefault((row.cells[columns["department"]], month), []).append(row)
        texts = [cell for row in heading if row.cells[0] != TITLE for cell in row.cells]
        period = period_of(_after("集計期間", texts)) or period_of(text for text in texts if "処理日時" not in text)
        return _Report(
            export, heading, columns, groups, period, unit_of(" ".join(texts)), tax_method_of(" ".join(texts))
        )

    def parted(self) -> Parted:
        return Parted(self.export.raw, self.export.encoding, self.heading, self.groups.values())

    def days(self, month: str) -> tuple[date, date] | None:
        """First and last day of a 月度 within the period; of the period where there is none."""
        if self.period is None or not month:
            return self.period
        stated = _STATED_MONTH.fullmatch(month)
        ending, beginning = self._months
        fitting = stated and (ending.get(int(stated[1])) or beginning.get(int(stated[1])))
        return fitting[0] if fitting and len(fitting) == 1 else None

    @cached_property
    def _months(self) -> tuple[dict[int, list[tuple[date, date]]], dict[int, list[tuple[date, date]]]]:
        """The months of the period by the calendar month in which they end, and in which they begin."""
        ending: dict[int, list[tuple[date, date]]] = {}
        beginning: dict[int, list[tuple[date, date]]] = {}
        for slot in _months(*self.period) if self.period else ():
            ending.setdefault(slot[1].month, []).append(slot)
            beginning.setdefault(slot[0].month, []).append(slot)
        return ending, beginning

    @cached_property
    def firm(self) -> str | None:
        return self._named("事業所名")

    @cached_property
    def stated_period(self) -> str:
        return shown(self._named("集計期間") or "")

    @cached_property
    def adjusting(self) -> bool | None:
        text = " ".join(row.own for row in self.heading)
        if "決算仕訳を含む" in text:
            return True
        return False if "決算仕訳を含まない" in text else None

    def _named(self, label: str) -> str | None:
        texts = [cell for row in self.heading for cell in row.cells]
        return next(iter(_after(label, texts)), None) or None


def _columns(heading: tuple[Row, ...], first: Row) -> dict[str, int]:
    """Field -> 0-based column: by the names of [表題行], else in the order that is known."""
    for row in heading:
        if row.cells[0] == TITLE:
            found = [_LABEL_OF.get(match_key(bare_name(cell))) for cell in row.cells]
            named = {field: at for at, field in reversed(list(enumerate(found))) if field}
            if {"source_name", "closing_yen"} <= named.keys():
                named.setdefault("department", 1)
                return named
    has_month = len(first.cells) > 2 and not first.cells[2].startswith("[")
    order = ["department", *(["month"] if has_month else []), "statement", "source_name", *AMOUNTS, "ratio"]
    return {field: at for at, field in enumerate(order, start=1)}


def _after(label: str, texts: list[str]) -> list[str]:
    """What stands after a label: in its own cell behind a colon, and in the cells that follow up to another label."""
    for at, text in enumerate(texts):
        if text.startswith(label):
            own = re.split("[：:]", text, maxsplit=1)
            return [*own[1:], *texts[at + 1 : at + 4]]
    return []


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The months of a period, each from the day of month on which it begins."""
    begins = first
    while begins <= last:
        following = begins.replace(day=1) + timedelta(days=32)
        following = following.replace(day=min(first.day, month_end(following.year, following.month).day))
        yield begins, min(following - timedelta(days=1), last)
        begins = following


def _observed(report: _Report, key: Key, ordinal: int, digest: str) -> Observed:
    department, month = key
    rows, columns = report.groups[key], report.columns
    lines = TableLines(ordinal, columns, "弥生会計", report.unit)
    if ordinal == 0:
        lines.problems += report.export.findings()
        lines.problems += _unknown_columns(report)
    section: str | None = None
    for row in rows:
        name = row.cells[columns["source_name"]]
        if row.cells[0] == SECTION:
            section = bare_name(name) or None
            continue
        place = row.cells[columns["statement"]] if "statement" in columns else ""
        said = {
            "source_name": name,
            "section": None if row.cells[0] == TOTAL or section == "利益剰余金" else section,
            "statement": statement_of(place),
            "is_total": row.cells[0] == TOTAL,
        }
        lines.add_row(row.line, said, row.cells)
    days = report.days(month)
    whole = Place(line=rows[0].line)
    if days is None:
        stated = Place(line=rows[0].line, column=columns["month"] + 1) if month else whole
        return lines.without_period(digest, f"{month} {report.stated_period}".strip(), stated)
    header = {
        "period_from": days[0],
        "period_to": days[1],
        "company_name": report.firm,
        "department": None if department in (WHOLE_FIRM, "") else department,
        "tax_method": report.tax,
        "includes_adjusting": report.adjusting,
    }
    return lines.observed_table(digest, header, whole)


def _unknown_columns(report: _Report) -> Iterator[Finding]:
    for row in report.heading:
        for at, label in enumerate(row.cells[1:] if row.cells[0] == TITLE else (), start=1):
            if label and match_key(bare_name(label)) not in _LABEL_OF:
                place = Place(line=row.line, column=at + 1)
                yield Finding(
                    code="R02",
                    severity=Severity.WARN,
                    record=0,
                    place=place,
                    field=label[:40],
                    params={"found": label[:40]},
                )
