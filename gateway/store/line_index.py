"""The index that finds versions of a record: one entry per line, readable to nobody who has not its recipient's key.

Entries are found by the blind of kind and series; in what order they stand tells nothing. What an entry says of its
line (digest, amount, closing) is closed, bound to the entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from struct import Struct

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session

from gateway.ports import Cipher, IndexKey
from gateway.schemas.submission import Line, Version
from gateway.store.driver import any_of, fetch, in_parts, table_of
from gateway.store.tables import LineIndex, StatementRow

Key = tuple[str, str]
"""Kind and series of a record."""

_LINE, _STATEMENT = table_of(LineIndex).c, table_of(StatementRow).c
PUBLISHED = (_LINE.submission == _STATEMENT.submission) & (_LINE.recipient == _STATEMENT.recipient)
_VERSIONS = columns(
    _LINE.series,
    _LINE.valid_on,
    _LINE.submission,
    _LINE.number,
    _LINE.closed,
    _STATEMENT.first_position + _LINE.number,
).where(
    PUBLISHED,
    _LINE.recipient == bindparam("recipient"),
    _LINE.kind == bindparam("kind"),
    any_of(_LINE.series, "series"),
    _LINE.valid_on >= bindparam("since"),
)
_CHANGED = columns(_LINE.series).where(
    PUBLISHED,
    _LINE.recipient == bindparam("recipient"),
    _LINE.kind == bindparam("kind"),
    any_of(_LINE.series, "series"),
    _STATEMENT.first_position >= bindparam("position"),
)
_SINCE = (
    columns(_LINE.kind, _LINE.series)
    .where(
        PUBLISHED, _STATEMENT.recipient == bindparam("recipient"), _STATEMENT.first_position >= bindparam("position")
    )
    .distinct()
)
_SAYS = Struct(">32s?q")  # digest; whether there is an amount, and which; what follows is the closing


class Index:
    """Writes and reads entries; ``cipher`` has the keys."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def rows(self, submission: str, recipient: str, lines: Sequence[Line], first: int = 0) -> list[dict[str, object]]:
        """Rows for consecutive lines."""
        if not lines:
            return []
        key = self._cipher.index(recipient)
        names = key.blind([f"{line.kind}\0{line.series}" for line in lines])
        entries = [
            (bound(recipient, (line.kind, name, line.valid_on, submission, number)), _says(line))
            for number, (line, name) in enumerate(zip(lines, names, strict=True), first)
        ]
        return [
            {
                "recipient": recipient,
                "kind": line.kind,
                "series": name,
                "valid_on": line.valid_on,
                "submission": submission,
                "number": number,
                "closed": closed,
            }
            for number, (line, name, closed) in enumerate(zip(lines, names, key.close(entries), strict=True), first)
        ]

    def find_versions(
        self, session: Session, recipient: str, kind: str, series: Sequence[str], since: date
    ) -> dict[str, list[Version]]:
        """Every published version of each series valid on or after a date, oldest position first."""
        key = self._cipher.find_index(recipient)
        if key is None:
            return {}
        names = dict(zip(key.blind(f"{kind}\0{one}" for one in series), series, strict=True))
        found: dict[str, list[Version]] = {}
        for some in in_parts(sorted(names)):
            rows = fetch(session, _VERSIONS, recipient=recipient, kind=kind, series=some, since=since)
            for name, valid_on, submission, number, closed, position in rows:
                where = kind, name, valid_on, submission, number
                found.setdefault(names[name], []).append(version(key, recipient, where, closed, position))
        for versions in found.values():
            versions.sort(key=lambda one: one.position)
        return found

    def changed_since(self, session: Session, recipient: str, keys: Sequence[Key], position: int) -> set[Key]:
        """Those of (kind, series) that got a line at or after a position."""
        by_kind: dict[str, dict[bytes, Key]] = {}
        for key, name in zip(keys, self.names(recipient, keys), strict=True):
            by_kind.setdefault(key[0], {})[name] = key
        return {
            names[name]
            for kind, names in by_kind.items()
            for some in in_parts(sorted(names))
            for (name,) in fetch(session, _CHANGED, recipient=recipient, kind=kind, series=some, position=position)
        }

    def names(self, recipient: str, keys: Sequence[Key]) -> list[bytes]:
        """By what the index knows each of (kind, series); where it knows nothing yet, by nothing."""
        key = self._cipher.find_index(recipient)
        return [b""] * len(keys) if key is None else key.blind(f"{kind}\0{series}" for kind, series in keys)

    def since(self, session: Session, recipient: str, position: int) -> set[tuple[str, bytes]]:
        """(kind, name) of every line published at or after a position; see ``names``."""
        return {(kind, name) for kind, name in fetch(session, _SINCE, recipient=recipient, position=position)}


def version(key: IndexKey, recipient: str, where: tuple[str, bytes, date, str, int], closed: bytes, at: int) -> Version:
    """What an entry says of the line at a position."""
    said = key.open(bound(recipient, where), closed)
    digest, has_amount, amount = _SAYS.unpack_from(said)
    _, _, valid_on, submission, number = where
    return Version(submission, number, at, valid_on, digest, amount if has_amount else None, said[_SAYS.size :] or None)


def bound(recipient: str, where: tuple[str, bytes, date, str, int]) -> bytes:
    """To what an entry's content is bound: its row, but for the content itself."""
    kind, name, valid_on, submission, number = where
    return f"line_index\0{recipient}\0{kind}\0{submission}\0{number}\0{valid_on.toordinal()}\0".encode() + name


def _says(line: Line) -> bytes:
    return _SAYS.pack(line.digest, line.amount_yen is not None, line.amount_yen or 0) + (line.closing or b"")
