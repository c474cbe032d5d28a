"""The keys of owners, unwrapped and at hand: of each recipient and year one closes, and all that were ever used open.

They are kept in memory. Once a second the shelf is asked which were retired or destroyed meanwhile, by any process.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection

from gateway.errors import ConfigurationError, Erased, EvidenceError
from gateway.ports import Clock, KeyShelf, Kms, StoredKey

KEY, ID = 32, 8
FRESH_S = 1.0
RETIRED = 0
KEYS_KEPT = 4_096


class OwnerKeys:
    """Keys by id, and by the owner for whom they close this year."""

    def __init__(self, kms: Kms, shelf: KeyShelf, clock: Clock) -> None:
        self._kms, self._shelf, self._clock = kms, shelf, clock
        self._keys: dict[bytes, bytes] = {}
        self._closing: dict[str, tuple[int, bytes]] = {}
        self._lock = threading.Lock()
        self._looked_at = -FRESH_S

    def is_ready(self, owners: Collection[str]) -> bool:
        """Whether the owners' keys of this year are at hand and were looked at within the last second."""
        year = self._clock.now().year
        return self._is_fresh() and all(self._year(owner) == year for owner in owners)

    def make_ready(self, owners: Collection[str]) -> None:
        """Fetch or make the owners' keys of this year; may wait for its turn to write, so never in a transaction."""
        self._look()
        year = self._clock.now().year
        for owner in owners:
            if self._year(owner) != year:
                stored = self._shelf.take(owner, year, lambda owner=owner: self._made(owner, year))  # type: ignore[misc]
                self._keep(stored.id, self._unwrapped(stored))
                self._closing[owner] = (year, stored.id)

    def closing(self, owner: str) -> bytes:
        """Id of the key that closes for an owner, as it was when it was last made ready."""
        if owner not in self._closing:
            self.make_ready((owner,))
        return self._closing[owner][1]

    def load(self, id: bytes) -> bytes:
        """A key by its id.

        Raises:
            Erased: it was destroyed.
            EvidenceError: there never was one.
        """
        if not self._is_fresh():
            self._look()
        key = self._keys.get(id)
        if key is None:
            stored = self._shelf.find(id)
            if stored is None:
                raise EvidenceError("stored bytes name a key that there never was")
            key = self._unwrapped(stored)
            self._keep(id, key)
        return key

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._looked_at < FRESH_S

    def _year(self, owner: str) -> int:
        return self._closing.get(owner, (RETIRED, b""))[0]

    def _look(self) -> None:
        """Forget keys that were destroyed; those that were retired are renewed when they are next made ready."""
        self._looked_at = time.monotonic()
        retired = self._shelf.retired()
        with self._lock:
            for id, destroyed in retired.items():
                if destroyed:
                    self._keys.pop(id, None)
            for owner, (_, id) in self._closing.items():
                if id in retired:
                    self._closing[owner] = (RETIRED, id)

    def _keep(self, id: bytes, key: bytes) -> None:
        with self._lock:
            while len(self._keys) >= KEYS_KEPT:
                self._keys.pop(next(iter(self._keys)))
            self._keys[id] = key

    def _made(self, owner: str, year: int) -> StoredKey:
        kek, wrapped = self._kms.wrap(os.urandom(KEY))
        return StoredKey(os.urandom(ID), owner, year, kek, wrapped)

    def _unwrapped(self, stored: StoredKey) -> bytes:
        if stored.wrapped is None:
            raise Erased
        try:
            return self._kms.unwrap(stored.kek, stored.wrapped)
        except ConfigurationError:
            again = self._shelf.find(stored.id)  # wrapped anew a moment ago?
            if again is None or again.wrapped is None or again.kek == stored.kek:
                raise
            return self._kms.unwrap(again.kek, again.wrapped)
