"""The keys of a shelf, unwrapped and at hand by id; made and put there where there is none yet."""

from __future__ import annotations

import os
import threading
from functools import partial

from gateway.errors import ConfigurationError, Erased, EvidenceError
from gateway.ports import KeyShelf, Kms, StoredKey
from gateway.security.index_keys import IndexKey

KEY, ID = 32, 8
KEYS_KEPT = 4_096


class UnwrappedKeys:
    """Keys by id; of more than some thousands the first are let go, and fetched again when asked for."""

    def __init__(self, kms: Kms, shelf: KeyShelf) -> None:
        self.shelf = shelf
        self._kms = kms
        self._keys: dict[bytes, bytes] = {}
        self._index_keys: dict[bytes, IndexKey] = {}
        self._lock = threading.Lock()

    def load(self, id: bytes) -> bytes:
        """A key by its id.

        Raises:
            Erased: it was destroyed.
            EvidenceError: there never was one.
        """
        key = self._keys.get(id)
        if key is None:
            stored = self.shelf.find(id)
            if stored is None:
                raise EvidenceError("stored bytes name a key that there never was")
            key = self._unwrapped(stored)
            self._keep(id, key)
        return key

    def load_index(self, id: bytes) -> IndexKey:
        """The key of an index by its id; see ``load``."""
        made = self._index_keys.get(id)
        if made is None:
            made = self._index_keys[id] = IndexKey(id, self.load(id))
        return made

    def take(self, owner: str, year: int) -> bytes:
        """Id of an owner's key of a year, which is at hand now; made if there is none."""
        return self.put(self.shelf.take(owner, year, partial(self._made, owner, year)))

    def put(self, stored: StoredKey) -> bytes:
        """Id of a key of the shelf, which is at hand now."""
        self._keep(stored.id, self._unwrapped(stored))
        return stored.id

    def forget(self, id: bytes) -> None:
        """A key was destroyed."""
        with self._lock:
            self._keys.pop(id, None)
            self._index_keys.pop(id, None)

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
            again = self.shelf.find(stored.id)  # wrapped anew a moment ago?
            if again is None or again.wrapped is None or again.kek == stored.kek:
                raise
            return self._kms.unwrap(again.kek, again.wrapped)
