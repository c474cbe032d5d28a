"""Runs the migrations on the connection that ``migrate`` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from gateway.store import register_tables, tables  # noqa: F401 - declare every table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
