"""Mergers: what institutions have become by a day, and for whom whoever spoke before speaks now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.schemas.statement import Origin

Successions = Mapping[str, tuple[str, date]]
"""Institutions that have become another, or will: which, and since when."""


def become(successions: Successions, institution: str, today: date) -> str:
    """What an institution has become by a day, over any number of mergers (a register of successions has no rings)."""
    successor, since = successions.get(institution, ("", date.max))
    return become(successions, successor, today) if since <= today else institution


def predecessors(successions: Successions, institution: str, today: date) -> tuple[str, ...] | None:
    """Institutions that have become this one by a day, by code; None where there are none."""
    found = (old for old in successions if become(successions, old, today) == institution != old)
    return tuple(sorted(found)) or None


def merged(successions: Successions, today: date) -> set[str]:
    """Institutions that have become another by a day, and what they have become."""
    gone = {old for old, (_, since) in successions.items() if since <= today}
    return gone | {become(successions, old, today) for old in gone}


def as_of(successions: Successions, origin: Origin, today: date) -> Origin:
    """An origin as it is on a later day: of what its institution has become, which speaks for all that became it.

    >>> bank = Origin(sender="bank", institution="9801")
    >>> as_of({"9801": ("9802", date(2026, 4, 1))}, bank, date(2026, 4, 1)).speaks_as
    ('9802', '9801')
    """
    institution = become(successions, origin.institution, today)
    return origin.model_copy(
        update={"institution": institution, "succeeds": predecessors(successions, institution, today)}
    )
