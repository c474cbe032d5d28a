"""e-Tax financial statements as CSV (財務諸表 HOT010, version 3.0), one statement per file.

Reads: ``HOT010_3.0_<type>[_<industry>].csv`` of every type: BS, PL, SC, SS, NT, SE, SR.
Specification: National Tax Agency, CSV files for HOT010 v3.0 (domain note 6.6): lines A, B, C1, C2, a title, then name,
    amount or text, 行区分 (1, 2, T), level, account code.
Units and calendar: whole yen with a leading minus, deductions and losses negative as filed; ISO 8601 dates.
Encoding: CP932; UTF-8 is read too, since spreadsheets save it. What cannot be read is replaced and counted (V41).
Known limits: the file names its firm by name only, which is kept but never used to attach it to anybody. Account
    details (HOI010) are another format. A departure from the layout of rows refuses the statement (V43, each named).

A row is a total where its code is one of the chart's sums, or its name says so (合計, 小計) or names one of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, BinaryIO

from pydantic import ValidationError

from gateway.errors import Unreadable
from gateway.formats.accounts import is_total_code, is_total_name
from gateway.formats.identifiers import shown
from gateway.formats.japanese_calendar import parse_date
from gateway.formats.money import parse_amount
from gateway.formats.places import OfTable, nearest
from gateway.formats.schema_errors import schema_findings, unreadable_value
from gateway.formats.text import Decoded, counted, decode, delimited_rows, whole, whole_document
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import FinancialStatement

TYPES = ("BS", "PL", "SC", "NT", "SS", "SE", "SR")
COLUMNS = {"source_name": 1, "amount_yen": 2, "text": 2, "row": 3, "level": 4, "source_code": 5}
WIDTH = 5
DEEPEST = 40

_FIRST_LINE = re.compile(rb"(?:\xef\xbb\xbf)?A,(?:BS|PL|SC|NT|SS|SE|SR),*\r?\n")
_FILENAME = re.compile(r"HOT010_3\.0_(BS|PL|SC|NT|SS|SE|SR)(?:_(\d{2}))?", re.IGNORECASE)
_HEADER = ("A", "B", "C1", "C2")
_ROW_KINDS = {"1": "amount", "2": "text", "T": "title"}

Row = tuple[int, list[str]]
"""A line of the source: its number and its cells."""


class EtaxHot010Csv:
    """The adapter."""

    name = "etax_hot010_csv"
    version = "1"
    media_types = frozenset({"text/csv"})
    kinds = frozenset({"financial_statement"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """A first line ``A,BS,,,`` or that of another statement."""
        return _FIRST_LINE.match(head) is not None

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """The one statement of the file."""
        raw = whole(source)
        decoded = decode(raw)
        rows = [(number, cells) for number, cells, own in counted(delimited_rows(decoded.text)) if own.strip(", ")]
        header = _header(rows)
        body = _Body()
        for number, cells in rows[len(_HEADER) :]:
            body.add(number, cells)
        yield _statement(header, body, decoded, hints.filename, hashlib.sha256(raw).hexdigest())

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The file as it came."""
        return whole_document(source, refused)


adapter = EtaxHot010Csv()


def _header(rows: list[Row]) -> dict[str, tuple[int, str]]:
    """Mark -> line and value of the four lines that open the file."""
    header: dict[str, tuple[int, str]] = {}
    for at, mark in enumerate(_HEADER):
        number, cells = rows[at] if at < len(rows) else (at + 1, [""])
        if cells[0] != mark or len(cells) < 2:
            raise Unreadable(
                f"Line {at + 1} of a HOT010 file begins with '{mark},'.",
                ja=f"HOT010 の {at + 1} 行目は「{mark},」で始まります。",
                place=Place(line=number, column=1),
            )
        header[mark] = (number, cells[1].strip())
    if header["A"][1] not in TYPES:
        raise Unreadable(
            f"'{shown(header['A'][1])}' is not a statement of HOT010; they are {', '.join(TYPES)}.",
            ja=f"財務諸表の種類「{shown(header['A'][1])}」は HOT010 にありません（{'、'.join(TYPES)}）。",
            place=Place(line=header["A"][0], column=2),
        )
    return header


