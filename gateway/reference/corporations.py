"""Corporate numbers as the National Tax Agency publishes them, in a compact form that is looked up where it lies.

The file (``corporations_2026-11-24.numbers``) holds what is needed of five million firms: all numbers in ascending
order, and of those whose register was closed the day, the cause and the number of the successor. Integers are
little-endian. It is mapped, not read: a look-up is a binary search, and processes share its pages. The same state of
the register gives the same bytes, whether it was imported whole or brought up to date by differences, so that
its digest can be had again from what the agency publishes.

    8 bytes HAYAMECN · u64 day (YYYYMMDD) · u64 numbers · u64 closed · numbers × u64
    closed × u64 (number) · closed × u64 (successor, 0: none) · closed × u32 (day, YYYYMMDD) · closed × u32 (cause)
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import sys
from bisect import bisect_left
from datetime import date
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from gateway.errors import ConfigurationError
from gateway.schemas.statement import Consulted

PATTERN = "corporations_*.numbers"
FIRST_ON = date(2015, 10, 5)
"""The day from which numbers are given. Firms whose register was closed before have none."""

HEAD = struct.Struct("<8sQQQ")
MAGIC = b"HAYAMECN"


class Closing(NamedTuple):
    """That a firm's register was closed: the day, the agency's code of the cause, and who succeeds it, if anybody."""

    closed_on: date
    cause: str
    successor: str | None


class Columns(NamedTuple):
    """The columns of a file, as they lie there; the last four are of closed firms."""

    numbers: memoryview
    closed: memoryview
    successors: memoryview
    closed_on: memoryview
    causes: memoryview


class Corporations:
    """All numbers of a day, and which of them were closed by then.

    Args:
        source: the file, as receipts name it.
        day: the day for which it stands.
        columns: what it holds.
    """

    def __init__(self, source: Consulted, day: date, columns: Columns) -> None:
        self.source, self.day, self.columns = source, day, columns

    @property
    def days(self) -> str:
        """Of which days the list says something."""
        return f"{FIRST_ON}〜{self.day}"

    def covers(self, day: date) -> bool:
        """Whether the list says anything of a day: firms of days to come may not have their number yet."""
        return FIRST_ON <= day <= self.day

    def is_listed(self, number: str) -> bool:
        """Whether the number (13 digits) was given to anybody."""
        return _find(self.columns.numbers, int(number)) is not None

    def find_closing(self, number: str) -> Closing | None:
        """How the register of a firm was closed, None where it was not."""
        at = _find(self.columns.closed, int(number))
        if at is None:
            return None
        successor = self.columns.successors[at]
        return Closing(
            date_of(self.columns.closed_on[at]), f"{self.columns.causes[at]:02d}", str(successor) if successor else None
        )


def _find(numbers: memoryview, number: int) -> int | None:
    at = bisect_left(numbers, number)
    return at if at < len(numbers) and numbers[at] == number else None


def opened(path: Path) -> Corporations:
    """Map a file.

    Raises:
        ConfigurationError: it is not such a file, or not whole.
        OSError: it cannot be read.
    """
    if sys.byteorder != "little":
        raise ConfigurationError("lists of corporate numbers are read by little-endian machines only")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            magic, day, numbers, closed = HEAD.unpack_from(whole)
            if magic != MAGIC or len(whole) != HEAD.size + 8 * numbers + 24 * closed or numbers == 0:
                raise ValueError
            stands_for = date_of(day)
        except (ValueError, struct.error):
            raise ConfigurationError(
                f"not a list of corporate numbers, or not whole: {path.name}",
                ja=f"法人番号一覧として読み取れないか、途中で切れています: {path.name}",
            ) from None
    sizes = (HEAD.size, 8 * numbers, 8 * closed, 8 * closed, 4 * closed, 4 * closed)
    parts = [whole[start:end] for start, end in pairwise(accumulate(sizes))]
    columns = Columns(*(part.cast("Q") for part in parts[:3]), *(part.cast("I") for part in parts[3:]))
    return Corporations(Consulted(name=path.name, sha256=digest), stands_for, columns)


def date_of(number: int) -> date:
    """The day that a number of the form YYYYMMDD names.

    Raises:
        ValueError: it names none.
    """
    return date(number // 10_000, number // 100 % 100, number % 100)
