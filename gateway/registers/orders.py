"""What the operator orders: carried out at once, or, where there are two administrators, once two of them approved.

An order is data: it is what administrators sign, and what waits for their signatures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gateway.errors import NotAuthentic, NotFound
from gateway.registers import codes, coverage, enrolment, own_keys
from gateway.registers.changes import Changing, Registrar
from gateway.registers.coverage import Declaration
from gateway.registers.enrolment import ADMINISTRATOR
from gateway.registers.invitations import Invite
from gateway.registers.participants import valid_keys
from gateway.schemas.identifiers import SignatureProfile, instant_text, new_id
from gateway.schemas.register_change import EVERYBODY, OPERATOR, Authority
from gateway.security import log_key_changes
from gateway.security.canonical import sha256_hex
from gateway.security.keys import KeyRing, PublicKey
from gateway.security.words import APPROVAL, read_word
from gateway.store import invitations, registers
from gateway.store.engine import Session

APPROVALS = 2
WAITS_FOR = timedelta(days=7)
"""How long an order waits; what nobody approved in a week is not carried out on a word that comes a year later."""


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Enrol(_Order):
    """Enrol a participant, or complete one."""

    order: Literal["enrol"] = "enrol"
    id: str
    kind: str
    name: str
    institution: str | None = None
    keys: tuple[dict[str, Any], ...]
    may: tuple[str, ...] = ()


class TakeBack(_Order):
    """Take back some of what a participant may do."""

    order: Literal["take_back"] = "take_back"
    id: str
    may: tuple[str, ...]


class LetGo(_Order):
    """Let a participant be none any more."""

    order: Literal["let_go"] = "let_go"
    id: str


class Cover(_Order):
    """Declare, for an institution that cannot itself, what its reports of a kind to a corporation hold."""

    order: Literal["cover"] = "cover"
    institution: str
    recipient: str
    declaration: Declaration


class Profile(_Order):
    """Say what a participant proves its submissions with; certificates as PEM."""

    order: Literal["profile"] = "profile"
    id: str
    profile: SignatureProfile
    certificates: tuple[str, ...] = ()


class Delegate(_Order):
    """Let a sender submit on an institution's behalf."""

    order: Literal["delegate"] = "delegate"
    sender: str
    institution: str
    since: date
    until: date | None = None


class Invitation(_Order):
    """Make a one-time code."""

    order: Literal["invite"] = "invite"
    invite: Invite


class EndKey(_Order):
    """End a key at once."""

    order: Literal["end_key"] = "end_key"
    kid: str


class Succeed(_Order):
    """Let an institution be another from a date on: banks that merge."""

    order: Literal["succeed"] = "succeed"
    institution: str
    successor: str
    since: date


class LogSuccessor(_Order):
    """Announce a successor of the logs' key, which signs so many hours later and so long beside the old one."""

    order: Literal["log_successor"] = "log_successor"
    hours: float = Field(default=25, ge=24, le=8_760)
    overlap_hours: float = Field(default=720, ge=24, le=8_760)


class EndLogKey(_Order):
    """End the key of the logs at once, which was stolen or lost: another goes on, and every log under a new name."""

    order: Literal["end_log_key"] = "end_log_key"


Order = Annotated[
    Enrol | TakeBack | LetGo | Cover | Profile | Delegate | Invitation | EndKey | Succeed | LogSuccessor | EndLogKey,
    Field(discriminator="order"),
]
_ORDERS: TypeAdapter[Any] = TypeAdapter(Order)


@dataclass(frozen=True, slots=True)
class Given:
    """What came of an order: what is to be told whoever gave it, or the proposal that waits for approval."""

    told: str = ""
    proposal: str = ""


def give(registrar: Registrar, order: Order) -> Given:
    """Carry an order out; where there are two administrators, keep it until two of them approved.

    Raises:
        InvalidRequest: it cannot be carried out.
    """
    with registrar.changing() as changing:
        if len(_administrators(changing)) < APPROVALS:
            return Given(told=_carry_out(changing, order, OPERATOR))
        proposal = new_id()
        invitations.propose(changing.session, proposal, order.model_dump_json(), changing.now)
        return Given(proposal=proposal)


def digest_of(ordered: str) -> str:
    """What an administrator's word approves: SHA-256 (hex) of the order as it is kept."""
    return sha256_hex(ordered.encode())


def approve(registrar: Registrar, proposal: str, administrator: str, word: str, issuer: str) -> Given:
    """Take an administrator's word on a proposal; the second of two different ones has it carried out.

    Raises:
        NotFound: no such proposal waits, or it has waited too long.
        NotAuthentic: the word is not by an administrator's valid key, or not on this order.
    """
    with registrar.changing() as changing:
        ordered = _ordered(changing.session, proposal, changing.now)
        administrators = _administrators(changing)
        keys = administrators.get(administrator, KeyRing())
        said = read_word(word, keys, APPROVAL, issuer, changing.now)
        if said.claims.get("approves") != digest_of(ordered):
            raise NotAuthentic("the word approves something else")
        kept = invitations.approve(changing.session, proposal, administrator, word)
        words = {name: kept[name] for name in kept if name in administrators}  # who is none any more does not count
        if len(words) < APPROVALS:
            return Given(proposal=proposal)
        invitations.close_proposal(changing.session, proposal, changing.now)
        by = Authority(how="administrators", by=tuple(words), words=tuple(words.values()))
        return Given(told=_carry_out(changing, _ORDERS.validate_json(ordered), by))


