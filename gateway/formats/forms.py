"""Forms as workbooks: written from a template so that they are pleasant to fill in and hard to fill in wrongly.

Every answer has its drop-down, number format and hint; what is required is yellow until it is filled in; labels are
locked. Each sheet carries its own template and version, drop-downs travel inside their cells, and no sheet refers to
another: a clerk may copy the filled-in sheets of many branches into one workbook. The same values give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

from gateway.formats.form_entries import Typed, Value
from gateway.formats.form_page import FormPage
from gateway.formats.form_template import FormTemplate, load_named, templates

__all__ = ["MACHINE_SHEET", "FormTemplate", "Typed", "Value", "filled_form", "templates", "values_of", "write_form"]

MACHINE_SHEET = "_hayame"
"""Name of the hidden sheet that names the template (``B1``) and the version (``B2``) of a workbook."""

_CREATED = datetime(2025, 1, 1)  # noqa: DTZ001 - Excel's properties know no time zone
"""Not when a form was written, but a constant: the same values give the same bytes."""


def write_form(template_id: str, prefill: Mapping[str, Value] | None = None) -> bytes:
    """A blank form as a workbook, with what is already known filled in.

    Args:
        template_id: which form.
        prefill: canonical values by the template's pointers (``/issues/0`` is the first cell of ``/issues/*``).

    Raises:
        ConfigurationError: there is no such form.
        ValueError: a pointer or a value the form has no cell or no words for.
    """
    return filled_form(template_id, prefill or {})


def filled_form(template_id: str, *reports: Mapping[str, Value | Typed]) -> bytes:
    """A workbook with one filled-in sheet per report, as a person would have left it.

    Args:
        template_id: which form.
        reports: for each sheet, canonical values by pointer; wrap one in ``Typed`` to put it into its cell verbatim.

    Raises:
        ConfigurationError: there is no such form.
        ValueError: a pointer or a value the form has no cell or no words for.
    """
    template = load_named(template_id)
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True})
    book.set_properties({"title": template.title.ja, "created": _CREATED})
    page = FormPage(book, template)
    for number, report in enumerate(reports, start=1):
        page.draw(template.sheet if number == 1 else f"{template.sheet} ({number})", report)
    machine = book.add_worksheet(MACHINE_SHEET)
    machine.write_row(0, 0, ["template", template.id])
    machine.write_row(1, 0, ["version", template.version])
    machine.very_hidden()
    book.close()
    return written.getvalue()


def values_of(template: FormTemplate, record: Mapping[str, Any]) -> dict[str, Value]:
    """What a form can say of a record, by the template's pointers: how a person's figures get onto the form.

    Args:
        template: the form.
        record: a canonical record as plain Python values (``model_dump()``).

    Raises:
        ValueError: a list of the record is longer than the form has cells for.
    """
    for field in template.fields:
        beyond = field.pointer.replace("*", str(len(field.cells)))
        if beyond != field.pointer and _found(record, beyond) is not None:
            raise ValueError(f"{field.pointer}: the form has {len(field.cells)} cells for this list")
    found = {slot.pointer: _found(record, slot.pointer) for slot in template.slots}
    return {pointer: value for pointer, value in found.items() if value is not None}


def _found(record: Mapping[str, Any], pointer: str) -> Any:
    first, *rest = pointer[1:].split("/")
    if first == "references":
        return next((each["value"] for each in record.get(first, ()) if each["scheme"] == rest[0]), None)
    found: Any = record
    for step in (first, *rest):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, Sequence) and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found
