"""The shapes of what is answered, for the published description.

Nothing is made from these: answers are put together from stored bytes (``present.py``, ``feed.py``). They say to
outsiders what to expect, and a test holds real answers against them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas.consent import Consent
from gateway.schemas.findings import Counts, Finding, Verdict
from gateway.schemas.identifiers import Reference
from gateway.schemas.place import Place


class Answer(BaseModel):
    """Part of an answer; further members may be added, so a reader ignores what it does not know."""

    model_config = ConfigDict(frozen=True)


class InvalidPart(Answer):
    """One parameter or member that is not of its form; what was sent is not repeated."""

    pointer: str
    message: str


class Problem(Answer):
    """What stopped the request (RFC 9457). Programs branch on ``code``; docs/errors.md lists them with remedies."""

    type: str
    title: str
    status: int
    code: str = Field(examples=["access.not_authentic"])
    detail: str | None = None
    detail_ja: str | None = None
    place: Place | None = None
    errors: list[InvalidPart] | None = None
    violated_policies: list[str] | None = Field(
        None, alias="violated-policies", description="Which quotas were used up; RateLimit fields tell more"
    )


class SaidFinding(Finding):
    """A finding as it was sealed, with the words for it in both languages."""

    place_ja: str = Field(examples=["4行 3列"])
    message_ja: str
    message_en: str
    remedy_ja: str
    remedy_en: str


class SealedStatement(Answer):
    """The outcome for one recipient; ``receipt`` is the statement signed (JWS), and the leaf of the recipient's log."""

    recipient: str
    verdict: Verdict
    counts: Counts
    first_position: int = Field(description="Position of its first line in the feed")
    count: int = Field(description="How many lines it added")
    leaf_index: int = Field(description="Its place in the log")
    receipt: str


class Links(Answer):
    """Where to read on."""

    self: str
    findings: str
    returned: str
    evidence: str
    raw: str


class WithdrawnLines(Answer):
    """What of it may no longer be shown: ``positions`` are runs, the first position of each and how many follow."""

    recipient: str
    reason: Literal["erased", "retention", "misdirected", "consent_withdrawn"]
    whole: bool = Field(description="Nothing of it is left but its receipts")
    positions: list[tuple[int, int]]
    withdrawn_at: str
    statement: str = Field(description="The gateway's own statement that seals this")


class FinalOutcome(Answer):
    """What became of a submission: a statement per recipient, and the first hundred findings."""

    submission: str
    state: Literal["final"]
    verdict: Verdict
    statements: list[SealedStatement]
    findings: list[SaidFinding]
    findings_count: int
    withdrawn: list[WithdrawnLines] | None = None
    links: Links


class RefusedOutcome(FinalOutcome, Problem):
    """A document refused as a whole: a problem document that carries receipts and findings."""


class ProcessingLinks(Answer):
    """Where the outcome will be."""

    self: str


class Processing(Answer):
    """Taken and durable. ``acknowledgement`` is a JWS over submission, sender, digest, size and instant of receipt."""

    submission: str
    state: Literal["processing"]
    acknowledgement: str | None = None
    links: ProcessingLinks


class Stalled(Answer):
    """Taken and durable, but working it off failed repeatedly: the operator has to look. Nothing is lost."""

    submission: str
    state: Literal["stalled"]
    detail: str
    detail_ja: str
    links: ProcessingLinks


class DryRun(Answer):
    """What would be found; nothing was kept."""

    dry_run: Literal[True]
    records: int
    refused: int
    findings: list[SaidFinding]
    findings_count: int


class HeldRecord(Answer):
    """A record that waits to be placed, and the number it waits for; null where it names none, or for a consent."""

    submission: str
    recipient: str
    record: int
    kind: str
    code: str
    waits_for: Reference | None


class Key(Answer):
    """What later versions of a record share."""

    institution: str
    series: str
    valid_on: str


class Source(Answer):
    """Where a record stands in the sender's document, and the SHA-256 of its own bytes there."""

    ordinal: int
    place: Place
    digest: str


class Valid(Answer):
    """First and last Japanese calendar date a record is true for."""

    from_: str = Field(alias="from")
    to: str


class Before(Answer):
    """A value as it was before, by JSON Pointer into the record; null where there was none."""

    at: str
    value: Any


class Superseded(Answer):
    """The earlier line this one replaces, why, and the values that changed."""

    position: int
    reason: str
    before: list[Before]


class Line(Answer):
    """One normalised record; its bytes are frozen and served verbatim for ever."""

    key: Key
    kind: str
    subject: str = Field(description="Our id of the firm")
    record: dict[str, Any]
    source: Source
    valid: Valid
    instants: dict[str, str] = Field(description="Named instants known when the line was frozen: docs/lead-time.md")
    findings: list[str] = Field(description="Codes of the warnings it went in with")
    supersedes: Superseded | None
    nonce: str
    consent: str | None = Field(default=None, description="The firm's consent that it rests on, where it rests on one")


class ShownLine(Answer):
    """A row of the feed: ``line`` is exactly as it was sealed."""

    position: int
    submission: str
    index: int
    line: Line


class WithheldLine(Answer):
    """A row that may not be shown, or not to this reader; its leaf hash stays, so that gaps and proofs still verify."""

    position: int
    leaf: str
    withheld: Literal["erased", "retention", "misdirected", "consent_withdrawn", "consent_expired", "restricted"]


class FeedPage(Answer):
    """Rows of the feed, and the position to ask for next."""

    lines: list[ShownLine | WithheldLine]
    next: int