def ordered(registrar: Registrar, proposal: str, now: datetime) -> str:
    """The order that waits under a number, as kept.

    Raises:
        NotFound: none does, or it has waited too long.
    """
    with registrar.database.read() as session:
        return _ordered(session, proposal, now)


def _ordered(session: Session, proposal: str, now: datetime) -> str:
    found = invitations.find_proposal(session, proposal)
    if found is None:
        raise NotFound("no such proposal waits", ja="該当する承認待ちの変更はありません。")
    if found[1] + WAITS_FOR <= now:
        raise NotFound(
            "that proposal waited for more than seven days and has lapsed; order it anew",
            ja="承認待ちの変更は7日を過ぎたため失効しました。もう一度申請してください。",
        )
    return found[0]


def waiting(registrar: Registrar, now: datetime) -> dict[str, tuple[str, datetime]]:
    """What waits for approval now, by id: the order as kept, and since when."""
    with registrar.database.read() as session:
        return invitations.open_proposals(session, now - WAITS_FOR)


def _administrators(changing: Changing) -> dict[str, KeyRing]:
    """Administrators and their keys that are valid now."""
    everyone = registers.load_participants(changing.session)
    found = {name: valid_keys(one, changing.now) for name, one in everyone.items() if one.kind == ADMINISTRATOR}
    return {name: keys for name, keys in found.items() if len(keys)}


def _carry_out(changing: Changing, order: Order, by: Authority) -> str:
    done: Mapping[type, Callable[[Changing, Any, Authority], str]] = {
        Enrol: _enrol,
        TakeBack: _take_back,
        LetGo: _let_go,
        Cover: _cover,
        Profile: _profile,
        Delegate: _delegate,
        Invitation: _invite,
        EndKey: _end_key,
        Succeed: _succeed,
        LogSuccessor: _announce_log_key,
        EndLogKey: _end_log_key,
    }
    return done[type(order)](changing, order, by)


def _enrol(changing: Changing, order: Enrol, by: Authority) -> str:
    keys = KeyRing(PublicKey.from_jwk(jwk) for jwk in order.keys)
    may = enrolment.entitlements(order.may)
    enrolment.put(changing, enrolment.Entry(order.id, order.kind, order.name, order.institution, keys, may), by)
    return f"enrolled {order.id}"


def _take_back(changing: Changing, order: TakeBack, by: Authority) -> str:
    enrolment.take_back(changing, order.id, order.may, by)
    return f"{order.id} may no longer {' '.join(order.may)}"


def _let_go(changing: Changing, order: LetGo, by: Authority) -> str:
    enrolment.let_go(changing, order.id, by)
    return f"{order.id} is no participant any more"


def _cover(changing: Changing, order: Cover, by: Authority) -> str:
    said = order.declaration
    coverage.put(changing.registrar.database, changing, (order.institution, order.recipient), said, by)
    return f"{order.institution} reports {said.kind} to {order.recipient} as {said.form.value} from {said.since}"


def _profile(changing: Changing, order: Profile, by: Authority) -> str:
    pems = [certificate.encode() for certificate in order.certificates]
    enrolment.put_profile(changing, order.id, order.profile, pems, by)
    return f"{order.id} proves its submissions by {order.profile.value}"


def _delegate(changing: Changing, order: Delegate, by: Authority) -> str:
    enrolment.put_delegation(changing, (order.sender, order.institution), (order.since, order.until), by)
    return f"{order.sender} may submit for {order.institution}"


def _invite(changing: Changing, order: Invitation, by: Authority) -> str:
    return codes.invite(changing, order.invite, by)


def _end_key(changing: Changing, order: EndKey, by: Authority) -> str:
    ended = own_keys.end_key(changing, order.kid, by)
    return f"ended {ended.kid} of {ended.participant}"


def _succeed(changing: Changing, order: Succeed, by: Authority) -> str:
    enrolment.put_succession(changing, order.institution, order.successor, order.since, by)
    return f"{order.institution} is {order.successor} from {order.since}"


def _announce_log_key(changing: Changing, order: LogSuccessor, by: Authority) -> str:
    after, overlap = timedelta(hours=order.hours), timedelta(hours=order.overlap_hours)
    made = log_key_changes.successor(changing.log_keys, after, overlap)
    changing.made, turn = made, made.turn
    from_at, until_at = instant_text(turn.from_at), instant_text(turn.both_until)
    what = {"key": turn.public.jwk(), "signs_from_at": from_at, "both_until_at": until_at}
    changing.say("log_key_announced", EVERYBODY, what, by)
    return f"{turn.public.kid} signs the logs from {from_at} on, and the key before it until {until_at}"


def _end_log_key(changing: Changing, order: EndLogKey, by: Authority) -> str:
    changing.log_key_ended = by
    return "the key of the logs is ended: hand out the new key file (hayame keys publish)"
