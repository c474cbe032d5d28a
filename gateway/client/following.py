"""Follow a feed and prove it: every line of a corporation's feed, in order, none withheld or altered unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.client.client import Client
from gateway.errors import EvidenceError, LogForked
from gateway.security.checkpoints import Checkpoint, log_origin, open_checkpoint
from gateway.security.completeness import FeedHead, Increment, verify_increment
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing
from gateway.security.signing import open_receipt

PAGE = 5_000


@dataclass(frozen=True, slots=True)
class FollowedLine:
    """A proven row: its position, where it comes from, and the line; ``withheld`` says why there is none."""

    position: int
    submission: str | None
    index: int | None
    line: dict[str, Any] | None
    withheld: str | None


@dataclass
class Following:
    """Reads a recipient's feed increment by increment and hands out only what is proven.

    Keep ``head`` (and give it back) to go on after a restart.

    Args:
        client: a connection entitled to read.
        recipient: the corporation.
        keys: the gateway's published keys, from your own copy.
        log_name: the gateway's name as in its checkpoints.
    """

    client: Client
    recipient: str
    keys: KeyRing
    log_name: str
    head: FeedHead = field(init=False)

    def __post_init__(self) -> None:
        self.head = FeedHead(log_origin(self.log_name, self.recipient))

    def fetch(self, wait: float = 0.0) -> list[FollowedLine]:
        """What is new since the last call, proven; waits so many seconds if there is nothing.

        Raises:
            EvidenceError: something was withheld, altered, reordered or forked; nothing of it is handed out.
        """
        first = self._page(self.head.next_position, wait)
        note = self.client.get(self._at("log/checkpoint")).text
        checkpoint = open_checkpoint(note, self.keys)
        if (checkpoint.origin, checkpoint.size, checkpoint.root) == (self.head.origin, self.head.size, self.head.root):
            return []
        if checkpoint.size <= self.head.size:
            raise _contradicted(self.head, checkpoint)
        receipts = self._receipts(checkpoint.size)
        end = self._end(receipts)
        rows = self._rows(first, end)
        consistency = self._consistency(checkpoint.size)
        increment = Increment(note, consistency, receipts, rows)
        self.head = verify_increment(self.head, increment, self.keys)
        return [_followed(row) for row in rows]

    def _at(self, path: str) -> str:
        return f"/v1/recipients/{self.recipient}/{path}"

    def _page(self, after: int, wait: float = 0.0) -> list[bytes]:
        asked = {"after": after, "limit": PAGE} | ({"wait": wait} if wait else {})
        return self.client.get(self._at("feed"), asked).content.splitlines()

    def _rows(self, rows: list[bytes], end: int) -> list[bytes]:
        wanted = end - self.head.next_position
        while len(rows) < wanted:
            more = self._page(self.head.next_position + len(rows))
            if not more:
                raise EvidenceError("the feed ends before what its receipts promise")
            rows += more
        return rows[:wanted]

    def _receipts(self, size: int) -> list[str]:
        receipts: list[str] = []
        while self.head.size + len(receipts) < size:
            left = size - self.head.size - len(receipts)
            asked = {"first": self.head.size + len(receipts), "limit": min(left, 10_000)}
            more = self.client.get(self._at("log/receipts"), asked).text.split()
            if not more:
                raise EvidenceError("the log ends before its checkpoint")
            receipts += more
        return receipts

    def _end(self, receipts: list[str]) -> int:
        last = read_statement(open_receipt(receipts[-1], self.keys))
        return last.first_position + last.count

    def _consistency(self, size: int) -> list[bytes]:
        if self.head.size == 0:
            return []
        asked = {"first": self.head.size, "second": size}
        return [bytes.fromhex(one) for one in self.client.get(self._at("log/proofs/consistency"), asked).json()["path"]]

    def forever(self, wait: float = 30.0) -> Iterator[FollowedLine]:
        """Every line from here on, as it comes."""
        while True:
            yield from self.fetch(wait)


def _contradicted(head: FeedHead, checkpoint: Checkpoint) -> LogForked:
    return LogForked(
        f"{checkpoint.origin} has {checkpoint.size} entries with root {checkpoint.root.hex()}; "
        f"{head.origin} had {head.size} with root {head.root.hex()}",
        ja=f"{checkpoint.origin} は現在 {checkpoint.size} 件、{head.origin} は以前 {head.size} 件で確認済みです。",
    )


def _followed(row: bytes) -> FollowedLine:
    parsed = orjson.loads(row)
    return FollowedLine(
        parsed["position"], parsed.get("submission"), parsed.get("index"), parsed.get("line"), parsed.get("withheld")
    )
