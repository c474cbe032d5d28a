"""Something is withdrawn: no byte of it is left, every proof holds, and whoever had read it is known and told."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from auditor import checked_receipts, leftovers
from commands import command, environment, started
from search import values_of
from sqlalchemy import text
from world import BANK, CORPORATION, OTHER_BANK, TOOL, World, corporate_number, running, trial_balance

from gateway.client import Outcome, Refusal
from gateway.client.following import FollowedLine
from gateway.security.keys import KeyRing
from gateway.security.verify import verify_evidence
from mocks import tapes
from mocks.targeting import Reading

SECRET_YEN = 987_654_321
ROWS = 1_500
KEY_AND_MORE = slice(10, 74)  # of a closed value: its wrapped data key, and the beginning of what that closes


@pytest.fixture
def world(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A gateway that keeps what is above 64 KiB in files, and works off tapes of more than a thousand rows later."""
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    with running(tmp_path, url, HAYAME_LARGE_RECORDS="1000", HAYAME_INLINE_RAW_BYTES="65536") as world:
        world.register(range(ROWS + 1))
        yield world


def send(world: World, document: bytes, **asked: Any) -> Outcome:
    return world.client(BANK).submit_and_wait(document, **({"recipient": "13"} | asked))


def tape(count: int, month: int = 4) -> bytes:
    return tapes.write_tape("guarantee_csv", tapes.loan_book(1, count, date(2026, month, 28)), month)


def withdraw(world: World, outcome: Outcome, *more: str, reason: str = "misdirected") -> str:
    return command(world, "withdraw", outcome.submission, "--reason", reason, "--yes", *more)


def positions(outcome: Outcome) -> list[int]:
    statement = outcome.body["statements"][0]
    return list(range(statement["first_position"], statement["first_position"] + statement["count"]))


def withheld(lines: list[FollowedLine]) -> dict[int, str]:
    return {line.position: line.withheld for line in lines if line.withheld is not None}


def traces(world: World, submission: str) -> list[bytes]:
    """Of every value that is kept closed of a submission the data key, as it is wrapped, and what follows."""
    closed = [value for name, value in values_of(world, submission) if name in {"payload", "body"} and value]
    files = [path.read_bytes()[8:] for path in (world.folder / "raw").glob(submission)]
    return [value[KEY_AND_MORE] for value in closed + files]


def found_in(world: World, wanted: list[bytes]) -> list[str]:
    """Where some bytes are found: in the tables, and in every file of the data folder (SQLite and its log too)."""
    values = [name for name, value in values_of(world) if isinstance(value, bytes) and _has(value, wanted)]
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    return values + [path.name for path in files if _has(path.read_bytes(), wanted)]


def _has(value: bytes, wanted: list[bytes]) -> bool:
    return any(one in value for one in wanted)


def holds(world: World, outcome: Outcome) -> None:
    """The evidence of an outcome verifies, as its sender and as a reader gets it."""
    keys = KeyRing([world.gateway.key.public])
    for name in (BANK, TOOL):
        report = verify_evidence(world.client(name).evidence(outcome.submission), keys)
        verdicts = {check.name: check.verdict for check in report.checks}
        assert report.holds
        assert {verdicts[one] for one in ("lines_root", "inclusion", "checkpoint_signature")} == {"verified"}


def test_a_withdrawn_submission_leaves_no_recoverable_byte_and_every_proof_intact(world: World) -> None:
    reader = world.reader()
    around = [send(world, trial_balance(firm, 4)) for firm in range(2)]
    outcome = send(world, tape(ROWS), filename="第7商店.csv")
    around += [send(world, trial_balance(firm, 4)) for firm in (2, 3)]
    before = reader.fetch()
    wanted = traces(world, outcome.submission)
    assert len(wanted) >= 3
    assert found_in(world, wanted)
    said = withdraw(world, outcome)
    assert found_in(world, wanted) == []
    assert "第7商店.csv" not in str(list(values_of(world)))
    told = reader.fetch()
    assert [list(one) for one in told[-1].withdraws] == [positions(outcome)]
    after = world.following().fetch()
    assert withheld(after) == dict.fromkeys(positions(outcome), "misdirected")
    assert [a for a in after if a.withheld is None] == [b for b in before + told if b.position not in withheld(after)]
    for one in (outcome, *around):
        holds(world, one)
        assert world.client(BANK).wait_for(one.submission).receipts == one.receipts
    checked_receipts(world)
    assert f"{positions(outcome)[0]}-{positions(outcome)[-1]}" in said
    assert leftovers(world) == {}