class CloudEvent(Answer):
    """A row of the feed as CloudEvents 1.0; ``id`` and ``sequence`` are the position, ``data`` is the line."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: Literal["jp.hayame.line.published.v1", "jp.hayame.line.withheld.v1"]
    subject: str
    datacontenttype: Literal["application/json"]
    sequence: str
    data: dict[str, Any]


class Proof(Answer):
    """Hashes (lower-case hex) of an RFC 6962 path, in its order."""

    path: list[str]


class Cosigned(Answer):
    """A witness, the size of the log under the checkpoint it cosigned, and when it first did, by its own clock."""

    size: int
    witness: str
    cosigned_at: str = Field(examples=["2026-05-01T00:00:00Z"])


class TimeStamped(Answer):
    """How far a log is stamped by a third party (RFC 3161); ``off`` where the gateway has no authority to ask."""

    state: Literal["off", "stamped", "waiting", "overdue"]
    tree_size: int | None = Field(description="Size of the log under the newest checkpoint that is stamped")
    stamped_at: str | None
    token: str | None = Field(description="Base64 of the token's DER")
    waiting_since_at: str | None = Field(description="Since when entries beyond it wait")


class Figures(Answer):
    """Seconds over so many lines."""

    count: int
    p50: float
    p90: float
    max: float


class MeasuredLine(Answer):
    """One line with every instant known and the seconds of every stage both of whose ends are known."""

    position: int
    submission: str
    index: int
    kind: str
    instants: dict[str, str]
    seconds: dict[str, float]


class LeadTimes(Answer):
    """Per record kind and stage; ``rows`` only where asked for."""

    summary: dict[str, dict[str, Figures]]
    lines: int
    rows: list[MeasuredLine] | None = None


class Linked(Answer):
    """Our id of the firm, and how many held records are on their way to being published."""

    party: str
    released: int


class GivenConsent(Answer):
    """A consent as recorded: of which firm, on whose word, and what was agreed; renewed, it goes on under another."""

    id: str
    firm: str
    given_by: str
    consent: Consent
    withdrawn_at: str | None
    renewed_by: str | None


class ListedConsent(GivenConsent):
    """A consent, and whether it holds today."""

    holds: bool


class WithdrawnConsent(Answer):
    """Since when a consent is withdrawn."""

    id: str
    withdrawn_at: str


class Unlinked(Answer):
    """Our id of the firm that the number named."""

    party: str


class Succeeded(Answer):
    """Our ids of the firm that was, and of the one it became."""

    party: str
    successor: str


class SucceededSince(Succeeded):
    """One step of a firm's history, and its day."""

    since: str


class OneTimeCode(Answer):
    """A code with which its holder registers a key (`hayame keys enrol`)."""

    code: str = Field(examples=["K7Q2X-0ABCD-…"])


class RegisteredKey(Answer):
    """Whose key it is, its name (thumbprint, RFC 7638), and until when it is valid."""

    participant: str
    kid: str
    valid_until: str | None


class HeldKey(Answer):
    """One of a participant's keys."""

    kid: str
    valid_from: str
    valid_until: str | None
    valid_now: bool


class Represented(Answer):
    """An institution on whose behalf one may submit, from and until when."""

    institution: str
    since: str
    until: str | None


class SealedChange(Answer):
    """A change as it was sealed: the statement's id, its place in the log of the registers, what it says, receipt."""

    statement: str
    leaf_index: int
    said: dict[str, Any] = Field(description="What changed, whom it concerns, on whose word, when")
    receipt: str


class Participant(Answer):
    """Who a participant is, with what it may do, and the changes that made it so, the newest first."""

    participant: str
    kind: str
    name: str
    institution: str
    may: list[str] = Field(examples=[["submit:13"]])
    represents: list[Represented]
    keys: list[HeldKey]
    changes: list[SealedChange]


class Declared(Answer):
    """What an institution's reports of a kind hold, since when; as of when all that stood before was handed over."""

    kind: str
    form: Literal["full_tape", "event", "exception"]
    since: str
    baseline_on: str | None


class Covered(Answer):
    """How to read what an institution does not report of a kind.

    ``absence``: a gap (it should be there), nothing happened, no exception, or unknown. ``first_ever``: whether it can
    be known that something happened for the first time, which takes a baseline.
    """

    institution: str
    kind: str
    absence: Literal["gap", "nothing_happened", "no_exception", "unknown"]
    form: Literal["full_tape", "event", "exception"] | None
    since: str | None
    baseline_on: str | None
    first_ever: Literal["known", "unknown"]
    declared_at: str | None


class Registered(Answer):
    """How many guarantees were taken over, and how many held records are on their way to being published."""

    registered: int
    released: int


class Token(Answer):
    """An access token (RFC 6749)."""

    access_token: str
    token_type: Literal["Bearer", "DPoP"]
    expires_in: int
    scope: str


class TokenError(Answer):
    """Why there is no token (RFC 6749, section 5.2)."""

    error: Literal["unsupported_grant_type", "invalid_client", "invalid_scope", "invalid_dpop_proof"]


class KeySet(Answer):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]


class Difference(Answer):
    """Where two signature bases part: byte from 0, line from 1, and what either has from there to its line's end."""

    byte: int
    line: int
    ours: str
    yours: str


class SignatureCheck(Answer):
    """How a signed request looks from here; no ``signature_base`` where the fields that state it cannot be read."""

    holds: bool
    problem: str | None = None
    signature_base: str | None = None
    content_digest: str = Field(description="Content-Digest of the body as it arrived")
    first_difference: Difference | None = Field(description="Where Signature-Base was sent and is not ours")
