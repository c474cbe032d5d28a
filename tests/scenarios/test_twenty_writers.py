"""Twenty writers at once, several processes: no reader ever misses or reorders a line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from world import BANK, OTHER_BANK, TOOL, VENDOR, World, running, servers, trial_balance

from gateway.client import Following

WRITERS, DOCUMENTS, PROCESSES = 20, 15, 2
SENDERS = (BANK, OTHER_BANK, VENDOR)
OTHER_TOOL = "tool-14100"
RECIPIENTS = {"13": TOOL, "14100": OTHER_TOOL}

Row = tuple[int, str, int]
"""Position, submission, index."""


def documents(writer: int) -> Iterator[bytes]:
    """What one writer hands over: small documents about a firm of its own, every third of them three at once."""
    for number in range(DOCUMENTS):
        closing = 1_000 + number
        if number % 3:
            yield trial_balance(writer, number % 2 + 1, closing)
        else:
            records = [json.loads(trial_balance(writer, month, closing)) for month in (3, 4, 5)]
            yield json.dumps({"records": records}).encode()


def write(world: World, writer: int) -> list[dict[str, Any]]:
    """The statements a writer got, in the order in which it got them."""
    sender = SENDERS[writer % len(SENDERS)]
    recipients = ["13", "14100"] if sender == OTHER_BANK else ["13"]
    with world.client(sender) as client:
        outcomes = [client.submit(document, recipient=recipients) for document in documents(writer)]
    return [one | {"submission": outcome.submission} for outcome in outcomes for one in outcome.body["statements"]]


@dataclass
class Reader:
    """Reads on in a thread until it is told that everything is written, and then to the end."""

    read: Callable[[], list[Row]]
    rows: list[Row] = field(default_factory=list)
    written: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            is_last = self.written.is_set()
            some = self.read()
            self.rows += some
            if is_last and not some:
                return

    def finish(self) -> list[Row]:
        self.written.set()
        self._thread.join(60)
        return self.rows


def by_long_poll(world: World, recipient: str) -> Callable[[], list[Row]]:
    client, after = world.client(RECIPIENTS[recipient]), 0

    def read() -> list[Row]:
        nonlocal after
        asked = {"after": after, "limit": 7, "wait": 0.2}
        rows = client.get(f"/v1/recipients/{recipient}/feed", asked).content.splitlines()
        parsed = [json.loads(row) for row in rows]
        after = parsed[-1]["position"] + 1 if parsed else after
        return [(row["position"], row["submission"], row["index"]) for row in parsed]

    return read


def with_proofs(following: Following) -> Callable[[], list[Row]]:
    def read() -> list[Row]:
        return [(line.position, str(line.submission), int(line.index or 0)) for line in following.fetch(wait=0.2)]

    return read


@pytest.fixture
def busy(database_url: str, tmp_path: Path) -> Iterator[World]:
    with running(tmp_path, database_url, HAYAME_PROCESSES=str(PROCESSES), HAYAME_GROUP_SIZE="4") as world:
        world.enrol(OTHER_TOOL, "tool", None, ["read:14100"])
        world.register(range(WRITERS))
        yield world


def test_no_reader_misses_or_reorders_a_line_while_twenty_write_at_once(busy: World) -> None:
    assert len(servers(busy)) == PROCESSES, "or their commits do not race"
    readers = {
        recipient: [
            Reader(by_long_poll(busy, recipient)),
            Reader(by_long_poll(busy, recipient)),
            Reader(with_proofs(busy.following(tool, recipient))),
        ]
        for recipient, tool in RECIPIENTS.items()
    }
    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            written = list(pool.map(lambda writer: write(busy, writer), range(WRITERS)))
    finally:
        seen = {recipient: [reader.finish() for reader in reading] for recipient, reading in readers.items()}
    for recipient, rows in seen.items():
        theirs = [[one for one in statements if one["recipient"] == recipient] for statements in written]
        promised = sorted(
            (statement["first_position"] + index, statement["submission"], index)
            for statements in theirs
            for statement in statements
            for index in range(statement["count"])
        )
        assert [position for position, _, _ in promised] == list(range(len(promised)))
        assert len(promised) >= DOCUMENTS * sum(map(bool, theirs))
        assert rows == [promised] * len(rows)
        for statements in theirs:
            leaves = [statement["leaf_index"] for statement in statements]
            positions = [statement["first_position"] for statement in statements]
            assert leaves == sorted(leaves), "who hands over one after the other is sealed in that order"
            assert positions == sorted(positions), "and read in that order"
