"""A corporation's list of guarantees (CSV) read row by row: entries for its register, or what is wrong and where.

The list is never in memory as a whole. How its columns are called and what its cells mean is data
(``schemas/data/guarantee_columns.yaml``, or the corporation's own); a row is taken whole or comes back whole.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.errors import ConfigurationError, Unreadable
from gateway.formats.guarantee_cells import READ, Wrong
from gateway.formats.text import as_it_was, narrow
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Scheme
from gateway.schemas.place import Place

REASON = "理由 / reason"
"""The heading of the column that is added to rows that come back; a list that has it is read as one of ours."""

ENCODINGS = ("utf-8-sig", "cp932")
FIRMS = (Scheme.CORPORATE_NUMBER, Scheme.INVOICE_NUMBER, Scheme.CGC_CUSTOMER)
REQUIRED = ("guarantee_no", "institution", "name")
PIECE = 1 << 16


class Columns(BaseModel):
    """How a list calls its columns and what its cells mean; see the head of the data file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    headings: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Mapping[str, bool | str]] = {}
    schemes: Mapping[str, str] = {}


def load_columns(path: Path | None = None) -> Columns:
    """The packaged map, or a corporation's own.

    Raises:
        ConfigurationError: it is none, or maps what no entry has.
    """
    packaged = files("gateway.schemas") / "data" / "guarantee_columns.yaml"
    try:
        made = Columns.model_validate(yaml.safe_load((path or packaged).read_bytes()))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(f"columns: {path}: {error}", ja=f"列の対応表を読めません: {path}") from error
    unknown = sorted(({*made.headings, *made.words}) - READ.keys())
    if unknown:
        raise ConfigurationError(
            f"columns: no entry has {', '.join(unknown)}", ja=f"対応表に未知の項目があります: {', '.join(unknown)}"
        )
    return made


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row: in which column (from 1; None for the row as a whole), in both languages."""

    column: int | None
    heading: str
    ja: str
    en: str

    def __str__(self) -> str:
        at = f"{self.column}列「{self.heading}」" if self.column else "行全体"
        return f"{at}: {self.ja} / {self.en}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the list, and what it came to: an entry, or problems."""

    line: int
    cells: Sequence[str]
    entry: GuaranteeEntry | None = None
    problems: Sequence[Problem] = ()


