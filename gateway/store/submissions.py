"""Submissions, their keys, raw bytes, findings and held records."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from sqlalchemy import Connection, bindparam, delete, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from gateway.errors import Erased, NotFound, Withdrawn
from gateway.ports import Cipher, DataKey, Spot
from gateway.schemas.findings import Finding
from gateway.schemas.identifiers import Channel, Reference, Scheme
from gateway.schemas.statement import Origin
from gateway.schemas.submission import MY_NUMBER, WITHDRAWN, Held, RawCopy, Request, Submission, Waiting
from gateway.store.compression import compress, decompress
from gateway.store.driver import add_rows, any_of, by_prefix, fetch, in_parts, table_of
from gateway.store.tables import FindingBlock, Head, HeldRecord, IdempotencyKey, Raw, SeenAssertion, StatementRow
from gateway.store.tables import Submission as SubmissionRow

FINDINGS_PER_BLOCK = 5_000
ORDINALS_PER_QUERY = 10_000
ASKED = (
    "recipients",
    "kind",
    "adapter",
    "on_behalf_of",
    "channel",
    "received_on",
    "fixes",
    "releases",
    "held_as",
    "dry_run",
    "respond_async",
)
"""What the gateway works with of a request; the rest is in ``_beside``."""
_KEY = table_of(IdempotencyKey).c
_KEYS = columns(_KEY.key, _KEY.fingerprint, _KEY.submission).where(
    _KEY.sender == bindparam("sender"), any_of(_KEY.key, "keys")
)


@dataclass(frozen=True, slots=True)
class Used:
    """What an Idempotency-Key was used for."""

    fingerprint: bytes
    submission: str


def find_keys(session: Session, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Used]:
    """What (sender, Idempotency-Key) pairs were used for."""
    return {
        (sender, key): Used(fingerprint, submission)
        for (sender,), some in by_prefix(keys)
        for key, fingerprint, submission in fetch(session, _KEYS, sender=sender, keys=some)
    }


def claim_keys(session: Session, claiming: Sequence[Submission]) -> set[tuple[str, str]]:
    """Claim the keys of submissions, in sorted order so that two nodes never wait for each other; those now ours."""
    mine = {(one.origin.sender, one.key): one for one in claiming if one.key is not None}
    rows = [
        {
            "sender": sender,
            "key": key,
            "fingerprint": one.fingerprint,
            "submission": one.id,
            "created_at": one.received_at,
        }
        for (sender, key), one in sorted(mine.items())
    ]
    if add_rows(session, IdempotencyKey, rows, unless_there=True) == len(rows):
        return set(mine)
    winners = find_keys(session, sorted(mine))
    return {name for name, one in mine.items() if winners[name].submission == one.id}


def forget_keys(session: Session, before: datetime) -> None:
    """Let keys go whose days are over."""
    session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < before))


@dataclass(frozen=True, slots=True)
class Kept:
    """The rows of a submission and of its raw bytes, to be written; a release has none of its own."""

    submission: dict[str, Any]
    raw: dict[str, Any] | None


def keep(key: DataKey, submission: Submission, copy: RawCopy | None, *, final: bool = True) -> Kept:
    """What is kept of a submission: a final one with its statements, others for a job to deal with.

    The raw bytes (or where they are, or why they were destroyed) and what the sender wrote beside them are closed.
    """
    row = _row(submission, "final" if final else "processing")
    told = _beside(submission)
    row["said"] = key.close(_said(submission.id), told) if told else None
    if copy is None:
        return Kept(row, None)
    body = None if copy.body is None else key.close(_raw(submission.id), compress(copy.body))
    return Kept(row, {"submission": submission.id, "body": body, "file": copy.file, "destroyed": copy.destroyed})


def add_kept(session: Session, adding: Sequence[Kept]) -> None:
    """Write submissions with their raw bytes."""
    add_rows(session, SubmissionRow, [one.submission for one in adding])
    add_rows(session, Raw, [one.raw for one in adding if one.raw is not None])


def _beside(submission: Submission) -> bytes | None:
    """What the sender wrote beside the document, of the firm or at will; the gateway works without it."""
    request = submission.request
    subject = request.subject.model_dump() if request.subject else None
    said = {"filename": request.filename, "media_type": request.media_type, "subject": subject, "key": submission.key}
    told = {name: value for name, value in said.items() if value}
    return orjson.dumps(told) if told else None


def close_request(cipher: Cipher, submission: str, owners: Sequence[str], request: str) -> tuple[str, bytes | None]:
    """A request as an older version stored it: what the gateway works with, and, closed, what was said beside it."""
    asked = orjson.loads(request)
    told = {name: asked.pop(name) for name in ("filename", "media_type", "subject", "key") if name in asked}
    said = cipher.close(_said(submission), owners, orjson.dumps(told)) if told else None
    return orjson.dumps(asked).decode(), said


def _row(submission: Submission, state: str) -> dict[str, Any]:
    request, origin = submission.request, submission.origin
    asked = {name: value for name in ASKED if (value := getattr(request, name))}
    asked["origin"] = vars(origin)
    if submission.sent_at:
        asked["sent_at"] = submission.sent_at
    return {
        "id": submission.id,
        "sender": origin.sender,
        "institution": origin.institution,
        "state": state,
        "received_at": submission.received_at,
        "raw_sha256": bytes.fromhex(submission.raw_sha256),
        "raw_bytes": submission.raw_bytes,
        "request": orjson.dumps(asked).decode(),
    }


def finish_submission(session: Session, submission: str) -> None:
    """A submission that was being processed now has its statements."""
    session.execute(update(SubmissionRow).where(col(SubmissionRow.id) == submission).values(state="final"))


def find_submission(session: Session, submission: str, cipher: Cipher | None = None) -> Submission | None:
    """A submission by id, as it was handed over; what its sender wrote beside the document only with a cipher.

    That is left out also where it was withdrawn, or a recipient's keys were destroyed.
    """
    row = session.get(SubmissionRow, submission)
    if row is None:
        return None
    asked = orjson.loads(row.request)
    origin, sent_at = Origin.model_validate(asked.pop("origin")), asked.pop("sent_at", None)
    if cipher is not None and row.said is not None:
        with suppress(Erased):
            asked |= orjson.loads(cipher.open(_said(submission), row.said))
    key = asked.pop("key", None)
    for name in ("recipients", "received_on"):
        asked[name] = tuple(asked.get(name, ()))
    if "subject" in asked:
        asked["subject"] = Reference.model_validate(asked["subject"])
    asked["channel"] = Channel(asked["channel"])
    return Submission(
        id=row.id,
        origin=origin,
        request=Request(**asked),
        key=key,
        fingerprint=b"",
        sent_at=datetime.fromisoformat(sent_at) if sent_at else None,
        received_at=row.received_at,
        raw_sha256=row.raw_sha256.hex(),
        raw_bytes=row.raw_bytes,
    )


def find_raw(session: Session, cipher: Cipher, submission: str) -> RawCopy | None:
    """The raw bytes of a submission, or where they are."""
    row = session.get(Raw, submission)
    if row is None:
        return None
    body = None if row.body is None else decompress(cipher.open(_raw(submission), row.body))
    return RawCopy(body, row.file, row.destroyed)


def open_raw(session: Session, cipher: Cipher, folder: Path, submission: str) -> BinaryIO:
    """The raw bytes of a submission, to be read from its row or from its file in a folder.

    Raises:
        NotFound: there are none, or they were destroyed; Erased: as its recipient's content was; Withdrawn: as it was.
    """
    found = find_raw(session, cipher, submission)
    if found is None or found.destroyed == MY_NUMBER:
        raise NotFound(
            "the raw bytes were destroyed because they hold a My Number",
            ja="原本は個人番号（マイナンバー）を含むため破棄しました。",
        )
    if found.destroyed == WITHDRAWN:
        raise Withdrawn
    if found.destroyed is not None:
        raise Erased
    if found.body is not None:
        return io.BytesIO(found.body)
    return cipher.reader(raw_file(submission), (folder / str(found.file)).open("rb"))


def raw_file(submission: str) -> Spot:
    """Where raw bytes belong that are kept in a file."""
    return Spot("raw", "file", submission)


def _raw(submission: str) -> Spot:
    return Spot("raw", "body", submission)


def _said(submission: str) -> Spot:
    return Spot("submission", "said", submission)


def destroy_raw(session: Session, submission: str, reason: str) -> None:
    """Forget raw bytes, keeping why."""
    session.execute(update(Raw).where(col(Raw.submission) == submission).values(body=None, file=None, destroyed=reason))


def why_destroyed(session: Session, submission: str) -> str | None:
    """Why the raw bytes of a submission are no more; None where they are."""
    return session.exec(select(Raw.destroyed).where(Raw.submission == submission)).first()


def finding_rows(
    cipher: Cipher, submission: str, recipient: str, findings: Sequence[Finding], chunk: int = 0
) -> list[dict[str, Any]]:
    """Findings as rows of some thousands each, numbered from ``chunk``."""
    rows = []
    for number, start in enumerate(range(0, len(findings), FINDINGS_PER_BLOCK), chunk):
        part = findings[start : start + FINDINGS_PER_BLOCK]
        found = compress(orjson.dumps([finding.model_dump(mode="json", exclude_none=True) for finding in part]))
        payload = cipher.close(_findings(submission, recipient, number), (recipient,), found)
        rows.append(
            {"submission": submission, "recipient": recipient, "chunk": number, "count": len(part), "payload": payload}
        )
    return rows


def add_findings(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write finding rows."""
    add_rows(session, FindingBlock, rows)


