"""The frame of a tape: records in their order, what the header says, whether the trailer holds.

Order: header and line of labels (either first), data, trailer, end. Before the data a departure means that this is not
the layout it seemed to be (``Unreadable``); a trailer that does not hold, or is not there because the file was cut
off, is a finding about the document (V18).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from gateway.errors import Unreadable
from gateway.formats.layouts import SEQUENCE, Delimited, Field, Layout, Total
from gateway.formats.tape_rows import Block, Role, Roles, Splitter, control_cells, control_value
from gateway.formats.typed_columns import single, spelling
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.place import Place

_OPENING = {Role.HEADER: "ヘッダ", Role.LABELS: "見出し行"}


@dataclass(frozen=True, slots=True)
class Parts:
    """Which records of a block are what, by index: data, those among them of no known type, and all others."""

    rows: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    others: dict[int, Role] = field(default_factory=dict)


class Structure:
    """One pass over one file.

    Attributes:
        splitter: cuts data records; there once the data may begin.
        constants: what the header says of every record, by column.
        sequence: the file's number in its feed, where the header has one.
        count: data records met so far.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.constants: dict[str, str | int | bool | date] = {}
        self.sequence: int | None = None
        self.count = 0
        self.splitter: Splitter | None = None
        self._roles = Roles(layout)
        self._stage = Role.BLANK
        self._awaited = {Role.HEADER} if layout.header else set()
        if isinstance(layout.form, Delimited) and layout.form.labels:
            self._awaited.add(Role.LABELS)
        else:
            self.splitter = Splitter(layout)
        self._trailer: tuple[int, bytes] | None = None
        self._sums: dict[str, int | None] = {}
        if layout.trailer:
            self._sums = {total.of: 0 for total in layout.trailer.totals if total.of}

    def parts_of(self, block: Block) -> Parts:
        """What the records of a block are; header, labels and trailer among them are read.

        Raises:
            Unreadable: header or labels are missing or cannot be read, or a record stands where none may.
        """
        special = self._roles.of(block.contents)
        if not special and self._stage is Role.DATA:
            self.count += len(block.contents)
            return Parts(list(range(len(block.contents))))
        parts = Parts()
        for index, content in enumerate(block.contents):
            role = special.get(index, Role.DATA)
            if role in (Role.DATA, Role.UNKNOWN):
                if self._stage is not Role.DATA:
                    self._enter(Role.DATA, block.first_line + index)
                if role is Role.UNKNOWN:
                    parts.unknown.append(len(parts.rows))
                parts.rows.append(index)
                continue
            parts.others[index] = role
            if role is not Role.BLANK:
                self._enter(role, block.first_line + index)
                self._read(role, block.first_line + index, content)
        self.count += len(parts.rows)
        return parts

    def _enter(self, role: Role, line: int) -> None:
        if role in _OPENING:
            if role not in self._awaited:
                raise _unreadable("There is more than one header.", "ヘッダが2件以上あります。", line)
        elif self._awaited:
            names = "・".join(name for missing, name in _OPENING.items() if missing in self._awaited)
            raise _unreadable("Header or labels are missing.", f"{names}がありません。", line)
        elif role <= self._stage:
            raise _unreadable("Records are not in the order of the layout.", "レコードの順序が様式と違います。", line)
        self._awaited.discard(role)
        self._stage = role

    def _read(self, role: Role, line: int, content: bytes) -> None:
        if role is Role.HEADER and self.layout.header:
            for cell in self.layout.header.fields:
                if cell.to:
                    self._read_header(cell, line, content)
        elif role is Role.LABELS:
            self.splitter = Splitter(self.layout, _labels(self.layout, line, content))
        elif role is Role.TRAILER:
            self._trailer = (line, content)

    def _read_header(self, cell: Field, line: int, content: bytes) -> None:
        text = control_value(content, cell, self.layout)
        try:
            value = single(text, cell)
        except ValueError:
            value = None
        if value is None and (text or cell.required or cell.to in self.layout.required):
            raise Unreadable(
                f"The header's {cell.name} cannot be read: '{text}'.",
                ja=f"ヘッダの「{cell.name}」の値「{text}」を読み取れません（{spelling(cell)}）。",
                place=Place(line=line, column=cell.at),
            )
        if cell.to == SEQUENCE:
            self.sequence = value if isinstance(value, int) else None
        elif value is not None and cell.to:
            self.constants[cell.to] = value

    def add(self, frame: pl.DataFrame) -> None:
        """Count the amounts of these rows in; one that could not be read leaves its sum unknown."""
        for name, so_far in self._sums.items():
            unknown = so_far is None or name not in frame.columns or frame[name].null_count()
            self._sums[name] = None if unknown or so_far is None else so_far + int(frame[name].sum())

    def closing(self) -> Iterator[Finding]:
        """What the end of the file shows: trailer and end are there, and count and sums hold.

        A sum in which an amount could not be read is not compared; the rows concerned go back anyway.
        """
        if self.layout.trailer and self._trailer is None:
            yield _disagreement("トレーラ", "なし", "あり", Place())
        elif self.layout.end and self._stage is not Role.END:
            yield _disagreement("エンドレコード", "なし", "あり", Place())
        if self.layout.trailer and self._trailer:
            line, content = self._trailer
            for total in self.layout.trailer.totals:
                yield from self._compared(total, line, content)

    def _compared(self, total: Total, line: int, content: bytes) -> Iterator[Finding]:
        text = control_value(content, total, self.layout)
        place = Place(line=line, column=total.at)
        expected = self.count
        if total.of:
            summed = self._sums[total.of]
            if summed is None:
                params: dict[str, str | int] = {"field": total.name}
                yield Finding(code="V18S", severity=Severity.WARN, place=place, params=params)
                return
            expected = summed // self.layout.unit.yen
        try:
            found = single(text, Field(name=total.name, type="integer"))
        except ValueError:
            found = None
        if found != expected:
            yield _disagreement(total.name, text, expected, place)


def _labels(layout: Layout, line: int, content: bytes) -> list[str]:
    labels = control_cells(content, layout)
    for cell in layout.data.fields:
        needed = cell.required or cell.to in layout.required
        if labels.count(cell.name) > 1 or (needed and cell.name not in labels):
            ja = f"項目「{cell.name}」がないか、重複しています。"
            raise _unreadable(f"Column '{cell.name}' is missing or occurs twice.", ja, line)
    return labels


def _unreadable(en: str, ja: str, line: int) -> Unreadable:
    return Unreadable(en, ja=ja, place=Place(line=line))


def _disagreement(name: str, found: str | int, expected: str | int, place: Place) -> Finding:
    params: dict[str, str | int] = {"field": name, "found": found, "expected": expected}
    return Finding(code="V18", severity=Severity.REFUSE, place=place, params=params)
