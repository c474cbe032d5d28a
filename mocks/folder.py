"""Your own files: a bank's clerk hands over whatever lies in a folder, and shows what became of each.

    python -m mocks.folder bank-9991 --input DIR --recipient 13 --bank 9991 …

Most exports name no firm, so a made-up one is named with ``subject=``. Refused, held or accepted: every file has a
receipt; whatever was found in it is shown with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.client import Outcome
from mocks.program import Program, arguments, run, say, world

FINDINGS_SHOWN = 5


def work(clerk: Program) -> None:
    """Hand over every file of the folder, by name."""
    files = files_in(clerk.asked.input)
    firm = next(firm for firm in clerk.portfolio().firms if firm.corporate_number)
    subject = ":".join(firm.reference[part] for part in ("scheme", "scope", "value") if part in firm.reference)
    say(f"{len(files)} 件を {firm.name} の書類として提出 / files, sent as those of a made-up firm ({subject})")
    for path in files:
        outcome = clerk.submit(path.read_bytes(), recipient=clerk.asked.recipient, subject=subject, filename=path.name)
        show(str(path.relative_to(clerk.asked.input)), outcome)


def files_in(folder: Path) -> list[Path]:
    """The files in a folder and below, hidden ones aside, by name."""
    inside = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def show(name: str, outcome: Outcome) -> None:
    """What became of a file: verdict, counts, and the findings with their places."""
    counts = ", ".join(f"{count:,} {what}" for what, count in outcome.counts.items() if count)
    leaves = ", ".join(f"{one['recipient']}/{one['leaf_index']}" for one in outcome.body["statements"])
    say(f"{name}: {outcome.verdict} ({counts}); receipt verified, leaf {leaves}")
    for finding in outcome.findings[:FINDINGS_SHOWN]:
        say(f"  {told(finding)}")
    more = outcome.body["findings_count"] - FINDINGS_SHOWN
    if more > 0:
        say(f"  … 他 {more:,} 件 / and {more:,} more")


def told(finding: Mapping[str, Any]) -> str:
    """A finding in one line: severity, code, place, both languages."""
    place = f"{finding['place_ja']} " if finding["place_ja"] else ""
    return f"[{finding['severity']}] {finding['code']} {place}{finding['message_ja']} / {finding['message_en']}"


def main() -> None:
    """Run as a program."""
    parser = arguments("A bank's clerk with a folder of your own files.")
    world(parser)
    parser.add_argument("--input", type=Path, required=True, help="the folder")
    run(parser, work)


if __name__ == "__main__":
    main()
