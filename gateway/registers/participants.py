"""Participants: who may do what, for whom, with which key, today."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from gateway.errors import NotEntitled
from gateway.ports import Clock
from gateway.registers.mergers import become, predecessors
from gateway.schemas.access import load_access
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
        """Everything it may do anywhere: as it is registered, or as firms that paired with it let it."""
        paired = load_access().paired.get(self.enrolled.kind, frozenset())
        return paired.union(name for name, _ in self.enrolled.entitlements)

    def institution(self, on_behalf_of: str | None, now: datetime) -> str:
        """The institution whose report this is: its own, or one that let it submit; or what that has become by now.

        Raises:
            NotEntitled: no delegation is in force today (Japanese date).
        """
        today = japanese_date(now)
        named = self.enrolled.institution if on_behalf_of is None else on_behalf_of
        if not self.is_own(named, now):
            valid_from, valid_until = self.enrolled.delegations.get(named, (None, None))
            if valid_from is None or not valid_from <= today <= (valid_until or today):
                raise NotEntitled
        return self._become(named, today)

    def is_own(self, institution: str, now: datetime) -> bool:
        """Whether an institution is the participant's own, or has the same successor as that."""
        today, own = japanese_date(now), self.enrolled.institution
        return institution == own or institution == self._become(own, today)

    def succeeds(self, institution: str, now: datetime) -> tuple[str, ...] | None:
        """Institutions that have become this one by today, by code; None where there are none."""
        return predecessors(self.enrolled.successions, institution, japanese_date(now))

    def _become(self, institution: str, today: date) -> str:
        return become(self.enrolled.successions, institution, today)


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

    def look_again(self) -> None:
        """Look now, however lately one looked: for what may not rest on a key that has just ended."""
        self._look(self._clock.now())

    def _look(self, now: datetime) -> None:
        with self._database.read() as session:
            version = registers.register_version(session)
            if version != self._version or self._key_turned(now):
                enrolled = registers.load_participants(session)
                self._known = {name: Participant(_capped(one), _signatory(one, now)) for name, one in enrolled.items()}
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


def _capped(enrolled: Enrolled) -> Enrolled:
    """What its role does not allow counts for nothing, whatever the register says."""
    allowed = load_access().roles.get(enrolled.kind, frozenset())
    return replace(enrolled, entitlements={one for one in enrolled.entitlements if one[0] in allowed})


def _signatory(enrolled: Enrolled, now: datetime) -> Signatory:
    return Signatory(enrolled.profile, valid_keys(enrolled, now), tuple(map(certificate_of, enrolled.certificates)))


def valid_keys(enrolled: Enrolled, now: datetime) -> KeyRing:
    """The keys of a participant that are valid at an instant."""
    valid = (jwk for jwk, start, end in enrolled.keys.values() if start <= now and (end is None or now < end))
    return KeyRing(PublicKey.from_jwk(json.loads(jwk)) for jwk in valid)
