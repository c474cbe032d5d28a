"""How a form looks on its sheet: labels, cells, drop-downs, hints, colours and the printed page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from gateway.formats.form_entries import Typed, Value, content, expectation
from gateway.formats.form_template import FormField, FormTemplate, Slot, first_cell

_FONT = {"font_name": "BIZ UDPゴシック", "font_size": 10, "valign": "vcenter"}
_LINE, _INK, _PAPER, _SHADE, _DUE = "#B8C2CC", "#1F3A5F", "#FFFFFF", "#EEF2F6", "#FFF4C2"
_BOX = {"border": 1, "border_color": _LINE}
_PRINTED = {**_BOX, "font_size": 9, "bg_color": _SHADE, "font_color": _INK}
_ANSWER = {**_BOX, "locked": False}
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"font_size": 18, "bold": True, "font_color": _INK, "align": "center"},
    "line": {"font_size": 9, "font_color": "#44546A"},
    "stamp": {"font_size": 8, "font_color": "#7F8C9A", "align": "right"},
    "heading": {"bold": True, "font_color": _PAPER, "bg_color": _INK, "indent": 1},
    "label": {**_PRINTED, "text_wrap": True, "indent": 1},
    "column": {**_PRINTED, "align": "center"},
    "text": {**_ANSWER, "align": "left", "indent": 1, "shrink": True},
    "sentence": {**_ANSWER, "align": "left", "indent": 1, "text_wrap": True},
    "narrative": {**_ANSWER, "align": "left", "indent": 1, "valign": "top", "text_wrap": True},
    "identifier": {**_ANSWER, "align": "left", "indent": 1, "num_format": "@", "shrink": True},
    "digits": {**_ANSWER, "align": "left", "indent": 1, "num_format": "@", "shrink": True},
    "choice": {**_ANSWER, "align": "left", "indent": 1, "shrink": True},
    "integer": {**_ANSWER, "align": "right", "indent": 1, "num_format": "#,##0"},
    "decimal": {**_ANSWER, "align": "right", "indent": 1, "num_format": "0.0"},
    "percent": {**_ANSWER, "align": "right", "indent": 1, "num_format": "0.0%;[Red]△0.0%"},
    "thousand_yen": {
        **_ANSWER,
        "align": "right",
        "indent": 1,
        "num_format": '#,##0" 千円";[Red]△#,##0" 千円"',
        "shrink": True,
    },
    "date": {**_ANSWER, "align": "left", "indent": 1, "num_format": "yyyy/m/d"},
}
_ROW_HEIGHT = 21
_TALL = 60
_SENTENCES_FROM = 500
_LONGEST_HINT = 255
_FAR = 10**12
_FIRST_DAY, _LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
_A4 = 9


class FormPage:
    """Draws one form after another into a workbook, each on a sheet of its own."""

    def __init__(self, book: Workbook, template: FormTemplate) -> None:
        self._book = book
        self._template = template
        self._styles = {name: book.add_format({**_FONT, **look}) for name, look in _STYLES.items()}
        self._due = book.add_format({"bg_color": _DUE})

    def draw(self, name: str, values: Mapping[str, Value | Typed]) -> None:
        """Add a sheet with the form and what is known of its answers.

        Raises:
            ValueError: a pointer or a value the form has no cell or no words for.
        """
        template = self._template
        if unknown := values.keys() - {slot.pointer for slot in template.slots}:
            raise ValueError(f"the form has no cell for {sorted(unknown)}")
        sheet = self._book.add_worksheet(name)
        last = max(int(first_cell(slot.cells)[1:]) for slot in template.slots)
        for row in range(1, last + 1):
            sheet.set_row(row - 1, template.heights.get(row, _ROW_HEIGHT))
        for column, width in enumerate(template.widths):
            sheet.set_column(column, column, width)
        self._print(sheet)
        for slot in template.slots:
            self._ask(sheet, slot, values.get(slot.pointer))
        self._finish(sheet, f"A1:{chr(64 + len(template.widths))}{last}")

    def _print(self, sheet: Worksheet) -> None:
        template = self._template
        self._write(sheet, template.title_at, template.title.ja, "title")
        self._write(sheet, template.stamp_at, template.stamp, "stamp")
        for line in template.lines:
            self._write(sheet, line.cell, line.ja, "line")
        for section in template.sections:
            self._write(sheet, section.at, section.title.ja, "heading")
        for field in template.fields:
            over_its_cells = "*" in field.pointer and field.label[0] == field.cells[0][0]
            self._write(sheet, field.label, field.question, "column" if over_its_cells else "label")

    def _ask(self, sheet: Worksheet, slot: Slot, value: Value | Typed | None) -> None:
        field = slot.field
        style = self._style(slot)
        if value is not None:
            self._write(sheet, slot.cells, content(slot, value), style)
        elif field.formula:
            sheet.write_formula(slot.cell, field.formula, self._styles[style], "")
        else:
            self._write(sheet, slot.cells, None, style)
        sheet.data_validation(slot.cell, _validation(slot))
        if field.required != "no" and slot.cells == field.cells[0]:
            sheet.conditional_format(slot.cells, self._still_due(slot))

    def _style(self, slot: Slot) -> str:
        if slot.field.type != "text" or (slot.field.max_length or 0) < _SENTENCES_FROM:
            return slot.field.type
        tall = self._template.heights.get(int(slot.cell[1:]), _ROW_HEIGHT) >= _TALL
        return "narrative" if tall else "sentence"

    def _still_due(self, slot: Slot) -> dict[str, Any]:
        empty = f"LEN({_fixed(slot.cell)})=0"
        if slot.field.required == "unless_omitted":
            claim = next(each for each in self._template.slots if each.pointer == self._template.omission.pointer)
            empty = f'AND({empty},{_fixed(claim.cell)}<>"{claim.choices[self._template.omission.value]}")'
        return {"type": "formula", "criteria": f"={empty}", "format": self._due}

    def _write(self, sheet: Worksheet, cells: str, value: str | float | date | bool | None, style: str) -> None:
        look = self._styles[style]
        if ":" in cells:
            sheet.merge_range(cells, "", look)
        cell = first_cell(cells)
        if value is None:
            sheet.write_blank(cell, None, look)
        elif isinstance(value, str):
            sheet.write_string(cell, value, look)
        elif isinstance(value, bool):
            sheet.write_boolean(cell, value, look)
        elif isinstance(value, date):
            sheet.write_datetime(cell, value, look)
        else:
            sheet.write_number(cell, value, look)

    def _finish(self, sheet: Worksheet, area: str) -> None:
        sheet.protect("", {"format_rows": True, "format_columns": True})
        sheet.ignore_errors({"number_stored_as_text": area})
        sheet.hide_gridlines(2)
        sheet.set_selection(self._template.slots[0].cell)
        sheet.set_tab_color(_INK)
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.45, right=0.45, top=0.45, bottom=0.4)
        sheet.center_horizontally()
        sheet.print_area(area)
        sheet.fit_to_pages(1, 1)


def _fixed(cell: str) -> str:
    return f"${cell[0]}${cell[1:]}"


def _validation(slot: Slot) -> dict[str, Any]:
    field = slot.field
    if field.type == "choice":
        rule: dict[str, Any] = {"validate": "list", "source": list(slot.choices.values())}
        hint, wrong = field.help, "一覧から選んでください。"
    else:
        rule = _bounds(field)
        hint = "\n".join(filter(None, (field.help, expectation(slot))))
        wrong = f"{expectation(slot)} を記入してください。"
    return {
        **rule,
        "input_title": field.ja[:32],
        "input_message": hint[:_LONGEST_HINT],
        "error_title": field.ja[:32],
        "error_message": wrong,
    }


def _bounds(field: FormField) -> dict[str, Any]:
    if field.type == "digits":
        return {"validate": "length", "criteria": "==", "value": field.digits}
    if field.max_length is not None:
        return {"validate": "length", "criteria": "<=", "value": field.max_length}
    if field.type == "date":
        return {"validate": "date", "criteria": "between", "minimum": _FIRST_DAY, "maximum": _LAST_DAY}
    low = -_FAR if field.minimum is None else field.minimum
    high = _FAR if field.maximum is None else field.maximum
    if field.type == "percent":
        low, high = low // 100, high // 100
    kind = "integer" if field.type == "integer" else "decimal"
    return {"validate": kind, "criteria": "between", "minimum": low, "maximum": high}
