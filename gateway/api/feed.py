"""What a corporation and its targeting tools read: the feed by position, the log and its proofs, lead times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.api import describe, present
from gateway.api.callers import admitted
from gateway.api.describe import Recipient
from gateway.api.negotiation import JSON, NDJSON, form_of
from gateway.api.parts import Parts
from gateway.errors import InvalidRequest, NotFound
from gateway.registers.permits import around, shown, without_kinds
from gateway.schemas.consent_notice import TAKES_BACK
from gateway.schemas.identifiers import instant_text, japanese_date
from gateway.schemas.line import RESTRICTED, feed_row, withheld_row
from gateway.schemas.records import KINDS
from gateway.security.canonical import b64
from gateway.security.checkpoints import log_origin, write_checkpoint
from gateway.security.merkle import EMPTY_ROOT, consistency_path, inclusion_path
from gateway.steps.authenticate import Caller
from gateway.steps.measure import measured, summary
from gateway.store import log, stamps
from gateway.store.cosignatures import MOST_LINES, cosignature_lines, newest_size
from gateway.store.engine import Session
from gateway.store.feed import Page

router = APIRouter(prefix="/v1/recipients/{recipient}", tags=["recipients"])

FARTHEST = 2**53 - 1  # that every JSON reader keeps exactly
CLOUDEVENTS = "application/cloudevents-batch+json"


KNOWN_KINDS = (*sorted(KINDS), *sorted(TAKES_BACK))


def _known(kind: str) -> str:
    if kind not in KNOWN_KINDS:
        raise ValueError("one of " + ", ".join(KNOWN_KINDS))
    return kind


Kind = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(KNOWN_KINDS)})]


class Window(BaseModel):
    """Which part of the feed: from position ``after`` on, at most ``limit`` lines, of one kind or all."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(
        default=0, ge=0, le=FARTHEST, description="Next position wanted, which is how many came before it"
    )
    limit: int = Field(default=1_000, ge=1, le=10_000, description="Most lines in one answer")
    kind: Kind | None = Field(default=None, description="Only this record kind")


class FeedWindow(Window):
    """A part of the feed, and how long to wait for it."""

    wait: float = Field(default=0, ge=0, le=60, description="Seconds to hold an empty answer back for something new")


class LeadTimeWindow(Window):
    """A part of the feed to be measured."""

    limit: int = Field(default=10_000, ge=1, le=100_000, description="Most lines measured")
    rows: bool = Field(default=False, description="Also line by line")


class WantedHead(BaseModel):
    """Which head of a log: the newest, that of a size, or the newest that witnesses cosigned."""

    model_config = ConfigDict(extra="forbid")

    size: int | None = Field(default=None, ge=0, le=FARTHEST, description="The head when the log had so many leaves")
    quorum: int | None = Field(
        default=None, ge=1, le=MOST_LINES, description="The newest head that so many witnesses cosigned"
    )
    cosigned_by: list[str] = Field(
        default=[],
        max_length=MOST_LINES,
        description="Only cosignatures by these witnesses count; without a quorum, by all of them; may repeat",
    )


@router.get("/feed", **describe.FEED)
async def feed(
    request: Request,
    recipient: Recipient,
    asked: Annotated[FeedWindow, Query()],
) -> Response:
    """Lines by position: NDJSON, a JSON page, or CloudEvents, by Accept.

    Asking for what comes after a position says that everything before it was read. A line of kind ``withdrawal``
    or ``consent_notice`` takes earlier ones back: what was kept of the positions in its record is to be dropped.
    """
    parts, caller = admitted(request, recipient)
    form = form_of(request, (NDJSON, JSON, CLOUDEVENTS))
    deadline, begun = time.monotonic() + asked.wait, parts.clock.now()
    known = parts.news.end_of(recipient)
    page, end = Page([], {}, asked.after), known or 0
    if known is None or known > asked.after or not asked.wait:
        page, end = await asyncio.to_thread(_page, parts, caller, recipient, asked)
        parts.news.wake({recipient: end})
    if read := min(asked.after, end):  # what does not exist yet was read by nobody
        parts.committer.note_read(recipient, caller.participant.id, read)
    while not page.rows and (left := deadline - time.monotonic()) > 0:
        if not await parts.news.wait(recipient, page.next_position, left):
            break
        further, begun = asked.model_copy(update={"after": page.next_position}), parts.clock.now()
        page, end = await asyncio.to_thread(_page, parts, caller, recipient, further)
        parts.news.wake({recipient: end})
    if page.rows:
        unseen = [position for position, (_, reason) in page.withheld.items() if reason == RESTRICTED]
        for given in around(range(page.rows[0][0], page.rows[-1][0] + 1), unseen):
            parts.committer.note_given(recipient, caller.participant.id, given, begun)
    return _present(parts, recipient, page, form, request)


