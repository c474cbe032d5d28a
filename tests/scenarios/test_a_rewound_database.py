"""Somebody copies an old database file back: the server notices, takes nothing in, and reading goes on."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from commands import environment, hayame
from world import BANK, TOOL, World, trial_balance

from gateway.client import Client, Refusal
from gateway.errors import LogForked


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
        world.halt()
        world.gateway.database.close()
        shutil.copy(world.folder / "hayame.db", tmp_path / "earlier.db")
        world.start()
        bank = world.client(BANK)
        bank.submit(trial_balance(1, 2), recipient="13")
        reader.fetch()
        world.halt()
        for file in world.folder.glob("hayame.db*"):
            file.unlink()
        shutil.copy(tmp_path / "earlier.db", world.folder / "hayame.db")

        world.start()
        assert hayame("log", "check", environment=environment(world)).returncode == 1
        with pytest.raises(Refusal) as refused:
            world.client(BANK).submit(trial_balance(1, 3), recipient="13")
        assert (refused.value.problem["status"], refused.value.problem["code"]) == (503, "log.suspended")
        assert "ログ" in refused.value.problem["detail_ja"]
        assert len(world.following(TOOL).fetch()) == 1

        assert hayame("log", "reopen", "13", environment=environment(world)).returncode == 0
        assert resubmitted(world.client(BANK), trial_balance(1, 3)) == "accepted"
        assert len(careful.fetch()) == 1
        assert careful.head.origin == world.reader().head.origin == "hayame.local/epoch-2/recipients/13"
        with pytest.raises(LogForked):
            reader.fetch()
    finally:
        world.stop()
