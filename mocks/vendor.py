"""An accounting vendor: a year of monthly trial balances and the filed statements, as its software exports them.

    python -m mocks.vendor vendor --recipient 13 --bank 9991 …

It never learns the gateway's schema, knows firms by its own tenant numbers only (``subject=tenant:…``), and is entitled
at no corporation: a firm types the pairing code of its letter into the software, reads what it offers and agrees; from
then on its figures go where it said.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.client import Refusal, pairings
from gateway.schemas.consent import GrantedBy
from gateway.schemas.pairing import Agreement
from mocks.corporation import letter_to
from mocks.ledgers import YEAR, books, filed_statements, trial_balance_csv
from mocks.people import Firm, Portfolio
from mocks.program import Program, arguments, expect, run, say, world


def work(vendor: Program) -> None:
    """Everything it has of every firm whose books it keeps."""
    kept = vendor.portfolio()
    try_unpaired(vendor, kept, kept.booked[0])
    for firm in kept.booked:
        pair(vendor, firm)
        filed = -YEAR
        for filename, document in exports(kept, firm):
            outcome = vendor.submit(
                document, subject=f"tenant:{firm.tenant}", filename=filename, key=f"{firm.tenant} {filename}"
            )
            expect(([one["code"] for one in outcome.findings], outcome.verdict), ([], "accepted"), filename)
            filed += 1
        say(f"{firm.tenant}: 試算表 {YEAR}・決算書 {filed} → 受理 / trial balances, statements, all accepted")


def try_unpaired(vendor: Program, kept: Portfolio, firm: Firm) -> None:
    """What a firm has not agreed to is not taken."""
    filename, document = next(exports(kept, firm))
    try:
        vendor.submit(document, subject=f"tenant:{firm.tenant}", filename=filename)
        told = "taken"
    except Refusal as refusal:
        told = refusal.problem["code"]
    expect(told, "access.not_paired", "before the firm agreed")
    say(f"{firm.tenant}: 同意がないため受付不可 / not taken before the firm agreed")


def pair(vendor: Program, firm: Firm) -> None:
    """A firm has got a letter: it types in the code, reads what it would agree to, and clicks."""
    code = letter_to(vendor, firm).read_text("ascii").lower()
    offered = pairings.preview(vendor.client, code)
    granted_by = GrantedBy(name=f"{firm.name} 担当者", role="代表者")
    agreement = Agreement(tenant=firm.tenant, granted_by=granted_by, text_sha256=offered["text_sha256"])
    paired = pairings.redeem(vendor.client, code, agreement)
    expect(paired["recipients"], [one["recipient"] for one in offered["recipients"]], "recipients")
    names = "、".join(one["name"] for one in offered["recipients"])
    say(f"{firm.tenant}: 「{names}」への提供に同意 / agreed to what the pairing code of its letter offers")


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
