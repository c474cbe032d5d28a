"""Record layouts of banks' files as data: what a file of one kind looks like, said in YAML and checked on load.

No bank's layout is public, so none is code. A layout names the record types (header, data, trailer, end), where each
value stands, and what it means in the canonical record. The packaged ones in ``schemas/data/layouts`` are proposals,
to be copied and changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic import Field as Bounded

from gateway.errors import ConfigurationError
from gateway.formats.layout_columns import IN_FILES, RATE, fillable
from gateway.schemas.records.header import Rounding, Unit
from gateway.schemas.records.repayment_columns import KIND
from gateway.schemas.records.repayment_status import CoverageMode

FieldType = Literal["text", "kana", "code", "integer", "amount", "decimal", "date", "timestamp", "enum"]
DateFormat = Literal["yyyymmdd", "yyyy/mm/dd", "yyyy-mm-dd", "era_yymmdd", "any"]
Label = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

HEAD_BYTES = 4_096  # of a document, in which its layout is recognised

SEQUENCE = "sequence"
"""Name of the header value that numbers the files of a feed; it is no column of the record."""

_DTYPES: dict[str, set[pl.DataType]] = {
    "text": {pl.String()},
    "kana": {pl.String()},
    "code": {pl.String()},
    "integer": {pl.Int64()},
    "amount": {pl.Int64()},
    "decimal": {RATE},
    "date": {pl.Date()},
    "timestamp": {pl.Datetime("us", "UTC")},
    "enum": {pl.String(), pl.Boolean()},
}


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cell(_Said):
    """Where a value stands: its label, and its 1-based column (delimited) or first byte and length (fixed)."""

    name: Label
    at: int | None = Bounded(default=None, ge=1)
    length: int | None = Bounded(default=None, ge=1)


class Field(Cell):
    """One value of a record.

    Attributes:
        to: canonical column, or ``sequence`` in a header; None for what is known but not carried (予備).
        type: how it is written. ``code`` is an identifier, ``amount`` money in the layout's unit, ``kana`` half-width.
        format: how a date is written; ``any`` takes every unambiguous spelling.
        heisei_from: two-digit years from here on are 平成, below it 令和 (``era_yymmdd`` names no era).
        codes: the source's code for each canonical one.
        scale: of a decimal written without its point, how many digits stand behind it.
    """

    to: str | None = None
    type: FieldType = "text"
    required: bool = False
    format: DateFormat = "any"
    heisei_from: int = Bounded(default=20, ge=1, le=99)
    codes: dict[str, str | bool] | None = None
    scale: int = Bounded(default=0, ge=0, le=4)


class Total(Cell):
    """A figure of the trailer: the sum of a column over all data records, or their count."""

    of: str | None = None


class Section(_Said):
    """One record type, known by the value it starts with; data may go without, then it is all the rest."""

    leading: str | None = None
    fields: tuple[Field, ...] = ()


class Trailer(_Said):
    """The record that says how many data records there are and what they add up to."""

    leading: Label
    totals: tuple[Total, ...] = Bounded(min_length=1)


class End(_Said):
    """The file's last record."""

    leading: Label


class Delimited(_Said):
    """One record a line, cells between delimiters, quoted where need be; ``labels``: a line names the columns.

    The delimiters allowed are those that are never the second byte of a character in CP932.
    """

    style: Literal["delimited"]
    delimiter: Literal[",", "\t", ";"] = ","
    labels: bool = True


class Fixed(_Said):
    """Records of one length in bytes, one a line or, with separator ``none``, one after the other."""

    style: Literal["fixed"]
    length: int = Bounded(ge=8, le=8_192)
    separator: Literal["line", "none"] = "line"


class Recognition(_Said):
    """What tells this layout from others: a pattern for the file's name, one for its beginning, or both."""

    filename: str | None = None
    head: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Recognition:
        if not (self.filename or self.head):
            raise ValueError("recognition needs a pattern for filename or head")
        for pattern in (self.filename, self.head):
            try:
                re.compile(pattern or "")
            except re.error as trouble:
                raise ValueError(f"'{pattern}' is no pattern: {trouble}") from trouble
        return self


