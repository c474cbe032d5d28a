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
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import BinaryIO

import polars as pl

from gateway.errors import Unreadable
from gateway.formats.identifiers import my_number_holds
from gateway.formats.layouts import SEQUENCE, Delimited, Field, Layout, load_layouts
from gateway.formats.tape_rows import Block, Role, Split, Splitter, blocks, with_number
from gateway.formats.tape_structure import Parts, Structure
from gateway.formats.text import REPLACEMENT
from gateway.formats.typed_columns import Typed, spelling, typed
from gateway.ports import ROWS_AT_ONCE, Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import ROW_COLUMNS, ObservedRows, Tape
from gateway.schemas.place import Place
from gateway.schemas.records.repayment_columns import COLUMNS, KIND, REQUIRED, completed
from gateway.schemas.trusted import trusted

HEAD_BYTES = 65_536
_SHOWN = 40
_NAMED = 20  # columns, that a finding names
_TWELVE_DIGITS = re.compile(r"[0-9]{12}")


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
        layout = _layout_of(source, hints)
        structure = Structure(layout)
        ordinal = replaced = 0
        for block in blocks(source, layout, ROWS_AT_ONCE):
            parts = structure.parts_of(block)
            if parts.rows and structure.splitter:
                rows = _Rows(structure, structure.splitter, block, parts, ordinal)
                yield rows.observed()
                ordinal += len(parts.rows)
                replaced += rows.split.replaced
        problems = (*_of_the_whole(structure, replaced), *structure.closing())
        yield ObservedRows(
            kind=KIND, frame=_framed(structure, pl.DataFrame(), [], [], 0), problems=problems, tape=_tape(structure)
        )

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The refused records as a file of the same layout: the next sequence number, count and sums made anew.

        Every returned record stays byte for byte, and so does the trailer where every record is returned: a file
        that was refused for its trailer does not come back mended by itself. Nothing refused, no file.
        """
        if not refused:
            return
        layout = _layout_of(source, hints)
        structure = Structure(layout)
        ordinal, totals, wanted = 0, _Totals(layout), frozenset(refused)
        for block in blocks(source, layout, ROWS_AT_ONCE):
            parts = structure.parts_of(block)
            chosen = [index for number, index in enumerate(parts.rows, ordinal) if number in wanted]
            ordinal += len(parts.rows)
            if structure.splitter:
                totals.add([block.contents[index] for index in chosen], structure.splitter)
            for index in sorted({*chosen, *parts.others}):
                piece, content = block.pieces[index], block.contents[index]
                match parts.others.get(index):
                    case Role.HEADER:
                        yield piece.replace(content, _renumbered(content, structure), 1)
                    case Role.TRAILER if totals.count != ordinal:
                        yield piece.replace(content, totals.written_into(content), 1)
                    case _:
                        yield piece


class _Rows:
    """The data records of one block on their way from bytes to a frame."""

    def __init__(self, structure: Structure, splitter: Splitter, block: Block, parts: Parts, ordinal: int) -> None:
        self.structure, self.splitter, self.unknown, self.ordinal = structure, splitter, parts.unknown, ordinal
        self.contents = [block.contents[index] for index in parts.rows]
        self.lines = [block.first_line + index for index in parts.rows]
        self.split: Split = splitter.split(self.contents)

    def observed(self) -> ObservedRows:
        """The frame, with every cell that could not be read and every one that is missing."""
        layout, cells = self.structure.layout, self.split.frame
        fields = {name: field for name, field in layout.wanted.items() if name in cells.columns}
        read = typed(cells, fields, layout.unit)
        problems = [*self._broken(), *self._untyped()]
        for name, field in fields.items():
            problems += self._unread(name, field, read)
        problems.sort(key=attrgetter("record"))
        frame = _framed(self.structure, read.values, self.contents, self.lines, self.ordinal)
        self.structure.add(frame)
        return ObservedRows(
            kind=KIND,
            frame=frame,
            columns=self.splitter.columns | self.splitter.unmapped,
            problems=tuple(problems),
            tape=_tape(self.structure),
            unmapped=self.split.unmapped,
        )

    def _unread(self, name: str, field: Field, read: Typed) -> Iterator[Finding]:
        if not read.values[name].null_count():
            return
        bad, usual = read.unread(name), spelling(field)
        for index, found in zip(bad, read.text[name].gather(bad), strict=True):
            expected = f"{self.structure.layout.encoding} の文字" if REPLACEMENT in found else usual
            params: dict[str, str | int] = {"field": field.name, "found": _shown(found), "expected": expected}
            yield self._finding("R01", index, name, params)
        if field.required or name in REQUIRED:
            for index in read.text[name].is_null().arg_true():
                if index not in self.split.broken:
                    yield self._finding("R03", index, name, {"field": field.name})

    def _broken(self) -> Iterator[Finding]:
        for index, (found, expected) in self.split.broken.items():
            yield self._finding("R01", index, None, {"field": "行全体", "found": found, "expected": expected})

    def _untyped(self) -> Iterator[Finding]:
        layout = self.structure.layout
        leading = layout.data.leading or ""
        for index in self.unknown:
            text = self.contents[index].decode(layout.encoding, errors="replace")
            found = text.partition(layout.form.delimiter)[0] if isinstance(layout.form, Delimited) else text[:1]
            params: dict[str, str | int] = {"field": "データ区分", "found": _shown(found), "expected": leading}
            yield self._finding("R01", index, None, params)

    def _finding(self, code: str, index: int, name: str | None, params: dict[str, str | int]) -> Finding:
        column = self.splitter.columns.get(name) if name else None
        place = trusted(
            Place, {"line": self.lines[index], "column": column, "sheet": None, "cell": None, "pointer": None}
        )
        return trusted(
            Finding,
            {
                "code": code,
                "severity": Severity.REFUSE,
                "record": self.ordinal + index,
                "place": place,
                "field": name,
                "params": params,
            },
        )


class _Totals:
    """Count and sums of the records that are given back; an amount nobody can read counts for nothing."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.count = 0
        self.yen = {total.of: 0 for total in layout.trailer.totals if total.of} if layout.trailer else {}

    def add(self, contents: Sequence[bytes], splitter: Splitter) -> None:
        if not contents:
            return
        self.count += len(contents)
        cells = splitter.split(contents).frame
        summed = {name: self.layout.wanted[name] for name in self.yen if name in cells.columns}
        for column in typed(cells, summed, self.layout.unit).values:
            self.yen[column.name] += int(column.sum())

    def written_into(self, content: bytes) -> bytes:
        for total in self.layout.trailer.totals if self.layout.trailer else ():
            number = self.yen[total.of] // self.layout.unit.yen if total.of else self.count
            content = with_number(content, total, number, self.layout)
        return content


