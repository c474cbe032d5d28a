"""A bank's batch job: one month's repayment tape, the branches' reports, and a repayment that is taken back.

    python -m mocks.bank bank-9991 --recipient 13 --bank 9991 --reports 10 …

The tape has faulty rows. What comes back is looked up row by row in what was sent, written anew from the bank's own
loan system, and sent alone with ``fixes=``. A repayment debited by mistake (the loan had been rescheduled) is
cancelled as of the day it was debited.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from gateway.client import Outcome
from mocks.ledgers import books
from mocks.people import Firm, Portfolio, month_start
from mocks.program import Program, Surprise, arguments, expect, run, say, world
from mocks.reports import workbook
from mocks.tapes import FAULTS, FaultyTape, Row, Sending, faulty_tape, first_line, write_tape

LONGEST_REPORTING = 60  # days after the half year in which reports are due
FOR_A_BANK = frozenset(fault.code for fault in FAULTS if fault.refuses)


def work(bank: Program) -> None:
    """Tape, fixes, reports, cancellation."""
    kept, layout = bank.portfolio(), bank.asked.layout
    tape = faulty_tape(bank.asked.seed, kept.rows, bank.asked.faulty, FOR_A_BANK, Sending(layout, 1))
    send_tape(bank, kept, tape)
    for firm in kept.followed[: bank.asked.reports]:
        send_report(bank, kept, firm)
    if bank.asked.reports:
        say(f"業況報告書 {bank.asked.reports} 件を提出 / monitoring workbooks sent, all accepted")
    cancel_repayment(bank, kept)


def send_tape(bank: Program, kept: Portfolio, tape: FaultyTape) -> None:
    """Send the tape, get the bad rows back, fix them, resend only those."""
    rows, bad = len(tape.rows), len(tape.expected)
    outcome = _submit(bank, kept, tape.faulty, "tape")
    counts = f"受理 {outcome.counts['accepted']:,}・差戻し {outcome.counts['refused']}"
    say(f"償還データ {rows:,} 行を提出 → {counts} / repayment tape, faulty rows returned")
    _expect(outcome, {"accepted": rows - bad, "refused": bad}, "tape")
    findings = bank.client.findings(outcome.submission)
    found = {(one["place"]["line"], one["code"]) for one in findings if one["severity"] == "refuse"}
    expect(sorted(found), sorted(tape.expected), "faults, by line and code")
    for finding in findings[:3]:
        say(f"  {finding['place_ja']} {finding['code']}: {finding['message_ja']}")
    ended = [finding for finding in findings if finding["code"] == "V04B"]
    for finding in ended[:1]:
        say(f"  ほか V04B {len(ended)} 件（受理） / taken, with a branch code that ended: {finding['message_ja']}")
    returned = bank.client.returned(outcome.submission)
    fixed = fixes_of(returned, tape, bank.asked.layout)
    expect(len(fixed), bad, "returned rows")
    again = write_tape(bank.asked.layout, fixed, sequence=2)
    repaired = _submit(bank, kept, again, "fixes", fixes=outcome.submission)
    _expect(repaired, {"accepted": bad}, "fixes")
    say(f"差戻し {bad} 行を直し、その行だけを再提出 → 全件受理 / only the fixes resent, all accepted")


def fixes_of(returned: bytes, tape: FaultyTape, layout: str) -> list[Row]:
    """The true rows for those that came back, each recognised by its own bytes.

    Raises:
        Surprise: a row came back that was not sent.
    """
    sent = {line: number for number, line in enumerate(tape.faulty.split(b"\r\n"))}
    first = first_line(layout) - 1
    fixed = []
    for line in returned.split(b"\r\n"):
        if line.startswith(b"2"):
            if line not in sent:
                raise Surprise(f"a row came back that was never sent: {line[:60]!r}")
            fixed.append(tape.rows[sent[line] - first])
    return fixed


def send_report(bank: Program, kept: Portfolio, firm: Firm) -> None:
    """One branch's report about one firm, as the workbook it filled in."""
    today = date.today()  # noqa: DTZ011 - the day a branch signs
    reported_on = min(today, date.fromordinal(kept.as_of.toordinal() + LONGEST_REPORTING))
    form = workbook(books(firm, kept.as_of), (kept.recipient, kept.bank), kept.as_of, reported_on)
    outcome = _submit(bank, kept, form, f"report-{firm.serial}", filename=f"業況報告書_{firm.name}.xlsx")
    _expect(outcome, {"accepted": 1}, f"report on {firm.name}")
    expect([one["code"] for one in outcome.findings], [], f"findings in the report on {firm.name}")


def cancel_repayment(bank: Program, kept: Portfolio) -> None:
    """Take back a repayment as of the day it was debited, and say why."""
    firm = kept.cancelled
    row = firm.loans[0]
    taken_back = row | {
        "balance_yen": row["balance_yen"] + row["principal_paid_yen"],
        "principal_paid_yen": 0,
        "value_date": row["last_paid_on"],
        "last_paid_on": month_start(kept.as_of, 1).replace(day=27).isoformat(),
        "status": "rescheduled",
        "correction": "replace",
        "correction_reason": "auto_debit_not_stopped",
    }
    outcome = _submit(bank, kept, write_tape(bank.asked.layout, [taken_back], sequence=3), "cancellation")
    _expect(outcome, {"accepted": 1}, "cancellation")
    say(f"{row['guarantee_no']} の入金を {row['last_paid_on']} に遡って取消 / a repayment cancelled, back-dated")


def _submit(bank: Program, kept: Portfolio, document: bytes, act: str, **more: Any) -> Outcome:
    """Hand over under a key of its own, so that a crash and a second run send nothing twice."""
    named = {"filename": f"{act}-{kept.as_of}.csv"} | more
    return bank.submit(document, recipient=kept.recipient, key=f"{bank.asked.id}/{kept.as_of}/{act}", **named)


def _expect(outcome: Outcome, counts: dict[str, int], what: str) -> None:
    nothing = {"accepted": 0, "unchanged": 0, "held": 0, "refused": 0}
    told = "; ".join(f"{one['code']} {one['message_en']}" for one in outcome.findings[:3])
    expect(outcome.counts, nothing | counts, f"{what} ({told})")


def main() -> None:
    """Run as a program."""
    parser = arguments("A bank: repayment tape with faults, fixes, monitoring reports, a cancelled repayment.")
    world(parser)
    parser.add_argument("--layout", default="guarantee_csv", help="layout of its tapes")
    parser.add_argument("--faulty", type=float, default=0.01, help="share of rows that are wrong")
    parser.add_argument("--reports", type=int, default=0, help="how many monitoring workbooks it sends")
    run(parser, work)


if __name__ == "__main__":
    main()
