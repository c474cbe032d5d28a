"""Receive: take the document's bytes as they come, counting and hashing, and keep them safe.

Small bodies stay in memory and are stored in the outcome's own transaction; larger ones are streamed to a file that
is synced to disk before anything is promised.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.errors import TooLarge
from gateway.ports import Cipher, Spot, Writable
from gateway.schemas.submission import RawCopy


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a document goes once it outgrows memory: a file, closed for its owners; its folder must exist."""

    folder: Path
    name: str
    cipher: Cipher
    spot: Spot
    owners: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / self.name

    def open(self) -> BinaryIO:
        """What is in the file, from its start."""
        return self.cipher.reader(self.spot, self.path.open("rb"))


@dataclass(frozen=True, slots=True)
class Received:
    """A complete document: in memory, or in a file; its SHA-256 and size in bytes."""

    body: bytes | None
    kept: Kept | None
    sha256: bytes
    size: int

    def open(self) -> BinaryIO:
        """The document from its start."""
        return io.BytesIO(self.body or b"") if self.kept is None else self.kept.open()

    def head(self, count: int = 65_536) -> bytes:
        """Its first bytes."""
        with self.open() as source:
            return source.read(count)

    def count(self, byte: bytes) -> int:
        """How often a byte stands in it."""
        if self.body is not None:
            return self.body.count(byte)
        with self.open() as source:
            return sum(chunk.count(byte) for chunk in iter(lambda: source.read(1 << 20), b""))

    def copy(self) -> RawCopy:
        """How it will be kept: in a row, or in the file where it is already."""
        return RawCopy(self.body, self.kept.name if self.kept is not None else None, None)

    def discard(self) -> None:
        """Remove the file, if there is one."""
        if self.kept is not None:
            self.kept.path.unlink(missing_ok=True)


def receive(body: bytes) -> Received:
    """A document that is already whole."""
    return Received(body, None, hashlib.sha256(body).digest(), len(body))


class Receiver:
    """Collects a document from chunks.

    Args:
        kept: where the document goes once it outgrows memory.
        in_memory: most bytes kept in memory.
        at_most: most bytes taken at all.
    """

    def __init__(self, kept: Kept, in_memory: int, at_most: int) -> None:
        self._kept, self._in_memory, self._at_most = kept, in_memory, at_most
        self._chunks: list[bytes] = []
        self._file: BinaryIO | None = None
        self._closing: Writable | None = None
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLarge: the document is larger than the gateway takes.
        """
        self._size += len(chunk)
        if self._size > self._at_most:
            self.abandon()
            raise TooLarge(
                f"the document is larger than {self._at_most} bytes",
                ja=f"文書が {self._at_most} バイトを超えています。",
            )
        self._hash.update(chunk)
        if self._closing is None and self._size > self._in_memory:
            kept = self._kept
            self._file = kept.path.open("wb")
            self._closing = kept.cipher.writer(kept.spot, kept.owners, self._file)
            for earlier in self._chunks:
                self._closing.write(earlier)
            self._chunks.clear()
        if self._closing is None:
            self._chunks.append(chunk)
        else:
            self._closing.write(chunk)

    def finish(self) -> Received:
        """The complete document, on disk for good where it was written to a file."""
        digest = self._hash.digest()
        if self._file is None or self._closing is None:
            return Received(b"".join(self._chunks), None, digest, self._size)
        self._closing.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        folder = os.open(self._kept.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return Received(None, self._kept, digest, self._size)

    def abandon(self) -> None:
        """Forget what came so far."""
        if self._file is not None:
            self._file.close()
            self._kept.path.unlink(missing_ok=True)