@dataclass(slots=True)
class GuaranteeList:
    """A list that can be read.

    Attributes:
        path: where it is.
        columns: how it calls things.
        encoding: UTF-8 (with a mark or without), or CP932: in which of them it can be read from beginning to end.
        header: its headings as they stand there.
        unread: headings that mean nothing here.
    """

    path: Path
    columns: Columns
    encoding: str = field(init=False)
    header: list[str] = field(init=False)
    unread: list[str] = field(init=False)
    _at: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.encoding = _encoding_of(self.path)
        header = next((cells for _, cells in self._lines()), [])
        self.header = [heading for heading in header if heading != REASON]
        self._at = _placed(self.header, self.columns)
        self.unread = [heading for at, heading in enumerate(self.header) if at not in self._at.values()]
        _require(self._at, self.columns)

    def rows(self) -> Iterator[Row]:
        """Every row but the heading and empty lines.

        Raises:
            Unreadable: a quote is never closed, or a cell is longer than any can be; what came before was told.
        """
        seen: dict[str, int] = {}
        lines = self._lines()
        _, header = next(lines)
        ours = header.index(REASON) if REASON in header else None
        for line, found in lines:
            cells = found
            if ours is not None:
                cells = [as_it_was(cell) for at, cell in enumerate(found) if at != ours]
            if any(cell.strip() for cell in cells):
                yield self._row(line, cells, seen)

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Lines of the file and their cells; a row of several lines stands where it begins."""
        with self.path.open(encoding=self.encoding, newline="") as source:
            reader, line = csv.reader(source, strict=True), 1
            try:
                for cells in reader:
                    yield line, cells
                    line = reader.line_num + 1
            except csv.Error as error:
                raise Unreadable(
                    f"line {line} cannot be split into cells: {error}",
                    ja=f"{line}行目を列に分けられません（引用符が閉じられていないなど）。それより前の行は処理済みです。",
                    place=Place(line=line),
                ) from error

    def _row(self, line: int, cells: Sequence[str], seen: dict[str, int]) -> Row:
        if len(cells) != len(self.header):
            told = f"{len(cells)} / {len(self.header)}"
            many = Problem(None, "", f"列の数が見出しと違います（{told}）", f"another number of cells ({told})")
            return Row(line, cells, problems=(many,))
        problems: list[Problem] = []
        said: dict[str, Any] = {}
        for name, at in self._at.items():
            cell = cells[at].strip() if name == "name" else narrow(cells[at]).strip()
            if not cell:
                continue
            try:
                said[name] = READ[name](cell, self.columns.words.get(name, {}))
            except Wrong as wrong:
                problems.append(Problem(at + 1, self.header[at], wrong.ja, wrong.en))
        for name in REQUIRED:
            if self._is_blank(name, cells):
                problems.append(Problem(self._at[name] + 1, self.header[self._at[name]], "空欄です", "is blank"))
        problems += self._firm(said, cells)
        first = seen.setdefault(said.get("guarantee_no", ""), line)
        if "guarantee_no" in said and first != line:
            place = self._at["guarantee_no"]
            twice = Problem(place + 1, self.header[place], f"{first}行目と同じ番号です", f"the number of line {first}")
            problems.append(twice)
        if "scheme_code" in said and "scheme_family" not in said and said["scheme_code"] in self.columns.schemes:
            said["scheme_family"] = self.columns.schemes[said["scheme_code"]]
        return Row(line, cells, problems=problems) if problems else _made(line, cells, said)

    def _is_blank(self, name: str, cells: Sequence[str]) -> bool:
        return not cells[self._at[name]].strip()

    def _firm(self, said: dict[str, Any], cells: Sequence[str]) -> Iterator[Problem]:
        """Say by which number the firm is named: the first that is filled in."""
        numbers = {scheme: said.pop(scheme.value) for scheme in FIRMS if scheme.value in said}
        if numbers:
            scheme, value = next(iter(numbers.items()))
            said["firm"] = {"scheme": scheme, "value": value}
        elif all(self._is_blank(scheme.value, cells) for scheme in FIRMS if scheme.value in self._at):
            yield Problem(None, "", "事業者の番号がありません（法人番号など）", "no number names the firm")


def _made(line: int, cells: Sequence[str], said: dict[str, Any]) -> Row:
    """The entry of a row, unless what it says does not agree."""
    try:
        return Row(line, cells, GuaranteeEntry.model_validate(said))
    except ValidationError:
        problem = Problem(
            None,
            "",
            "制度の開始日と終了日、または条件変更の回数と日付・内容が矛盾しています",
            "first and last day of the scheme, or number and last change of conditions, contradict each other",
        )
        return Row(line, cells, problems=(problem,))


def _placed(header: Sequence[str], columns: Columns) -> dict[str, int]:
    """Where each field stands.

    Raises:
        Unreadable: two columns say the same.
    """
    names = {narrow(one).strip(): name for name in READ for one in (*columns.headings.get(name, ()), name)}
    placed: dict[str, int] = {}
    for at, heading in enumerate(header):
        name = names.get(narrow(heading).strip())
        if name is None:
            continue
        if name in placed:
            raise Unreadable(
                f"two columns say the same: {header[placed[name]]}, {heading}",
                ja=f"同じ項目の列が2つあります: {header[placed[name]]}、{heading}",
                place=Place(line=1, column=at + 1),
            )
        placed[name] = at
    return placed


def _require(placed: Mapping[str, int], columns: Columns) -> None:
    """Make sure that a list says enough of each guarantee.

    Raises:
        Unreadable: a column is missing that every list has.
    """
    missing = [name for name in REQUIRED if name not in placed]
    if not placed.keys() & {scheme.value for scheme in FIRMS}:
        missing.append(FIRMS[0].value)
    if missing:
        wanted = ", ".join("・".join(columns.headings.get(name, (name,))) for name in missing)
        raise Unreadable(
            f"the list has no column headed {wanted}",
            ja=f"次の見出しの列がありません: {wanted}",
            place=Place(line=1),
        )


def _encoding_of(path: Path) -> str:
    """In which encoding a file can be read from beginning to end.

    Raises:
        Unreadable: in none.
    """
    farthest = 1
    for encoding in ENCODINGS:
        decoder, line = codecs.getincrementaldecoder(encoding)(), 1
        try:
            with path.open("rb") as source:
                while piece := source.readline(PIECE):
                    decoder.decode(piece)
                    line += piece.endswith(b"\n")
                decoder.decode(b"", final=True)
            return encoding
        except UnicodeDecodeError:
            farthest = max(farthest, line)
    raise Unreadable(
        f"neither UTF-8 nor CP932, from line {farthest} on",
        ja=f"UTF-8でもCP932（Shift_JIS）でもありません（{farthest}行目）。",
        place=Place(line=farthest),
    )
