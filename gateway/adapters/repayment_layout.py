"""Repayment tapes (償還データ) in any layout that is described as data.

Reads: the files in which banks report repayments to a corporation, delimited or fixed-width, one record per loan,
    with header, trailer and end records as the layout says.
Specification: none is public; a layout is a YAML file (``formats/layouts.py``). Record types 1, 2, 8, 9 and the way
    numbers, names and dates are filled follow the formats Japanese banks share for transfers (domain note 4.3).
Units and calendar: yen or 千円 as the layout says, always yen afterwards; dates in the spelling the layout names,
    six-digit era dates included; instants are Japan time.
Encoding: CP932 or UTF-8 as the layout says. Bytes that are no text refuse their row, shown with U+FFFD.
Known limits: one header and one trailer per file; a quoted cell stays on its line; no EBCDIC, no packed decimals.
    A trailer's sum is not compared when an amount in it cannot be read; the document says so (V18S).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from typing import BinaryIO

import polars as pl

from gateway.formats.layouts import load_layouts
from gateway.formats.tape_reading import TapeReading, layout_of, returned
from gateway.formats.tape_structure import Structure
from gateway.ports import ROWS_AT_ONCE, Hints
from gateway.schemas.observed import ROW_COLUMNS, ObservedRows
from gateway.schemas.records.repayment_columns import COLUMNS, KIND, completed


class RepaymentLayout:
    """Any repayment tape whose layout is known."""

    name = "repayment_layout"
    version = "1"
    media_types = frozenset({"text/csv", "text/plain", "text/tab-separated-values", "application/octet-stream"})
    kinds = frozenset({KIND})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """Whether a packaged layout fits; a layout of a further folder is reached with ``adapter=``."""
        if head.startswith((b"{", b"[", b"PK")):  # JSON or an archive: no need to decode it
            return False
        return any(layout.recognises(head, filename) for layout in load_layouts())

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[ObservedRows]:
        """The rows in frames and, last, an empty frame with what the file as a whole shows.

        Raises:
            Unreadable: no layout fits, or the file departs from it before or between its records.
        """
        reading = TapeReading(layout_of(source, load_layouts(hints.layouts), hints.filename))
        structure = reading.structure
        for records in reading.records(source, ROWS_AT_ONCE):
            frame = _framed(structure, records.values, records.contents, records.lines, records.ordinal)
            structure.add(frame)
            yield ObservedRows(
                kind=KIND,
                frame=frame,
                columns=records.columns,
                problems=records.problems,
                tape=reading.tape,
                unmapped=records.split.unmapped,
            )
        frame = _framed(structure, pl.DataFrame(), [], [], 0)
        yield ObservedRows(kind=KIND, frame=frame, problems=reading.problems(), tape=reading.tape)

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The refused records as a file of the same layout, ready to be mended."""
        if refused:
            layout = layout_of(source, load_layouts(hints.layouts), hints.filename)
            yield from returned(source, layout, refused, ROWS_AT_ONCE)


def _framed(
    structure: Structure, values: pl.DataFrame, contents: Sequence[bytes], lines: Sequence[int], ordinal: int
) -> pl.DataFrame:
    """The values with their provenance, what layout and header say of every row, and the keys."""
    layout = structure.layout
    constants = structure.constants | {
        "coverage_mode": layout.coverage_mode.value,
        "unit": layout.unit.value,
        "rounding": layout.rounding.value,
    }
    provenance = {
        "ordinal": range(ordinal, ordinal + len(contents)),
        "line": lines,
        "digest": [hashlib.sha256(content).hexdigest() for content in contents],
    }
    frame = pl.DataFrame(provenance, schema=ROW_COLUMNS).with_columns(values.get_columns())
    said = [pl.lit(value, COLUMNS[name]).alias(name) for name, value in constants.items() if name not in values.columns]
    return completed(frame.with_columns(said)).select(*ROW_COLUMNS, *COLUMNS, "series", "valid_on")


adapter = RepaymentLayout()
