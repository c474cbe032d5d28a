"""Our own record kinds as JSON: one record, many in ``{"records": […]}``, or one per line (NDJSON).

Reads: every kind of ``docs/record-kinds.md`` exactly as ``openapi/schemas`` has it. A record names its ``kind``, unless
    the sender named one with the submission.
Specification: the models of ``gateway.schemas.records``; RFC 8259, and NDJSON as one object per line.
Units and calendar: money is integer yen whatever ``unit`` says the source had; dates ISO 8601; instants with an offset.
Encoding: UTF-8, a byte order mark is ignored.
Known limits: types are strict (``"1"`` and ``1.0`` are no integers) and unknown members refuse their record, so that a
    mistyped name loses nothing. A repayment's ``references`` and ``missing`` stay in the raw document (finding R02).

A record's digest is that of its own bytes: of its line without the line end, or of the document that is one record.
Within ``{"records": […]}`` a record has no bytes that could be cut out alone; there the digest is that of its canonical
form (members sorted, no white space, UTF-8). A record that does not fit its schema comes back with every reason; the
others go on. What is not JSON at all is unreadable, or only its line where there is one record per line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any, BinaryIO

import polars as pl
from pydantic import ValidationError

from gateway.errors import Unreadable
from gateway.formats.json_text import check_values, strict_json
from gateway.formats.places import Within
from gateway.formats.schema_errors import schema_findings, unreadable_value
from gateway.formats.text import MOST_BYTES, UTF8_MARK, too_large_a_piece, whole
from gateway.ports import ROWS_AT_ONCE, Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import ROW_COLUMNS, Observed, ObservedDocument, ObservedRows, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import KINDS, FinancialStatement, Record, RepaymentStatus, TrialBalance
from gateway.schemas.records.repayment_columns import COLUMNS, completed

_KIND = re.compile(rb'"kind"\s*:\s*"([a-z_]+)"')
_MANY = re.compile(rb'\s*\{\s*"records"\s*:\s*\[')
_SPACE = b" \t\r\n"
_SAID = attrgetter("__pydantic_fields_set__")  # ``model_fields_set``, without a detour per line


class NativeJson:
    """The adapter."""

    name = "native_json"
    version = "1"
    media_types = frozenset({"application/json", "application/x-ndjson"})
    kinds = frozenset(KINDS)

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A JSON object that names one of our kinds, or holds ``records``."""
        head = head.removeprefix(UTF8_MARK).lstrip()
        if not head.startswith(b"{"):
            return False
        return bool(_MANY.match(head)) or any(kind[1].decode() in KINDS for kind in _KIND.finditer(head))

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """Documents one by one as they come, repayment rows in frames."""
        opening = _opening(source)
        if _are_lines(opening):
            yield from _observations(_lines(opening, source), hints.kind, None)
            return
        raw = b"".join(opening) + whole(source)
        if _MANY.match(raw.removeprefix(UTF8_MARK)):
            members = ((None, _canonical(value)) for value in _members(raw))
            yield from _observations(members, hints.kind, "/records")
            return
        yield _only(raw, hints.kind)

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The refused records in the form in which all came: the document, the lines, or a shorter ``records``."""
        opening = _opening(source)
        if _are_lines(opening):
            yield from (own + b"\n" for at, (_, own) in enumerate(_lines(opening, source)) if at in refused)
            return
        raw = b"".join(opening) + whole(source)
        if _MANY.match(raw.removeprefix(UTF8_MARK)):
            chosen = [_canonical(value) for at, value in enumerate(_members(raw)) if at in refused]
            yield b'{"records":[' + b",\n".join(chosen) + b"]}\n" if chosen else b""
        elif refused:
            yield raw


adapter = NativeJson()


def _opening(source: BinaryIO) -> list[bytes]:
    """The first lines, up to and including the second that is not blank."""
    opening: list[bytes] = []
    said = 0
    while said < 2 and (line := _line(source)):
        opening.append(line)
        said += bool(line.strip(_SPACE))
    return opening


def _line(source: BinaryIO) -> bytes:
    line = source.readline(MOST_BYTES + 1)
    if len(line) > MOST_BYTES:
        raise too_large_a_piece()
    return line


def _are_lines(opening: Sequence[bytes]) -> bool:
    """Whether this is one object per line: within one JSON text no ``}`` is ever followed by a ``{``."""
    said = [line.strip(_SPACE) for line in opening if line.strip(_SPACE)]
    return len(said) == 2 and said[0].endswith(b"}") and said[1].startswith(b"{")


def _lines(opening: Sequence[bytes], rest: BinaryIO) -> Iterator[tuple[int, bytes]]:
    further = iter(partial(_line, rest), b"")
    for number, line in enumerate(chain(opening, further), start=1):
        if own := line.removeprefix(UTF8_MARK).strip(_SPACE):
            yield number, own


def _members(raw: bytes) -> list[Any]:
    records = strict_json(raw)
    if records.keys() != {"records"} or not isinstance(records["records"], list):
        raise Unreadable(
            "Beside 'records', a list, nothing may stand in the outer object.",
            ja="最も外側には一覧 records だけを置いてください。",
            place=Place(pointer=""),
        )
    return list(records["records"])


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode(errors="surrogatepass")


@dataclass(frozen=True, slots=True)
class _Misfit:
    """JSON that is no record of its ``kind``, for the reasons in ``refused``; or of no kind, and says ``said``."""

    kind: str | None
    refused: ValidationError | None = None
    said: object = None


def _only(raw: bytes, hinted: str | None) -> Observed:
    """The one record of a document; without a known kind the document as a whole is unreadable."""
    own = raw.removeprefix(UTF8_MARK).strip(_SPACE)
    within, digest = Within(None, ""), _sha256(raw)
    try:
        seen = _record(own, hinted)
    except Unreadable:
        strict_json(raw)  # the same again, counting lines from the document's own first
        raise
    if isinstance(seen, _Misfit):
        if seen.kind is None:
            known = ", ".join(KINDS)
            raise Unreadable(
                f"A record names its kind, one of: {known}.",
                ja=f"記録には kind（{known} のいずれか）が必要です。",
                place=Place(pointer="/kind"),
            )
        return _unplaced(0, digest, seen, within)
    if isinstance(seen, RepaymentStatus):
        return _frame([_Row(0, 1, digest, seen, within)], None)
    return ObservedDocument(seen, 0, digest, within)


@dataclass(frozen=True, slots=True)
class _Row:
    ordinal: int
    line: int | None
    digest: str
    record: RepaymentStatus
    within: Within


def _observations(
    records: Iterable[tuple[int | None, bytes]], hinted: str | None, prefix: str | None
) -> Iterator[Observed]:
    """Each of many records: what is wrong with one, even that it is not JSON, never stops the others."""
    rows: list[_Row] = []
    for ordinal, (line, own) in enumerate(records):
        within = Within(line, "" if prefix is None else f"{prefix}/{ordinal}")
        digest = _sha256(own)
        try:
            seen = _record(own, hinted)
        except Unreadable as error:
            yield Unplaced(ordinal, digest, None, (_not_json(own, error, ordinal, within),))
            continue
        if isinstance(seen, _Misfit):
            yield _unplaced(ordinal, digest, seen, within)
        elif isinstance(seen, RepaymentStatus):
            rows.append(_Row(ordinal, line, digest, seen, within))
        else:
            yield ObservedDocument(seen, ordinal, digest, within)
        if len(rows) == ROWS_AT_ONCE:
            yield _frame(rows, prefix)
            rows = []
    if rows:
        yield _frame(rows, prefix)


def _unplaced(ordinal: int, digest: str, misfit: _Misfit, within: Within) -> Unplaced:
    if misfit.refused is None:
        no_kind = unreadable_value("/kind", misfit.said, " | ".join(KINDS), ordinal, within["/kind"])
        return Unplaced(ordinal, digest, None, (no_kind,))
    return Unplaced(ordinal, digest, misfit.kind, schema_findings(misfit.refused, ordinal, within.__getitem__))


def _not_json(own: bytes, error: Unreadable, ordinal: int, within: Within) -> Finding:
    column = error.place.column if isinstance(error.place, Place) else None
    place = within[""].model_copy(update={"column": column})
    return unreadable_value("/JSON", own[:200].decode(errors="replace"), error.message, ordinal, place)


def _record(own: bytes, hinted: str | None) -> Record | _Misfit:
    """One record from its own bytes.

    The bytes go straight to the model. Only where that fails, or a member may be there twice, are they looked at again.
    """
    named = _KIND.search(own)
    kind = named[1].decode() if named else hinted
    refused: ValidationError | None = None
    check_values(own)
    if kind in KINDS:
        try:
            record = KINDS[kind].model_validate_json(own, strict=True)
        except ValidationError as error:
            refused = error
        else:
            if "kind" in record.model_fields_set or kind == hinted:
                if not _surely_without_doubles(own, record):
                    strict_json(own)
                return record
    return _second_look(own, kind, hinted, refused)


def _second_look(
    own: bytes, tried: str | None, hinted: str | None, refused: ValidationError | None
) -> Record | _Misfit:
    value = strict_json(own)
    if not isinstance(value, dict):
        raise Unreadable("A record is a JSON object.", ja="記録はJSONオブジェクトです。", place=Place(line=1))
    kind = value.get("kind", hinted)
    if not isinstance(kind, str) or kind not in KINDS:
        return _Misfit(None, said=kind)
    if kind != tried or refused is None:
        try:
            return KINDS[kind].model_validate_json(own, strict=True)
        except ValidationError as error:
            refused = error
    first = refused.errors(include_url=False)[0] if refused.error_count() == 1 else {"type": ""}
    if first["type"] == "json_invalid":
        raise Unreadable(first["msg"], place=Place(line=1))
    return _Misfit(kind, refused)


def _surely_without_doubles(own: bytes, record: Record) -> bool:
    """Whether no member can be there twice, told by counting: far cheaper than reading the JSON a second time.

    Each member brings one colon, and one ``":`` once white space is gone. If either is seen no more often than the
    record has members, none was said twice. (Texts with colons in them only cost a further look.)
    """
    if not isinstance(record, TrialBalance | FinancialStatement):
        return False
    parts = (*record.lines, *map(_SAID, (record, *record.references)), record.missing)
    members = sum(map(len, parts))
    return own.count(b":") == members or own.translate(None, _SPACE).count(b'":') == members


def _frame(rows: Sequence[_Row], prefix: str | None) -> ObservedRows:
    columns: dict[str, list[Any]] = {name: [getattr(row.record, name) for row in rows] for name in COLUMNS}
    for name in ROW_COLUMNS:
        columns[name] = [getattr(row, name) for row in rows]
    frame = completed(pl.DataFrame(columns, schema={**ROW_COLUMNS, **COLUMNS}))
    problems = [
        Finding(
            code="R02",
            severity=Severity.WARN,
            record=row.ordinal,
            place=row.within[f"/{name}"],
            field=name,
            params={"found": name},
        )
        for row in rows
        for name in ("references", "missing")
        if getattr(row.record, name)
    ]
    return ObservedRows("repayment_status", frame, problems=tuple(problems), pointer=prefix)


def _sha256(own: bytes) -> str:
    return hashlib.sha256(own).hexdigest()
