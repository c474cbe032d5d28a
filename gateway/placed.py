"""A draft whose firm is known, what stands for it and before it, and what is said of it where it clashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.rules.standing import follows_on
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.submission import Draft, Guaranteed, Version

Records = Mapping[tuple[str, int], dict[str, Any]]
"""Records of earlier lines by (submission, index)."""


@dataclass(slots=True)
class Placed:
    """A draft whose firm is known, with the version that stands and what was said for the time before.

    ``beside`` is the record of the same day that it is compared with: its series, and the version that stands.
    ``inherited`` are the series under which institutions spoke of the same thing that have become its own.
    ``consent`` is the firm's consent on which it rests, where it needs one.
    ``guaranteed`` is what the register says of the guarantees it names, as far as it is asked.
    """

    draft: Draft
    party: str
    series: str
    inherited: Sequence[str] = ()
    series_beside: str | None = None
    current: Version | None = None
    before: Version | None = None
    beside: Version | None = None
    consent: str | None = None
    guaranteed: Mapping[str, Guaranteed] = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """Whether it opens with exactly what stood before, so that no rule has anything to compare."""
        return self.before is not None and follows(self.draft, self.before)


def duplicate(draft: Draft) -> Finding:
    """That one submission says two things of one record."""
    return Finding(
        code="R04",
        severity=Severity.REFUSE,
        record=draft.ordinal,
        place=draft.place,
        params={"key": f"{draft.series} {draft.valid_on}"},
    )


def overtaken(draft: Draft, current: Version) -> Finding:
    """That what stands was said by the same sender since."""
    return Finding(
        code="S03",
        severity=Severity.REFUSE,
        record=draft.ordinal,
        place=draft.place,
        params={"key": f"{draft.series} {draft.valid_on}", "position": current.position},
    )


def follows(draft: Draft, earlier: Draft | Version) -> bool:
    """Whether a draft opens, the day after, with exactly what an earlier one closed with."""
    return follows_on(draft.opening, draft.valid_from, earlier.closing, earlier.valid_on)


def standing_on(history: Sequence[Version], day: date) -> Version | None:
    """The newest version of a series for a day."""
    return next((version for version in reversed(history) if version.valid_on == day), None)


def seen_beside(
    one: Placed, here: Mapping[tuple[str, date], dict[str, Any]], records: Records
) -> dict[str, Any] | None:
    """The record that one is compared with: the one handed in together with it, or else the one that stands.

    Of two handed in together only one is compared, with the other.
    """
    together = here.get((one.series_beside or "", one.draft.valid_on))
    if together is None:
        return record_of(one.beside, records)
    return together if one.series < (one.series_beside or "") else None


def record_of(version: Version | None, records: Records) -> dict[str, Any] | None:
    """The record of a version, if it was looked up and may be shown."""
    return records.get((version.submission, version.number)) if version else None
