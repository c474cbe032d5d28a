"""Bring a database to the shape this version needs (Alembic); safe to call by every process at every start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.store.driver import table_of
from gateway.store.engine import Database
from gateway.store.tables import SeenAssertion

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x48415941  # any number that nobody else locks


def configuration() -> Config:
    """Alembic's configuration: the scripts beside this file, no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def migrate(database: Database) -> None:
    """Upgrade to the newest revision, one process at a time."""
    database.brief.keep(table_of(SeenAssertion))
    config = configuration()
    newest = ScriptDirectory.from_config(config).get_current_head()
    with database.engine.connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with database.write() as session:
        database.lock(session, LOCK)
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
