"""The lines: blocks of frozen bytes, and pages of the feed by position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.errors import Erased
from gateway.ports import Cipher, DataKey, Spot
from gateway.schemas.consent_notice import TAKES_BACK
from gateway.schemas.submission import Line, Version
from gateway.schemas.withdrawal import WITHDRAWAL
from gateway.store.compression import compress, decompress
from gateway.store.driver import add_rows, any_of, fetch, in_parts, table_of
from gateway.store.line_index import PUBLISHED, Index
from gateway.store.tables import FindingBlock, HeldRecord, LineBlock, LineIndex, StatementRow, Withheld

LINES_PER_BLOCK = 1_024
SEPARATOR = b"\n"  # canonical JSON never contains a raw line feed

_BLOCK, _STATEMENT, _LINE = (table_of(table).c for table in (LineBlock, StatementRow, LineIndex))
_OF_STATEMENT = (_BLOCK.submission == _STATEMENT.submission) & (_BLOCK.recipient == _STATEMENT.recipient)
_BLOCKS = columns(_BLOCK.submission, _BLOCK.first_index, _BLOCK.count, _BLOCK.payload).where(
    _BLOCK.recipient == bindparam("recipient"),
    any_of(_BLOCK.submission, "submissions"),
    _BLOCK.first_index <= bindparam("high"),
    _BLOCK.first_index > bindparam("low"),
)
_PAGE = (
    columns(
        _STATEMENT.first_position,
        _BLOCK.submission,
        _BLOCK.first_index,
        _BLOCK.count,
        _BLOCK.kind,
        _BLOCK.payload,
        _BLOCK.consent,
    )
    .where(
        _OF_STATEMENT,
        _STATEMENT.recipient == bindparam("recipient"),
        _STATEMENT.first_position >= bindparam("start_at"),
        _STATEMENT.first_position + _BLOCK.first_index + _BLOCK.count > bindparam("after"),
    )
    .order_by(_STATEMENT.first_position, _BLOCK.first_index)
    .limit(bindparam("limit"))
)
_OF_KINDS = columns(_STATEMENT.first_position, _BLOCK.first_index, _BLOCK.count).where(
    _OF_STATEMENT,
    any_of(_BLOCK.kind, "kinds"),
    _STATEMENT.recipient == bindparam("recipient"),
    _STATEMENT.first_position >= bindparam("start_at"),
    _STATEMENT.first_position < bindparam("end"),
)
_UNDER = columns(_BLOCK.submission, _BLOCK.first_index, _BLOCK.count, _BLOCK.kind, _BLOCK.consent).where(
    _BLOCK.recipient == bindparam("recipient"), any_of(_BLOCK.submission, "some"), _BLOCK.consent.is_not(None)
)
_START = (
    columns(_STATEMENT.first_position)
    .where(
        _STATEMENT.recipient == bindparam("recipient"),
        _STATEMENT.first_position <= bindparam("position"),
        _STATEMENT.count > 0,
    )
    .order_by(_STATEMENT.first_position.desc())
    .limit(1)
)
_HIDDEN = table_of(Withheld).c
_WITHHELD = columns(_HIDDEN.position, _HIDDEN.leaf, _HIDDEN.reason).where(
    _HIDDEN.recipient == bindparam("recipient"),
    _HIDDEN.position >= bindparam("start"),
    _HIDDEN.position < bindparam("end"),
)
_WITHDRAWN = (
    columns(_LINE.series)
    .where(
        PUBLISHED,
        _LINE.recipient == bindparam("recipient"),
        _LINE.kind == WITHDRAWAL,
        _STATEMENT.first_position >= bindparam("position"),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Under:
    """Consecutive lines of a statement, of one kind, that rest on a consent."""

    submission: str
    first_index: int
    count: int
    kind: str
    consent: str


@dataclass(frozen=True, slots=True)
class Page:
    """A run of the feed: (position, submission, index in its statement, line) and where reading goes on.

    ``under`` are those of its lines, and some beside them, that rest on consents.

    ``next_position`` is one past the last position examined, also where a filter left everything out.
    """

    rows: list[tuple[int, str, int, bytes]]
    withheld: dict[int, tuple[bytes, str]]
    next_position: int
    under: Sequence[Under] = ()


class Blocks:
    """Lines packed into blocks and out again; ``cipher`` closes and opens all that is kept, ``index`` finds lines."""

    def __init__(self, cipher: Cipher) -> None:
        self.cipher, self.index = cipher, Index(cipher)

    def pack(self, spot: Spot, bodies: Sequence[bytes], key: DataKey | None = None) -> bytes:
        """Compress and close the lines of one block; with a data key of its own, unless one is given."""
        return (key or self.cipher.data_key((spot.recipient,))).close(spot, compress(SEPARATOR.join(bodies)))

    def unpack(self, spot: Spot, stored: bytes) -> list[bytes]:
        """The lines of one block, byte for byte as they were frozen."""
        return decompress(self.cipher.open(spot, stored)).split(SEPARATOR)

    def rows(
        self, submission: str, recipient: str, lines: Sequence[Line], first_index: int = 0, key: DataKey | None = None
    ) -> Iterator[dict[str, object]]:
        """Block rows for consecutive lines; a block ends where kind or consent changes. See ``pack``."""
        for start, end in _runs(lines):
            spot = line_spot(submission, recipient, first_index + start)
            yield {
                "submission": submission,
                "recipient": recipient,
                "first_index": first_index + start,
                "kind": lines[start].kind,
                "count": end - start,
                "payload": self.pack(spot, [line.body for line in lines[start:end]], key),
                "consent": lines[start].consent,
            }

    def load_lines(self, session: Session, recipient: str, submission: str) -> list[bytes]:
        """All lines of one statement, in order; an erased one is empty."""
        query = (
            select(LineBlock.first_index, LineBlock.count, LineBlock.payload)
            .where(LineBlock.recipient == recipient, LineBlock.submission == submission)
            .order_by(col(LineBlock.first_index))
        )
        return [
            body
            for first, count, payload in session.exec(query)
            for body in unpacked(self, line_spot(submission, recipient, first), payload, count)
        ]

    def load_versions(
        self, session: Session, recipient: str, wanted: Iterable[Version]
    ) -> dict[tuple[str, int], bytes]:
        """The bytes of earlier lines, by (submission, index)."""
        by_submission: dict[str, set[int]] = {}
        for version in wanted:
            by_submission.setdefault(version.submission, set()).add(version.number)
        small = [submission for submission, numbers in by_submission.items() if numbers == {0}]
        found: dict[tuple[str, int], bytes] = {}
        for some in in_parts(small):
            self._find(session, recipient, some, {0}, found)
        for submission, numbers in by_submission.items():
            if numbers != {0}:
                self._find(session, recipient, [submission], numbers, found)
        return found

    def _find(
        self,
        session: Session,
        recipient: str,
        some: Sequence[str],
        numbers: set[int],
        found: dict[tuple[str, int], bytes],
    ) -> None:
        low, high = min(numbers) - LINES_PER_BLOCK, max(numbers)
        rows = fetch(session, _BLOCKS, recipient=recipient, submissions=some, low=low, high=high)
        for submission, first, count, payload in rows:
            hits = [n for n in numbers if first <= n < first + count]
            bodies = self.unpack(line_spot(submission, recipient, first), payload) if hits else []
            found.update({(submission, n): bodies[n - first] for n in hits})

    def page(self, session: Session, recipient: str, after: int, limit: int, kind: str | None = None) -> Page:
        """Up to ``limit`` rows from position ``after`` on, in order; what takes lines back also among one kind."""
        rows: list[tuple[int, str, int, bytes]] = []
        reached = after
        start_at = _start_of(session, recipient, after)
        stored = fetch(session, _PAGE, recipient=recipient, start_at=start_at, after=after, limit=limit)
        under: list[Under] = []
        for first, submission, index, count, block_kind, payload, consent in stored:
            if consent is not None:
                under.append(Under(submission, index, count, block_kind, consent))
            start, end = first + index, first + index + count
            wanted = kind is None or block_kind == kind or block_kind in TAKES_BACK
            spot = line_spot(submission, recipient, index)
            bodies = unpacked(self, spot, payload, count) if wanted else []
            for position in range(max(start, after), end):
                if len(rows) == limit:
                    break
                if wanted:
                    rows.append((position, submission, position - first, bodies[position - start]))
                reached = position + 1
            if len(rows) == limit:
                break
        return Page(rows, find_withheld(session, recipient, after, reached), reached, under)


def _runs(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Where each block of lines begins, and before which it ends."""
    start = 0
    while start < len(lines):
        end, first, most = start, lines[start], min(len(lines), start + LINES_PER_BLOCK)
        while end < most and lines[end].kind == first.kind and lines[end].consent == first.consent:
            end += 1
        yield start, end
        start = end


