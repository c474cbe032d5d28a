"""A corporation's own codes: for who is to report to it and to nobody else, on the signed word of its own key."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from gateway.errors import InvalidRequest
from gateway.registers import codes
from gateway.registers.changes import Registrar
from gateway.registers.invitations import Invite, Lender
from gateway.registers.own_keys import said_by
from gateway.registers.participants import Participant
from gateway.schemas.register_change import Authority
from gateway.security.words import INVITATION, read_word


def invite(registrar: Registrar, owner: Participant, recipient: str, word: tuple[str, str], now: datetime) -> str:
    """Make a code on a corporation's word; ``word`` is it, and the gateway's address, for which it was said.

    Raises:
        NotAuthentic: the word does not hold.
        NotEntitled: the code would give what is not the corporation's own; see ``invitations.require_own``.
        InvalidRequest: it cannot be understood, or carried out.
    """
    said = read_word(word[0], owner.keys, INVITATION, word[1], now)
    try:
        asked = Invite.model_validate(said.claims.get("invites"))
    except ValidationError:
        raise InvalidRequest("the word does not say whom to invite", ja="招待の内容を確認してください。") from None
    with registrar.changing() as changing:
        said_by(changing, owner.id, said)
        lender = Lender(recipient=recipient, participant=owner.id, kid=said.key.kid)
        return codes.invite(changing, asked, Authority(how="participant", by=(owner.id,), words=(word[0],)), lender)
