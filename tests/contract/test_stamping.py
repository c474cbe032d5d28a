"""Checkpoints are stamped by a third party in the background; what it does wrong or not at all costs no submission."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authority import DAY, Authority, stamper
from inside import BANK, Inside, loan_rows

from gateway.errors import NotFound, Unstamped
from gateway.evidence import Wanted, collect
from gateway.runtime.stamp_gate import StampGate
from gateway.runtime.stamper import LEASE, Office, Stamper
from gateway.security.checkpoints import open_checkpoint, signed_by_log
from gateway.security.cosignatures import Quorum, Witness, cosign
from gateway.security.evidence import read_evidence, write_evidence
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.timestamps import Authorities, check_token
from gateway.security.verify import verify_evidence
from gateway.settings import Settings
from gateway.store import log, stamps
from gateway.store.cosignatures import Cosigned, add_cosignature
from mocks.timestamp_authority import Door

INTERVAL = timedelta(minutes=10)
MOST = timedelta(seconds=Settings().stamp_max_age_s)


@dataclass
class Hands:
    """A clock whose hands are moved."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The instant shown."""
        return self.at

    def pass_by(self, time: timedelta) -> None:
        """Let time pass."""
        self.at += time


@dataclass
class Town:
    """A gateway with its logs, a clock, and an authority at an address."""

    inside: Inside
    clock: Hands
    authority: Authority
    door: Door

    def __post_init__(self) -> None:
        trusted = Authorities((self.authority.root[0],))
        self.office = Office(self.door.url, trusted, INTERVAL, reply_s=60)
        self.stamper = Stamper(self.inside.gateway.database, self.clock, self.office)
        self.gate = self.another_gate()

    def another_gate(self) -> StampGate:
        """What another process knows."""
        return StampGate(self.inside.gateway.database, self.clock, MOST)

    def submit(self, *loans: int) -> str:
        """Entries of the log; the last one's submission."""
        outcomes = [self.inside.at_once(loan_rows({(loan, "2026-04-30"): 1_000 + loan})) for loan in loans]
        return outcomes[-1].submission

    def turn(self) -> stamps.Turn:
        """How corporation 13's log stands."""
        with self.inside.gateway.database.read() as session:
            [turn] = [one for one in stamps.turns(session) if one.recipient == "13"]
        return turn

    def evidence(self, submission: str, quorum: int = 0) -> bytes:
        """What proves an outcome."""
        with self.inside.gateway.database.read() as session:
            [row] = log.find_statements(session, submission)
            return write_evidence(collect(session, self.inside.gateway.blocks, row, Wanted(quorum=quorum), None))

    def cosign(self, key: SigningKey) -> None:
        """Somebody known sees the newest checkpoint."""
        with self.inside.gateway.database.write() as session:
            found = log.find_checkpoint(session, "13")
            assert found is not None
            at = self.clock.now().replace(microsecond=0)
            add_cosignature(session, "13", Cosigned(found[0], BANK, at), cosign(found[1], BANK, key, at))

    def stamped_sizes(self) -> list[int]:
        """Sizes of the log under the checkpoints that are stamped; every token holds."""
        keys, found, size = KeyRing([self.inside.gateway.key.public]), [], 0
        with self.inside.gateway.database.read() as session:
            while (one := stamps.find_covering(session, "13", size)) is not None:
                checkpoint = log.find_checkpoint(session, "13", one.tree_size)
                assert checkpoint is not None
                assert open_checkpoint(checkpoint[1], keys).size == one.tree_size
                about = signed_by_log(checkpoint[1]).encode()
                assert check_token(one.token, about, self.office.trusted) == one.stamped_at
                found.append(size := one.tree_size)
        return found


@pytest.fixture
def town(tmp_path: Path, database_url: str | None) -> Iterator[Town]:
    inside, authority, clock = Inside(tmp_path, database_url), Authority.fresh(), Hands()
    inside.register(range(30))
    authority.now = clock.now
    door = Door(lambda query: authority.reply(query))
    made = Town(inside, clock, authority, door)
    assert made.stamper.stamp_due() == 1, "the log of the registers, which moves no more"
    door.asked = 0
    yield made
    door.close()
    inside.close()


