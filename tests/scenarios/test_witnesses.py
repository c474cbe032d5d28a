"""Witnesses outside the gateway cosign what only grew; a history that was forked or rewound is told by them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from commands import hayame
from putting_back import Put, put_back, saved
from sqlalchemy import text
from world import BANK, CORPORATION, OTHER_BANK, TOOL, WITNESS, World, running, trial_balance

from gateway.client import Client, Following, Refusal
from gateway.client.witnessing import Watched, Witnessing
from gateway.errors import EvidenceError, LogForked
from gateway.runtime.reopen import reopen
from gateway.security.checkpoints import Checkpoint, open_checkpoint, write_checkpoint
from gateway.security.cosignatures import Quorum, Witness, cosign, find_cosignatures
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.merkle import EMPTY_ROOT
from gateway.security.verify import verify_evidence

LOG = "/v1/recipients/13/log"


def published(world: World) -> KeyRing:
    return KeyRing([world.gateway.key.public])


def witnessing(world: World, file: Path, name: str = CORPORATION) -> Witnessing:
    watched = Watched(world.client(name), "13", published(world), world.settings.log_name)
    return Witnessing(watched, world.keys[name], file)


def trusted(world: World, *names: str) -> Quorum:
    return Quorum(tuple(Witness(name, world.keys[name].public) for name in names), len(names))


def demanding(world: World, *names: str) -> Following:
    """A reader who takes only what the named witnesses have seen."""
    following = world.following()
    following.quorum = trusted(world, *names)
    return following


def submit(world: World, *firms: int, month: int = 1) -> None:
    bank = world.client(BANK)
    for firm in firms:
        assert bank.submit(trial_balance(firm, month), recipient="13").verdict == "accepted"


def head(world: World, **asked: Any) -> tuple[Checkpoint, str]:
    note = world.client(TOOL).get(f"{LOG}/checkpoint", asked).text
    return open_checkpoint(note, published(world)), note


def restarted(world: World, put: Put | None = None, leaving: tuple[str, ...] = ()) -> None:
    """Stop, put the database back and forget what is kept of it outside, as whoever runs the machine can; start."""
    world.halt()
    if put is not None:
        put_back(world.gateway.database, put, leaving)
        shutil.rmtree(world.settings.kept_heads)
    world.start()


def run(world: World, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command as a corporation runs it."""
    return hayame(*arguments(world, folder))


def command(world: World, folder: Path, every: str) -> list[str]:
    """The same, to be started and killed while it watches."""
    return [sys.executable, "-m", "gateway", *arguments(world, folder), "--every", every]


def arguments(world: World, folder: Path) -> list[str]:
    keys, pem = folder / "gateway.jwks", folder / "corporation.pem"
    if not pem.exists():
        keys.write_bytes(orjson.dumps(published(world).jwks()))
        world.keys[CORPORATION].save(pem)
    options = ["--url", world.base_url, "--as", CORPORATION, "--key", str(pem), "--gateway-key", str(keys)]
    return ["witness", "13", *options, "--seen", str(folder / "seen")]


@pytest.fixture
def own(tmp_path: Path, engine: str, request: pytest.FixtureRequest) -> Iterator[World]:
    """A gateway of the test's own, since its history is to be forged."""
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    with running(tmp_path / "data", url) as world:
        yield world


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[World]:
    """A gateway of the test's own where the engine makes no difference."""
    with running(tmp_path / "data", None) as world:
        yield world


def test_a_corporation_cosigns_and_its_line_is_served_with_the_checkpoint(world: World, tmp_path: Path) -> None:
    submit(world, 1)
    witness = witnessing(world, tmp_path / "seen")
    (cosigned,) = witness.look()
    checkpoint, note = head(world)
    assert cosigned == checkpoint
    assert list(trusted(world, CORPORATION).require(note)) == [CORPORATION]
    assert head(world, quorum=1) == head(world, cosigned_by=CORPORATION) == head(world, size=checkpoint.size)
    assert witness.look() == []
    submit(world, 2)
    assert head(world)[0].size == checkpoint.size + 1
    assert find_cosignatures(head(world)[1], trusted(world, CORPORATION).witnesses) == []
    assert head(world, quorum=1) == (checkpoint, note)
    assert [one.size for one in witness.look()] == [checkpoint.size + 1]


def test_a_reader_who_demands_a_witness_is_given_only_what_it_saw(world: World, tmp_path: Path) -> None:
    witness = witnessing(world, tmp_path / "seen")
    submit(world, 3)
    witness.look()
    reader = demanding(world, CORPORATION)
    reader.fetch()
    submit(world, 4)
    assert reader.fetch() == []
    witness.look()
    assert len(reader.fetch(wait=5)) == 1


