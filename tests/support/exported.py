"""What adapters and rules make of a file that an accounting program exported."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from gateway.ports import Adapter, Hints
from gateway.reference.lists import NO_LISTS
from gateway.rules.pack import standard_pack
from gateway.rules.rows import RepeatedKeys
from gateway.schemas.findings import Finding
from gateway.schemas.observed import Observed, ObservedDocument
from gateway.schemas.records import TrialBalance
from gateway.steps.validate import validate

NOON = datetime(2026, 11, 25, 3, tzinfo=UTC)


def read(adapter: Adapter, raw: bytes, hints: Hints = Hints()) -> list[Observed]:  # noqa: B008 - frozen
    return list(adapter.read(io.BytesIO(raw), hints))


def books(adapter: Adapter, raw: bytes, hints: Hints = Hints()) -> list[TrialBalance]:  # noqa: B008 - frozen
    records = [each.record for each in read(adapter, raw, hints) if isinstance(each, ObservedDocument)]
    return [record for record in records if isinstance(record, TrialBalance)]


def back(adapter: Adapter, raw: bytes, *refused: int, hints: Hints = Hints()) -> bytes:  # noqa: B008 - frozen
    return b"".join(adapter.returned(io.BytesIO(raw), refused, hints))


def found(adapter: Adapter, raw: bytes, hints: Hints = Hints()) -> list[Finding]:  # noqa: B008 - frozen
    """Everything that reading and rules say about a file."""
    pack, repeated = standard_pack(), RepeatedKeys()
    return [one for each in read(adapter, raw, hints) for one in validate(pack, each, repeated, NO_LISTS).findings]


def amounts(record: TrialBalance) -> dict[str, tuple[int | None, ...]]:
    """Name -> opening, debit, credit, closing, for lines that are no totals."""
    columns = ("opening_yen", "debit_yen", "credit_yen", "closing_yen")
    return {
        line["source_name"]: tuple(line.get(name) for name in columns)  # type: ignore[misc]  # by the names above
        for line in record.lines
        if not line.get("is_total")
    }
