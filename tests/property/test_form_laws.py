"""Laws of forms: what is written on one is read off it again, and no bytes whatever break the reader."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.monitoring_workbook import adapter
from gateway.errors import Unreadable
from gateway.formats.cells import Cell, Kind
from gateway.formats.form_entries import answer, content
from gateway.formats.form_template import Slot, templates
from gateway.formats.forms import filled_form
from gateway.ports import Hints

SLOTS = templates()["monitoring-report"].slots
SAMPLE = filled_form("monitoring-report", {"/bank_code": "9991", "/company_name": "早目商店"})
KINDS = {str: Kind.TEXT, float: Kind.NUMBER, date: Kind.DATE}


def canonical(slot: Slot) -> st.SearchStrategy[Any]:
    """Values a record may hold where this slot's answer goes."""
    field = slot.field
    low = 0 if field.minimum is None else field.minimum
    match field.type:
        case "choice":
            return st.sampled_from(list(slot.choices))
        case "date":
            return st.dates(date(1990, 1, 1), date(2099, 12, 31))
        case "digits":
            return st.from_regex(rf"[0-9]{{{field.digits}}}", fullmatch=True)
        case "identifier":
            return st.from_regex(r"[0-9A-Z]([0-9A-Z-]{0,5}[0-9A-Z])?", fullmatch=True)
        case "integer":
            return st.integers(low, field.maximum)
        case "thousand_yen":
            return st.integers(low if field.minimum is not None else -(10**12), 10**12)
        case "decimal" | "percent":
            return st.decimals(max(low, -100), 999, places=1)
    return st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40)


def as_stored(slot: Slot, typed: Any) -> Cell:
    if isinstance(typed, float):
        return Cell(Kind.PERCENT if slot.field.type == "percent" else Kind.NUMBER, f"{Decimal(repr(typed)):f}")
    return Cell(KINDS[type(typed)], str(typed))


@given(st.data())
@settings(max_examples=500)
def test_what_is_typed_for_a_value_is_read_as_that_value(data: st.DataObject) -> None:
    slot = data.draw(st.sampled_from(SLOTS))
    value = data.draw(canonical(slot))
    assert answer(slot, as_stored(slot, content(slot, value))) == value


@given(st.sampled_from(SLOTS), st.sampled_from(list(Kind)), st.text(max_size=40) | st.from_regex(r"-?[0-9]{1,18}"))
@settings(max_examples=1_000)
def test_a_cell_gives_a_value_or_a_value_error(slot: Slot, kind: Kind, text: str) -> None:
    with suppress(ValueError):
        assert isinstance(answer(slot, Cell(kind, text)), str | int | Decimal | date | None)


@given(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=16))
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_damaged_workbook_gives_reports_or_unreadable(at: int, damage: bytes) -> None:
    with suppress(Unreadable):
        for observed in adapter.read(io.BytesIO(SAMPLE[:at] + damage + SAMPLE[at + len(damage) :]), Hints()):
            assert len(observed.digest) == 64
