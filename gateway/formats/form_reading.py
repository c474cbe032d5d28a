"""A filled-in form read back: its answers, each with its cell, and whatever is wrong with them.

Everything wrong is found at once, so that a form goes back to its clerk one time at most.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from gateway.formats.cells import Cell
from gateway.formats.form_entries import Value, answer, expectation, folded
from gateway.formats.form_template import FormField, FormTemplate, Slot, first_cell
from gateway.formats.identifiers import my_number_holds, shown
from gateway.formats.money import Masked
from gateway.formats.sheet_xml import column_of, row_of
from gateway.formats.text import narrow
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.place import Place
from gateway.schemas.records.header import MissingReason

_MOST_STRAYS = 50
_MY_NUMBER_LABEL = re.compile("個人番号|マイナンバー|my ?number", re.IGNORECASE)
_TWELVE_DIGITS = re.compile(r"(?<![0-9])([0-9]{4})[ -]?([0-9]{4})[ -]?([0-9]{4})(?![0-9])")
_MASK = "*" * 12

Cells = Mapping[str, Cell]


class FormReading:
    """What one sheet says, by the pointers of the form; ``content`` and ``places`` say it by those of the record.

    Attributes:
        answers: form pointer -> canonical value.
        problems: what is wrong, each at its cell, in the order in which it was found.
    """

    def __init__(self, template: FormTemplate, sheet: str, cells: Cells, ordinal: int) -> None:
        self.template, self.sheet, self.cells, self.ordinal = template, sheet, cells, ordinal
        self.answers: dict[str, Value] = {}
        self.problems: list[Finding] = []
        self._reasons: dict[str, MissingReason] = {}

    def is_misplaced(self) -> bool:
        """Whether a label is not where the form has it, which is found (F01): no answer can be trusted then."""
        moved = [asked for asked in self.template.fields if self._label(asked) != folded(asked.question)]
        if moved:
            self.find("F01", Severity.REFUSE, first_cell(moved[0].label), field=moved[0].ja, count=len(moved))
        return bool(moved)

    def read(self) -> None:
        """Read every answer; find what cannot be read (R01), is required (R03) or stands beside the form (R02)."""
        for slot in self.template.slots:
            if slot.cell in self.cells:
                self._read(slot)
        self._check_required()
        _find_strays(self)

    def reject(self, errors: Sequence[ErrorDetails]) -> None:
        """Find, and drop, the answers that the record's own schema does not take."""
        slots = _placed(self.template, self.answers.keys())
        for error in errors:
            slot = slots["".join(f"/{step}" for step in error["loc"])]
            if slot.pointer in self.answers:
                self._refuse(slot)
            else:
                self._require(slot.field, slot.cell, slot.pointer)

    @property
    def content(self) -> dict[str, Any]:
        """The answers in the shape of the record, as plain values; lists have no gaps."""
        tree: dict[str, Any] = {}
        for pointer, slot in _placed(self.template, self.answers.keys()).items():
            if slot.pointer in self.answers:
                _put(tree, pointer, self.answers[slot.pointer])
            elif slot.pointer in self._reasons:
                tree.setdefault("missing", {})[pointer] = self._reasons[slot.pointer]
            if slot.is_reference:
                _put(tree, pointer.replace("/value", "/scheme"), slot.pointer.rpartition("/")[2])
        return {name: _listed(node) for name, node in tree.items()}

    @property
    def places(self) -> dict[str, Place]:
        """Pointer of the record -> cell; a list is at its first cell, the record as a whole is the sheet."""
        cells: dict[str, str] = {}
        for pointer, slot in _placed(self.template, self.answers.keys()).items():
            if slot.is_listed:
                cells.setdefault(slot.list_pointer, slot.cell)
            cells[pointer] = slot.cell
        return {"": self._place(None)} | {pointer: self._place(cell) for pointer, cell in cells.items()}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The problems in the order in which one reads a page."""
        return tuple(sorted(self.problems, key=lambda finding: _position(finding.place.cell)))

    def find(self, code: str, severity: Severity, cell: str | None, pointer: str = "", **params: str | int) -> None:
        """Note a finding at a cell, or at the sheet as a whole."""
        place, name = self._place(cell), pointer or None
        self.problems.append(
            Finding(code=code, severity=severity, record=self.ordinal, place=place, field=name, params=params)
        )

    def _place(self, cell: str | None) -> Place:
        return Place(sheet=self.sheet, cell=cell)

    def _label(self, asked: FormField) -> str:
        cell = self.cells.get(first_cell(asked.label))
        return folded(cell.text) if cell else ""

    def _read(self, slot: Slot) -> None:
        try:
            value = answer(slot, self.cells[slot.cell])
        except Masked:
            self._reasons[slot.pointer] = MissingReason.MASKED
        except ValueError:
            self._refuse(slot)
        else:
            if value is not None:
                self.answers[slot.pointer] = value

    def _refuse(self, slot: Slot) -> None:
        self.answers.pop(slot.pointer, None)
        self._reasons[slot.pointer] = MissingReason.PARSE_ERROR
        found = quoted(self.cells[slot.cell].text) or "計算結果なし"
        params = {"field": slot.field.ja, "found": found, "expected": expectation(slot)}
        self.find("R01", Severity.REFUSE, slot.cell, slot.pointer, **params)

    def _check_required(self) -> None:
        claim = self.template.omission
        omitted = self.answers.get(claim.pointer) == claim.value
        for asked in self.template.fields:
            due = asked.required == "always" or (asked.required == "unless_omitted" and not omitted)
            if due and not any(first_cell(cells) in self.cells for cells in asked.cells):
                self._require(asked, first_cell(asked.cells[0]), asked.pointer.removesuffix("/*"))

    def _require(self, asked: FormField, cell: str, pointer: str) -> None:
        place = self._place(cell)
        if not any(finding.place == place for finding in self.problems):
            self.find("R03", Severity.REFUSE, cell, pointer, field=asked.ja)


def _placed(template: FormTemplate, answered: Collection[str]) -> dict[str, Slot]:
    """Pointer of the record -> slot; positions in lists, and of references, are counted over what is answered."""
    rows: dict[str, set[int]] = {}
    for slot in template.slots:
        if slot.pointer in answered:
            rows.setdefault(slot.list_pointer, set()).add(slot.index)
    named = [slot.pointer for slot in template.slots if slot.is_reference and slot.pointer in answered]
    placed: dict[str, Slot] = {}
    for slot in template.slots:
        if slot.is_listed:
            before = rows.get(slot.list_pointer, set())
            if slot.index in before:
                placed[slot.at(sum(index < slot.index for index in before))] = slot
        elif not slot.is_reference:
            placed[slot.pointer] = slot
        elif slot.pointer in named:
            placed[f"/references/{named.index(slot.pointer)}/value"] = slot
    return placed


def _find_strays(reading: FormReading) -> None:
    """What stands beside the form is shown, and stays in the raw document; a My Number is never shown."""
    template = reading.template
    known = template.printed | {slot.cell for slot in template.slots}
    strays = {cell: found.text for cell, found in reading.cells.items() if cell not in known}
    labelled = any(_MY_NUMBER_LABEL.search(narrow(text)) for text in strays.values())
    for cell in list(strays)[:_MOST_STRAYS]:
        if any(my_number_holds("".join(digits)) for digits in _TWELVE_DIGITS.findall(narrow(strays[cell]))):
            reading.find("V06", Severity.REFUSE if labelled else Severity.WARN, cell, found=_MASK)
        reading.find("R02", Severity.WARN, cell, found=quoted(strays[cell]))
    if len(strays) > _MOST_STRAYS:
        beyond = list(strays)[_MOST_STRAYS]
        reading.find("R02", Severity.WARN, beyond, found=f"{beyond} ほか、計{len(strays) - _MOST_STRAYS}セル")


def quoted(text: str) -> str:
    """A cell's text as a finding may quote it: short, and a My Number masked however its digits are grouped.

    >>> quoted("１２３４-５６７８-９０１８")
    '************'
    """
    return shown(
        _TWELVE_DIGITS.sub(lambda found: _MASK if my_number_holds("".join(found.groups())) else found[0], narrow(text))
    )


def _position(cell: str | None) -> tuple[int, int]:
    return (row_of(cell), column_of(cell)) if cell else (0, 0)


def _put(tree: dict[str, Any], pointer: str, value: Any) -> None:
    *steps, last = pointer[1:].split("/")
    for step in steps:
        tree = tree.setdefault(step, {})
    tree[last] = value


def _listed(node: Any) -> Any:
    """Nodes whose members are numbered become lists."""
    if not isinstance(node, dict):
        return node
    members = {name: _listed(each) for name, each in node.items()}
    if members and all(name.isdigit() for name in members):
        return [members[name] for name in sorted(members, key=int)]
    return members
