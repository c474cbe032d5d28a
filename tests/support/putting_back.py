"""What a restore from a backup, or a dishonest operator, does: a log's tables are as they were at some moment."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from gateway.store.engine import Database

OF_THE_LOG = (
    "head",
    "statement",
    "log_node",
    "checkpoint",
    "cosignature",
    "line_index",
    "line_block",
    "submission",
    "publication",
)


@dataclass
class Put:
    """What the tables of the log held at some moment, to be put back."""

    rows: dict[str, list[dict[str, object]]]


def saved(database: Database) -> Put:
    """The tables of the log as they are now."""
    with database.read() as session:
        return Put({t: [dict(r._mapping) for r in session.execute(text(f"SELECT * FROM {t}"))] for t in OF_THE_LOG})


def put_back(database: Database, put: Put, leaving: tuple[str, ...] = ()) -> None:
    """The database is as it was then, but for the tables that are left alone; no file is touched."""
    with database.write() as session:
        for table, rows in put.rows.items():
            if table in leaving:
                continue
            session.execute(text(f"DELETE FROM {table}"))
            for row in rows:
                values = ", ".join(f":{name}" for name in row)
                session.execute(text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"), row)
