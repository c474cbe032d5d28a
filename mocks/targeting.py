"""A corporation's targeting tool: follows the feed, proves every line, and lists the firms to look at, with reasons.

    python -m mocks.targeting tool --recipients 13 14100 …

Each corporation's feed is read on a thread and a connection of its own. Lines are taken only as ``Following`` hands
them out, proven against a signed checkpoint. When standard input closes it reads what is left, writes down whom to look
at and why, keeps evidence of what it relies on, and verifies that evidence the way an auditor would: offline, with the
published key alone.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from gateway.client import Client, FollowedLine, Following
from gateway.errors import GatewayError
from gateway.security.merkle import leaf_hash, root
from gateway.security.signing import open_receipt
from gateway.security.verify import verify_evidence
from mocks.program import Program, Surprise, arguments, expect, run, say, told_to_stop
from mocks.signals import File, Reason

WAIT_S = 0.5
LOG_NAME = "hayame.local"
EVIDENCE_KEPT = 5  # for as many targets, and for the last line of each kind


@dataclass
class Reading:
    """One corporation's feed as it is read."""

    following: Following
    kept: dict[int, FollowedLine] = field(default_factory=dict)
    problem: Exception | None = None

    def follow(self, stop: threading.Event) -> None:
        """Read until told to stop, and then until nothing is left."""
        try:
            while not stop.is_set():
                self.take(self.following.fetch(WAIT_S))
            while self.take(self.following.fetch()):
                pass
        except (GatewayError, KeyError) as problem:
            self.problem = problem

    def take(self, lines: list[FollowedLine]) -> bool:
        """Keep the lines, and drop what they take back; whether there were any."""
        for followed in lines:
            for position in (at for positions in followed.withdraws for at in positions):
                self.kept.pop(position, None)
            if followed.is_record:
                self.kept[followed.position] = followed
        if lines:
            so_far = f"{len(lines):,} 行を検証、累計 {len(self.kept):,}"
            say(f"{self.following.recipient}: {so_far} / lines read and proven")
        return bool(lines)

    @property
    def lines(self) -> Counter[str]:
        """How many lines are kept of each kind."""
        return Counter(_kind(followed) for followed in self.kept.values())

    @property
    def latest(self) -> dict[str, FollowedLine]:
        """The last line of each kind."""
        return {_kind(followed): followed for followed in self.kept.values()}

    def targets(self) -> list[tuple[File, list[Reason]]]:
        """The firms to look at, those with most reasons first."""
        files: dict[str, File] = {}
        for followed in self.kept.values():
            subject = (followed.line or {})["subject"]
            files.setdefault(subject, File(subject)).add(followed)
        found = [(file, list(file.reasons())) for file in files.values()]
        listed = [(file, reasons) for file, reasons in found if reasons]
        return sorted(listed, key=lambda one: (-len({reason.signal for reason in one[1]}), one[0].name))


def work(tool: Program) -> None:
    """Follow every feed; report at the end."""
    stop = told_to_stop()
    readings = [Reading(Following(tool.connect(), one, tool.gateway_keys, LOG_NAME)) for one in tool.asked.recipients]
    threads = [threading.Thread(target=reading.follow, args=(stop,)) for reading in readings]
    for thread in threads:
        thread.start()
    say("ready")
    for thread in threads:
        thread.join()
    for reading in readings:
        if reading.problem is not None:
            raise Surprise(f"feed of {reading.following.recipient}: {reading.problem!r}")
    report(tool, readings)


def report(tool: Program, readings: list[Reading]) -> None:
    """Write down what was read, whom to look at, and proof of it."""
    found = []
    for reading in readings:
        leaves = proven_leaves(tool, reading.following)
        targets = reading.targets()
        shown = [reasons[0].line for _, reasons in targets[:EVIDENCE_KEPT]] + list(reading.latest.values())
        evidence = [keep_evidence(tool, reading, line) for line in {line.position: line for line in shown}.values()]
        found.append(
            {
                "recipient": reading.following.recipient,
                "lines": dict(reading.lines),
                "receipts": leaves,
                "evidence": evidence,
                "targets": [_told(file, reasons) for file, reasons in targets],
            }
        )
        told = f"証拠 {len(evidence)} 件をオフラインで検証 / evidence verified offline, altered copies refused"
        say(f"{reading.following.recipient}: {told}")
    (tool.asked.out / "targeting.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def proven_leaves(tool: Program, following: Following) -> list[str]:
    """All receipts of the log, shown to be exactly the leaves of the head that was proven."""
    client: Client = tool.client
    address = f"/v1/recipients/{following.recipient}/log/receipts"
    receipts = client.get(address, {"limit": 10_000}).text.split()
    leaves = [leaf_hash(open_receipt(receipt, tool.gateway_keys)) for receipt in receipts]
    expect(root(leaves).hex(), following.head.root.hex(), "the receipts' root against the proven head")
    return receipts


def keep_evidence(tool: Program, reading: Reading, line: FollowedLine) -> str:
    """Fetch the evidence of one line, verify it offline, and see that a copy with one bit changed does not hold."""
    recipient = reading.following.recipient
    bundle = tool.client.evidence(str(line.submission), recipient=recipient, line=line.index)
    examined = verify_evidence(bundle, tool.gateway_keys)
    failed = [
        f"{check.name} {check.verdict}: {check.detail_en}" for check in examined.checks if check.verdict == "failed"
    ]
    expect((examined.holds, failed), (True, []), f"evidence of line {line.position}")
    middle = len(bundle) // 2
    altered = bundle[:middle] + bytes([bundle[middle] ^ 1]) + bundle[middle + 1 :]
    expect(verify_evidence(altered, tool.gateway_keys).holds, False, "an altered copy")
    path: Path = tool.asked.out / f"evidence-{recipient}-{line.position}.json"
    path.write_bytes(bundle)
    return path.name


def _kind(followed: FollowedLine) -> str:
    return str((followed.line or {})["kind"])


def _told(file: File, reasons: list[Reason]) -> dict[str, Any]:
    told = [{"signal": one.signal, "ja": one.ja, "en": one.en, "position": one.line.position} for one in reasons]
    return {"subject": file.subject, "name": file.name, "reasons": told}


def main() -> None:
    """Run as a program."""
    parser = arguments("A targeting tool: follows feeds, proves every line, lists firms to look at.")
    parser.add_argument("--recipients", nargs="+", default=["13"], help="the corporations whose feeds it reads")
    run(parser, work)


if __name__ == "__main__":
    main()
