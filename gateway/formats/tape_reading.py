"""Reading a bank's file by its layout: its records block by block, and what of it goes back.

What the records become, columns or documents, is the adapter's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import BinaryIO

import polars as pl

from gateway.errors import Unreadable
from gateway.formats.identifiers import my_number_holds
from gateway.formats.layouts import SEQUENCE, Delimited, Field, Layout
from gateway.formats.tape_rows import Block, Role, Split, Splitter, blocks, with_number
from gateway.formats.tape_structure import Parts, Structure
from gateway.formats.text import REPLACEMENT
from gateway.formats.typed_columns import Typed, spelling, typed
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Tape
from gateway.schemas.place import Place
from gateway.schemas.trusted import trusted

HEAD_BYTES = 65_536
_SHOWN = 40
_NAMED = 20  # columns, that a finding names
_TWELVE_DIGITS = re.compile(r"[0-9]{12}")


def layout_of(source: BinaryIO, layouts: Sequence[Layout], filename: str | None) -> Layout:
    """The first layout that fits the beginning of a file, which stays unread.

    Raises:
        Unreadable: none does.
    """
    head = source.read(HEAD_BYTES)
    source.seek(0)
    for layout in layouts:
        if layout.recognises(head, filename):
            return layout
    ja = "登録されたどの様式にも当てはまりません。"
    raise Unreadable("No known layout fits this tape.", ja=ja, place=Place(line=1))


class TapeReading:
    """One pass over one file.

    Attributes:
        structure: header, trailer and end of the file, as far as it has been read.
    """

    def __init__(self, layout: Layout) -> None:
        self.structure = Structure(layout)
        self._replaced = 0

    def records(self, source: BinaryIO, at_once: int) -> Iterator[Records]:
        """The data records in their order, at most so many at once.

        Raises:
            Unreadable: the file departs from its layout before or between its records.
        """
        ordinal = 0
        for block in blocks(source, self.structure.layout, at_once):
            parts = self.structure.parts_of(block)
            if parts.rows and self.structure.splitter:
                records = Records(self.structure, self.structure.splitter, block, parts, ordinal)
                ordinal += len(parts.rows)
                self._replaced += records.split.replaced
                yield records

    def problems(self) -> tuple[Finding, ...]:
        """What the file as a whole shows, once all its records were read."""
        return (*_of_the_whole(self.structure, self._replaced), *self.structure.closing())

    @property
    def tape(self) -> Tape:
        """Which file of which feed it is."""
        layout = self.structure.layout
        return Tape(f"{layout.id}/{layout.version}", self.structure.sequence)


def returned(source: BinaryIO, layout: Layout, refused: Collection[int], at_once: int) -> Iterator[bytes]:
    """The refused records as a file of the same layout: the next sequence number, count and sums made anew.

    Every returned record stays byte for byte, and so does the trailer where every record is returned: a file that was
    refused for its trailer does not come back mended by itself. Nothing refused, no file.
    """
    if not refused:
        return
    structure = Structure(layout)
    ordinal, totals, wanted = 0, _Totals(layout), frozenset(refused)
    for block in blocks(source, layout, at_once):
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


class Records:
    """The data records of one block, read.

    Attributes:
        ordinal: that of the first of them.
        lines, contents: where each stands, and its own bytes.
        values: their values by column; what could not be read is null and has a problem.
        problems: what is wrong with any of them, in their order; they are refused for it.
    """

    def __init__(self, structure: Structure, splitter: Splitter, block: Block, parts: Parts, ordinal: int) -> None:
        self.structure, self.splitter, self.unknown, self.ordinal = structure, splitter, parts.unknown, ordinal
        self.contents = [block.contents[index] for index in parts.rows]
        self.lines = [block.first_line + index for index in parts.rows]
        self.split: Split = splitter.split(self.contents)

        self.values, self.problems = self._read()

    @property
    def columns(self) -> dict[str, int]:
        """Column -> where it stands in the source, those that no column of ours takes by their label."""
        return self.splitter.columns | self.splitter.unmapped

    def _read(self) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
        layout, cells = self.structure.layout, self.split.frame
        fields = {name: field for name, field in layout.wanted.items() if name in cells.columns}
        read = typed(cells, fields, layout.unit)
        problems = [*self._broken(), *self._untyped()]
        for name, field in fields.items():
            problems += self._unread(name, field, read)
        problems.sort(key=attrgetter("record"))
        return read.values, tuple(problems)

    def _unread(self, name: str, field: Field, read: Typed) -> Iterator[Finding]:
        if not read.values[name].null_count():
            return
        bad, usual = read.unread(name), spelling(field)
        for index, found in zip(bad, read.text[name].gather(bad), strict=True):
            expected = f"{self.structure.layout.encoding} の文字" if REPLACEMENT in found else usual
            params: dict[str, str | int] = {"field": field.name, "found": _shown(found), "expected": expected}
            yield self._finding("R01", index, name, params)
        if field.required or name in self.structure.layout.required:
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
