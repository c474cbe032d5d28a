"""Whatever is handed over, at once or in the background, the feed is what a naive clerk would write.

The clerk keeps one list. For each record he looks from the end for what was said last about the same loan and date:
if it is the same, he counts it as unchanged; else he adds a line that names the one it supersedes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inside import Inside, loan_rows
from world import BANK, VENDOR

LOANS, EXAMPLES = 3, 60
DATES = ("2026-03-31", "2026-04-30")

Rows = dict[tuple[int, str], int]
"""Balances by loan and date."""

RECORDS = st.dictionaries(
    st.tuples(st.integers(0, LOANS - 1), st.sampled_from(DATES)),
    st.sampled_from([100_000, 200_000]),
    min_size=1,
    max_size=LOANS * len(DATES),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("at once"), st.sampled_from([BANK, VENDOR]), RECORDS),
        st.tuples(st.just("in background"), st.sampled_from([BANK, VENDOR]), RECORDS),
        st.just(("work", "", {})),
    ),
    min_size=1,
    max_size=7,
)
BOOKS = count()  # every example writes about loans of its own


@dataclass
class Clerk:
    """The naive oracle."""

    start: int
    said: list[tuple[tuple[int, str], int, int | None]] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    waiting: deque[tuple[str, Rows]] = field(default_factory=deque)

    def at_once(self, sender: str, rows: Rows) -> None:
        """Written down now, or put behind what waits from the same sender."""
        if any(sender == other for other, _ in self.waiting):
            self.waiting.append((sender, rows))
        else:
            self._write(rows)

    def in_background(self, sender: str, rows: Rows) -> None:
        """Put on the pile."""
        self.waiting.append((sender, rows))

    def work(self) -> bool:
        """Take the oldest from the pile."""
        if self.waiting:
            self._write(self.waiting.popleft()[1])
            return True
        return False

    def _write(self, rows: Rows) -> None:
        unchanged = 0
        for key, balance in rows.items():
            before = next((at for at in reversed(range(len(self.said))) if self.said[at][0] == key), None)
            if before is not None and self.said[before][1] == balance:
                unchanged += 1
            else:
                self.said.append((key, balance, None if before is None else self.start + before))
        self.unchanged.append(unchanged)


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    gateway = Inside(tmp_path_factory.mktemp("settle"))
    gateway.register(range(EXAMPLES * 20 * LOANS))
    yield gateway
    gateway.close()


def as_written(line: dict[str, Any], first_loan: int) -> tuple[tuple[int, str], int, int | None]:
    """What a line says, as the clerk writes it."""
    record, supersedes = line["record"], line["supersedes"]
    key = (int(record["guarantee_no"][3:]) - first_loan, record["as_of"])
    return key, record["balance_yen"], supersedes and supersedes["position"]


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS)
def test_the_feed_is_what_a_naive_clerk_would_write(inside: Inside, steps: list[tuple[str, str, Rows]]) -> None:
    first_loan, worker = next(BOOKS) * LOANS, inside.worker()
    leaf, position = inside.head()
    clerk = Clerk(position)
    for act, sender, rows in steps:
        document = loan_rows({(first_loan + loan, day): balance for (loan, day), balance in rows.items()})
        if act == "at once":
            inside.at_once(document, sender)
            clerk.at_once(sender, rows)
        elif act == "in background":
            inside.in_background(document, sender)
            clerk.in_background(sender, rows)
        else:
            assert worker.work_once() == clerk.work()
    while clerk.work():
        assert worker.work_once()
    lines = inside.lines(after=position)
    sealed = inside.statements(leaf)
    assert not worker.work_once()
    assert [at for at, _ in lines] == list(range(position, position + len(clerk.said)))
    assert [as_written(line, first_loan) for _, line in lines] == clerk.said
    assert [statement.counts.unchanged for statement in sealed] == clerk.unchanged
    assert [statement.first_position for statement in sealed] == [
        position + sum(statement.counts.accepted for statement in sealed[:number]) for number in range(len(sealed))
    ]
