"""Documents handed over by who writes no program against ours: curl and openssl, Node, Java; a folder with an agent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from commands import started
from world import BANK, World, running, trial_balance

from gateway.agent import Agent, Instructions, watch
from gateway.client import Client, Outcome
from gateway.collectors.folder import ACCEPTED, IN_HAND, RETURNED, Folder
from gateway.errors import PeerError
from gateway.registers import enrolment
from gateway.registers.participants import FRESH_FOR
from gateway.security.keys import KeyRing
from gateway.security.signing import open_receipt

SENDERS = Path(__file__).resolve().parents[2] / "docs" / "senders"
PROGRAMS = {
    "curl": ["bash", str(SENDERS / "submit.sh")],
    "node": ["node", str(SENDERS / "submit.mjs")],
    "java": ["java", str(SENDERS / "Submit.java")],
}
SENT = iter(range(1_000, 9_000))  # amounts, so that no two documents are alike
KEYS = {
    "Ed25519": ["-algorithm", "ed25519"],
    "P-256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
}


@dataclass
class Sender:
    """A bank that openssl made a key for."""

    world: World
    client: str
    key: Path

    def run(self, program: str, document: Path, corporation: str = "13") -> tuple[int, Any]:
        """What a program says of a document: its exit status, and the gateway's answer or the complaint."""
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
        command = [*PROGRAMS[program], self.world.base_url, self.client, str(self.key), corporation, str(document)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("senders"), None) as world:
        yield world


def sender(world: World, folder: Path, kind: str = "Ed25519", *, enrolled: bool = True) -> Sender:
    key, public = folder / "key.pem", folder / "key.pem.pub"
    for words in (["genpkey", *KEYS[kind], "-out", key], ["pkey", "-in", key, "-pubout", "-out", public]):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    client, keys = f"bank-{folder.name}", KeyRing.parse(public.read_bytes())
    if enrolled:
        entry = enrolment.Entry(client, "bank", client, "9991", keys, enrolment.entitlements(["submit:13"]))
        enrolment.enrol(world.gateway.registrar, entry)
        time.sleep(FRESH_FOR.total_seconds())  # until the server looks at the register again
    return Sender(world, client, key)


