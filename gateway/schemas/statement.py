"""A statement: the outcome of one submission for one recipient. Signed, it is the receipt and the log's leaf."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gateway.schemas.consent import Basis
from gateway.schemas.findings import Counts, Verdict
from gateway.schemas.identifiers import Channel, SignatureProfile

STATEMENT_VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A sealed statement as the log keeps it: the receipt, and what it is found by."""

    recipient: str
    leaf_index: int
    submission: str
    sender: str
    first_position: int
    count: int
    receipt: str
    accepted_at: datetime
    sealed_at: datetime


class Origin(BaseModel):
    """Who handed over, on whose behalf, by which door, and when.

    ``received_on`` are the dates the institution itself received the document, where it says so (paper, media).
    ``proof`` is how the sender proved that the document is its own, and ``key`` names its key, where one signed; the
    gateway's own word has none, nor had older receipts. ``assurance`` is there where it is lower than the institution's
    own word: ``delegated`` to the sender by a registered delegation, or ``transcribed`` by it from paper or media.
    ``succeeds`` are the institutions that have become this one, whose records it may correct. ``flow`` is whose report
    it is (``data/flows.yaml``), on which depends on what basis it goes to a recipient.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sender: str
    institution: str
    channel: Channel = Channel.API
    received_on: tuple[str, ...] = ()
    proof: SignatureProfile | None = None
    key: str | None = None
    assurance: Literal["delegated", "transcribed"] | None = None
    succeeds: tuple[str, ...] | None = None
    flow: str | None = None

    @property
    def speaks_as(self) -> tuple[str, ...]:
        """The institution, and those that have become it."""
        return (self.institution, *(self.succeeds or ()))


class Consulted(BaseModel):
    """A list of the operator's in which rules looked: its file, which names its days, and the SHA-256 (hex) of that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str


def by_name(lists: Iterable[Consulted]) -> tuple[Consulted, ...]:
    """Lists in the order in which receipts name them."""
    return tuple(sorted(lists, key=lambda one: (one.name, one.sha256)))


class RulesRun(BaseModel):
    """Proof of work: which pack ran how many rules over how many records, and in which lists it looked, if in any.

    A rule that needs a list is counted where the list could say something, and nowhere else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pack: str
    rules: int
    records: int
    evaluations: int
    lists: tuple[Consulted, ...] | None = None


class Reopening(BaseModel):
    """Why a log goes on under another name: it was found rewound or forked, or the key that signed it was ended.

    ``origin``, ``size`` and ``root`` (hex) are those of the last checkpoint that is known to have been signed; not
    all of its entries are in the log that goes on, unless ``ended_key`` names the key that was ended, and nothing was
    lost. ``opens`` is the origin of this log from this entry on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: str
    size: int
    root: str
    opens: str
    ended_key: str | None = None


class Statement(BaseModel):
    """The canonical outcome. All instants are RFC 3339 UTC text; digests and roots are lower-case hex.

    ``lines_root`` is the RFC 6962 root over the statement's lines (of nothing: SHA-256 of the empty string);
    ``known_position`` is the feed position up to which earlier lines were taken into account; ``releases`` names
    the submission whose held records this one publishes; ``fixes`` the one whose refused records it repairs.
    ``reopens`` is the gateway's own word that this log does not hold all it once held. ``basis`` is what the flow
    rests on: the strictest for any kind of its records; lines that rest on a consent name it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = STATEMENT_VERSION
    submission: str
    recipient: str
    origin: Origin
    raw_sha256: str
    raw_bytes: int
    adapter: str
    rules: RulesRun
    verdict: Verdict
    counts: Counts
    kinds: tuple[str, ...]
    findings_sha256: str
    findings_count: int
    leaf_index: int
    first_position: int
    count: int
    lines_root: str
    known_position: int
    received_at: str
    accepted_at: str
    sealed_at: str
    fixes: str | None = None
    releases: str | None = None
    reopens: Reopening | None = None
    basis: Basis | None = None

    def canonical(self) -> dict[str, Any]:
        """The members as they are sealed; absent ones are left out."""
        return self.model_dump(mode="json", exclude_none=True)
