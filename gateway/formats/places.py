"""Places in a source, worked out when somebody asks, so that a clean document pays nothing for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.schemas.place import Place

_WHOLE = Place()
_LINE = re.compile(r"/lines/(\d+)(?:/([a-z_]+))?")


class Within(Mapping[str, Place]):
    """Places of a record that stands in its JSON source as it is: each pointer leads to itself, below the record's."""

    def __init__(self, line: int | None, prefix: str) -> None:
        self.line, self.prefix = line, prefix

    def __getitem__(self, pointer: str) -> Place:
        where = self.prefix + pointer
        return Place(line=self.line, pointer=where or None) if where or self.line else _WHOLE

    def __contains__(self, pointer: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter([""])

    def __len__(self) -> int:
        return 1


class OfTable(Mapping[str, Place]):
    """Places of a record whose ``lines`` are rows of a delimited text, and whose other fields are listed.

    Args:
        lines: source line of each of the record's lines.
        columns: field of a line -> 1-based source column.
        others: places of the record's other fields; ``""`` is the record as a whole.
    """

    def __init__(self, lines: Sequence[int], columns: Mapping[str, int], others: Mapping[str, Place]) -> None:
        self.lines, self.columns, self.others = lines, columns, others

    def __getitem__(self, pointer: str) -> Place:
        found = _LINE.fullmatch(pointer)
        if found is None:
            return self.others[pointer]
        if int(found[1]) >= len(self.lines) or (found[2] and found[2] not in self.columns):
            raise KeyError(pointer)
        return Place(line=self.lines[int(found[1])], column=self.columns[found[2]] if found[2] else None)

    def __iter__(self) -> Iterator[str]:
        yield from self.others
        yield from (f"/lines/{index}" for index in range(len(self.lines)))

    def __len__(self) -> int:
        return len(self.others) + len(self.lines)


def nearest(places: Mapping[str, Place], pointer: str) -> Place:
    """The place of a pointer, or of its nearest ancestor that has one, at last of the record as a whole (``""``)."""
    while pointer and pointer not in places:
        pointer = pointer.rpartition("/")[0]
    return places[pointer]
