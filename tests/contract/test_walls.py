"""Row-level security on PostgreSQL, and whoever tries to climb it with our own role and any SQL at all."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from inside import Inside, loan_rows
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel
from world import BANK, OTHER_BANK, VENDOR, trial_balance

import gateway.api
from gateway.schemas.trail import Deed, about
from gateway.settings import Settings
from gateway.store import log, trail
from gateway.store.engine import Database, Tenant
from gateway.store.migrate import migrate
from gateway.store.walls import EVERYTHING, SETTING, WALLS
from gateway.wiring import build

WALLED = sorted(name for name, sees in WALLS.items() if sees is not None)
OF_LOGS = {"head", "log_node", "checkpoint", "publication"}
OF_READERS = {"statement", "line_block", "line_index", "finding_block", "held_record"} | OF_LOGS
OWN_DOCUMENTS = {"submission", "raw", "idempotency_key"}
FILLED = OWN_DOCUMENTS | {"storage_key", "participant", "guarantee"} | OF_READERS - {"publication"}
OF_BANK = {"submission": 2, "raw": 2, "idempotency_key": 2, "statement": 2, "held_record": 1, "finding_block": 1}


@pytest.fixture(scope="module")
def inside(postgresql: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    made = Inside(tmp_path_factory.mktemp("walls"), postgresql())
    made.register(range(3))
    made.at_once(loan_rows({(1, "2026-03-31"): 100_000}), BANK)
    made.at_once(loan_rows({(2, "2026-03-31"): 200_000}), VENDOR)
    made.at_once(trial_balance(1, 4, closing=131), BANK)  # of a firm that nobody knows
    yield made
    made.close()


@contextmanager
def connected(inside: Inside, said: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """Our own role with a client of its own, that says something of itself or nothing."""
    with psycopg.connect(inside.gateway.database.url.render_as_string(hide_password=False)) as connection:
        if said is not None:
            connection.execute("SELECT set_config(%s, %s, true)", [SETTING, said])
        yield connection


def seen(inside: Inside, said: str | None) -> dict[str, int]:
    """How many rows of each table are seen, where any are."""
    with connected(inside, said) as connection:
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in WALLED}
    return {name: count[0] for name, count in counts.items() if count and count[0]}


def test_of_every_table_it_is_decided_who_sees_what(inside: Inside) -> None:
    assert set(WALLS) == set(SQLModel.metadata.tables)
    with connected(inside) as connection:
        stand = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        assert sorted(name for (name,) in connection.execute(stand)) == WALLED
        there = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        assert {name for (name,) in connection.execute(there)} - set(WALLED) == {"seen_assertion", "alembic_version"}


def test_who_does_not_say_for_whom_sees_nothing_not_even_as_owner_of_the_tables(inside: Inside) -> None:
    assert seen(inside, None) == {}
    assert seen(inside, "") == {}
    assert seen(inside, EVERYTHING).keys() >= FILLED


def test_another_tenant_sees_nothing(inside: Inside) -> None:
    assert seen(inside, f"{{s:{OTHER_BANK},r:14100,w:14100}}") == {}


def test_a_sender_sees_what_it_handed_over_and_nothing_of_another_sender_at_the_same_corporation(
    inside: Inside,
) -> None:
    assert seen(inside, f"{{s:{BANK}}}") == OF_BANK | {"line_block": 1}


def test_a_reader_sees_lines_and_log_and_no_document(inside: Inside) -> None:
    assert set(seen(inside, "{r:13,w:13}")) <= OF_READERS
    assert seen(inside, "{r:13,w:13}")["line_block"] == 2


def test_a_witness_sees_of_a_log_what_holds_no_content(inside: Inside) -> None:
    assert set(seen(inside, "{w:13}")) == {"head", "log_node", "checkpoint"}


@pytest.mark.parametrize("name", ["*", "{*}", "x,r:13", 'x","r:13', "x\\", "s:" + BANK, "NULL", BANK.upper()])
def test_no_name_poses_as_somebody_else(inside: Inside, name: str) -> None:
    with inside.gateway.database.read(Tenant(name)) as session:
        connection = session.connection()
        for table in WALLED:
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_a_tenant_writes_nothing_and_changes_nothing(inside: Inside) -> None:
    with connected(inside, f"{{s:{BANK},r:13}}") as connection:
        assert connection.execute("UPDATE submission SET sender = sender").rowcount == 0
        assert connection.execute("DELETE FROM line_block").rowcount == 0
        with pytest.raises(InsufficientPrivilege):
            connection.execute("INSERT INTO raw (submission) VALUES ('x')")


def test_what_was_said_does_not_outlive_its_transaction(inside: Inside) -> None:
    database = inside.gateway.database
    with database.read() as session:
        assert _count(session.connection()) >= 3
    with pytest.raises(ZeroDivisionError), database.read():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), database.write():
        raise ZeroDivisionError
    for _ in range(3):
        with database.engine.connect() as connection:
            assert _count(connection) == 0


def test_what_somebody_set_for_good_on_a_pooled_connection_widens_nothing(inside: Inside) -> None:
    database = Database(inside.gateway.database.url.render_as_string(hide_password=False))
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"SET {SETTING} = '{EVERYTHING}'")
        connection.commit()
    with database.read(Tenant(VENDOR)) as session:
        assert _count(session.connection()) == 1
    with database.read(Tenant("nobody")) as session:
        assert _count(session.connection()) == 0
    database.close()


def _count(connection: Any) -> Any:
    return connection.exec_driver_sql("SELECT count(*) FROM statement").scalar()


def test_a_role_that_no_wall_holds_back_is_noticed_at_the_start(
    inside: Inside, caplog: pytest.LogCaptureFixture
) -> None:
    plain, above = inside.gateway.database.url, inside.gateway.database.url.set(username="postgres")
    for url, warned in ((plain, False), (above, True)):
        caplog.clear()
        address = url.render_as_string(hide_password=False)
        build(Settings(data_dir=inside.gateway.settings.data_dir, database_url=address)).database.close()
        assert ("BYPASSRLS" in caplog.text) == warned


def test_every_address_says_on_whose_behalf_it_looks() -> None:
    """The gateway's own work, whose transactions see everything, is not done while answering, but for sign-in."""
    silent = [
        (path.name, node.lineno)
        for path in sorted(Path(gateway.api.__file__).parent.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("database.read", "database.begin"))
        if not node.args
    ]
    assert [name for name, _ in silent] == ["app.py"]  # /readyz, which asks for no row


def test_a_role_that_only_runs_the_gateway_works_and_cannot_take_the_wall_down(inside: Inside) -> None:
    url = inside.gateway.database.url
    with psycopg.connect(url.set(username="postgres").render_as_string(hide_password=False)) as above:
        above.execute("CREATE ROLE runner LOGIN")
        above.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO runner")
        above.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO runner")
    database = Database(url.set(username="runner").render_as_string(hide_password=False))
    migrate(database)
    with database.write() as session:
        assert log.lock_heads(database, session, ["13"])["13"].next_leaf == 3
        trail.append(database, session, "operator", [Deed(inside.gateway.clock.now(), "somebody", "probe", about())])
    with database.read(Tenant(VENDOR)) as session:
        assert _count(session.connection()) == 1
    for attempt in (
        "ALTER TABLE submission DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON submission",
        "ALTER TABLE submission OWNER TO runner",
        "SET ROLE plain",
        "ALTER ROLE runner BYPASSRLS",
    ):
        with pytest.raises(ProgrammingError), database.engine.connect() as connection:
            connection.exec_driver_sql(attempt)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SET row_security = off")
        with pytest.raises(ProgrammingError, match="row-level security"):
            _count(connection)
    database.close()
