"""A withdrawal: the gateway's own record, in the recipient's feed, that earlier lines may no longer be shown."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

WITHDRAWAL = "withdrawal"
"""The kind of its line. It comes to every reader of a feed, whatever kind was asked for."""

RESTATED = "restated"
"""Why a line replaces its own earlier wording, which repeated what was withdrawn: nothing else of it changed."""

REASONS = {
    "misdirected": "misdirected",
    "erasure": "erased",
    "retention": "retention",
    "consent": "consent_withdrawn",
}
"""What made somebody withdraw, and what the stubs say from then on."""

Runs = tuple[tuple[int, int], ...]
"""Positions as runs: the first of each, and how many there are."""


class Withdrawal(BaseModel):
    """What was withdrawn, why, and when (RFC 3339, UTC); ``whole`` says that nothing is left of the submission.

    ``positions`` are all that are served as stubs from now on because of it, those of later lines that had repeated
    something of it included. Who has read them drops what is kept of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    submission: str
    reason: str
    whole: bool
    positions: Runs
    withdrawn_at: str


def runs(positions: Iterable[int]) -> Runs:
    """Positions as runs, in order.

    >>> runs([7, 3, 4, 5])
    ((3, 3), (7, 1))
    """
    found: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if found and found[-1][0] + found[-1][1] == position:
            found[-1] = found[-1][0], found[-1][1] + 1
        else:
            found.append((position, 1))
    return tuple(found)


def among(positions: Runs, start: int, end: int) -> Runs:
    """Those of some runs that lie from ``start`` to before ``end``.

    >>> among(((3, 3), (7, 1)), 4, 8)
    ((4, 2), (7, 1))
    """
    cut = ((max(first, start), min(first + count, end)) for first, count in positions)
    return tuple((first, last - first) for first, last in cut if first < last)
