"""Bring a database to the shape this version needs (Alembic); safe to call by every process at every start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from gateway.store.driver import table_of
from gateway.store.engine import Database
from gateway.store.tables import SeenAssertion
from gateway.store.walls import put_up

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x48415941  # any number that nobody else locks


def configuration() -> Config:
    """Alembic's configuration: the scripts beside this file, no ini file."""
    from alembic.config import Config  # slow to import, and needed only where there is something to do

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def newest() -> str:
    """The revision that this version needs: each script's name begins with its own."""
    return max(script.name for script in MIGRATIONS.glob("versions/[0-9]*.py")).split("_")[0]


def migrate(database: Database) -> None:
    """Upgrade to the newest revision, one process at a time."""
    database.brief.keep(table_of(SeenAssertion))
    if _revision(database) == newest():
        return
    from alembic import command

    config = configuration()
    with database.write() as session:
        database.lock(session, LOCK)
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
        if not database.is_sqlite:
            put_up(session)


def _revision(database: Database) -> str | None:
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
