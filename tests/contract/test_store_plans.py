"""No statement of a submission's way reads a whole table: what is small today has 1.5 million rows in a year."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Inside, loan_rows
from sqlalchemy import event, text
from world import BANK, trial_balance

from gateway.store.engine import ROWS_PER_TRANSACTION

VALUES = re.compile(r"'[^']*'|\b\d+\b")
REGISTERS = {"participant", "participant_key", "participant_certificate", "entitlement", "delegation", "succession"}
SMALL = {"job", "register_version"} | REGISTERS
"""Tables that never hold more than what is open now, or than there are participants."""


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    gateway = Inside(tmp_path)
    gateway.register(range(3))
    yield gateway
    gateway.close()


def test_everything_is_looked_up_by_index(inside: Inside) -> None:
    said: dict[str, str] = {}

    def heard(statement: str) -> None:
        if statement.startswith(("SELECT", "UPDATE")):
            said[VALUES.sub("?", statement)] = statement

    event.listen(inside.gateway.database.engine, "checkout", lambda driver, *_: driver.set_trace_callback(heard))
    worker = inside.worker()
    for balance in (100_000, 200_000):
        inside.at_once(loan_rows({(loan, "2026-03-31"): balance for loan in range(4)}), BANK)
        inside.at_once(trial_balance(1, 4, closing=balance), BANK)
        inside.in_background(loan_rows({(loan, "2026-04-30"): balance for loan in range(4)}), BANK)
        while worker.work_once():
            pass
    inside.lines()
    scans = {}
    with inside.gateway.database.read() as session:
        for statement in said.values():
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            steps = [row[-1] for row in plan]
            if any(step.startswith("SCAN ") and step.split()[1] not in SMALL for step in steps):
                scans[statement] = steps
    assert len(said) > 25
    assert scans == {}


def test_the_plans_do_tell_a_look_up_from_a_scan(inside: Inside) -> None:
    with inside.gateway.database.read() as session:
        plan = session.execute(
            text("EXPLAIN QUERY PLAN SELECT * FROM link WHERE (scheme, scope) IN (VALUES ('a', 'b'), ('c', 'd'))")
        )
        assert next(iter(plan))[-1].startswith("SCAN link")


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_postgresql_knows_how_much_a_large_load_added_as_soon_as_it_is_published(
    database_url: str, tmp_path: Path
) -> None:
    grown = Inside(tmp_path, database_url)
    loans = range(ROWS_PER_TRANSACTION + 1)
    grown.register(loans)
    grown.in_background(loan_rows({(loan, "2026-03-31"): 100_000 for loan in loans}))
    assert grown.worker().work_once()
    with grown.gateway.database.read() as session:
        [known] = session.execute(text("SELECT reltuples FROM pg_class WHERE relname = 'line_index'")).all()
    grown.close()
    assert known[0] == len(loans)
