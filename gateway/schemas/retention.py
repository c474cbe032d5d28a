"""How long what was handed over is kept, by record kind: data, not code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import ConfigurationError
from gateway.schemas.consent import Basis
from gateway.schemas.identifiers import japanese_date
from gateway.schemas.records import KINDS

PACKAGED = "packaged"


class Period(BaseModel):
    """How many years records of a kind are kept, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    years: Annotated[int, Field(ge=1, le=100)]
    source: str


class RecordPeriod(BaseModel):
    """How many years it stays on record that something was disclosed, or consented to, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Literal["disclosure", "consent"]
    years: Annotated[int, Field(ge=1, le=100)]
    under_contract_years: Annotated[int | None, Field(ge=1, le=100)] = None
    source: str

    def until(self, at: datetime, basis: Basis | None) -> date:
        """The Japanese calendar day until which something of an instant stays on record, at least."""
        shorter = self.under_contract_years if basis is Basis.CONTRACT else None
        return years_after(shorter or self.years, at)


class Retention(BaseModel):
    """The periods of all kinds, and of what is on record about disclosures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    periods: tuple[Period, ...]
    records: tuple[RecordPeriod, ...] = ()

    @property
    def years(self) -> Mapping[str, int]:
        """Years by kind."""
        return {one.kind: one.years for one in self.periods}

    def is_over(self, kinds: Iterable[str], received_at: datetime, now: datetime) -> bool:
        """Whether what holds records of some kinds, or none, has been kept as long as it may."""
        longest = max((self.years[kind] for kind in kinds if kind in self.years), default=max(self.years.values()))
        return years_before(longest, now) >= japanese_date(received_at)


def years_after(years: int, at: datetime) -> date:
    """The Japanese calendar day so many years later; of 29 February the first of March.

    >>> from datetime import UTC
    >>> years_after(3, datetime(2028, 2, 28, 16, tzinfo=UTC))
    datetime.date(2031, 3, 1)
    """
    day = japanese_date(at)
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def load_record_period(of: str) -> RecordPeriod:
    """How long something stays on record, as packaged."""
    return next(one for one in load_retention(PACKAGED).records if one.of == of)


def years_before(years: int, now: datetime) -> date:
    """The Japanese calendar day so many years ago; of 29 February the day before.

    >>> from datetime import UTC
    >>> years_before(7, datetime(2028, 2, 28, 16, tzinfo=UTC))
    datetime.date(2021, 2, 28)
    """
    today = japanese_date(now)
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return today.replace(year=today.year - years, day=28)


def load_retention(named: str) -> Retention:
    """The periods in a file, or the packaged ones.

    Raises:
        ConfigurationError: it is not of this form, or does not name every record kind once.
    """
    packaged = files("gateway.schemas") / "data" / "retention.yaml"
    source = packaged.read_bytes() if named == PACKAGED else Path(named).read_bytes()
    try:
        made = Retention.model_validate(yaml.safe_load(source))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"{named}: not periods of retention", ja=f"{named}: 保存期間の表ではありません。"
        ) from error
    if sorted(one.kind for one in made.periods) != sorted(KINDS):
        raise ConfigurationError(
            f"{named}: name each of {', '.join(sorted(KINDS))} once",
            ja=f"{named}: 記録の種類をそれぞれ1回ずつ指定してください。",
        )
    return made