def test_evidence_under_a_cosigned_checkpoint_is_verified_offline(world: World, tmp_path: Path) -> None:
    witness, bank = witnessing(world, tmp_path / "seen"), world.client(BANK)
    outcome = bank.submit(trial_balance(5, 1), recipient="13")
    with pytest.raises(Refusal) as refused:
        bank.evidence(outcome.submission, quorum=1)
    assert refused.value.status == 404
    witness.look()
    submit(world, 6)
    bundle, newest = bank.evidence(outcome.submission, quorum=1), bank.evidence(outcome.submission)
    assert verify_evidence(bundle, published(world), trusted(world, CORPORATION)).holds
    assert not verify_evidence(newest, published(world), trusted(world, CORPORATION)).holds
    assert not verify_evidence(bundle, published(world), trusted(world, CORPORATION, WITNESS)).holds
    (tmp_path / "evidence.json").write_bytes(bundle)
    (tmp_path / "gateway.jwks").write_bytes(orjson.dumps(published(world).jwks()))
    for name in (CORPORATION, WITNESS):
        (tmp_path / f"{name}.jwk").write_bytes(orjson.dumps(world.keys[name].public.jwk()))
    verify = ["verify", str(tmp_path / "evidence.json"), "--key", str(tmp_path / "gateway.jwks")]
    named = [f"--witness={name}={tmp_path / name}.jwk" for name in (CORPORATION, WITNESS)]
    held = hayame(*verify, *named, "--quorum=1")
    assert (held.returncode, f"was seen by {CORPORATION} 20" in held.stdout) == (0, True)
    for wrong in (named, ["--quorum=1"], ["--witness=nameless"]):
        assert hayame(*verify, *wrong).returncode == 1


def test_two_witnesses_who_look_at_different_moments_are_a_quorum(world: World, tmp_path: Path) -> None:
    first, second = (witnessing(world, tmp_path / name, name) for name in (CORPORATION, WITNESS))
    submit(world, 7)
    for witness in (second, first):
        witness.look()
    submit(world, 8)
    (seen_by_first,) = first.look()
    submit(world, 9)
    assert [one.size for one in second.look()] == [seen_by_first.size, seen_by_first.size + 1]
    checkpoint, note = head(world, quorum=2, cosigned_by=[CORPORATION, WITNESS])
    assert checkpoint == seen_by_first
    assert trusted(world, CORPORATION, WITNESS).require(note).keys() == {CORPORATION, WITNESS}


def test_many_looks_at_once_while_banks_submit_cosign_one_history(world: World, tmp_path: Path) -> None:
    witnesses = [witnessing(world, tmp_path / "seen") for _ in range(6)]
    with ThreadPoolExecutor(8) as pool:
        writing = pool.submit(submit, world, *range(10, 20))
        looks = [pool.submit(witness.look) for witness in witnesses * 3]
        cosigned = [one for look in looks for one in look.result()]
        writing.result()
    assert len({one.size for one in cosigned}) == len(cosigned)
    size = head(world)[0].size
    witnesses[0].look()
    assert open_checkpoint((tmp_path / "seen").read_text(), published(world)).size == size


def test_a_key_that_is_not_registered_cosigns_nothing(world: World, tmp_path: Path) -> None:
    submit(world, 21)
    watched = Watched(world.client(CORPORATION), "13", published(world), world.settings.log_name)
    with pytest.raises(Refusal, match="by a key that is registered for you") as refused:
        Witnessing(watched, SigningKey.generate(), tmp_path / "seen").look()
    assert refused.value.status == 400
    assert "登録された鍵" in refused.value.ja


def test_a_gateway_with_another_key_or_name_is_not_believed(world: World, tmp_path: Path) -> None:
    submit(world, 22)
    client, key = world.client(CORPORATION), world.keys[CORPORATION]
    stranger = Watched(client, "13", KeyRing([SigningKey.generate().public]), world.settings.log_name)
    other_name = Watched(client, "13", published(world), "hayame.example")
    for watched in (stranger, other_name):
        with pytest.raises(EvidenceError):
            Witnessing(watched, key, tmp_path / "seen").look()
    assert not (tmp_path / "seen").exists()


