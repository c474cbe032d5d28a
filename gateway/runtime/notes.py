"""What is worth noting but not worth a transaction of its own: it goes along with the next commit group.

When a group had become visible, how far a reader had read, which lines it was given, who was refused at the door.
Losing the last fifth of a second of it in a crash costs a figure in a table, never a submission.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.schemas.trail import Deed, about
from gateway.store import log, reads, trail, withdrawals
from gateway.store.engine import Database, Session

NOTED_WITHIN_S = 1.0  # notes wait for a commit, or a while for none to come
MOST_REFUSALS = 1_000  # between two commits; who hammers at the door need not fill the log


class Notes:
    """Notes waiting for a transaction."""

    def __init__(self) -> None:
        self._published: list[dict[str, Any]] = []
        self._read: list[dict[str, Any]] = []
        self._refused: list[Deed] = []
        self._refused_more = 0
        self._furthest: dict[tuple[str, str], int] = {}
        self._given: list[dict[str, Any]] = []
        self._known: dict[tuple[str, str], range] = {}

    def __bool__(self) -> bool:
        return bool(self._published or self._read or self._given or self._refused)

    def published(self, recipient: str, tree_size: int, at: datetime) -> None:
        """A commit group was durable and visible by then."""
        self._published.append({"recipient": recipient, "tree_size": tree_size, "published_at": at})

    def read(self, recipient: str, reader: str, position: int, at: datetime) -> None:
        """A reader had read everything before a position by then."""
        if self._furthest.get((recipient, reader), 0) < position:
            self._furthest[recipient, reader] = position
            self._read.append({"recipient": recipient, "reader": reader, "position": position, "read_at": at})

    def given(self, recipient: str, reader: str, lines: range, at: datetime) -> None:
        """A reader was given the lines of a range of positions; noted only as far as it goes beyond what is known."""
        known = self._known.get((recipient, reader), range(0))
        if lines and not known.start <= lines.start <= lines.stop <= known.stop:
            follows_on = known.start <= lines.start <= known.stop <= lines.stop
            self._known[recipient, reader] = range(known.start, lines.stop) if follows_on else lines
            where = {"first_position": lines.start, "end_position": lines.stop}
            self._given.append({"recipient": recipient, "reader": reader, "given_at": at} | where)

    def refused(self, refusal: Deed) -> None:
        """Somebody was refused at the door; of a flood only the number is kept."""
        if len(self._refused) < MOST_REFUSALS:
            self._refused.append(refusal)
        else:
            self._refused_more += 1
            self._refused[-1] = Deed(refusal.at, "", "door.flooded", about(count=self._refused_more + 1))

    def write(self, database: Database, session: Session) -> None:
        """Write everything noted so far into a transaction that is about to be committed."""
        log.note_publication(session, self._published)
        reads.note(session, self._read)
        withdrawals.note_given(session, self._given)
        trail.append(database, session, "door", self._refused)
        self._published, self._read, self._given, self._refused = [], [], [], []
        self._refused_more = 0
