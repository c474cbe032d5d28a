"""What happens while a large document is being loaded: corrections by others, crashes, workers thought dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from auditor import let_leases_run_out
from inside import Inside, Meanwhile, loan_rows
from world import VENDOR

from gateway.steps.seal import lines_root

DAY = "2026-04-30"
TAPE = {(loan, DAY): 5_000_000 for loan in range(1, 31)}


@pytest.fixture
def inside(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    gateway = Inside(tmp_path, database_url)
    gateway.register(range(1, 100))
    yield gateway
    gateway.close()


def load_meanwhile(inside: Inside, act: Any) -> Meanwhile:
    """Load the tape; something happens when it is staged and not yet published."""
    inside.in_background(loan_rows(TAPE))
    adapter = Meanwhile(inside.gateway.line.adapters["native_json"], act)
    inside.worker(adapter).work_once()
    return adapter


def versions(inside: Inside, loan: int) -> list[tuple[int, int, Any]]:
    """Position, balance and superseded position of every line about a loan."""
    return [
        (position, line["record"]["balance_yen"], line["supersedes"] and line["supersedes"]["position"])
        for position, line in inside.lines()
        if line["record"]["guarantee_no"] == f"13-{loan:07d}"
    ]


def check_the_log(inside: Inside) -> None:
    """Every statement stands once, where the one before ends, and seals exactly the lines that are stored."""
    position = 0
    statements = inside.statements()
    for leaf, statement in enumerate(statements):
        bodies = inside.bodies(statement.submission)
        assert (statement.leaf_index, statement.first_position) == (leaf, position)
        assert (statement.count, statement.lines_root) == (len(bodies), lines_root(bodies))
        position += statement.count
    assert [at for at, _ in inside.lines()] == list(range(position))
    assert len({statement.submission for statement in statements}) == len(statements)


def test_a_correction_by_another_path_that_arrives_while_the_tape_is_loading_is_superseded_by_the_tape(
    inside: Inside,
) -> None:
    correction = loan_rows({(7, DAY): 4_000_000, (99, DAY): 1}, correction="replace")
    adapter = load_meanwhile(inside, lambda: inside.at_once(correction, VENDOR))
    tape = inside.statements()[1]
    assert versions(inside, 7) == [(0, 4_000_000, None), (8, 5_000_000, 0)]
    assert versions(inside, 8) == [(9, 5_000_000, None)]
    assert (adapter.readings, tape.known_position, tape.counts.accepted) == (2, 2, 30)
    check_the_log(inside)


def test_what_the_correction_already_says_is_unchanged_in_the_tape(inside: Inside) -> None:
    load_meanwhile(inside, lambda: inside.at_once(loan_rows({(7, DAY): 5_000_000}), VENDOR))
    tape = inside.statements()[1]
    assert versions(inside, 7) == [(0, 5_000_000, None)]
    assert (tape.counts.accepted, tape.counts.unchanged, tape.count) == (29, 1, 29)
    check_the_log(inside)


def test_what_concerns_other_loans_does_not_make_the_tape_begin_again(inside: Inside) -> None:
    adapter = load_meanwhile(inside, lambda: inside.at_once(loan_rows({(50, DAY): 1}), VENDOR))
    assert (adapter.readings, [statement.count for statement in inside.statements()]) == (1, [1, 30])
    check_the_log(inside)


def test_a_correction_by_the_same_sender_waits_for_the_tape_and_supersedes_it(inside: Inside) -> None:
    queued = []
    adapter = load_meanwhile(inside, lambda: queued.append(inside.at_once(loan_rows({(7, DAY): 4_000_000}))))
    assert (adapter.readings, queued[0].must_queue, len(inside.statements())) == (1, True, 1)
    inside.worker().work_once()
    assert versions(inside, 7) == [(6, 5_000_000, None), (30, 4_000_000, 6)]
    check_the_log(inside)


def test_a_worker_that_was_thought_dead_writes_nothing_more_once_another_took_over(inside: Inside) -> None:
    def take_over() -> None:
        let_leases_run_out(inside)
        assert inside.worker().work_once()

    load_meanwhile(inside, take_over)
    assert [statement.counts.accepted for statement in inside.statements()] == [30]
    assert not inside.worker().work_once()
    check_the_log(inside)


def test_two_workers_that_stage_one_tape_in_turns_do_not_mix_it_up(inside: Inside) -> None:
    def take_over_and_stop_halfway() -> None:
        let_leases_run_out(inside)
        adapter = Meanwhile(inside.gateway.line.adapters["native_json"], _power_cut)
        with pytest.raises(_PowerCut):
            inside.worker(adapter).work_once()

    load_meanwhile(inside, take_over_and_stop_halfway)
    assert inside.statements() == []
    let_leases_run_out(inside)
    inside.worker().work_once()
    assert [statement.counts.accepted for statement in inside.statements()] == [30]
    check_the_log(inside)


def test_a_tape_that_is_published_already_is_not_loaded_again(inside: Inside) -> None:
    submission = inside.in_background(loan_rows(TAPE)).submission
    worker = inside.worker()
    for _ in range(2):
        worker.loader.load(submission)
    assert worker.work_once()
    assert [statement.submission for statement in inside.statements()] == [submission]
    check_the_log(inside)


class _PowerCut(BaseException):
    """Nothing is caught, nothing is cleaned up."""


def _power_cut() -> None:
    raise _PowerCut
