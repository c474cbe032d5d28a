"""What could not be worked off is not silently waited for: its sender reads so, and the operator tries again."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import command
from world import BANK, CORPORATION, VENDOR, World, corporate_number, running, trial_balance

from gateway.errors import GatewayError
from gateway.registers.firms import say_who
from gateway.registers.orders import Delegate, give
from gateway.registers.participants import FRESH_FOR
from gateway.schemas.identifiers import Reference, Scheme
from gateway.store import jobs
from gateway.store.jobs import ATTEMPTS, LEASE, LOST_WORKERS
from gateway.wiring import worker


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    with running(tmp_path, database_url, HAYAME_WORKER="false", HAYAME_INLINE_RAW_BYTES="1") as world:
        yield world


@dataclass
class Later:
    """A clock that is set forward: pauses between attempts are not waited for."""

    at: datetime

    def now(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


def states_while_tried(world: World, submission: str) -> list[str]:
    """What its sender reads after each attempt, until there are no more."""
    trying, states = replace(worker(world.gateway), clock=Later(world.gateway.clock.now())), []
    while trying.work_once():
        states.append(world.client(BANK).get(f"/v1/submissions/{submission}").json()["state"])
    return states


def test_a_job_given_up_is_seen_by_its_sender_and_tried_again_by_the_operator(world: World) -> None:
    bank = world.client(BANK)
    taken = bank.submit(trial_balance(1, 4), recipient="13", key="k", prefer_async=True)
    assert taken.state == "processing"
    kept = world.gateway.raw_folder / taken.submission
    lost = kept.rename(kept.with_suffix(".lost"))
    assert states_while_tried(world, taken.submission) == ["processing"] * 4 + ["stalled"]
    seen = bank.get(f"/v1/submissions/{taken.submission}").json()
    assert (seen["state"], "運用者" in seen["detail_ja"]) == ("stalled", True)
    assert bank.submit(trial_balance(1, 4), recipient="13", key="k", prefer_async=True).state == "stalled"
    for ask in (bank.wait_for, bank.returned):
        with pytest.raises(GatewayError, match="operator"):
            ask(taken.submission)
    number, state, task, key, attempts, cause = command(world, "jobs", "list").strip().split("\t")
    assert (state, task, key, attempts) == ("given up", "load", taken.submission, "5 attempts")
    assert "FileNotFoundError" in cause
    lost.rename(kept)
    command(world, "jobs", "retry", number)
    assert bank.get(f"/v1/submissions/{taken.submission}").json()["state"] == "processing"
    assert worker(world.gateway).work_once()
    assert bank.wait_for(taken.submission).counts["accepted"] == 1
    assert command(world, "jobs", "list") == ""


def test_what_was_not_given_up_cannot_be_tried_again(world: World) -> None:
    world.client(BANK).submit(trial_balance(2, 4), recipient="13", prefer_async=True)
    number = command(world, "jobs", "list").split("\t")[0]
    with pytest.raises(subprocess.CalledProcessError):
        command(world, "jobs", "retry", number)


def given_up(world: World, document: bytes) -> tuple[str, Path]:
    """A submission whose job was given up since its raw bytes were out of reach, and where they are now."""
    taken = world.client(BANK).submit(document, recipient="13", prefer_async=True)
    kept = world.gateway.raw_folder / taken.submission
    lost = kept.rename(kept.with_suffix(".lost"))
    assert states_while_tried(world, taken.submission)[-1] == "stalled"
    return taken.submission, lost


def try_again(world: World, lost: Path) -> None:
    """The operator puts the bytes back and lets the job be tried again."""
    lost.rename(lost.with_suffix(""))
    command(world, "jobs", "retry", command(world, "jobs", "list").split("\t")[0])
    assert worker(world.gateway).work_once()


def test_what_is_tried_again_late_gives_way_to_what_its_sender_said_since(world: World) -> None:
    bank, reader = world.client(BANK), world.reader()
    late, lost = given_up(world, trial_balance(1, 4) + b"\n" + trial_balance(2, 4))
    assert bank.submit(trial_balance(1, 4, closing=999), recipient="13").verdict == "accepted"
    try_again(world, lost)
    outcome = bank.wait_for(late)
    assert (outcome.counts["accepted"], outcome.counts["refused"]) == (1, 1)
    [finding] = bank.get(f"/v1/submissions/{late}/findings").json()
    assert (finding["code"], finding["record"], finding["params"]["position"]) == ("S03", 0, 0)
    published = [(line.line["record"]["references"][0]["value"], closing(line.line)) for line in reader.fetch()]
    assert published == [(corporate_number(1), 999), (corporate_number(2), 130)]


def test_what_another_sender_said_since_does_not_hold_it_back(world: World) -> None:
    give(world.gateway.registrar, Delegate(sender=VENDOR, institution="9991", since=date(2026, 1, 1)))
    reader = world.reader()
    late, lost = given_up(world, trial_balance(1, 4))
    time.sleep(FRESH_FOR.total_seconds())  # until every process knows the delegation
    vendor = world.client(VENDOR)
    assert vendor.submit(trial_balance(1, 4, closing=999), recipient="13", on_behalf_of="9991").verdict == "accepted"
    try_again(world, lost)
    assert world.client(BANK).wait_for(late).counts["accepted"] == 1
    assert [closing(line.line) for line in reader.fetch()] == [999, 130]


def closing(line: dict[str, Any]) -> int:
    return int(line["record"]["lines"][0]["closing_yen"])


def held_and_linked(world: World) -> str:
    """A trial balance that waited for a number which names firm 1 by now; its release is still to be done."""
    document = trial_balance(1, 4, references=[])
    held = world.client(BANK).submit(document, recipient="13", subject="bank_customer:77")
    assert held.counts["held"] == 1
    return held.submission


def link(world: World) -> None:
    number = Reference(scheme=Scheme.BANK_CUSTOMER, scope="9991", value="77")
    firm = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(1))
    by = CORPORATION, world.gateway.clock.now()
    assert say_who(world.gateway.registrar, number, firm, None, by)[1]["13"] == 1


def test_what_was_held_gives_way_to_what_its_sender_said_while_it_waited(world: World) -> None:
    reader = world.reader()
    held_and_linked(world)
    assert world.client(BANK).submit(trial_balance(1, 4, closing=999), recipient="13").verdict == "accepted"
    link(world)
    assert worker(world.gateway).work_once()
    assert [closing(line.line) for line in reader.fetch()] == [999]
    assert world.client(CORPORATION).get("/v1/held").json() == []


def test_a_release_given_up_is_seen_under_its_own_address(world: World) -> None:
    held = held_and_linked(world)
    (world.gateway.raw_folder / held).unlink()
    link(world)
    assert states_while_tried(world, held)[-1] == "final"
    key = command(world, "jobs", "list").split("\t")[3]
    released_by = key.removeprefix(f"{held}/")
    seen = world.client(BANK).get(f"/v1/submissions/{released_by}").json()
    assert (key != released_by, seen["state"]) == (True, "stalled")


def test_a_job_that_takes_its_worker_along_every_time_is_given_up(world: World) -> None:
    bank = world.client(BANK)
    poison = bank.submit(trial_balance(1, 4), recipient="13", prefer_async=True).submission
    clock = Later(world.gateway.clock.now())
    for _ in range(LOST_WORKERS):
        clock.at += 2 * ATTEMPTS * LEASE
        with world.gateway.database.write() as session:
            claimed = jobs.claim(world.gateway.database, session, clock.now())
        assert claimed is not None
        assert bank.get(f"/v1/submissions/{poison}").json()["state"] == "processing"
    clock.at += 2 * ATTEMPTS * LEASE
    assert replace(worker(world.gateway), clock=clock).work_once()
    assert bank.get(f"/v1/submissions/{poison}").json()["state"] == "stalled"
    assert "lost 10 times" in command(world, "jobs", "list")