def test_only_a_witness_of_this_corporation_hands_in_and_what_it_hands_in_must_be_of_this_log(world: World) -> None:
    submit(world, 23)
    checkpoint, note = head(world)
    now = datetime.now(UTC)

    def refused(name: str, note: str, log: str = LOG) -> tuple[int, str]:
        with pytest.raises(Refusal) as refusal:
            world.client(name).post(f"{log}/cosignatures", {"note": note + cosign(note, name, world.keys[name], now)})
        return refusal.value.status, refusal.value.problem["code"]

    for name in (BANK, OTHER_BANK, TOOL):
        assert refused(name, note) == (403, "access.not_entitled")
    assert refused(CORPORATION, note, "/v1/recipients/14/log") == (403, "access.not_entitled")
    forged = write_checkpoint(checkpoint.origin, checkpoint.size, EMPTY_ROOT, world.gateway.key)
    assert refused(CORPORATION, forged) == (404, "request.not_found")
    assert refused(CORPORATION, forged.replace("\n\n", "\nmore\n\n")) == (400, "request.invalid")


def test_a_witness_sees_how_the_log_grows_and_nothing_of_what_is_in_it_nor_any_other_log(world: World) -> None:
    submit(world, 24, 25)
    witness = world.client(WITNESS)
    size = head(world)[0].size
    assert witness.get(f"{LOG}/checkpoint").text.startswith(f"hayame.local/recipients/13\n{size}\n")
    assert witness.get(f"{LOG}/proofs/consistency", {"first": 1, "second": size}).json()["path"]
    assert witness.get(f"{LOG}/receipts", {"limit": 10_000}).text == ""
    assert len(world.client(TOOL).get(f"{LOG}/receipts", {"limit": 10_000}).text.split()) == size
    for path in ("/v1/recipients/13/feed", "/v1/recipients/13/lead-times"):
        assert status(witness, path) == 403
    for path in ("checkpoint", "cosignatures", "receipts", "proofs/consistency?first=1&second=1"):
        assert [status(world.client(one), f"/v1/recipients/14/log/{path}") for one in (WITNESS, CORPORATION)] == [
            403
        ] * 2


def status(client: Client, path: str) -> int:
    try:
        return client.get(path).status_code
    except Refusal as refusal:
        return refusal.status


def test_what_does_not_go_together_or_is_not_there_is_said(world: World) -> None:
    submit(world, 26)
    tool = world.client(TOOL)
    assert status(tool, f"{LOG}/checkpoint?size=1&quorum=1") == 400
    assert status(tool, f"{LOG}/checkpoint?quorum=0") == 400
    assert status(tool, f"{LOG}/checkpoint?quorum=3") == 404
    assert status(tool, f"{LOG}/checkpoint?cosigned_by=nobody") == 404


@pytest.mark.parametrize(
    ("others", "leaving"),
    [((12,), ()), ((12, 13), ("cosignature",))],
    ids=["as long as before", "longer than before, and the cosignatures are kept"],
)
def test_a_forked_history_is_told_by_witness_and_reader(
    own: World, tmp_path: Path, others: tuple[int, ...], leaving: tuple[str, ...]
) -> None:
    submit(own, 10)
    earlier = saved(own.gateway.database)
    submit(own, 11)
    witness = witnessing(own, tmp_path / "seen")
    witness.look()
    reader, seen = demanding(own, CORPORATION), (tmp_path / "seen").read_text()
    assert len(reader.fetch()) == 2

    restarted(own, earlier, leaving)
    submit(own, *others)
    told = run(own, tmp_path)
    assert (told.returncode, "contradict" in told.stderr, "矛盾" in told.stderr) == (3, True, True)
    (file,) = tmp_path.glob("*.contradiction-2.json")
    contradiction = orjson.loads(file.read_bytes())
    first, second = (
        open_checkpoint(contradiction[name], published(own)) for name in ("seen", "shown_at_the_size_seen")
    )
    assert (first.origin, first.size) == (second.origin, second.size)
    assert first.root != second.root
    assert open_checkpoint(contradiction["shown"], published(own)) == head(own)[0]
    assert (tmp_path / "seen").read_text() == contradiction["seen"] == seen
    before = file.read_bytes()
    with pytest.raises(LogForked):
        witness.look()
    assert file.read_bytes() == before
    with pytest.raises(EvidenceError):
        reader.fetch()


@pytest.mark.parametrize("leaving", [(), ("cosignature",)], ids=["wholly", "but for the cosignatures"])
def test_a_rewound_history_is_told_by_witness_and_reader(own: World, tmp_path: Path, leaving: tuple[str, ...]) -> None:
    submit(own, 10)
    earlier = saved(own.gateway.database)
    submit(own, 11)
    witness, reader = witnessing(own, tmp_path / "seen"), demanding(own, CORPORATION)
    witness.look()
    reader.fetch()
    submit(own, 12)
    witnessing(own, tmp_path / "other", WITNESS).look()
    restarted(own, earlier, leaving)
    with pytest.raises(LogForked, match="1 entries are shown where 2 were seen") as forked:
        witness.look()
    assert "以前 2 件を確認したログが 1 件になっています" in forked.value.ja
    contradiction = orjson.loads((tmp_path / "seen.contradiction-2.json").read_bytes())
    heads = [open_checkpoint(contradiction[name], published(own)).size for name in ("seen", "shown")]
    assert (heads, contradiction["shown_at_the_size_seen"]) == ([2, 1], None)
    with pytest.raises(LogForked):
        reader.fetch()


