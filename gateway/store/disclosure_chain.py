"""What readers were given, chained: notes are sealed into the audit trail, so that none is altered unnoticed.

A note goes along with a commit group and costs nothing but its row; chaining it there would have all groups of all
processes wait for each other. So a job does it, for all that was given up to some minutes ago.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import orjson
from sqlalchemy import bindparam
from sqlalchemy import select as columns

from gateway.schemas.identifiers import instant_text, parse_instant
from gateway.schemas.trail import Chain, Deed, Entry, about
from gateway.store import trail
from gateway.store.columns import EPOCH
from gateway.store.driver import fetch, table_of
from gateway.store.engine import Database, Session
from gateway.store.tables import Disclosure

CHAIN: Chain = "disclosure"
NOTED_WITHIN = timedelta(minutes=10)
"""How late a note may come: notes wait for a commit, and a commit for its turn to write."""

_GIVEN = table_of(Disclosure).c
_FIELDS = (_GIVEN.given_at, _GIVEN.recipient, _GIVEN.reader, _GIVEN.first_position, _GIVEN.end_position)
_BETWEEN = (
    columns(*_FIELDS)
    .where(_GIVEN.given_at > bindparam("since"), _GIVEN.given_at <= bindparam("until"))
    .order_by(*_FIELDS)
)


def close(database: Database, session: Session, now: datetime) -> int:
    """Seal what was given since the last time; how many notes these were."""
    last = trail.find_last(session, CHAIN)
    since, until = EPOCH if last is None else _window(last)[1], now - NOTED_WITHIN
    rows, digest = _digest(session, since, until)
    if rows:
        told = about(since=instant_text(since), until=instant_text(until), rows=rows, sha256=digest)
        trail.append(database, session, CHAIN, [Deed(now, "gateway", "disclosed", told)])
    return rows


def flaws(session: Session) -> list[str]:
    """Which hours do not hold what was sealed of them; the entries themselves are looked at like those of any chain."""
    found = []
    for entry in trail.entries(session, CHAIN):
        since, until = _window(entry)
        sealed = orjson.loads(entry.deed.about)
        if _digest(session, since, until) != (sealed["rows"], sealed["sha256"]):
            found.append(f"{CHAIN}: what was given until {instant_text(until)} is not what entry {entry.number} sealed")
    return found


def _window(entry: Entry) -> tuple[datetime, datetime]:
    sealed = orjson.loads(entry.deed.about)
    return parse_instant(sealed["since"]), parse_instant(sealed["until"])


def _digest(session: Session, since: datetime, until: datetime) -> tuple[int, str]:
    rows, digest = 0, hashlib.sha256()
    for at, *told in fetch(session, _BETWEEN, since=since, until=until):
        digest.update(orjson.dumps([instant_text(at), *told]) + b"\n")
        rows += 1
    return rows, digest.hexdigest()
