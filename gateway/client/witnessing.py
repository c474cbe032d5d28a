"""A witness: watches a log from outside, cosigns what continues what it saw, and refuses the rest.

What it saw last is a file of its own, written before anything is handed over, so that no restart lets it cosign two
histories. Heads that cannot both be true are written beside it, each signed by the gateway.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from gateway.client.client import Client, Refusal
from gateway.errors import ConfigurationError, EvidenceError, LogForked, PeerError
from gateway.security.checkpoints import Checkpoint, log_origin, open_checkpoint
from gateway.security.completeness import check_same_log
from gateway.security.cosignatures import Witness, cosign, find_cosignatures
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing import open_receipt
from gateway.security.succession import SealedReason, check_succession

RECEIPTS = 10_000
NO_PROOF = frozenset({400, 404, 422})  # with these a gateway answers that it has none


@dataclass(frozen=True, slots=True)
class Seen:
    """A head whose signature was verified: the note as it was served, and what it says."""

    note: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Watched:
    """A log as the gateway shows it.

    Args:
        client: a connection of a participant that may witness.
        recipient: the corporation.
        keys: the gateway's published keys, from your own copy; what succeeds them by their word is learned.
        log_name: the gateway's name as in its checkpoints.
    """

    client: Client
    recipient: str
    keys: KeyRing
    log_name: str

    def opened(self, note: str) -> Seen:
        """What a note says, once it is known to be a checkpoint of this log."""
        checkpoint = open_checkpoint(note, self.client.keys_for_head(note, self.keys))
        check_same_log(log_origin(self.log_name, self.recipient), checkpoint.origin)
        return Seen(note, checkpoint)

    def head(self, size: int | None = None) -> Seen:
        """The newest head, or the one of a size."""
        return self.opened(self.client.get(self._at("checkpoint"), {} if size is None else {"size": size}).text)

    def cosigned_after(self, size: int) -> Iterator[Seen]:
        """Larger heads that somebody cosigned, smallest first, each fetched when its turn comes: who cosigns a head
        says that it has seen none larger. What the gateway lists and does not have is left out.
        """
        try:
            listed = [int(one["size"]) for one in self.client.get(self._at("cosignatures")).json()]
        except (ValueError, KeyError, TypeError) as error:
            raise PeerError("the list of cosignatures cannot be read") from error
        for one in sorted({one for one in listed if one > size}):
            try:
                head = self.head(one)
            except Refusal as refusal:
                if refusal.status != 404:
                    raise
            else:
                yield head

    def require_succession(self, before: Checkpoint, now: Checkpoint) -> None:
        """That one head continues another.

        Raises:
            EvidenceError: it does not, or the gateway has no proof of it.
        """
        path: list[bytes] = []
        if 0 < before.size < now.size:
            path = self._path("consistency", {"first": before.size, "second": now.size})
        reason = None if now.origin == before.origin else self._reason(before, now)
        keys = self.client.keys_for([reason.receipt], self.keys) if reason else self.keys
        check_succession(before, now, path, reason, keys)

    def hand_in(self, note: str) -> None:
        """Give the gateway a cosigned note."""
        self.client.post(self._at("cosignatures"), {"note": note})

    def _path(self, of: str, asked: Mapping[str, int]) -> list[bytes]:
        try:
            path = self.client.get(self._at(f"proofs/{of}"), asked).json()["path"]
            return [bytes.fromhex(one) for one in path]
        except Refusal as refusal:
            if refusal.status not in NO_PROOF:
                raise
            raise LogForked(f"the gateway has no proof of {of}: {refusal.message}") from refusal
        except (ValueError, KeyError, TypeError) as error:
            raise LogForked(f"what the gateway gives as proof of {of} is none") from error

    def _reason(self, before: Checkpoint, now: Checkpoint) -> SealedReason | None:
        """The receipt that says why the log goes by another name, with its proof."""
        for first in range(before.size, now.size, RECEIPTS):
            asked = {"first": first, "limit": min(RECEIPTS, now.size - first)}
            receipts = self.client.get(self._at("receipts"), asked).text.split()
            keys = self.client.keys_for(receipts, self.keys)
            for receipt in receipts:
                statement = read_statement(open_receipt(receipt, keys))
                if statement.reopens and statement.reopens.opens == now.origin:
                    place = {"leaf": statement.leaf_index, "size": now.size}
                    return SealedReason(receipt, self._path("inclusion", place))
        return None

    def _at(self, path: str) -> str:
        return f"/v1/recipients/{self.recipient}/log/{path}"


@dataclass(frozen=True, slots=True)
class Witnessing:
    """Watches one log and cosigns its heads, by the name of the participant that the client is.

    Args:
        log: the log.
        key: the key to cosign with (Ed25519), registered for the participant.
        file: where what was seen last is kept; one process at a time looks.
    """

    log: Watched
    key: SigningKey
    file: Path

    def look(self) -> list[Checkpoint]:
        """Verify and cosign: first what other witnesses cosigned meanwhile, so that quorums meet, then the newest.

        Returns:
            The heads that were cosigned now.

        Raises:
            LogForked: the log does not continue what was seen; nothing of it is cosigned, and the error names the file
                that holds the contradicting heads.
            EvidenceError: what is shown is not signed by the gateway.
            Refusal, PeerError: the gateway refused, or cannot be reached.
        """
        cosigned: list[Checkpoint] = []
        with _locked(self.file):
            before = self._before()
            for head in self.log.cosigned_after(before.checkpoint.size) if before else ():
                before = self._step(before, head, cosigned)
            self._step(before, self.log.head(), cosigned)
        return cosigned

    def _before(self) -> Seen | None:
        if not self.file.exists():
            return None
        try:
            return self.log.opened(self.file.read_text("utf-8"))
        except (EvidenceError, ValueError) as error:
            raise ConfigurationError(
                f"{self.file} does not hold a checkpoint of this log",
                ja=f"{self.file} はこのログのチェックポイントではありません。",
            ) from error

    def _step(self, before: Seen | None, now: Seen, cosigned: list[Checkpoint]) -> Seen:
        """Verify one head, remember it, and cosign it unless the gateway has our cosignature."""
        if before is not None:
            self._verify(before, now)
        if now.checkpoint.size == 0:
            return now
        name = self.log.client.client_id
        done = find_cosignatures(now.note, [Witness(name, self.key.public)])
        note = now.note if done else now.note + cosign(now.note, name, self.key, datetime.now(UTC))
        if before is None or before.checkpoint != now.checkpoint:
            _replace(self.file, note)
        if not done:
            self.log.hand_in(note)
            cosigned.append(now.checkpoint)
        return now

    def _verify(self, before: Seen, now: Seen) -> None:
        try:
            self.log.require_succession(before.checkpoint, now.checkpoint)
        except EvidenceError as error:
            raise self._told(before, now, self._shown_instead(before), error) from error
        except Refusal as refusal:
            other = self._shown_instead(before)
            if other is None:
                raise
            raise self._told(before, now, other, LogForked()) from refusal

    def _shown_instead(self, before: Seen) -> str | None:
        """Another head of the size that was seen: two such, both signed, are proof without anything else."""
        try:
            shown = self.log.head(before.checkpoint.size)
        except (Refusal, EvidenceError):
            return None
        return None if shown.checkpoint == before.checkpoint else shown.note

    def _told(self, before: Seen, now: Seen, instead: str | None, error: EvidenceError) -> LogForked:
        """Write the contradicting heads to a file, which the error names; the first such file of a head stays."""
        evidence = {
            "reason": error.message,
            "found_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "seen": before.note,
            "shown": now.note,
            "shown_at_the_size_seen": instead,
        }
        file = self.file.with_name(f"{self.file.name}.contradiction-{before.checkpoint.size}.json")
        if not file.exists():
            _replace(file, orjson.dumps(evidence, option=orjson.OPT_INDENT_2).decode())
        return LogForked(
            f"{error.message}; nothing was cosigned, the contradicting heads are in {file}",
            ja=f"{error.ja} 署名は行わず、矛盾するログ署名を {file} に保存しました。",
        )


def watch(witnessing: Witnessing, every: float, say: Callable[[str], None]) -> None:
    """Look once, or again and again; then a gateway that is away is waited for.

    Args:
        witnessing: who looks at what.
        every: seconds between two looks; 0 for one.
        say: is told of each head that was cosigned, and why a look came to nothing.

    Raises:
        LogForked: as ``look``; and whatever else waiting does not help against.
    """
    while True:
        try:
            for head in witnessing.look():
                say(f"cosigned {head.origin} {head.size} {head.root.hex()}")
        except (PeerError, Refusal) as error:
            if not every:
                raise
            say(f"{error.ja} {error.message}")
        if not every:
            break
        time.sleep(every)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Be the only process that looks for the file's log."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(file: Path, text: str) -> None:
    """Write a file whole and durably, or not at all."""
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("w", encoding="utf-8") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
