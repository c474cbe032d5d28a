"""Databases of earlier versions are brought along, and end as the models say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlmodel import SQLModel

from gateway.store import registers
from gateway.store.engine import Database
from gateway.store.migrate import configuration, migrate, newest

FIRST = "0001"


@pytest.fixture
def empty(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    sqlite = f"sqlite:///{tmp_path}/hayame.db"
    opened = Database(sqlite if engine == "sqlite" else request.getfixturevalue("postgresql")("template0"))
    yield opened
    opened.close()


def bring_to(database: Database, revision: str) -> None:
    config = configuration()
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, revision)


def test_migrations_end_where_the_models_are(empty: Database) -> None:
    migrate(empty)
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_migrations_follow_each_other_without_a_fork() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert scripts.get_heads() == [newest()]
    assert [script.revision for script in scripts.walk_revisions()][-1] == FIRST


def test_what_firms_became_is_kept_when_each_may_say_so_for_itself(empty: Database) -> None:
    bring_to(empty, "0015")
    with empty.write() as session:
        for party in ("a", "b"):
            session.execute(text("INSERT INTO party VALUES (:party, '商店', 'unknown')"), {"party": party})
        session.execute(text("INSERT INTO party_succession VALUES ('a', 'b', '2026-04-01', 'cgc-13', 1)"))
    migrate(empty)
    since = date(2026, 4, 1)
    with empty.write() as session:
        assert registers.find_lineage(session, "b", ["cgc-13"]) == [("a", "b", since)]
        registers.succeed_party(session, "b", "a", since, ("cgc-14100", datetime(2026, 5, 1, tzinfo=UTC)))
        registers.succeed_party(session, "a", "b", since, ("cgc-14100", datetime(2026, 5, 2, tzinfo=UTC)))
    with empty.read() as session:
        assert registers.find_lineage(session, "b", ["cgc-13"]) == [("a", "b", since)]
        assert registers.find_lineage(session, "b", ["cgc-14100"]) == [("a", "b", since), ("b", "a", since)]
