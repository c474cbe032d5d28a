"""The newest checkpoint of every log, kept outside the database, so that a restore or a failover cannot pass unnoticed.

One small file per log, its signed checkpoint, written off the request path at most half a second after a commit. A
database that holds less than the file says, or something else at that size, was rewound or forked: then nothing is
signed for that log any more, until an operator reopens it (``reopen.py``).
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigurationError, EvidenceError, LogSuspended
from gateway.runtime.repeating import repeating
from gateway.security.checkpoints import open_checkpoint, origin_parts
from gateway.security.log_keys import LogKeys
from gateway.security.merkle import root_of
from gateway.store import log
from gateway.store.engine import Database, Session
from gateway.store.log import EMPTY_HEAD, HeadState

LOGGER = logging.getLogger("hayame.log")
LOOK_S = 0.5
SUFFIX = ".checkpoint"


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A head that was signed: its log's name and epoch, how many entries, and their root."""

    origin: str
    epoch: int
    size: int
    root: bytes

    @property
    def place(self) -> tuple[int, int]:
        """Later epochs come after earlier ones, and within one the larger log."""
        return self.epoch, self.size


class KeptFiles:
    """The folder of checkpoints, one file for each recipient.

    Args:
        folder: best on another disk than the database.
        logs: the gateway's own keys of the logs.
        log_name: the gateway's name in front of every checkpoint.
    """

    def __init__(self, folder: Path, logs: LogKeys, log_name: str) -> None:
        self._folder, self._logs, self._log_name = folder, logs, log_name
        self._before: dict[Path, tuple[tuple[int, int], KeptHead]] = {}

    def read(self) -> dict[str, KeptHead]:
        """What the files say, by recipient; only those that changed are opened again.

        Raises:
            ConfigurationError: a file is not a checkpoint of this gateway.
        """
        for file in sorted(self._folder.glob(f"*{SUFFIX}")):
            told = file.stat()
            which = told.st_ino, told.st_mtime_ns
            if file not in self._before or self._before[file][0] != which:
                self._before[file] = which, self._opened(file)
        return {file.name.removesuffix(SUFFIX): head for file, (_, head) in self._before.items()}

    def _opened(self, file: Path) -> KeptHead:
        try:
            return self._head(file.name.removesuffix(SUFFIX), file.read_text("utf-8"))
        except (EvidenceError, ValueError) as error:
            raise ConfigurationError(
                f"{file} is not a checkpoint that this gateway signed",
                ja=f"{file} はこのゲートウェイが署名したチェックポイントではありません。",
            ) from error

    def _head(self, recipient: str, note: str) -> KeptHead:
        checkpoint = open_checkpoint(note, self._logs.ring)
        gateway, epoch, named = origin_parts(checkpoint.origin)
        if (gateway, named) != (self._log_name, recipient):
            raise EvidenceError("the checkpoint is that of another log", ja="別のログのチェックポイントです。")
        return KeptHead(checkpoint.origin, epoch, checkpoint.size, checkpoint.root)

    def write(self, recipient: str, note: str) -> KeptHead:
        """Replace a file whole, unless another process was there with something newer; what is there then."""
        head, file = self._head(recipient, note), self._folder / f"{recipient}{SUFFIX}"
        with _locked(self._folder):
            if file.exists() and self._opened(file).place >= head.place:
                return self._opened(file)
            fresh = file.with_suffix(".new")
            with fresh.open("w", encoding="utf-8") as writing:
                writing.write(note)
                writing.flush()
                os.fsync(writing.fileno())
            fresh.replace(file)
        return head


class KeptHeads:
    """Compares the logs in the database with what is kept of them in a folder.

    Args:
        database: where the logs are.
        files: where the checkpoints are kept.
    """

    def __init__(self, database: Database, files: KeptFiles) -> None:
        self._database, self._files = database, files
        self._known: dict[str, KeptHead] = {}
        self._wrong: dict[str, str] = {}
        self._seen: dict[str, tuple[KeptHead | None, HeadState]] = {}
        self._one = threading.Lock()

    def require(self, recipients: Iterable[str]) -> None:
        """That something may be signed for these recipients.

        Raises:
            LogSuspended: one of their logs was found rewound or forked.
        """
        if not self._wrong.keys().isdisjoint(recipients):
            raise LogSuspended

    def require_at(self, recipient: str, head: HeadState) -> None:
        """That the head that was locked does not fall behind what is known of the log; a look-up, no reading.

        Raises:
            LogSuspended: it does, or the log was found rewound or forked and is not reopened yet.
        """
        known = self._known.get(recipient)
        if known is None or head.epoch > known.epoch:
            return
        if recipient in self._wrong or (head.epoch, head.next_leaf) < known.place:
            raise LogSuspended

    def found_wrong(self) -> dict[str, tuple[KeptHead, str]]:
        """What is kept of each log that was found rewound or forked, and what contradicts it."""
        return {recipient: (self._known[recipient], reason) for recipient, reason in self._wrong.items()}

    def look(self) -> None:
        """Compare every log that moved, or whose file did; the files are read first, so they are never ahead.

        Raises:
            ConfigurationError: a file is not a checkpoint of this gateway.
        """
        with self._one:
            kept = self._files.read()
            with self._database.read() as session:
                heads = log.all_heads(session)
                for recipient in sorted(kept.keys() | heads.keys()):
                    seen = kept.get(recipient), heads.get(recipient, EMPTY_HEAD)
                    if self._seen.get(recipient) != seen:
                        self._judge(session, recipient, *seen)
                        self._seen[recipient] = seen

    def keep(self) -> None:
        """Look, then write down the newest checkpoint of every log that moved and is as it should be."""
        self.look()
        with self._database.read() as session:
            for recipient, (kept, head) in self._seen.items():
                if recipient in self._wrong or (kept and kept.place >= (head.epoch, head.next_leaf)):
                    continue
                found = log.find_checkpoint(session, recipient)
                if found is not None:
                    self._known[recipient] = self._files.write(recipient, found[1])

    def keeping(self) -> AbstractContextManager[None]:
        """Keep on for the time of a block, in a thread of its own, and once more at the end."""
        return repeating("kept-heads", LOOK_S, self.keep, last=True)

    def _judge(self, session: Session, recipient: str, kept: KeptHead | None, head: HeadState) -> None:
        reason = None if kept is None else _contradiction(session, recipient, kept, head)
        if kept is not None:
            self._known[recipient] = kept
        if reason is None:
            self._wrong.pop(recipient, None)
        elif self._wrong.get(recipient) != reason:
            self._wrong[recipient] = reason
            LOGGER.error("log %s is suspended: %s", recipient, reason)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only one that writes in a folder; what was written is durable afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _contradiction(session: Session, recipient: str, kept: KeptHead, head: HeadState) -> str | None:
    """Why the log in the database cannot be the one that was signed; None where it can."""
    if head.epoch > kept.epoch:
        return None
    if (head.epoch, head.next_leaf) < kept.place:
        return f"{head.next_leaf} entries in epoch {head.epoch}, {kept.size} in epoch {kept.epoch} were signed"
    try:
        found = root_of(kept.size, log.node_reader(session, recipient))
    except EvidenceError:
        found = None
    return None if found == kept.root else f"its first {kept.size} entries are not those that were signed"