def _renumbered(content: bytes, structure: Structure) -> bytes:
    for cell in structure.layout.header.fields if structure.layout.header else ():
        if cell.to == SEQUENCE and structure.sequence is not None:
            following = structure.sequence + 1
            limit = 10**cell.length if cell.length else following + 1
            content = with_number(content, cell, following % limit, structure.layout)
    return content


def _layout_of(source: BinaryIO, hints: Hints) -> Layout:
    head = source.read(HEAD_BYTES)
    source.seek(0)
    for layout in load_layouts(hints.layouts):
        if layout.recognises(head, hints.filename):
            return layout
    ja = "登録されたどの様式にも当てはまりません。"
    raise Unreadable("No known layout fits this tape.", ja=ja, place=Place(line=1))


def _tape(structure: Structure) -> Tape:
    return Tape(f"{structure.layout.id}/{structure.layout.version}", structure.sequence)


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


def _of_the_whole(structure: Structure, replaced: int) -> Iterator[Finding]:
    if structure.splitter and structure.splitter.unmapped:
        names = "、".join(_shown(label) for label in islice(structure.splitter.unmapped, _NAMED))
        yield Finding(code="R02", severity=Severity.WARN, params={"found": names})
    if replaced:
        yield Finding(code="V41", severity=Severity.WARN, params={"count": replaced})


def _shown(text: str) -> str:
    """A cell as a finding may show it: short, and never a My Number."""
    if _TWELVE_DIGITS.fullmatch(text) and my_number_holds(text):
        return "*" * 12
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


adapter = RepaymentLayout()
