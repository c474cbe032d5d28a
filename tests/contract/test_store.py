"""What everybody above may rely on from the log and the feed in the store, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from stored import (
    APRIL,
    BLOCKS,
    CIPHER,
    MARCH,
    NOON,
    SECOND,
    held,
    kept,
    line,
    publish,
    published,
    statement,
    submission,
)

from gateway.store import feed, log, submissions
from gateway.store.engine import Database, Session
from gateway.store.log import HeadState


def _integrity_error(database: Database) -> type[Exception]:
    """What the driver raises where a key is there already."""
    error: type[Exception] = database.engine.dialect.loaded_dbapi.IntegrityError
    return error


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def twice() -> None:
        with database.write() as session:
            publish(database, session, "s1", [line("a")])
            publish(database, session, "s1", [line("a")])

    with pytest.raises(_integrity_error(database)):
        twice()
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
        submissions.add_kept(session, [kept(submission("s1"))])
        publish(database, session, "s1", [line("a")])
    with database.read() as session:
        found = submissions.find_submission(session, "s1")
        version = BLOCKS.index.find_versions(session, "13", "trial_balance", ["a"], MARCH)["a"][0]
        assert found is not None
        assert (found.received_at, found.sent_at) == (NOON, NOON)
        assert (version.amount_yen, version.valid_on) == (2**40, APRIL)
        assert log.find_statements(session, "s1")[0].sealed_at == NOON


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


def test_a_submission_has_one_statement_per_recipient(database: Database) -> None:
    with database.write() as session:
        for recipient in ("14100", "13"):
            publish(database, session, "s1", [line("a")], recipient)
    with pytest.raises(_integrity_error(database)), database.write() as session:
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
        versions = BLOCKS.index.find_versions(session, "13", "trial_balance", ["series-0", "series-2400"], MARCH)
        found = BLOCKS.load_versions(session, "13", [one[0] for one in versions.values()])
    assert found == {("s1", 0): lines[0].body, ("s1", 2400): lines[2400].body}


def test_what_is_staged_is_seen_by_nobody_until_its_statement_is_there(database: Database) -> None:
    published(database, s1=[line("a")])
    staged = [line("a", text="staged"), line("b")]
    with database.write() as session:
        feed.add_lines(session, list(BLOCKS.rows("s2", "13", staged)), BLOCKS.index.rows("s2", "13", staged))
        submissions.add_held(session, submissions.held_rows(CIPHER, "s2", "13", [held(0)]))
    with database.read() as session:
        assert [row[1] for row in BLOCKS.page(session, "13", 0, 10).rows] == ["s1"]
        assert [
            v.submission for v in BLOCKS.index.find_versions(session, "13", "trial_balance", ["a"], MARCH)["a"]
        ] == ["s1"]
        assert BLOCKS.index.changed_since(session, "13", [("trial_balance", "b")], 0) == set()
        assert BLOCKS.index.since(session, "13", 0) == named({("trial_balance", "a")})
        assert submissions.find_held(session, CIPHER, ["13"], "bank-9991") == []
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
        found = BLOCKS.index.find_versions(session, "13", "trial_balance", ["a", "none"], MARCH)
        assert {series: [(v.submission, v.position) for v in versions] for series, versions in found.items()} == {
            "a": [("z", 0), ("y", 2), ("x", 3)]
        }
        since_april = BLOCKS.index.find_versions(session, "13", "trial_balance", ["a"], APRIL)["a"]
        assert [(v.submission, v.digest) for v in since_april] == [
            ("z", line("a").digest),
            ("x", line("a", text="later").digest),
        ]
        assert BLOCKS.index.find_versions(session, "14100", "trial_balance", ["a"], MARCH) == {}


def test_what_changed_since_a_position_is_told_per_key_also_for_more_keys_than_one_query_takes(
    database: Database,
) -> None:
    many = [f"series-{number}" for number in range(1_000)]
    published(database, s1=[line(series) for series in many], s2=[line("series-7"), line("series-990")])
    keys = [("trial_balance", series) for series in many]
    changed = {("trial_balance", "series-7"), ("trial_balance", "series-990")}
    with database.read() as session:
        assert BLOCKS.index.changed_since(session, "13", keys, 1_000) == changed
        assert BLOCKS.index.since(session, "13", 1_000) == named(changed)
        assert BLOCKS.index.changed_since(session, "13", keys, 1_002) == set()
        assert BLOCKS.index.changed_since(session, "13", [], 0) == set()
        assert len(BLOCKS.index.find_versions(session, "13", "trial_balance", many, MARCH)) == 1_000


def _walked(session: Session, limit: int, kind: str | None = None) -> list[tuple[int, str, int, bytes]]:
    rows, after = [], 0
    while True:
        page = BLOCKS.page(session, "13", after, limit, kind)
        if page.next_position == after:
            return rows
        rows += page.rows
        after = page.next_position


def named(keys: set[tuple[str, str]]) -> set[tuple[str, bytes]]:
    ordered = sorted(keys)
    return {(kind, name) for (kind, _), name in zip(ordered, BLOCKS.index.names("13", ordered), strict=True)}
