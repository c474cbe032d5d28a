"""The second wall, on PostgreSQL: row-level security. Of which rows a transaction sees, the database itself decides.

Every transaction says on whose behalf it looks (``hayame.tenant``, a setting local to it): the gateway's own work, or a
caller's, who sees what is its own and writes nothing. Who says nothing sees nothing. SQLite has no such wall.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session

SETTING = "hayame.tenant"
EVERYTHING = "{*}"  # an array of one element, which no tenant's names can be: they begin with a letter and a colon
OUR_NAME = "gateway"  # the sender of what the gateway says itself

_SAID = f"(SELECT current_setting('{SETTING}', true))"
_NAMES = f"(SELECT coalesce(nullif(current_setting('{SETTING}', true), ''), '{{}}'))::text[]"
_GATEWAY = f"{_SAID} = '{EVERYTHING}'"

_READS = f"('r:' || recipient) = ANY ({_NAMES})"
_WATCHES = f"('w:' || recipient) = ANY ({_NAMES})"
_SENT = f"('s:' || sender) = ANY ({_NAMES})"


def _of_own(column: str) -> str:
    """That a column names a submission that this tenant sees, which is to say one of its own."""
    return f"EXISTS (SELECT FROM submission AS own WHERE own.id = {column})"


BOTH = f"{_READS} OR {_of_own('submission')}"
NOBODY = "false"

WALLS: Mapping[str, str | None] = {
    "submission": _SENT,
    "idempotency_key": _SENT,
    "raw": _of_own("submission"),
    "job": _of_own("split_part(key, '/', 1)"),  # the submission it deals with, or releases a part of
    "statement": f"{_READS} OR {_SENT} OR (sender = '{OUR_NAME}' AND {_WATCHES})",
    "line_block": BOTH,
    "finding_block": BOTH,
    "held_record": BOTH,
    "withdrawal": BOTH,
    "line_index": _READS,
    "publication": _READS,
    "read_mark": _READS,
    "disclosure": _READS,
    "head": _WATCHES,
    "log_node": _WATCHES,
    "checkpoint": _WATCHES,
    "cosignature": _WATCHES,
    "time_stamp": _WATCHES,
    "stamp_turn": _WATCHES,
    "withheld": _WATCHES,
    "participant": NOBODY,
    "participant_certificate": NOBODY,
    "participant_key": NOBODY,
    "entitlement": NOBODY,
    "delegation": NOBODY,
    "register_version": NOBODY,
    "party": NOBODY,
    "link": NOBODY,
    "guarantee": NOBODY,
    "storage_key": NOBODY,
    "change_concerns": NOBODY,
    "invitation": NOBODY,
    "proposal": NOBODY,
    "approval": NOBODY,
    "succession": NOBODY,
    "party_succession": NOBODY,
    "coverage": NOBODY,
    "consent": "EXISTS (SELECT FROM consent_recipient AS named WHERE named.consent = consent.id)",
    "consent_recipient": _READS,
    "consent_text": NOBODY,
    "pairing": NOBODY,
    "trail_entry": NOBODY,
    "seen_assertion": None,
}
"""Which rows of each table a tenant sees (SQL); the gateway's own work sees all. Without a wall, as None says, is only
what holds nothing of a sender's or a recipient's, and is looked at before anybody is known: spent proofs."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """On whose behalf rows are looked at.

    Attributes:
        sender: a participant whose own submissions are seen; empty where none are.
        reads: corporations of which everything is seen.
        watches: corporations of whose logs heads, hashes and signatures are seen, and nothing else.
    """

    sender: str = ""
    reads: frozenset[str] = frozenset()
    watches: frozenset[str] = frozenset()

    def names(self) -> list[str]:
        """How the setting says it."""
        mine = [f"s:{self.sender}"] if self.sender else []
        return [*mine, *(f"r:{one}" for one in self.reads), *(f"w:{one}" for one in self.reads | self.watches)]


def stand_for(driver: Any, tenant: Tenant | None) -> None:
    """Say to PostgreSQL on whose behalf the transaction looks that begins here; None is the gateway's own work."""
    said = ["*"] if tenant is None else tenant.names()
    driver.execute(f"SELECT set_config('{SETTING}', %s::text[]::text, true)", [said])


def put_up(session: Session) -> None:
    """Put up every wall, as it is written above; the owner of the tables is held back like anybody."""
    for table, sees in WALLS.items():
        if sees is None:
            continue
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"DROP POLICY IF EXISTS gateway ON {table}",
            f"CREATE POLICY gateway ON {table} USING ({_GATEWAY}) WITH CHECK ({_GATEWAY})",
            f"DROP POLICY IF EXISTS tenant ON {table}",
            f"CREATE POLICY tenant ON {table} FOR SELECT USING ({sees})",
        ):
            session.connection().execute(text(statement))


def is_climbed(engine: Engine) -> bool:
    """Whether the role that connects is held back by no wall: a superuser, or one with BYPASSRLS."""
    query = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    with engine.connect() as connection:
        return bool(connection.execute(query).scalar())