class Layout(_Said):
    """One bank's way of writing a file of one kind, repayments unless it says so; ``coverage_mode`` is theirs alone."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
    kind: str = KIND
    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.]{1,10}$")]
    title: Label
    encoding: Literal["cp932", "utf-8"] = "cp932"
    unit: Unit = Unit.YEN
    rounding: Rounding = Rounding.NONE
    coverage_mode: CoverageMode = CoverageMode.FULL_TAPE
    recognition: Recognition
    form: Delimited | Fixed = Bounded(discriminator="style")
    header: Section | None = None
    data: Section
    trailer: Trailer | None = None
    end: End | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Layout:
        if self.kind != KIND and self.kind not in IN_FILES:
            raise ValueError(f"no layout describes files of kind '{self.kind}'")
        for section in (self.header, self.data):
            for field in section.fields if section else ():
                _check_column(field, self.kind)
        return self

    @model_validator(mode="after")
    def _is_complete(self) -> Layout:
        filled = [field.to for section in (self.header, self.data) if section for field in section.fields if field.to]
        if twice := sorted({name for name in filled if filled.count(name) > 1}):
            raise ValueError(f"filled twice: {', '.join(twice)}")
        begun = {name.partition("/")[0] for name in filled}
        if absent := sorted((self.required - set(filled)) | (fillable(self.kind).lists - begun)):
            raise ValueError(f"nothing fills {', '.join(absent)}")
        if SEQUENCE in {field.to for field in self.data.fields}:
            raise ValueError("the sequence number belongs to the header")
        summed = [total.of for total in self.trailer.totals if total.of] if self.trailer else []
        amounts = {field.to for field in self.data.fields if field.type == "amount"}
        if strange := sorted(set(summed) - amounts):
            raise ValueError(f"the trailer adds up what no amount of the data fills: {', '.join(strange)}")
        if self.header and not self.header.leading:
            raise ValueError("a header needs the value it starts with")
        return self

    @model_validator(mode="after")
    def _says_where(self) -> Layout:
        header = self.header.fields if self.header else ()
        totals = self.trailer.totals if self.trailer else ()
        for cells in (header, self.data.fields, totals):
            if isinstance(self.form, Fixed):
                _check_bytes(cells, self.form.length)
            elif any(cell.length for cell in cells):
                raise ValueError("only fixed-width fields have a length")
            elif not (self.form.labels and cells is self.data.fields) and not all(cell.at for cell in cells):
                raise ValueError("every field that no label finds needs its column (at)")
        return self

    @property
    def required(self) -> frozenset[str]:
        """Columns without which a row is no record."""
        return fillable(self.kind).required

    @property
    def wanted(self) -> dict[str, Field]:
        """The fields of a data record that go into a column, by column."""
        return {field.to: field for field in self.data.fields if field.to}

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """Whether the beginning of a document, and its name where the layout asks for one, are of this layout."""
        named, beginning = self.recognition.filename, self.recognition.head
        if named and not re.search(named, filename or ""):
            return False
        text = head[:HEAD_BYTES].decode(self.encoding, errors="replace").removeprefix("\ufeff")
        return not beginning or re.search(beginning, text, re.MULTILINE) is not None


def _check_column(field: Field, kind: str) -> None:
    columns = fillable(kind)
    if field.to is None or (field.to == SEQUENCE and field.type == "integer"):
        return
    if field.to not in columns.types:
        raise ValueError(f"{field.name}: {kind} has no column '{field.to}'")
    if columns.types[field.to] not in _DTYPES[field.type]:
        raise ValueError(f"{field.name}: a value of type {field.type} does not go into column '{field.to}'")
    if (field.codes is not None) != (field.type == "enum"):
        raise ValueError(f"{field.name}: codes belong to type enum, and type enum has codes")
    for meaning in (field.codes or {}).values():
        allowed = columns.codes.get(field.to)
        is_flag = columns.types[field.to] == pl.Boolean()
        if isinstance(meaning, bool) != is_flag or (allowed is not None and meaning not in allowed):
            raise ValueError(f"{field.name}: '{meaning}' is no value of column '{field.to}'")


def _check_bytes(cells: Sequence[Cell], length: int) -> None:
    taken = 0
    for cell in sorted(cells, key=lambda each: each.at or 0):
        if not (cell.at and cell.length):
            raise ValueError(f"{cell.name}: a fixed-width field needs its first byte (at) and its length")
        if cell.at <= taken:
            raise ValueError(f"{cell.name}: overlaps the field before it")
        taken = cell.at + cell.length - 1
        if taken > length:
            raise ValueError(f"{cell.name}: ends after the record's {length} bytes")


@lru_cache(maxsize=16)
def load_layouts(folders: tuple[str, ...] = (), kinds: frozenset[str] = frozenset({KIND})) -> tuple[Layout, ...]:
    """The packaged layouts of some kinds and, after them, those of further folders; read once per process.

    Args:
        folders: where further layouts stand (``*.yaml``, by name), of whatever kinds.
        kinds: the kinds that are asked for.

    Raises:
        ConfigurationError: a folder or file cannot be read, a layout does not hold together, or an id is used twice.
    """
    packaged = Path(str(files("gateway.schemas") / "data" / "layouts"))
    layouts = tuple(layout for folder in (packaged, *map(Path, folders)) for layout in _in_folder(folder))
    names = [layout.id for layout in layouts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(f"layout id used twice: {', '.join(twice)}")
    return tuple(layout for layout in layouts if layout.kind in kinds)


def _in_folder(folder: Path) -> Iterable[Layout]:
    if not folder.is_dir():
        raise ConfigurationError(f"layouts: {folder} is not a folder")
    return [_load(path) for path in sorted(folder.glob("*.yaml"))]


def _load(path: Path) -> Layout:
    try:
        return Layout.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as trouble:
        raise ConfigurationError(f"layout {path.name} cannot be read: {trouble}") from trouble
    except ValidationError as trouble:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']) or 'layout'}: {error['msg']}" for error in trouble.errors()
        )
        raise ConfigurationError(f"layout {path.name}: {wrong}") from trouble
