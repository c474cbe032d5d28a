"""The naive reference does what the gateway does; a reference that skips a duty would flatter nobody but itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from joserfc import jws
from sqlmodel import Session, select

from bench.fixtures import SENDER, TARGET, corporate_number, signed_requests, trial_balances
from bench.naive import open_app
from bench.naive_tables import AccountRow, LogEntry
from gateway.security.keys import SigningKey
from gateway.security.tokens import issue_access_token

ADDRESS = "http://naive.example"
ISSUER, RECEIPTS, BANK = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
NUMBERS = (corporate_number(990_000_000_000),)
APRIL, MAY = islice(trial_balances(3, NUMBERS), 2)


@pytest.fixture
def naive(tmp_path: Path) -> Iterator[TestClient]:
    sender = {"id": SENDER, "recipient": "13", "kid": BANK.kid, "public_pem": BANK.public.pem().decode()}
    setup = {
        "base_url": ADDRESS,
        "issuer": ISSUER.public.jwk(),
        "receipts": RECEIPTS.jose.as_dict(private=True),
        "sender": sender,
        "corporate_numbers": NUMBERS,
    }
    (tmp_path / "setup.json").write_text(json.dumps(setup))
    app = open_app(tmp_path)
    with TestClient(app, base_url=ADDRESS) as client:
        yield client
    app.state.engine.dispose()


def submit(
    naive: TestClient, document: bytes, key: SigningKey = BANK, body: bytes | None = None, age_s: int = 0
) -> Any:
    token = issue_access_token(ISSUER, ADDRESS, SENDER, {"submit"}, datetime.now(UTC) - timedelta(seconds=age_s))
    [request] = signed_requests([document], key, token, ADDRESS)
    fields = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    headers = dict(field.split(": ", 1) for field in fields if not field.startswith("content-length"))
    return naive.post(TARGET, content=body or document, headers=headers)


def test_a_document_is_receipted_logged_and_on_the_feed_account_by_account(naive: TestClient) -> None:
    answer = submit(naive, APRIL)
    outcome = answer.json()
    opened = json.loads(jws.deserialize_compact(outcome["receipt"], RECEIPTS.jose, algorithms=["Ed25519"]).payload)
    [line] = naive.get("/v1/recipients/13/feed").json()
    with Session(naive.app.state.engine) as session:  # type: ignore[attr-defined]
        accounts = len(session.exec(select(AccountRow)).all())
    assert (answer.status_code, outcome["findings"], accounts) == (201, [], 60)
    assert (opened["submission"], opened["raw_sha256"]) == (outcome["submission"], hashlib.sha256(APRIL).hexdigest())
    assert opened["line_sha256"] == hashlib.sha256(line["payload"].encode()).hexdigest()


def test_each_log_entry_holds_the_hash_of_the_one_before(naive: TestClient) -> None:
    receipts = [submit(naive, document).json()["receipt"] for document in (APRIL, MAY)]
    with Session(naive.app.state.engine) as session:  # type: ignore[attr-defined]
        first, second = session.exec(select(LogEntry).order_by(LogEntry.id)).all()  # type: ignore[arg-type]
    assert (first.previous, second.previous) == ("", first.hash)
    assert second.hash == hashlib.sha256(f"{first.hash} {receipts[1]}".encode()).hexdigest()


def test_a_retry_with_the_same_key_gives_the_same_receipt_and_has_no_effect(naive: TestClient) -> None:
    first, again = submit(naive, APRIL).json(), submit(naive, APRIL).json()
    assert first["receipt"] == again["receipt"]
    assert len(naive.get("/v1/recipients/13/feed").json()) == 1


def test_a_month_that_does_not_follow_from_the_one_before_is_found(naive: TestClient) -> None:
    record = json.loads(MAY)
    for column in ("opening_yen", "closing_yen"):
        record["lines"][0][column] += 1
    submit(naive, APRIL)
    changed = record | {"statements": ["BS"]}
    assert [found["code"] for found in submit(naive, json.dumps(changed).encode()).json()["findings"]] == ["V24"]


@pytest.mark.parametrize(
    "wrong", [{"key": SigningKey.generate()}, {"body": MAY}, {"age_s": 600}], ids=["key", "body", "token"]
)
def test_what_is_not_proven_is_refused(naive: TestClient, wrong: dict[str, Any]) -> None:
    assert submit(naive, APRIL, **wrong).status_code == 401
    assert naive.get("/v1/recipients/13/feed").json() == []