def _page(parts: Parts, caller: Caller, recipient: str, asked: Window) -> tuple[Page, int]:
    """A page, and the position at which its log ends."""
    with parts.database.read(caller.tenant) as session:
        end = log.find_heads(session, [recipient])[recipient].next_position
        page = _permitted(parts, session, recipient, asked)
        shut = caller.restricted(recipient)
        page = without_kinds(session, recipient, page, shut) if shut else page
    return page, end


def _permitted(parts: Parts, session: Session, recipient: str, asked: Window) -> Page:
    """A page of the feed, as it may be shown now."""
    page = parts.blocks.page(session, recipient, asked.after, asked.limit, asked.kind)
    return shown(session, recipient, page, japanese_date(parts.clock.now())) if page.under else page


def _rows(page: Page) -> Iterator[bytes]:
    for position, submission, index, line in page.rows:
        if position in page.withheld:
            leaf, reason = page.withheld[position]
            yield withheld_row(position, leaf.hex(), reason)
        else:
            yield feed_row(position, submission, index, line)


def _present(parts: Parts, recipient: str, page: Page, form: str, request: Request) -> Response:
    following = str(request.url.include_query_params(after=page.next_position).query)
    headers = {
        "Link": f'<{request.url.path}?{following}>; rel="next"',
        "Hayame-Next": str(page.next_position),
        "Cache-Control": "no-store",
    }
    if form == CLOUDEVENTS:
        source = f"{parts.base_url}/v1/recipients/{recipient}/feed"
        events = [present.cloud_event(source, row, page.withheld.get(row[0])) for row in page.rows]
        return Response(b"[" + b",".join(events) + b"]", 200, headers, CLOUDEVENTS)
    if form == JSON:
        body = b'{"lines":[' + b",".join(_rows(page)) + b'],"next":%d}' % page.next_position
        return Response(body, 200, headers, JSON)
    return Response(b"".join(row + b"\n" for row in _rows(page)), 200, headers, NDJSON)


@router.get("/log/checkpoint", **describe.CHECKPOINT)
def checkpoint(request: Request, recipient: Recipient, asked: Annotated[WantedHead, Query()]) -> Response:
    """A signed head of the log (C2SP signed note), with the lines of the witnesses who cosigned it."""
    parts, caller = admitted(request, recipient)
    least, size = asked.quorum or len(set(asked.cosigned_by)), asked.size
    if least and size is not None:
        raise InvalidRequest("ask for a size or for cosignatures", ja="size と立会署名の条件は同時に指定できません。")
    with parts.database.read(caller.tenant) as session:
        if least:
            size = newest_size(session, recipient, least, asked.cosigned_by)
        found = None if least and size is None else log.find_checkpoint(session, recipient, size)
        lines = cosignature_lines(session, recipient, found[0]) if found else ""
    if found is not None:
        return PlainTextResponse(found[1] + lines)
    if size or least:
        raise NotFound
    parts.kept.require([recipient])
    return PlainTextResponse(
        write_checkpoint(log_origin(parts.log_name, recipient), 0, EMPTY_ROOT, *parts.signing.logs.signers)
    )


