"""How long entries have been waiting for a time stamp, and that nothing new is taken when that is too long.

Every process looks once a second, off the request path; a request asks a value in memory. What was noticed is kept in
the database, so that neither a restart nor a worker that is away starts the count anew.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import Unstamped
from gateway.ports import Clock
from gateway.runtime.repeating import repeating
from gateway.schemas.identifiers import instant_text
from gateway.store import stamps
from gateway.store.engine import Database
from gateway.store.stamps import Turn

LOOK_S = 1.0


@dataclass
class StampGate:
    """Knows since when the oldest entry without a stamp has been waiting.

    Args:
        database: where the logs are.
        clock: where time comes from.
        most: how long may be waited; None where there is no authority, and nothing is ever waited for.
    """

    database: Database
    clock: Clock
    most: timedelta | None
    _oldest: datetime | None = field(default=None, init=False)

    def require(self) -> None:
        """That something new may be taken.

        Raises:
            Unstamped: an entry has waited too long.
        """
        oldest = self._oldest
        if oldest is not None and self.most is not None and self.clock.now() - oldest > self.most:
            raise Unstamped

    def told(self) -> str:
        """How it stands, for who runs the gateway."""
        if self.most is None:
            return "time stamps: off"
        if self._oldest is None:
            return "time stamps: nothing waits"
        until = instant_text(self._oldest + self.most)
        return f"time stamps: waiting since {instant_text(self._oldest)}, accepting until {until}"

    def state(self, turn: Turn | None) -> str:
        """How it stands with one log: ``off``, ``stamped``, ``waiting``, or ``overdue``, when nothing new is taken."""
        if self.most is None:
            return "off"
        if turn is None or not turn.is_behind:
            return "stamped"
        since = turn.waiting_since_at
        return "overdue" if since is not None and self.clock.now() - since > self.most else "waiting"

    def look(self) -> None:
        """Notice logs that moved beyond their stamp, and since when the oldest of them waits."""
        if self.most is None:
            return
        with self.database.read() as session:
            behind = [turn for turn in stamps.turns(session) if turn.is_behind]
        unnoted = [turn.recipient for turn in behind if turn.waiting_since_at is None]
        if unnoted:
            with self.database.write() as session:
                stamps.wait(session, unnoted, self.clock.now())
        noted = [turn.waiting_since_at or self.clock.now() for turn in behind]
        self._oldest = min(noted, default=None)

    def looking(self) -> AbstractContextManager[None]:
        """Look on for the time of a block, in a thread of its own."""
        return nullcontext() if self.most is None else repeating("stamp-gate", LOOK_S, self.look)
