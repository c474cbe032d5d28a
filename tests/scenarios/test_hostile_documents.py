"""Documents made to break parsers: each is refused or held in bounded time and memory, and the server goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import planted
import psutil
import pytest
from world import BANK, OTHER_BANK, World, running, trial_balance

from gateway.client import Client, Outcome, Refusal

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
LONGEST_S = 5.0
MOST_BYTES = 300 << 20
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "monitoring_workbook"
TAKEN = 5 << 20  # larger ones are answered before they are read


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    environment = {"PYTHONPATH": planted.install(tmp_path_factory.mktemp("planted"))}
    with running(tmp_path_factory.mktemp("hostile"), None, **environment) as world:
        yield world


def documents(folder: str) -> list[Path]:
    found = [path for path in sorted((SAMPLES / folder).rglob("*")) if path.is_file() and path.stat().st_size < TAKEN]
    if not found:
        pytest.skip("needs the sample files beside the project")
    return found


def memory(world: World) -> int:
    assert world.process is not None
    family = psutil.Process(world.process.pid)
    return sum(one.memory_info().rss for one in (family, *family.children(recursive=True)))


def children(world: World) -> list[psutil.Process]:
    """The processes that read packed documents."""
    assert world.process is not None
    family = psutil.Process(world.process.pid).children(recursive=True)
    return [one for one in family if "gateway.confined" in _command_of(one)]


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it is over, or about to be
        return []


def verdict(client: Client, document: bytes, **named: str) -> str:
    """What becomes of a document; a problem is told by its code."""
    try:
        outcome: Outcome = client.submit(document, recipient="13", **named)
    except Refusal as refusal:
        return str(refusal.problem["code"])
    return str(outcome.verdict)


@pytest.mark.parametrize("folder", ["05_malicious", "04_crypto_protocol", "02_xbrl"])
def test_hostile_and_foreign_documents_are_refused_quickly_and_harm_nobody(world: World, folder: str) -> None:
    client, process, idle = world.client(BANK), world.process, memory(world)
    for document in documents(folder):
        started = time.monotonic()
        assert (document.name, verdict(client, document.read_bytes(), filename=document.name)) == (
            document.name,
            "refused",
        )
        assert time.monotonic() - started < LONGEST_S, document
        assert memory(world) - idle < MOST_BYTES, document
    assert process is not None
    assert process.is_alive()
    assert client.submit(trial_balance(1, 4), recipient="13", dry_run="true").status == 200


@pytest.mark.parametrize("does", ["abort", "loop", "grow 4000", "break 山田商店"])
def test_a_packed_document_that_breaks_its_reader_costs_one_refusal_that_is_sealed(world: World, does: str) -> None:
    client, started = world.client(BANK), time.monotonic()
    outcome = client.submit(planted.document(does), recipient="13")
    assert time.monotonic() - started < LONGEST_S + 2
    assert (outcome.status, outcome.verdict, len(outcome.receipts)) == (422, "refused", 1)
    (finding,) = outcome.findings
    assert "時間またはメモリ" in finding["message_ja"]
    assert "time or memory" in finding["message_en"]
    assert client.submit(trial_balance(2, 4), recipient="13", dry_run="true").status == 200


def test_while_documents_loop_others_are_served_and_too_many_are_told_to_come_again(world: World) -> None:
    client = world.client(BANK)
    with ThreadPoolExecutor(4) as senders:
        looping = [senders.submit(_sent, world, planted.document("loop")) for _ in range(4)]
        for _ in range(10):
            started = time.monotonic()
            assert client.submit(trial_balance(3, 4), recipient="13", dry_run="true").status == 200
            assert time.monotonic() - started < LONGEST_S
    codes = {one.result() for one in looping}
    assert "refused" in codes
    assert codes <= {"refused", "gateway.busy"}


def _sent(world: World, body: bytes) -> str:
    return verdict(world.client(BANK), body)


def test_a_reader_killed_in_the_middle_costs_its_document_and_nothing_else(world: World) -> None:
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(_sent, world, planted.document("sleep 3"))
        while not sent.done():
            for one in children(world):
                one.kill()
            time.sleep(0.01)
    assert sent.result() == "refused"
    assert world.process is not None
    assert world.process.is_alive()
    assert _sent(world, (GOLDEN / "accepted" / "input.xlsx").read_bytes()) == "held"


def test_a_large_packed_document_that_breaks_its_reader_is_refused_in_the_background(world: World) -> None:
    outcome = world.client(BANK).submit_and_wait(planted.document("abort"), recipient="13", prefer_async=True)
    assert (outcome.verdict, outcome.findings[0]["code"]) == ("refused", "R00")


def test_under_a_flood_of_looping_documents_of_one_bank_anothers_form_is_read(world: World) -> None:
    form = (GOLDEN / "accepted" / "input.xlsx").read_bytes()
    with ThreadPoolExecutor(18) as senders:
        flood = [senders.submit(_sent, world, planted.document("loop")) for _ in range(18)]
        assert verdict(world.client(OTHER_BANK), form, dry_run="true") == "None"
    codes = [one.result() for one in flood]
    assert set(codes) == {"refused", "gateway.busy"}
