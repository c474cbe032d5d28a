"""What every record has, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.schemas.identifiers import Reference
from gateway.schemas.records.labels import Codes, Label

Yen = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
"""Integer yen, within what every JSON reader keeps exactly."""


IsTotal = Annotated[bool, Field(json_schema_extra={"default": False})]
"""Whether a line is a sum of others; it is not, unless it says so."""

Columns = Mapping[str, tuple[Any, ...]]
"""Field of a line -> what each line says there, None where it says nothing."""


class Table:
    """The lines of a record, of which there is at least one, by field and as they are published.

    Args:
        lines: what each line says, by field.
        unsaid: every field of such a line, with what it means not to say it.

    Attributes:
        columns: the lines by field.
    """

    def __init__(self, lines: Sequence[Mapping[str, Any]], unsaid: Mapping[str, Any]) -> None:
        self._lines = lines
        try:
            columns = _columns(lines)
        except KeyError:  # each line says something else
            self._lines = [{**unsaid, **line} for line in lines]
            columns = _columns(self._lines)
        self._has_nulls = any(None in column for column in columns.values())
        self._unsaid = {name: value for name, value in unsaid.items() if name not in columns}
        self.columns: Columns = columns | {name: (value,) * len(lines) for name, value in self._unsaid.items()}

    def rows(self) -> list[dict[str, Any]]:
        """The lines as new mappings: with what it means not to say a field, without what has no value."""
        meant = {name: value for name, value in self._unsaid.items() if value is not None}
        rows = [{**line, **meant} for line in self._lines]
        if not self._has_nulls:
            return rows
        return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _columns(lines: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Columns of lines that all say the same fields, and at least two.

    Raises:
        KeyError: they do not.
    """
    said = tuple(lines[0])
    if len(said) < 2 or {len(said)} != set(map(len, lines)):
        raise KeyError
    return dict(zip(said, zip(*map(itemgetter(*said), lines), strict=True), strict=True))


class Unit(StrEnum):
    """The unit in which the source stated its amounts; ours are always yen."""

    YEN = "yen"
    THOUSAND = "thousand"
    MILLION = "million"

    @property
    def yen(self) -> int:
        """How many yen one unit is."""
        return {"yen": 1, "thousand": 1_000, "million": 1_000_000}[self.value]


class Rounding(StrEnum):
    """How the source rounded to its unit."""

    NONE = "none"
    FLOOR = "floor"  # 切捨て, toward zero
    HALF_UP = "half_up"  # 四捨五入
    UNKNOWN = "unknown"


class Correction(StrEnum):
    """訂正区分: how a record stands to what was said before."""

    ORIGINAL = "original"
    REPLACE = "replace"
    CANCEL = "cancel"


class MissingReason(StrEnum):
    """Why a value is not there. A value that is absent and not listed is ``not_provided``."""

    NOT_PROVIDED = "not_provided"
    NOT_APPLICABLE = "not_applicable"
    MASKED = "masked"
    WITHHELD = "withheld"
    PARSE_ERROR = "parse_error"


UNITS: Codes = {"yen": ("円", "yen"), "thousand": ("千円", "thousand yen"), "million": ("百万円", "million yen")}
ROUNDINGS: Codes = {
    "none": ("なし", "none"),
    "floor": ("切捨て", "cut off"),
    "half_up": ("四捨五入", "half up"),
    "unknown": ("不明", "unknown"),
}
CORRECTIONS: Codes = {
    "original": ("新規", "first word"),
    "replace": ("訂正", "replaces what was said"),
    "cancel": ("取消", "takes back what was said"),
}
MISSING: Codes = {
    "not_provided": ("未記入", "not provided"),
    "not_applicable": ("該当なし", "not applicable"),
    "masked": ("マスキング", "masked"),
    "withheld": ("非開示", "withheld"),
    "parse_error": ("読取不能", "could not be read"),
}
SourceUnit = Annotated[Unit, Label("金額の単位", "unit of the source", UNITS)]
SourceRounding = Annotated[Rounding, Label("端数処理", "rounding of the source", ROUNDINGS)]


class RecordBase(BaseModel):
    """Fields common to every kind.

    ``references`` name the firm as the document itself does; ``missing`` says, by JSON Pointer within the
    record, why a value is absent; ``produced_at`` is when the sender's system made the document.

    What a kind says of itself besides its fields: ``valid_from``, ``valid_on`` and ``series`` (its business key), how
    far back that series is looked at, whether the guarantee alone names what it is about, and the properties below.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    looks_back: ClassVar[timedelta]
    is_keyed_by_guarantee: ClassVar[bool] = False

    references: Annotated[tuple[Reference, ...], Label("事業者を示す番号", "numbers that name the firm")] = ()
    company_name: Annotated[str | None, Field(max_length=200), Label("債務者名", "name of the firm")] = None
    produced_at: Annotated[AwareDatetime | None, Label("作成日時", "produced at")] = None
    known_at: Annotated[AwareDatetime | None, Label("把握日時", "known at")] = None
    correction: Annotated[Correction, Label("訂正区分", "correction", CORRECTIONS)] = Correction.ORIGINAL
    correction_reason: Annotated[str | None, Field(max_length=64), Label("訂正理由", "reason of the correction")] = None
    missing: Annotated[
        dict[str, MissingReason],
        Field(json_schema_extra={"default": {}}),
        Label("値がない理由", "why values are absent", MISSING),
    ] = Field(default_factory=dict)

    @property
    def placed_by(self) -> str | None:
        """The guarantee by which the firm is found; it must be registered, until then the record is held."""
        return None

    @property
    def checked_guarantees(self) -> tuple[str, ...]:
        """The guarantees of which rules ask what the register says."""
        return ()

    @property
    def beside(self) -> str | None:
        """The series of the record of the same day that this one is compared with, if any."""
        return None
