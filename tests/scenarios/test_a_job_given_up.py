"""What could not be worked off is not silently waited for: its sender reads so, and the operator tries again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import BANK, World, running, trial_balance

from gateway.errors import PeerError
from gateway.store import jobs
from gateway.wiring import worker


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    with running(tmp_path, database_url, HAYAME_WORKER="false") as world:
        yield world


def hayame(world: World, *words: str) -> str:
    """What the operator sees."""
    settings = {"HAYAME_DATA_DIR": str(world.folder), "HAYAME_BASE_URL": world.base_url}
    settings |= {"HAYAME_DATABASE_URL": world.database_url} if world.database_url else {}
    command = [sys.executable, "-m", "gateway", *words]
    return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True).stdout


def give_up(world: World) -> None:
    """What a worker does when the last attempt fails."""
    gateway = world.gateway
    with gateway.database.write() as session:
        job = jobs.claim(gateway.database, session, gateway.clock.now())
        assert job is not None
        jobs.finish(session, job, gateway.clock.now(), "the disk is full")


def test_a_job_given_up_is_seen_by_its_sender_and_tried_again_by_the_operator(world: World) -> None:
    bank = world.client(BANK)
    taken = bank.submit(trial_balance(1, 4), recipient="13", key="k", prefer_async=True)
    assert taken.state == "processing"
    give_up(world)
    seen = bank.get(f"/v1/submissions/{taken.submission}").json()
    assert (seen["state"], "運用者" in seen["detail_ja"]) == ("stalled", True)
    assert bank.submit(trial_balance(1, 4), recipient="13", key="k", prefer_async=True).state == "stalled"
    with pytest.raises(PeerError, match="operator"):
        bank.wait_for(taken.submission)
    number, state, task, key, _, cause = hayame(world, "jobs", "list").strip().split("\t")
    assert (state, task, key, cause) == ("given up", "load", taken.submission, "the disk is full")
    hayame(world, "jobs", "retry", number)
    assert worker(world.gateway).work_once()
    assert bank.wait_for(taken.submission).counts["accepted"] == 1
    assert hayame(world, "jobs", "list") == ""


def test_what_was_not_given_up_cannot_be_tried_again(world: World) -> None:
    world.client(BANK).submit(trial_balance(2, 4), recipient="13", prefer_async=True)
    number = hayame(world, "jobs", "list").split("\t")[0]
    with pytest.raises(subprocess.CalledProcessError):
        hayame(world, "jobs", "retry", number)
