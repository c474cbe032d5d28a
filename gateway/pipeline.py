"""The line every submission travels, in order:

    bytes ─ receive ─ authenticate ─ adapt ─ validate ─ normalise ─╫─ seal ─ publish ─ measure ─▶ feed
           └────────────── pure or read-only, no locks ──────────┘ └── one short transaction ──┘

``receive`` and ``authenticate`` happen at the door (``api/submissions.py``): before they have passed there is no
submission. What follows is here. Left of the double bar nothing is locked and nothing is written; ``settle`` reads one
snapshot of what is known. Right of it the committer seals and publishes many submissions in one transaction, at the
head of each recipient's log that it has locked (``runtime/committer.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from gateway.errors import InvalidRequest, KeyReused, NotAuthentic, NotEntitled, SenderError, TooLarge
from gateway.formats.local_benchmark import Boundaries
from gateway.ports import OUR_OWN, Adapter, Cipher, Hints
from gateway.reference.lists import Lists, no_lists
from gateway.rules.pack import Pack
from gateway.rules.rows import RepeatedKeys
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed, ObservedDocument, ObservedRows
from gateway.schemas.place import Place
from gateway.schemas.submission import Prepared, Request, Submission
from gateway.schemas.trail import Deed
from gateway.steps.adapt import HEAD_BYTES, adapt, choose
from gateway.steps.normalise import draft_document, draft_rows
from gateway.steps.receive import Received
from gateway.steps.seal import Sealed
from gateway.steps.validate import Checked, validate
from gateway.store import jobs, registers, submissions
from gateway.store.engine import Database
from gateway.store.jobs import NewJob

MY_NUMBER = "V06"
REFUSED_AT_ONCE = 500  # parts


@dataclass(frozen=True, slots=True)
class Line:
    """What the pure part of the line works with; ``lists`` tells those that are there when a document begins."""

    adapters: Mapping[str, Adapter]
    pack: Pack
    layouts: tuple[str, ...] = ()
    lists: Callable[[], Lists] = no_lists
    column_maps: tuple[str, ...] = ()
    boundaries: Boundaries | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission.

    Attributes:
        submission: whose outcome this is; an earlier one's where ``replayed``.
        sealed: its statements, just sealed; empty where the outcome is to be read from the store.
        must_queue: a larger submission of the same sender is still being processed; this one goes behind it.
    """

    submission: str
    sealed: tuple[Sealed, ...] = ()
    replayed: bool = False
    must_queue: bool = False


class Committer(Protocol):
    """Takes a prepared submission across the double bar."""

    async def commit(
        self, submission: Submission, prepared: Prepared, received: Received, recipients: tuple[str, ...]
    ) -> Outcome:
        """Settle, seal and publish; return only when the outcome is durable and visible.

        Raises:
            KeyReused: the Idempotency-Key was used for another document.
        """
        ...

    def note_read(self, recipient: str, reader: str, position: int) -> None:
        """A reader asks for what comes from a position on, so it has read what came before."""
        ...

    def note_given(self, recipient: str, reader: str, lines: range, at: datetime) -> None:
        """A reader is given the lines of a range of positions; the instant is one before they were looked up."""
        ...

    def note_refusal(self, refusal: Deed) -> None:
        """Somebody was refused at the door."""
        ...


def prepare(line: Line, submission: Submission, source: BinaryIO) -> Iterator[Prepared]:
    """Adapt, validate and normalise a document: whole, or frame by frame where it is a large file of rows.

    What cannot be read is not an exception here but a refusal, sealed like any other.
    """
    request = submission.request
    hints = Hints(
        filename=request.filename,
        kind=request.kind,
        institution=submission.origin.institution,
        recipient=request.recipients[0] if len(request.recipients) == 1 else None,
        layouts=line.layouts,
        column_maps=line.column_maps,
    )
    name = request.adapter or "unknown"
    try:
        head = source.read(HEAD_BYTES)
        source.seek(0)
        adapter = choose(line.adapters, head, hints, request.adapter)
        name = f"{adapter.name}/{adapter.version}"
        repeated, lists = RepeatedKeys(), line.lists()
        for observed in adapt(adapter, source, hints):
            yield _normalise(name, observed, validate(line.pack, observed, repeated, lists), line.boundaries)
    except SenderError as error:
        yield Prepared(adapter=name, findings=[_unreadable(error)])