def test_a_later_backup_has_nothing_of_it(world: World, tmp_path: Path) -> None:
    outcome = send(world, trial_balance(1, 4, closing=SECRET_YEN))
    wanted = traces(world, outcome.submission)
    withdraw(world, outcome)
    if world.database_url is not None:
        assert found_in(world, wanted) == []  # what a dump holds is what the tables hold
        return
    copy = tmp_path / "copy.db"
    with sqlite3.connect(world.folder / "hayame.db") as source, sqlite3.connect(copy) as target:
        source.backup(target)
    assert not _has(copy.read_bytes(), wanted)


def _database_folder(world: World) -> Path:
    """Where the database's own files lie, everything written to them."""
    if world.database_url is None:
        return world.folder
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        return Path(connection.execute("SHOW data_directory").fetchone()[0]) / "base"


def test_in_unused_parts_of_pages_nothing_is_left_once_the_tables_are_rewritten(world: World) -> None:
    outcomes = [send(world, trial_balance(firm, 4)) for firm in range(30)]
    wanted = traces(world, outcomes[-1].submission)
    withdraw(world, outcomes[-1], "--rewrite")
    files = [path for path in _database_folder(world).rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if _has(path.read_bytes(), wanted)] == []


def test_of_a_block_only_the_withdrawn_lines_go(world: World) -> None:
    records = [orjson.loads(trial_balance(firm, 4, closing)) for firm, closing in enumerate([130, SECRET_YEN, 130, 7])]
    outcome = send(world, orjson.dumps({"records": records}))
    wanted = traces(world, outcome.submission)
    before = world.following().fetch()
    withdraw(world, outcome, "--lines", "1,3", reason="erasure")
    first = positions(outcome)[0]
    after = world.following().fetch()
    assert withheld(after) == {first + 1: "erased", first + 3: "erased"}
    assert [line for line in after if line.position in (first, first + 2)] == [before[first], before[first + 2]]
    assert str(SECRET_YEN) not in str(after)
    assert found_in(world, wanted) == []
    holds(world, outcome)
    withdraw(world, outcome, reason="erasure")
    assert list(withheld(world.following().fetch())) == positions(outcome)
    holds(world, outcome)


def test_what_superseded_it_is_said_again_without_what_it_had_said(world: World) -> None:
    reader = world.reader()
    send(world, trial_balance(1, 4, closing=130))
    wrong = send(world, trial_balance(1, 4, closing=SECRET_YEN))
    right = send(world, trial_balance(1, 4, closing=230))
    assert str(SECRET_YEN) in str(reader.fetch()[-1].line["supersedes"])
    said = withdraw(world, wrong)
    assert said.count("misdirected") == 2
    lines = world.following().fetch()
    assert list(withheld(lines)) == [1, 2]
    assert str(SECRET_YEN) not in str(lines)
    told, again = reader.fetch()
    assert [list(one) for one in told.withdraws] == [[1, 2]]
    assert again.line["supersedes"] == {"position": 2, "reason": "restated", "before": []}
    assert again.line["record"]["lines"][0]["closing_yen"] == 230
    holds(world, right)
    send(world, trial_balance(1, 4, closing=330))
    assert reader.fetch()[0].line["supersedes"]["position"] == again.position
    withdraw(world, right)
    assert list(withheld(world.following().fetch())) == [1, 2, 4, 5]


def test_a_correction_after_it_supersedes_what_stood_before_it(world: World) -> None:
    first, wrong = (send(world, trial_balance(1, 4, closing=closing)) for closing in (130, SECRET_YEN))
    withdraw(world, wrong)
    reader = world.reader()
    send(world, trial_balance(1, 4, closing=230))
    supersedes = reader.fetch()[0].line["supersedes"]
    assert supersedes["position"] == positions(first)[0]
    assert {one["value"] for one in supersedes["before"]} >= {130}
    assert str(SECRET_YEN) not in str(supersedes)


