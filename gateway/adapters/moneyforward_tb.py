"""Trial balances of マネーフォワード クラウド会計 as its accounting API answers them.

Reads: the JSON answers of ``/api/v3/reports/trial_balance_bs`` and ``trial_balance_pl``: nested rows, each with its
    values in the order of ``columns``.
Specification: third-party use of the API (domain note 6.7): ``report_type``, ``start_date``, ``end_date``,
    ``created_at``, ``columns``, ``rows`` of ``type``, ``name``, ``values``, ``rows``.
Units and calendar: whole yen (a float without fraction is one); ISO 8601 dates, as asked for; ``created_at`` with its
    offset, Japan time where it has none. Movements cover the period asked for.
Encoding: UTF-8 JSON, read strictly.
Known limits: the firm is not named; say ``subject=`` when submitting. Sub-accounts (補助科目) and ratios are left in
    the raw document; other columns are noticed (R02). ``include_tax`` is not in the answer: the tax method is unknown.

A row of type ``account`` is an account; any other row that has rows below it is their total, and stands after them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, BinaryIO

from gateway.errors import Unreadable
from gateway.formats.accounts import BALANCES
from gateway.formats.identifiers import shown
from gateway.formats.json_text import pointer_to, strict_json
from gateway.formats.text import UTF8_MARK, whole, whole_document
from gateway.formats.trial_lines import TrialLines, is_sum
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.identifiers import JST
from gateway.schemas.observed import Observed
from gateway.schemas.place import Place

COLUMNS = dict(zip(("opening_balance", "debit_amount", "credit_amount", "closing_balance"), BALANCES, strict=True))
KNOWN = {*COLUMNS, "ratio"}
STATEMENTS = {"trial_balance_bs": "BS", "trial_balance_pl": "PL"}
DEEPEST = 18
WITHIN = 512
"""In so many first bytes it says which report it is; an answer names that before its rows."""

_TYPE = re.compile(rb'"report_type"\s*:\s*"trial_balance_(?:bs|pl)"')


class MoneyforwardTb:
    """The adapter."""

    name = "moneyforward_tb"
    version = "1"
    media_types = frozenset({"application/json"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A JSON object whose ``report_type`` is a trial balance."""
        if head.find(b'"report_type"', 0, WITHIN) < 0:
            return False
        return head.removeprefix(UTF8_MARK).lstrip()[:1] == b"{" and _TYPE.search(head) is not None

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """The one trial balance of the answer."""
        raw = whole(source)
        yield _observed(strict_json(raw), hashlib.sha256(raw).hexdigest())

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The answer as it came."""
        return whole_document(source, refused)


adapter = MoneyforwardTb()


def _observed(answer: Any, digest: str) -> Observed:
    statement = STATEMENTS.get(str(answer.get("report_type"))) if isinstance(answer, dict) else None
    if statement is None:
        raise _no("report_type", "is neither trial_balance_bs nor trial_balance_pl", "の値が試算表ではありません")
    columns = answer.get("columns")
    if not (isinstance(columns, list) and "closing_balance" in columns and len(columns) == len(set(map(str, columns)))):
        raise _no("columns", "is no list of columns that has closing_balance", "に closing_balance がありません")
    lines = TrialLines(0, "マネーフォワード")
    report = _Report(lines, [str(column) for column in columns], statement)
    report.walk(answer.get("rows"), "/rows", 0, None)
    lines.problems += _unknown(report.columns)
    first, last = _day(answer, "start_date"), _day(answer, "end_date")
    if first is None or last is None:
        stated = f"{answer.get('start_date') or ''} - {answer.get('end_date') or ''}".strip(" -")
        return lines.without_period(digest, stated, Place(pointer="/end_date"))
    header = {"period_from": first, "period_to": last, "produced_at": _instant(answer.get("created_at"))}
    return lines.observed(digest, header, report.places)


class _Report:
    """The rows of an answer on their way to lines, innermost first."""

    def __init__(self, lines: TrialLines, columns: list[str], statement: str) -> None:
        self.lines, self.columns, self.statement = lines, columns, statement
        self.places: dict[str, Place] = {"": Place(pointer="")}
        self.count = 0

    def walk(self, rows: Any, here: str, depth: int, section: str | None) -> None:
        """Rows of one parent: accounts as they come, groups after what they sum up.

        Raises:
            Unreadable: they are no rows.
        """
        if not isinstance(rows, list) or depth > DEEPEST:
            raise _no(here.removeprefix("/"), "is no list of rows", "が行の一覧ではありません")
        for index, row in enumerate(rows):
            at = f"{here}/{index}"
            if not (isinstance(row, dict) and isinstance(row.get("name"), str)):
                raise _no(at.removeprefix("/"), "is no row with a name", "に名称がありません")
            if row.get("type") == "account":
                self._add(row, at, depth, section, is_total=False)
                continue
            below = row.get("rows")
            if below:
                self.walk(below, f"{at}/rows", depth + 1, row["name"])
            self._add(
                row, at, depth, None if below else section, is_total=bool(below) or is_sum(row["name"], self.statement)
            )

    def _add(self, row: Mapping[str, Any], at: str, depth: int, section: str | None, *, is_total: bool) -> None:
        values = row.get("values")
        if not isinstance(values, list) or len(values) != len(self.columns):
            raise _no(f"{at}/values".removeprefix("/"), "does not match the columns", "が columns と合いません")
        section = section.removesuffix("合計") if section else None
        said = {"source_name": row["name"], "section": section, "statement": self.statement, "level": depth}
        here = {"": Place(pointer=at)}
        amounts = {}
        for name, field in COLUMNS.items():
            if name in self.columns:
                amounts[field] = values[self.columns.index(name)]
                here[field] = Place(pointer=f"{at}/values/{self.columns.index(name)}")
        self.lines.add({**said, "is_total": is_total}, amounts, here.__getitem__)
        self.places |= {f"/lines/{self.count}/{field}".rstrip("/"): place for field, place in here.items()}
        self.count += 1


def _unknown(columns: list[str]) -> Iterator[Finding]:
    for at, name in enumerate(columns):
        if name not in KNOWN:
            place = Place(pointer=pointer_to("columns", at))
            params: dict[str, str | int] = {"found": shown(name)}
            yield Finding(code="R02", severity=Severity.WARN, record=0, place=place, field=shown(name), params=params)


def _day(answer: Mapping[str, Any], name: str) -> date | None:
    try:
        return date.fromisoformat(str(answer.get(name)))
    except ValueError:
        return None


def _instant(text: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=JST)


def _no(what: str, en: str, ja: str) -> Unreadable:
    return Unreadable(f"{what} {en}.", ja=f"{what} {ja}。", place=Place(pointer=f"/{what}"))
