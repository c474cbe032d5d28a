"""Enrol by a one-time code: the operator's side makes one, the participant's side turns it into a registered key.

A code is a short name and a secret of 128 random bits, of which only the hash is kept. It is good once, for a limited
time and a handful of tries. Whoever holds it registers one key, for one participant, with exactly the rights it was
made for, by proving to hold that key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import InvalidRequest, NotAuthentic
from gateway.registers.changes import Changing, Registrar
from gateway.registers.enrolment import Entry, check_kind, entitlements, put, require_free
from gateway.registers.invitations import Invite, Lender, require_own
from gateway.schemas.identifiers import instant_text
from gateway.schemas.register_change import Authority
from gateway.security.keys import KeyRing, PublicKey
from gateway.security.words import Word, code_hash, plain_code, read_possession
from gateway.store import invitations, registers
from gateway.store.invitations import Invited
from gateway.store.registers import Enrolled

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is read as something else
NAME, SECRET = 8, 26  # characters of 5 bits each
MOST_TRIES = 5


class _Kept(Invite):
    """An invitation as it is kept, with the corporation on whose word it was made, if it was one's."""

    lender: Lender | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """What came of a code: whose key it is now, its name, and when it ends."""

    participant: str
    kid: str
    valid_until_at: datetime | None


def invite(changing: Changing, asked: Invite, by: Authority, lender: Lender | None = None) -> str:
    """Make a code, on the operator's word or a corporation's; it is told here and nowhere else.

    Raises:
        InvalidRequest: the participant is enrolled already, or, to have its keys replaced, is not; or there is no such
            kind or right.
        NotEntitled: the corporation cannot give this.
    """
    _require(changing, asked, lender)
    if not asked.replaces:
        check_kind(asked.kind)
        entitlements(asked.may)
    name, secret = (_random(length) for length in (NAME, SECRET))
    expires_at = changing.now + timedelta(hours=asked.hours)
    kept = _Kept(**asked.model_dump(), lender=lender).model_dump_json()
    invitations.add(changing.session, name, Invited(_hash(secret), kept, expires_at, False))
    what = asked.model_dump(exclude_none=True, exclude={"hours"})
    changing.say("invited", [asked.id], what | {"code": name, "expires_at": instant_text(expires_at)}, by)
    return _written(name + secret)


def _require(changing: Changing, asked: Invite, lender: Lender | None) -> None:
    """That a code can be made, or used: between the two, the registers may have changed."""
    if lender is not None:
        require_own(changing, asked, lender)
    known = registers.find_enrolled(changing.session, asked.id) is not None
    if known != asked.replaces:
        raise InvalidRequest(
            "enrolled already: ask for a replacement" if known else "nobody of this id is enrolled",
            ja="すでに登録されています(鍵の交換は --replace)。" if known else "この参加者は登録されていません。",
        )


def redeem(registrar: Registrar, code: str, proof: str, issuer: str, now: datetime) -> Registered:
    """Register the key of whoever holds a code; asked again with the same code and key, answered alike.

    Raises:
        NotAuthentic: the code is none, over, used for another key or tried too often; or the proof does not hold.
        InvalidRequest: the key is another participant's; or the participant was enrolled meanwhile.
        NotEntitled: what the code gives is not the corporation's own any more, on whose word it was made.
    """
    plain = plain_code(code)
    name, secret = plain[:NAME], plain[NAME:]
    possession = read_possession(proof, issuer, now)
    if possession.claims.get("code") != code_hash(code):
        raise NotAuthentic("the proof is not about this code")
    found = _tried(registrar, name, secret)
    asked = _Kept.model_validate_json(found.invited)
    by = Authority(how="code", by=(asked.id,), words=(proof,))
    with registrar.changing() as changing:
        if not invitations.use(changing.session, name, changing.now):
            return _used_before(changing, asked, possession)
        _require(changing, asked, asked.lender)
        until = changing.now + timedelta(days=asked.key_days)
        if asked.replaces:
            _replace(changing, asked.id, (possession.key, until), by)
        else:
            keys, may = KeyRing([possession.key]), entitlements(asked.may)
            put(changing, Entry(asked.id, asked.kind, asked.name, asked.institution, keys, may, until), by)
        return Registered(asked.id, possession.key.kid, until)


def _tried(registrar: Registrar, name: str, secret: str) -> Invited:
    """The invitation, if the secret is right; each try counts, in a transaction of its own."""
    with registrar.database.read() as session:
        found = invitations.find(session, name)
    if found is None:
        raise NotAuthentic("there is no such code")
    with registrar.database.write() as session:
        may_be_tried = invitations.count_try(session, name, MOST_TRIES)
    if not may_be_tried or not hmac.compare_digest(found.secret_sha256, _hash(secret)):
        raise NotAuthentic("the code is wrong, or was tried too often")
    return found


def _used_before(changing: Changing, asked: Invite, possession: Word) -> Registered:
    found = registers.find_key(changing.session, possession.key.kid)
    if found is None or found[0] != asked.id or (found[2] is not None and found[2] <= changing.now):
        raise NotAuthentic("the code is over, or was used for another key")
    return Registered(asked.id, possession.key.kid, found[2])


def _replace(changing: Changing, participant: str, new: tuple[PublicKey, datetime], by: Authority) -> None:
    """Let a key take the place of all that a participant had."""
    enrolled = registers.find_enrolled(changing.session, participant)
    key, until = new
    if enrolled is None or key.kid in enrolled.keys:
        raise InvalidRequest("this key cannot be registered", ja="この鍵は登録できません。")
    add_key(changing, enrolled, key, until)
    over = [kid for kid, (_, _, end) in enrolled.keys.items() if end is None or end > changing.now]
    for kid in over:
        registers.end_key(changing.session, kid, changing.now)
    what = {"key": key.jwk(), "valid_until": instant_text(until), "ends": sorted(over)}
    changing.say("key_added", [participant], what, by)


def add_key(changing: Changing, enrolled: Enrolled, key: PublicKey, until: datetime | None) -> None:
    """Give a participant a further key, valid from now on.

    Raises:
        InvalidRequest: it is another participant's.
    """
    require_free(changing, key.kid, enrolled.id)
    more = {key.kid: (json.dumps(key.jwk()), changing.now, until)}
    registers.enrol(
        changing.session,
        Enrolled(enrolled.id, enrolled.kind, enrolled.name, enrolled.institution, more),
        changing.now,
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _written(plain: str) -> str:
    """A code as people read it out."""
    return "-".join(plain[at : at + 5] for at in range(0, len(plain), 5))
