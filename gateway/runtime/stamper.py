"""Fetches time stamps for the newest checkpoints of logs that moved: in the worker, never while a request waits.

Each log is stamped at most once in an interval; a stamp over its newest checkpoint covers every entry before. Several
workers share the turns by one row for each log: who takes a turn puts the next one off, long enough to be done with it.
What fails is tried again after a pause that grows up to a minute.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

import httpx2

from gateway.errors import GatewayError, PeerError
from gateway.ports import Clock
from gateway.runtime.repeating import repeating
from gateway.security.checkpoints import signed_by_log
from gateway.security.timestamps import MOST_BYTES, Authorities, ask, open_reply
from gateway.store import log, stamps
from gateway.store.engine import Database
from gateway.store.stamps import Stamped, Turn

LOGGER = logging.getLogger("hayame.stamps")
LOOK_S = 1.0
REPLY_S = 10.0
LONGEST_PAUSE_S = 60
LEASE = timedelta(seconds=60)
HEADERS = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}


@dataclass(frozen=True, slots=True)
class Office:
    """Where stamps come from, whom one trusts for them, and how often a log gets one."""

    url: str
    trusted: Authorities
    interval: timedelta
    reply_s: float = REPLY_S


@dataclass(frozen=True, slots=True)
class Stamper:
    """Stamps the logs of one database."""

    database: Database
    clock: Clock
    office: Office

    def stamp_due(self) -> int:
        """Stamp every log that moved and whose turn it is; how many were.

        The first failure ends the round: what hinders one stamp hinders the others too, and each failed try takes time.
        """
        done, now = 0, self.clock.now()
        with self.database.read() as session:
            due = [turn for turn in stamps.turns(session) if turn.is_behind and turn.next_try_at <= now]
        for turn in sorted(due, key=lambda one: (one.failures, one.waiting_since_at or now)):
            if not self._take(turn):
                continue
            if not self._stamp(turn):
                break
            done += 1
        return done

    def _take(self, turn: Turn) -> bool:
        now = self.clock.now()
        with self.database.write() as session:
            stamps.wait(session, [turn.recipient], now)
            return stamps.take(session, turn.recipient, now, now + LEASE)

    def _stamp(self, turn: Turn) -> bool:
        asked_at = self.clock.now()
        try:
            stamped = self._fetched(turn.recipient)
        except GatewayError as error:
            pause = timedelta(seconds=min(2 ** min(turn.failures, 10), LONGEST_PAUSE_S))
            LOGGER.warning("log %s got no time stamp: %s", turn.recipient, error.message)
            with self.database.write() as session:
                stamps.fail(session, turn.recipient, error.message, self.clock.now() + pause)
            return False
        with self.database.write() as session:
            stamps.keep(session, stamped, asked_at + self.office.interval)
        return True

    def _fetched(self, recipient: str) -> Stamped:
        """A verified stamp over the newest checkpoint of a log.

        Raises:
            PeerError: the authority is away, or gave none.
            EvidenceError: what it gave does not hold.
        """
        with self.database.read() as session:
            found = log.find_checkpoint(session, recipient)
        if found is None:
            raise PeerError("the log has no checkpoint", ja="ログのチェックポイントがありません。")
        size, note = found
        query = ask(signed_by_log(note).encode())
        stamp = open_reply(self._answer(query.raw), query, self.office.trusted, self.clock.now())
        return Stamped(recipient, size, stamp.token, stamp.at)

    def _answer(self, query: bytes) -> bytes:
        """What the authority answers: so much at most, and within so long altogether."""
        deadline, reply = time.monotonic() + self.office.reply_s, b""
        try:
            with (
                httpx2.Client(timeout=self.office.reply_s, trust_env=False) as http,
                http.stream("POST", self.office.url, content=query, headers=HEADERS) as answer,
            ):
                if answer.status_code != httpx2.codes.OK:
                    raise PeerError(f"the authority answered {answer.status_code}")
                for chunk in answer.iter_raw():
                    reply += chunk
                    if len(reply) > MOST_BYTES or time.monotonic() > deadline:
                        raise PeerError("the authority's answer is too long or too slow")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise PeerError(f"the authority cannot be reached ({type(error).__name__})") from error
        return reply

    def stamping(self) -> AbstractContextManager[None]:
        """Stamp on for the time of a block, in a thread of its own."""
        return repeating("stamper", LOOK_S, self.stamp_due)