def test_findings_that_compared_with_it_go_and_the_others_stay(world: World) -> None:
    april = send(world, trial_balance(1, 4, closing=SECRET_YEN))
    record = orjson.loads(trial_balance(1, 5, closing=130)) | {"period_from": "2026-04-29", "period_to": "2026-05-28"}
    may = send(world, orjson.dumps(record))
    bank = world.client(BANK)
    assert [one["params"]["expected"] for one in bank.findings(may.submission) if one["code"] == "V24"] == [SECRET_YEN]
    withdraw(world, april)
    assert str(SECRET_YEN) not in str(bank.findings(may.submission))
    holds(world, may)


def test_its_sender_is_told_that_it_was_withdrawn_and_may_hand_it_over_again(world: World) -> None:
    bank, document = world.client(BANK), trial_balance(1, 4, closing=999)
    outcome = bank.submit(document, recipient="13", key="k")
    withdraw(world, outcome, reason="consent")
    [told] = bank.get(f"/v1/submissions/{outcome.submission}").json()["withdrawn"]
    assert (told["reason"], told["whole"], told["positions"]) == ("consent_withdrawn", True, [[0, 1]])
    again = bank.submit(document, recipient="13", key="k")
    assert (again.submission, again.body["withdrawn"]) == (outcome.submission, [told])
    for what in ("raw", "findings", "returned"):
        with pytest.raises(Refusal) as refused:
            bank.get(f"/v1/submissions/{outcome.submission}/{what}")
        assert (refused.value.status, refused.value.problem["code"]) == (410, "content.withdrawn")
    reader = world.reader()
    assert bank.submit(document, recipient="13", key="another").verdict != "unchanged"
    assert reader.fetch()[0].line["supersedes"] is None


def test_who_had_read_which_positions_is_told(world: World) -> None:
    outcome = send(world, orjson.dumps({"records": [orjson.loads(trial_balance(firm, 4)) for firm in range(5)]}))
    tool, clerk = world.client(TOOL), world.client(CORPORATION)
    tool.get("/v1/recipients/13/feed", {"limit": 3})
    clerk.evidence(outcome.submission, line=4)
    _eventually(lambda: _noted(world) == 2)
    said = withdraw(world, outcome)
    tool.get("/v1/recipients/13/feed", {"limit": 5})
    told = [line.split("\t")[1:3] for line in said.splitlines() if line.startswith("\t")]
    assert told == [[f"read by {CORPORATION}", "4"], [f"read by {TOOL}", "0-2"]]
    time.sleep(1)
    assert command(world, "withdrawals", outcome.submission) == said


def _noted(world: World) -> int:
    with world.gateway.database.read() as session:
        return int(session.execute(text("SELECT count(*) FROM disclosure")).scalar_one())


def test_a_reader_of_one_kind_is_told_too(world: World) -> None:
    outcome = send(world, trial_balance(1, 4))
    withdraw(world, outcome)
    asked = {"kind": "trial_balance", "after": 1}
    rows = world.client(TOOL).get("/v1/recipients/13/feed", asked).content.splitlines()
    assert [orjson.loads(row)["line"]["record"]["positions"] for row in rows] == [[[0, 1]]]


def test_a_targeting_tool_drops_what_it_kept(world: World) -> None:
    reading = Reading(world.following())
    kept, gone = (send(world, trial_balance(firm, 4)) for firm in (1, 2))
    reading.take(reading.following.fetch())
    withdraw(world, gone)
    reading.take(reading.following.fetch())
    assert [line.submission for line in reading.kept.values()] == [kept.submission]
    assert reading.lines == {"trial_balance": 1}


