"""What a one-time code is to do, and what of that a corporation may give on its own word."""

from __future__ import annotations

from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import NotAuthentic, NotEntitled
from gateway.registers.changes import Changing
from gateway.registers.enrolment import ADMINISTRATOR
from gateway.registers.mergers import become
from gateway.store import registers

LENT = ("submit", "read", "read_scores", "pair")  # what a corporation may let others do at itself
EVER = date.max - timedelta(days=1)
KINDS = frozenset({"bank", "vendor", "office", "tool"})


class Invite(BaseModel):
    """Whom a code is for, what it may do, how many hours the code is good for and how many days the key.

    With ``replaces`` the participant is enrolled already, and the key takes the place of all it had: they are lost or
    over. Nothing else of the participant changes then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=64)
    kind: str = ""
    name: str = ""
    institution: str | None = None
    may: tuple[str, ...] = ()
    hours: int = Field(default=72, ge=1, le=24 * 31)
    key_days: int = Field(default=730, ge=1, le=3_660)
    replaces: bool = False


class Lender(BaseModel):
    """On whose word a code was made: who may enrol at a corporation, and the key with which it said so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipient: str
    participant: str
    kid: str


def require_own(changing: Changing, asked: Invite, lender: Lender) -> None:
    """That all that a code would do is the corporation's own to give, as the registers are now.

    Raises:
        NotAuthentic: the word is no longer good: its key has ended, or whose it was may not enrol any more.
        NotEntitled: it would let its holder do something elsewhere, or what is not the corporation's to give; or speak
            for an institution that others speak for; or replace a key that is good elsewhere.
    """
    here, everyone = lender.recipient, registers.load_participants(changing.session)
    said_by = everyone.get(lender.participant)
    _, start, end = said_by.keys.get(lender.kid, ("", None, None)) if said_by else ("", None, None)
    if said_by is None or start is None or (end is not None and end <= changing.now):
        raise NotAuthentic("the key on whose word the code was made is over")
    if ("enrol", here) not in said_by.entitlements:
        raise NotAuthentic("on whose word the code was made may not enrol any more")
    if asked.replaces:
        known = everyone.get(asked.id)
        where = {recipient for _, recipient in known.entitlements} if known else set()
        if known is None or known.kind == ADMINISTRATOR or where != {here}:
            raise NotEntitled
        return
    if asked.kind not in KINDS or not {f"{action}:{here}" for action in LENT}.issuperset(asked.may):
        raise NotEntitled
    institution, successions = asked.institution or asked.id, registers.load_successions(changing.session)
    spoken_for = {become(successions, name, EVER) for one in everyone.values() for name in (one.id, one.institution)}
    if become(successions, institution, EVER) in spoken_for or (asked.kind != "bank" and institution != asked.id):
        raise NotEntitled
