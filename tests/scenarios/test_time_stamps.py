"""A running gateway and a third party that stamps: in step, away for a while, away for too long."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from commands import hayame
from world import BANK, TOOL, World, running, trial_balance

from gateway.api.problems import of_error
from gateway.client import Client, Refusal
from gateway.errors import ConfigurationError, Unstamped
from gateway.security.keys import KeyRing
from gateway.security.timestamps import Authorities
from gateway.security.verify import verify_evidence
from gateway.settings import Settings
from gateway.wiring import build
from mocks.timestamp_authority import Authority, Door

PATIENCE_S = 30


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that runs openssl."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def door(authority: Authority) -> Iterator[Door]:
    """Its address."""
    opened = Door(authority.reply)
    yield opened
    opened.close()


def asking(door: Door, authority: Authority, **more: str) -> dict[str, str]:
    """The settings of a gateway that asks it."""
    return {"HAYAME_TSA_URL": door.url, "HAYAME_TSA_CERTIFICATES": str(authority.root), **more}


def eventually(happens: Callable[[], Any]) -> Any:
    """What comes of it once it is something."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := happens():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def stamped(world: World) -> dict[str, Any]:
    """How corporation 13's log is stamped."""
    told: dict[str, Any] = world.client(TOOL).get("/v1/recipients/13/log/timestamp").json()
    return told


def ready(world: World) -> str:
    """What the gateway says of itself."""
    with urllib.request.urlopen(f"{world.base_url}/readyz") as answer:
        said: str = answer.read().decode()
    return said


def refused(bank: Client, month: int) -> Mapping[str, Any] | None:
    """The answer to a submission, if it is a refusal of the gateway's own."""
    try:
        bank.submit(trial_balance(1, month), recipient="13")
    except Refusal as refusal:
        return refusal.problem
    return None


def test_receipts_are_given_at_once_and_stamped_soon_after(tmp_path: Path, authority: Authority, door: Door) -> None:
    with running(tmp_path / "data", None, **asking(door, authority)) as world:
        eventually(lambda: ready(world) == "ready\ntime stamps: nothing waits\n")
        outcome = world.client(BANK).submit(trial_balance(1, 1), recipient="13")
        told = eventually(lambda: (told := stamped(world))["state"] == "stamped" and told)
        assert told["tree_size"] == 1
        evidence = world.client(BANK).evidence(outcome.submission)
        keys = KeyRing([world.gateway.key.public])
        report = verify_evidence(evidence, keys, authorities=Authorities.load(authority.root))
        assert {check.name: check.verdict for check in report.checks}["timestamp"] == "verified"


def test_an_exported_container_is_verified_offline_by_us_and_by_openssl(
    tmp_path: Path, authority: Authority, door: Door
) -> None:
    with running(tmp_path / "data", None, **asking(door, authority)) as world:
        outcome = world.client(BANK).submit(trial_balance(1, 1), recipient="13")
        eventually(lambda: stamped(world)["tree_size"])
        world.keys[BANK].save(tmp_path / "bank.pem")
        connection = ("--url", world.base_url, "--as", BANK, "--key", "bank.pem")
        exported = command(tmp_path, "evidence", "export", outcome.submission, *connection)
        assert (exported.stdout, exported.stderr) == ("evidence.asice\n", "")
        (tmp_path / "gateway.jwks").write_text(command(tmp_path, "keys", "publish").stdout)
        (tmp_path / "gateway.pem").write_text(command(tmp_path, "keys", "certificate").stdout)

    (tmp_path / "tsa.pem").write_bytes(authority.root.read_bytes())
    verified = command(tmp_path, "verify", "evidence.asice", "--key", "gateway.jwks", "--tsa", "tsa.pem")
    assert verified.returncode == 0
    rows = [row.split() for row in verified.stdout.splitlines()[:-1]]
    assert {name for verdict, name, *_ in rows if verdict != "verified"} == {"keys", "witnesses"}
    with zipfile.ZipFile(tmp_path / "evidence.asice") as archive:
        archive.extractall(tmp_path)
    assert (tmp_path / "document").read_bytes() == trial_balance(1, 1)
    for words in (
        "cms -verify -binary -inform DER -in META-INF/signature.p7s -content META-INF/ASiCManifest.xml"
        " -CAfile gateway.pem -out manifest",
        "ts -verify -token_in -in checkpoint.tst -data checkpoint -CAfile tsa.pem",
    ):
        subprocess.run(["openssl", *words.split()], cwd=tmp_path, check=True, capture_output=True)