def _normalise(adapter: str, observed: Observed, checked: Checked, boundaries: Boundaries | None) -> Prepared:
    refused, warnings = checked.refused(), checked.warnings()
    prepared = Prepared(
        adapter=adapter,
        findings=checked.findings,
        records=checked.records,
        rules=checked.rules,
        evaluations=checked.evaluations,
        lists=checked.looked.lists,
        destroy_raw=any(f.code == MY_NUMBER and f.severity is Severity.REFUSE for f in checked.findings),
    )
    if isinstance(observed, ObservedDocument):
        prepared.kinds.add(observed.record.kind)
        prepared.refused = dict.fromkeys(refused, vars(observed.record).get("cgc_id"))
        if observed.ordinal not in refused:
            prepared.drafts.append(draft_document(observed, warnings.get(observed.ordinal, ()), boundaries))
    elif isinstance(observed, ObservedRows):
        prepared.kinds.add(observed.kind)
        prepared.tape = observed.tape
        named = dict(zip(observed.frame["ordinal"].to_list(), observed.frame["cgc_id"].to_list(), strict=True))
        prepared.refused = {ordinal: named.get(ordinal) for ordinal in refused}
        prepared.drafts.extend(draft_rows(observed, refused, warnings))
    else:
        prepared.refused = dict.fromkeys(refused)
    return prepared


def _unreadable(error: SenderError) -> Finding:
    place = error.place if isinstance(error.place, Place) else Place()
    return Finding(
        code="R00", severity=Severity.REFUSE, place=place, params={"reason": error.message, "reason_ja": error.ja}
    )


def merged(parts: Iterable[Prepared], most: int | None = None) -> Prepared:
    """One Prepared of all parts, for documents that are dealt with in one piece.

    Raises:
        TooLarge: there are more than ``most`` records; it has to be dealt with part by part.
    """
    whole: Prepared | None = None
    for part in parts:
        if whole is None:
            whole = part
            continue
        if most is not None and whole.records > most:
            raise TooLarge
        whole.adapter = part.adapter
        whole.drafts += part.drafts
        whole.findings += part.findings
        whole.refused |= part.refused
        whole.records += part.records
        whole.rules = max(whole.rules, part.rules)
        whole.evaluations += part.evaluations
        whole.lists |= part.lists
        whole.kinds |= part.kinds
        whole.destroy_raw |= part.destroy_raw
        whole.tape = whole.tape or part.tape
    return whole or Prepared(adapter="unknown")


def in_batches(parts: Iterable[Prepared]) -> Iterator[Prepared]:
    """The same, with parts of which nothing goes in put together: not each refused record is worth a transaction."""
    refused: list[Prepared] = []
    for part in parts:
        if refused and (part.drafts or len(refused) >= REFUSED_AT_ONCE):
            yield merged(refused)
            refused = []
        if part.drafts:
            yield part
        else:
            refused.append(part)
    if refused:
        yield merged(refused)


def recipients_of(
    submission: Submission, named_by_records: Iterable[str | None], entitled: frozenset[str]
) -> tuple[str, ...]:
    """The corporations a submission is for: those it names, or else those its records name.

    Raises:
        InvalidRequest: neither names any.
        NotEntitled: it is for a corporation to which this sender may not submit.
    """
    named = submission.request.recipients or tuple(sorted({one for one in named_by_records if one is not None}))
    if not named:
        raise InvalidRequest("name the corporation with recipient=", ja="宛先の協会を recipient= で指定してください。")
    if not entitled.issuperset(named):
        raise NotEntitled
    return named


def owners_of(request: Request) -> tuple[str, ...]:
    """For whom is closed what is kept of a submission before it is known for whom it turns out to be."""
    return request.recipients or (OUR_OWN,)


def queue(database: Database, cipher: Cipher, submission: Submission, received: Received, kind: str) -> Outcome:
    """Take a large submission, or one behind it: key, submission, raw bytes and the job that will deal with it.

    One short transaction; after it the submission is durable and will be processed in order of arrival. ``kind`` is
    the record kind that its lane is narrowed to, or ``*``.

    Raises:
        KeyReused: the Idempotency-Key was used for another document.
        NotAuthentic: the key with which it was signed has ended meanwhile.
    """
    owners = owners_of(submission.request)
    cipher.make_ready(owners)
    kept = submissions.keep(cipher.data_key(owners), submission, received.copy(), final=False)
    with database.write() as session:
        signed_with = submission.origin.key
        if signed_with is not None and registers.ended_keys(session, [signed_with], submission.received_at):
            raise NotAuthentic("the key has ended meanwhile")
        name = (submission.origin.sender, submission.key or "")
        if submission.key is not None and not submissions.claim_keys(session, [submission]):
            earlier = submissions.find_keys(session, [name])[name]
            if earlier.fingerprint != submission.fingerprint:
                raise KeyReused
            return Outcome(earlier.submission, replayed=True)
        submissions.add_kept(session, [kept])
        job = NewJob("load", submission.id, submission.origin.sender, kind, submission.received_at)
        jobs.enqueue(session, job)
        database.notify(session)
    return Outcome(submission.id)
