"""A clerk of a credit guarantee corporation: brings its register to the gateway, and works off what waits.

    python -m mocks.corporation cgc-13 --recipient 13 --bank 9991 …

Registers the guarantees of a bank, says ``ready``, then watches the work list (``GET /v1/held``): a vendor's tenant
that the clerk knows from the firm's own papers is linked, and what waited for it is published without resubmission.
Ends when standard input closes and nothing waits that could be placed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mocks.people import Firm
from mocks.program import Program, Surprise, arguments, run, say, told_to_stop, world

AT_ONCE = 1_000  # guarantees in one request
LOOK_EVERY_S = 0.3
PATIENCE = 200  # looks at the work list after it should be empty


def work(clerk: Program) -> None:
    """Register, say so, and watch the work list until told to stop."""
    stop = told_to_stop()
    recipient, kept = clerk.asked.recipient, clerk.portfolio()
    released = register(clerk, recipient, kept.firms, clerk.asked.bank)
    for firm in kept.booked[: clerk.asked.linked]:
        link(clerk, recipient, clerk.asked.vendor, firm)
    say(f"保証 {len(kept.rows):,} 件を登録 / guarantees registered; {released} released")
    say("ready")
    known = {firm.tenant: firm for firm in kept.booked}
    left = PATIENCE
    while (waiting := _waiting(clerk, recipient)) or not stop.is_set():
        for tenant in sorted(_tenants(waiting) & known.keys()):
            firm = known.pop(tenant)
            count = link(clerk, recipient, clerk.asked.vendor, firm)
            say(f"保留 {count} 件を {firm.name} に紐づけ / {count} held records linked to their firm and released")
        left -= stop.is_set()
        if left == 0:
            raise Surprise(f"still waiting: {waiting[:3]}")
        stop.wait(LOOK_EVERY_S)


def register(clerk: Program, recipient: str, firms: Iterable[Firm], institution: str) -> int:
    """Bring a bank's guarantees to the gateway; how many records had waited for one of them."""
    entries = [
        {
            "guarantee_no": loan["guarantee_no"],
            "institution": institution,
            "firm": firm.reference,
            "name": firm.name,
            "principal_yen": loan["principal_yen"],
            "is_revolving": loan["is_revolving"],
        }
        for firm in firms
        for loan in firm.loans
    ]
    released = 0
    for start in range(0, len(entries), AT_ONCE):
        answer = clerk.client.post(f"/v1/recipients/{recipient}/guarantees", entries[start : start + AT_ONCE])
        released += answer.json()["released"]
    return released


def link(clerk: Program, recipient: str, vendor: str, firm: Firm) -> int:
    """Say that a vendor's tenant is a firm of the register; how many records had waited for that."""
    tenant = {"scheme": "tenant", "scope": vendor, "value": firm.tenant}
    answer = clerk.client.post(
        f"/v1/recipients/{recipient}/links", {"reference": tenant, "same_as": firm.reference}
    ).json()
    released: int = answer["released"]
    return released


def _waiting(clerk: Program, recipient: str) -> list[dict[str, Any]]:
    return [dict(one) for one in clerk.client.held() if one["recipient"] == recipient]


def _tenants(waiting: list[dict[str, Any]]) -> set[str]:
    named = (one["waits_for"] for one in waiting)
    return {reference["value"] for reference in named if reference and reference["scheme"] == "tenant"}


def main() -> None:
    """Run as a program."""
    parser = arguments("A corporation's clerk: registers guarantees and works off what waits.")
    world(parser)
    parser.add_argument("--vendor", default="vendor", help="whose tenants it knows")
    parser.add_argument("--linked", type=int, default=5, help="how many of the vendor's firms it links beforehand")
    run(parser, work)


if __name__ == "__main__":
    main()
