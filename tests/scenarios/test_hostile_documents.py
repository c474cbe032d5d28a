"""Documents made to break parsers: each is refused or held in bounded time and memory, and the server goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from world import BANK, World, running, trial_balance

from gateway.client import Client, Outcome, Refusal

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"
LONGEST_S = 5.0
MOST_BYTES = 300 << 20
TAKEN = 5 << 20  # larger ones are answered before they are read


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("hostile"), None) as world:
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


def verdict(client: Client, document: Path) -> str:
    """What becomes of a document; a problem is told by its code."""
    try:
        outcome: Outcome = client.submit(document.read_bytes(), recipient="13", filename=document.name)
    except Refusal as refusal:
        return str(refusal.problem["code"])
    return str(outcome.verdict)


@pytest.mark.parametrize("folder", ["05_malicious", "04_crypto_protocol", "02_xbrl"])
def test_hostile_and_foreign_documents_are_refused_quickly_and_harm_nobody(world: World, folder: str) -> None:
    client, process, idle = world.client(BANK), world.process, memory(world)
    for document in documents(folder):
        started = time.monotonic()
        assert (document.name, verdict(client, document)) == (document.name, "refused")
        assert time.monotonic() - started < LONGEST_S, document
        assert memory(world) - idle < MOST_BYTES, document
    assert process is not None
    assert process.is_alive()
    assert client.submit(trial_balance(1, 4), recipient="13", dry_run="true").status == 200
