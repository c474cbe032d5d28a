"""A key takes over while the gateway serves: nothing is refused, and everything sealed before and after holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from world import BANK, WITNESS, World, running, trial_balance

from gateway.client.witnessing import Watched, Witnessing
from gateway.security.keys import KeyRing
from gateway.security.signing import kid_of, open_receipt
from gateway.security.verify import verify_evidence

TURN_S = 2.5  # a second until the new key's turn, one until each process has looked


def rotate(world: World, *options: str) -> str:
    command = [sys.executable, "-m", "gateway", "keys", "rotate-signing", *options]
    environment = os.environ | {"HAYAME_DATA_DIR": str(world.folder)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.partition(" ")[0]


def published(world: World) -> list[str]:
    told = httpx2.get(f"{world.base_url}/.well-known/jwks.json", trust_env=False)
    return [key["kid"] for key in told.json()["keys"]]


def test_receipts_tokens_readers_and_witnesses_go_on_over_a_rotation(tmp_path: Path) -> None:
    with running(tmp_path, None, HAYAME_PROCESSES="2", HAYAME_WORKER="false") as world:
        log_key, bank, reader = world.gateway.key, world.client(BANK), world.following()
        pinned = KeyRing([log_key.public])
        before = bank.submit(trial_balance(1, 4), recipient="13")
        assert [line.submission for line in reader.fetch()] == [before.submission]

        fresh = rotate(world, "--at-once")
        time.sleep(TURN_S)
        after = [bank.submit(trial_balance(firm, 4), recipient="13") for firm in range(2, 6)]
        assert {kid_of(outcome.receipts[0]) for outcome in after} == {fresh}
        assert kid_of(before.receipts[0]) == log_key.kid
        assert published(world) == [log_key.kid, fresh]

        assert len(reader.fetch()) == 4, "who keeps the old key file learns the new key from the log's"
        everything = bank.gateway_keys()
        for outcome in (before, after[0]):
            open_receipt(outcome.receipts[0], everything)
            for keys in (pinned, everything):
                assert verify_evidence(bank.evidence(outcome.submission), keys).holds
            assert verify_evidence(bank.evidence(outcome.submission, container=True), everything).holds

        watched = Watched(world.client(WITNESS), "13", pinned, world.settings.log_name)
        Witnessing(watched, world.keys[WITNESS], tmp_path / "seen").look()
        assert "federation" in world.client(WITNESS).get("/v1/recipients/13/log/checkpoint", {"quorum": 1}).text

        announced = rotate(world)
        assert published(world) == [log_key.kid, fresh, announced]
        world.kill()
        world.start()
        again = world.client(BANK).submit(trial_balance(6, 4), recipient="13")
        assert kid_of(again.receipts[0]) == fresh, "an announced key signs a day later"
        assert published(world) == [log_key.kid, fresh, announced]


def test_a_key_is_announced_for_a_day_at_least(tmp_path: Path) -> None:
    environment = os.environ | {"HAYAME_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "gateway", "keys", "rotate-signing"]
    short = subprocess.run([*command, "--hours", "23"], env=environment, check=False, capture_output=True, timeout=60)
    assert short.returncode != 0
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    signs_from = datetime.fromisoformat(done.stdout.split()[3])
    assert signs_from - datetime.now(UTC) > timedelta(hours=24)
    twice = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)
    assert (twice.returncode, "予告済み" in twice.stderr) == (1, True)
