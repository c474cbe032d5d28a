"""Rules over one 事故報告書, and the report about the same guarantees before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.rules.rule import Hit, Words, document_rule, history_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records import AccidentReport

KIND = "accident_report"


@document_rule(
    "L20",
    KIND,
    Severity.WARN,
    Words(
        ja="日付の順序が正しくありません（{later} が {earlier} より前です）。",
        en="Dates are out of order ({later} is before {earlier}).",
        remedy_ja="発生日、判明日、報告日と、最終入金日・利息支払済日を確認してください。",
        remedy_en="Check when it happened, was detected and reported, and the days of payment.",
    ),
    "gateway",
)
def an_accident_happens_then_is_detected_then_reported(report: AccidentReport) -> Iterator[Hit]:
    """An accident happens, is detected and is reported, in this order; and no report knows of later payments.

    *Because* the time from the event to the report is what early action is measured by.
    *Accepts* all on one day; interest paid in advance beyond the day of the report.
    *Finds* detected 2028-05-11, reported 2028-05-10; last paid after the day of the report.
    *Remedy* check the days.
    *Source* gateway.
    """
    detected_on = report.detected_on or report.reported_on
    if report.occurred_on and report.occurred_on > detected_on:
        later = "detected_on" if report.detected_on else "reported_on"
        yield Hit(f"/{later}", {"earlier": str(report.occurred_on), "later": str(detected_on)})
    if detected_on > report.reported_on:
        yield Hit("/reported_on", {"earlier": str(detected_on), "later": str(report.reported_on)})
    for at, one in enumerate(report.guarantees):
        if one.last_paid_on and one.last_paid_on > report.reported_on:
            told = {"earlier": str(one.last_paid_on), "later": str(report.reported_on)}
            yield Hit(f"/guarantees/{at}/last_paid_on", told)


@document_rule(
    "L21",
    KIND,
    Severity.WARN,
    Words(
        ja="事故事由が分割返済の延滞ですが、延滞している保証がありません。",
        en="The trigger is instalments in arrears, yet none of the guarantees is in arrears.",
        remedy_ja="延滞月数または事故事由を確認してください。",
        remedy_en="Check the months in arrears, or the trigger.",
    ),
    "domain note 4.4",
)
def arrears_that_trigger_a_report_stand_in_it(report: AccidentReport) -> Iterator[Hit]:
    """A report that arrears trigger names a guarantee in arrears, where it states the months at all.

    *Because* the corporation sets from how many instalments on it must be told, and counts them here.
    *Accepts* 2 months on one of two guarantees; no months stated.
    *Finds* 0 months on every guarantee; not on a report that they are lifted.
    *Remedy* check months and trigger.
    *Source* domain note 4.4.
    """
    months = [one.months_in_arrears for one in report.guarantees]
    if "installment_arrears" in report.triggers and report.report_kind != "lifted" and not any(map(_may_be, months)):
        yield Hit("/triggers")


def _may_be(months: int | None) -> bool:
    return months is None or months > 0


@document_rule(
    "L22",
    KIND,
    Severity.REFUSE,
    Words(
        ja="保証番号 {found} が二度記入されています。",
        en="Guarantee {found} stands in the report twice.",
        remedy_ja="保証番号ごとに一度だけ記入してください。",
        remedy_en="Name each guarantee once.",
    ),
    "gateway",
)
def each_guarantee_stands_in_a_report_once(report: AccidentReport) -> Iterator[Hit]:
    """A report names each guarantee once.

    *Because* of two balances of one guarantee nobody can say which holds, and their sum is wrong.
    *Accepts* 13-0000017 and 13-0000018.
    *Finds* 13-0000017 twice.
    *Remedy* name each once.
    *Source* gateway.
    """
    seen: set[str] = set()
    for at, one in enumerate(report.guarantees):
        if one.guarantee_no in seen:
            yield Hit(f"/guarantees/{at}/guarantee_no", {"found": one.guarantee_no})
        seen.add(one.guarantee_no)


@history_rule(
    "L23",
    KIND,
    Severity.WARN,
    Words(
        ja="第1報ですが、同じ保証の事故報告（{previous}）が解消されずに残っています。",
        en="It is called a first report, yet the one of {previous} about the same guarantees was not lifted.",
        remedy_ja="続報の場合は報告区分を確認してください。別の事故の場合はそのままで結構です。",
        remedy_en="If it follows that one, say so; if it is another accident, leave it.",
    ),
    "domain note 4.4",
)
def a_first_report_follows_none_that_stands(report: AccidentReport, previous: Mapping[str, Any]) -> Iterator[Hit]:
    """A first report does not follow one about the same guarantees that was not lifted.

    *Because* whoever counts first reports counts accidents.
    *Accepts* a second report after a first; a first one after one that was lifted or taken back.
    *Finds* a first report after a first.
    *Remedy* check which report it is.
    *Source* domain note 4.4.
    """
    stands = previous.get("report_kind") != "lifted" and previous.get("correction") != "cancel"
    if report.report_kind == "first" and report.correction == "original" and stands:
        yield Hit("/report_kind", {"previous": str(previous.get("reported_on"))})
