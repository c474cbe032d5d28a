"""業況報告書 as an Excel workbook: the form that ``hayame forms monitoring-report`` writes, filled in by a person.

Reads: every visible sheet of an .xlsx workbook that is a 業況報告書 form, one report per sheet; a workbook may hold the
    sheets of many branches. Sheets left blank are passed over, hidden ones are not read, others are named (R02).
Specification: the template ``schemas/data/forms/monitoring_report.yaml``; domain note 5.2. A sheet names its template
    and version itself (and the hidden sheet ``_hayame`` for the workbook); another version is read as this one and
    said so (F02), but a sheet whose labels are not where the form has them is not read (F01).
Units and calendar: amounts are typed in 千円 and become yen (unit ``thousand``, rounding unknown); dates are Excel
    dates or any Japanese spelling, eras included.
Encoding: XML inside the archive; texts are kept as typed, numbers and codes are compared in NFKC.
Known limits: formulas count with their stored results; pictures, notes and text boxes are not read; no .xls, no .xlsm,
    no password. A workbook is read as far as ``formats.workbook.Limits`` allows.

A sheet has no bytes of its own that a reader could cut out of the archive. Its digest is therefore SHA-256 over its
canonical cell map: JSON in UTF-8 without white space, one member per filled cell, by address in code point order, each
``[kind, text]`` as ``formats.cells.Cell`` has it (``{"A1":["text","業況報告書"],"B21":["number","12340"]}``).

The refused reports come back as the sender's own workbook. Where only some are refused, the other sheets are hidden,
not removed: notes, formats and whatever the sender put beside the form stay, and sending the workbook again submits
just the sheets one sees. What was found is written into it (``formats.workbook_marks``); a sheet 指摘一覧 is not read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

import orjson
from pydantic import ValidationError

from gateway.errors import Unreadable
from gateway.formats.form_entries import folded
from gateway.formats.form_reading import Cells, FormReading
from gateway.formats.form_template import FormTemplate, first_cell
from gateway.formats.forms import MACHINE_SHEET, templates
from gateway.formats.workbook import Cell, Sheet, Workbook, looks_like_workbook, showing_only
from gateway.formats.workbook_marks import LIST_SHEET, with_remarks
from gateway.ports import Hints
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import MonitoringReport, Unit

KIND = "monitoring_report"


class MonitoringWorkbook:
    """The adapter."""

    name = "monitoring_workbook"
    version = "1"
    media_types = frozenset({"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"})
    kinds = frozenset({KIND})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """Any Excel file: one without our form is refused with words that a clerk understands."""
        return looks_like_workbook(head)

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[ObservedDocument | Unplaced]:
        """One report per filled-in sheet.

        Raises:
            Unreadable: not a workbook, no sheet with the form, or none of them filled in.
        """
        held: ObservedDocument | Unplaced | None = None
        strays: list[Finding] = []
        ordinal = 0
        for sheet in _sheets(Workbook(source)):
            if sheet.template is None:
                found = {"found": f"シート「{sheet.name}」"}
                strays.append(Finding(code="R02", severity=Severity.WARN, place=Place(sheet=sheet.name), params=found))
            elif sheet.is_filled_in:
                if held is not None:
                    yield held
                held = _observed(sheet, sheet.template, ordinal)
                ordinal += 1
        if held is None:
            raise Unreadable(
                "No sheet of this workbook is a filled-in form; use the workbook that the corporation hands out.",
                ja="記入済みの業況報告書の様式がありません。配布された様式に記入して提出してください。",
                place=Place(),
            )
        yield replace(held, problems=(*held.problems, *strays))

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The sender's own workbook with the remarks; sheets of reports that are not refused are hidden."""
        names = [sheet.name for sheet in _sheets(Workbook(source)) if sheet.template and sheet.is_filled_in]
        chosen = {name for ordinal, name in enumerate(names) if ordinal in refused}
        if chosen:
            source.seek(0)
            shown = showing_only(source, chosen) if len(chosen) < len(names) else source.read()
            yield with_remarks(shown, hints.remarks) if hints.remarks else shown


adapter = MonitoringWorkbook()


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A visible sheet with its filled cells, and the form it is, if it is one."""

    name: str
    cells: Cells
    template: FormTemplate | None
    version: str | None

    @property
    def is_filled_in(self) -> bool:
        slots = self.template.slots if self.template else ()
        return any(slot.cell in self.cells and not (slot.field.formula and not self.text(slot.cell)) for slot in slots)

    def text(self, cell: str) -> str:
        return self.cells[cell].text if cell in self.cells else ""

    @property
    def digest(self) -> str:
        cell_map = {address: [cell.kind.value, cell.text] for address, cell in self.cells.items()}
        return hashlib.sha256(orjson.dumps(cell_map, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _sheets(book: Workbook) -> Iterator[_Sheet]:
    """The visible sheets that hold anything."""
    machine = next((_cells(book, sheet) for sheet in book.sheets if sheet.hidden and sheet.name == MACHINE_SHEET), {})
    named = {cell: found.text for cell, found in machine.items()}
    for sheet in book.sheets:
        cells = {} if sheet.hidden or sheet.name == LIST_SHEET else _cells(book, sheet)
        if cells:
            yield _recognised(sheet.name, cells, named)


def _cells(book: Workbook, sheet: Sheet) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for address, cell in book.cells(sheet):
        if address in cells:
            raise Unreadable(
                "A cell is there twice.", ja="同じセルが二つあります。", place=Place(sheet=sheet.name, cell=address)
            )
        cells[address] = cell
    return cells


def _recognised(name: str, cells: Cells, named: Mapping[str, str]) -> _Sheet:
    for template in templates().values():
        stamp = re.fullmatch(rf"{re.escape(template.id)} 第(.{{1,16}})版", _text_of(cells, template.stamp_at))
        titled = folded(_text_of(cells, first_cell(template.title_at))) == folded(template.title.ja)
        if template.kind == KIND and (stamp or titled):
            reserve = named.get("B2", "")[:16] if named.get("B1") == template.id else ""
            return _Sheet(name, cells, template, stamp[1] if stamp else reserve or None)
    return _Sheet(name, cells, None, None)


def _text_of(cells: Cells, address: str) -> str:
    return cells[address].text.strip() if address in cells else ""


def _observed(sheet: _Sheet, template: FormTemplate, ordinal: int) -> ObservedDocument | Unplaced:
    """The report of one sheet, or what keeps it from being one."""
    reading = FormReading(template, sheet.name, sheet.cells, ordinal)
    if sheet.version != template.version:
        found, known = sheet.version or "?", template.version
        reading.find("F02", Severity.WARN, template.stamp_at, found=found, expected=known)
    if reading.is_misplaced():
        return Unplaced(ordinal, sheet.digest, KIND, reading.findings)
    reading.read()
    record = _record(reading, sheet) or _record(reading, sheet)
    if record is None:
        return Unplaced(ordinal, sheet.digest, KIND, reading.findings)
    return ObservedDocument(record, ordinal, sheet.digest, reading.places, reading.findings)


def _record(reading: FormReading, sheet: _Sheet) -> MonitoringReport | None:
    """The record, or None after the answers it does not take have been found and dropped."""
    template = reading.template
    stated = {"template_id": template.id, "template_version": sheet.version or "unknown"}
    try:
        return MonitoringReport.model_validate(
            reading.content | stated | {"unit": Unit.THOUSAND, "rounding": template.rounding}
        )
    except ValidationError as refused:
        reading.reject(refused.errors(include_url=False))
        return None
