"""Look for something in everything a gateway keeps: every row of every table, opened, and every byte of every file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard
from sqlalchemy import MetaData, select
from world import World

from gateway.ports import Spot

CLOSED = {("line_block", "payload"), ("finding_block", "payload"), ("raw", "body")}
ZSTANDARD = b"\x28\xb5\x2f\xfd"


def places_of(world: World, wanted: bytes) -> list[str]:
    """In which tables and files some bytes are found, also inside what is closed, compressed or signed."""
    in_rows = {name for name, value in _values(world) if wanted in value}
    in_files = {str(path.relative_to(world.folder)) for path in _files(world.folder) if wanted in path.read_bytes()}
    return sorted(in_rows | in_files)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _values(world: World) -> Iterator[tuple[str, bytes]]:
    tables = MetaData()
    with world.gateway.database.read() as session:
        tables.reflect(session.connection())
        for table in tables.sorted_tables:
            for row in session.execute(select(table)):
                for column, value in row._mapping.items():
                    opened = _opened(world, table.name, column, row._mapping)
                    yield from ((f"{table.name}.{column}", form) for form in (*_forms(value), *_forms(opened)))


def _opened(world: World, table: str, column: str, row: Mapping[str, Any]) -> Any:
    """What is in a column, opened if it was closed."""
    if (table, column) not in CLOSED or row[column] is None:
        return row[column]
    number = next((row[name] for name in ("first_index", "chunk") if name in row), 0)
    spot = Spot(table, column, row["submission"], row.get("recipient", ""), number)
    return world.gateway.blocks.cipher.open(spot, row[column])


def _forms(value: Any) -> Iterator[bytes]:
    raw = value if isinstance(value, bytes) else str(value).encode()
    yield raw
    if raw.startswith(ZSTANDARD):
        yield zstandard.ZstdDecompressor().decompress(raw)
    for part in raw.split(b".") if raw.count(b".") == 2 else ():
        try:
            yield base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
        except binascii.Error:
            continue


def values_of(world: World, submission: str | None = None) -> Iterator[tuple[str, Any]]:
    """Column and value of every row as it lies in the tables; or of those rows that name a submission."""
    tables = MetaData()
    with world.gateway.database.read() as session:
        tables.reflect(session.connection())
        for table in tables.sorted_tables:
            for row in session.execute(select(table)):
                if submission is None or row._mapping.get("submission") == submission:
                    yield from row._mapping.items()
