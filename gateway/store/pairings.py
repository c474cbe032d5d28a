"""Pairings as kept: codes by their hash, and which consents let a vendor's tenant in."""

from __future__ import annotations

from sqlalchemy import bindparam, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.schemas.pairing import Pairing
from gateway.store.driver import add_rows, fetch, table_of
from gateway.store.register_tables import ConsentText
from gateway.store.register_tables import Pairing as PairingRow

_ROW = table_of(PairingRow).c
_FIELDS = (
    _ROW.issuer,
    _ROW.party,
    _ROW.offered,
    _ROW.text_sha256,
    _ROW.expires_at,
    _ROW.vendor,
    _ROW.tenant,
    _ROW.consent,
)
_BY_CODE = columns(*_FIELDS).where(_ROW.code_sha256 == bindparam("code"))
_BY_TENANT = columns(*_FIELDS).where(_ROW.vendor == bindparam("vendor"), _ROW.tenant == bindparam("tenant"))


def add(session: Session, code_sha256: bytes, made: Pairing, text: str) -> None:
    """Keep a new code, and the text it offers unless that is there."""
    add_rows(session, ConsentText, [{"sha256": made.text_sha256, "text": text}], unless_there=True)
    kept = {"issuer": made.issuer, "party": made.party, "offered": made.offered, "text_sha256": made.text_sha256}
    add_rows(session, PairingRow, [{"code_sha256": code_sha256, "expires_at": made.expires_at} | kept])


def find(session: Session, code_sha256: bytes) -> Pairing | None:
    """What a code is for."""
    return next((Pairing(*row) for row in fetch(session, _BY_CODE, code=code_sha256)), None)


def text_of(session: Session, sha256: str) -> str:
    """A text that is offered, by its digest."""
    return session.exec(select(ConsentText.text).where(ConsentText.sha256 == sha256)).one()


def use(session: Session, code_sha256: bytes, used: tuple[str, str, str]) -> None:
    """A code was used: by a vendor, in a tenant, under a consent."""
    vendor, tenant, consent = used
    of_code = update(PairingRow).where(col(PairingRow.code_sha256) == code_sha256)
    session.execute(of_code.values(vendor=vendor, tenant=tenant, consent=consent))


def of_tenant(session: Session, vendor: str, tenant: str) -> list[Pairing]:
    """The codes that a vendor used in one of its tenants."""
    return [Pairing(*row) for row in fetch(session, _BY_TENANT, vendor=vendor, tenant=tenant)]
