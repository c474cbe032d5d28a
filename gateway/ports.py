"""The few interfaces that have more than one real implementation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from gateway.schemas.observed import Observed


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known about a document besides its bytes; an adapter may use it, never needs it.

    Attributes:
        filename: name under which it was handed over, if any.
        kind: record kind the sender says it is.
        institution: bank code on whose behalf it comes, or the sender's participant id.
        recipient: the corporation it is for, where there is just one.
        layouts: folders with further layout definitions (YAML), searched after the packaged ones.
    """

    filename: str | None = None
    kind: str | None = None
    institution: str | None = None
    recipient: str | None = None
    layouts: tuple[str, ...] = ()


class Adapter(Protocol):
    """One source format: bytes in, records out; pure, no network, no clock, no database.

    ``read`` raises ``Unreadable`` (with its place) and nothing else; doubt about content is left to the rules.
    Memory stays bounded: rows are yielded in frames of at most ``ROWS_AT_ONCE``.
    """

    name: str
    version: str
    media_types: frozenset[str]
    kinds: frozenset[str]

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """Whether the first bytes (at most 64 KiB) of a document are of this format."""
        ...

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """Read the document from its start."""
        ...

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The refused records (by ordinal) in the sender's own layout, ready to be fixed and sent again."""
        ...


ROWS_AT_ONCE = 20_000


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


class BlockCipher(Protocol):
    """Opens and closes stored blocks of lines for one recipient."""

    def close(self, recipient: str, block: bytes) -> bytes:
        """The bytes to store."""
        ...

    def open(self, recipient: str, stored: bytes) -> bytes:
        """The bytes that were stored."""
        ...
