"""Laws of tapes: what is written is read, what is given back is what was refused, and nothing else is ever raised."""

from __future__ import annotations

import io
import re
from datetime import date

import polars as pl
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gateway.adapters.repayment_layout import adapter
from gateway.errors import Unreadable
from gateway.formats.japanese_calendar import parse_date
from gateway.formats.layouts import Field, load_layouts
from gateway.formats.money import parse_amount
from gateway.formats.tape_rows import blocks
from gateway.formats.tape_structure import Structure
from gateway.formats.typed_columns import typed
from gateway.ports import Hints
from gateway.schemas.records import Unit
from mocks.tapes import loan_book, write_tape

BOOK = loan_book(11, 40)
CSV, FIXED = load_layouts()
LAYOUTS = st.sampled_from([CSV.id, FIXED.id])
TAPES = {layout.id: write_tape(layout.id, BOOK, 7) for layout in (CSV, FIXED)}
DIGITS = "0123456789０１２,.-△▲()*+ "


FEW = settings(max_examples=25, deadline=None)  # an example reads whole files


def digests(raw: bytes) -> list[str]:
    return [digest for seen in adapter.read(io.BytesIO(raw), Hints()) for digest in seen.frame["digest"]]


@FEW
@given(LAYOUTS, st.sets(st.integers(0, 39), min_size=1))
def test_what_is_given_back_holds_just_the_refused_rows_byte_for_byte(layout_id: str, refused: set[int]) -> None:
    raw = b"".join(adapter.returned(io.BytesIO(TAPES[layout_id]), refused, Hints()))
    whole = digests(TAPES[layout_id])
    assert digests(raw) == [whole[index] for index in sorted(refused)]
    problems = [problem for seen in adapter.read(io.BytesIO(raw), Hints()) for problem in seen.problems]
    assert problems == []


@FEW
@given(LAYOUTS, st.sets(st.integers(0, 39), min_size=1), st.sets(st.integers(0, 39)))
def test_giving_back_twice_is_giving_back_once(layout_id: str, first: set[int], second: set[int]) -> None:
    positions = [index for index, ordinal in enumerate(sorted(first)) if ordinal in second]
    assume(positions)
    once = b"".join(adapter.returned(io.BytesIO(TAPES[layout_id]), first, Hints()))
    twice = b"".join(adapter.returned(io.BytesIO(once), positions, Hints()))
    assert digests(twice) == digests(b"".join(adapter.returned(io.BytesIO(TAPES[layout_id]), first & second, Hints())))


@FEW
@given(LAYOUTS, st.integers(1, 50))
def test_where_a_file_is_cut_into_blocks_changes_nothing(layout_id: str, at_once: int) -> None:
    layout = CSV if layout_id == CSV.id else FIXED
    structure, frames = Structure(layout), []
    for block in blocks(io.BytesIO(TAPES[layout_id]), layout, at_once):
        parts = structure.parts_of(block)
        if parts.rows:
            assert structure.splitter is not None
            frames.append(structure.splitter.split([block.contents[index] for index in parts.rows]).frame)
            structure.add(typed(frames[-1], layout.wanted, layout.unit).values)
    assert pl.concat(frames).height == 40
    assert list(structure.closing()) == []


@FEW
@given(LAYOUTS, st.integers(0, 8_000), st.binary(max_size=4), st.integers(0, 300))
def test_a_damaged_tape_is_read_or_unreadable(layout_id: str, at: int, inserted: bytes, removed: int) -> None:
    raw = TAPES[layout_id]
    damaged = raw[: at % len(raw)] + inserted + raw[at % len(raw) + removed :]
    try:
        count = len(digests(damaged))
    except Unreadable:
        return
    back = b"".join(adapter.returned(io.BytesIO(damaged), range(0, count, 2), Hints()))
    assert bool(back) == (count > 0)


@given(st.lists(st.integers(-(10**12), 10**12).map(str) | st.text(DIGITS, max_size=10), max_size=8))
@example(["1,234", "△5", "-", "(7)", "12.0", "***", "+3"])
def test_amounts_of_a_column_are_those_of_single_figures(texts: list[str]) -> None:
    field = Field(name="残高", to="balance_yen", type="amount")
    column = typed(pl.DataFrame({"balance_yen": pl.Series(texts, dtype=pl.String())}), {"balance_yen": field}, Unit.YEN)
    for text, value in zip(texts, column.values["balance_yen"], strict=True):
        try:
            expected = parse_amount(text)
        except ValueError:
            expected = int(text) if re.fullmatch(r"\+[0-9]+", text.strip()) else None  # signed fields of old systems
        assert value == expected


@given(st.lists(st.dates(date(1900, 1, 1), date(2099, 12, 31)), max_size=6), st.sampled_from(["%Y/%m/%d", "%Y-%m-%d"]))
def test_dates_of_a_column_are_those_of_single_ones(days: list[date], pattern: str) -> None:
    texts = [day.strftime(pattern) for day in days]
    field = Field(name="基準日", to="as_of", type="date")
    column = typed(pl.DataFrame({"as_of": pl.Series(texts, dtype=pl.String())}), {"as_of": field}, Unit.YEN)
    assert column.values["as_of"].to_list() == days == [parse_date(text) for text in texts]
