"""The list of banks and branches that the demo's operator keeps: every code of the synthetic world, with its days.

A branch of the second bank was merged a month before its tape, which still names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

MERGED, INTO = "017", "018"
BANKS = (("9991", "架空第一銀行"), ("9992", "架空第二銀行"))
BRANCHES = range(1, 60)


def write_list(folder: Path, as_of: date) -> None:
    """Put the list into a folder, under the name that says for which days it is complete."""
    folder.mkdir()
    name = f"institutions_{as_of.year - 5}-04-01_{as_of + timedelta(days=366)}.csv"
    (folder / name).write_text("".join(f"{line}\n" for line in _lines(as_of)), "utf-8")


def _lines(as_of: date) -> Iterator[str]:
    yield "bank_code,branch_code,name,valid_from,valid_to,successor_code"
    month_before = as_of.replace(day=1) - timedelta(days=1)
    for bank, name in BANKS:
        yield f"{bank},,{name},,,"
        for branch in (f"{number:03d}" for number in BRANCHES):
            ended = f"{month_before},{INTO}" if (bank, branch) == ("9992", MERGED) else ","
            yield f"{bank},{branch},第{branch}支店,,{ended}"
