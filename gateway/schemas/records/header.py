"""What every record has, whatever its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.schemas.identifiers import Reference

Yen = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
"""Integer yen, within what every JSON reader keeps exactly."""


Columns = Mapping[str, tuple[Any, ...]]
"""Field of a line -> what each line says there, None where it says nothing."""


def columns_of(lines: Sequence[BaseModel]) -> Columns:
    """The lines of a record, of which there is at least one, turned into columns in one pass."""
    names = type(lines[0]).model_fields
    return dict(zip(names, zip(*map(itemgetter(*names), map(vars, lines)), strict=True), strict=True))


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


class RecordBase(BaseModel):
    """Fields common to every kind.

    ``references`` name the firm as the document itself does; ``missing`` says, by JSON Pointer within the
    record, why a value is absent; ``produced_at`` is when the sender's system made the document.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    references: tuple[Reference, ...] = ()
    company_name: str | None = Field(default=None, max_length=200)
    produced_at: AwareDatetime | None = None
    known_at: AwareDatetime | None = None
    correction: Correction = Correction.ORIGINAL
    correction_reason: str | None = Field(default=None, max_length=64)
    missing: dict[str, MissingReason] = {}
