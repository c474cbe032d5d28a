"""Senders that insist: whatever happens to the gateway, they repeat with the same key until they have their receipt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.client import Client, Outcome
from gateway.errors import PeerError

PATIENCE_S = 600  # a large document may live through many crashes before it is final
ENDING_S = 120


@dataclass
class Handover:
    """One document with its Idempotency-Key, and everything the gateway ever promised about it."""

    key: str
    document: bytes
    asked: dict[str, str] = field(default_factory=dict)
    promised: list[Outcome] = field(default_factory=list)

    def submit(self, client: Client) -> Outcome:
        """Hand it over, for the first time or again."""
        self.promised.append(client.submit(self.document, key=self.key, recipient="13", **self.asked))
        return self.promised[-1]

    @property
    def receipts(self) -> list[str]:
        """The receipts of the final outcome."""
        return self.promised[-1].receipts

    @property
    def submissions(self) -> set[str]:
        """Under which ids it was ever acknowledged; there should be one."""
        return {outcome.submission for outcome in self.promised}


class Sender:
    """Hands over one document after the other, in a thread of its own, until told to stop."""

    def __init__(self, client: Client, documents: Iterator[Handover], pause_s: float = 0.1) -> None:
        self.done: list[Handover] = []
        self._client, self._documents, self._pause_s = client, documents, pause_s
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the current document come to its end; raises what stopped the thread before."""
        self._stopping.set()
        self._thread.join(ENDING_S)
        if self._error is not None:
            raise self._error
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for handover in self._documents:
                insist(lambda handover=handover: self._hand_over(handover))
                self.done.append(handover)
                if self._stopping.wait(self._pause_s):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for the thread
            self._error = error

    def _hand_over(self, handover: Handover) -> None:
        outcome = handover.submit(self._client)
        if outcome.state != "final":
            handover.promised.append(self._client.wait_for(outcome.submission))


def insist(act: Callable[[], object]) -> None:
    """Try until the gateway can be reached."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            act()
        except PeerError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
