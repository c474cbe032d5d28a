"""What operators do, and who is refused, stands in the audit trail, and nothing of a document does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import environment
from sqlalchemy import text
from typer.testing import CliRunner
from world import BANK, TOOL, World, running, trial_balance

from gateway.cli import app
from gateway.cli.acts import operator
from gateway.client import Refusal
from gateway.security.keys import SigningKey

NAME = "山田製作所"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("trail"), None, HAYAME_WORKER="false") as world:
        yield world


def said_by(world: World, *arguments: str) -> tuple[int, str]:
    """How a command ended, and what it said; in this process, where it starts at once."""
    done = CliRunner().invoke(app, list(arguments), env=environment(world))
    return done.exit_code, done.stdout


def command(world: World, *arguments: str) -> str:
    status, told = said_by(world, *arguments)
    assert status == 0, told
    return told


def listed(world: World) -> list[tuple[str, str, dict[str, object]]]:
    """What the trail says, oldest first: who, what, about."""
    lines = [line.split("\t") for line in command(world, "audit", "--count", "100").splitlines()]
    return [(who, what, json.loads(about)) for _, who, what, about in reversed(lines)]


def test_commands_and_refusals_are_noted_and_verified_and_an_altered_trail_is_told(
    world: World, tmp_path: Path
) -> None:
    taken = world.client(BANK).submit(trial_balance(5, 4), recipient="13")
    with pytest.raises(Refusal):
        world.client(TOOL).submit(trial_balance(5, 4), recipient="13")
    key = tmp_path / "new.jwk"
    key.write_text(json.dumps(SigningKey.generate().public.jwk()))
    command(world, "participants", "enrol", "bank-1", "bank", NAME, "--key", str(key), "--may", "submit:13")
    command(world, "participants", "delegate", "bank-1", "9999", "2026-04-01")
    command(world, "withdraw", taken.submission, "--reason", "misdirected", "--by", NAME, "--yes")
    assert said_by(world, "jobs", "retry", "4711")[0] == 1
    said = listed(world)
    me = operator()
    assert [(who, what) for who, what, _ in said if who == me] == [
        (me, "participants.enrol.begun"),
        (me, "participants.enrol.done"),
        (me, "participants.delegate.begun"),
        (me, "participants.delegate.done"),
        (me, "withdraw.begun"),
        (me, "withdraw.done"),
        (me, "jobs.retry.begun"),
        (me, "jobs.retry.failed"),
    ]
    assert (TOOL, "access.not_entitled", {"path": "/v1/submissions", "reason": "You are not entitled to this."}) in said
    assert {"job": 4711, "error": "request.not_found"} in [about for _, _, about in said]
    assert NAME not in command(world, "audit", "--count", "100")

    *heads, verdict = command(world, "audit", "--verify").splitlines()
    assert verdict.endswith("The audit trail is whole.")
    assert [head.rsplit(":", 1)[0] for head in heads] == ["operator:7", "door:0"]
    assert "is whole" in command(world, "audit", "--head", heads[0], "--head", heads[1])
    with world.gateway.database.write() as session:
        session.connection().execute(text("DELETE FROM trail_entry WHERE chain = 'operator' AND number = 7"))
    assert said_by(world, "audit", "--verify")[0] == 0, "a shorter trail is whole by itself"
    status, told = said_by(world, "audit", "--head", heads[0])
    assert (status, told.splitlines()[0]) == (1, "operator: entry 7 was kept outside and is not there")
    assert said_by(world, "audit", "--head", "operator:7")[0] == 1
