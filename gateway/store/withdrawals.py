"""What was withdrawn, and who had been given it; and what else is forgotten of a submission that was withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import delete, exists, update
from sqlmodel import Session, col, func, select

from gateway.schemas.submission import WITHDRAWN
from gateway.schemas.withdrawal import Runs, among, runs
from gateway.store import feed
from gateway.store.driver import add_rows
from gateway.store.tables import (
    Disclosure,
    FindingBlock,
    HeldRecord,
    Job,
    LineBlock,
    Publication,
    Raw,
    ReadMark,
    StatementRow,
    Submission,
    Withdrawal,
)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was withdrawn of a submission for one recipient; see the table of the same name."""

    submission: str
    recipient: str
    statement: str
    reason: str
    whole: bool
    positions: Runs
    asked_by: str
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """That a reader had positions from one to before another, by an instant."""

    reader: str
    start: int
    end: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """Which positions a reader had, and since when."""

    reader: str
    positions: Runs
    at: datetime


@dataclass(frozen=True, slots=True)
class Old:
    """A submission, when it was received, and the kinds of its lines."""

    submission: str
    received_at: datetime
    kinds: tuple[str, ...]


def add(session: Session, made: Iterable[Withdrawn]) -> None:
    """Note withdrawals."""
    rows = [
        {name: getattr(one, name) for name in Withdrawn.__slots__} | {"positions": orjson.dumps(one.positions).decode()}
        for one in made
    ]
    add_rows(session, Withdrawal, rows)


def find(session: Session, submission: str, recipient: str | None = None) -> list[Withdrawn]:
    """What was withdrawn of a submission, for one recipient or all, oldest first."""
    query = select(Withdrawal).where(Withdrawal.submission == submission)
    return _found(session, query if recipient is None else query.where(Withdrawal.recipient == recipient))


def everything(session: Session, submission: str = "") -> list[Withdrawn]:
    """Every withdrawal there ever was, oldest first; or those that concerned one submission, with all they took."""
    query = select(Withdrawal)
    if submission:
        by = select(Withdrawal.statement).where(Withdrawal.submission == submission, Withdrawal.statement != "")
        query = query.where((col(Withdrawal.submission) == submission) | col(Withdrawal.statement).in_(by))
    return _found(session, query)


def _found(session: Session, query: Any) -> list[Withdrawn]:
    order = (col(Withdrawal.withdrawn_at), col(Withdrawal.statement), col(Withdrawal.submission))
    return [
        Withdrawn(
            row.submission,
            row.recipient,
            row.statement,
            row.reason,
            row.whole,
            tuple((first, count) for first, count in orjson.loads(row.positions)),
            row.asked_by,
            row.withdrawn_at,
        )
        for row in session.exec(query.order_by(*order))
    ]


def is_gone(session: Session, submission: str) -> bool:
    """Whether nothing is left of a submission: it was withdrawn whole, for every recipient."""
    whole = select(func.count()).select_from(Withdrawal)
    whole = whole.where(Withdrawal.submission == submission, col(Withdrawal.whole))
    statements = select(func.count()).select_from(StatementRow).where(StatementRow.submission == submission)
    return 0 < session.exec(whole).one() >= session.exec(statements).one()


def received_before(session: Session, before: datetime, *, except_of: str) -> list[Old]:
    """Submissions that were received before an instant, and of which something is left; not those of one sender."""
    whole = exists().where(
        col(Withdrawal.submission) == StatementRow.submission,
        col(Withdrawal.recipient) == StatementRow.recipient,
        col(Withdrawal.whole),
    )
    query = (
        select(StatementRow.submission, StatementRow.received_at)
        .where(StatementRow.received_at < before, StatementRow.sender != except_of, ~whole)
        .distinct()
        .order_by(col(StatementRow.received_at))
    )
    kinds = select(LineBlock.kind).distinct()
    return [
        Old(submission, at, tuple(session.exec(kinds.where(LineBlock.submission == submission))))
        for submission, at in session.exec(query).all()
    ]


