"""Wake readers and workers when there is something new. A hint: losing one costs a polling interval, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from gateway.store.engine import Watch

POLL_S = 0.01


class Wakeups:
    """One condition that everybody who waits for news waits on.

    Commits of this process wake at once; those of other processes by the database's own means: SQLite's
    ``data_version`` is looked at every 10 ms while somebody waits, PostgreSQL says so by NOTIFY.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._news = asyncio.Event()
        self._waiting = 0
        self._over = False

    def wake(self) -> None:
        """There is something new."""
        self._news.set()
        self._news = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Return when there may be something new, or after so many seconds; False: nobody is to wait any more."""
        if not self._over:
            with self._counted(), contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        return not self._over

    def end(self) -> None:
        """We are about to stop: who waits is answered with what there is."""
        self._over = True
        self.wake()

    async def run(self) -> None:
        """Watch for commits of other processes until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            if self._waiting and self._watch.changed():
                self.wake()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
