"""An accounting vendor: a year of monthly trial balances and the filed statements, as its software exports them.

    python -m mocks.vendor vendor --recipient 13 --bank 9991 …

It never learns the gateway's schema and knows firms by its own tenant numbers only (``subject=tenant:…``). First it
records that they consented, with a click in the software. A tenant that the corporation has not linked yet is no error:
what it sent is held, and needs no resubmission.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from mocks.ledgers import YEAR, books, filed_statements, trial_balance_csv
from mocks.people import Firm, Portfolio
from mocks.program import Program, arguments, expect, run, say, world

TEXT_VERSION, TEXT = "2026-04", "会計データ(試算表・決算書)を信用保証協会に提供することに同意します。"


def work(vendor: Program) -> None:
    """Everything it has of every firm whose books it keeps."""
    kept = vendor.portfolio()
    for firm in kept.booked:
        vendor.client.post("/v1/consents", consent(firm, kept.recipient))
    for firm in kept.booked:
        verdicts: dict[str, int] = {}
        for filename, document in exports(kept, firm):
            outcome = vendor.submit(
                document,
                recipient=kept.recipient,
                subject=f"tenant:{firm.tenant}",
                filename=filename,
                key=f"{firm.tenant} {filename}",
            )
            expect([one["code"] for one in outcome.findings if one["code"] != "V40"], [], f"findings in {filename}")
            verdicts[str(outcome.verdict)] = verdicts.get(str(outcome.verdict), 0) + 1
        expect(sorted(verdicts.keys() - {"accepted", "held"}), [], f"verdicts for {firm.tenant}")
        words = {"accepted": "受理", "held": "保留"}
        told = "・".join(f"{words[verdict]} {count}" for verdict, count in verdicts.items())
        filed = sum(verdicts.values()) - YEAR
        say(f"{firm.tenant}: 試算表 {YEAR}・決算書 {filed} → {told} / trial balances, statements")


def consent(firm: Firm, recipient: str) -> dict[str, Any]:
    """That a firm agreed, by a click, that its accounts go to the corporation for a year."""
    today = date.today()  # noqa: DTZ011 - the day on which somebody clicks
    agreed = {
        "granted_by": {"name": "架空 太郎", "role": "代表者"},
        "granted_on": today.isoformat(),
        "method": "web_click",
        "text_version": TEXT_VERSION,
        "text_sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
        "data_classes": ["tb", "fs"],
        "purposes": ["mid_term_management", "support"],
        "recipients": [recipient],
        "valid_from": (today - timedelta(days=1)).isoformat(),
        "valid_to": (today + timedelta(days=365)).isoformat(),
        "channel": "accounting_software",
    }
    return {"firm": {"scheme": "tenant", "value": firm.tenant}, "consent": agreed}


def exports(kept: Portfolio, firm: Firm) -> Iterator[tuple[str, bytes]]:
    """The files about one firm, oldest first; a sole proprietor files no statements of this kind."""
    ledger = books(firm, kept.as_of)
    if firm.corporate_number:
        yield from filed_statements(ledger).items()
    for month in ledger.months[-YEAR:]:
        yield f"trial_balance_{month.first_on:%Y-%m}.csv", trial_balance_csv(month)


def main() -> None:
    """Run as a program."""
    parser = arguments("An accounting vendor: a year of trial balances and the filed statements.")
    world(parser)
    run(parser, work)


if __name__ == "__main__":
    main()
