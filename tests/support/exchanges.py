"""One exchange of every kind with a running gateway: the examples of openapi/examples/answers are recorded from it.

``python tests/support/exchanges.py`` (with ``tests/support`` on the path by itself) records them anew.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson
from world import BANK, CORPORATION, TOOL, VENDOR, World, corporate_number, running

from gateway.client import Client, Outcome, Refusal

EXAMPLES = Path(__file__).resolve().parents[2] / "openapi" / "examples"
FEED, LOG = "/v1/recipients/13/feed", "/v1/recipients/13/log"


def exchanges(world: World) -> dict[str, bytes]:
    """Every answer by ``<operation>.<status>.<suffix>``; the documents of openapi/examples are submitted for it."""
    bank, vendor, clerk, tool = (world.client(name) for name in (BANK, VENDOR, CORPORATION, TOOL))
    submitted = {path.name: _submit(bank, path) for path in sorted((EXAMPLES / "documents").iterdir())}
    balance, tape = submitted["trial_balance.json"], submitted["repayment.csv"]
    refused = bank.submit(b'{"kind":"trial_balance",\n "lines":[,]}', recipient="13", adapter="native_json")
    unknown = (EXAMPLES / "documents" / "trial_balance.json").read_bytes().replace(_firm(17), _firm(9_017))
    held = vendor.submit(unknown, recipient="13", subject="tenant:T-17")
    large = bank.submit(unknown.replace(b"220000", b"220001"), recipient="13", prefer_async=True)
    bank.wait_for(large.submission)
    page = tool.get(FEED, {"after": 0, "limit": 3}, {"accept": "application/json"})
    size = tool.get(f"{LOG}/receipts").text.count("\n")
    return {
        "submit.201.json": _body(tape),
        "submit.200.json": _body(bank.submit(unknown, recipient="13", dry_run="true")),
        "submit.202.json": _body(large),
        "submit.401.json": _refusal(Client(world.base_url, "nobody", bank.key)),
        "submit.422.json": _body(refused),
        "outcome.200.json": bank.get(f"/v1/submissions/{balance.submission}").content,
        "findings.200.json": vendor.get(f"/v1/submissions/{held.submission}/findings").content,
        "evidence.200.json": tool.evidence(tape.submission, line=0),
        "held.200.json": orjson.dumps(clerk.held()),
        "feed.200.ndjson": tool.get(FEED, {"after": 3, "limit": 3}).content,
        "feed.200.json": page.content,
    }
