"""Participants: who may do what, for whom, with which key, today."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import NotEntitled
from gateway.ports import Clock
from gateway.schemas.identifiers import japanese_date
from gateway.security.keys import KeyRing, PublicKey
from gateway.security.profiles import Signatory
from gateway.security.xml_signatures import certificate_of
from gateway.store import registers
from gateway.store.engine import Database
from gateway.store.registers import Enrolled

FRESH_FOR = timedelta(seconds=1)  # how long a revoked key may still be taken for good


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant as of now, with the keys that are valid now."""

    enrolled: Enrolled
    signatory: Signatory

    @property
    def keys(self) -> KeyRing:
        """The keys that are valid now."""
        return self.signatory.keys

    @property
    def id(self) -> str:
        """Its participant id, which is its OAuth client id."""
        return self.enrolled.id

    def recipients(self, action: str) -> frozenset[str]:
        """Corporations at which it may do this."""
        return frozenset(recipient for name, recipient in self.enrolled.entitlements if name == action)

    def actions(self) -> frozenset[str]:
        """Everything it may do anywhere."""
        return frozenset(name for name, _ in self.enrolled.entitlements)

    def institution(self, on_behalf_of: str | None, now: datetime) -> str:
        """The institution whose report this is: its own, or one that let it submit.

        Raises:
            NotEntitled: no delegation is in force today (Japanese date).
        """
        if on_behalf_of is None or on_behalf_of == self.enrolled.institution:
            return self.enrolled.institution
        valid_from, valid_until = self.enrolled.delegations.get(on_behalf_of, (None, None))
        today = japanese_date(now)
        if valid_from is None or not valid_from <= today <= (valid_until or today):
            raise NotEntitled
        return on_behalf_of


class Participants:
    """The register of participants, re-read when it changed, looked at most once a second."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._known: Mapping[str, Participant] = {}
        self._version = -1
        self._looked_at: datetime | None = None

    def find(self, participant: str) -> Participant | None:
        """A participant by id, with today's keys."""
        now = self._clock.now()
        if self._looked_at is None or now - self._looked_at > FRESH_FOR:
            self._look(now)
        return self._known.get(participant)

    def _look(self, now: datetime) -> None:
        with self._database.read() as session:
            version = registers.register_version(session)
            if version != self._version or self._key_turned(now):
                enrolled = registers.load_participants(session)
                self._known = {name: Participant(one, _signatory(one, now)) for name, one in enrolled.items()}
                self._version = version
        self._looked_at = now

    def _key_turned(self, now: datetime) -> bool:
        """Whether some key began or ended to be valid since the last look."""
        last = self._looked_at
        turns = (
            at
            for one in self._known.values()
            for _, start, end in one.enrolled.keys.values()
            for at in (start, end)
            if at is not None
        )
        return last is not None and any(last < at <= now for at in turns)


def _signatory(enrolled: Enrolled, now: datetime) -> Signatory:
    valid = (jwk for jwk, start, end in enrolled.keys.values() if start <= now and (end is None or now < end))
    keys = KeyRing(PublicKey.from_jwk(json.loads(jwk)) for jwk in valid)
    return Signatory(enrolled.profile, keys, tuple(map(certificate_of, enrolled.certificates)))
