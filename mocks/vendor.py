"""An accounting vendor: a year of monthly trial balances and the filed statements, as its software exports them.

    python -m mocks.vendor vendor --recipient 13 --bank 9991 …

It never learns the gateway's schema and knows firms by its own tenant numbers only (``subject=tenant:…``). A tenant
that the corporation has not linked yet is no error: what it sent is held, and needs no resubmission.
"""

from __future__ import annotations

from collections.abc import Iterator

from mocks.ledgers import YEAR, books, filed_statements, trial_balance_csv
from mocks.people import Firm, Portfolio
from mocks.program import Program, arguments, expect, run, say, world


def work(vendor: Program) -> None:
    """Everything it has of every firm whose books it keeps."""
    kept = vendor.portfolio()
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
            expect([one["code"] for one in outcome.findings if one["code"] != "S01"], [], f"findings in {filename}")
            verdicts[str(outcome.verdict)] = verdicts.get(str(outcome.verdict), 0) + 1
        expect(sorted(verdicts.keys() - {"accepted", "held"}), [], f"verdicts for {firm.tenant}")
        words = {"accepted": "受理", "held": "保留"}
        told = "・".join(f"{words[verdict]} {count}" for verdict, count in verdicts.items())
        filed = sum(verdicts.values()) - YEAR
        say(f"{firm.tenant}: 試算表 {YEAR}・決算書 {filed} → {told} / trial balances, statements")


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
