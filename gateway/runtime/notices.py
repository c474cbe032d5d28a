"""Say in the feeds concerned what became of consents: withdrawn, over, or ending in 30, 14 or 3 days; each once.

That a consent is over is decided where it is asked for (``registers/permits.py``), at once; this only tells of it. Each
notice is a job under a name of its own, so that no process, and no restart, gives it twice.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from gateway.ports import Clock
from gateway.runtime.own_words import OwnWord
from gateway.runtime.sealer import Sealer
from gateway.schemas.consent import Kept
from gateway.schemas.consent_notice import CONSENT_NOTICE, DAYS_AHEAD, OVER, ConsentNotice, Event
from gateway.schemas.identifiers import instant_text, japanese_date
from gateway.schemas.withdrawal import Runs, runs
from gateway.security.canonical import canonical
from gateway.store import consent_notices, consents, log
from gateway.store.engine import Database
from gateway.store.feed import Blocks

LOGGER = logging.getLogger("hayame.consents")
ADAPTER = "consent_notice/1"


@dataclass(frozen=True, slots=True)
class Notices:
    """Announces ends of consents, and gives notice of them."""

    database: Database
    blocks: Blocks
    sealer: Sealer
    clock: Clock

    def announce(self) -> int:
        """Have notice given of every consent that has come nearer to its end than was said yet; how many these are."""
        announced = 0
        for days in (OVER, *DAYS_AHEAD):
            while count := self._announce(days):
                announced += count
        return announced

    def _announce(self, days: int) -> int:
        """Announce some of those that are so near to their end, in one short transaction; how many."""
        now = self.clock.now()
        until = japanese_date(now) + timedelta(days=days)
        with self.database.write() as session:
            found = consent_notices.ending(session, until, days)
            for kept in found:
                consent_notices.enqueue(session, kept, "expired" if days == OVER else f"expiring-{days}", now)
                LOGGER.info("consent %s ends on %s", kept.id, kept.consent.valid_to)
            consent_notices.note_announced(session, [kept.id for kept in found], days)
            self.database.notify(session)
        return len(found)

    def give(self, key: str) -> None:
        """Give one recipient one notice: a line of the gateway's own in its feed."""
        consent, said, recipient = consent_notices.of_key(key)
        self.blocks.cipher.make_ready([recipient])
        with self.database.write() as session:
            head = log.lock_heads(self.database, session, [recipient])[recipient]
            kept, series = consents.find(session, [consent])[consent], f"{CONSENT_NOTICE}/{consent}/{said}"
            if consent_notices.was_given(session, self.blocks.index, recipient, series):
                return
            now = self.clock.now()
            under = runs(consent_notices.positions_under(session, recipient, kept.id))
            word = OwnWord(recipient, ADAPTER, self._said(kept, said, under), now)
            subject = kept.party if under else None  # who got nothing of a firm learns not that it is known
            word.seal(session, (self.blocks, self.sealer), [word.line(CONSENT_NOTICE, series, subject or "")], head)

    def _said(self, kept: Kept, said: str, under: Runs) -> bytes:
        event: Event = "withdrawn" if said == "withdrawn" else "expired" if said == "expired" else "expiring"
        notice = ConsentNotice(
            consent=kept.id,
            event=event,
            valid_to=kept.consent.valid_to,
            positions=() if event == "expiring" else under,
            said_at=instant_text(self.clock.now()),
        )
        return canonical(notice.model_dump(mode="json", exclude_none=True))
