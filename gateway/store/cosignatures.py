"""Cosignatures of witnesses beside the checkpoints; only ever added to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func
from sqlalchemy import select as columns
from sqlmodel import Session

from gateway.store.driver import add_rows, any_of, fetch, table_of
from gateway.store.tables import Cosignature

MOST_LINES = 90
"""So many cosignatures are served with one checkpoint: a note has a hundred signatures at most."""

_C = table_of(Cosignature).c
_OF_A_LOG = _C.recipient == bindparam("recipient")
_LINES = (
    columns(_C.line)
    .where(_OF_A_LOG, _C.tree_size == bindparam("tree_size"))
    .order_by(_C.cosigned_at, _C.witness)
    .limit(MOST_LINES)
)
_ALL = columns(_C.tree_size, _C.witness, _C.cosigned_at)
_ONE = _ALL.where(_OF_A_LOG, _C.tree_size == bindparam("tree_size"), _C.witness == bindparam("witness"))
_NEWEST = _ALL.where(_OF_A_LOG).order_by(_C.tree_size.desc(), _C.witness).limit(bindparam("limit"))
_SIZES = columns(_C.tree_size).where(_OF_A_LOG).group_by(_C.tree_size).having(func.count() >= bindparam("least"))
_NEWEST_SIZE = _SIZES.order_by(_C.tree_size.desc()).limit(1)
_NEWEST_SIZE_BY = _SIZES.where(any_of(_C.witness, "witnesses")).order_by(_C.tree_size.desc()).limit(1)
_FIRST_SIZE = _SIZES.where(_C.tree_size > bindparam("leaf")).order_by(_C.tree_size).limit(1)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Which witness cosigned the checkpoint of which size, and when first, by its own clock."""

    size: int
    witness: str
    cosigned_at: datetime


def add_cosignature(session: Session, recipient: str, cosigned: Cosigned, line: str) -> None:
    """Keep a cosignature; the first one that a witness hands in for a checkpoint stays."""
    row = {
        "recipient": recipient,
        "tree_size": cosigned.size,
        "witness": cosigned.witness,
        "line": line,
        "cosigned_at": cosigned.cosigned_at,
    }
    add_rows(session, Cosignature, [row], unless_there=True)


def find_cosigned(session: Session, recipient: str, size: int, witness: str) -> Cosigned | None:
    """What a witness handed in for the checkpoint of a size."""
    found = next(fetch(session, _ONE, recipient=recipient, tree_size=size, witness=witness), None)
    return None if found is None else Cosigned(*found)


def newest_cosigned(session: Session, recipient: str, limit: int) -> list[Cosigned]:
    """The newest cosignatures of a log, largest checkpoint first."""
    return [Cosigned(*row) for row in fetch(session, _NEWEST, recipient=recipient, limit=limit)]


def cosignature_lines(session: Session, recipient: str, size: int) -> str:
    """The lines to be added to the checkpoint of a size; empty where nobody cosigned it."""
    return "".join(row[0] for row in fetch(session, _LINES, recipient=recipient, tree_size=size))


def newest_size(session: Session, recipient: str, least: int, witnesses: Sequence[str] = ()) -> int | None:
    """Size of the newest checkpoint that so many witnesses cosigned: any, or of those named."""
    if witnesses:
        named = sorted(set(witnesses))
        row = next(fetch(session, _NEWEST_SIZE_BY, recipient=recipient, least=least, witnesses=named), None)
    else:
        row = next(fetch(session, _NEWEST_SIZE, recipient=recipient, least=least), None)
    return None if row is None else row[0]


def first_size_with(session: Session, recipient: str, leaf: int, least: int) -> int | None:
    """Size of the earliest checkpoint over a leaf that so many witnesses cosigned."""
    row = next(fetch(session, _FIRST_SIZE, recipient=recipient, leaf=leaf, least=least), None)
    return None if row is None else row[0]