def load_findings(
    session: Session, cipher: Cipher, submission: str, recipient: str | None = None
) -> Iterator[dict[str, Any]]:
    """Findings of a submission as stored (plain mappings), in order, block by block.

    Raises:
        Erased: the key of a recipient was destroyed.
    """
    query = select(FindingBlock).where(FindingBlock.submission == submission)
    if recipient is not None:
        query = query.where(FindingBlock.recipient == recipient)
    for row in session.exec(query.order_by(FindingBlock.recipient, col(FindingBlock.chunk))):
        yield from orjson.loads(decompress(cipher.open(_findings(submission, row.recipient, row.chunk), row.payload)))


def drop_findings(
    session: Session, cipher: Cipher, submission: str, recipient: str, goes: Callable[[dict[str, Any]], bool]
) -> int:
    """Forget those findings of a statement that are to go, closing the others anew; how many these were."""
    dropped = 0
    mine = select(FindingBlock).where(FindingBlock.submission == submission, FindingBlock.recipient == recipient)
    for row in session.exec(mine).all():
        spot = _findings(submission, recipient, row.chunk)
        try:
            found = orjson.loads(decompress(cipher.open(spot, row.payload)))
        except Erased:
            continue
        left = [one for one in found if not goes(one)]
        dropped += len(found) - len(left)
        if len(left) < len(found):
            row.count, row.payload = len(left), cipher.close(spot, (recipient,), compress(orjson.dumps(left)))
            session.add(row)
    session.flush()
    return dropped