def said(town: Town, submission: str) -> tuple[str, str]:
    """What the verifier says of the stamp in an evidence file."""
    keys = KeyRing([town.inside.gateway.key.public])
    report = verify_evidence(town.evidence(submission), keys, authorities=town.office.trusted)
    assert report.holds
    check = next(check for check in report.checks if check.name == "timestamp")
    return check.verdict, check.detail_en


def test_a_stamp_covers_every_entry_before_it_and_evidence_comes_under_it(town: Town) -> None:
    first, last = town.submit(1), town.submit(2, 3)
    assert said(town, first) == ("unchecked", "not stamped by a third party yet")
    assert town.stamper.stamp_due() == 1
    assert town.stamped_sizes() == [3]
    assert {said(town, one)[0] for one in (first, last)} == {"verified"}
    later = town.submit(4)
    assert read_evidence(town.evidence(first)).inclusion.tree_size == 3
    assert said(town, later)[0] == "unchecked"


def test_where_witnesses_are_demanded_their_head_comes_with_its_stamp_if_it_has_one(town: Town) -> None:
    witness, keys = SigningKey.generate(), KeyRing([town.inside.gateway.key.public])
    quorum = Quorum((Witness(BANK, witness.public),))

    def proven(submission: str, demanded: int) -> tuple[int, str, str]:
        bundle = town.evidence(submission, demanded)
        verdicts = {one.name: one.verdict for one in verify_evidence(bundle, keys, quorum, town.office.trusted).checks}
        return read_evidence(bundle).inclusion.tree_size, verdicts["witnesses"], verdicts["timestamp"]

    first = town.submit(1)
    town.cosign(witness)
    second = town.submit(2)
    assert town.stamper.stamp_due() == 1
    assert proven(first, 1) == (1, "verified", "unchecked")
    assert proven(first, 0) == (2, "failed", "verified")
    with pytest.raises(NotFound):
        town.evidence(second, 1)
    town.cosign(witness)
    town.submit(3)
    assert proven(second, 1) == proven(second, 0) == (2, "verified", "verified")


def test_a_log_that_did_not_move_is_not_stamped_again_and_one_that_did_only_after_an_interval(town: Town) -> None:
    assert town.stamper.stamp_due() == 0
    town.submit(1)
    assert town.stamper.stamp_due() == 1
    town.clock.pass_by(INTERVAL)
    assert town.stamper.stamp_due() == 0
    town.submit(2)
    assert (town.stamper.stamp_due(), town.stamper.stamp_due()) == (1, 0)
    town.submit(3)
    assert town.turn().next_try_at == town.clock.now() + INTERVAL
    town.clock.pass_by(INTERVAL - timedelta(seconds=1))
    assert town.stamper.stamp_due() == 0
    assert town.stamped_sizes() == [1, 2]


def test_an_outage_of_a_day_refuses_nothing_and_everything_is_stamped_afterwards(town: Town) -> None:
    town.authority.fault = "unavailable"
    started = town.clock.now()
    waiting = town.submit(1)
    for hour in range(24):
        town.gate.look()
        town.gate.require()
        town.stamper.stamp_due()
        town.submit(hour + 2)
        town.clock.pass_by(timedelta(hours=1))
    town.gate.look()
    town.gate.require()
    assert said(town, waiting)[0] == "unchecked"
    assert (town.turn().stamped_size, town.turn().failures) == (0, 24)
    assert town.turn().waiting_since_at == started

    town.authority.fault, town.door.asked = "", 0
    assert town.stamper.stamp_due() == 1
    assert (town.door.asked, town.stamped_sizes()) == (1, [25])


def test_past_the_age_nothing_new_is_taken_until_there_is_a_stamp(town: Town) -> None:
    town.submit(1)
    town.gate.look()
    town.clock.pass_by(MOST)
    town.gate.require()
    town.clock.pass_by(timedelta(seconds=1))
    with pytest.raises(Unstamped):
        town.gate.require()
    assert town.gate.state(town.turn()) == "overdue"

    restarted = town.another_gate()
    restarted.look()
    with pytest.raises(Unstamped):
        restarted.require()

    assert town.stamper.stamp_due() == 1
    for gate in (town.gate, restarted):
        gate.look()
        gate.require()
    assert (town.gate.state(town.turn()), town.gate.told()) == ("stamped", "time stamps: nothing waits")


