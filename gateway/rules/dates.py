"""That dates of one record come in the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records import Record

ORDER: Mapping[str, tuple[tuple[str, str], ...]] = {
    "recommendation": (("recommended_on", "wanted_by_on"),),
    "support_record": (("started_on", "ended_on"), ("started_on", "outcome_on")),
    "approach": (("approached_on", "next_on"),),
    "alignment": (("held_on", "review_on"),),
    "subject_profile": (("founded_on", "incorporated_on"), ("founded_on", "as_of"), ("incorporated_on", "as_of")),
    "plan_progress": (("plan_from", "plan_to"), ("confirmed_on", "as_of")),
    "guarantee_application": (("applied_on", "due_on"), ("transaction_position/as_of", "applied_on")),
    "score_record": (("fiscal_year_end", "as_of"),),
    "evidence_document": (("fiscal_year_start", "fiscal_year_end"),),
    "inquiry": (("asked_on", "answer_by_on"),),
    "answer": (("asked_on", "answered_on"),),
}
"""By record kind: pairs of fields (paths), of which the first is never after the second."""


@document_rule(
    "D01",
    tuple(ORDER),
    Severity.WARN,
    Words(
        ja="日付の前後が合いません（{earlier} {earlier_on} が {later} {later_on} より後です）。",
        en="Dates are out of order: {earlier} {earlier_on} is after {later} {later_on}.",
        remedy_ja="どちらの日付が正しいか確認してください。",
        remedy_en="Check which of the dates is right.",
    ),
    "experience",
)
def dates_come_in_their_order(record: Record) -> Iterator[Hit]:
    """What begins is not after what ends it, and what was asked not after its answer.

    *Because* a slip of the year makes a case look years old or not yet begun, and freshness is counted from these days.
    *Accepts* a case of support begun and ended on one day; a pair of which one is not stated.
    *Finds* 開始日 2026-05-01 with 終了日 2025-06-30.
    *Remedy* correct the date that is wrong.
    *Source* experience.
    """
    for earlier, later in ORDER[record.kind]:
        first, second = _at(record, earlier), _at(record, later)
        if first is not None and second is not None and first > second:
            named = {"earlier": f"{record.kind}.{earlier.rpartition('/')[2]}", "later": f"{record.kind}.{later}"}
            yield Hit(f"/{later}", named | {"earlier_on": str(first), "later_on": str(second)})


def _at(record: Any, path: str) -> date | None:
    for name in path.split("/"):
        record = None if record is None else getattr(record, name)
    return record if isinstance(record, date) else None
