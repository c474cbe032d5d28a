"""What is left of a recipient's content when its keys are destroyed: the hashes by which its log still verifies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.store.driver import add_rows, any_of, fetch, table_of
from gateway.store.feed import Blocks, line_spot
from gateway.store.tables import HeldRecord, LineBlock, LineIndex, Raw, StatementRow, Withheld

REASON = "erased"
BLOCKS_AT_ONCE = 64
Place = tuple[int, int]
"""First position of a statement, and first index of one of its blocks."""

_BLOCK, _STATEMENT = table_of(LineBlock).c, table_of(StatementRow).c
_KEY = func.substr(_BLOCK.payload, 3, 8)
_OF_STATEMENT = and_(_BLOCK.submission == _STATEMENT.submission, _BLOCK.recipient == _STATEMENT.recipient)
_CLOSED = (
    columns(_STATEMENT.first_position, _BLOCK.first_index, _BLOCK.submission, _BLOCK.payload)
    .where(
        _OF_STATEMENT,
        _STATEMENT.recipient == bindparam("recipient"),
        _STATEMENT.first_position >= bindparam("position"),
        or_(_STATEMENT.first_position > bindparam("position"), _BLOCK.first_index > bindparam("index")),
        any_of(_KEY, "keys"),
    )
    .order_by(_STATEMENT.first_position, _BLOCK.first_index)
    .limit(BLOCKS_AT_ONCE)
)


def is_loading(session: Session, recipient: str, keys: Sequence[bytes]) -> bool:
    """Whether lines that some keys closed are staged, and not published yet."""
    published = select(StatementRow.submission).where(StatementRow.recipient == recipient)
    query = select(LineBlock.submission).where(
        LineBlock.recipient == recipient, _KEY.in_(keys), col(LineBlock.submission).not_in(published)
    )
    return session.exec(query.limit(1)).first() is not None


def lines_under(
    session: Session, blocks: Blocks, recipient: str, keys: Sequence[bytes], after: Place
) -> tuple[list[tuple[int, bytes]], Place | None]:
    """The next published lines that some keys closed, by position; and where to go on, or None at the end."""
    rows = list(fetch(session, _CLOSED, recipient=recipient, keys=keys, position=after[0], index=after[1]))
    lines = [
        (position + first + number, body)
        for position, first, submission, payload in rows
        for number, body in enumerate(blocks.unpack(line_spot(submission, recipient, first), payload))
    ]
    return lines, (rows[-1][0], rows[-1][1]) if rows else None


def withhold(session: Session, recipient: str, leaves: Sequence[tuple[int, bytes]]) -> None:
    """Serve stubs instead of lines (position, leaf hash) from now on; one that is withheld already keeps its reason."""
    rows = [{"recipient": recipient, "position": at, "leaf": leaf, "reason": REASON} for at, leaf in leaves]
    add_rows(session, Withheld, rows, unless_there=True)


def forget(session: Session, recipient: str, keys: Sequence[bytes], before: datetime) -> list[str]:
    """Forget what else is known of content that some keys closed: its index rows, records held, and raw bytes.

    Raw bytes and held records are those of submissions received before an instant. Names of files to be removed.
    """
    closed: Any = select(LineBlock.submission).where(LineBlock.recipient == recipient, _KEY.in_(keys))
    session.execute(
        delete(LineIndex).where(col(LineIndex.recipient) == recipient, col(LineIndex.submission).in_(closed))
    )
    earlier: Any = select(StatementRow.submission).where(
        StatementRow.recipient == recipient, StatementRow.received_at < before
    )
    session.execute(
        delete(HeldRecord).where(col(HeldRecord.recipient) == recipient, col(HeldRecord.submission).in_(earlier))
    )
    raw = col(Raw.submission).in_(earlier) & col(Raw.destroyed).is_(None)
    files = [name for name in session.exec(select(Raw.file).where(raw)) if name is not None]
    session.execute(update(Raw).where(raw).values(body=None, file=None, destroyed=REASON))
    return files
