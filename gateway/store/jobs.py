"""The queue: a table. Jobs of one lane run one at a time, in the order in which they came."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, select

from gateway.store.engine import Database
from gateway.store.tables import Job

LEASE = timedelta(minutes=5)
ATTEMPTS = 5
ANY_KIND = "*"


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


def enqueue(database: Database, session: Session, job: NewJob) -> None:
    """Add a job; one with the same key is there already, or it is added: never twice."""
    row = {"task": job.task, "key": job.key, "lane": job.lane, "kind": job.kind, "run_at": job.run_at, "attempts": 0}
    session.execute(database.insert_new(Job), [row])


def open_lanes(session: Session, lanes: Collection[str]) -> set[tuple[str, str]]:
    """(lane, kind) of the jobs still open in some lanes."""
    query = select(Job.lane, Job.kind).where(col(Job.done_at).is_(None), col(Job.lane).in_(sorted(lanes))).distinct()
    return {(lane, kind) for lane, kind in session.exec(query).all()}


def is_behind(lane: str, kinds: Collection[str], busy: Collection[tuple[str, str]]) -> bool:
    """Whether work of some kinds must wait for what is open in its lane."""
    return any(name == lane and (kind == ANY_KIND or kind in kinds or not kinds) for name, kind in busy)


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
    job.claimed_until_at, job.attempts = now + LEASE, job.attempts + 1
    session.add(job)
    return Claimed(job.id, job.task, job.key, job.attempts)


def extend(session: Session, job: int, now: datetime) -> None:
    """Keep a job that takes long."""
    session.execute(update(Job).where(col(Job.id) == job).values(claimed_until_at=now + LEASE))


def finish(session: Session, job: int, now: datetime, failure: str | None = None) -> None:
    """A job is done, or given up."""
    session.execute(update(Job).where(col(Job.id) == job).values(done_at=now, failure=failure))


def retry_later(session: Session, job: int, at: datetime, failure: str) -> None:
    """A job failed and will be tried again."""
    session.execute(update(Job).where(col(Job.id) == job).values(run_at=at, claimed_until_at=None, failure=failure))
