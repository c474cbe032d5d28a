"""Our side: adapters that hand packed documents to a child, and the few children there are.

A child does one document at a time; whose is next, ``turns`` says. What it takes too long for is refused, and the child
killed. One that dies may have been unwell from what it read before, so its document is tried once more by a fresh one;
what kills that, too, is refused.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, BinaryIO

from gateway.confined.channel import Answer, Ended, Task, receive, send
from gateway.confined.child import overwhelming
from gateway.confined.turns import Turns
from gateway.errors import Unreadable
from gateway.formats.archives import LONGEST_SIGNATURE, looks_packed
from gateway.ports import Adapter, Hints
from gateway.schemas.observed import Observed

LOGGER = logging.getLogger("hayame.confined")
CHILDREN = 2
MEMORY = 256 << 20  # bytes of address space for a document
MOST_BYTES = 64 << 20  # of a packed document
START_S = 30.0
WAITING = 0.8  # of the time that a document has: the part that may go by before its turn comes
OURS = "HAYAME_"  # settings, some of them secret: no child needs any


class Pool:
    """The children of a process.

    Args:
        seconds: what a document may take.
        within: what it may take together with waiting for its turn; twice ``seconds`` where nothing else is said.
        children: how many there are.
        memory: bytes of address space that a document may take.
    """

    def __init__(
        self, seconds: float, within: float | None = None, children: int = CHILDREN, memory: int = MEMORY
    ) -> None:
        self.seconds, self._memory = seconds, memory
        self._within = 2 * seconds if within is None else within
        self.turns = Turns(children, seconds)
        self._idle: list[_Child] = []

    def ask(self, task: Task, document: bytes) -> Answer:
        """What a document comes to.

        Raises:
            BusyError: no child was free in time.
        """
        sender, until = task.hints.institution or "", time.monotonic() + self._within
        turn = self.turns.take(sender, self._within * WAITING)
        try:
            with suppress(IndexError, Ended):
                return self._by(self._idle.pop(), self._in_time(task, until), document)
            child = _Child(self._memory)
            return self._by(child, self._in_time(task, until), document)
        except Ended:
            LOGGER.error("a child died of a document; adapter %s", task.adapter)
        except TimeoutError:
            LOGGER.error("a document took too long; adapter %s", task.adapter)
        finally:
            self.turns.give_back(sender, turn)
        return Answer([], overwhelming())

    def _in_time(self, task: Task, until: float) -> Task:
        """The task with what is left of its time; always some."""
        left = max(until - time.monotonic(), self._within * (1 - WAITING))
        return replace(task, seconds=min(self.seconds, left))

    def _by(self, child: _Child, task: Task, document: bytes) -> Answer:
        try:
            answer = child.ask(task, document)
        except BaseException:
            child.end()
            raise
        self._idle.append(child)
        return answer

    def close(self) -> None:
        """End the children that have nothing to do."""
        while self._idle:
            self._idle.pop().end()


class _Child:
    """One child process, started at once."""

    def __init__(self, memory: int) -> None:
        command = [sys.executable, "-m", "gateway.confined", str(memory)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                command, stdin=theirs.fileno(), env=environment, start_new_session=True
            )
        try:
            receive(self._channel, START_S)
        except BaseException:
            self.end()
            raise

    def ask(self, task: Task, document: bytes) -> Answer:
        """What a document comes to.

        Raises:
            Ended: the child died.
            TimeoutError: it took too long.
        """
        send(self._channel, task, task.seconds)
        send(self._channel, document, task.seconds)
        answer: Answer = receive(self._channel, task.seconds)
        return answer

    def end(self) -> None:
        """End it, whatever it does."""
        self._channel.close()
        self._process.kill()
        self._process.wait()


class Confined:
    """An adapter whose packed documents are read by a child; all others it reads itself."""

    def __init__(self, adapter: Adapter, pool: Pool) -> None:
        self._adapter, self._pool = adapter, pool
        self.name, self.version = adapter.name, adapter.version
        self.media_types, self.kinds = adapter.media_types, adapter.kinds
        self.recognises = adapter.recognises  # it only looks at the first bytes

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """Read the document from its start.

        Raises:
            Unreadable: as the adapter says, or because the document was too much for it.
            BusyError: too many packed documents at a time.
        """
        if not _is_packed(source):
            return self._adapter.read(source, hints)
        return self._ask(Task(self.name, "read", hints, self._pool.seconds), source)

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The refused records in the sender's own layout; raises as ``read`` does."""
        if not _is_packed(source):
            return self._adapter.returned(source, refused, hints)
        return self._ask(Task(self.name, "returned", hints, self._pool.seconds, tuple(refused)), source)

    def _ask(self, task: Task, source: BinaryIO) -> Iterator[Any]:
        document = source.read(MOST_BYTES + 1)
        if len(document) > MOST_BYTES:
            raise Unreadable(
                f"A packed document may have {MOST_BYTES} bytes at most.",
                ja=f"圧縮された文書は {MOST_BYTES} バイトまでです。",
            )
        answer = self._pool.ask(task, document)
        if answer.fault:
            LOGGER.error("adapter %s broke on a document:\n%s", self.name, answer.fault)
        yield from answer.found
        if answer.refusal is not None:
            raise answer.refusal


def _is_packed(source: BinaryIO) -> bool:
    source.seek(0)
    head = source.read(LONGEST_SIGNATURE)
    source.seek(0)
    return looks_packed(head)


def confined(adapters: Mapping[str, Adapter], pool: Pool) -> dict[str, Adapter]:
    """The same adapters, none of which unpacks anything in this process."""
    return {name: Confined(adapter, pool) for name, adapter in adapters.items()}
