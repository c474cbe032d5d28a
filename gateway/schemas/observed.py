"""What an adapter saw: canonical records with where each came from.

Two forms, because two kinds of document exist. A *document* (a trial balance, a report) is one record, checked by
plain functions. *Rows* (a repayment tape) are many small records, kept as columns and checked by column
expressions, one or three million alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from gateway.schemas.findings import Finding
from gateway.schemas.place import Place
from gateway.schemas.records import Record


@dataclass(frozen=True, slots=True)
class ObservedDocument:
    """One record read from one document.

    Attributes:
        record: the canonical record, as read; accounts not yet mapped.
        ordinal: which record of the source this is, from 0.
        digest: SHA-256 (hex) of this record's own bytes in the source, so that evidence for it needs no other's.
        places: JSON Pointer within the record -> place in the source. A longer pointer than listed falls back to
            its nearest listed ancestor; ``""`` is the record as a whole.
        problems: findings made while reading (an unreadable cell, an unknown column).
    """

    record: Record
    ordinal: int
    digest: str
    places: Mapping[str, Place] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()

    def place_of(self, pointer: str) -> Place:
        """The place of a pointer: its own, its nearest ancestor's, or the pointer itself where nothing is known."""
        probe = pointer
        while probe not in self.places and probe:
            probe = probe.rpartition("/")[0]
        return self.places.get(probe) or Place(pointer=pointer or None)


ROW_COLUMNS: dict[str, pl.DataType] = {
    "ordinal": pl.Int64(),  # which record of the source, from 0
    "line": pl.Int64(),  # 1-based line in the source
    "digest": pl.String(),  # SHA-256 (hex) of the row's own bytes
}
"""Columns every frame of rows has besides its kind's own."""


@dataclass(frozen=True, slots=True)
class Tape:
    """Which file of which feed rows came in: its layout (``id/version``) and the sequence number of its header."""

    layout: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class ObservedRows:
    """Many small records of one kind as columns (``ROW_COLUMNS`` and the kind's own, by canonical name).

    Attributes:
        kind: the record kind, for example ``repayment_status``.
        frame: one row per record; a value that could not be read is null and has a problem.
        columns: canonical name -> 1-based source column (or first character, fixed width), for places.
        problems: findings made while reading; ``record`` is the row's ordinal.
        pointer: JSON Pointer prefix of one row where the source is JSON (``"/{ordinal}"`` is appended).
        tape: the file the rows came in, where it is one that says so.
        unmapped: text columns of the source that no column of ours takes, by their label; searched, never stored.
    """

    kind: str
    frame: pl.DataFrame
    columns: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()
    pointer: str | None = None
    tape: Tape | None = None
    unmapped: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A record that stands in the source but could not be read as one of any kind; it is refused for its problems.

    Attributes:
        ordinal: which record of the source this is, from 0.
        digest: SHA-256 (hex) of its own bytes in the source.
        kind: the record kind it says it is, if that much could be read.
        problems: at least one refusing finding.
    """

    ordinal: int
    digest: str
    kind: str | None
    problems: tuple[Finding, ...]


Observed = ObservedDocument | ObservedRows | Unplaced
