"""The key of the logs has a successor while the gateway serves; then it is ended. Who keeps the first key goes on."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import orjson
import pytest
from commands import command
from world import BANK, TOOL, WITNESS, World, running, trial_balance

from gateway.client import Following
from gateway.client.witnessing import Watched, Witnessing
from gateway.errors import SignatureMismatch
from gateway.schemas.identifiers import instant_text
from gateway.security.checkpoints import open_checkpoint, write_checkpoint
from gateway.security.keys import KeyRing
from gateway.security.log_keys import LogKeys
from gateway.security.signing import kid_of
from gateway.security.verify import verify_evidence

BEGINS, ALONE = timedelta(seconds=1.5), timedelta(seconds=4)


def published(world: World) -> KeyRing:
    return KeyRing.parse(httpx2.get(f"{world.base_url}/.well-known/jwks.json", trust_env=False).content)


def hasten(world: World) -> datetime:
    """Let the announced key's turn begin in a moment, and the old key's be over soon; nobody waits a day in a test."""
    (path,) = (world.folder / "keys" / "logs").glob("*.json")
    begins = datetime.now(UTC) + BEGINS
    said = orjson.loads(path.read_bytes())
    instants = {"from_at": instant_text(begins), "both_until": instant_text(begins + ALONE)}
    path.write_bytes(orjson.dumps(said | instants))
    path.with_name("x").touch()  # the folder has changed
    return begins


def wait_until(instant: datetime) -> None:
    time.sleep(max((instant - datetime.now(UTC)).total_seconds(), 0) + 0.05)


def told(bundle: bytes, keys: KeyRing) -> str:
    report = verify_evidence(bundle, keys)
    assert report.holds, report
    return next(check.detail_en for check in report.checks if check.name == "checkpoint_signature")


def head(world: World) -> str:
    return world.client(TOOL).get("/v1/recipients/13/log/checkpoint").text


def ends(world: World, reader: Following, exported: list[bytes]) -> None:
    """The key of the logs is ended: only who has the new key file goes on; what was exported holds either way."""
    bank, stolen, stood = world.client(BANK), LogKeys(world.settings.key_file, world.gateway.clock).current, reader.head
    command(world, "keys", "end-log-key", "--yes")
    outcomes = [bank.submit(trial_balance(firm, 6), recipient="13") for firm in range(2, 6)]
    (third,) = {kid_of(outcome.receipts[0]) for outcome in outcomes}
    keys = published(world)
    now = open_checkpoint(head(world), keys)
    assert (now.signed_by, now.origin) == ((third,), "hayame.local/epoch-2/recipients/13")
    with pytest.raises(SignatureMismatch):
        reader.fetch()
    handed_out = Following(world.client(TOOL), "13", keys, world.settings.log_name)
    handed_out.head = stood
    assert len(handed_out.fetch()) == 4
    fresh = bank.evidence(outcomes[0].submission, container=True)
    assert all(verify_evidence(bundle, keys).holds for bundle in (*exported, fresh))
    assert all(verify_evidence(bundle, reader.keys).holds for bundle in exported)
    for origin, size in ((now.origin, now.size), (stood.origin, stood.size + 1)):
        with pytest.raises(SignatureMismatch):
            open_checkpoint(write_checkpoint(origin, size, now.root, stolen), keys)
    told_everybody = bank.get(f"/v1/participants/{BANK}").json()["changes"][0]
    assert told_everybody["said"]["change"] == "log_key_ended"
    private = [path for path in (world.folder / "keys").glob("**/*.*") if b"PRIVATE KEY" in path.read_bytes()]
    assert [path.parent.name for path in private] == ["logs"], "only the new key is left"
    world.kill()
    world.start()
    assert world.client(BANK).submit(trial_balance(7, 6), recipient="13").status == 201


def test_the_key_of_the_logs_is_succeeded_and_then_ended(tmp_path: Path) -> None:
    with running(tmp_path, None, HAYAME_PROCESSES="2", HAYAME_WORKER="false") as world:
        first, bank, reader = world.gateway.key, world.client(BANK), world.following()
        pinned = KeyRing([first.public])
        watched = Watched(world.client(WITNESS), "13", pinned, world.settings.log_name)
        witnessing = Witnessing(watched, world.keys[WITNESS], tmp_path / "seen")

        def submitted(month: int) -> str:
            outcome = bank.submit(trial_balance(1, month), recipient="13")
            assert len(reader.fetch()) == 1, "who keeps the first key goes on"
            assert len(witnessing.look()) == 1
            return outcome.submission

        before = submitted(1)
        kept = bank.evidence(before)
        second = command(world, "keys", "log-successor").partition(" ")[0]
        assert [key.kid for key in published(world)] == [first.kid, second]
        shown = bank.get(f"/v1/participants/{BANK}").json()["changes"][0]
        assert (shown["said"]["change"], shown["said"]["what"]["key"]["kid"]) == ("log_key_announced", second)
        change = bank.get(f"/v1/participants/{BANK}/changes/{shown['statement']}").content
        assert told(change, pinned).endswith(first.kid)

        begins = hasten(world)
        wait_until(begins)
        both = submitted(2)
        assert open_checkpoint(head(world), published(world)).signed_by == (second, first.kid)
        assert open_checkpoint(head(world), pinned).signed_by == (first.kid,)
        wait_until(begins + ALONE)
        alone = [submitted(month) for month in (3, 4, 5)]
        assert open_checkpoint(head(world), published(world)).signed_by == (second,)
        for submission in (before, both, *alone):
            for container in (False, True):
                bundle = bank.evidence(submission, container=container)
                assert told(bundle, pinned).endswith(f"by {second}, which succeeds a key of the key file")
                assert told(bundle, published(world)).endswith(f"by {second}")
        assert told(kept, pinned) == told(kept, published(world))

        ends(world, reader, [kept, bank.evidence(both)])
