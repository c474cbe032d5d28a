"""Wake readers when their log has grown. A hint: losing one costs the rest of a long poll, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping

from gateway.store import log
from gateway.store.engine import Database, Watch

POLL_S = 0.01


class Wakeups:
    """How far each log is known to reach, and who waits for more of it.

    Commits of this process wake at once; those of other processes by the database's own means: SQLite's
    ``data_version`` is looked at every 10 ms while somebody waits, PostgreSQL says so by NOTIFY. Neither says whose log
    it was, so the heads of those that are waited for are looked at then, once for all who wait.
    """

    def __init__(self, watch: Watch, database: Database) -> None:
        self._watch, self._database = watch, database
        self._ends: dict[str, int] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._waiting: Counter[str] = Counter()
        self._over = False

    def end_of(self, recipient: str) -> int | None:
        """The first position that a log does not have yet, as far as known here; None: nobody looked so far."""
        return self._ends.get(recipient)

    def wake(self, ends: Mapping[str, int]) -> None:
        """Logs reach to these positions now."""
        for recipient, end in ends.items():
            if end > self._ends.get(recipient, -1):
                self._ends[recipient] = end
                self._tell(recipient)

    async def wait(self, recipient: str, position: int, seconds: float) -> bool:
        """Return when a log has something at a position, or after so many seconds; False: nobody waits any more."""
        with self._counted(recipient), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._over and self._ends.get(recipient, 0) <= position:
                    await self._news.setdefault(recipient, asyncio.Event()).wait()
        return not self._over

    def end(self) -> None:
        """We are about to stop: who waits is answered with what there is."""
        self._over = True
        for recipient in list(self._news):
            self._tell(recipient)

    async def run(self) -> None:
        """Watch for commits of other processes until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            if self._waiting and self._watch.changed():
                with self._database.read() as session:
                    heads = log.find_heads(session, self._waiting)
                self.wake({recipient: head.next_position for recipient, head in heads.items()})

    def _tell(self, recipient: str) -> None:
        news = self._news.pop(recipient, None)
        if news is not None:
            news.set()

    @contextlib.contextmanager
    def _counted(self, recipient: str) -> Iterator[None]:
        self._waiting[recipient] += 1
        try:
            yield
        finally:
            self._waiting[recipient] -= 1
            if not self._waiting[recipient]:
                del self._waiting[recipient]
