"""An operator imports what the agency publishes; senders are told, receipts name it, and evidence of it holds."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import environment as settings_of
from commands import hayame
from reference_lists import BANKS, INSTITUTIONS, entry, published
from world import BANK, FIRMS, TOOL, World, corporate_number, trial_balance

from gateway.security.keys import KeyRing

NUMBERS = "corporations_2026-11-02.numbers"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway whose operator keeps lists: of its firms the third was closed at the end of March 2026."""
    folder, files = tmp_path_factory.mktemp("reference"), tmp_path_factory.mktemp("published")
    whole = published(files, "00_zenkoku_all_20261030.csv", [entry(corporate_number(firm)) for firm in range(FIRMS)])
    closed = entry(corporate_number(3), "21", closed="2026-03-31", cause="11", successor=corporate_number(4))
    difference = published(files, "diff_20261102.csv", [closed])
    (folder / INSTITUTIONS).write_text(BANKS, "utf-8")
    world = World(tmp_path_factory.mktemp("gateway"), None, environment={"HAYAME_REFERENCE_DATA": str(folder)})
    told = hayame("reference", "import", str(whole), str(difference), environment=here(world))
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, NUMBERS), told.stderr
    yield world.start()
    world.stop()


def here(world: World) -> dict[str, str]:
    """The settings under which this world's commands and server run."""
    return {**settings_of(world), **world.environment}


def test_a_bank_is_told_of_a_firm_that_was_closed_and_the_receipt_names_the_list(world: World, tmp_path: Path) -> None:
    bank = world.client(BANK)
    outcome = bank.submit(trial_balance(3, 4), recipient="13")
    statement = bank.check_receipt(outcome.receipts[0], bank.gateway_keys())
    assert [(one["code"], one["severity"]) for one in outcome.findings] == [("V02C", "warn")]
    assert outcome.findings[0]["message_ja"] == (
        f"法人番号 {corporate_number(3)} の登記記録は 2026-03-31 に閉鎖されていますが"
        "（合併による解散等。国税庁の公表データ、2026-11-02 現在）、記録は 2026-04-28 のものです。"
    )
    assert corporate_number(4) in outcome.findings[0]["remedy_ja"]
    [listed] = statement["rules"]["lists"]
    shown = hayame("reference", "check", environment=here(world)).stdout.splitlines()
    assert [NUMBERS, "2015-10-05〜2026-11-02", listed["sha256"]] in [line.split("\t") for line in shown]
    keyfile, bundle = tmp_path / "gateway.jwks", tmp_path / "evidence.json"
    keyfile.write_text(json.dumps(KeyRing([world.gateway.key.public]).jwks()))
    bundle.write_bytes(world.client(TOOL).evidence(outcome.submission, line=0))
    assert hayame("verify", str(bundle), "--key", str(keyfile)).returncode == 0


def test_figures_of_the_time_before_are_taken_without_a_word(world: World) -> None:
    outcome = world.client(BANK).submit(trial_balance(3, 3), recipient="13")
    assert (outcome.verdict, outcome.findings) == ("accepted", [])


def test_who_runs_the_gateway_sees_which_lists_are_looked_in(world: World) -> None:
    with urllib.request.urlopen(f"{world.base_url}/readyz") as answer:
        said = answer.read().decode().splitlines()
    assert said == ["ready", "time stamps: off", f"reference data: {INSTITUTIONS}; {NUMBERS}"]


def test_what_cannot_be_imported_or_read_is_named_and_changes_nothing(world: World, tmp_path: Path) -> None:
    again = published(tmp_path, "diff_20261102.csv", [entry(corporate_number(5))])
    refused = hayame("reference", "import", str(again), environment=here(world))
    assert (refused.returncode, "diff_20261102.csv: 2026-11-02" in refused.stderr) == (1, True)
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / INSTITUTIONS).write_text(BANKS + "999,,,,,\n", "utf-8")
    checked = hayame("reference", "check", environment=here(world) | {"HAYAME_REFERENCE_DATA": str(folder)})
    assert (checked.returncode, f"{INSTITUTIONS}: 14: 999" in checked.stderr) == (1, True)
    nowhere = hayame("reference", "check", environment=settings_of(world))
    assert (nowhere.returncode, "HAYAME_REFERENCE_DATA" in nowhere.stderr) == (1, True)


def test_working_days_without_a_difference_are_said(world: World, tmp_path: Path) -> None:
    whole = published(tmp_path, "00_zenkoku_all_20261030.csv", [entry(corporate_number(1))])
    later = published(tmp_path, "diff_20261104.csv", [entry(corporate_number(2))])
    elsewhere = here(world) | {"HAYAME_REFERENCE_DATA": str(tmp_path)}
    told = hayame("reference", "import", str(whole), str(later), environment=elsewhere)
    assert [line.partition(" ")[0] for line in told.stderr.splitlines()] == ["2026-11-02", "2026-11-03"]
    assert told.stdout.splitlines() == [
        "2026-10-30: 1 numbers, 0 closed",
        "2026-11-04: 2 numbers, 0 closed",
        "corporations_2026-11-04.numbers",
    ]
