"""Take lines out of the store for good: their leaf hashes stay, and the lines beside them are closed anew.

A block is closed under a key that stands in front of it and nowhere else, so that with the block the key is gone; what
stays of its lines is packed again, under another key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from sqlalchemy import delete, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.errors import EvidenceError
from gateway.ports import Cipher
from gateway.schemas.submission import Version
from gateway.store import feed
from gateway.store.driver import add_rows, in_parts, table_of
from gateway.store.feed import Blocks
from gateway.store.line_index import version
from gateway.store.tables import LineBlock, LineIndex, StatementRow, Withheld

_GONE, _LATER = (table_of(LineIndex).alias(name).c for name in ("gone", "later"))
_STATEMENT = table_of(StatementRow).c
_SAME_SERIES = (
    (_LATER.recipient == _GONE.recipient) & (_LATER.kind == _GONE.kind) & (_LATER.series == _GONE.series),
    (_STATEMENT.submission == _LATER.submission) & (_STATEMENT.recipient == _LATER.recipient),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of one statement that are to go, by their index in it; ``whole`` where they are all there are."""

    submission: str
    first_position: int
    numbers: Sequence[int]
    whole: bool

    def positions(self) -> Iterator[int]:
        """Where they are in the feed."""
        return (self.first_position + number for number in self.numbers)


@dataclass(frozen=True, slots=True)
class Later:
    """A version that was published after a line that is to go, for the same key; ``name`` is its series's blind."""

    kind: str
    name: bytes
    version: Version

    @property
    def key(self) -> tuple[str, bytes, date]:
        """What the versions of one record share."""
        return self.kind, self.name, self.version.valid_on


def still_shown(session: Session, recipient: str, part: Part) -> Part:
    """The part without lines that are withheld already."""
    last = max(part.numbers, default=-1) + 1
    hidden = feed.find_withheld(session, recipient, part.first_position, part.first_position + last)
    numbers = [number for number in part.numbers if part.first_position + number not in hidden]
    return Part(part.submission, part.first_position, numbers, part.whole)


def find_superseding(session: Session, cipher: Cipher, recipient: str, part: Part) -> list[Later]:
    """Every version published later for a key that a line of the part has too."""
    entry = (_LATER.kind, _LATER.series, _LATER.valid_on, _LATER.submission, _LATER.number)
    asked = columns(*entry, _LATER.closed, _STATEMENT.first_position + _LATER.number)
    key = cipher.index(recipient)
    return [
        Later(row[0], row[1], version(key, recipient, (row[0], row[1], row[2], row[3], row[4]), row[5], row[6]))
        for condition in _of(recipient, part)
        for row in session.execute(asked.where(*condition, _LATER.valid_on == _GONE.valid_on))
    ]


def find_compared(session: Session, recipient: str, part: Part) -> dict[str, set[int]]:
    """Lines published later for a later date of a series of the part, which were compared with it: by submission."""
    compared: dict[str, set[int]] = {}
    asked = columns(_LATER.submission, _LATER.number)
    for condition in _of(recipient, part):
        for submission, number in session.execute(asked.where(*condition, _LATER.valid_on > _GONE.valid_on)):
            compared.setdefault(submission, set()).add(number)
    return compared


def _of(recipient: str, part: Part) -> Iterator[tuple[Any, ...]]:
    """Conditions under which ``later`` came after a line of the part, and is of the same series."""
    start = part.first_position
    after = _STATEMENT.first_position + _LATER.number > start + _GONE.number
    always = (_GONE.submission == part.submission, _GONE.recipient == recipient, *_SAME_SERIES, after)
    if part.whole:
        yield always
    else:
        yield from ((*always, _GONE.number.in_(some)) for some in in_parts(part.numbers))


@dataclass(frozen=True, slots=True)
class Removal:
    """Takes lines of a recipient away, in one transaction; stubs say ``reason`` and what ``leaf_of`` makes of them."""

    session: Session
    blocks: Blocks
    recipient: str
    reason: str
    leaf_of: Callable[[bytes], bytes]

    def remove(self, part: Part) -> set[int]:
        """Serve stubs instead of the lines of a part, and forget them; which records of the document they were."""
        going = set(part.numbers)
        ordinals: set[int] = set()
        for first, count in self._blocks(part.submission):
            mine = sorted(going.intersection(range(first, first + count)))
            if not mine:
                continue
            bodies = self._bodies(part.submission, first)
            ordinals.update(_ordinal(bodies[number - first]) for number in mine)
            self._hide({part.first_position + number: bodies[number - first] for number in mine})
            left = [b"" if first + place in going else body for place, body in enumerate(bodies)]
            self._store(part.submission, first, left)
        self._forget_index(part)
        return ordinals

    def ordinals_of(self, submission: str, numbers: Iterable[int]) -> set[int]:
        """Which records of their document some lines were that are still there."""
        wanted = set(numbers)
        found: set[int] = set()
        for first, count in self._blocks(submission):
            mine = wanted.intersection(range(first, first + count))
            bodies = self._bodies(submission, first) if mine else []
            found.update(_ordinal(bodies[number - first]) for number in mine if bodies[number - first])
        return found

    def _blocks(self, submission: str) -> list[tuple[int, int]]:
        query = select(LineBlock.first_index, LineBlock.count).where(self._in_block(submission))
        return [(first, count) for first, count in self.session.exec(query.order_by(col(LineBlock.first_index)))]

    def _in_block(self, submission: str) -> Any:
        return (col(LineBlock.recipient) == self.recipient) & (col(LineBlock.submission) == submission)

    def _bodies(self, submission: str, first: int) -> list[bytes]:
        query = select(LineBlock.count, LineBlock.payload).where(self._in_block(submission))
        count, payload = self.session.exec(query.where(LineBlock.first_index == first)).one()
        return feed.unpacked(self.blocks, feed.line_spot(submission, self.recipient, first), payload, count)

    def _hide(self, bodies: Mapping[int, bytes]) -> None:
        if not all(bodies.values()):
            raise EvidenceError("a line is neither there nor withheld")
        same = {"recipient": self.recipient, "reason": self.reason}
        rows = [same | {"position": at, "leaf": self.leaf_of(body)} for at, body in bodies.items()]
        add_rows(self.session, Withheld, rows)

    def _store(self, submission: str, first: int, left: Sequence[bytes]) -> None:
        spot = feed.line_spot(submission, self.recipient, first)
        payload = self.blocks.pack(spot, left) if any(left) else b""
        here = self._in_block(submission) & (col(LineBlock.first_index) == first)
        self.session.execute(update(LineBlock).where(here).values(payload=payload))

    def _forget_index(self, part: Part) -> None:
        mine = (col(LineIndex.recipient) == self.recipient) & (col(LineIndex.submission) == part.submission)
        if part.whole:
            self.session.execute(delete(LineIndex).where(mine))
            return
        for some in in_parts(part.numbers):
            self.session.execute(delete(LineIndex).where(mine, col(LineIndex.number).in_(some)))


def _ordinal(body: bytes) -> int:
    ordinal: int = orjson.loads(body)["source"]["ordinal"]
    return ordinal
