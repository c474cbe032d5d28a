"""Follow a feed and prove it: every line of a corporation's feed, in order, none withheld or altered unsaid."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from gateway.client.client import Client, Refusal
from gateway.errors import EvidenceError, LogForked
from gateway.schemas.consent_notice import TAKES_BACK
from gateway.security.checkpoints import Checkpoint, log_origin, open_checkpoint
from gateway.security.completeness import FeedHead, Increment, check_same_log, verify_increment
from gateway.security.cosignatures import Quorum
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing
from gateway.security.merkle import check_consistency
from gateway.security.signing import open_receipt

PAGE = 5_000
UNSEEN_S = 1.0  # how long to let witnesses look before asking again


@dataclass(frozen=True, slots=True)
class FollowedLine:
    """A proven row: its position, where it comes from, and the line; ``withheld`` says why there is none."""

    position: int
    submission: str | None
    index: int | None
    line: dict[str, Any] | None
    withheld: str | None

    @property
    def is_record(self) -> bool:
        """Whether a line is here, and tells of a firm: it is not the gateway's own word on earlier ones."""
        return self.line is not None and self.line["kind"] not in TAKES_BACK

    @property
    def withdraws(self) -> tuple[range, ...]:
        """Positions that this line takes back: drop what is kept of them. What is to stay of it comes again."""
        if self.line is None or self.line["kind"] not in TAKES_BACK:
            return ()
        return tuple(range(first, first + count) for first, count in self.line["record"]["positions"])


@dataclass(frozen=True, slots=True)
class _Shown:
    """A recipient's feed and log, as the gateway shows them; nothing of it is proven."""

    client: Client
    recipient: str

    def checkpoint(self, quorum: Quorum | None) -> str | None:
        """The newest head, or the newest that enough witnesses cosigned; None where there is none yet."""
        asked = {"cosigned_by": quorum.names, "quorum": quorum.least} if quorum else {}
        try:
            return self._get("log/checkpoint", **asked).text
        except Refusal as refusal:
            if quorum and refusal.status == 404:
                return None
            raise

    def page(self, after: int, wait: float = 0.0) -> list[bytes]:
        asked = {"after": after, "limit": PAGE} | ({"wait": wait} if wait else {})
        return self._get("feed", **asked).content.splitlines()

    def receipts(self, first: int, size: int) -> list[str]:
        receipts: list[str] = []
        while first + len(receipts) < size:
            left = size - first - len(receipts)
            more = self._get("log/receipts", first=first + len(receipts), limit=min(left, 10_000)).text.split()
            if not more:
                raise EvidenceError("the log ends before its checkpoint")
            receipts += more
        return receipts

    def consistency(self, first: int, second: int) -> list[bytes]:
        if first in (0, second):
            return []
        path = self._get("log/proofs/consistency", first=first, second=second).json()["path"]
        return [bytes.fromhex(one) for one in path]

    def _get(self, path: str, **asked: Any) -> httpx2.Response:
        return self.client.get(f"/v1/recipients/{self.recipient}/{path}", asked)


@dataclass
class Following:
    """Reads a recipient's feed increment by increment and hands out only what is proven.

    Keep ``head`` (and give it back) to go on after a restart.

    Args:
        client: a connection entitled to read.
        recipient: the corporation.
        keys: the gateway's published keys, from your own copy; what its log's key announces is learned.
        log_name: the gateway's name as in its checkpoints.
        quorum: witnesses who must have seen the log's head; what they have not is not handed out yet.
    """

    client: Client
    recipient: str
    keys: KeyRing
    log_name: str
    quorum: Quorum | None = None
    head: FeedHead = field(init=False)

    def __post_init__(self) -> None:
        self.head = FeedHead(log_origin(self.log_name, self.recipient))
        self._shown = _Shown(self.client, self.recipient)

    def fetch(self, wait: float = 0.0) -> list[FollowedLine]:
        """What is new since the last call, proven; waits so many seconds if there is nothing.

        Raises:
            EvidenceError: something was withheld, altered, reordered or forked; nothing of it is handed out.
        """
        first = self._shown.page(self.head.next_position, wait)
        note = self._shown.checkpoint(self.quorum)
        checkpoint = None if note is None else self._opened(note)
        if note is None or checkpoint is None:
            self._require_continued()
            return []
        if checkpoint.size <= self.head.size:
            raise _contradicted(self.head, checkpoint)
        receipts = self._shown.receipts(self.head.size, checkpoint.size)
        self.keys = self.client.keys_for(receipts, self.keys)
        rows = self._rows(first, self._end(receipts))
        consistency = self._shown.consistency(self.head.size, checkpoint.size)
        self.head = verify_increment(self.head, Increment(note, consistency, receipts, rows), self.keys)
        return [_followed(row) for row in rows]

    def _opened(self, note: str) -> Checkpoint | None:
        """What a head says, seen by as many witnesses as are demanded; None if it is the one that was proven before."""
        self.keys = self.client.keys_for_head(note, self.keys)
        checkpoint = open_checkpoint(note, self.keys)
        if self.quorum:
            self.quorum.require(note)
        proven = self.head.origin, self.head.size, self.head.root
        return None if (checkpoint.origin, checkpoint.size, checkpoint.root) == proven else checkpoint

    def _require_continued(self) -> None:
        """While witnesses have seen nothing new, the newest head of all must still continue ours."""
        note = self._shown.checkpoint(None) if self.quorum and self.head.size else None
        if note is None:
            return
        self.keys = self.client.keys_for_head(note, self.keys)
        newest = open_checkpoint(note, self.keys)
        check_same_log(self.head.origin, newest.origin)
        if newest.size < self.head.size:
            raise _contradicted(self.head, newest)
        path = self._shown.consistency(self.head.size, newest.size)
        check_consistency(self.head.size, self.head.root, newest.size, newest.root, path)

    def _rows(self, rows: list[bytes], end: int) -> list[bytes]:
        wanted = end - self.head.next_position
        while len(rows) < wanted:
            more = self._shown.page(self.head.next_position + len(rows))
            if not more:
                raise EvidenceError("the feed ends before what its receipts promise")
            rows += more
        return rows[:wanted]

    def _end(self, receipts: list[str]) -> int:
        last = read_statement(open_receipt(receipts[-1], self.keys))
        return last.first_position + last.count

    def forever(self, wait: float = 30.0) -> Iterator[FollowedLine]:
        """Every line from here on, as it comes."""
        while True:
            lines = self.fetch(wait)
            yield from lines
            if self.quorum and not lines:
                time.sleep(UNSEEN_S)


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