def releases_of(session: Session, submission: str) -> list[str]:
    """The submissions by which records were published that a submission had held."""
    query = select(HeldRecord.released_by).where(HeldRecord.submission == submission).distinct()
    return sorted(one for one in session.exec(query).all() if one is not None)


def _unfinished_releases(session: Session, submission: str) -> set[str]:
    """Those that are on their way, and may have staged something."""
    query = select(Job.key).where(col(Job.key).startswith(f"{submission}/"), Job.task == "release")
    begun = {key.partition("/")[2] for key in session.exec(query).all()}
    published = select(StatementRow.submission).where(col(StatementRow.submission).in_(begun))
    return begun - set(session.exec(published).all())


def forget_document(session: Session, document: str) -> None:
    """Forget a document's own bytes, and the records that waited in it to be read from them."""
    session.execute(
        update(Raw)
        .where(col(Raw.submission) == document, col(Raw.destroyed).is_(None))
        .values(body=None, file=None, destroyed=WITHDRAWN)
    )
    waiting = (col(HeldRecord.submission) == document) & col(HeldRecord.released_by).is_(None)
    session.execute(delete(HeldRecord).where(waiting))
    for begun in _unfinished_releases(session, document):
        feed.drop_stage(session, begun)


def forget_rest(session: Session, submission: str, recipient: str) -> None:
    """Forget findings and held records of a submission for one recipient."""
    for table in (FindingBlock, HeldRecord):
        theirs = (col(table.submission) == submission) & (col(table.recipient) == recipient)
        session.execute(delete(table).where(theirs))


def forget_request(session: Session, submission: str) -> None:
    """Forget what was said of the firm when a submission was handed over: its number, and the file's name."""
    session.execute(update(Submission).where(col(Submission.id) == submission).values(said=None))


def note_given(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Readers were given lines by an instant; what is noted already stays."""
    add_rows(session, Disclosure, rows, unless_there=True)


def who_had_read(session: Session, one: Withdrawn) -> list[Read]:
    """Which readers had been given which of the withdrawn positions before these were stubs, and when first.

    Whoever asked for what comes after a position said that everything before it was read, and is taken at that word.
    """
    return who_had(session, one.recipient, one.positions, _visible_at(session, one)) if one.positions else []


def who_had(session: Session, recipient: str, positions: Runs, until: datetime | None = None) -> list[Read]:
    """Which readers had been given which of some positions of a feed, by an instant or by now, and when first."""
    start, end = positions[0][0], sum(positions[-1])
    found: dict[str, tuple[set[int], datetime]] = {}
    for given in _given(session, recipient, start, end, until):
        cut = among(positions, given.start, given.end)
        if cut:
            known, first = found.get(given.reader, (set(), given.at))
            known.update(position for at, count in cut for position in range(at, at + count))
            found[given.reader] = known, min(first, given.at)
    return [Read(reader, runs(known), at) for reader, (known, at) in sorted(found.items())]


def _given(session: Session, recipient: str, start: int, end: int, until: datetime | None) -> list[Given]:
    given = select(Disclosure.reader, Disclosure.first_position, Disclosure.end_position, Disclosure.given_at).where(
        Disclosure.recipient == recipient, Disclosure.first_position < end, Disclosure.end_position > start
    )
    said = select(ReadMark.reader, ReadMark.position, ReadMark.read_at).where(
        ReadMark.recipient == recipient, ReadMark.position > start
    )
    if until is not None:
        given, said = given.where(Disclosure.given_at <= until), said.where(ReadMark.read_at <= until)
    found = [Given(*row) for row in session.exec(given)]
    found += [Given(reader, 0, position, at) for reader, position, at in session.exec(said)]
    return found


def _visible_at(session: Session, one: Withdrawn) -> datetime | None:
    """When a withdrawal had become visible, as noted just after."""
    query = (
        select(Publication.published_at)
        .join(StatementRow, col(StatementRow.recipient) == Publication.recipient)
        .where(
            Publication.recipient == one.recipient,
            StatementRow.submission == one.statement,
            Publication.tree_size == StatementRow.leaf_index + 1,
        )
    )
    return session.exec(query).first()