def unpacked(blocks: Blocks, spot: Spot, stored: bytes, count: int) -> list[bytes]:
    """The lines of one block, empty ones for those withdrawn; all are where their recipient's key was destroyed."""
    if not stored:
        return [b""] * count
    try:
        return blocks.unpack(spot, stored)
    except Erased:
        return [b""] * count


def line_spot(submission: str, recipient: str, first_index: int) -> Spot:
    """Where a block of lines belongs."""
    return Spot("line_block", "payload", submission, recipient, first_index)


def _start_of(session: Session, recipient: str, position: int) -> int:
    """First position of the statement that holds ``position`` (or of what comes next)."""
    return next((first for (first,) in fetch(session, _START, recipient=recipient, position=position)), 0)


def find_withheld(session: Session, recipient: str, start: int, end: int) -> dict[int, tuple[bytes, str]]:
    """Which positions of a range are withheld: their leaf hash and why."""
    rows = fetch(session, _WITHHELD, recipient=recipient, start=start, end=end)
    return {position: (leaf, reason) for position, leaf, reason in rows}


def find_of_kinds(session: Session, recipient: str, start: int, end: int, kinds: Iterable[str]) -> set[int]:
    """Which positions of a range, and some beside it, hold lines of some record kinds."""
    start_at = _start_of(session, recipient, start)
    blocks = fetch(session, _OF_KINDS, recipient=recipient, start_at=start_at, end=end, kinds=sorted(kinds))
    return {position for first, index, count in blocks for position in range(first + index, first + index + count)}


