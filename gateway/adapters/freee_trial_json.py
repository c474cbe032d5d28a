"""Trial balances of freee as its accounting API answers them.

Reads: the JSON answers of ``/api/1/reports/trial_bs``, ``trial_pl`` and ``trial_cr``, and of their ``_two_years`` and
    ``_three_years`` forms, which state closing balances only: opening and movements stay empty.
Specification: freee's published API schema (freee-api-schema, v2020-06-15).
Units and calendar: whole yen (a float without fraction is one); ISO 8601 dates; ``created_at`` with its offset, Japan
    time where it has none. Movements cover the period asked for.
Encoding: UTF-8 JSON, read strictly.
Known limits: breakdowns by partner, item, section or tag are left in the raw document, as are ratios and earlier
    years. A report that was narrowed to a partner, section and so on is another series (``department`` says which).
    The firm is named by freee's company id, which the sender's link table must know.

A period is only as good as what was asked for. Dates are taken as they are. ``fiscal_year`` is the calendar year in
which the fiscal year begins, but not its month: with months alone the first is assumed to lie in that year; with the
year alone, January to December, cut off at ``created_at``, since books cannot speak of later days. Either is said in
``missing`` and by finding R05. ``up_to_date: false`` makes the trial balance provisional, with freee's reasons.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, BinaryIO

from pydantic import ValidationError

from gateway.errors import Unreadable
from gateway.formats.accounts import map_account, normal_side
from gateway.formats.identifiers import shown
from gateway.formats.japanese_calendar import month_end, parse_date
from gateway.formats.json_text import pointer_to, strict_json
from gateway.formats.places import nearest
from gateway.formats.schema_errors import schema_findings, unreadable_value
from gateway.formats.text import UTF8_MARK, whole, whole_document
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.identifiers import JST, Reference, Scheme
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import TrialBalance

_REPORT = re.compile(r"trial_(bs|pl|cr)(?:_(?:two|three)_years)?")
_HEAD = re.compile(rb'\s*\{.*?"(?:trial_(?:bs|pl|cr)(?:_(?:two|three)_years)?)"\s*:', re.DOTALL)
_ERROR_HEAD = re.compile(rb'\s*\{\s*(?:"status_code"\s*:|"message"\s*:\s*(?:null|"[^"]*")\s*,\s*"messages"\s*:)')
_REPORTS = (b'"trial_bs', b'"trial_pl', b'"trial_cr')
_STATEMENTS = {"bs": "BS", "pl": "PL", "cr": "CR"}
_AMOUNTS = {
    "opening_yen": "opening_balance",
    "debit_yen": "debit_amount",
    "credit_yen": "credit_amount",
    "closing_yen": "closing_balance",
}
_NARROWED_BY = ("partner_id", "partner_code", "item_id", "section_id", "adjustment", "cost_allocation")
_WHOLE = {"total_assets", "liabilities_and_net_assets"}


class FreeeTrialJson:
    """The adapter."""

    name = "freee_trial_json"
    version = "1"
    media_types = frozenset({"application/json"})
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A JSON object with a trial report, or an error answer of the API (to be refused in plain words)."""
        head = head.removeprefix(UTF8_MARK)
        return bool((any(name in head for name in _REPORTS) and _HEAD.match(head)) or _ERROR_HEAD.match(head))

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """The one report of the answer."""
        raw = whole(source)
        answer = strict_json(raw)
        name = _report_of(answer)
        yield _Report(name, answer, hashlib.sha256(raw).hexdigest()).observed()

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The answer as it came."""
        return whole_document(source, refused)


adapter = FreeeTrialJson()


def _report_of(answer: Any) -> str:
    """The name of the report the answer holds.

    Raises:
        Unreadable: it holds none, or tells of an error instead.
    """
    if isinstance(answer, dict):
        names: list[str] = [name for name in answer if _REPORT.fullmatch(name)]
        if len(names) == 1:
            return names[0]
        if not names and ({"status_code", "messages", "errors"} & answer.keys()):
            status = shown(answer.get("status_code", "401"))
            raise Unreadable(
                f"This is an error answer of the freee API (status {status}), not a report.",
                ja=f"freee API のエラー応答（{status}）です。試算表ではありません。",
                place=Place(pointer=""),
            )
    raise Unreadable(
        "The answer holds no trial_bs, trial_pl or trial_cr.",
        ja="trial_bs、trial_pl、trial_cr のいずれもありません。",
        place=Place(pointer=""),
    )


@dataclass(slots=True)
class _Report:
    """One report on its way to a trial balance."""

    name: str
    answer: dict[str, Any]
    digest: str
    body: dict[str, Any] = field(init=False)
    problems: list[Finding] = field(default_factory=list)
    places: dict[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        body = self.answer[self.name]
        if not (isinstance(body, dict) and isinstance(body.get("balances"), list) and body["balances"]):
            raise Unreadable(
                "A report is an object with a list of balances that is not empty.",
                ja="balances（残高の一覧）がないか、空です。",
                place=Place(pointer=pointer_to(self.name, "balances")),
            )
        self.body = body
        self.places = {"": Place(pointer=pointer_to(self.name))}

    def observed(self) -> Observed:
        lines = [self._line(index, row) for index, row in enumerate(self.body["balances"])]
        keys = {self._mapped(line) for line in lines if line["is_total"]}
        reasons = [shown(reason, 90) for reason in self._reasons()]
        values: dict[str, Any] = {
            **self._period(),
            "references": self._references(),
            "produced_at": self._instant("created_at"),
            "department": " ".join(f"{name}={shown(self.body[name])}" for name in _NARROWED_BY if self.body.get(name))
            or None,
            "statements": (self._statement,),
            "complete": keys >= _WHOLE,
            "includes_adjusting": {"without": False, "only": True}.get(str(self.body.get("adjustment"))),
            "provisional": self.answer.get("up_to_date") is False,
            "provisional_reason": shown("; ".join(reasons), 200) or None,
            "software": "freee",
            "lines": lines,
        }
        try:
            record = TrialBalance(**values)
        except ValidationError as refused:
            findings = schema_findings(refused, 0, partial(nearest, self.places))
            return Unplaced(0, self.digest, "trial_balance", (*self.problems, *findings))
        return ObservedDocument(record, 0, self.digest, self.places, tuple(self.problems))

    @property
    def _statement(self) -> str:
        return _STATEMENTS[self.name.split("_")[1]]

    def _line(self, index: int, row: Any) -> dict[str, Any]:
        """One row: an account, or a group or category where the report shows those or sums them up."""
        here = pointer_to(self.name, "balances", index)
        if not isinstance(row, dict):
            raise Unreadable("A balance is an object.", ja="残高の形式が正しくありません。", place=Place(pointer=here))
        self.places[f"/lines/{index}"] = Place(pointer=here)
        account = row.get("account_item_name") or row.get("account_group_name")
        category = row.get("account_category_name")
        number = row.get("account_item_id")
        line = {
            "source_code": str(number) if isinstance(number, int | str) else None,
            "source_name": account or category,
            "section": (category if account else None) or row.get("parent_account_category_name"),
            "statement": self._statement,
            "level": row.get("hierarchy_level"),
            "is_total": row.get("total_line") is True and account is None,
        }
        for name, member in _AMOUNTS.items():
            self.places[f"/lines/{index}/{name}"] = Place(pointer=f"{here}/{member}")
            line[name] = self._amount(f"/lines/{index}/{name}", row.get(member))
        line["normal_side"] = normal_side(self._mapped(line), line)
        return line

    def _mapped(self, line: Mapping[str, Any]) -> str | None:
        name = line["source_name"]
        if not isinstance(name, str):
            return None
        section = line["section"] if isinstance(line["section"], str) else None
        return map_account(line["source_code"], name, section, self._statement, "freee").account_key

    def _amount(self, pointer: str, value: Any) -> int | None:
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self.problems.append(unreadable_value(pointer, value, "整数 / integer", 0, self.places[pointer]))
        return None

    def _references(self) -> tuple[Reference, ...]:
        company = self.body.get("company_id")
        if not company or not isinstance(company, int | str):
            return ()
        try:
            return (Reference(scheme=Scheme.TENANT, value=str(company)),)
        except ValidationError:
            here = Place(pointer=pointer_to(self.name, "company_id"))
            self.problems.append(unreadable_value("/references", company, "長さ / length ≤ 64", 0, here))
            return ()

    def _reasons(self) -> Iterator[str]:
        reasons = self.answer.get("up_to_date_reasons")
        if self.answer.get("up_to_date") is False and isinstance(reasons, list):
            given = (reason for reason in reasons if isinstance(reason, dict))
            yield from (f"{reason.get('code')}: {reason.get('message')}" for reason in given)

    def _instant(self, name: str) -> datetime | None:
        try:
            instant = datetime.fromisoformat(str(self.body[name]))
        except (KeyError, ValueError):
            return None
        return instant if instant.tzinfo else instant.replace(tzinfo=JST)

    def _period(self) -> dict[str, Any]:
        """First and last day, as stated or as assumed; that they were assumed is said."""
        first, last = self._day("start_date"), self._day("end_date")
        missing = {}
        if first is None or last is None:
            first, last = self._assumed()
            missing = {"/fiscal_year_start": "not_provided", "/fiscal_year_end": "not_provided"}
        span = "month" if first and last and (first.year, first.month) == (last.year, last.month) else "cumulative"
        return {"period_from": first, "period_to": last, "span": span, "missing": missing}

    def _day(self, name: str) -> date | None:
        try:
            return parse_date(str(self.body[name]))
        except (KeyError, ValueError):
            return None

    def _assumed(self) -> tuple[date | None, date | None]:
        year, made = self.body.get("fiscal_year"), self._instant("created_at")
        if not isinstance(year, int) or not 1900 <= year <= 2200:
            return None, None
        months = self.body.get("start_month"), self.body.get("end_month")
        if all(isinstance(month, int) and 1 <= month <= 12 for month in months):
            start, end = int(months[0] or 1), int(months[1] or 12)
            first, last = date(year, start, 1), month_end(year + (end < start), end)
        else:
            first, last = date(year, 1, 1), date(year, 12, 31)
            if made and first <= made.astimezone(JST).date() < last:
                last = made.astimezone(JST).date()
        params: dict[str, str | int] = {"period_from": first.isoformat(), "period_to": last.isoformat()}
        place = Place(pointer=pointer_to(self.name, "fiscal_year"))
        self.problems.append(Finding(code="R05", severity=Severity.INFO, record=0, place=place, params=params))
        return first, last
