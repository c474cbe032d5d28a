"""An empty database of each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.store.engine import Database
from gateway.store.migrate import migrate


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database, brought up to date."""
    opened = Database(database_url)
    migrate(opened)
    yield opened
    opened.close()
