"""Tapes as bytes: records in blocks, which of them carry data, and the cells of many records at once.

CP932 is split as bytes only where that is safe: the second byte of a character is never ``,``, ``;``, tab, quote,
CR or LF. A record is one line (or one length); a quoted cell never spans lines.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import BinaryIO

import polars as pl

from gateway.errors import Unreadable
from gateway.formats.layouts import Cell, Delimited, Field, Fixed, Layout
from gateway.formats.text import REPLACEMENT, UTF8_MARK
from gateway.schemas.place import Place

LONGEST_LINE = 16_384
_CHUNK = 1 << 20
_PADDING = b"\r\n\x1a"


class Role(IntEnum):
    """What a record is, in the order in which they stand in a file; an unknown one stands among the data."""

    BLANK = -1
    HEADER = 0
    LABELS = 1
    DATA = 2
    UNKNOWN = 3
    TRAILER = 4
    END = 5


@dataclass(frozen=True, slots=True)
class Block:
    """Some records of a file in a row: as they came (``pieces``) and without their line ends (``contents``)."""

    first_line: int
    pieces: list[bytes]
    contents: list[bytes]


def blocks(source: BinaryIO, layout: Layout, at_once: int) -> Iterator[Block]:
    """The whole file in blocks of at most ``at_once`` records; memory stays bounded.

    Raises:
        Unreadable: a line is longer than any tape has.
    """
    single = isinstance(layout.form, Fixed) and layout.form.separator == "none"
    pieces = _records(source, layout.form.length, at_once) if single else _lines(source, at_once)  # type: ignore[union-attr] # single implies Fixed
    first = 1
    for group in pieces:
        contents = group if single else [piece.rstrip(b"\r\n") for piece in group]
        if first == 1 and layout.encoding == "utf-8":
            contents[0] = contents[0].removeprefix(UTF8_MARK)
        yield Block(first, group, contents)
        first += len(group)


def _lines(source: BinaryIO, at_once: int) -> Iterator[list[bytes]]:
    waiting: list[bytes] = []
    rest, first = b"", 1
    while chunk := source.read(_CHUNK):
        lines = (rest + chunk).splitlines(keepends=True)
        if max(map(len, lines)) > LONGEST_LINE:
            line = next(number for number, each in enumerate(lines, first + len(waiting)) if len(each) > LONGEST_LINE)
            raise Unreadable("A line is too long for a tape.", ja="1行が長すぎます。", place=Place(line=line))
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        waiting += lines
        while len(waiting) >= at_once:
            yield waiting[:at_once]
            waiting = waiting[at_once:]
            first += at_once
    if rest:
        waiting.append(rest)
    for start in range(0, len(waiting), at_once):
        yield waiting[start : start + at_once]


def _records(source: BinaryIO, length: int, at_once: int) -> Iterator[list[bytes]]:
    while chunk := source.read(length * at_once):
        yield [chunk[start : start + length] for start in range(0, len(chunk), length)]


class Roles:
    """Tells data records from the others by the value they start with.

    The line of labels starts with nothing special: it is the first line that is not the header.
    """

    def __init__(self, layout: Layout) -> None:
        self._awaits_labels = isinstance(layout.form, Delimited) and layout.form.labels
        self._delimiter = layout.form.delimiter.encode() if isinstance(layout.form, Delimited) else b""
        self._data = _prefixes(layout, layout.data.leading) if layout.data.leading else None
        sections = ((Role.HEADER, layout.header), (Role.TRAILER, layout.trailer), (Role.END, layout.end))
        self._others = [
            (role, _prefixes(layout, section.leading)) for role, section in sections if section and section.leading
        ]

    def of(self, contents: Sequence[bytes]) -> dict[int, Role]:
        """The role of every record of a block that is not plainly data, by index."""
        found: dict[int, Role] = {}
        known = self._data or ()
        for index, content in enumerate(contents):
            if self._awaits_labels or not content.startswith(known):
                role = self._other(content)
                if role is not Role.DATA:
                    found[index] = role
        return found

    def _other(self, content: bytes) -> Role:
        if not content.strip(_PADDING):
            return Role.BLANK
        for role, prefixes in self._others:
            if (content + self._delimiter).startswith(prefixes):
                return role
        if self._awaits_labels:
            self._awaits_labels = False
            return Role.LABELS
        return Role.DATA if self._data is None or content.startswith(self._data) else Role.UNKNOWN


def _prefixes(layout: Layout, leading: str | None) -> tuple[bytes, ...]:
    value = (leading or "").encode(layout.encoding)
    if isinstance(layout.form, Fixed):
        return (value,)
    delimiter = layout.form.delimiter.encode()
    return value + delimiter, b'"' + value + b'"' + delimiter


@dataclass(slots=True)
class Split:
    """The cells of many records as columns of text.

    Attributes:
        frame: one column per field, named by its canonical column.
        unmapped: columns the layout does not know, by label; None where it knows all.
        broken: index of a record whose structure does not hold -> what was found and what expected; its cells are null.
        replaced: how many records have bytes that are no text in this encoding; the cells concerned hold U+FFFD.
    """

    frame: pl.DataFrame
    broken: dict[int, tuple[str, str]] = field(default_factory=dict)
    replaced: int = 0
    unmapped: pl.DataFrame | None = None


class Splitter:
    """Cuts data records into cells, as the layout and, where there is one, the line of labels say."""

    def __init__(self, layout: Layout, labels: Sequence[str] | None = None) -> None:
        self.layout = layout
        self.unmapped: dict[str, int] = {}
        self.columns: dict[str, int] = {}
        self.width = 0
        if isinstance(layout.form, Fixed):
            self.columns = {name: cell.at or 0 for name, cell in layout.wanted.items()}
        elif labels is None:
            self.columns = {name: cell.at or 0 for name, cell in layout.wanted.items()}
            self.width = max((cell.at or 0 for cell in layout.data.fields), default=0)
        else:
            self._match(labels)

    def _match(self, labels: Sequence[str]) -> None:
        self.width = len(labels)
        known = {cell.name: cell for cell in self.layout.data.fields}
        for position, label in enumerate(labels, start=1):
            cell = known.pop(label, None)
            if cell is None:
                self.unmapped[label] = position
            elif cell.to:
                self.columns[cell.to] = position

    def split(self, contents: Sequence[bytes]) -> Split:
        """The cells of these records."""
        if isinstance(self.layout.form, Fixed):
            return self._fixed(contents, self.layout.form.length)
        return self._delimited(contents, self.layout.form.delimiter)

    def _delimited(self, contents: Sequence[bytes], delimiter: str) -> Split:
        text, replaced = _decoded(contents, self.layout.encoding)
        lines = text.split("\n")
        if '"' in text:
            whole = pl.Series(lines).str.contains(_shape(delimiter, self.width))
            wrong = [index for index, holds in enumerate(whole) if not holds]
        else:
            wrong = [index for index, line in enumerate(lines) if line.count(delimiter) != self.width - 1]
        broken = {index: (_parts(lines[index], delimiter, self.width), f"{self.width}項目") for index in wrong}
        if wrong:
            for index in wrong:
                lines[index] = delimiter * (self.width - 1)
            text = "\n".join(lines)
        cells = pl.read_csv(text.encode(), has_header=False, infer_schema=False, separator=delimiter)
        unmapped = cells.select(_named(self.unmapped)) if self.unmapped else None
        return Split(cells.select(_named(self.columns)), broken, replaced, unmapped)

    def _fixed(self, contents: Sequence[bytes], length: int) -> Split:
        broken = {
            index: (f"{len(content)}バイト", f"{length}バイト")
            for index, content in enumerate(contents)
            if len(content) != length
        }
        whole = [b"" if index in broken else content for index, content in enumerate(contents)] if broken else contents
        records = pl.Series(whole, dtype=pl.Binary)
        wide = not b"".join(whole).isascii()
        columns, replaced = {}, pl.Series([False]).new_from_index(0, len(contents))
        for name, cell in self.layout.wanted.items():
            part = records.bin.slice((cell.at or 1) - 1, cell.length)
            columns[name] = _cell_text(part, self.layout.encoding) if wide else part.cast(pl.String)
            if wide:
                replaced |= columns[name].str.contains(REPLACEMENT, literal=True)
        return Split(pl.DataFrame(columns), broken, int(replaced.sum()))


def _named(positions: Mapping[str, int]) -> list[pl.Expr]:
    return [pl.nth(at - 1).alias(name) for name, at in positions.items()]


def _shape(delimiter: str, width: int) -> str:
    cell = f'(?:[^"{delimiter}]*|"(?:[^"]|"")*")'
    return f"^{cell}(?:{delimiter}{cell}){{{width - 1}}}$"


def _parts(line: str, delimiter: str, width: int) -> str:
    count = line.count(delimiter) + 1
    return f"{count}項目" if count != width else "引用符の誤り"


def _decoded(contents: Sequence[bytes], encoding: str) -> tuple[str, int]:
    try:
        return b"\n".join(contents).decode(encoding), 0
    except UnicodeDecodeError:
        lines = [content.decode(encoding, errors="replace") for content in contents]
        return "\n".join(lines), sum(REPLACEMENT in line for line in lines)


def _cell_text(part: pl.Series, encoding: str) -> pl.Series:
    """Bytes of one field as text; only columns that are not plain ASCII are decoded, together."""
    cells = part.to_list()
    if b"".join(cells).isascii():
        return part.cast(pl.String)
    text, _ = _decoded(cells, encoding)
    return pl.Series(text.split("\n"), dtype=pl.String)


def control_cells(content: bytes, layout: Layout) -> list[str]:
    """The cells of a delimited header, trailer or line of labels."""
    delimiter = layout.form.delimiter if isinstance(layout.form, Delimited) else ","
    text = content.decode(layout.encoding, errors="replace")
    return [cell.strip(" \u3000") for cell in next(csv.reader([text], delimiter=delimiter), [])]


def control_value(content: bytes, cell: Cell, layout: Layout) -> str:
    """One value of a header or trailer, blank where the record is too short to hold it."""
    at = (cell.at or 1) - 1
    if isinstance(layout.form, Fixed):
        raw = content[at : at + (cell.length or 0)]
        return raw.decode(layout.encoding, errors="replace").strip(" \u3000")
    cells = control_cells(content, layout)
    return cells[at] if at < len(cells) else ""


def with_number(content: bytes, cell: Cell | Field, number: int, layout: Layout) -> bytes:
    """A header or trailer with one number put in its place; every other byte stays.

    A fixed field is filled with zeros from the left, a delimited one where it was before; quotes stay.
    """
    at = (cell.at or 1) - 1
    if isinstance(layout.form, Fixed):
        length = cell.length or 0
        return content[:at].ljust(at) + b"%0*d" % (length, number) + content[at + length :]
    delimiter = layout.form.delimiter.encode()
    parts: list[bytes] = []
    for part in content.split(delimiter):
        if parts and parts[-1].count(b'"') % 2:
            parts[-1] += delimiter + part
        else:
            parts.append(part)
    parts += [b""] * (at + 1 - len(parts))
    before = parts[at].strip(b' "')
    width = len(before) if before.startswith(b"0") else 1
    quote = b'"' if parts[at].lstrip().startswith(b'"') else b""
    parts[at] = quote + b"%0*d" % (width, number) + quote
    return delimiter.join(parts)