@dataclass(slots=True)
class _Body:
    """The statement's rows as they are read, and what departs from the layout."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    problems: list[Finding] = field(default_factory=list)
    level: int = 1

    def add(self, number: int, cells: list[str]) -> None:
        """One row; a row of other than five cells holds a comma that should not be there, and is not read further."""
        if not self.lines and not any(cells[1:]):  # the statement's own title
            self._keep(number, {"source_name": cells[0], "row": "title"})
        elif len(cells) != WIDTH:
            self._departs(number, None, "列数 / columns", str(len(cells)))
        else:
            name, value, mark, level, code = (cell.strip() for cell in cells)
            if mark not in _ROW_KINDS:
                self.problems.append(unreadable_value("/row", mark, "1 | 2 | T", 0, self._place(number, "row")))
                return
            content = self._content(number, mark, name, value, code)
            known = {"source_name": name, "row": _ROW_KINDS[mark], "source_code": self._code(number, code)}
            self._keep(number, {**known, "level": self._level(number, level), **content})

    def _level(self, number: int, text: str) -> int:
        level = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        if not 2 <= level <= self.level + 1:
            self._departs(number, "level", "階層番号 / level", text)
        self.level = min(max(level, 1), DEEPEST)
        return self.level

    def _code(self, number: int, code: str) -> str | None:
        if code and code in self.codes:
            self._departs(number, "source_code", "勘定科目コードの重複 / code used twice", code)
        self.codes.add(code)
        return code or None

    def _content(self, number: int, mark: str, name: str, value: str, code: str) -> dict[str, Any]:
        if mark != "1":
            return {"text": value} if mark == "2" and value else {}
        is_total = is_total_code(code) or is_total_name(name)
        if "," in value:
            self._departs(number, "amount_yen", "金額のカンマ / comma in an amount", value)
        try:
            return {"amount_yen": parse_amount(value), "is_total": is_total}
        except ValueError:
            place = self._place(number, "amount_yen")
            self.problems.append(unreadable_value("/amount_yen", value, "整数 / integer", 0, place))
            return {"is_total": is_total}

    def _keep(self, number: int, line: dict[str, Any]) -> None:
        self.lines.append(line)
        self.numbers.append(number)

    def _departs(self, number: int, name: str | None, problem: str, found: str) -> None:
        self.problems.append(
            Finding(
                code="V43",
                severity=Severity.REFUSE,
                record=0,
                place=self._place(number, name),
                field=name,
                params={"problem": problem, "found": shown(found)},
            )
        )

    def _place(self, number: int, name: str | None) -> Place:
        return Place(line=number, column=COLUMNS[name] if name else None)


def _statement(
    header: dict[str, tuple[int, str]], body: _Body, decoded: Decoded, filename: str | None, digest: str
) -> Observed:
    named = _FILENAME.search(filename or "")
    fields = dict(zip(("statement_type", "company_name", "fiscal_year_start", "fiscal_year_end"), _HEADER, strict=True))
    others = {f"/{name}": Place(line=header[mark][0], column=2) for name, mark in fields.items()}
    places = OfTable(body.numbers, COLUMNS, {"": Place(line=1), **others})
    problems = [*_of_the_file(header["A"], decoded, named[1].upper() if named else None), *body.problems]
    values: dict[str, Any] = {"industry": _industry(body, named[2] if named else None)}
    for name, mark in fields.items():
        values[name] = header[mark][1] or None
        if mark.startswith("C"):
            values[name] = _day(values[name])
    try:
        record = FinancialStatement(**values, lines=body.lines)
    except ValidationError as refused:
        findings = schema_findings(refused, 0, partial(nearest, places))
        return Unplaced(0, digest, "financial_statement", (*problems, *findings))
    return ObservedDocument(record, 0, digest, places, tuple(problems))


def _day(text: str | None) -> date | str | None:
    try:
        return parse_date(text or "")
    except ValueError:
        return text


def _industry(body: _Body, named: str | None) -> str | None:
    """The industry of the file's name, else the two digits with which its codes begin, where all agree."""
    prefixes = {code[:2] for code in body.codes if code}
    return named or (prefixes.pop() if len(prefixes) == 1 else None)


def _of_the_file(stated: tuple[int, str], decoded: Decoded, named: str | None) -> Iterator[Finding]:
    number, statement = stated
    if decoded.replaced:
        yield Finding(code="V41", severity=Severity.WARN, record=0, params={"count": decoded.replaced})
    if named is not None and named != statement:
        params: dict[str, str | int] = {"expected": named, "found": statement}
        place = Place(line=number, column=2)
        yield Finding(code="V42", severity=Severity.REFUSE, record=0, place=place, params=params)
