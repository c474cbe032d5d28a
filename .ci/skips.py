"""Fail when a test was skipped for a reason nobody allowed. Arguments: JUnit reports."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

SAMPLES = Path(__file__).resolve().parents[1] / ".." / "shared" / "samples"

PROGRAMS = ("node", "java")

ALLOWED = (set() if SAMPLES.is_dir() else {"sample"}) | {
    f"{program} is not installed" for program in PROGRAMS if shutil.which(program) is None
}
"""What an allowed reason speaks of: samples by others lie beside the project, where there are any; and programs that
only senders need are on some machines only."""


def forbidden_skips(reports: list[Path]) -> tuple[int, list[str]]:
    """How many tests the reports name, and each skip that is not allowed, as ``test: reason``."""
    cases = [case for report in reports for case in ElementTree.parse(report).iter("testcase")]  # noqa: S314 the runner wrote it
    skipped = [(case, mark.get("message", "")) for case in cases for mark in case.iter("skipped")]
    return len(cases), [
        f"{case.get('classname')}.{case.get('name')}: {reason}"
        for case, reason in skipped
        if not any(allowed in reason for allowed in ALLOWED)
    ]


def main(arguments: list[str]) -> int:
    """Print what was skipped without leave; the exit status says whether there was any, or no test at all."""
    tests, skips = forbidden_skips([Path(argument) for argument in arguments])
    for skip in skips:
        print(f"skipped without leave: {skip}", file=sys.stderr)
    if not tests:
        print("no test ran", file=sys.stderr)
    return 1 if skips or not tests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
