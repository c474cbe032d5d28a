"""Hands over the files of a folder: each once, whatever happens to the network, the gateway or this machine.

What a file is sent with (its Idempotency-Key and everything asked) is kept durably beside it before it is first sent,
so that it is sent again word for word after a crash, and the gateway answers what it answered before. It stops where
the gateway may have forgotten the key (a week by default): then a person asks, rather than that it arrives twice.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.agent import words
from gateway.agent.delivery import Delivery, Instructions, Say, Waiting, beside
from gateway.client import Client
from gateway.collectors.folder import Claim, Folder

FIRST_PAUSE_S, LONGEST_PAUSE_S, MOST_TRIES = 2.0, 300.0, 12


@dataclass
class Agent:
    """One watched folder. Several may watch the same one.

    Args:
        client: a connection of the participant.
        folder: the folder.
        instructions: with what its files are handed over.
        say: is told, in one line, what became of each file and why one waits.
    """

    client: Client
    folder: Folder
    instructions: Instructions
    say: Say
    _tries: int = field(default=0, init=False)
    _told: dict[str, str] = field(default_factory=dict, init=False)

    def look(self) -> bool:
        """Go on with what is in hand, then take what is complete.

        Returns:
            Whether nothing waits for another look: no file still grows, none is in hand.
        """
        quiet = True
        for held in self.folder.claims():
            waits = self._attend(held)
            quiet &= waits is None
            if waits is not None and waits.others:
                return False
        complete, growing = self.folder.look(time.monotonic())
        for name in complete:
            with self.folder.claim(name, {"asked": dict(self.instructions.asked)}) as claim:
                waits = self._attend(claim) if claim else None
            quiet &= waits is None
            if waits is not None and waits.others:
                return False
        for name in self.folder.empty():
            self._tell(name, words.line(name, ("空のファイルのため、まだ送りません。", "empty; not sent yet")))
        return quiet and not growing

    def pause_s(self, every_s: float) -> float:
        """Seconds until the next look: the usual ones, or more and more, up to five minutes, while nothing works."""
        if not self._tries:
            return every_s
        longer = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (self._tries - 1))
        return max(every_s, longer * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the load, hides nothing

    def away(self, said: str) -> None:
        """Note that the folder cannot be used now."""
        self._tries = min(self._tries + 1, MOST_TRIES)
        self._tell("", said)

    def _attend(self, claim: Claim) -> Waiting | None:
        """Bring a file as far as it goes now; why it waits, if it does."""
        try:
            Delivery(self.client, self.folder, self.instructions, self.say).deliver(claim)
        except Waiting as waits:
            self._tries = min(self._tries + 1, MOST_TRIES) if waits.failed else self._tries
            self._tell(claim.name, words.line(claim.name, waits.said))
            with suppress(OSError):
                claim.put(beside(claim, "結果.txt"), words.page(claim.name, waits.said, words.WAITING))
            return waits
        self._tries = 0
        return None

    def _tell(self, name: str, said: str) -> None:
        if self._told.get(name) != said:
            self._told = {**dict(list(self._told.items())[-99:]), name: said}
            self.say(said)


def watch(agent: Agent, every_s: float, *, once: bool) -> bool:
    """Look until nothing waits any more (``once``), or for ever.

    Args:
        agent: who looks.
        every_s: seconds between two looks while all is well.
        once: end when everything that lay there is done, or when one file cannot be now.

    Returns:
        Whether all is done.
    """
    while True:
        quiet, pause = _looked(agent), agent.pause_s(every_s)
        if once and (quiet or agent.pause_s(0.0) > 0):
            return quiet
        time.sleep(pause)


def _looked(agent: Agent) -> bool:
    """One look; a folder that is away for a while (a share) is waited for, and said so."""
    try:
        return agent.look()
    except OSError as error:
        why = error.strerror or type(error).__name__
        agent.away(
            f"フォルダーを使えません({why})。あとで再試行します。 / the folder cannot be used ({why}); tried again"
        )
        return False
