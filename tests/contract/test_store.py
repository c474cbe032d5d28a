"""What everybody above may rely on from ``store``, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.errors import BusyError
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.place import Place
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Guaranteed, Held, Line, RawCopy, Request, Submission
from gateway.store import feed, jobs, log, reads, registers, submissions
from gateway.store.engine import Database, Session
from gateway.store.feed import Blocks, PlainBlocks
from gateway.store.jobs import ANY_KIND, LEASE, NewJob
from gateway.store.log import HeadState
from gateway.store.migrate import migrate
from gateway.store.registers import Enrolled

NOON = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 30)
BLOCKS = Blocks(PlainBlocks())
OPEN_DATES = (date(2026, 4, 1), None)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    migrate(opened)
    yield opened
    opened.close()


def submission(name: str, key: str | None = None, sender: str = "bank-9991", **more: Any) -> Submission:
    origin = Origin(sender=sender, institution="9991")
    return Submission(name, origin, Request(**more), key, b"f" * 32, NOON, NOON, "ab" * 32, 3)


def line(series: str, valid_on: date = APRIL, kind: str = "trial_balance", text: str = "") -> Line:
    body = f'{{"kind":"{kind}","series":"{series}","text":"{text}","valid_on":"{valid_on}"}}'.encode()
    return Line(kind, series, valid_on, hashlib.sha256(body).digest(), 2**40, body)


def publish(database: Database, session: Session, name: str, lines: list[Line], recipient: str = "13") -> HeadState:
    """What a commit group writes for one statement; where the log stood before."""
    head = log.lock_heads(database, session, [recipient])[recipient]
    feed.add_lines(session, list(BLOCKS.rows(name, recipient, lines)), feed.index_rows(name, recipient, lines))
    row = statement(name, recipient, head, len(lines))
    log.append(session, [row], [], [])
    moved = HeadState(head.next_leaf + 1, head.next_position + len(lines), b"peaks", NOON)
    log.move_heads(session, {recipient: moved})
    return head


def statement(name: str, recipient: str, head: HeadState, count: int) -> dict[str, Any]:
    return {
        "recipient": recipient,
        "leaf_index": head.next_leaf,
        "submission": name,
        "sender": "bank-9991",
        "institution": "9991",
        "raw_sha256": hashlib.sha256(name.encode()).digest(),
        "first_position": head.next_position,
        "count": count,
        "held": 0,
        "refused": 0,
        "receipt": f"receipt of {name}",
        "tape": None,
        "tape_sequence": None,
        "received_at": NOON,
        "accepted_at": NOON,
        "sealed_at": NOON,
    }


def published(database: Database, **statements: list[Line]) -> None:
    for name, lines in statements.items():
        with database.write() as session:
            publish(database, session, name, lines)


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        publish(database, session, "s1", [line("a")])
        raise RuntimeError
    with database.read() as session:
        assert log.find_heads(session, ["13"]) == {"13": log.EMPTY_HEAD}
        assert BLOCKS.page(session, "13", 0, 10).rows == []


def test_a_reader_sees_one_snapshot_however_often_it_asks(database: Database) -> None:
    published(database, s1=[line("a")])
    with database.read() as session:
        before = log.find_heads(session, ["13"])["13"].next_position
        published(database, s2=[line("b")])
        assert log.find_heads(session, ["13"])["13"].next_position == before
        assert [row[1] for row in BLOCKS.page(session, "13", 0, 10).rows] == ["s1"]


def test_one_writer_at_a_time_and_who_will_not_wait_is_told(database: Database) -> None:
    holding = database.begin()
    second = database.try_begin()
    assert (second is None) == database.is_sqlite
    for session in filter(None, (holding, second)):
        database.end(session)
    third = database.try_begin()
    assert third is not None
    database.end(third)


def test_instants_and_money_come_back_as_they_went_in(database: Database) -> None:
    with database.write() as session:
        submissions.add_submissions(session, [submission("s1")], final=True)
        publish(database, session, "s1", [line("a")])
    with database.read() as session:
        found = submissions.find_submission(session, "s1")
        version = feed.find_versions(session, "13", "trial_balance", ["a"], MARCH)["a"][0]
        assert found is not None
        assert (found.received_at, found.sent_at) == (NOON, NOON)
        assert (version.amount_yen, version.valid_on) == (2**40, APRIL)
        assert log.find_statements(session, "s1")[0].sealed_at == NOON


# ── heads ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_log_nobody_wrote_to_is_empty_and_may_be_locked(database: Database) -> None:
    with database.write() as session:
        assert log.lock_heads(database, session, ["14100", "13"]) == {"13": log.EMPTY_HEAD, "14100": log.EMPTY_HEAD}


def test_writers_of_one_log_take_turns_and_leave_no_gap(database: Database) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            with database.write() as session:
                publish(database, session, f"s-{writer}-{number}", [line("a")] * (number % 3))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    with database.read() as session:
        rows = log.statements_between(session, "13", 0, 1_000)
        page = BLOCKS.page(session, "13", 0, 1_000)
    assert [row.leaf_index for row in rows] == list(range(60))
    assert [row.first_position for row in rows] == [sum(r.count for r in rows[:at]) for at in range(60)]
    assert [position for position, *_ in page.rows] == list(range(6 * 9))


def test_writers_that_lock_the_same_heads_in_another_order_do_not_wait_for_each_other_for_ever(
    database: Database,
) -> None:
    def write(recipients: list[str]) -> None:
        for _ in range(20):
            with database.write() as session:
                heads = log.lock_heads(database, session, recipients)
                moved = {r: replace(head, next_leaf=head.next_leaf + 1) for r, head in heads.items()}
                log.move_heads(session, moved)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, [["13", "14100"], ["14100", "13"]] * 2))
    with database.read() as session:
        assert {r: head.next_leaf for r, head in log.find_heads(session, ["13", "14100"]).items()} == {
            "13": 80,
            "14100": 80,
        }


# ── statements and checkpoints ───────────────────────────────────────────────────────────────────────────────────────


def test_a_submission_has_one_statement_per_recipient(database: Database) -> None:
    with database.write() as session:
        for recipient in ("14100", "13"):
            publish(database, session, "s1", [line("a")], recipient)
    with pytest.raises(IntegrityError), database.write() as session:
        publish(database, session, "s1", [], "13")
    with database.read() as session:
        assert [row.recipient for row in log.find_statements(session, "s1")] == ["13", "14100"]


def test_checkpoints_are_found_by_size_or_the_newest(database: Database) -> None:
    rows = [
        {"recipient": "13", "tree_size": size, "next_position": size, "note": f"note {size}"} for size in (1, 4, 10)
    ]
    with database.write() as session:
        log.append(session, [], [("13", 1, 0, b"h" * 32)], rows)
    with database.read() as session:
        assert log.find_checkpoint(session, "13") == (10, "note 10")
        assert log.find_checkpoint(session, "13", 4) == (4, "note 4")
        assert (log.find_checkpoint(session, "13", 5), log.find_checkpoint(session, "14100")) == (None, None)
        assert log.node_reader(session, "13")(1, 0) == b"h" * 32


def test_the_same_bytes_count_as_taken_only_if_all_of_them_were_and_long_enough_ago(database: Database) -> None:
    with database.write() as session:
        rows = [
            statement("whole", "13", HeadState(0, 0, b"", NOON), 1),
            statement("partly", "13", HeadState(1, 1, b"", NOON), 1) | {"refused": 1},
            statement("waiting", "13", HeadState(2, 2, b"", NOON), 1) | {"held": 1},
        ]
        log.append(session, rows, [], [])
    asked = [("13", "bank-9991", hashlib.sha256(name).digest()) for name in (b"whole", b"partly", b"waiting")]
    strangers = [("14100", "bank-9991", asked[0][2]), ("13", "bank-9992", asked[0][2])]
    with database.read() as session:
        assert log.accepted_before(session, [*asked, *strangers], NOON + SECOND) == {asked[0]}
        assert log.accepted_before(session, asked, NOON) == set()
        assert log.accepted_before(session, [], NOON) == set()


# ── feed ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pages_run_through_the_feed_without_gap_or_overlap_whatever_their_size(database: Database) -> None:
    published(database, s1=[line("a")] * 3, s2=[], s3=[line("b")] * 4, s4=[line("c")])
    expected = [("s1", 0), ("s1", 1), ("s1", 2), ("s3", 0), ("s3", 1), ("s3", 2), ("s3", 3), ("s4", 0)]
    with database.read() as session:
        for limit in (1, 2, 3, 5, 8, 100):
            assert [(row[1], row[2]) for row in _walked(session, limit)] == expected
            assert [row[0] for row in _walked(session, limit)] == list(range(8))


def test_a_filter_leaves_lines_out_but_goes_on_behind_them(database: Database) -> None:
    mixed = [line("a"), line("b", kind="monitoring_report"), line("c"), line("d", kind="monitoring_report")]
    published(database, s1=mixed, s2=[line("e")] * 5)
    with database.read() as session:
        page = BLOCKS.page(session, "13", 0, 100, "monitoring_report")
        assert ([row[0] for row in page.rows], page.next_position) == ([1, 3], 9)
        assert [row[0] for row in _walked(session, 1, "monitoring_report")] == [1, 3]
        assert BLOCKS.page(session, "13", 0, 100, "no_such_kind").next_position == 9


def test_lines_come_back_byte_for_byte_also_over_many_blocks(database: Database) -> None:
    lines = [line(f"series-{number}", text="早め" * (number % 7)) for number in range(2_500)]
    published(database, s1=lines)
    with database.read() as session:
        assert BLOCKS.load_lines(session, "13", "s1") == [one.body for one in lines]
        assert [row[3] for row in _walked(session, 999)] == [one.body for one in lines]
        versions = feed.find_versions(session, "13", "trial_balance", ["series-0", "series-2400"], MARCH)
        found = BLOCKS.load_versions(session, "13", [one[0] for one in versions.values()])
    assert found == {("s1", 0): lines[0].body, ("s1", 2400): lines[2400].body}


def test_what_is_staged_is_seen_by_nobody_until_its_statement_is_there(database: Database) -> None:
    published(database, s1=[line("a")])
    staged = [line("a", text="staged"), line("b")]
    with database.write() as session:
        feed.add_lines(session, list(BLOCKS.rows("s2", "13", staged)), feed.index_rows("s2", "13", staged))
        submissions.add_held(session, submissions.held_rows("s2", "13", [_held(0)]))
    with database.read() as session:
        assert [row[1] for row in BLOCKS.page(session, "13", 0, 10).rows] == ["s1"]
        assert [v.submission for v in feed.find_versions(session, "13", "trial_balance", ["a"], MARCH)["a"]] == ["s1"]
        assert feed.changed_since(session, "13", [("trial_balance", "b")], 0) == set()
        assert feed.series_since(session, "13", 0) == {("trial_balance", "a")}
        assert submissions.find_held(session, ["13"], "bank-9991") == []
    with database.write() as session:
        feed.drop_stage(session, "s2")
        publish(database, session, "s2", [line("c")])
    with database.read() as session:
        assert [row[3] for row in BLOCKS.page(session, "13", 1, 10).rows] == [line("c").body]


def test_withheld_positions_come_with_their_leaf_and_reason(database: Database) -> None:
    published(database, s1=[line("a"), line("b"), line("c")])
    with database.write() as session:
        feed.withhold(session, "13", 1, b"leaf" * 8, "erased")
    with database.read() as session:
        assert BLOCKS.page(session, "13", 0, 10).withheld == {1: (b"leaf" * 8, "erased")}
        assert BLOCKS.page(session, "13", 2, 10).withheld == {}
        assert feed.find_withheld(session, "14100", 0, 10) == {}


def test_versions_of_a_series_come_in_order_of_position(database: Database) -> None:
    published(database, z=[line("a"), line("b")], y=[line("a", MARCH)], x=[line("a", text="later")])
    with database.read() as session:
        found = feed.find_versions(session, "13", "trial_balance", ["a", "none"], MARCH)
        assert {series: [(v.submission, v.position) for v in versions] for series, versions in found.items()} == {
            "a": [("z", 0), ("y", 2), ("x", 3)]
        }
        since_april = feed.find_versions(session, "13", "trial_balance", ["a"], APRIL)["a"]
        assert [(v.submission, v.digest) for v in since_april] == [
            ("z", line("a").digest),
            ("x", line("a", text="later").digest),
        ]
        assert feed.find_versions(session, "14100", "trial_balance", ["a"], MARCH) == {}


def test_what_changed_since_a_position_is_told_per_key_also_for_more_keys_than_one_query_takes(
    database: Database,
) -> None:
    many = [f"series-{number}" for number in range(1_000)]
    published(database, s1=[line(series) for series in many], s2=[line("series-7"), line("series-990")])
    keys = [("trial_balance", series) for series in many]
    changed = {("trial_balance", "series-7"), ("trial_balance", "series-990")}
    with database.read() as session:
        assert feed.changed_since(session, "13", keys, 1_000) == changed
        assert feed.series_since(session, "13", 1_000) == changed
        assert feed.changed_since(session, "13", keys, 1_002) == set()
        assert feed.changed_since(session, "13", [], 0) == set()
        assert len(feed.find_versions(session, "13", "trial_balance", many, MARCH)) == 1_000


def _walked(session: Session, limit: int, kind: str | None = None) -> list[tuple[int, str, int, bytes]]:
    rows, after = [], 0
    while True:
        page = BLOCKS.page(session, "13", after, limit, kind)
        if page.next_position == after:
            return rows
        rows += page.rows
        after = page.next_position


# ── keys, raw bytes, findings, held records ──────────────────────────────────────────────────────────────────────────


def test_of_many_that_claim_one_key_at_once_one_gets_it(database: Database) -> None:
    start = threading.Barrier(8)

    def claim(number: int) -> bool:
        start.wait()
        with database.write() as session:
            return bool(submissions.claim_keys(database, session, [submission(f"s{number}", "april")]))

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim, range(8)))
    with database.read() as session:
        used = submissions.find_keys(session, [("bank-9991", "april")])["bank-9991", "april"]
    assert [f"s{number}" for number, got in enumerate(claimed) if got] == [used.submission]


def test_a_claim_that_was_rolled_back_leaves_the_key_free(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        submissions.claim_keys(database, session, [submission("s1", "april")])
        raise RuntimeError
    with database.write() as session:
        assert submissions.claim_keys(database, session, [submission("s2", "april")]) == {("bank-9991", "april")}


def test_keys_are_each_senders_own_and_forgotten_after_their_days(database: Database) -> None:
    asking = [submission("s1", "k"), submission("s2", "k", "bank-9992"), submission("s3")]
    with database.write() as session:
        assert submissions.claim_keys(database, session, asking) == {("bank-9991", "k"), ("bank-9992", "k")}
        assert submissions.claim_keys(database, session, [submission("s4")]) == set()
    with database.write() as session:
        submissions.forget_keys(session, NOON)
        assert len(submissions.find_keys(session, [("bank-9991", "k"), ("bank-9992", "k")])) == 2
        submissions.forget_keys(session, NOON + SECOND)
        assert submissions.find_keys(session, [("bank-9991", "k"), ("bank-9992", "k")]) == {}
        assert submissions.find_keys(session, []) == {}


def test_a_submission_comes_back_as_it_was_handed_over(database: Database) -> None:
    subject = Reference(scheme=Scheme.TENANT, scope="vendor", value="T-1")
    asked = submission(
        "s1", "key", subject=subject, recipients=("13", "14100"), received_on=("2026-05-01",), filename="償還.csv"
    )
    with database.write() as session:
        submissions.add_submissions(session, [asked], final=False)
        submissions.finish_submission(session, "s1")
    with database.read() as session:
        assert submissions.find_submission(session, "s1") == replace(asked, fingerprint=b"")
        assert submissions.find_submission(session, "s2") is None


def test_raw_bytes_are_kept_until_they_are_destroyed_and_then_only_why(database: Database) -> None:
    with database.write() as session:
        copies = [("s1", RawCopy("早め".encode() * 99, None, None)), ("s2", RawCopy(None, "s2", None))]
        submissions.add_raw(session, copies)
    with database.write() as session:
        assert submissions.find_raw(session, "s1") == copies[0][1]
        assert submissions.find_raw(session, "s2") == copies[1][1]
        for name in ("s1", "s2"):
            submissions.destroy_raw(session, name, "my_number")
    with database.read() as session:
        assert {submissions.find_raw(session, name) for name in ("s1", "s2")} == {RawCopy(None, None, "my_number")}
        assert submissions.find_raw(session, "s3") is None


def test_findings_come_back_in_order_over_chunks_and_recipients(database: Database) -> None:
    found = [_finding(number) for number in range(5_002)]
    with database.write() as session:
        submissions.add_findings(session, submissions.finding_rows("s1", "13", found))
        submissions.add_findings(session, submissions.finding_rows("s1", "13", [_finding(9_999)], chunk=2))
        submissions.add_findings(session, submissions.finding_rows("s1", "14100", [_finding(7)]))
    with database.read() as session:
        records = [one["record"] for one in submissions.load_findings(session, "s1", "13")]
        assert records == [*range(5_002), 9_999]
        assert [one["record"] for one in submissions.load_findings(session, "s1")] == [*records, 7]
        assert next(iter(submissions.load_findings(session, "s1"))) == found[0].model_dump(
            mode="json", exclude_none=True
        )


def test_held_records_are_seen_by_their_recipient_and_their_sender_until_released(database: Database) -> None:
    with database.write() as session:
        submissions.add_submissions(session, [submission("s1")], final=True)
        publish(database, session, "s1", [])
        submissions.add_held(session, submissions.held_rows("s1", "13", [_held(2), _held(0), _held(5, "T-2")]))

    def seen(recipients: list[str], sender: str) -> list[int]:
        with database.read() as session:
            return [one.ordinal for one in submissions.find_held(session, recipients, sender)]

    assert seen(["13"], "nobody") == seen([], "bank-9991") == [0, 2, 5]
    assert seen(["14100"], "bank-9992") == []
    with database.write() as session:
        assert [w.ordinal for w in submissions.waiting_for(session, _tenant("T-1"))] == [0, 2]
        submissions.release_held(session, "s1", "13", [0, 2], by="s9")
    with database.read() as session:
        assert submissions.waiting_for(session, _tenant("T-1")) == []
        assert submissions.held_ordinals(session, "s1") == [5]
    assert seen(["13"], "nobody") == [5]


def test_a_whole_tape_of_held_records_can_be_released_at_once(database: Database) -> None:
    ordinals = range(70_000)
    with database.write() as session:
        submissions.add_held(session, submissions.held_rows("s1", "13", map(_held, ordinals)))
    with database.write() as session:
        submissions.release_held(session, "s1", "13", list(ordinals[1:]), by="s9")
    with database.read() as session:
        assert submissions.held_ordinals(session, "s1") == [0]


def _finding(record: int) -> Finding:
    return Finding(
        code="V13", severity=Severity.WARN, record=record, place=Place(line=record + 1), params={"found": "早め"}
    )


def _tenant(value: str) -> Reference:
    return Reference(scheme=Scheme.TENANT, scope="vendor", value=value)


def _held(ordinal: int, waits_for: str = "T-1") -> Held:
    return Held(ordinal, "trial_balance", "S01", "ab" * 32, _tenant(waits_for))


# ── jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _enqueue(database: Database, *made: tuple[str, str, str]) -> None:
    with database.write() as session:
        for key, lane, kind in made:
            jobs.enqueue(database, session, NewJob("load", key, lane, kind, NOON))


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
            running.remove(lane)
            _finish(database, job)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(work, range(5)))
    for lane in "abc":
        assert [key for key in done if key[0] == lane] == [f"{lane}-{number:02d}" for number in range(8)]


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_audit_log_keeps_the_newest_and_stays_bounded(database: Database) -> None:
    kept = submissions.AUDIT_ENTRIES_KEPT
    with database.write() as session:
        submissions.add_audit(session, [(NOON, "access.refused", "old", "/v1") for _ in range(10)])
        submissions.add_audit(session, [(NOON, "access.refused", "x" * 9_999, "/v1") for _ in range(kept - 5)])
    with database.write() as session:
        submissions.add_audit(session, [])
        submissions.add_audit(session, [(NOON + SECOND, "access.refused", "newest", "/v1/submissions")])
    with database.read() as session:
        entries = submissions.newest_audit(session, kept * 2)
    assert len(entries) == kept
    assert entries[0] == (NOON + SECOND, "access.refused", "newest", "/v1/submissions")
    assert [cause for _, _, cause, _ in entries[-5:]] == ["old"] * 4 + ["x" * 500] or entries[-1][2] == "old"


def test_read_marks_say_when_a_reader_had_first_come_so_far(database: Database) -> None:
    published(database, s1=[line("a")] * 4)
    marks = [
        {"recipient": "13", "reader": reader, "position": position, "read_at": NOON + at * SECOND}
        for reader, position, at in (("tool", 2, 5), ("clerk", 4, 3), ("tool", 2, 9))
    ]
    with database.write() as session:
        reads.note(database, session, [])
        reads.note(database, session, marks[:2])
        reads.note(database, session, marks[2:])
    with database.read() as session:
        instants = reads.instants(session, "13", 0, 4)
    assert [instants.of(position, "s1").get("read_at") for position in (0, 1, 2, 3)] == [NOON + 3 * SECOND] * 4


def test_a_publication_covers_every_position_before_its_checkpoint(database: Database) -> None:
    published(database, s1=[line("a")] * 2, s2=[line("b")])
    with database.write() as session:
        checkpoints = [
            {"recipient": "13", "tree_size": size, "next_position": position, "note": "note"}
            for size, position in ((1, 2), (2, 3))
        ]
        log.append(session, [], [], checkpoints)
        log.note_publication(session, [{"recipient": "13", "tree_size": 1, "published_at": NOON}])
    with database.read() as session:
        instants = reads.instants(session, "13", 0, 3)
    assert [instants.of(position, name).get("published_at") for position, name in ((0, "s1"), (1, "s1"), (2, "s2"))] == [
        NOON,
        NOON,
        None,
    ]


def test_an_assertion_is_claimed_once_until_it_is_over(database: Database) -> None:
    def claim(jti: str) -> bool:
        with database.write() as session:
            return submissions.claim_assertion(database, session, "bank-9991", jti, NOON)

    assert [claim("j1"), claim("j1"), claim("j2")] == [True, False, True]
    with database.write() as session:
        submissions.forget_assertions(session, NOON + SECOND)
    assert claim("j1")


# ── registers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _bank(**more: Any) -> Enrolled:
    return Enrolled("bank-9991", "bank", "東都銀行", "9991", **more)


def _changing(database: Database, change: Callable[[Session], None]) -> int:
    """By how much a change counts the register's version up."""
    with database.write() as session:
        before = registers.register_version(session)
        change(session)
    with database.read() as session:
        return registers.register_version(session) - before