@router.get("/log/timestamp", **describe.TIMESTAMP)
def timestamp(request: Request, recipient: Recipient) -> Response:
    """The newest time stamp by a third party, over the checkpoint of ``tree_size``; and since when later entries wait.

    The token (RFC 3161) is over the checkpoint as the log signed it: its text, a blank line and the first signature.
    """
    parts, caller = admitted(request, recipient)
    with parts.database.read(caller.tenant) as session:
        turn, newest = stamps.find_turn(session, recipient), stamps.find_newest(session, recipient)
    waiting = turn.waiting_since_at if turn and turn.is_behind else None
    body = {
        "state": parts.stamps.state(turn),
        "tree_size": newest.tree_size if newest else None,
        "stamped_at": instant_text(newest.stamped_at) if newest else None,
        "token": b64(newest.token) if newest else None,
        "waiting_since_at": instant_text(waiting) if waiting else None,
    }
    return Response(orjson.dumps(body), media_type=JSON)


@router.get("/log/receipts", **describe.RECEIPTS)
def receipts(
    request: Request,
    recipient: Recipient,
    first: Annotated[int, Query(ge=0, le=FARTHEST, description="Index of the first leaf wanted")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Most receipts in one answer")] = 1_000,
) -> Response:
    """The log's leaves from an index on: every statement, accepted or refused, as receipts (one JWS a line).

    Who is only a witness gets those that say why the log goes by another name.
    """
    parts, caller = admitted(request, recipient)
    with parts.database.read(caller.tenant) as session:
        rows = log.statements_between(session, recipient, first, first + limit - 1)
    if not caller.may("read", recipient):
        rows = [row for row in rows if present.statement_of(row.receipt).reopens]
    return PlainTextResponse("".join(row.receipt + "\n" for row in rows))


@router.get("/log/proofs/inclusion", **describe.INCLUSION)
def inclusion(
    request: Request,
    recipient: Recipient,
    leaf: Annotated[int, Query(description="Index of the leaf, as its receipt says")],
    size: Annotated[int, Query(description="How many leaves the log has under the checkpoint")],
) -> Response:
    """The path from a leaf to the head of a size (RFC 6962)."""
    return _proof(request, recipient, "inclusion", leaf, size)


@router.get("/log/proofs/consistency", **describe.CONSISTENCY)
def consistency(
    request: Request,
    recipient: Recipient,
    first: Annotated[int, Query(description="Size of the log under the earlier checkpoint")],
    second: Annotated[int, Query(description="Size of the log under the later checkpoint")],
) -> Response:
    """That the head of one size is the beginning of another (RFC 6962)."""
    return _proof(request, recipient, "consistency", first, second)


def _proof(request: Request, recipient: str, of: str, low: int, high: int) -> Response:
    parts, caller = admitted(request, recipient)
    with parts.database.read(caller.tenant) as session:
        tree_size = log.find_heads(session, [recipient])[recipient].next_leaf
        least = 0 if of == "inclusion" else 1
        if not least <= low <= high <= tree_size or (of == "inclusion" and low == high):
            raise InvalidRequest(f"this log has {tree_size} leaves", ja=f"このログの件数は {tree_size} です。")
        make = inclusion_path if of == "inclusion" else consistency_path
        path = make(low, high, log.node_reader(session, recipient))
    return Response(orjson.dumps({"path": [one.hex() for one in path]}), media_type=JSON)


@router.get("/lead-times", **describe.LEAD_TIMES)
def lead_times(request: Request, recipient: Recipient, asked: Annotated[LeadTimeWindow, Query()]) -> Response:
    """How long each stage took, per kind (seconds); with ``rows`` also line by line."""
    parts, caller = admitted(request, recipient)
    with parts.database.read(caller.tenant) as session:
        page = _permitted(parts, session, recipient, asked)
        lines = list(measured(session, recipient, asked.after, page))
    body: dict[str, Any] = {"summary": summary((line["kind"], line["seconds"]) for line in lines), "lines": len(lines)}
    if asked.rows:
        body["rows"] = lines
    return Response(orjson.dumps(body), media_type=JSON)
