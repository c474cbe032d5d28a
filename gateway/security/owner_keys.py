"""Which key closes for an owner: of each recipient and year one; all that were ever used open.

Beside them each owner has the key of its index, which stays from year to year: what is looked up has to be found again.

They are kept in memory. Once a second the shelf is asked which were retired or destroyed meanwhile, by any process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping

from gateway.ports import Clock, KeyShelf, Kms
from gateway.security.index_keys import IndexKey
from gateway.security.unwrapped_keys import UnwrappedKeys

FRESH_S = 1.0
RETIRED, INDEX = 0, 1
"""In place of a year: of a key that is to be replaced; of the key of an owner's index."""


class OwnerKeys:
    """Keys by id, and by the owner for whom they close this year or hide its index."""

    def __init__(self, kms: Kms, shelf: KeyShelf, clock: Clock) -> None:
        self._keys, self._clock = UnwrappedKeys(kms, shelf), clock
        self._closing: dict[str, tuple[int, bytes]] = {}
        self._hiding: dict[str, tuple[int, bytes]] = {}
        self._lock = threading.Lock()
        self._checked: set[str] = set()
        self._looked_at = -FRESH_S

    def is_ready(self, owners: Collection[str]) -> bool:
        """Whether the owners' keys of this year are at hand and were looked at within the last second."""
        return self._is_fresh() and all(owner in self._checked or self._check(owner) for owner in owners)

    def make_ready(self, owners: Collection[str]) -> None:
        """Fetch or make the owners' keys of this year; may wait for its turn to write, so never in a transaction."""
        self._look()
        year = self._clock.now().year
        for owner in owners:
            for ready, wanted in ((self._closing, year), (self._hiding, INDEX)):
                if _year(ready, owner) != wanted:
                    ready[owner] = wanted, self._keys.take(owner, wanted)

    def closing(self, owner: str) -> bytes:
        """Id of the key that closes for an owner, as it was when it was last made ready."""
        if owner not in self._closing:
            self.make_ready((owner,))
        return self._closing[owner][1]

    def index(self, owner: str) -> IndexKey:
        """The key of an owner's index, as it was when it was last made ready."""
        if owner not in self._hiding:
            self.make_ready((owner,))
        return self._index_key(owner)

    def find_index(self, owner: str) -> IndexKey | None:
        """The same for who only looks something up: where there is no key yet, nothing was hidden with any."""
        self._look_again()
        if _year(self._hiding, owner) != INDEX:
            stored = self._keys.shelf.find_for(owner, INDEX)
            if stored is None:
                return None
            self._hiding[owner] = INDEX, self._keys.put(stored)
        return self._index_key(owner)

    def load(self, id: bytes) -> bytes:
        """A key by its id; see ``UnwrappedKeys.load``."""
        self._look_again()
        return self._keys.load(id)

    def _index_key(self, owner: str) -> IndexKey:
        self._look_again()
        return self._keys.load_index(self._hiding[owner][1])

    def _check(self, owner: str) -> bool:
        """Whether an owner's keys are at hand; asked anew each time the shelf was."""
        with self._lock:
            ready = _year(self._closing, owner) == self._clock.now().year and _year(self._hiding, owner) == INDEX
            if ready:
                self._checked.add(owner)
            return ready

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._looked_at < FRESH_S

    def _look_again(self) -> None:
        if not self._is_fresh():
            self._look()

    def _look(self) -> None:
        """Forget keys that were destroyed; those that were retired are renewed when they are next made ready."""
        self._looked_at = time.monotonic()
        retired = self._keys.shelf.retired()
        for id, destroyed in retired.items():
            if destroyed:
                self._keys.forget(id)
        with self._lock:
            self._checked.clear()
            for ready in (self._closing, self._hiding):
                for owner, (_, id) in list(ready.items()):
                    if id in retired:
                        ready[owner] = (RETIRED, id)


def _year(ready: Mapping[str, tuple[int, bytes]], owner: str) -> int:
    """The year of a key that is at hand for an owner, or what stands in its place."""
    return ready.get(owner, (RETIRED, b""))[0]
