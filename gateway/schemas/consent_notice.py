"""A notice: the gateway's own record, in the recipient's feed, that a consent is over, or soon will be."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gateway.schemas.withdrawal import WITHDRAWAL, Runs

CONSENT_NOTICE = "consent_notice"
"""The kind of its line."""

TAKES_BACK = frozenset({WITHDRAWAL, CONSENT_NOTICE})
"""Kinds of lines that may take earlier ones back; they come to every reader, whatever kind was asked for."""

DAYS_AHEAD = (3, 14, 30)
"""How many days before its last day the end of a consent is announced; the nearest first."""

OVER = -1
"""In place of days ahead: that its last day is over."""

Event = Literal["withdrawn", "expired", "expiring"]


class ConsentNotice(BaseModel):
    """What became of a consent: withdrawn, over, or about to end on ``valid_to``, its last Japanese calendar day.

    ``positions`` are the lines that rested on it and are served as stubs from now on. Who has read them drops what is
    kept of them; the bytes themselves stay where they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    consent: str
    event: Event
    valid_to: date | None
    positions: Runs
    said_at: str
