"""The queue is a table: lanes, order and leases, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from stored import NOON, SECOND

from gateway.errors import BusyError
from gateway.store import jobs
from gateway.store.engine import Database
from gateway.store.jobs import ANY_KIND, LEASE, NewJob


def _enqueue(database: Database, *made: tuple[str, str, str]) -> None:
    with database.write() as session:
        for key, lane, kind in made:
            jobs.enqueue(session, NewJob("load", key, lane, kind, NOON))


def _claim(database: Database, at: datetime = NOON) -> jobs.Claimed | None:
    with database.write() as session:
        return jobs.claim(database, session, at)


def _claimed_keys(database: Database, at: datetime = NOON) -> list[str]:
    """Everything that can be claimed at one instant, nothing of it being finished."""
    return [job.key for job in iter(lambda: _claim(database, at), None)]


def _finish(database: Database, job: jobs.Claimed) -> None:
    with database.write() as session:
        jobs.finish(session, job, NOON)


def test_jobs_of_a_lane_run_one_at_a_time_and_in_order_while_lanes_run_side_by_side(database: Database) -> None:
    _enqueue(database, ("a1", "a", ANY_KIND), ("a2", "a", ANY_KIND), ("b1", "b", ANY_KIND))
    first = _claim(database)
    assert first is not None
    assert (first.key, _claimed_keys(database)) == ("a1", ["b1"])
    _finish(database, first)
    assert _claimed_keys(database) == ["a2"]


def test_a_job_narrowed_to_a_kind_is_in_the_way_of_its_like_and_of_jobs_of_all_kinds_only(database: Database) -> None:
    _enqueue(database, ("tape", "a", "repayment_status"), ("books", "a", "trial_balance"), ("release", "a", ANY_KIND))
    tape = _claim(database)
    assert tape is not None
    assert (tape.key, _claimed_keys(database)) == ("tape", ["books"])
    with database.read() as session:
        busy = jobs.open_lanes(session, ["a", "b"])
    assert busy == {("a", "repayment_status"), ("a", "trial_balance"), ("a", ANY_KIND)}
    busy.remove(("a", ANY_KIND))
    assert [jobs.is_behind("a", kinds, busy) for kinds in ({"trial_balance"}, {"monitoring_report"}, set())] == [
        True,
        False,
        True,
    ]
    assert not jobs.is_behind("b", {"trial_balance"}, busy)


def test_a_job_is_enqueued_once_whatever_became_of_it(database: Database) -> None:
    _enqueue(database, ("a1", "a", ANY_KIND), ("a1", "a", ANY_KIND))
    job = _claim(database)
    assert job is not None
    _finish(database, job)
    _enqueue(database, ("a1", "a", ANY_KIND))
    assert _claimed_keys(database) == []


def test_a_job_whose_worker_died_is_taken_again_when_its_lease_is_over_and_not_before(database: Database) -> None:
    _enqueue(database, ("a1", "a", ANY_KIND), ("a2", "a", ANY_KIND))
    first = _claim(database)
    assert first is not None
    assert _claimed_keys(database, NOON + LEASE - SECOND) == []
    again = _claim(database, NOON + LEASE + SECOND)
    assert again is not None
    assert (again.key, first.attempts, again.attempts) == ("a1", 1, 2)


def test_a_job_that_is_kept_is_not_taken_however_long_it_takes(database: Database) -> None:
    _enqueue(database, ("a1", "a", ANY_KIND))
    job, later = _claim(database), NOON + LEASE * 5
    assert job is not None
    with database.write() as session:
        jobs.extend(session, job, later)
    assert _claimed_keys(database, later + LEASE - SECOND) == []
    assert _claimed_keys(database, later + LEASE + SECOND) == ["a1"]


def test_who_lost_a_job_can_neither_keep_nor_finish_nor_postpone_it(database: Database) -> None:
    _enqueue(database, ("a1", "a", ANY_KIND))
    lost, now = _claim(database), NOON + LEASE + SECOND
    mine = _claim(database, now)
    assert lost is not None
    assert mine is not None
    with pytest.raises(BusyError), database.write() as session:
        jobs.extend(session, lost, now)
    with database.write() as session:
        jobs.finish(session, lost, now)
        jobs.retry_later(session, lost, NOON, "lost")
        assert jobs.open_lanes(session, ["a"]) == {("a", ANY_KIND)}
    assert _claimed_keys(database, now) == []
    _finish(database, mine)
    assert _claimed_keys(database, now + LEASE * 9) == []


def test_a_job_that_failed_is_not_due_before_its_time_and_what_is_behind_it_waits(database: Database) -> None:
    _enqueue(database, ("a1", "a", ANY_KIND), ("a2", "a", ANY_KIND))
    job = _claim(database)
    assert job is not None
    with database.write() as session:
        jobs.retry_later(session, job, NOON + 60 * SECOND, "busy")
    assert _claimed_keys(database, NOON + 59 * SECOND) == []
    assert _claimed_keys(database, NOON + 60 * SECOND) == ["a1"]


def test_many_workers_at_once_do_every_job_once_and_no_two_of_one_lane_together(database: Database) -> None:
    _enqueue(database, *((f"{lane}-{number:02d}", lane, ANY_KIND) for number in range(8) for lane in "abc"))
    done: list[str] = []
    running: list[str] = []

    def work(_: int) -> None:
        while len(done) < 24:
            job = _claim(database)
            if job is None:
                continue
            lane = job.key[0]
            assert lane not in running
            running.append(lane)
            done.append(job.key)
            time.sleep(0.002)
            running.remove(lane)
            _finish(database, job)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(work, range(5)))
    for lane in "abc":
        assert [key for key in done if key[0] == lane] == [f"{lane}-{number:02d}" for number in range(8)]
