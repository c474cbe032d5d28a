"""The key of an owner's index: it hides what is looked up exactly, and closes what stands beside that in a row.

A value is looked up by its *blind*: HMAC-SHA-256 (RFC 2104) under a key of the owner's own, cut to 16 bytes. The same
value has the same blind at one owner, another at every other, and none that anybody could compute without the key.
What stands beside it is closed by AES-256-GCM under another key, bound to its row: ``key id | nonce | ciphertext |
tag``. Both are made of the one key that the shelf keeps; a data key of its own would be longer than the row.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Erased, EvidenceError

BLIND, NONCE = 16, 12
_BLOCK, _INNER, _OUTER = 64, 0x36, 0x5C  # of SHA-256 and HMAC


class IndexKey:
    """See ``ports.IndexKey``."""

    def __init__(self, id: bytes, key: bytes) -> None:
        self._id, self._start = id, len(id) + NONCE
        names, entries = (hmac.digest(key, use, "sha256") for use in (b"hayame index blind", b"hayame index entry"))
        # both hashes with the key in them already: three times as fast as hmac.digest
        self._inner, self._outer = (
            sha256(bytes(byte ^ pad for byte in names.ljust(_BLOCK, b"\0"))) for pad in (_INNER, _OUTER)
        )
        self._aead = AESGCM(entries)

    def blind(self, values: Iterable[str]) -> list[bytes]:
        """What each value is looked up by; see ``ports.IndexKey``."""
        found = []
        for value in values:
            inner, outer = self._inner.copy(), self._outer.copy()
            inner.update(value.encode())
            outer.update(inner.digest())
            found.append(outer.digest()[:BLIND])
        return found

    def close(self, rows: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """What to store for each row; see ``ports.IndexKey``."""
        random, encrypt = os.urandom(NONCE * len(rows)), self._aead.encrypt
        closed = []
        for at, (bound, plain) in enumerate(rows):
            nonce = random[at * NONCE : (at + 1) * NONCE]
            closed.append(self._id + nonce + encrypt(nonce, plain, bound))
        return closed

    def open(self, bound: bytes, stored: bytes) -> bytes:
        """What was closed; see ``ports.IndexKey``."""
        if not stored.startswith(self._id):
            raise Erased  # the key of an index is replaced only when all that it closed is about to be erased
        try:
            return self._aead.decrypt(stored[len(self._id) : self._start], stored[self._start :], bound)
        except (InvalidTag, ValueError) as error:
            raise EvidenceError("an entry of an index does not belong where it is, or was altered") from error
