"""A submission on its way along the line: what was asked, what was read, what is ready to be sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gateway.schemas.consent import Kept
from gateway.schemas.findings import Counts, Finding, Severity
from gateway.schemas.identifiers import Channel, Reference
from gateway.schemas.observed import ObservedDocument, ObservedRows, Tape
from gateway.schemas.place import Place
from gateway.schemas.statement import Consulted, Origin, Reopening


@dataclass(frozen=True, slots=True)
class Request:
    """What the sender asked for, apart from the document itself.

    ``releases`` is, of the gateway's own, the submission whose held records it publishes; ``held_as`` the institution
    they were held of, where a merger took effect since: it is that one's customer numbers they speak of.
    """

    recipients: tuple[str, ...] = ()
    subject: Reference | None = None
    kind: str | None = None
    adapter: str | None = None
    on_behalf_of: str | None = None
    channel: Channel = Channel.API
    received_on: tuple[str, ...] = ()
    fixes: str | None = None
    releases: str | None = None
    held_as: str | None = None
    filename: str | None = None
    media_type: str | None = None
    dry_run: bool = False
    respond_async: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """One act of handing over, once sender, signature, digest and the right to submit are proven.

    Attributes:
        id: UUIDv7, the submission's address.
        origin: sender, institution, channel.
        key: the sender's Idempotency-Key; None for the gateway's own statements.
        fingerprint: SHA-256 over method, address and digest: what the key was used for.
        sent_at: the sender's own ``created`` of the request signature.
        received_at: when our copy was complete.
        raw_sha256: hex digest of the document's bytes.
        raw_bytes: how many there are.
    """

    id: str
    origin: Origin
    request: Request
    key: str | None
    fingerprint: bytes
    sent_at: datetime | None
    received_at: datetime
    raw_sha256: str
    raw_bytes: int


@dataclass(slots=True)
class Draft:
    """One accepted record, normalised, not yet placed: everything that can be known without the database.

    Attributes:
        ordinal: which record of the source.
        record: the canonical record as a plain mapping; ``record_bytes`` are its canonical bytes.
        digest: SHA-256 of ``record_bytes``: equal content is ``unchanged``.
        series: what later versions share besides institution and firm.
        beside: the series of the record of the same day that this one is compared with, if any.
        references: how the document itself names the firm; ``guarantee`` is the guarantee it speaks of, if any.
        guarantees: all that it speaks of, where a rule asks what the register says of them.
        recipient: the corporation the record itself names, if it does.
        amount_yen: the one amount by which later rows of the series are compared (a balance), if any.
        opening, closing: digests of what all accounts open and close with, where the record is a trial balance.
        warnings: codes of the findings it goes in with.
        observed: what it was read from (without the frame, for rows): rules over history point into it.
    """

    ordinal: int
    kind: str
    record: dict[str, Any]
    record_bytes: bytes
    digest: bytes
    series: str
    valid_from: date
    valid_on: date
    place: Place
    row_digest: str
    references: tuple[Reference, ...] = ()
    guarantee: str | None = None
    guarantees: tuple[str, ...] = ()
    recipient: str | None = None
    institution: str | None = None
    event_on: date | None = None
    amount_yen: int | None = None
    opening: bytes | None = None
    closing: bytes | None = None
    known_at: str | None = None
    produced_at: str | None = None
    correction: str = "original"
    correction_reason: str | None = None
    warnings: tuple[str, ...] = ()
    observed: ObservedDocument | ObservedRows | None = None
    beside: str | None = None


@dataclass(slots=True)
class Prepared:
    """What the pure part of the line made of a document, or of a part of a large one.

    Attributes:
        adapter: name and version, as sealed.
        drafts: records that may go in.
        findings: everything found so far.
        refused: ordinal of a refused record -> the recipient it names, if it could be read.
        records, rules, evaluations: how much work was done.
        lists: lists of the operator's in which rules looked.
        kinds: record kinds met.
        destroy_raw: the raw bytes hold a labelled My Number and may not be kept.
        tape: which file of which feed this is, for a bank's numbered files.
    """

    adapter: str
    drafts: list[Draft] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refused: dict[int, str | None] = field(default_factory=dict)
    records: int = 0
    rules: int = 0
    evaluations: int = 0
    lists: set[Consulted] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    destroy_raw: bool = False
    tape: Tape | None = None

    @property
    def refused_whole(self) -> bool:
        """Whether something is wrong with the document as such, so that nothing of it goes in."""
        return any(one.record is None and one.severity is Severity.REFUSE for one in self.findings)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record in the work list: whose it is, and the number it waits for."""

    submission: str
    recipient: str
    ordinal: int
    kind: str
    code: str
    waits_for: Reference | None


MY_NUMBER, WITHDRAWN = "my_number", "withdrawn"  # why raw bytes were destroyed


@dataclass(frozen=True, slots=True)
class RawCopy:
    """The bytes as received: here, in a file of the raw folder, or destroyed and why."""

    body: bytes | None
    file: str | None
    destroyed: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """A line that already stands for a key: where it is and what it says, in short."""

    submission: str
    number: int
    position: int
    valid_on: date
    digest: bytes
    amount_yen: int | None
    closing: bytes | None = None


@dataclass(frozen=True, slots=True)
class Guaranteed:
    """A guarantee as its corporation's register has it; None is what the register does not say."""

    party: str
    institution: str
    scheme_family: str | None = None
    scheme_from: date | None = None
    scheme_until: date | None = None
    change_count: int | None = None
    last_changed_on: date | None = None
    issued_on: date | None = None


@dataclass(slots=True)
class Line:
    """One frozen line with its index entry, and the consent that it rests on, if it does."""

    kind: str
    series: str
    valid_on: date
    digest: bytes
    amount_yen: int | None
    body: bytes
    closing: bytes | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A record that waits and the number it waits for; it is read again from the raw bytes when it can be placed."""

    ordinal: int
    kind: str
    code: str
    row_digest: str
    waits_for: Reference | None


@dataclass(slots=True)
class Settled:
    """One recipient's share of a submission, ready to be sealed: nothing in it depends on the head any more.

    Attributes:
        known_position: feed position up to which earlier lines were taken into account.
        keys: the (kind, series) pairs whose history it read; if one changed since, it is settled again.
        lists: lists of the operator's in which rules looked, by name.
        taken: ordinals that no longer wait: published, unchanged, or refused now that their firm is known.
        reopens: what was last known of the log, where this reopens it.
        consents: what firms had consented to, by our party id, as far as it was asked.
    """

    submission: Submission
    recipient: str
    adapter: str
    lines: list[Line]
    held: list[Held]
    findings: list[Finding]
    counts: Counts
    rules: tuple[str, int, int, int]
    kinds: tuple[str, ...]
    known_position: int
    accepted_at: datetime
    keys: set[tuple[str, str]] = field(default_factory=set)
    lists: Sequence[Consulted] = ()
    taken: list[int] = field(default_factory=list)
    destroy_raw: bool = False
    tape: Tape | None = None
    reopens: Reopening | None = None
    consents: Mapping[str, Sequence[Kept]] = field(default_factory=dict)
