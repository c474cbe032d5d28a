"""Time stamps on checkpoints, and how far each log has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.store.columns import EPOCH
from gateway.store.driver import add_rows, fetch, table_of
from gateway.store.tables import Head, StampTurn, TimeStamp

_HEAD, _TURN = table_of(Head), table_of(StampTurn)
_TURNS = (
    columns(
        _HEAD.c.recipient,
        _HEAD.c.next_leaf,
        _TURN.c.stamped_size,
        _TURN.c.waiting_since_at,
        _TURN.c.next_try_at,
        _TURN.c.failures,
        _TURN.c.failure,
    )
    .join_from(_HEAD, _TURN, _HEAD.c.recipient == _TURN.c.recipient, isouter=True)
    .where(_HEAD.c.next_leaf > 0)
    .order_by(_HEAD.c.recipient)
)
_ONE_TURN = _TURNS.where(_HEAD.c.recipient == bindparam("recipient"))


@dataclass(frozen=True, slots=True)
class Turn:
    """A log and its stamps.

    Attributes:
        recipient: whose log.
        size: how many entries it has.
        stamped_size: how many of them had been stamped.
        waiting_since_at: when the first of the others was noticed; None where there is none, or nobody looked yet.
        next_try_at: when it may be stamped next.
        failures: how often that failed since the last stamp.
        failure: why, the last time.
    """

    recipient: str
    size: int
    stamped_size: int
    waiting_since_at: datetime | None
    next_try_at: datetime
    failures: int
    failure: str | None

    @property
    def is_behind(self) -> bool:
        """Whether there are entries without a stamp."""
        return self.size > self.stamped_size


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stored token, and the checkpoint's size that it is over."""

    recipient: str
    tree_size: int
    token: bytes
    stamped_at: datetime


def turns(session: Session) -> list[Turn]:
    """Every log that has entries, in order of recipients."""
    return [_turn(*row) for row in fetch(session, _TURNS)]


def find_turn(session: Session, recipient: str) -> Turn | None:
    """One log, if it has entries."""
    row = next(fetch(session, _ONE_TURN, recipient=recipient), None)
    return None if row is None else _turn(*row)


def _turn(recipient: str, size: int, stamped: int | None, *rest: Any) -> Turn:
    since, next_try, failures, failure = rest
    return Turn(recipient, size, stamped or 0, since, next_try or EPOCH, failures or 0, failure)


def wait(session: Session, recipients: Iterable[str], now: datetime) -> None:
    """Note that logs have entries without a stamp from now on, where that is not noted yet."""
    wanted = sorted(recipients)
    fresh = [
        {"recipient": one, "stamped_size": 0, "waiting_since_at": now, "next_try_at": EPOCH, "failures": 0}
        for one in wanted
    ]
    add_rows(session, StampTurn, fresh, unless_there=True)
    unnoted = col(StampTurn.recipient).in_(wanted) & col(StampTurn.waiting_since_at).is_(None)
    session.execute(update(StampTurn).where(unnoted).values(waiting_since_at=now))


def take(session: Session, recipient: str, now: datetime, until: datetime) -> bool:
    """Take the turn to stamp a log; False where somebody else has it, or it is not time yet."""
    due = (col(StampTurn.recipient) == recipient) & (col(StampTurn.next_try_at) <= now)
    query = update(StampTurn).where(due).values(next_try_at=until).returning(col(StampTurn.recipient))
    return session.execute(query).first() is not None


def keep(session: Session, stamped: Stamped, next_try_at: datetime) -> None:
    """Keep a token that was verified; entries that came since wait anew."""
    add_rows(session, TimeStamp, [asdict(stamped)], unless_there=True)
    done = {"stamped_size": stamped.tree_size, "waiting_since_at": None, "failures": 0, "failure": None}
    older = (col(StampTurn.recipient) == stamped.recipient) & (col(StampTurn.stamped_size) < stamped.tree_size)
    session.execute(update(StampTurn).where(older).values(next_try_at=next_try_at, **done))


def fail(session: Session, recipient: str, why: str, next_try_at: datetime) -> None:
    """Note why a log got no stamp, and when to try again."""
    query = update(StampTurn).where(col(StampTurn.recipient) == recipient)
    more = {"failures": StampTurn.failures + 1, "failure": why, "next_try_at": next_try_at}
    session.execute(query.values(**more))


def find_covering(session: Session, recipient: str, leaf_index: int) -> Stamped | None:
    """The earliest stamp over an entry."""
    query = select(TimeStamp).where(TimeStamp.recipient == recipient, col(TimeStamp.tree_size) > leaf_index)
    row = session.exec(query.order_by(col(TimeStamp.tree_size)).limit(1)).first()
    return None if row is None else Stamped(row.recipient, row.tree_size, row.token, row.stamped_at)


def find_token(session: Session, recipient: str, tree_size: int) -> bytes | None:
    """The token over the checkpoint of a size, if it is stamped."""
    row = session.get(TimeStamp, (recipient, tree_size))
    return None if row is None else row.token


def find_newest(session: Session, recipient: str) -> Stamped | None:
    """The newest stamp of a log."""
    query = select(TimeStamp).where(TimeStamp.recipient == recipient)
    row = session.exec(query.order_by(col(TimeStamp.tree_size).desc()).limit(1)).first()
    return None if row is None else Stamped(row.recipient, row.tree_size, row.token, row.stamped_at)
