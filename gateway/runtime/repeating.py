"""Something done again and again beside the requests, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("hayame.runtime")


@contextmanager
def repeating(name: str, seconds: float, work: Callable[[], object], *, last: bool = False) -> Iterator[None]:
    """Do work at once and every so many seconds for the time of a block; with ``last`` once more at its end.

    Whatever fails is logged, and may succeed the next time.
    """
    stop = threading.Event()

    def run() -> None:
        _try(name, work)
        while not stop.wait(seconds):
            _try(name, work)
        if last:
            _try(name, work)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _try(name: str, work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:  # it is done again
        LOGGER.exception("%s failed", name)
