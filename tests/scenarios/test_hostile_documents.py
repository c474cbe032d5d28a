"""Documents made to break parsers: each is refused or held in bounded time and memory, and the server goes on."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import planted
import psutil
import pytest
from world import BANK, OTHER_BANK, World, running, trial_balance

from gateway.client import Client, Outcome, Refusal
from gateway.plugins import load_adapters

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


ADAPTERS = sorted(load_adapters())
MEGABYTE = 1 << 20
ROW = b",".join([b"x"] * 8)


def zipped(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return packed.getvalue()


GENERATED = {
    "nothing": b"",
    "nested lists": b"[" * MEGABYTE + b"]" * MEGABYTE,
    "nested objects": b'{"a":' * 100_000,
    "many lists": b"[" + b"[]," * 1_500_000 + b"[]]",
    "many records": b'{"records":[' + b"{}," * 1_500_000 + b"{}]}",
    "many members": b'{"kind":"trial_balance",' + b",".join(b'"%d":1' % one for one in range(300_000)) + b"}",
    "a long number": b'{"kind":"trial_balance","lines":[{"closing_yen":' + b"9" * MEGABYTE + b"}]}",
    "a long name": b'{"trial_bs":{"company_id":"' + b"x" * MEGABYTE + b'","balances":[]}}',
    "half a pair": b"\xff\xfe" + b"\x00\xd8" * 100_000,
    "NULs": bytes(MEGABYTE),
    "an open quote": b'"' + b"a," * MEGABYTE,
    "quotes": b'""' * MEGABYTE,
    "columns": b",".join(b"c%d" % one for one in range(100_000)) + b"\r\n" + b"," * 100_000,
    "carriage returns": (ROW + b"\r") * 18_000,
    "bombs of entities": b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;</l>',
    "an archive of zeros": zipped(xl__workbook=bytes(60 * MEGABYTE)),
    "an archive in an archive": zipped(xl__workbook=zipped(a=bytes(20 * MEGABYTE))),
    "an archive of many": zipped(**{f"xl__{one}": b"" for one in range(2_000)}),
    "an archive cut off": zipped(xl__workbook=b"<workbook/>" * 1_000)[:-30],
    "a workbook that is none": b"PK\x03\x04xl/" + b"x" * 10_000,
}


def refused_by(client: Client, document: bytes, adapter: str | None) -> str:
    """What becomes of a document that is read by an adapter of one's choice."""
    return verdict(client, document, **({"adapter": adapter} if adapter else {}))


@pytest.mark.parametrize("adapter", [None, *ADAPTERS])
def test_what_was_made_to_break_parsers_breaks_none_whichever_is_named(world: World, adapter: str | None) -> None:
    client, idle = world.client(BANK), memory(world)
    for name, document in GENERATED.items():
        assert (name, refused_by(client, document, adapter)) == (name, "refused")
        assert memory(world) - idle < MOST_BYTES, name
    assert client.submit(trial_balance(1, 4), recipient="13", dry_run="true").status == 200


@pytest.mark.slow
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_hostile_files_are_refused_whichever_adapter_is_named(world: World, adapter: str) -> None:
    client = world.client(BANK)
    for document in documents("05_malicious"):
        found = refused_by(client, document.read_bytes(), adapter)
        assert (document.name, found) == (document.name, "refused")


@pytest.mark.parametrize("size", [6 * MEGABYTE, 12 * MEGABYTE])
def test_a_dry_run_of_what_takes_longer_than_a_request_is_refused(world: World, size: int) -> None:
    assert verdict(world.client(BANK), b"x" * size, dry_run="true") == "submission.too_large"


def test_many_records_in_one_line_are_worked_off_in_the_background(world: World) -> None:
    record = b'{"kind":"trial_balance"}'
    sent = world.client(BANK).submit(b'{"records":[' + b",".join([record] * 20_002) + b"]}", recipient="13")
    assert sent.status == 202
    assert world.client(BANK).wait_for(sent.submission).verdict == "refused"


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


@pytest.mark.slow
def test_under_a_flood_of_looping_documents_of_one_bank_anothers_form_is_read(world: World) -> None:
    form = (GOLDEN / "accepted" / "input.xlsx").read_bytes()
    with ThreadPoolExecutor(18) as senders:
        flood = [senders.submit(_sent, world, planted.document("loop")) for _ in range(18)]
        assert verdict(world.client(OTHER_BANK), form, dry_run="true") == "None"
    codes = [one.result() for one in flood]
    assert set(codes) == {"refused", "gateway.busy"}