def test_a_gateway_that_shows_another_history_elsewhere_with_the_same_key_is_told(
    embedded: World, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere" / "keys").mkdir(parents=True)
    shutil.copy(embedded.folder / "keys" / "gateway.pem", tmp_path / "elsewhere" / "keys" / "gateway.pem")
    with running(tmp_path / "elsewhere", None) as other:
        submit(embedded, 10, 11)
        submit(other, 10, 12, 13)
        here, there = (witnessing(world, tmp_path / "seen") for world in (embedded, other))
        here.look()
        with pytest.raises(LogForked):
            there.look()
        reader = demanding(embedded, CORPORATION)
        reader.fetch()
        shown = demanding(other, CORPORATION)
        shown.quorum = reader.quorum
        assert shown.fetch() == []
        shown.head = reader.head
        with pytest.raises(LogForked):
            shown.fetch()
    contradiction = orjson.loads((tmp_path / "seen.contradiction-2.json").read_bytes())
    roots = {
        open_checkpoint(contradiction[name], published(embedded)).root for name in ("seen", "shown_at_the_size_seen")
    }
    assert len(roots) == 2


def test_a_log_that_was_reopened_is_followed_by_who_had_not_seen_further(own: World, tmp_path: Path) -> None:
    careful, other = (witnessing(own, tmp_path / name, name) for name in (WITNESS, CORPORATION))
    eager = witnessing(own, tmp_path / "eager")
    submit(own, 10)
    careful.look()
    other.look()
    earlier = saved(own.gateway.database)
    submit(own, 11)
    eager.look()
    own.halt()
    put_back(own.gateway.database, earlier)
    own.start()
    own.gateway.kept.look()
    reopen(own.gateway.sealer, own.gateway.kept, own.gateway.blocks.cipher, "13")
    (cosigned,) = careful.look()
    assert (cosigned.origin, cosigned.size) == ("hayame.local/epoch-2/recipients/13", 2)
    assert other.look() == [cosigned]
    assert trusted(own, WITNESS, CORPORATION).require(head(own)[1]).keys() == {CORPORATION, WITNESS}
    with pytest.raises(LogForked):
        eager.look()
    assert (tmp_path / "eager.contradiction-2.json").exists()


def test_a_log_under_a_new_name_that_no_entry_explains_is_not_cosigned(embedded: World, tmp_path: Path) -> None:
    submit(embedded, 10)
    witness = witnessing(embedded, tmp_path / "seen")
    witness.look()
    with embedded.gateway.database.write() as session:
        session.execute(text("UPDATE head SET epoch = 2"))
    submit(embedded, 11)
    with pytest.raises(LogForked, match="no entry reopens it"):
        witness.look()
    assert head(embedded)[1].count("—") == 1


def test_a_witness_that_is_killed_again_and_again_never_loses_what_it_saw(embedded: World, tmp_path: Path) -> None:
    submit(embedded, 1)
    assert run(embedded, tmp_path).returncode == 0
    seen, before = tmp_path / "seen", 1
    for firm in range(2, 8):
        watching = subprocess.Popen(command(embedded, tmp_path, "0.001"), stdout=subprocess.PIPE)
        assert watching.stdout is not None
        submit(embedded, firm)
        if firm % 2:
            watching.stdout.readline()
        watching.kill()
        watching.wait()
        watching.stdout.close()
        now = open_checkpoint(seen.read_text(), published(embedded))
        newest, _ = head(embedded, quorum=1)
        assert before <= now.size >= newest.size
        before = now.size
    assert run(embedded, tmp_path).returncode == 0
    assert head(embedded, quorum=1) == head(embedded)
    assert open_checkpoint(seen.read_text(), published(embedded)) == head(embedded)[0]


def test_a_watching_witness_waits_for_a_gateway_that_is_away(embedded: World, tmp_path: Path) -> None:
    submit(embedded, 1)
    with subprocess.Popen(command(embedded, tmp_path, "0.1"), stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().startswith("cosigned hayame.local/recipients/13 1 ")
        embedded.kill()
        assert "接続できません" in watching.stdout.readline()
        embedded.start()
        submit(embedded, 2)
        said = iter(watching.stdout.readline, "")
        assert next(line for line in said if line.startswith("cosigned")).split()[2] == "2"
        watching.kill()
    embedded.kill()
    assert run(embedded, tmp_path).returncode == 1
    embedded.start()
