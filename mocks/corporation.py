"""A clerk of a credit guarantee corporation: brings its register to the gateway, and writes letters with pairing codes.

    python -m mocks.corporation cgc-13 --recipient 13 --bank 9991 …

Registers the guarantees of a bank, then makes a code for each firm whose books a vendor keeps: which firm it is only
the clerk knows, which tenant it is only the vendor; the firm carries the code from one to the other. The letters lie in
the folder ``letters``. Says ``ready``, and ends when standard input closes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.client import pairings
from gateway.schemas.identifiers import Reference
from gateway.schemas.pairing import Terms
from mocks.people import Firm
from mocks.program import Program, arguments, run, say, told_to_stop, world

AT_ONCE = 1_000  # guarantees in one request
LETTERS = "letters"
TEXT = """\
私は、会計ソフトの月次試算表及び決算書を、経営状況の把握と早期の支援のため、下記の信用保証協会に提供することに同意します。
同意はいつでも撤回できます。
"""


def work(clerk: Program) -> None:
    """Register, write the letters, and say so."""
    stop = told_to_stop()
    recipient, kept = clerk.asked.recipient, clerk.portfolio()
    released = register(clerk, recipient, kept.firms, clerk.asked.bank)
    say(f"保証 {len(kept.rows):,} 件を登録 / guarantees registered; {released} released")
    for firm in kept.booked[: clerk.asked.letters]:
        write_letter(clerk, recipient, firm)
    if clerk.asked.letters:
        say(f"ペアリングコードを {clerk.asked.letters} 先に郵送 / pairing codes sent to firms by letter")
    say("ready")
    stop.wait()


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


def write_letter(clerk: Program, recipient: str, firm: Firm) -> None:
    """Make a pairing code for a firm of the register, and send it by post."""
    terms = Terms.model_validate(
        {
            "text_version": "2026-04",
            "text": TEXT,
            "data_classes": ("tb", "fs"),
            "purposes": ("mid_term_management", "support"),
            "recipients": (recipient,),
        }
    )
    offered = pairings.offer(clerk.client, Reference.model_validate(firm.reference), firm.name, terms)
    letter = letter_to(clerk, firm)
    letter.parent.mkdir(exist_ok=True)
    letter.write_text(offered["code"], "ascii")


def letter_to(program: Program, firm: Firm) -> Path:
    """Where a firm's letter lies."""
    out: Path = program.asked.out
    return out / LETTERS / f"{firm.serial}.txt"


def main() -> None:
    """Run as a program."""
    parser = arguments("A corporation's clerk: registers guarantees and writes letters with pairing codes.")
    world(parser)
    parser.add_argument("--letters", type=int, default=6, help="to how many of the firms whose books the vendor keeps")
    run(parser, work)


if __name__ == "__main__":
    main()
