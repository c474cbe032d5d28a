"""A change of a register, as the gateway seals it: what changed, whom it concerns, and on whose word."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas.identifiers import instant_text

REGISTER = "00"
"""The log of the registers, beside those of the 51 corporations; no corporation has this number."""

ADAPTER = "register_change/1"

EVERYBODY = ("*",)
"""Whom a change concerns that is everybody's, those enrolled later included; no participant has this id."""

Change = Literal[
    "enrolled",
    "disentitled",
    "left",
    "invited",
    "profiled",
    "key_added",
    "key_ended",
    "delegated",
    "linked",
    "unlinked",
    "registered",
    "succeeded",
    "covered",
    "consented",
    "consent_withdrawn",
    "pairing_offered",
    "paired",
    "log_key_announced",
    "log_key_ended",
]
How = Literal["operator", "administrators", "code", "old_key", "own_key", "participant"]


class Authority(BaseModel):
    """On whose word something changed.

    Attributes:
        how: the operator's alone (while there are no two administrators), two administrators', who held a one-time
            code, the key that is replaced, the participant's own key, or a request of the participant.
        by: participant ids, or ``operator``.
        words: what they signed to say so (compact JWS), where it was signed for this.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: How
    by: tuple[str, ...]
    words: tuple[str, ...] = ()


OPERATOR = Authority(how="operator", by=("operator",))


class RegisterChange(BaseModel):
    """One change. ``concerns`` are the participants that may see it; ``nonce`` keeps its digest from being guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    change: Change
    concerns: tuple[str, ...]
    what: dict[str, Any]
    authority: Authority
    changed_at: str
    nonce: str = Field(default_factory=lambda: os.urandom(16).hex())


def changed(
    change: Change, concerns: tuple[str, ...], what: dict[str, Any], by: Authority, at: datetime
) -> RegisterChange:
    """A change, as of an instant."""
    return RegisterChange(change=change, concerns=concerns, what=what, authority=by, changed_at=instant_text(at))