def command(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A command, in a folder."""
    return hayame(*arguments, environment=os.environ | more, cwd=folder)


def test_while_the_authority_is_away_submissions_go_on_and_say_that_they_are_not_stamped(
    tmp_path: Path, authority: Authority, door: Door
) -> None:
    door.reply = lambda _: b""
    with running(tmp_path / "data", None, **asking(door, authority)) as world:
        bank = world.client(BANK)
        outcome = bank.submit(trial_balance(1, 1), recipient="13")
        eventually(lambda: door.asked)
        eventually(lambda: "waiting since" in ready(world))
        assert bank.submit(trial_balance(2, 1), recipient="13").verdict == "accepted"
        assert (stamped(world)["state"], stamped(world)["token"]) == ("waiting", None)
        assert b"timestamp" not in bank.evidence(outcome.submission)
        told = command(tmp_path, "log", "stamps", HAYAME_DATA_DIR="data", **world.environment).stdout
        rows = [line.split("\t") for line in told.splitlines()]
        assert [row[:2] for row in rows] == [["00", "waiting"], ["13", "waiting"]]  # that of the registers, too
        assert rows[1][2] == "0 of 2"
        assert "the authority answered 503" in [row[-1] for row in rows]
        door.reply = authority.reply
        eventually(lambda: stamped(world)["tree_size"] == 2)


def test_past_the_age_submissions_are_refused_with_the_reason_and_reading_goes_on(
    tmp_path: Path, authority: Authority, door: Door
) -> None:
    door.reply = lambda _: b""
    soon = {"HAYAME_STAMP_INTERVAL_S": "1", "HAYAME_STAMP_MAX_AGE_S": "2"}
    with running(tmp_path / "data", None, **asking(door, authority, **soon)) as world:
        bank = world.client(BANK)
        bank.submit(trial_balance(1, 1), recipient="13")
        problem = eventually(lambda: refused(bank, 2))
        assert (problem["status"], problem["code"]) == (503, "log.unstamped")
        assert "タイムスタンプ" in problem["detail_ja"]
        assert len(world.following().fetch()) >= 1
        assert stamped(world)["state"] == "overdue"
        door.reply = authority.reply
        eventually(lambda: refused(bank, 3) is None)


def test_without_an_authority_nothing_is_stamped_and_the_status_says_so(tmp_path: Path) -> None:
    with running(tmp_path / "data", None) as world:
        outcome = world.client(BANK).submit(trial_balance(1, 1), recipient="13")
        assert outcome.verdict == "accepted"
        assert ready(world) == "ready\ntime stamps: off\n"
        assert stamped(world)["state"] == "off"


def test_an_authority_without_a_certificate_to_trust_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="HAYAME_TSA_CERTIFICATES"):
        build(Settings(data_dir=tmp_path, tsa_url="http://127.0.0.1:9/"))
    (tmp_path / "empty.pem").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="no root certificate"):
        build(Settings(data_dir=tmp_path, tsa_url="http://127.0.0.1:9/", tsa_certificates=tmp_path / "empty.pem"))


def test_an_age_within_the_interval_stops_the_start(tmp_path: Path, authority: Authority) -> None:
    asked = {"tsa_url": "http://127.0.0.1:9/", "tsa_certificates": authority.root}
    with pytest.raises(ConfigurationError, match="HAYAME_STAMP_MAX_AGE_S"):
        build(Settings(data_dir=tmp_path, stamp_interval_s=600, stamp_max_age_s=600, **asked))


def test_a_refusal_says_when_to_come_back() -> None:
    answer = of_error(Unstamped())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