def _findings(submission: str, recipient: str, chunk: int) -> Spot:
    return Spot("finding_block", "payload", submission, recipient, chunk)


def held_rows(cipher: Cipher, submission: str, recipient: str, held: Sequence[Held]) -> list[dict[str, Any]]:
    """Held records as rows; which number they wait for, and the digest of their own bytes, are closed."""
    if not held:
        return []
    key = cipher.index(recipient)
    blind = iter(key.blind(_name(one.waits_for) for one in held if one.waits_for))
    closed = key.close([(_held(submission, recipient, one.ordinal), _told(one)) for one in held])
    return [
        {
            "submission": submission,
            "recipient": recipient,
            "ordinal": one.ordinal,
            "kind": one.kind,
            "code": one.code,
            "waits_for": next(blind) if one.waits_for else None,
            "closed": told,
            "released_by": None,
        }
        for one, told in zip(held, closed, strict=True)
    ]


def _held(submission: str, recipient: str, ordinal: int) -> bytes:
    return Spot("held_record", "closed", submission, recipient, ordinal).bound()


def _told(one: Held) -> bytes:
    number = one.waits_for
    named = (number.scheme.value, number.scope, number.value) if number else ("", "", "")
    return orjson.dumps((*named, one.row_digest))


def _name(number: Reference) -> str:
    """What the blind of a number is made of; no series of a record begins like it."""
    return f"\0{number.scheme.value}\0{number.scope}\0{number.value}"