def find_under(session: Session, recipient: str, submissions: Iterable[str]) -> list[Under]:
    """The consents on which lines of some submissions rest."""
    names = sorted(set(submissions))
    return [Under(*row) for some in in_parts(names) for row in fetch(session, _UNDER, recipient=recipient, some=some)]


def withhold(session: Session, recipient: str, position: int, leaf: bytes, reason: str) -> None:
    """Serve a stub instead of a line from now on."""
    session.add(Withheld(recipient=recipient, position=position, leaf=leaf, reason=reason))


def withdrawn_since(session: Session, recipient: str, position: int) -> bool:
    """Whether something was withdrawn by a statement at or after a position; what was read before may show it still."""
    return next(fetch(session, _WITHDRAWN, recipient=recipient, position=position), None) is not None


def add_lines(session: Session, blocks: Sequence[dict[str, object]], index: Sequence[dict[str, object]]) -> None:
    """Write blocks and index rows."""
    add_rows(session, LineBlock, blocks)
    add_rows(session, LineIndex, index)


def drop_stage(session: Session, submission: str, *, findings: bool = True) -> None:
    """Throw away what was staged for a submission that has no statement; its findings too, unless told otherwise."""
    tables: tuple[Any, ...] = (LineBlock, LineIndex, HeldRecord)
    for table in (*tables, FindingBlock) if findings else tables:
        session.execute(delete(table).where(col(table.submission) == submission))
