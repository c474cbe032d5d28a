"""N: the same duties done plainly, as a good team in a hurry would do them with the same libraries.

FastAPI reads the body into a Pydantic model, SQLModel keeps one row per account, libraries check token and signature on
every request, each request has a session and a durable commit of its own. The duties are the gateway's: entitlement,
idempotency, the same rules (also over the month before), canonical accounts, a signed receipt, a log in which nothing
can be altered unseen, and a feed. It is honest and it is not tuned: neither for nor against anybody.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import BaseModel
from sqlalchemy import event
from sqlmodel import Session, col, create_engine, select

from bench.naive_tables import AccountRow, Document, FeedLine, Firm, LogEntry, Sender, Table
from bench.servers import serve
from gateway.formats.accounts import normalised_lines
from gateway.rules.pack import check_document, check_history, standard_pack
from gateway.schemas.findings import Severity
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import TrialBalance

COVERED = ("@method", "@target-uri", "authorization", "content-digest", "content-type", "idempotency-key")
ALGORITHM = "Ed25519"


class Setup(BaseModel):
    """Where the service is, whom it knows, and its keys (JWK)."""

    base_url: str
    issuer: dict[str, Any]
    receipts: dict[str, Any]
    sender: dict[str, Any]
    corporate_numbers: list[str]


class Outcome(BaseModel):
    """What the sender is told."""

    submission: str
    verdict: str = "accepted"
    receipt: str
    findings: list[dict[str, Any]] = []


class Caller(BaseModel):
    """A sender whose token and signature hold, and the body it signed."""

    sender: str
    recipient: str
    body: bytes


app = FastAPI()
writing = threading.Lock()


def open_app(folder: Path) -> FastAPI:
    """The service over a folder that holds its ``setup.json``."""
    setup = Setup.model_validate_json((folder / "setup.json").read_bytes())
    engine = create_engine(f"sqlite:///{folder}/naive.db", pool_size=32, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    Table.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Sender(**setup.sender))
        session.add_all(Firm(corporate_number=number) for number in setup.corporate_numbers)
        session.commit()
    app.state.engine, app.state.issuer = engine, setup.base_url
    app.state.issuer_key, app.state.receipt_key = OKPKey.import_key(setup.issuer), OKPKey.import_key(setup.receipts)
    return app


def get_session(request: Request) -> Iterator[Session]:
    """One session per request."""
    with Session(request.app.state.engine) as session:
        yield session


Db = Annotated[Session, Depends(get_session)]


async def read_body(request: Request) -> bytes:
    """The bytes that were signed, beside the model that FastAPI makes of them."""
    return await request.body()


def authenticated(request: Request, recipient: str, body: Annotated[bytes, Depends(read_body)], session: Db) -> Caller:
    """Token, entitlement, signature and digest."""
    state, bearer = request.app.state, request.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        token = jwt.decode(bearer, state.issuer_key, algorithms=[ALGORITHM])
        claims = jwt.JWTClaimsRegistry(iss={"essential": True, "value": state.issuer}, exp={"essential": True})
        claims.validate(token.claims)
    except (JoseError, ValueError) as error:
        raise HTTPException(401, "not authenticated") from error
    sender = session.get(Sender, token.claims["client_id"])
    if sender is None or sender.recipient != recipient or "submit" not in token.claims["scope"].split():
        raise HTTPException(403, "not allowed")
    keys = MappingKeyResolver(public_keys={sender.kid: sender.public_pem.encode()}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=keys)
    try:
        verifier.verify(request, max_age=timedelta(minutes=5), require_components=COVERED, body=body)
    except InvalidSignature as error:
        raise HTTPException(401, "not authenticated") from error
    return Caller(sender=sender.id, recipient=recipient, body=body)


@app.post("/v1/submissions", status_code=201)
def submit(
    request: Request,
    record: TrialBalance,
    caller: Annotated[Caller, Depends(authenticated)],
    session: Db,
    idempotency_key: Annotated[str, Header()],
) -> Outcome:
    """Check a trial balance, keep it, sign a receipt, append to log and feed."""
    received_at, sha256 = datetime.now(UTC), hashlib.sha256(caller.body).hexdigest()
    with writing:
        used = select(Document).where(Document.sender == caller.sender, Document.idempotency_key == idempotency_key)
        earlier = session.exec(used).first()
        if earlier is not None and earlier.raw_sha256 == sha256:
            return Outcome(submission=earlier.id, receipt=earlier.receipt)
        numbers = [reference.value for reference in record.references if reference.scheme == "corporate_number"]
        firm = session.exec(select(Firm).where(col(Firm.corporate_number).in_(numbers))).first()
        if earlier is not None or firm is None or firm.id is None:
            raise HTTPException(422, "the key was used for another document, or the firm is not known")
        months = select(Document).where(Document.firm_id == firm.id).order_by(col(Document.period_to).desc())
        before = session.exec(months.where(col(Document.period_to) < record.period_to)).first()
        same = session.exec(months.where(Document.period_to == record.period_to)).first()
        findings = check(record, sha256, before)
        document = Document(
            id=str(uuid.uuid4()),
            sender=caller.sender,
            idempotency_key=idempotency_key,
            firm_id=firm.id,
            period_from=record.period_from,
            period_to=record.period_to,
            raw=caller.body,
            raw_sha256=sha256,
            received_at=received_at,
            supersedes=same.id if same else None,
        )
        lines, conservation = normalised_lines(record)
        for at, line in enumerate(lines):
            kept = {name: value for name, value in line.items() if name in AccountRow.model_fields}
            document.accounts.append(AccountRow(number=at, **kept))
        session.add(document)
        publish(session, document, caller.recipient, {"lines": lines, "conservation": conservation}, request)
        session.commit()
        session.refresh(document)
    return Outcome(submission=document.id, receipt=document.receipt, findings=findings)


def check(record: TrialBalance, sha256: str, before: Document | None) -> list[dict[str, Any]]:
    """Run the rules, also over the month before."""
    previous = None
    if before is not None:
        lines = [row.model_dump() for row in sorted(before.accounts, key=lambda row: row.number)]
        previous = {"period_from": before.period_from, "period_to": before.period_to, "lines": lines}
    observed = ObservedDocument(record, 0, sha256)
    found = check_document(standard_pack(), observed) + check_history(standard_pack(), observed, previous)
    shown = [finding.model_dump(mode="json") for finding in found]
    if any(finding.severity is Severity.REFUSE for finding in found):
        raise HTTPException(422, shown)
    return shown


def publish(session: Session, document: Document, recipient: str, record: dict[str, Any], request: Request) -> None:
    """Sign the receipt, chain it to the log, write the feed line; the caller commits."""
    last = session.exec(select(LogEntry).order_by(col(LogEntry.id).desc())).first()
    previous, payload = last.hash if last else "", json.dumps(record, ensure_ascii=False)
    statement = {
        "submission": document.id,
        "sender": document.sender,
        "recipient": recipient,
        "raw_sha256": document.raw_sha256,
        "line_sha256": hashlib.sha256(payload.encode()).hexdigest(),
        "received_at": document.received_at.isoformat(),
    }
    signed, key = json.dumps(statement).encode(), request.app.state.receipt_key
    document.receipt = jws.serialize_compact({"alg": ALGORITHM}, signed, key, algorithms=[ALGORITHM])
    chained = hashlib.sha256(f"{previous} {document.receipt}".encode()).hexdigest()
    session.add(LogEntry(document_id=document.id, previous=previous, hash=chained))
    session.add(FeedLine(recipient=recipient, document_id=document.id, payload=payload))


@app.get("/v1/recipients/{recipient}/feed")
def feed(recipient: str, session: Db, after: int = 0, limit: int = 1_000) -> list[FeedLine]:
    """Lines from a position on."""
    query = select(FeedLine).where(FeedLine.recipient == recipient, col(FeedLine.id) > after)
    return list(session.exec(query.order_by(col(FeedLine.id)).limit(limit)).all())


if __name__ == "__main__":
    serve(open_app(Path(os.environ["NAIVE_DIR"])))
