"""A corporation's own codes: for who is to report to it and to nobody else, on the signed word of its own key."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from gateway.errors import InvalidRequest, NotEntitled
from gateway.registers import codes
from gateway.registers.changes import Changing, Registrar
from gateway.registers.codes import Invite
from gateway.registers.enrolment import ADMINISTRATOR
from gateway.registers.own_keys import said_by
from gateway.registers.participants import Participant
from gateway.schemas.register_change import Authority
from gateway.security.words import INVITATION, read_word
from gateway.store import registers

LENT = ("submit", "read", "read_scores", "pair")  # what a corporation may let others do at itself
KINDS = frozenset({"bank", "vendor", "office", "tool"})


def invite(registrar: Registrar, owner: Participant, recipient: str, word: tuple[str, str], now: datetime) -> str:
    """Make a code on a corporation's word; ``word`` is it, and the gateway's address, for which it was said.

    Raises:
        NotAuthentic: the word does not hold.
        NotEntitled: the code would let its holder do something elsewhere, or something that is not the corporation's to
            give; or replace a key that is good elsewhere.
        InvalidRequest: it cannot be understood, or carried out.
    """
    said = read_word(word[0], owner.keys, INVITATION, word[1], now)
    try:
        asked = Invite.model_validate(said.claims.get("invites"))
    except ValidationError:
        raise InvalidRequest("the word does not say whom to invite", ja="招待の内容を確認してください。") from None
    with registrar.changing() as changing:
        said_by(changing, owner.id, said)
        _require(changing, asked, recipient)
        return codes.invite(changing, asked, Authority(how="participant", by=(owner.id,), words=(word[0],)))


def _require(changing: Changing, asked: Invite, recipient: str) -> None:
    """That all of it is the corporation's own to give."""
    if not asked.replaces:
        if asked.kind not in KINDS or not {f"{action}:{recipient}" for action in LENT}.issuperset(asked.may):
            raise NotEntitled
        return
    known = registers.find_enrolled(changing.session, asked.id)
    where = {recipient for _, recipient in known.entitlements} if known else set()
    if known is None or known.kind == ADMINISTRATOR or where != {recipient}:
        raise NotEntitled
