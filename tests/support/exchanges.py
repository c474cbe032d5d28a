"""One exchange of every kind with a running gateway. Run as a program, it records openapi/examples/answers from them.

PYTHONPATH=.:tests/support python tests/support/exchanges.py
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson
from world import BANK, CORPORATION, TOOL, WITNESS, World, corporate_number, guarantee, running

from gateway.client import Client, Outcome, Refusal
from gateway.runtime.withdraw import Asked
from gateway.security.cosignatures import cosign
from gateway.security.keys import SigningKey

EXAMPLES = Path(__file__).resolve().parents[2] / "openapi" / "examples"
SAY_NOTHING = {"healthy.200.txt", "ready.200.txt"}  # not worth a file
FIRM, NEW_FIRM = corporate_number(17).encode(), corporate_number(9_017).encode()


def exchanges(world: World) -> dict[str, bytes]:
    """Every answer by ``<operation>.<status>.<suffix>``, after the documents of openapi/examples were submitted."""
    bank, tool = world.client(BANK), world.client(TOOL)
    documents = {path.name: path.read_bytes() for path in sorted((EXAMPLES / "documents").iterdir())}
    outcomes = {name: bank.submit(document, recipient="13", filename=name) for name, document in documents.items()}
    corrected = bank.submit(documents["trial_balance.json"].replace(b"220000", b"220010"), recipient="13")
    return {
        "submit.201.json": _body(corrected),
        **_submitting(world, bank, documents["trial_balance.json"]),
        **_looking_back(bank, corrected.submission),
        **_registering(world.client(CORPORATION)),
        **_reading(tool),
        **_witnessing(world),
        "evidence.200.json": tool.evidence(outcomes["repayment.csv"].submission, line=0),
        **_withdrawing(world, bank, corrected.submission),
        **_at_the_door(world),
        "signature_check.200.json": bank.post("/v1/signature-check", {"kind": "trial_balance"}).content,
    }


def _submitting(world: World, bank: Client, balance: bytes) -> dict[str, bytes]:
    """What is answered to a document besides 201; the one for later is of a firm that nobody knows yet."""
    later = bank.submit(balance.replace(FIRM, NEW_FIRM), recipient="13", prefer_async=True)
    bank.wait_for(later.submission)
    with_a_letter = balance.replace(b"180000", b'"18O000"')
    return {
        "submit.200.json": _body(bank.submit(with_a_letter, recipient="13", dry_run="true")),
        "submit.202.json": _body(later),
        "outcome.200.json": bank.get(f"/v1/submissions/{later.submission}").content,
        "submit.422.json": _body(bank.submit(with_a_letter, recipient="13", filename="残高試算表.json")),
        "held.200.json": world.client(CORPORATION).get("/v1/held").content,
    }


def _looking_back(bank: Client, submission: str) -> dict[str, bytes]:
    address = f"/v1/submissions/{submission}"
    return {
        "outcome.404.json": _refused(lambda: bank.get(address[:-1])),
        "findings.200.json": bank.get(f"{address}/findings").content,
        "findings.200.csv": bank.get(f"{address}/findings", headers={"accept": "text/csv"}).content,
        "findings.200.txt": bank.get(f"{address}/findings", headers={"accept": "text/plain"}).content,
    }


def _withdrawing(world: World, bank: Client, submission: str) -> dict[str, bytes]:
    world.gateway.withdrawer.withdraw(Asked(submission, "misdirected"))
    return {"raw.410.json": _refused(lambda: bank.get(f"/v1/submissions/{submission}/raw"))}


def _registering(clerk: Client) -> dict[str, bytes]:
    firm = {"scheme": "corporate_number", "value": NEW_FIRM.decode()}
    entry = {"guarantee_no": guarantee(9_017), "institution": "9991", "firm": firm, "name": "有限会社みほん堂"}
    customer = {"scheme": "bank_customer", "scope": "9991", "value": "C-9017"}
    return {
        "guarantees.201.json": clerk.post("/v1/recipients/13/guarantees", [entry]).content,
        "link.201.json": clerk.post("/v1/recipients/13/links", {"reference": customer, "same_as": firm}).content,
    }


def _reading(tool: Client) -> dict[str, bytes]:
    at = "/v1/recipients/13"

    def read(path: str, accept: str = "*/*", **asked: Any) -> bytes:
        return tool.get(f"{at}/{path}", asked, {"accept": accept}).content

    tool.get(f"{at}/feed", {"after": 1})
    return {
        "feed.200.json": read("feed", "application/json", limit=1),
        "feed.200.ndjson": read("feed", after=7, limit=1),
        "feed.200.cloudevents.json": read("feed", "application/cloudevents-batch+json", limit=1),
        "feed.400.json": _refused(lambda: read("feed", limit=0)),
        "feed.406.json": _refused(lambda: read("feed", "application/xml")),
        "feed.403.json": _refused(lambda: tool.get("/v1/recipients/14/feed")),
        "timestamp.200.json": read("log/timestamp"),
        "receipts.200.txt": read("log/receipts", limit=1),
        "inclusion.200.json": read("log/proofs/inclusion", leaf=2, size=5),
        "consistency.200.json": read("log/proofs/consistency", first=3, second=5),
        "lead_times.200.json": read("lead-times", limit=1, rows=True),
    }


def _witnessing(world: World) -> dict[str, bytes]:
    at, witness = "/v1/recipients/13/log", world.client(WITNESS)
    note = witness.get(f"{at}/checkpoint").text
    cosigned = note + cosign(note, WITNESS, world.keys[WITNESS], datetime(2026, 5, 1, tzinfo=UTC))
    return {
        "cosign.201.json": witness.post(f"{at}/cosignatures", {"note": cosigned}).content,
        "cosign.400.json": _refused(lambda: witness.post(f"{at}/cosignatures", {"note": note})),
        "cosignatures.200.json": witness.get(f"{at}/cosignatures").content,
        "checkpoint.200.txt": witness.get(f"{at}/checkpoint", {"quorum": 1}).content,
        "checkpoint.404.json": _refused(lambda: witness.get(f"{at}/checkpoint", {"quorum": 2})),
    }


def _at_the_door(world: World) -> dict[str, bytes]:
    """What is answered to somebody who is not signed in; nothing that could be used is recorded."""
    with httpx2.Client(base_url=world.base_url, trust_env=False) as stranger:
        found = {
            "metadata.200.json": "/.well-known/oauth-authorization-server",
            "jwks.200.json": "/.well-known/jwks.json",
            "api_catalog.200.json": "/.well-known/api-catalog",
            "healthy.200.txt": "/healthz",
            "ready.200.txt": "/readyz",
            "feed.401.json": "/v1/recipients/13/feed",
        }
        answers = {name: stranger.get(path).content for name, path in found.items()}
    with Client(world.base_url, BANK, SigningKey.generate()) as impostor:
        return answers | {"token.401.json": _refused(impostor.token)}


def _body(outcome: Outcome) -> bytes:
    return orjson.dumps(outcome.body)


def _refused(ask: Any) -> bytes:
    try:
        ask()
    except Refusal as refusal:
        return orjson.dumps(refusal.problem)
    raise AssertionError("this should have been refused")


def record(folder: Path) -> None:
    """Write the answers of a gateway of its own into a folder, JSON laid out for people; evidence stays as it is."""
    with tempfile.TemporaryDirectory() as data, running(Path(data), None) as world:
        for name, answer in exchanges(world).items():
            if name in SAY_NOTHING:
                continue
            laid_out = name.endswith("json") and not name.startswith("evidence") and "ndjson" not in name
            shown = orjson.dumps(orjson.loads(answer), option=orjson.OPT_INDENT_2) + b"\n" if laid_out else answer
            (folder / name).write_bytes(shown.replace(world.base_url.encode(), b"https://gateway.example"))


if __name__ == "__main__":
    record(EXAMPLES / "answers")
