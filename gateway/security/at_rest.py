"""Encryption at rest: nothing that was handed over lies readable in a table, a file or a backup.

    key-encryption key (Kms) ─ wraps ─▶ key of a recipient and year ─ wraps ─▶ data key of one value ─ closes ─▶ value

A closed value is ``version | owners | key ids | wrapped data key | nonce | ciphertext | tag``: AES-256-GCM (NIST SP
800-38D) under a data key of its own or of all that comes and goes together. It stands in front, wrapped (RFC 3394) by
the key of each owner in turn, so that the value opens only as long as every owner's key is there. What is authenticated
beside the ciphertext is all that precedes the nonce and the value's spot. A closed file is the same in chunks, each
numbered, the last one marked. What is looked up, and what stands in rows by the million: ``index_keys.py``.
What was stored before there was encryption begins with the mark of its compression, and is read as it is.
"""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Sequence
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from gateway.errors import EvidenceError
from gateway.ports import Spot
from gateway.security.index_keys import IndexKey
from gateway.security.owner_keys import OwnerKeys
from gateway.security.unwrapped_keys import ID, KEY

VERSION = 1
FILE = b"hayame\x00\x01"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
NONCE, TAG, WRAPPING = 12, 16, 8
LONGEST_HEAD = 2 + KEY + 255 * (ID + WRAPPING)
CHUNK = 65_536


class AtRest:
    """Closes and opens with the keys of owners; see ``ports.Cipher``."""

    def __init__(self, keys: OwnerKeys) -> None:
        self._keys = keys

    def is_ready(self, owners: Collection[str]) -> bool:
        """Whether the owners' keys of this year are at hand and were looked at within the last second."""
        return self._keys.is_ready(owners)

    def make_ready(self, owners: Collection[str]) -> None:
        """Fetch or make the owners' keys of this year; never within a transaction."""
        self._keys.make_ready(owners)

    def close(self, spot: Spot, owners: Sequence[str], plain: bytes) -> bytes:
        """The bytes to store: the value under a data key of its own."""
        return self.data_key(owners).close(spot, plain)

    def data_key(self, owners: Sequence[str]) -> DataKey:
        """A new data key, for several values that come and go together."""
        return DataKey(tuple(owners), *self._head(owners))

    def index(self, owner: str) -> IndexKey:
        """The key of an owner's index, as it was when it was last made ready."""
        return self._keys.index(owner)

    def find_index(self, owner: str) -> IndexKey | None:
        """The same, also within a transaction, for who only looks something up; None if nothing was ever hidden."""
        return self._keys.find_index(owner)

    def open(self, spot: Spot, stored: bytes) -> bytes:
        """The bytes that were stored; see ``ports.Cipher``."""
        if stored.startswith(ZSTANDARD):
            return stored
        head, key = self._opened_head(stored)
        nonce = stored[len(head) : len(head) + NONCE]
        return _open(key, nonce, stored[len(head) + NONCE :], head + spot.bound())

    def writer(self, spot: Spot, owners: Sequence[str], file: BinaryIO) -> ClosingWriter:
        """Closes into a file what is written, chunk by chunk."""
        head, key = self._head(owners)
        file.write(FILE + head)
        return ClosingWriter(file, key, head + spot.bound())

    def reader(self, spot: Spot, file: BinaryIO) -> BinaryIO:
        """What was closed into a file, to be read from anywhere; see ``ports.Cipher``."""
        if file.read(len(FILE)) != FILE:
            file.seek(0)
            return file
        try:
            head, key = self._opened_head(file.read(LONGEST_HEAD))
        except BaseException:
            file.close()
            raise
        return io.BufferedReader(_OpeningReader(file, len(FILE) + len(head), key, head + spot.bound()), CHUNK)

    def _head(self, owners: Sequence[str]) -> tuple[bytes, bytes]:
        """What stands in front, and the new data key that it holds wrapped."""
        ids = [self._keys.closing(owner) for owner in owners]
        key = wrapped = os.urandom(KEY)
        for one in ids:
            wrapped = aes_key_wrap(self._keys.load(one), wrapped)
        return b"".join((bytes((VERSION, len(ids))), *ids, wrapped)), key

    def _opened_head(self, stored: bytes) -> tuple[bytes, bytes]:
        if len(stored) < 2 or stored[0] != VERSION or not stored[1]:
            raise EvidenceError("stored bytes are not of a known form")
        end = 2 + ID * stored[1]
        ids = [stored[at : at + ID] for at in range(2, end, ID)]
        key = stored[end : end + KEY + WRAPPING * stored[1]]
        head = stored[: end + len(key)]
        try:
            for one in reversed(ids):
                key = aes_key_unwrap(self._keys.load(one), key)
        except InvalidUnwrap as error:
            raise EvidenceError("the data key of stored bytes does not unwrap") from error
        return head, key


class DataKey:
    """One data key; what it closes is numbered, and the number is the nonce. See ``ports.DataKey``."""

    def __init__(self, owners: tuple[str, ...], head: bytes, key: bytes) -> None:
        self.owners = owners
        self._head, self._aead = head, AESGCM(key)
        self._number = 0

    def close(self, spot: Spot, plain: bytes) -> bytes:
        """The bytes to store."""
        head, nonce = self._head, self._number.to_bytes(NONCE, "big")
        self._number += 1
        return head + nonce + self._aead.encrypt(nonce, plain, head + spot.bound())


class ClosingWriter:
    """Chunks of 64 KiB into a file, each under a nonce that is its number and whether it is the last."""

    def __init__(self, file: BinaryIO, key: bytes, bound: bytes) -> None:
        self._file, self._aead, self._bound = file, AESGCM(key), bound
        self._rest = bytearray()
        self._number = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; the last whole chunk waits, as it may be the last of all."""
        self._rest += chunk
        while len(self._rest) > CHUNK:
            self._put(bytes(self._rest[:CHUNK]), last=False)
            del self._rest[:CHUNK]

    def finish(self) -> None:
        """Write the last chunk."""
        self._put(bytes(self._rest), last=True)

    def _put(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._aead.encrypt(_nonce(self._number, last), plain, self._bound))
        self._number += 1


class _OpeningReader(io.RawIOBase):
    """Reads a closed file as if it were open, one chunk at a time, from any place."""

    def __init__(self, file: BinaryIO, start: int, key: bytes, bound: bytes) -> None:
        self._file, self._start, self._key, self._bound = file, start, key, bound
        stored = file.seek(0, io.SEEK_END) - start
        self._last = max(0, (stored - 1) // (CHUNK + TAG))
        self._size = stored - (self._last + 1) * TAG
        self._at = 0
        self._opened: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        number = min(self._at // CHUNK, self._last)
        part = self._chunk(number)[self._at - number * CHUNK :][: len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _chunk(self, number: int) -> bytes:
        if self._opened[0] != number:
            self._file.seek(self._start + number * (CHUNK + TAG))
            closed = self._file.read(CHUNK + TAG)
            self._opened = number, _open(self._key, _nonce(number, number == self._last), closed, self._bound)
        return self._opened[1]


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(NONCE - 1, "big") + bytes((last,))


def _open(key: bytes, nonce: bytes, closed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, closed, bound)
    except (InvalidTag, ValueError) as error:
        raise EvidenceError("stored bytes do not belong where they are, or were altered") from error