def add_held(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write held records."""
    add_rows(session, HeldRecord, rows)


def find_held(session: Session, cipher: Cipher, recipients: Sequence[str], sender: str) -> list[Waiting]:
    """Records still waiting, oldest first, that are for one of some recipients or were submitted by a sender."""
    own = select(SubmissionRow.id).where(SubmissionRow.sender == sender)
    concerned = col(HeldRecord.recipient).in_(recipients) | col(HeldRecord.submission).in_(own)
    return _waiting(session, cipher, concerned)


def waiting_for(session: Session, cipher: Cipher, references: Sequence[Reference]) -> list[Waiting]:
    """Records that wait for one of some numbers; for a guarantee's, at its own corporation only."""
    return [
        row
        for recipient in session.exec(select(Head.recipient).order_by(Head.recipient))
        if (key := cipher.find_index(recipient)) is not None
        for some in in_parts(key.blind(_name(one) for one in references if _may_wait(one, recipient)))
        for row in _waiting(
            session, cipher, (col(HeldRecord.recipient) == recipient) & col(HeldRecord.waits_for).in_(some)
        )
    ]


def holding(session: Session, institutions: Sequence[str]) -> list[Submission]:
    """Submissions of some institutions with records that wait for some number."""
    waits = columns(col(HeldRecord.submission)).where(
        col(HeldRecord.released_by).is_(None),
        col(HeldRecord.waits_for).is_not(None),
        col(HeldRecord.submission).in_(select(StatementRow.submission)),
    )
    mine = select(SubmissionRow.id).where(
        col(SubmissionRow.institution).in_(institutions), col(SubmissionRow.id).in_(waits)
    )
    found = (find_submission(session, name) for name in session.exec(mine.order_by(SubmissionRow.id)).all())
    return [one for one in found if one is not None]


def waiting_in(
    session: Session, cipher: Cipher, submission: str, at_once: int = ORDINALS_PER_QUERY
) -> Iterator[list[Waiting]]:
    """Records of a submission still waiting, by recipient and so many at a time."""
    mine = col(HeldRecord.submission) == submission
    recipients = session.exec(select(HeldRecord.recipient).where(mine).distinct()).all()
    for recipient in sorted(recipients):
        last = -1
        while some := _waiting(
            session,
            cipher,
            mine & (col(HeldRecord.recipient) == recipient) & (col(HeldRecord.ordinal) > last),
            at_once,
        ):
            yield some
            last = some[-1].ordinal


def _may_wait(number: Reference, recipient: str) -> bool:
    return number.scheme is not Scheme.GUARANTEE or number.scope == recipient


def _waiting(session: Session, cipher: Cipher, concerned: Any, at_most: int | None = None) -> list[Waiting]:
    query = select(HeldRecord).where(
        concerned,
        col(HeldRecord.released_by).is_(None),
        col(HeldRecord.submission).in_(select(StatementRow.submission)),  # a stage is nobody's business yet
    )
    rows = session.exec(query.order_by(HeldRecord.submission, col(HeldRecord.ordinal)).limit(at_most)).all()
    return [
        Waiting(
            submission=row.submission,
            recipient=row.recipient,
            ordinal=row.ordinal,
            kind=row.kind,
            code=row.code,
            waits_for=_number(cipher, row) if row.waits_for else None,
        )
        for row in rows
    ]


def _number(cipher: Cipher, row: HeldRecord) -> Reference | None:
    """The number a record waits for; None where its recipient's keys are being destroyed."""
    key = cipher.find_index(row.recipient)
    with suppress(Erased):
        told = key.open(_held(row.submission, row.recipient, row.ordinal), row.closed) if key else b""
        scheme, scope, value, _ = orjson.loads(told)
        return Reference(scheme=Scheme(scheme), scope=scope, value=value)
    return None


def release_held(session: Session, submission: str, recipient: str, ordinals: Sequence[int], by: str) -> None:
    """Held records were published by a later statement."""
    whose = (col(HeldRecord.submission) == submission) & (col(HeldRecord.recipient) == recipient)
    for start in range(0, len(ordinals), ORDINALS_PER_QUERY):
        these = col(HeldRecord.ordinal).in_(ordinals[start : start + ORDINALS_PER_QUERY])
        session.execute(update(HeldRecord).where(whose, these).values(released_by=by))


def hold_on(session: Session, cipher: Cipher, submission: str, recipient: str, held: Sequence[Held]) -> None:
    """Held records go on waiting, for what each waits now: what names the firm is known, and its consent is not."""
    for row in held_rows(cipher, submission, recipient, held):
        mine = col(HeldRecord.ordinal) == row["ordinal"], col(HeldRecord.released_by).is_(None)
        whose = (col(HeldRecord.submission) == submission) & (col(HeldRecord.recipient) == recipient)
        now = {name: row[name] for name in ("code", "waits_for", "closed")}
        session.execute(update(HeldRecord).where(whose, *mine).values(now))


def claim_assertion(within: Session | Connection, who: str, jti: str, expires_at: datetime) -> bool:
    """Whether this assertion of a client, or proof by a key, was never seen before; the insert is the check.

    An assertion is claimed in a transaction; a proof, which every request has, among what is kept briefly.
    """
    row = {"client": who, "jti": jti, "expires_at": expires_at}
    return add_rows(within, SeenAssertion, [row], unless_there=True) == 1


def forget_assertions(within: Session | Connection, before: datetime) -> None:
    """Let assertions, and proofs, go that can no longer be replayed."""
    within.execute(delete(SeenAssertion).where(col(SeenAssertion.expires_at) < before))


def held_ordinals(session: Session, submission: str) -> list[int]:
    """Which records of a submission still wait."""
    query = select(HeldRecord.ordinal).where(HeldRecord.submission == submission, col(HeldRecord.released_by).is_(None))
    return list(session.exec(query.order_by(col(HeldRecord.ordinal)).distinct()).all())
