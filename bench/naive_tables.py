"""The tables of the naive reference: one row per account, as an object-relational mapper wants them.

Annotations are not postponed here: the mapper reads them.
"""

from datetime import date, datetime

from sqlalchemy.orm import registry
from sqlmodel import Field, Relationship, SQLModel


class Table(SQLModel, registry=registry()):
    """Tables of this service alone."""


class Sender(Table, table=True):
    """Who may submit to which corporation, and with which key."""

    id: str = Field(primary_key=True)
    recipient: str
    kid: str
    public_pem: str


class Firm(Table, table=True):
    """A firm and the number that names it."""

    id: int | None = Field(default=None, primary_key=True)
    corporate_number: str = Field(unique=True)


class Document(Table, table=True):
    """One trial balance as submitted, with the bytes as received."""

    id: str = Field(primary_key=True)
    sender: str = Field(index=True)
    idempotency_key: str = Field(index=True)
    firm_id: int = Field(foreign_key="firm.id", index=True)
    period_from: date
    period_to: date
    raw: bytes
    raw_sha256: str
    received_at: datetime
    receipt: str = ""
    supersedes: str | None = None
    accounts: list["AccountRow"] = Relationship(back_populates="document")


class AccountRow(Table, table=True):
    """One account of one trial balance."""

    id: int | None = Field(default=None, primary_key=True)
    document_id: str | None = Field(default=None, foreign_key="document.id", index=True)
    number: int
    source_name: str
    source_code: str | None = None
    statement: str | None = None
    normal_side: str | None = None
    account_key: str | None = None
    is_total: bool = False
    opening_yen: int | None = None
    debit_yen: int | None = None
    credit_yen: int | None = None
    closing_yen: int | None = None
    document: Document | None = Relationship(back_populates="accounts")


class LogEntry(Table, table=True):
    """One receipt in the log: each entry holds the hash of the one before."""

    id: int | None = Field(default=None, primary_key=True)
    document_id: str = Field(foreign_key="document.id")
    previous: str
    hash: str


class FeedLine(Table, table=True):
    """One line of a corporation's feed; its id is its position."""

    id: int | None = Field(default=None, primary_key=True)
    recipient: str = Field(index=True)
    document_id: str = Field(foreign_key="document.id")
    payload: str