def test_released_records_go_with_the_document_that_had_held_them(world: World) -> None:
    held = send(world, trial_balance(9_001, 4, closing=SECRET_YEN))
    assert held.verdict == "held"
    reader = world.reader()
    firm = {"scheme": "corporate_number", "value": corporate_number(9_001)}
    world.client(CORPORATION).post("/v1/recipients/13/links", {"reference": firm, "name": "後日登録"})
    deadline = time.monotonic() + 20
    lines: list[FollowedLine] = []
    while not lines and time.monotonic() < deadline:
        lines = reader.fetch(1.0)
    wanted = traces(world, held.submission) + traces(world, str(lines[0].submission))
    withdraw(world, held)
    assert withheld(world.following().fetch()) == {lines[0].position: "misdirected"}
    assert found_in(world, wanted) == []


def test_one_of_two_recipients_keeps_what_is_its_own(world: World) -> None:
    world.enrol("tool-14100", "tool", None, ["read:14100"])
    other = world.client(OTHER_BANK)
    outcome = other.submit(trial_balance(1, 4), recipient=["13", "14100"])
    withdraw(world, outcome, "--recipient", "14100")
    assert withheld(world.following().fetch()) == {}
    assert withheld(world.following("tool-14100", "14100").fetch()) == {0: "misdirected"}
    told = other.get(f"/v1/submissions/{outcome.submission}").json()["withdrawn"]
    assert [one["recipient"] for one in told] == ["14100"]
    withdraw(world, outcome)
    assert withheld(world.following().fetch()) == {0: "misdirected"}


def test_withdrawing_again_or_twice_at_once_says_the_same_and_seals_nothing_more(world: World) -> None:
    outcome = send(world, tape(300))
    said: list[str] = []
    both = [threading.Thread(target=lambda: said.append(withdraw(world, outcome))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    said.append(withdraw(world, outcome, reason="erasure"))
    assert len(set(said)) == 1
    assert len(checked_receipts(world)) == 2
    assert withheld(world.following().fetch()) == dict.fromkeys(positions(outcome), "misdirected")


def test_what_is_not_there_cannot_be_withdrawn(world: World) -> None:
    outcome = send(world, trial_balance(1, 4))
    asked = ["withdraw", outcome.submission, "--yes", "--reason"]
    for wrong in (
        ["because"],
        ["erasure", "--lines", "1"],
        ["erasure", "--recipient", "14100"],
        ["erasure", "--lines", "x"],
    ):
        with pytest.raises(subprocess.CalledProcessError):
            command(world, *asked, *wrong)
    with pytest.raises(subprocess.CalledProcessError):
        command(world, "withdraw", "no-such-submission", "--yes", "--reason", "erasure")
    assert len(checked_receipts(world)) == 1


@pytest.mark.parametrize("rounds", [3, pytest.param(25, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_who_is_killed_while_withdrawing_did_nothing_or_all_of_it(world: World, rounds: int) -> None:
    draw, outcomes = random.Random(rounds), [send(world, tape(ROWS, month)) for month in range(1, 4)]
    outcome, asked = outcomes[1], ["withdraw", outcomes[1].submission, "--yes", "--reason", "misdirected"]
    wanted = traces(world, outcome.submission)
    for _ in range(rounds):
        dying = started(asked, environment(world))
        time.sleep(draw.uniform(0, 0.6))
        dying.kill()
        dying.join()
        gone = withheld(world.following().fetch())
        assert list(gone) in ([], positions(outcome))
        if gone:
            break
    withdraw(world, outcome)
    _eventually(lambda: not leftovers(world))
    assert found_in(world, wanted) == []
    assert list(withheld(world.following().fetch())) == positions(outcome)
    assert len(checked_receipts(world)) == 4
    assert leftovers(world) == {}


def test_what_is_left_of_a_withdrawal_whose_process_died_is_done_by_the_worker(world: World) -> None:
    outcome = send(world, tape(ROWS))
    wanted, file = traces(world, outcome.submission), world.folder / "raw" / outcome.submission
    content = file.read_bytes()
    world.kill()
    withdraw(world, outcome)
    file.write_bytes(content)  # as if it had died after the commit
    assert found_in(world, wanted)
    world.start()
    _eventually(lambda: not leftovers(world))
    assert found_in(world, wanted) == []


def _eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
