"""Cosignatures are taken only of our own checkpoints and only by a registered key, and found again as readers need."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from inside import Inside, loan_rows
from putting_back import put_back, saved
from sqlalchemy import event

from gateway.cosigning import take_cosignature
from gateway.errors import InvalidRequest, NotFound
from gateway.registers import enrolment
from gateway.registers.participants import Participant
from gateway.security.checkpoints import write_checkpoint
from gateway.security.cosignatures import cosign
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.merkle import EMPTY_ROOT
from gateway.store import log
from gateway.store.cosignatures import (
    Cosigned,
    cosignature_lines,
    find_cosigned,
    first_size_with,
    newest_cosigned,
    newest_size,
)

KEYS = {name: SigningKey.generate() for name in ("w1", "w2", "w3")}


class Watched(Inside):
    """A gateway with three witnesses and a log of four entries."""

    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        super().__init__(folder, database_url)
        self.register(range(9))
        for name, key in KEYS.items():
            may = enrolment.entitlements(["witness:13"])
            entry = enrolment.Entry(name, "witness", name, None, KeyRing([key.public]), may)
            enrolment.enrol(self.gateway.registrar, entry)

    @property
    def now(self) -> datetime:
        return self.gateway.clock.now()

    def submit(self, *loans: int) -> None:
        for loan in loans:
            self.at_once(loan_rows({(loan, "2026-04-30"): 1_000 + loan}))

    def note(self, size: int) -> str:
        with self.gateway.database.read() as session:
            found = log.find_checkpoint(session, "13", size)
        assert found is not None
        return found[1]

    def witness(self, name: str) -> Participant:
        found = self.gateway.participants.find(name)
        assert found is not None
        return found

    def take(self, note: str, name: str = "w1", recipient: str = "13") -> Cosigned:
        given = KeyRing([self.gateway.key.public]), self.now
        return take_cosignature(self.gateway.database, recipient, note, self.witness(name), given)

    def cosign(self, size: int, name: str = "w1", at: datetime | None = None) -> Cosigned:
        note = self.note(size)
        return self.take(note + cosign(note, name, KEYS[name], at or self.now), name)


@pytest.fixture
def watched(tmp_path: Path, database_url: str | None) -> Iterator[Watched]:
    made = Watched(tmp_path, database_url)
    made.submit(1, 2, 3, 4)
    yield made
    made.close()


def test_a_cosignature_is_kept_and_served_with_its_checkpoint(watched: Watched) -> None:
    at = watched.now.replace(microsecond=0)
    note = watched.note(3)
    line = cosign(note, "w1", KEYS["w1"], at)
    assert watched.take(note + line) == Cosigned(3, "w1", at)
    with watched.gateway.database.read() as session:
        assert cosignature_lines(session, "13", 3) == line
        assert cosignature_lines(session, "13", 4) == ""
        assert newest_cosigned(session, "13", 10) == [Cosigned(3, "w1", at)]


def test_handed_in_again_or_later_the_first_one_stays(watched: Watched) -> None:
    first = watched.cosign(3)
    assert watched.cosign(3) == first
    assert watched.cosign(3, at=watched.now + timedelta(minutes=1)) == first


def test_many_at_once_keep_one(watched: Watched) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda second: watched.cosign(4, at=watched.now - timedelta(seconds=second)), range(8)))
    assert len(set(kept)) == 1
    with watched.gateway.database.read() as session:
        assert newest_cosigned(session, "13", 10) == [kept[0]]


def test_only_a_line_by_a_key_registered_for_the_witness_is_taken(watched: Watched) -> None:
    note = watched.note(4)
    for name, key in (("w1", KEYS["w2"]), ("w2", KEYS["w2"]), ("w1", SigningKey.generate())):
        with pytest.raises(InvalidRequest, match="no line of the note is by a key that is registered for you"):
            watched.take(note + cosign(note, name, key, watched.now))
    with pytest.raises(InvalidRequest, match="does not match"):
        watched.take(note + cosign(watched.note(3), "w1", KEYS["w1"], watched.now))
    with pytest.raises(InvalidRequest):
        watched.take("no note")
    with watched.gateway.database.read() as session:
        assert newest_cosigned(session, "13", 10) == []


def test_a_cosignature_of_a_time_to_come_is_not_taken(watched: Watched) -> None:
    with pytest.raises(InvalidRequest, match="a time to come"):
        watched.cosign(4, at=watched.now + timedelta(minutes=6))


def test_only_a_checkpoint_that_this_gateway_signed_is_taken(watched: Watched) -> None:
    origin = watched.note(4).partition("\n")[0]
    foreign = write_checkpoint(origin, 4, EMPTY_ROOT, SigningKey.generate())
    with pytest.raises(InvalidRequest, match="none of the given keys signed"):
        watched.take(foreign + cosign(foreign, "w1", KEYS["w1"], watched.now))


def test_a_checkpoint_of_another_log_is_not_taken(watched: Watched) -> None:
    note = watched.note(4)
    with pytest.raises(NotFound):
        watched.take(note + cosign(note, "w1", KEYS["w1"], watched.now), recipient="14")


def test_a_checkpoint_that_we_signed_and_have_not_is_refused_and_logged(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    earlier = saved(watched.gateway.database)
    watched.submit(5)
    note = watched.note(5)
    put_back(watched.gateway.database, earlier)
    with caplog.at_level(logging.ERROR, "hayame.log"), pytest.raises(NotFound):
        watched.take(note + cosign(note, "w1", KEYS["w1"], watched.now))
    assert "that we signed and do not have" in caplog.text


def test_the_newest_checkpoint_of_a_quorum_is_found_and_the_first_over_a_leaf(watched: Watched) -> None:
    for size, name in ((2, "w1"), (2, "w2"), (3, "w1"), (3, "w2"), (3, "w3"), (4, "w3")):
        watched.cosign(size, name)
    with watched.gateway.database.read() as session:
        assert [newest_size(session, "13", least) for least in (1, 2, 3, 4)] == [4, 3, 3, None]
        assert newest_size(session, "13", 1, ["w1", "w2"]) == 3
        assert newest_size(session, "13", 2, ["w1", "w3", "w1"]) == 3
        assert newest_size(session, "13", 2, ["w3"]) is None
        assert newest_size(session, "14", 1) is None
        assert [first_size_with(session, "13", leaf, 1) for leaf in (0, 1, 2, 3, 4)] == [2, 2, 3, 4, None]
        assert [first_size_with(session, "13", 0, least) for least in (2, 3, 4)] == [2, 3, None]
        assert [(one.size, one.witness) for one in newest_cosigned(session, "13", 3)] == [
            (4, "w3"),
            (3, "w1"),
            (3, "w2"),
        ]


def test_cosignatures_are_looked_up_by_index_and_a_quorum_without_sorting(watched: Watched) -> None:
    if not watched.gateway.database.is_sqlite:
        return  # its plans depend on how much there is
    said: list[str] = []
    event.listen(watched.gateway.database.engine, "checkout", lambda driver, *_: driver.set_trace_callback(said.append))
    with watched.gateway.database.read() as session:
        cosignature_lines(session, "13", 1)
        find_cosigned(session, "13", 1, "w1")
        newest_cosigned(session, "13", 10)
        newest_size(session, "13", 1)
        newest_size(session, "13", 1, ["w1"])
        first_size_with(session, "13", 0, 1)
    asked = [statement for statement in said if "FROM cosignature" in statement]
    assert len(asked) == 6
    with watched.gateway.database.read() as session:
        for statement in asked:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            steps = [row[-1] for row in plan]
            assert steps[0].startswith("SEARCH cosignature"), (statement, steps)
            assert not any("GROUP BY" in step for step in steps), (statement, steps)