def test_the_age_counts_from_the_first_entry_that_waits_and_not_from_the_last(town: Town) -> None:
    town.submit(1)
    town.gate.look()
    town.clock.pass_by(MOST - timedelta(hours=1))
    town.submit(2)
    town.gate.look()
    town.clock.pass_by(timedelta(hours=2))
    with pytest.raises(Unstamped):
        town.gate.require()


def test_where_there_is_no_authority_nothing_is_ever_waited_for(town: Town) -> None:
    alone = StampGate(town.inside.gateway.database, town.clock, None)
    town.submit(1)
    alone.look()
    town.clock.pass_by(10 * MOST)
    alone.look()
    alone.require()
    assert (alone.told(), alone.state(town.turn())) == ("time stamps: off", "off")


@pytest.mark.parametrize(
    "fault", ["imprint", "nonce", "signature", "clock", "rejects", "truncated", "huge", "unavailable"]
)
def test_what_does_not_hold_is_not_kept_and_is_asked_for_again(town: Town, fault: str) -> None:
    town.submit(1)
    town.authority.fault = fault
    assert town.stamper.stamp_due() == 0
    assert (town.stamped_sizes(), town.turn().failures) == ([], 1)
    assert town.turn().failure
    town.authority.fault, town.clock.at = "", town.turn().next_try_at
    assert town.stamper.stamp_due() == 1
    assert (town.stamped_sizes(), town.turn().failure) == ([1], None)


def test_a_certificate_that_ran_out_and_one_for_something_else_are_not_kept(town: Town) -> None:
    town.submit(1)
    fit = town.authority.own
    for own in (stamper(town.authority.root, ends=-DAY), stamper(town.authority.root, purposes=())):
        town.authority.own = own
        town.clock.pass_by(LEASE)
        assert town.stamper.stamp_due() == 0
    assert (town.stamped_sizes(), town.turn().failures) == ([], 2)
    town.authority.own, town.clock.at = fit, town.turn().next_try_at
    assert town.stamper.stamp_due() == 1


def test_a_reply_that_trickles_is_given_up(town: Town) -> None:
    town.submit(1)
    town.door.pace_s = 0.05
    hasty = replace(town.stamper, office=replace(town.office, reply_s=0.5))
    assert hasty.stamp_due() == 0
    assert "slow" in str(town.turn().failure)


def test_an_address_where_nobody_is_counts_as_an_outage(town: Town) -> None:
    town.submit(1)
    nowhere = Door(lambda _: b"")
    nowhere.close()
    lost = replace(town.stamper, office=replace(town.office, url=nowhere.url))
    assert lost.stamp_due() == 0
    assert "reached" in str(town.turn().failure)


def test_the_pause_between_two_tries_grows_up_to_a_minute(town: Town) -> None:
    town.submit(1)
    town.authority.fault = "unavailable"
    pauses = []
    for _ in range(9):
        town.stamper.stamp_due()
        pauses.append((town.turn().next_try_at - town.clock.now()).total_seconds())
        town.clock.at = town.turn().next_try_at
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_several_workers_ask_once(town: Town) -> None:
    town.submit(1)
    ready = threading.Barrier(4)

    def work() -> None:
        ready.wait()
        town.stamper.stamp_due()

    _all_at_once([work] * 4)
    assert (town.door.asked, town.stamped_sizes()) == (1, [1])


def test_a_worker_that_dies_with_its_turn_gives_it_up_after_a_minute(town: Town) -> None:
    town.submit(1)
    with town.inside.gateway.database.write() as session:
        stamps.wait(session, ["13"], town.clock.now())
        assert stamps.take(session, "13", town.clock.now(), town.clock.now() + LEASE)
    assert town.stamper.stamp_due() == 0
    town.clock.pass_by(LEASE)
    assert town.stamper.stamp_due() == 1


def _all_at_once(acts: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
