"""``POST /v1/submissions``: the door through which every document comes."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import orjson
from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import present, problems
from gateway.api.callers import caller_of, joined, target_of
from gateway.api.parts import Parts, parts_of
from gateway.errors import BusyError, Erased, GatewayError, InvalidRequest, NotPaired, TooLarge
from gateway.formats.archives import LONGEST_SIGNATURE, looks_packed
from gateway.pipeline import Outcome, merged, prepare, queue, recipients_of
from gateway.ports import OUR_OWN
from gateway.registers.pairing import routes
from gateway.registers.participants import Participant
from gateway.schemas import submission as schemas
from gateway.schemas.access import load_address
from gateway.schemas.findings import Verdict
from gateway.schemas.flows import flow_of
from gateway.schemas.identifiers import (
    CGC_IDS,
    Channel,
    Reference,
    Scheme,
    SignatureProfile,
    instant_text,
    new_id,
    parse_subject,
    scoped,
)
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Prepared, Submission
from gateway.security.canonical import canonical
from gateway.security.http_answers import ASK, Answer, sign_answer
from gateway.security.http_signatures import SignedRequest
from gateway.security.profiles import SIGNED_WHOLE, Signed, document_of, idempotency_key
from gateway.security.signing import ACKNOWLEDGEMENT, sign_receipt
from gateway.steps.authenticate import Caller
from gateway.steps.receive import Kept, Received, Receiver, receive
from gateway.store import jobs, log, submissions, withdrawals
from gateway.store.engine import Session, Tenant
from gateway.store.jobs import ANY_KIND

PARAMETERS = {"recipient", "subject", "kind", "adapter", "on_behalf_of", "channel", "received_on", "fixes", "dry_run"}
ASKED_REMEMBERED = 256
IN_A_THREAD = 64 * 1024  # bytes from which a document is prepared beside the event loop, not on it
PACKED = ThreadPoolExecutor(256, "packed")  # threads that wait for a child; those of everybody else stay free
MOST_PACKED = 16  # packed documents of one sender that are dealt with at a time
IN_HAND: Counter[str] = Counter()
STALLED = {
    "detail": "It is kept, but working it off failed again and again; the operator has to look. Do not repeat it.",
    "detail_ja": "受け取って保管していますが、処理に繰り返し失敗しました。運用者の対応待ちです。再提出は不要です。",
}
SUBMISSION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TRANSCRIBED = frozenset({Channel.MEDIA, Channel.PAPER_TRANSCRIPTION})
SENDER_CHANNELS = {channel.value: channel for channel in Channel if channel is not Channel.GATEWAY}


async def submit(request: Request) -> Response:
    """Take a document: 201 with its receipts, 422 where it was refused, 202 where it will be processed.

    A signature covers method, address, digest, key and time, so it is made anew for each try, also for a repeat with
    the same ``Idempotency-Key``. Of many records the good ones go in; the bad ones can be fetched and fixed. With
    ``Accept-Signature`` the answer is signed, too.
    """
    parts, headers = parts_of(request), joined(request.scope["headers"])
    caller = caller_of(request, headers)
    caller.enter(load_address("submit"))
    name = new_id()
    received = await _receive(request, headers, parts, name)
    try:
        submission, document = await _proven(request, headers, caller, received, name)
        if submission.request.fixes is not None:
            await asyncio.to_thread(_require_own, parts, submission.origin.sender, submission.request.fixes)
        answer = await _process(parts, caller, submission, (received, document))
    except GatewayError:
        received.discard()
        raise
    if ASK in headers:
        signed = SignedRequest(request.method, target_of(request, parts), headers)
        given = Answer(answer.status_code, bytes(answer.body), signed)
        answer.headers.update(sign_answer(parts.signing.current, given, parts.clock.now()))
    return answer


async def _receive(request: Request, headers: Mapping[str, str], parts: Parts, name: str) -> Received:
    cipher, owners = parts.blocks.cipher, _owners(_query(request))
    if not cipher.is_ready(owners):
        await asyncio.to_thread(cipher.make_ready, owners)
    kept = Kept(parts.raw_folder, name, cipher, submissions.raw_file(name), owners)
    receiver = Receiver(kept, parts.limits.inline_raw_bytes, parts.limits.max_bytes)
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > parts.limits.max_bytes:
        raise TooLarge
    try:
        async for chunk in request.stream():
            receiver.write(chunk)
    except BaseException:
        receiver.abandon()
        raise
    return receiver.finish()


def _query(request: Request) -> str:
    return str(request.scope["query_string"], "latin-1")


@lru_cache(ASKED_REMEMBERED)
def _owners(query: str) -> tuple[str, ...]:
    """Whose keys close a document that is kept before it was read: of the recipients named, or else our own."""
    named = _recipients(QueryParams(query))
    return named if named and CGC_IDS.issuperset(named) else (OUR_OWN,)


async def _proven(
    request: Request, headers: Mapping[str, str], caller: Caller, received: Received, name: str
) -> tuple[Submission, Received]:
    """The submission with its document; in a thread where proving it takes more than a request signature."""
    if caller.participant.signatory.profile is SignatureProfile.HTTP_SIGNATURE:
        return _submission(request, headers, caller, received, name)
    return await asyncio.to_thread(_submission, request, headers, caller, received, name)


def _submission(
    request: Request, headers: Mapping[str, str], caller: Caller, received: Received, name: str
) -> tuple[Submission, Received]:
    """The submission and its document, once signature and digest are proven and the request is understood."""
    parts = parts_of(request)
    target = target_of(request, parts)
    signed = SignedRequest(request.method, target, headers, received.sha256)
    proven = parts.door.proven(caller, signed, received.open)
    headed = (headers.get(name, "") for name in ("content-disposition", "content-type", "prefer"))
    asked = _asked(_query(request), *headed)
    now = parts.clock.now()
    origin = _whose(caller.participant, asked, proven, now)
    if _paired_tenant(caller, asked, origin) is None:
        for recipient in asked.recipients:
            caller.require("submit", recipient)
    profile = caller.participant.signatory.profile
    document = _document(profile, received)
    submission = Submission(
        id=name,
        origin=origin,
        request=asked,
        key=_key(headers),
        fingerprint=hashlib.sha256(f"{request.method} {target} ".encode() + document.sha256).digest(),
        sent_at=proven.at,
        received_at=now,
        raw_sha256=received.sha256.hex(),
        raw_bytes=received.size,
    )
    return submission, document


def _document(profile: SignatureProfile, received: Received) -> Received:
    """The document in what was received: the same, unless it came within its signature."""
    return receive(document_of(profile, received.open()).read()) if profile in SIGNED_WHOLE else received


def _require_own(parts: Parts, sender: str, fixes: str) -> None:
    """What is to be repaired must be there and the sender's own; whether it is another's is not told."""
    if SUBMISSION_ID.fullmatch(fixes):
        with parts.database.read(Tenant(sender)) as session:
            found = submissions.find_submission(session, fixes)
        if found is not None and found.origin.sender == sender:
            return
    raise InvalidRequest("fixes names no submission of yours", ja="fixes に自社の提出の番号を指定してください。")


def _whose(participant: Participant, asked: schemas.Request, proven: Signed, now: datetime) -> Origin:
    """Who hands over, for whom, how that was proven, and with how much less assurance than the institution's own word.

    Raises:
        NotEntitled: no delegation is in force.
    """
    institution = participant.institution(asked.on_behalf_of, now)
    assurance = None
    if not participant.is_own(institution, now):
        assurance = "transcribed" if asked.channel in TRANSCRIBED else "delegated"
    succeeds = participant.succeeds(institution, now) if participant.enrolled.successions else None
    handed = participant.id, institution, asked.channel, asked.received_on
    return _origin((*handed, participant.enrolled.kind), proven._replace(at=None), assurance, succeeds)


@lru_cache(ASKED_REMEMBERED)
def _origin(
    handed: tuple[str, str, Channel, tuple[str, ...], str],
    proven: Signed,
    assurance: Any,
    succeeds: tuple[str, ...] | None,
) -> Origin:
    sender, institution, channel, received_on, role = handed
    return Origin(
        sender=sender,
        institution=institution,
        channel=channel,
        received_on=received_on,
        proof=proven.profile,
        key=proven.key,
        assurance=assurance,
        succeeds=succeeds,
        flow=flow_of(role, institution),
    )


def _key(headers: Mapping[str, str]) -> str:
    key = idempotency_key(headers)
    if not 1 <= len(key) <= 255:
        raise InvalidRequest("send an Idempotency-Key", ja="Idempotency-Key を指定してください。")
    return key


def _recipients(query: QueryParams) -> tuple[str, ...]:
    return tuple(dict.fromkeys(query.getlist("recipient")))


@lru_cache(ASKED_REMEMBERED)
def _asked(asked: str, disposition: str, media_type: str, preferred: str) -> schemas.Request:
    """What query and header fields ask for; a sender asks for the same again and again."""
    query = QueryParams(asked)
    unknown = set(query) - PARAMETERS
    if unknown:
        raise InvalidRequest("unknown parameter; known are: " + ", ".join(sorted(PARAMETERS)))
    recipients = _recipients(query)
    if not CGC_IDS.issuperset(recipients):
        raise InvalidRequest("recipient is not one of the 51 corporations", ja="recipient は51協会のいずれかです。")
    channel = query.get("channel", Channel.API.value)
    try:
        return schemas.Request(
            recipients=recipients,
            subject=parse_subject(query["subject"]) if "subject" in query else None,
            kind=query.get("kind"),
            adapter=query.get("adapter"),
            on_behalf_of=query.get("on_behalf_of"),
            channel=SENDER_CHANNELS[channel],
            received_on=tuple(date.fromisoformat(day).isoformat() for day in query.getlist("received_on")),
            fixes=query.get("fixes"),
            filename=_filename(disposition),
            media_type=media_type or None,
            dry_run=query.get("dry_run") == "true",
            respond_async="respond-async" in preferred,
        )
    except (ValueError, KeyError, ValidationError):
        raise InvalidRequest(
            "subject is scheme:value, channel one of the known channels, received_on a date",
            ja="subject、channel、received_on の指定を確認してください。",
        ) from None


def _filename(disposition: str) -> str | None:
    """The name in Content-Disposition (RFC 6266, also its ``filename*``), without any folder."""
    named: dict[str, str] = {}
    for part in disposition.split(";"):
        name, _, value = part.strip().partition("=")
        named[name.lower()] = value.strip('"')
    encoded = named.get("filename*", "")
    plain = unquote(encoded.partition("''")[2]) if encoded else named.get("filename", "")
    return plain.replace("\\", "/").rpartition("/")[2][:255] or None


async def _process(parts: Parts, caller: Caller, submission: Submission, copies: tuple[Received, Received]) -> Response:
    """Deal with what was received, which is kept, and the document in it, which is read."""
    received, document = copies
    try:
        prepared = await _prepare(parts, submission, document)
    except TooLarge:
        if submission.request.dry_run:
            raise
        lane = _lane_kind(parts, submission, document)
        submission, entitled = await _routed(parts, caller, submission, {lane} - {ANY_KIND})
        recipients_of(submission, entitled, entitled)
        _may_be_sealed(parts, submission.request.recipients)
        return await _queue(parts, submission, received, lane)
    submission, entitled = await _routed(parts, caller, submission, prepared.kinds)
    named = {draft.recipient for draft in prepared.drafts} | set(prepared.refused.values())
    recipients = recipients_of(submission, named, entitled)
    if submission.request.dry_run:
        received.discard()
        return _dry(prepared)
    _may_be_sealed(parts, recipients)
    outcome = await parts.committer.commit(submission, prepared, received, recipients)
    if outcome.must_queue:
        return await _queue(parts, submission, received, next(iter(prepared.kinds), ANY_KIND))
    if outcome.replayed or prepared.destroy_raw:
        received.discard()
    return _answer(parts, submission, outcome)


async def _routed(
    parts: Parts, caller: Caller, submission: Submission, kinds: Iterable[str]
) -> tuple[Submission, frozenset[str]]:
    """The submission, for the corporations that a pairing names where it names none; and where its sender may submit.

    Raises:
        NotPaired: it names none, but one of the sender's tenants, and no firm has agreed in that: whether anybody knows
            the firm is told to nobody.
    """
    asked, entitled = submission.request, caller.participant.recipients("submit")
    tenant = _paired_tenant(caller, asked, submission.origin)
    if tenant is None or (asked.recipients and entitled.issuperset(asked.recipients)):
        return submission, entitled
    found = await asyncio.to_thread(routes, parts.database, tenant, kinds, submission.received_at)
    if not found and not asked.recipients:
        raise NotPaired
    to = asked.recipients or found
    return replace(submission, request=replace(asked, recipients=to)), entitled.union(found)


def _paired_tenant(caller: Caller, asked: schemas.Request, origin: Origin) -> Reference | None:
    """The tenant that a submission names, of a sender whose firms pair with it, where it speaks for nobody else."""
    if asked.subject is None or asked.subject.scheme is not Scheme.TENANT or asked.on_behalf_of is not None:
        return None
    sender = origin.sender
    return scoped(asked.subject, sender, sender, "") if "redeem" in caller.participant.actions() else None


def _may_be_sealed(parts: Parts, recipients: Iterable[str]) -> None:
    """That what is taken now can be sealed, and stamped in time."""
    parts.kept.require(recipients)
    parts.stamps.require()


async def _queue(parts: Parts, submission: Submission, received: Received, kind: str) -> Response:
    """Let a job deal with it. In a thread: it waits for its turn to write, and the loop must go on meanwhile."""
    outcome = await asyncio.to_thread(queue, parts.database, parts.blocks.cipher, submission, received, kind)
    if outcome.replayed:
        received.discard()
    return _queued(parts, submission, outcome)


def _is_large(parts: Parts, submission: Submission, received: Received) -> bool:
    limits = parts.limits
    if received.size > limits.large_bytes or (submission.request.respond_async and not submission.request.dry_run):
        return True
    most = limits.large_records
    return received.size > most and max(received.count(b"\n"), received.count(b"\r")) > most


def _lane_kind(parts: Parts, submission: Submission, received: Received) -> str:
    """The one kind a large document can hold, so that only its like waits behind it; or any."""
    head = received.head()
    asked = submission.request
    willing = [
        adapter
        for adapter in parts.line.adapters.values()
        if (adapter.name == asked.adapter if asked.adapter else adapter.recognises(head, asked.filename))
    ]
    kinds = {kind for adapter in willing for kind in adapter.kinds}
    return next(iter(kinds)) if len(kinds) == 1 else ANY_KIND


async def _prepare(parts: Parts, submission: Submission, received: Received) -> Prepared:
    """What a document comes to.

    Raises:
        TooLarge: it takes longer than a request, or more memory than one should.
    """

    def run() -> Prepared:
        with received.open() as source:
            return merged(prepare(parts.line, submission, source), parts.limits.large_records)

    if _is_large(parts, submission, received):
        raise TooLarge("so large a document is not tried out", ja="大きな文書の試行（dry_run）はできません。")
    if looks_packed(received.head(LONGEST_SIGNATURE)):
        return await _in_turn(submission.origin.sender, run)
    if received.size > IN_A_THREAD:
        return await asyncio.to_thread(run)
    await asyncio.sleep(0)  # whoever came with it is let in first, then all are read: 7 % less CPU than in turn
    return run()


async def _in_turn(sender: str, run: Callable[[], Prepared]) -> Prepared:
    """Wait for a packed document beside the others of its sender, of whom nobody may take all the threads.

    Raises:
        BusyError: the sender has too many in hand.
    """
    if IN_HAND[sender] >= MOST_PACKED:
        raise BusyError
    IN_HAND[sender] += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(PACKED, run)
    finally:
        IN_HAND[sender] -= 1
        if not IN_HAND[sender]:
            del IN_HAND[sender]


def _queued(parts: Parts, submission: Submission, outcome: Outcome) -> Response:
    """202: taken and durable, with a signed acknowledgement; what comes of it is under its address."""
    if outcome.replayed:
        return _answer(parts, submission, outcome)
    acknowledged = {
        "submission": submission.id,
        "sender": submission.origin.sender,
        "raw_sha256": submission.raw_sha256,
        "raw_bytes": submission.raw_bytes,
        "received_at": instant_text(submission.received_at),
    }
    body = {
        "submission": submission.id,
        "state": "processing",
        "acknowledgement": sign_receipt(parts.signing.current, canonical(acknowledged), ACKNOWLEDGEMENT),
        "links": {"self": f"/v1/submissions/{submission.id}"},
    }
    return _json(202, body, {"Location": f"/v1/submissions/{submission.id}", "Preference-Applied": "respond-async"})


def _dry(prepared: Prepared) -> Response:
    """200: what would be found, with no effect at all."""
    findings = [present.finding(one.model_dump(mode="json", exclude_none=True)) for one in prepared.findings[:100]]
    refused = prepared.records if prepared.refused_whole else len(prepared.refused)
    body = {"dry_run": True, "records": prepared.records, "refused": refused, "findings": findings}
    return _json(200, body | {"findings_count": len(prepared.findings)})


def _answer(parts: Parts, submission: Submission, outcome: Outcome) -> Response:
    """201 or 422 with the receipts; also for what is already in the store, so that a retry reads the same."""
    if outcome.sealed:
        statements = [(one.statement, one.receipt) for one in outcome.sealed]
        findings = [
            f.model_dump(mode="json", exclude_none=True) for one in outcome.sealed for f in one.settled.findings[:100]
        ]
        return outcome_response(present.outcome(outcome.submission, statements, findings), outcome.replayed)
    body = stored_outcome(parts, submission.origin.sender, outcome.submission)
    return outcome_response(body, outcome.replayed)


def stored_outcome(parts: Parts, sender: str, submission: str) -> dict[str, object]:
    """The outcome of a sender's submission as the store has it."""
    with parts.database.read(Tenant(sender)) as session:
        rows, withdrawn = log.find_statements(session, submission), withdrawals.find(session, submission)
        if not rows:
            links = {"self": f"/v1/submissions/{submission}"}
            if is_stalled(session, submission):
                return {"submission": submission, "state": "stalled", **STALLED, "links": links}
            return {"submission": submission, "state": "processing", "links": links}
        statements = [(present.statement_of(row.receipt), row.receipt) for row in rows]
        body = present.outcome(submission, statements, _findings(parts, session, submission))
        return body | ({"withdrawn": [present.withdrawn(one) for one in withdrawn]} if withdrawn else {})


def _findings(parts: Parts, session: Session, submission: str) -> Iterator[dict[str, object]]:
    """What was found; as much as is left of it where a recipient's content was erased."""
    with suppress(Erased):
        yield from submissions.load_findings(session, parts.blocks.cipher, submission)


def is_stalled(session: Session, submission: str) -> bool:
    """Whether what should deal with a submission failed again and again."""
    own = submissions.find_submission(session, submission)
    return own is not None and jobs.is_given_up(session, jobs.key_of(submission, own.request.releases))


def outcome_response(body: dict[str, object], replayed: bool) -> Response:
    """The response to who submits: what is refused whole is a problem document that carries its receipts."""
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    if body["state"] != "final":
        return _json(202, body, headers)
    if body["verdict"] != Verdict.REFUSED:
        return _json(201, body, headers | {"Location": f"/v1/submissions/{body['submission']}"})
    refused = problems.problem(422, "Submission refused", "submission.refused", body)
    refused.headers.update(headers)
    return refused


def _json(status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")
