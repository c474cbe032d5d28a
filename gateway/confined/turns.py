"""Whose document is read next: that of the sender who took least of the children's time lately.

So whoever sends documents that loop waits behind everybody else, and a sender of small ones gets the next child.
"""

from __future__ import annotations

import threading
import time
from itertools import count

from gateway.errors import BusyError

HALVED_S = 30.0  # after so long half of what a sender took is forgotten


class Turns:
    """So many turns at a time; ``dear`` is how many seconds one counts for until it is known how long it took."""

    def __init__(self, at_a_time: int, dear: float) -> None:
        self._free, self._dear = at_a_time, dear
        self._changed = threading.Condition()
        self._tickets = count()
        self._waiting: dict[int, str] = {}
        self._taken: dict[str, tuple[float, float]] = {}

    def take(self, sender: str, seconds: float) -> float:
        """Wait for a turn; the instant (monotonic) at which it began, to be given back.

        Raises:
            BusyError: none came in time.
        """
        with self._changed:
            ticket = next(self._tickets)
            self._waiting[ticket] = sender
            came = self._changed.wait_for(lambda: self._free > 0 and self._is_next(ticket), seconds)
            del self._waiting[ticket]
            if came:
                self._free -= 1
                self._charge(sender, self._dear)
            self._changed.notify_all()
        if not came:
            raise BusyError
        return time.monotonic()

    def give_back(self, sender: str, since: float) -> None:
        """The turn is over."""
        with self._changed:
            self._free += 1
            self._charge(sender, time.monotonic() - since - self._dear)
            self._changed.notify_all()

    @property
    def free(self) -> int:
        """How many could begin at once."""
        return self._free

    def _is_next(self, ticket: int) -> bool:
        return ticket == min(self._waiting, key=lambda one: (self._took(self._waiting[one]), one))

    def _took(self, sender: str) -> float:
        seconds, at = self._taken.get(sender, (0.0, 0.0))
        return float(seconds * 0.5 ** ((time.monotonic() - at) / HALVED_S))

    def _charge(self, sender: str, seconds: float) -> None:
        took = max(self._took(sender) + seconds, 0.0)
        self._taken[sender] = (took, time.monotonic())
        if took < 1e-6:
            del self._taken[sender]
