"""A clerk of a credit guarantee corporation: brings its register to the gateway, and works off what waits.

    python -m mocks.corporation cgc-13 --recipient 13 --bank 9991 …

Registers the guarantees of a bank, says ``ready``, then watches the work list (``GET /v1/held``): a vendor's tenant
that the clerk knows from the firm's own papers is linked, and what waited for it is published without resubmission.
Ends when standard input closes and nothing waits any more that the clerk could place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

from mocks.people import Firm
from mocks.program import Program, Surprise, arguments, run, say, told_to_stop, world

AT_ONCE = 1_000  # guarantees in one request
LOOK_EVERY_S = 0.25
PATIENCE_S = 60.0  # for the work list to become empty once nothing more comes


def work(clerk: Program) -> None:
    """Register, say so, and work off the list until told to stop."""
    stop = told_to_stop()
    recipient, kept = clerk.asked.recipient, clerk.portfolio()
    released = register(clerk, recipient, kept.firms, clerk.asked.bank)
    for firm in kept.booked[: clerk.asked.linked]:
        link(clerk, recipient, clerk.asked.vendor, firm)
    say(f"保証 {len(kept.rows):,} 件を登録 / guarantees registered; {released} released")
    say("ready")
    work_off(clerk, stop, {firm.tenant: firm for firm in kept.booked})


def work_off(clerk: Program, stop: threading.Event, known: Mapping[str, Firm]) -> None:
    """Link the tenants one knows as they turn up in the work list, until told to stop and none of them is left.

    Raises:
        Surprise: something still waits for a tenant that was linked long ago.
    """
    linked: set[str] = set()
    stopped_at: float | None = None
    while (tenants := _tenants(clerk) & known.keys()) or stopped_at is None:
        now = time.monotonic()
        for tenant in sorted(tenants):
            if tenant not in linked:
                count = link(clerk, clerk.asked.recipient, clerk.asked.vendor, known[tenant])
                linked.add(tenant)
                told = f"保留 {count} 件を {known[tenant].name} に紐づけ"
                say(f"{told} / held records linked to their firm, published without resubmission")
        if stopped_at is not None and now - stopped_at > PATIENCE_S:
            raise Surprise(f"linked, yet still held: {tenants}")
        stopped_at = stopped_at or (now if stop.is_set() else None)
        time.sleep(LOOK_EVERY_S)


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


def _tenants(clerk: Program) -> set[str]:
    """The tenants for which something waits in this corporation's work list."""
    waiting = (one["waits_for"] for one in clerk.client.held() if one["recipient"] == clerk.asked.recipient)
    return {reference["value"] for reference in waiting if reference and reference["scheme"] == "tenant"}


def main() -> None:
    """Run as a program."""
    parser = arguments("A corporation's clerk: registers guarantees and works off what waits.")
    world(parser)
    parser.add_argument("--vendor", default="vendor", help="whose tenants it knows")
    parser.add_argument("--linked", type=int, default=5, help="how many of the vendor's firms it links beforehand")
    run(parser, work)


if __name__ == "__main__":
    main()
