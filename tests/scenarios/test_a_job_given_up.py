"""What could not be worked off is not silently waited for: its sender reads so, and the operator tries again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from world import BANK, World, running, trial_balance

from gateway.errors import GatewayError
from gateway.wiring import worker


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    with running(tmp_path, database_url, HAYAME_WORKER="false", HAYAME_INLINE_RAW_BYTES="1") as world:
        yield world


def hayame(world: World, *words: str) -> str:
    """What the operator sees."""
    settings = {"HAYAME_DATA_DIR": str(world.folder), "HAYAME_BASE_URL": world.base_url}
    settings |= {"HAYAME_DATABASE_URL": world.database_url} if world.database_url else {}
    command = [sys.executable, "-m", "gateway", *words]
    return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True).stdout


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
    number, state, task, key, attempts, cause = hayame(world, "jobs", "list").strip().split("\t")
    assert (state, task, key, attempts) == ("given up", "load", taken.submission, "5 attempts")
    assert "FileNotFoundError" in cause
    lost.rename(kept)
    hayame(world, "jobs", "retry", number)
    assert bank.get(f"/v1/submissions/{taken.submission}").json()["state"] == "processing"
    assert worker(world.gateway).work_once()
    assert bank.wait_for(taken.submission).counts["accepted"] == 1
    assert hayame(world, "jobs", "list") == ""


def test_what_was_not_given_up_cannot_be_tried_again(world: World) -> None:
    world.client(BANK).submit(trial_balance(2, 4), recipient="13", prefer_async=True)
    number = hayame(world, "jobs", "list").split("\t")[0]
    with pytest.raises(subprocess.CalledProcessError):
        hayame(world, "jobs", "retry", number)
