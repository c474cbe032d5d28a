"""Measure: how long it took from the event in the firm to the reader's eyes, stage by stage.

Each instant is kept where it belongs: event, period end, known, produced, sent and received in the line; accepted and
sealed in the statement; published with the commit group; read by the reader's own watermark. Here they are joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from statistics import quantiles
from typing import Any

import orjson

from gateway.schemas.identifiers import JST
from gateway.store import reads
from gateway.store.engine import Session
from gateway.store.feed import Page

STAGES: tuple[tuple[str, str, str], ...] = (
    ("event_to_received", "event_on", "received_at"),
    ("period_end_to_received", "period_end_on", "received_at"),
    ("produced_to_received", "produced_at", "received_at"),
    ("sent_to_received", "sent_at", "received_at"),
    ("received_to_accepted", "received_at", "accepted_at"),
    ("accepted_to_sealed", "accepted_at", "sealed_at"),
    ("sealed_to_published", "sealed_at", "published_at"),
    ("received_to_published", "received_at", "published_at"),
    ("published_to_read", "published_at", "read_at"),
    ("event_to_read", "event_on", "read_at"),
)
"""Name of a lead time, and the two instants it lies between. A date counts from the end of that day in Japan."""


def moment(value: Any) -> datetime | None:
    """An instant as kept in lines and rows: aware datetime, RFC 3339 text, or a date (24:00 JST of that day)."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str) and "T" in value:
        return datetime.fromisoformat(value)
    day = value if isinstance(value, date) else date.fromisoformat(value)
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=JST)


def lead_times(instants: Mapping[str, Any]) -> dict[str, float]:
    """Seconds of every stage both of whose ends are known; negative where a clock or a date runs ahead."""
    known = {name: moment(value) for name, value in instants.items() if value is not None}
    return {
        stage: (end - start).total_seconds()
        for stage, first, last in STAGES
        if (start := known.get(first)) is not None and (end := known.get(last)) is not None
    }


def summary(measured: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Per kind and stage: how many were measured, median, 90th percentile and maximum, in seconds."""
    collected: dict[str, dict[str, list[float]]] = {}
    for kind, stages in measured:
        for stage, seconds in stages.items():
            collected.setdefault(kind, {}).setdefault(stage, []).append(seconds)
    return {
        kind: {stage: _figures(values) for stage, values in stages.items()}
        for kind, stages in sorted(collected.items())
    }


def _figures(values: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(values, n=10, method="inclusive") if len(values) > 1 else [values[0]] * 9
    return {"count": len(values), "p50": round(cuts[4], 6), "p90": round(cuts[8], 6), "max": round(max(values), 6)}


def measured(session: Session, recipient: str, after: int, page: Page) -> Iterator[dict[str, Any]]:
    """The lines of a page that begins at a position, each with its named instants and the seconds of every stage.

    Lines that are withheld are passed over: their instants are part of them.
    """
    instants = reads.instants(session, recipient, after, page.next_position)
    for position, submission, index, body in page.rows:
        if position in page.withheld:
            continue
        line = orjson.loads(body)
        known = line["instants"] | instants.of(position, submission)
        yield {
            "position": position,
            "submission": submission,
            "index": index,
            "kind": line["kind"],
            "instants": known,
            "seconds": lead_times(known),
        }
