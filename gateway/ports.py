"""The few interfaces that have more than one real implementation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, NamedTuple, Protocol

from gateway.schemas.observed import Observed
from gateway.schemas.place import Place


class Remark(NamedTuple):
    """What is said of a place in a document that goes back to its sender, in Japanese.

    Attributes:
        severity: ``refuse``, ``warn`` or ``info``.
        words: what is wrong.
        remedy: what to do about it.
    """

    place: Place
    severity: str
    words: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known about a document besides its bytes; an adapter may use it, never needs it.

    Attributes:
        filename: name under which it was handed over, if any.
        kind: record kind the sender says it is.
        institution: bank code on whose behalf it comes, or the sender's participant id.
        recipient: the corporation it is for, where there is just one.
        layouts: folders with further layout definitions (YAML), searched after the packaged ones.
        column_maps: folders with learned column maps (YAML); one that is not there has none.
        remarks: what was found on sheets of a workbook, where it is to be returned with that written into it.
    """

    filename: str | None = None
    kind: str | None = None
    institution: str | None = None
    recipient: str | None = None
    layouts: tuple[str, ...] = ()
    column_maps: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()


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


OUR_OWN = ""
"""Owner of what is kept before it is known for whom it is."""


class Spot(NamedTuple):
    """Where stored bytes belong; they open nowhere else.

    Attributes:
        table, column: where the database has them.
        submission: what they were made of.
        recipient: whose they are, where they are one recipient's; empty for the bytes as received.
        number: which of several of one submission: the first index of a block, the number of a chunk.
    """

    table: str
    column: str
    submission: str
    recipient: str = ""
    number: int = 0

    def bound(self) -> bytes:
        """The spot as bytes; no two spots have the same (no name holds a NUL)."""
        return f"{self.table}\0{self.column}\0{self.recipient}\0{self.submission}\0{self.number}".encode()


class Writable(Protocol):
    """Takes the bytes of a document as they come."""

    def write(self, chunk: bytes) -> None:
        """The next bytes."""
        ...

    def finish(self) -> None:
        """There are no more."""
        ...


class DataKey(Protocol):
    """One data key, which stands wrapped in front of all that it closes."""

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose keys all have to be there for what it closes to open."""
        ...

    def close(self, spot: Spot, plain: bytes) -> bytes:
        """The bytes to store."""
        ...


class IndexKey(Protocol):
    """Hides what is looked up exactly at one owner, and closes what stands beside it."""

    def blind(self, values: Iterable[str]) -> list[bytes]:
        """What each value is looked up by, 16 bytes: the same for the same value at this owner, and no other's."""
        ...

    def close(self, rows: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """What to store for each of some rows, given as what it is bound to and what is to be closed."""
        ...

    def open(self, bound: bytes, stored: bytes) -> bytes:
        """What was closed.

        Raises:
            Erased: it was closed with a key that is being destroyed.
            EvidenceError: it does not belong here, or was altered.
        """
        ...


class Cipher(Protocol):
    """Closes what is stored, for its owners, and opens it again; only in its place."""

    def is_ready(self, owners: Collection[str]) -> bool:
        """Whether the owners' keys are at hand and were looked at within the last second."""
        ...

    def make_ready(self, owners: Collection[str]) -> None:
        """Fetch or make the owners' keys: may wait for its turn to write, so never within a transaction."""
        ...

    def close(self, spot: Spot, owners: Sequence[str], plain: bytes) -> bytes:
        """The bytes to store; they open as long as every owner's key is there."""
        ...

    def data_key(self, owners: Sequence[str]) -> DataKey:
        """A new data key, for several values that come and go together."""
        ...

    def index(self, owner: str) -> IndexKey:
        """The key of an owner's index, as it was when it was last made ready."""
        ...

    def find_index(self, owner: str) -> IndexKey | None:
        """The same, also within a transaction, for who only looks something up; None if nothing was ever hidden."""
        ...

    def open(self, spot: Spot, stored: bytes) -> bytes:
        """The bytes that were stored.

        Raises:
            Erased: the key of an owner was destroyed.
            EvidenceError: they do not belong here, or were altered.
        """
        ...

    def writer(self, spot: Spot, owners: Sequence[str], file: BinaryIO) -> Writable:
        """Closes into a file what is written, piece by piece."""
        ...

    def reader(self, spot: Spot, file: BinaryIO) -> BinaryIO:
        """What was closed into a file, to be read from anywhere.

        Raises:
            Erased: the key of an owner was destroyed.
            EvidenceError: it does not belong here, or was altered.
        """
        ...


class Kms(Protocol):
    """Keeps the keys that encrypt keys; a key service would stand behind the same three questions."""

    def current(self) -> str:
        """Name of the key that wraps from now on."""
        ...

    def wrap(self, key: bytes) -> tuple[str, bytes]:
        """A key (32 bytes) wrapped by the current one, and its name."""
        ...

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The key as it was.

        Raises:
            ConfigurationError: there is no key of this name, or it did not wrap this.
        """
        ...

    def renew(self) -> None:
        """Make a new current key, where keys are made here; where the operator gives them, the first is current."""
        ...

    def names(self) -> Collection[str]:
        """Names of the keys that are there."""
        ...

    def drop(self) -> None:
        """Let every key go but the current one, which now wraps everything."""
        ...


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The key of one recipient and year, as the database has it.

    Attributes:
        id: 8 random bytes, by which what it closes names it.
        recipient: whose; empty for what has no recipient yet.
        year: when it closes (UTC); 1 for the key of the recipient's index, which stays.
        kek: name of the key that wraps it.
        wrapped: itself, wrapped; None once it is destroyed.
        retired: nothing is closed with it any more.
    """

    id: bytes
    recipient: str
    year: int
    kek: str
    wrapped: bytes | None
    retired: bool = False


class KeyShelf(Protocol):
    """Where the wrapped keys of recipients are kept."""

    def find(self, id: bytes) -> StoredKey | None:
        """A key by its id."""
        ...

    def find_for(self, recipient: str, year: int) -> StoredKey | None:
        """The key that closes for a recipient this year, or hides its index."""
        ...

    def take(self, recipient: str, year: int, make: Callable[[], StoredKey]) -> StoredKey:
        """The same; made, one process at a time, if there is none."""
        ...

    def retired(self) -> Mapping[bytes, bool]:
        """Keys that close nothing any more, and whether they are destroyed."""
        ...
