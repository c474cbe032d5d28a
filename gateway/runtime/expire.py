"""Withdraw what has been kept as long as it may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from gateway.ports import Clock
from gateway.runtime.own_words import OURSELVES
from gateway.runtime.withdraw import Asked, Withdrawer
from gateway.schemas.identifiers import JST
from gateway.schemas.retention import Retention, years_before
from gateway.schemas.withdrawal import REASONS
from gateway.store import withdrawals
from gateway.store.engine import Database

BY = "retention"


@dataclass(frozen=True, slots=True)
class Expiry:
    """Knows the periods; without any nothing is ever too old."""

    database: Database
    withdrawer: Withdrawer
    clock: Clock
    retention: Retention | None

    def expire(self) -> int:
        """Withdraw every submission whose period is over, oldest first; how many these were."""
        if self.retention is None:
            return 0
        now = self.clock.now()
        day = years_before(min(self.retention.years.values()), now)
        before = datetime.combine(day, time.max, JST)
        with self.database.read() as session:
            old = [
                one.submission
                for one in withdrawals.received_before(session, before, except_of=OURSELVES)
                if self.retention.is_over(one.kinds, one.received_at, now)
            ]
        for submission in old:
            self.withdrawer.withdraw(Asked(submission, REASONS["retention"], BY))
        return len(old)
