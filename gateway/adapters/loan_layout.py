"""Executions, changes of conditions and claims on guarantees, many in one file, in any layout described as data.

Reads: the files in which banks report 貸付実行, 条件変更 and 代位弁済 to a corporation, delimited or fixed-width, one
    record a row, with header, trailer and end records as the layout says.
Specification: none is public; a layout is a YAML file (``formats/layouts.py``) that names the record kind. Record types
    1, 2, 8, 9 and the way numbers, names and dates are filled are those of repayment tapes (domain notes 4.1 and 4.3).
Units and calendar: yen or 千円 as the layout says, always yen afterwards; dates in the spelling the layout names,
    six-digit era dates included; instants are Japan time; rates in per cent a year, with their point or without.
Encoding: CP932 or UTF-8 as the layout says. Bytes that are no text refuse their row, shown with U+FFFD.
Known limits: as for repayment tapes. A column that no field takes is named (R02), and not searched for My Numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

import polars as pl
from pydantic import ValidationError

from gateway.formats.layout_columns import IN_FILES
from gateway.formats.layouts import Layout, load_layouts
from gateway.formats.schema_errors import schema_findings
from gateway.formats.tape_reading import Records, TapeReading, layout_of, returned
from gateway.formats.tape_structure import Structure
from gateway.ports import ROWS_AT_ONCE, Hints
from gateway.schemas.findings import Finding
from gateway.schemas.observed import ROW_COLUMNS, Observed, ObservedDocument, ObservedRows, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import KINDS
from gateway.schemas.records.repayment_columns import completed


class LoanLayout:
    """Any file of a guaranteed loan's life but repayment tapes, if its layout is known."""

    name = "loan_layout"
    version = "1"
    media_types = frozenset({"text/csv", "text/plain", "text/tab-separated-values", "application/octet-stream"})
    kinds = IN_FILES

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """Whether a packaged layout fits; a layout of a further folder is reached with ``adapter=``."""
        if head.startswith((b"{", b"[", b"PK")):  # JSON or an archive: no need to decode it
            return False
        return any(layout.recognises(head, filename) for layout in load_layouts((), IN_FILES))

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """One record a row and, last, what the file as a whole shows, with no rows.

        Raises:
            Unreadable: no layout fits, or the file departs from it before or between its records.
        """
        reading = TapeReading(_layout(source, hints))
        for records in reading.records(source, ROWS_AT_ONCE):
            reading.structure.add(records.values)
            yield from _observed(reading.structure, records)
        kind, empty = reading.structure.layout.kind, completed(pl.DataFrame(schema=ROW_COLUMNS))
        yield ObservedRows(kind=kind, frame=empty, problems=reading.problems(), tape=reading.tape)

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The refused records as a file of the same layout, ready to be mended."""
        if refused:
            yield from returned(source, _layout(source, hints), refused, ROWS_AT_ONCE)


def _layout(source: BinaryIO, hints: Hints) -> Layout:
    return layout_of(source, load_layouts(hints.layouts, IN_FILES), hints.filename)


def _observed(structure: Structure, records: Records) -> Iterator[Observed]:
    wrong: dict[int, list[Finding]] = {}
    for problem in records.problems:
        wrong.setdefault(problem.record or 0, []).append(problem)
    layout, standing = structure.layout, records.columns
    of_all = structure.constants | {"unit": layout.unit.value, "rounding": layout.rounding.value}
    for index, said in enumerate(records.values.iter_rows(named=True)):
        ordinal, digest = records.ordinal + index, hashlib.sha256(records.contents[index]).hexdigest()
        fields, columns = _assembled(of_all | said)
        places = _Places(records.lines[index], columns, standing)
        if ordinal in wrong:
            yield Unplaced(ordinal, digest, layout.kind, tuple(wrong[ordinal]))
            continue
        try:
            record = KINDS[layout.kind].model_validate(fields)
        except ValidationError as error:
            found = schema_findings(error, ordinal, places.nearest)
            yield Unplaced(ordinal, digest, layout.kind, tuple(_labelled(one, layout, columns) for one in found))
        else:
            yield ObservedDocument(record, ordinal, digest, places)


def _assembled(said: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A record's fields from what its columns say, and which column stands at which JSON Pointer.

    Empty columns of a list are left out; what follows them moves up.
    """
    fields: dict[str, Any] = {}
    columns: dict[str, str] = {}
    for name, value in said.items():
        if value is None:
            continue
        above, _, own = name.rpartition("/")
        if own.isdigit():
            members = fields.setdefault(above, [])
            columns[f"/{above}/{len(members)}"] = name
            members.append(value)
        else:
            (fields.setdefault(above, {}) if above else fields)[own] = value
            columns[f"/{name}"] = name
    return fields, columns


def _labelled(finding: Finding, layout: Layout, columns: Mapping[str, str]) -> Finding:
    """A finding that calls its field as the layout does."""
    field = layout.wanted.get(columns.get(f"/{finding.params.get('field')}", ""))
    return finding if field is None else finding.model_copy(update={"params": {**finding.params, "field": field.name}})


class _Places(Mapping[str, Place]):
    """JSON Pointer -> place of a row's values, made when it is asked for; ``""`` is the row."""

    def __init__(self, line: int, columns: Mapping[str, str], standing: Mapping[str, int]) -> None:
        self._line, self._columns, self._standing = line, columns, standing

    def __getitem__(self, pointer: str) -> Place:
        column = self._standing.get(self._columns[pointer]) if pointer else None
        return Place(line=self._line, column=column)

    def __iter__(self) -> Iterator[str]:
        return iter(("", *self._columns))

    def __len__(self) -> int:
        return 1 + len(self._columns)

    def nearest(self, pointer: str) -> Place:
        """The place of a pointer, or of what it stands in."""
        while pointer not in self:
            pointer = pointer.rpartition("/")[0]
        return self[pointer]


adapter = LoanLayout()
