"""What may be seen of a submission afterwards: by its sender everything, by a recipient its own statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.api import describe, present
from gateway.api.callers import admitted
from gateway.api.describe import SubmissionId
from gateway.api.negotiation import JSON, NDJSON, form_of
from gateway.api.parts import Parts
from gateway.api.submissions import STALLED, is_stalled, stored_outcome
from gateway.errors import InvalidRequest, NotFound, Withdrawn
from gateway.evidence import Wanted, collect
from gateway.ports import Cipher, Hints, Remark
from gateway.registers.permits import around
from gateway.schemas.findings import Severity
from gateway.schemas.identifiers import japanese_date
from gateway.schemas.line import CANONICAL, RESTRICTED
from gateway.schemas.statement import StoredStatement
from gateway.schemas.submission import Submission
from gateway.security.container import MEDIA_TYPE as CONTAINER
from gateway.security.container import write_container
from gateway.security.evidence import write_evidence
from gateway.security.profiles import document_of
from gateway.steps.authenticate import Caller
from gateway.store import log, submissions, withdrawals
from gateway.store.cosignatures import MOST_LINES
from gateway.store.engine import Session

router = APIRouter(prefix="/v1", tags=["submissions"])
CSV, TEXT = "text/csv", "text/plain"


def _own(session: Session, caller: Caller, submission: str, cipher: Cipher | None = None) -> Submission:
    """The submission, if the caller handed it over; to everybody else it does not exist."""
    found = submissions.find_submission(session, submission, cipher)
    if found is None or found.origin.sender != caller.participant.id:
        raise NotFound
    return found


@router.get("/submissions/{submission}", **describe.OUTCOME)
def outcome(request: Request, submission: SubmissionId) -> Response:
    """State and receipts, as when it was submitted."""
    parts, caller = admitted(request)
    with parts.database.read(caller.tenant) as session:
        _own(session, caller, submission)
    return Response(
        orjson.dumps(stored_outcome(parts, caller.participant.id, submission)), media_type="application/json"
    )


@router.get("/submissions/{submission}/findings", **describe.FINDINGS)
def findings(request: Request, submission: SubmissionId) -> Response:
    """Everything that was found: JSON, CSV (text/csv) or 日本語 text (text/plain); the sealed bytes as NDJSON."""
    parts, caller = admitted(request)
    form = form_of(request, (JSON, NDJSON, CSV, TEXT))
    with parts.database.read(caller.tenant) as session:
        _own(session, caller, submission)
        if withdrawals.is_gone(session, submission):
            raise Withdrawn
        found = list(submissions.load_findings(session, parts.blocks.cipher, submission))
    return Response(_FINDINGS[form](found), media_type=form + ("; charset=utf-8" if form.startswith("text/") else ""))


_FINDINGS: dict[str, Callable[[list[dict[str, Any]]], str | bytes]] = {
    JSON: lambda found: orjson.dumps([present.finding(one) for one in found]),
    NDJSON: lambda found: b"".join(orjson.dumps(one, option=CANONICAL) + b"\n" for one in found),
    CSV: present.findings_csv,
    TEXT: lambda found: "\n".join(map(present.finding_text, found)),
}


@router.get("/submissions/{submission}/raw", **describe.RAW)
def raw(request: Request, submission: SubmissionId) -> Response:
    """The bytes as received."""
    parts, caller = admitted(request)
    with parts.database.read(caller.tenant) as session:
        _own(session, caller, submission)
        with _open_raw(parts, session, submission) as source:
            return Response(source.read(), media_type="application/octet-stream")


def _find_raw(parts: Parts, session: Session, submission: str) -> bytes | None:
    try:
        with _open_raw(parts, session, submission) as source:
            return source.read()
    except NotFound:
        return None


def _open_raw(parts: Parts, session: Session, submission: str) -> BinaryIO:
    return submissions.open_raw(session, parts.blocks.cipher, parts.raw_folder, submission)


@router.get("/submissions/{submission}/returned", **describe.RETURNED)
def returned(request: Request, submission: SubmissionId) -> Response:
    """The refused records in the sender's own layout, ready to be fixed and submitted with ``fixes=``.

    Byte for byte what the sender sent: a cell that a spreadsheet would take for a formula is returned as it was. Into a
    workbook is written what was found: cells are coloured and commented, and a sheet 指摘一覧 lists it all.
    """
    parts, caller = admitted(request)
    with parts.database.read(caller.tenant) as session:
        own = _own(session, caller, submission, parts.blocks.cipher)
        rows = log.find_statements(session, submission)
        if not rows:
            if is_stalled(session, submission):
                raise NotFound(STALLED["detail"], ja=STALLED["detail_ja"])
            raise NotFound("it is still being processed", ja="まだ処理中です。")
        refused, remarks = _refused(parts, session, submission)
        source = document_of(own.origin.proof, _open_raw(parts, session, submission))
    name = own.request.filename or submission
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote('returned-' + name)}"}
    adapter = parts.line.adapters.get(present.statement_of(rows[0].receipt).adapter.partition("/")[0])
    with source:
        if refused is None or adapter is None:
            body = source.read()
        else:
            hints = Hints(
                filename=name,
                institution=own.origin.institution,
                layouts=parts.line.layouts,
                column_maps=parts.line.column_maps,
                remarks=remarks,
            )
            body = b"".join(adapter.returned(source, refused, hints)) if refused else b""
    return Response(body, 200, headers, "application/octet-stream")


def _refused(parts: Parts, session: Session, submission: str) -> tuple[set[int] | None, tuple[Remark, ...]]:
    """Ordinals of the refused records, None where it was the document as a whole; and what is said of their sheets."""
    refused: set[int] = set()
    of_sheets = []
    for one in submissions.load_findings(session, parts.blocks.cipher, submission):
        if one["severity"] == Severity.REFUSE:
            if "record" not in one:
                return None, ()
            refused.add(one["record"])
        if "sheet" in one.get("place", {}):
            of_sheets.append(one)
    return refused, tuple(present.remark(one) for one in of_sheets if one.get("record") in refused)


@router.get("/submissions/{submission}/evidence", **describe.EVIDENCE)
def evidence(
    request: Request,
    submission: SubmissionId,
    recipient: Annotated[str | None, Query(description="Which of several recipients' outcomes")] = None,
    line: Annotated[int | None, Query(ge=0, description="Only this line, counted from 0")] = None,
    quorum: Annotated[
        int, Query(ge=0, le=MOST_LINES, description="Under the first checkpoint that so many witnesses cosigned")
    ] = 0,
) -> Response:
    """Everything an outsider needs to verify the outcome offline; for one line, without any byte of another.

    By Accept an evidence file, or a signed container (ASiC-E) that openssl and other tools read too.
    """
    parts, caller = admitted(request)
    form, begun = form_of(request, (JSON, CONTAINER)), parts.clock.now()
    tenant = caller.tenant
    with parts.database.read(tenant) as session:
        visible = [row for row in log.find_statements(session, submission) if _may_see(caller, row)]
        chosen = [row for row in visible if recipient in (None, row.recipient)]
        if not chosen:
            raise NotFound
        if len(chosen) > 1:
            raise InvalidRequest("name one recipient", ja="recipient を指定してください。")
    own = _is_own(caller, chosen[0])
    tenant = replace(tenant, watches=tenant.watches | {chosen[0].recipient})  # of its log, what proves this outcome
    with parts.database.read(tenant) as session:
        raw = _find_raw(parts, session, submission) if own else None
        shut = frozenset() if own else caller.restricted(chosen[0].recipient)
        wanted = Wanted(line, quorum, None if own else japanese_date(begun), shut)
        found = collect(session, parts.blocks, chosen[0], wanted, raw)
    if not own:
        shown = range(chosen[0].count) if line is None else range(line, line + 1)
        first = chosen[0].first_position
        unseen = [first + one.index for one in found.lines if one.withheld == RESTRICTED]
        for given in around(range(first + shown.start, first + shown.stop), unseen):
            parts.committer.note_given(chosen[0].recipient, caller.participant.id, given, begun)
    found = found.model_copy(update={"keys": parts.signing.beyond_first(found.receipt)})
    if form == CONTAINER:
        made = write_container(found, parts.signing.logs.current, parts.clock.now())
        return Response(made, media_type=CONTAINER)
    return Response(write_evidence(found), media_type="application/json")


def _may_see(caller: Caller, row: StoredStatement) -> bool:
    return _is_own(caller, row) or caller.may("read", row.recipient)


def _is_own(caller: Caller, row: StoredStatement) -> bool:
    return row.sender == caller.participant.id and caller.may("submit")


@router.get("/held", **describe.HELD)
def held(request: Request) -> Response:
    """Records that wait to be placed: a corporation sees those for it, a sender those it submitted."""
    parts, caller = admitted(request)
    tenant = caller.tenant
    with parts.database.read(tenant) as session:
        rows = submissions.find_held(session, parts.blocks.cipher, sorted(tenant.reads), tenant.sender)
    return Response(
        orjson.dumps([present.held(row, row.recipient in tenant.reads) for row in rows]), media_type="application/json"
    )
