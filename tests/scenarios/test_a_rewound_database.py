"""Somebody copies an old database file back: the server notices, takes nothing in, and reading goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from world import BANK, TOOL, World, trial_balance

from gateway.client import Client, Refusal
from gateway.errors import LogForked


def hayame(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the operator's."""
    environment = {"HAYAME_DATA_DIR": str(world.folder), "HAYAME_BASE_URL": world.base_url, "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def halt(world: World) -> None:
    """Stop the server politely; the world stays."""
    assert world.process is not None
    world.process.terminate()
    world.process.wait(timeout=30)


def resubmitted(client: Client, document: bytes) -> str | None:
    """Submit until the running server has noticed that the log was reopened."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return client.submit(document, recipient="13").verdict
        except Refusal as refusal:
            if refusal.problem["code"] != "log.suspended" or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_a_database_copied_back_is_noticed_and_signs_nothing_until_it_is_reopened(tmp_path: Path) -> None:
    world = World(tmp_path / "data", None).start()
    try:
        bank, reader, careful = world.client(BANK), world.following(), world.following()
        bank.submit(trial_balance(1, 1), recipient="13")
        careful.fetch()
        halt(world)
        world.gateway.database.close()
        shutil.copy(world.folder / "hayame.db", tmp_path / "earlier.db")
        world.start()
        bank = world.client(BANK)
        bank.submit(trial_balance(1, 2), recipient="13")
        reader.fetch()
        halt(world)
        for file in world.folder.glob("hayame.db*"):
            file.unlink()
        shutil.copy(tmp_path / "earlier.db", world.folder / "hayame.db")

        world.start()
        assert hayame(world, "log", "check").returncode == 1
        with pytest.raises(Refusal) as refused:
            world.client(BANK).submit(trial_balance(1, 3), recipient="13")
        assert (refused.value.problem["status"], refused.value.problem["code"]) == (503, "log.suspended")
        assert "ログ" in refused.value.problem["detail_ja"]
        assert len(world.following(TOOL).fetch()) == 1

        assert hayame(world, "log", "reopen", "13").returncode == 0
        assert resubmitted(world.client(BANK), trial_balance(1, 3)) == "accepted"
        assert len(careful.fetch()) == 1
        assert careful.head.origin == world.reader().head.origin == "hayame.local/epoch-2/recipients/13"
        with pytest.raises(LogForked):
            reader.fetch()
    finally:
        world.stop()
