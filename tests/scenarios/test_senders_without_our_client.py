"""Documents handed over by programs that know nothing of ours: curl and openssl, Node, Java."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from world import World, running, trial_balance

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
