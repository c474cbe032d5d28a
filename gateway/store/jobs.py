"""The queue: a table. Jobs of one lane run one at a time, in the order in which they came.

Who claims a job holds it for a lease, longer with every attempt, and extends it while working. The number of the
attempt says whose the job is: who was thought dead and lost it finds out before writing anything more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, update
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, select

from gateway.errors import BusyError
from gateway.store.driver import add_rows, any_of, fetch, table_of
from gateway.store.engine import Database
from gateway.store.tables import Job

LEASE = timedelta(seconds=20)
ATTEMPTS = 5
LOST_WORKERS = 10
ANY_KIND = "*"
_GIVEN_UP = col(Job.done_at).is_not(None) & col(Job.failure).is_not(None)
_JOB = table_of(Job).c
_ONE_DUE = (
    columns(_JOB.id)
    .where(
        _JOB.done_at.is_(None),
        _JOB.run_at <= bindparam("now"),
        _JOB.claimed_until_at.is_(None) | (_JOB.claimed_until_at < bindparam("now")),
    )
    .limit(1)
)
_OPEN_LANES = columns(_JOB.lane, _JOB.kind).where(_JOB.done_at.is_(None), any_of(_JOB.lane, "lanes")).distinct()


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done: ``key`` is unique over all time; ``kind`` narrows the lane, ``*`` is all kinds of it."""

    task: str
    key: str
    lane: str
    kind: str
    run_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job this worker now holds."""

    id: int
    task: str
    key: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A job that is still to be done, or was given up; ``failure`` is why its last attempt failed."""

    id: int
    task: str
    key: str
    lane: str
    attempts: int
    given_up: bool
    failure: str | None


def enqueue(session: Session, job: NewJob) -> None:
    """Add a job; one with the same key is there already, or it is added: never twice."""
    row = {"task": job.task, "key": job.key, "lane": job.lane, "kind": job.kind, "run_at": job.run_at, "attempts": 0}
    add_rows(session, Job, [row], unless_there=True)


def open_lanes(session: Session, lanes: Collection[str]) -> set[tuple[str, str]]:
    """(lane, kind) of the jobs still open in some lanes."""
    return {(lane, kind) for lane, kind in fetch(session, _OPEN_LANES, lanes=sorted(lanes))}


def is_behind(lane: str, kinds: Collection[str], busy: Collection[tuple[str, str]]) -> bool:
    """Whether work of some kinds must wait for what is open in its lane."""
    return any(name == lane and (kind == ANY_KIND or kind in kinds or not kinds) for name, kind in busy)


def any_due(session: Session, now: datetime) -> bool:
    """Whether some job is open, due and in nobody's hands."""
    return any(True for _ in fetch(session, _ONE_DUE, now=now))


def claim(database: Database, session: Session, now: datetime) -> Claimed | None:
    """Take the oldest due job that has no older one open in its lane and kind."""
    older = aliased(Job)
    same_kind = (col(older.kind) == Job.kind) | (col(older.kind) == ANY_KIND) | (col(Job.kind) == ANY_KIND)
    in_the_way = exists().where(
        col(older.lane) == Job.lane, same_kind, col(older.id) < Job.id, col(older.done_at).is_(None)
    )
    query = (
        select(Job)
        .where(
            col(Job.done_at).is_(None),
            col(Job.run_at) <= now,
            col(Job.claimed_until_at).is_(None) | (col(Job.claimed_until_at) < now),
            ~in_the_way,
        )
        .order_by(col(Job.id))
        .limit(1)
    )
    job = session.exec(query if database.is_sqlite else query.with_for_update(skip_locked=True)).first()
    if job is None or job.id is None:
        return None
    job.attempts += 1
    job.claimed_until_at = _until(job.attempts, now)
    session.add(job)
    return Claimed(job.id, job.task, job.key, job.attempts)


def _until(attempts: int, now: datetime) -> datetime:
    return now + LEASE * min(attempts, ATTEMPTS)


def extend(session: Session, job: Claimed, now: datetime) -> None:
    """Keep a job that takes long; nobody else can take it before this transaction is over.

    Raises:
        BusyError: somebody else has it by now.
    """
    if not _change(session, job, claimed_until_at=_until(job.attempts, now)):
        raise BusyError(f"another worker took over job {job.key}")


def finish(session: Session, job: Claimed, now: datetime, failure: str | None = None) -> None:
    """A job is done, or given up; nothing happens if it is somebody else's by now."""
    _change(session, job, done_at=now, failure=failure)


def retry_later(session: Session, job: Claimed, at: datetime, failure: str) -> None:
    """A job failed and will be tried again; nothing happens if it is somebody else's by now."""
    _change(session, job, run_at=at, claimed_until_at=None, failure=failure)


def unfinished(session: Session) -> list[Unfinished]:
    """Every job that is still to be done or was given up, oldest first."""
    query = select(Job).where(col(Job.done_at).is_(None) | _GIVEN_UP).order_by(col(Job.id))
    return [
        Unfinished(row.id or 0, row.task, row.key, row.lane, row.attempts, row.done_at is not None, row.failure)
        for row in session.exec(query)
    ]


def key_of(submission: str, releases: str | None) -> str:
    """The key of the job that deals with a submission; one of the gateway's own ``releases`` what another one holds."""
    return submission if releases is None else f"{releases}/{submission}"


def of_release(key: str) -> tuple[str, str]:
    """The two submissions in the key of a release: which holds, which releases."""
    held_by, _, release = key.partition("/")
    return held_by, release


def is_given_up(session: Session, key: str) -> bool:
    """Whether the job of a key was tried often enough and failed every time."""
    query = select(Job.id).where(Job.key == key, _GIVEN_UP)
    return session.exec(query).first() is not None


def put_back(session: Session, job: int, now: datetime) -> bool:
    """Let a job that was given up be tried again, as if for the first time; whether there was one."""
    given_up = (col(Job.id) == job) & _GIVEN_UP
    fresh = {"done_at": None, "attempts": 0, "claimed_until_at": None, "run_at": now}
    return session.execute(update(Job).where(given_up).values(fresh).returning(col(Job.id))).first() is not None


def _change(session: Session, job: Claimed, **values: object) -> bool:
    mine = (col(Job.id) == job.id) & (col(Job.attempts) == job.attempts)
    return session.execute(update(Job).where(mine).values(**values).returning(col(Job.id))).first() is not None
