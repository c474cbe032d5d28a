"""Enrol participants: who they are, their public keys, what they may do, for whom they may speak."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from gateway.errors import InvalidRequest, NotFound
from gateway.registers.changes import Changing, Registrar
from gateway.registers.releases import plan_merger
from gateway.schemas.access import load_access
from gateway.schemas.identifiers import CGC_IDS, SignatureProfile, japanese_date
from gateway.schemas.register_change import OPERATOR, REGISTER, Authority
from gateway.security.keys import KeyRing
from gateway.security.xml_signatures import certificate_der
from gateway.store import registers
from gateway.store.engine import Database
from gateway.store.registers import Enrolled

ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Entry:
    """A participant to be enrolled; ``institution`` is a bank's code; its keys end at ``keys_until``, if ever."""

    id: str
    kind: str
    name: str
    institution: str | None
    keys: KeyRing
    may: frozenset[tuple[str, str]]
    keys_until: datetime | None = None


def entitlements(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """``submit:13`` and the like as (action, recipient); ``witness:00`` is for the log of the registers.

    Raises:
        InvalidRequest: there is no such action or corporation.
    """
    pairs = frozenset((action, recipient) for action, _, recipient in (text.partition(":") for text in texts))
    actions = load_access().actions
    if not all((action in actions and to in CGC_IDS) or (action, to) == ("witness", REGISTER) for action, to in pairs):
        raise InvalidRequest(f"say action:recipient, with an action of {sorted(actions)} and a known corporation")
    return pairs


def enrol(registrar: Registrar, entry: Entry) -> None:
    """Enrol a participant, or complete one that is enrolled already, on the operator's word; see ``put``."""
    with registrar.changing() as changing:
        put(changing, entry, OPERATOR)


def put(changing: Changing, entry: Entry, by: Authority) -> None:
    """Enrol a participant, or complete one that is enrolled already; a key that was ended stays so.

    Raises:
        InvalidRequest: there is no such kind of participant, its kind may not do this at all, or a key goes by the
            name of another participant's.
    """
    check_kind(entry.kind, entry.may)
    for key in entry.keys:
        require_free(changing, key.kid, entry.id)
    valid = changing.now, entry.keys_until
    keys = {key.kid: (json.dumps(key.jwk()), *valid) for key in entry.keys}
    institution = entry.institution or entry.id
    enrolled = Enrolled(entry.id, entry.kind, entry.name, institution, keys, set(entry.may))
    registers.enrol(changing.session, enrolled, changing.now)
    what = {"id": entry.id, "kind": entry.kind, "name": entry.name, "institution": institution}
    may = sorted(f"{action}:{recipient}" for action, recipient in entry.may)
    everyone = registers.load_participants(changing.session).values()
    alike = [one.id for one in everyone if one.institution == institution]  # who speaks for it, and now one more
    changing.say("enrolled", [entry.id, *alike], what | {"keys": entry.keys.jwks()["keys"], "may": may}, by)


def take_back(changing: Changing, participant: str, may: Iterable[str], by: Authority) -> None:
    """Take back some of what a participant may do; what it handed over or read until now stays as it is.

    Raises:
        InvalidRequest: it may not do that anyhow.
        NotFound: there is no such participant.
    """
    known = registers.find_enrolled(changing.session, participant)
    if known is None:
        raise NotFound
    gone = entitlements(may)
    if not gone or not gone <= known.entitlements:
        raise InvalidRequest("it is not entitled to that", ja="その権限は与えられていません。")
    registers.disentitle(changing.session, participant, gone)
    what = {"id": participant, "may_no_longer": sorted(f"{action}:{recipient}" for action, recipient in gone)}
    changing.say("disentitled", [participant], what, by)


def let_go(changing: Changing, participant: str, by: Authority) -> None:
    """Let a participant be none any more: its keys, rights and delegations end at once, its history stays.

    Raises:
        NotFound: there is no such participant.
    """
    known = registers.find_enrolled(changing.session, participant)
    if known is None:
        raise NotFound
    registers.leave(changing.session, participant, changing.now, japanese_date(changing.now) - timedelta(days=1))
    everyone = registers.load_participants(changing.session).values()
    told = [one.id for one in everyone if one.institution in (known.institution, *known.delegations)]
    changing.say("left", [participant, *told], {"id": participant, "institution": known.institution}, by)


def put_profile(
    changing: Changing, participant: str, profile: SignatureProfile, certificates: Iterable[bytes], by: Authority
) -> None:
    """Let a participant prove its submissions in this way from now on, and in no other.

    Args:
        changing: the change under way.
        participant: its id.
        profile: what it proves them with.
        certificates: with which it signs XML (PEM or DER), all of them; those registered before are forgotten.
        by: on whose word.

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
    if not registers.set_profile(changing.session, participant, profile, known):
        raise NotFound
    certified = {"certificates": [sha256(one).hexdigest() for one in known]} if known else {}
    changing.say("profiled", [participant], {"id": participant, "profile": profile.value} | certified, by)


def check_kind(kind: str, may: Iterable[tuple[str, str]] = ()) -> None:
    """That there is such a kind of participant, which can be entitled to this.

    Raises:
        InvalidRequest: there is not, or it cannot.
    """
    roles = load_access().roles
    if kind not in roles:
        raise InvalidRequest(f"a participant is one of {sorted(roles)}", ja="参加者の種類を確認してください。")
    beyond = ", ".join(sorted({action for action, _ in may} - roles[kind]))
    if beyond:
        raise InvalidRequest(f"a {kind} may not {beyond}", ja=f"参加者の種類 {kind} に許されない操作です: {beyond}")


def require_free(changing: Changing, kid: str, participant: str) -> None:
    """That no other participant has a key of this name: whose a signature is must not depend on who came last.

    Raises:
        InvalidRequest: another has.
    """
    found = registers.find_key(changing.session, kid)
    if found is not None and found[0] != participant:
        raise InvalidRequest("this key cannot be registered", ja="この鍵は登録できません。")


def put_delegation(changing: Changing, who: tuple[str, str], valid: tuple[date, date | None], by: Authority) -> None:
    """Let a sender submit on an institution's behalf (``who``), or, with a last day that is past, no longer.

    Raises:
        InvalidRequest: the sender is not enrolled.
    """
    (sender, institution), (since, until) = who, valid
    everyone = registers.load_participants(changing.session)
    if sender not in everyone:
        raise InvalidRequest("this sender is not enrolled", ja="この提出者は登録されていません。")
    registers.delegate(changing.session, sender, institution, valid)
    represented = [one.id for one in everyone.values() if one.institution == institution]
    what = {"sender": sender, "institution": institution, "since": since.isoformat()}
    ends = {"until": until.isoformat()} if until else {}
    changing.say("delegated", [sender, *represented], what | ends, by)


def put_succession(changing: Changing, institution: str, successor: str, since: date, by: Authority) -> None:
    """Let an institution be another from a date on; what it reported stays as it is, the successor may correct it.

    What is held of either and can be placed for what they are together is released on that day.

    Raises:
        InvalidRequest: it would become itself, by whatever way round.
    """
    successions = registers.load_successions(changing.session)
    heir = successor
    while heir != institution and heir in successions:
        heir = successions[heir][0]
    if heir == institution:
        raise InvalidRequest("an institution cannot succeed itself", ja="承継が循環しています。")
    registers.put_succession(changing.session, institution, successor, since)
    plan_merger(changing.session, institution, since, changing.now)
    everyone = registers.load_participants(changing.session).values()
    concerned = [one.id for one in everyone if one.institution in (institution, successor)]
    what = {"institution": institution, "successor": successor, "since": since.isoformat()}
    changing.say("succeeded", concerned, what, by)


def everybody(database: Database) -> list[Enrolled]:
    """All participants, by id."""
    with database.read() as session:
        return [one for _, one in sorted(registers.load_participants(session).items())]