def document(folder: Path, raw: bytes) -> Path:
    path = folder / "document.json"
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("program", "kind"), [("curl", "Ed25519"), ("node", "Ed25519"), ("node", "P-256"), ("java", "Ed25519")]
)
def test_a_document_is_taken_and_its_receipt_holds(world: World, tmp_path: Path, program: str, kind: str) -> None:
    status, outcome = sender(world, tmp_path, kind).run(program, document(tmp_path, trial_balance(1, 4)))
    assert (status, outcome["verdict"]) in {(0, "accepted"), (0, "unchanged")}, outcome
    sealed = open_receipt(outcome["statements"][0]["receipt"], KeyRing([world.gateway.key.public]))
    assert json.loads(sealed)["submission"] == outcome["submission"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_document_that_is_refused_comes_back_with_its_reasons(world: World, tmp_path: Path, program: str) -> None:
    status, outcome = sender(world, tmp_path).run(program, document(tmp_path, b'{"kind":"trial_balance"}'))
    assert (status != 0, outcome["verdict"]) == (True, "refused"), outcome
    assert [finding["code"] for finding in outcome["findings"]] == ["R03"] * len(outcome["findings"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_who_is_not_enrolled_is_told_so(world: World, tmp_path: Path, program: str) -> None:
    status, complaint = sender(world, tmp_path, enrolled=False).run(program, document(tmp_path, trial_balance(1, 4)))
    assert status != 0
    assert "401" in complaint or "invalid_client" in complaint


class Crashed(BaseException):
    """The machine stops here: nothing after it is done, nothing is tidied up."""


@dataclass
class Unlucky(Client):
    """A connection that fails after the gateway took a document, as often as told."""

    fails: list[BaseException] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def submit(self, document: bytes, **asked: Any) -> Outcome:  # type: ignore[override] - what it is given it passes on
        outcome = super().submit(document, **asked)
        self.taken.append(outcome.submission)
        if self.fails:
            raise self.fails.pop()
        return outcome


def agent(world: World, folder: Path, *fails: BaseException, url: str = "") -> Agent:
    """An agent of the bank that takes what lies in a folder at once."""
    client = Unlucky(url or world.base_url, BANK, world.keys[BANK], fails=list(fails))
    world.clients.append(client)
    keys = KeyRing([world.gateway.key.public])
    return Agent(client, Folder(folder, 0), Instructions({"recipient": ["13"]}, keys), lambda said: None)


def taken(one: Agent) -> list[str]:
    assert isinstance(one.client, Unlucky)
    return one.client.taken


def drop(folder: Path, name: str, document: bytes = b"") -> None:
    (folder / name).write_bytes(document or trial_balance(2, 5, closing=next(SENT)))


def laid(folder: Path, room: str) -> dict[str, Path]:
    """Where each file is that came to an end in a room."""
    return {path.name: path for path in (folder / room).glob("*/*")}


def submission_in(place: Path) -> str:
    """Which submission the receipt beside a file is for."""
    return str(json.loads(next(place.glob("*.受領証.json")).read_bytes())["submission"])


def test_a_file_that_was_dropped_has_its_receipt_beside_it(world: World, tmp_path: Path) -> None:
    drop(tmp_path, "試算表 5月.json")
    assert watch(agent(world, tmp_path), 0.1, once=True)
    place = laid(tmp_path, ACCEPTED)["試算表 5月.json"]
    receipt = (place / "試算表 5月.json.受領証.jws").read_text().strip()
    sealed = json.loads(open_receipt(receipt, KeyRing([world.gateway.key.public])))
    assert (sealed["submission"], sealed["origin"]["channel"]) == (submission_in(place), "agent")
    assert "受け付けました" in (place / "試算表 5月.json.結果.txt").read_text("utf-8-sig")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([IN_HAND, ACCEPTED])


def test_a_file_that_is_refused_has_its_findings_beside_it(world: World, tmp_path: Path) -> None:
    raw = b'{"kind":"trial_balance"}'
    drop(tmp_path, "誤り.json", raw)
    assert watch(agent(world, tmp_path), 0.1, once=True)
    place = laid(tmp_path, RETURNED)["誤り.json"]
    assert "[refuse] R03" in (place / "誤り.json.指摘.txt").read_text("utf-8")
    assert "R03,refuse" in (place / "誤り.json.指摘.csv").read_text("utf-8-sig")
    assert (place / "返戻-誤り.json").read_bytes() == (place / "誤り.json").read_bytes() == raw
    said = (place / "誤り.json.結果.txt").read_text("utf-8-sig")
    assert "受け付けられませんでした" in said
    assert "Result: refused" in said


def test_what_may_not_be_handed_over_comes_back_with_the_reason(world: World, tmp_path: Path) -> None:
    drop(tmp_path, "a.json")
    other = agent(world, tmp_path)
    other.instructions = Instructions({"recipient": ["14100"]})
    assert watch(other, 0.1, once=True)
    said = (laid(tmp_path, RETURNED)["a.json"] / "a.json.結果.txt").read_text("utf-8-sig")
    assert "権限がありません" in said


def test_after_a_crash_or_a_lost_answer_the_same_receipt_is_fetched(world: World, tmp_path: Path) -> None:
    drop(tmp_path, "a.json")
    first = agent(world, tmp_path, Crashed(), PeerError())
    assert not watch(first, 0.1, once=True)  # the answer is lost
    with pytest.raises(Crashed):
        watch(first, 0.1, once=True)
    second = agent(world, tmp_path)
    assert watch(second, 0.1, once=True)
    assert {submission_in(laid(tmp_path, ACCEPTED)["a.json"])} == {*taken(first), *taken(second)}
    assert (len(taken(first)), len(taken(second))) == (2, 1)


def test_without_a_network_it_waits_and_then_sends_in_order(world: World, tmp_path: Path) -> None:
    for number in range(3):
        drop(tmp_path, f"{number}.json")
        os.utime(tmp_path / f"{number}.json", (number, number))
    nowhere = agent(world, tmp_path, url="http://127.0.0.1:9")
    assert not watch(nowhere, 0.1, once=True)
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["1.json", "2.json"]
    assert "接続できません" in next(tmp_path.glob(f"{IN_HAND}/*/0.json.結果.txt")).read_text("utf-8-sig")
    assert nowhere.pause_s(0.1) > 1
    back = agent(world, tmp_path)
    assert watch(back, 0.1, once=True)
    assert [submission_in(laid(tmp_path, ACCEPTED)[f"{number}.json"]) for number in range(3)] == taken(back)


def test_what_the_gateway_may_have_forgotten_is_not_sent_again(world: World, tmp_path: Path) -> None:
    drop(tmp_path, "a.json")
    assert not watch(agent(world, tmp_path, PeerError()), 0.1, once=True)
    late = agent(world, tmp_path)
    late.instructions = Instructions({"recipient": ["13"]}, kept_days=0)
    assert watch(late, 0.1, once=True)
    assert taken(late) == []
    assert "窓口に確認" in (laid(tmp_path, RETURNED)["a.json"] / "a.json.結果.txt").read_text("utf-8-sig")


def test_two_agents_on_one_folder_send_each_file_once(world: World, tmp_path: Path) -> None:
    for number in range(10):
        drop(tmp_path, f"{number}.json")
    both = [agent(world, tmp_path), agent(world, tmp_path)]
    threads = [threading.Thread(target=watch, args=(one, 0.05), kwargs={"once": True}) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = taken(both[0]) + taken(both[1])
    assert len(sent) == len(set(sent)) == 10
    assert sorted(map(submission_in, laid(tmp_path, ACCEPTED).values())) == sorted(sent)


def test_an_agent_killed_in_the_middle_leaves_nothing_undone_and_nothing_doubled(world: World, tmp_path: Path) -> None:
    key, folder = tmp_path / "key.pem", tmp_path / "folder"
    world.keys[BANK].save(key)
    folder.mkdir()
    (tmp_path / "agent.toml").write_text(
        f'url = "{world.base_url}"\nclient = "{BANK}"\nkey = "key.pem"\nfolder = "folder"\n'
        'recipient = ["13"]\nevery = 0.1\nsettle = 0\n'
    )
    for number in range(12):
        drop(folder, f"{number}.json")
    before = world.reader()
    for done in (1, 4, 7):  # three times, each at another point of its work
        process = started(["agent", "--config", str(tmp_path / "agent.toml")], os.environ)
        deadline = time.monotonic() + 30
        while len(laid(folder, ACCEPTED)) < done and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        process.join()
    assert watch(agent(world, folder), 0.1, once=True)
    places = laid(folder, ACCEPTED)
    assert sorted(places) == sorted(f"{number}.json" for number in range(12))
    lines = [followed.submission for followed in before.fetch()]
    assert sorted(lines) == sorted(map(submission_in, places.values()))
