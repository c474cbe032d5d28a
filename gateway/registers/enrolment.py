"""Enrol participants: who they are, their public keys, what they may do, for whom they may speak."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from gateway.errors import InvalidRequest, NotFound
from gateway.schemas.identifiers import CGC_IDS, SignatureProfile
from gateway.security.keys import KeyRing
from gateway.security.xml_signatures import certificate_der
from gateway.store import registers
from gateway.store.engine import Database
from gateway.store.registers import Enrolled

KINDS = frozenset({"bank", "vendor", "office", "corporation", "tool", "witness"})
ACTIONS = frozenset({"submit", "read", "link", "witness"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A participant to be enrolled; ``institution`` is a bank's code."""

    id: str
    kind: str
    name: str
    institution: str | None
    keys: KeyRing
    may: frozenset[tuple[str, str]]


def entitlements(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """``submit:13`` and the like as (action, recipient).

    Raises:
        InvalidRequest: there is no such action or corporation.
    """
    pairs = frozenset((action, recipient) for action, _, recipient in (text.partition(":") for text in texts))
    if not all(action in ACTIONS and recipient in CGC_IDS for action, recipient in pairs):
        raise InvalidRequest(f"say action:recipient, with an action of {sorted(ACTIONS)} and a known corporation")
    return pairs


def enrol(database: Database, entry: Entry, now: datetime) -> None:
    """Enrol a participant, or complete one that is enrolled already.

    Raises:
        InvalidRequest: there is no such kind of participant.
    """
    if entry.kind not in KINDS:
        raise InvalidRequest(f"a participant is one of {sorted(KINDS)}")
    keys: dict[str, tuple[str, datetime, datetime | None]] = {
        key.kid: (json.dumps(key.jwk()), now, None) for key in entry.keys
    }
    institution = entry.institution or entry.id
    enrolled = Enrolled(entry.id, entry.kind, entry.name, institution, keys, set(entry.may))
    with database.write() as session:
        registers.enrol(session, enrolled, now)


def set_profile(
    database: Database, participant: str, profile: SignatureProfile, certificates: Iterable[bytes] = ()
) -> None:
    """Let a participant prove its submissions in this way from now on, and in no other.

    Args:
        database: where the register is.
        participant: its id.
        profile: what it proves them with.
        certificates: with which it signs XML (PEM or DER), all of them; those registered before are forgotten.

    Raises:
        InvalidRequest: certificates are needed and missing, or given and not needed.
        NotFound: there is no such participant.
        ConfigurationError: a certificate is none, or its key too weak.
    """
    known = [certificate_der(one) for one in certificates]
    if bool(known) != (profile is SignatureProfile.XML_SIGNATURE):
        raise InvalidRequest(
            "certificates are for xml_signature, which needs one",
            ja="証明書は xml_signature の場合に限り指定してください。",
        )
    with database.write() as session:
        if not registers.set_profile(session, participant, profile, known):
            raise NotFound


def delegate(database: Database, sender: str, institution: str, since: date, until: date | None) -> None:
    """Allow a sender to submit on an institution's behalf."""
    with database.write() as session:
        registers.delegate(session, sender, institution, (since, until))


def everybody(database: Database) -> list[Enrolled]:
    """All participants, by id."""
    with database.read() as session:
        return [one for _, one in sorted(registers.load_participants(session).items())]