def test_a_participant_is_completed_not_replaced_and_every_change_counts(database: Database) -> None:
    first = _bank(entitlements={("submit", "13")}, keys={"k1": ("{}", NOON, None)})
    second = _bank(entitlements={("submit", "14100")}, keys={"k2": ("{}", NOON, None)})
    counted = [
        _changing(database, lambda session: registers.enrol(database, session, first, NOON)),
        _changing(database, lambda session: registers.enrol(database, session, second, NOON)),
        _changing(database, lambda session: registers.end_key(database, session, "k1", NOON + SECOND)),
        _changing(database, lambda session: registers.delegate(database, session, "bank-9991", "9992", OPEN_DATES)),
    ]
    with database.read() as session:
        found = registers.load_participants(session)["bank-9991"]
    assert counted == [1, 1, 1, 1]
    assert found.entitlements == {("submit", "13"), ("submit", "14100")}
    assert found.keys == {"k1": ("{}", NOON, NOON + SECOND), "k2": ("{}", NOON, None)}
    assert found.delegations == {"9992": OPEN_DATES}


def test_a_number_names_one_firm_or_none(database: Database) -> None:
    with database.write() as session:
        firms = [registers.add_party(session, name) for name in ("第一商店", "第二商店")]
        for value, firm in (("T-1", 0), ("T-2", 0), ("T-2", 1)):
            registers.link(session, _tenant(value), firms[firm], "cgc-13", NOON)
    itself = Reference(scheme=Scheme.PARTY, value=firms[1])
    nobody = Reference(scheme=Scheme.PARTY, value="nobody")
    elsewhere = Reference(scheme=Scheme.TENANT, scope="another vendor", value="T-1")
    many = [_tenant(f"N-{number}") for number in range(900)]
    with database.read() as session:
        asked = [_tenant("T-1"), _tenant("T-2"), itself, nobody, elsewhere, *many]
        assert registers.find_links(session, asked, APRIL) == {_tenant("T-1"): firms[0], itself: firms[1]}
        assert registers.find_links(session, [], APRIL) == {}


def test_a_guarantee_is_one_corporations_and_brought_up_to_date(database: Database) -> None:
    with database.write() as session:
        firm = registers.add_party(session, "第一商店")
        row = {"recipient": "13", "guarantee_no": "13-1", "institution": "9991", "party": firm}
        registers.put_guarantee(session, row | {"principal_yen": 10_000_000_000, "is_revolving": False})
    with database.write() as session:
        registers.put_guarantee(session, row | {"principal_yen": None, "is_revolving": True})
    with database.read() as session:
        many = [f"13-{number}" for number in range(1, 900)]
        assert registers.find_guarantees(session, "13", many) == {"13-1": Guaranteed(firm, "9991", None, True)}
        assert registers.find_guarantees(session, "14100", many) == {}
