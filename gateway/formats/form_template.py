"""Forms as data: what is asked, in which words, in which cell, and which canonical value each answer stands for.

A template is a YAML file; its own head explains the fields. Writing a form and reading one back use the same
template, so they cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.errors import ConfigurationError
from gateway.schemas.records.header import Rounding

CellAddress = Annotated[str, StringConstraints(pattern=r"^[A-Z][1-9][0-9]{0,2}$")]
Range = Annotated[str, StringConstraints(pattern=r"^[A-Z][1-9][0-9]{0,2}(:[A-Z][1-9][0-9]{0,2})?$")]
FieldType = Literal["text", "identifier", "digits", "integer", "decimal", "percent", "thousand_yen", "date", "choice"]
Choices = dict[bool | str, str]

_LONGEST_LIST = 255
"""Characters of a drop-down that travels inside its cell. Longer ones would need another sheet, which breaks when a
clerk copies the form into another workbook."""
_CELLS = re.compile(r"[A-Z][1-9][0-9]*")


def first_cell(cells: str) -> str:
    """The cell of a range that holds its value.

    >>> first_cell("B9:D9")
    'B9'
    """
    return cells.partition(":")[0]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bilingual(_Part):
    """A text in Japanese and English."""

    ja: str
    en: str


class Line(_Part):
    """A line of instructions on the form."""

    cell: Range
    ja: str


class FormField(_Part):
    """One question of a form and the cells of its answers; the YAML file's head says what each member means."""

    pointer: str
    ja: str
    en: str
    label: Range
    cells: tuple[Range, ...] = Field(min_length=1)
    type: FieldType
    choices: str | None = None
    required: Literal["always", "unless_omitted", "no"] = "no"
    help: str = ""
    digits: int | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    formula: str | None = None

    @property
    def question(self) -> str:
        """The label as printed; an asterisk marks what is required, since not everybody sees the colour."""
        return self.ja if self.required == "no" else f"{self.ja} ＊"

    @model_validator(mode="after")
    def _is_whole(self) -> FormField:
        if (self.type == "choice") != (self.choices is not None) or (self.type == "digits") != (
            self.digits is not None
        ):
            raise ValueError(f"{self.pointer}: choices belong to a choice, digits to digits")
        if ("*" in self.pointer) != (len(self.cells) > 1):
            raise ValueError(f"{self.pointer}: a list has several cells, anything else has one")
        return self


class Section(_Part):
    """A group of questions under a heading."""

    title: Bilingual
    at: Range
    fields: tuple[FormField, ...]


class Omission(_Part):
    """The answer by which a sender claims that the content may be left out."""

    pointer: str
    value: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """One cell of a form: the question it answers and the pointer of its answer, list positions as on the form."""

    field: FormField
    index: int
    cells: str
    choices: Mapping[bool | str, str]

    @property
    def cell(self) -> str:
        """The cell that holds the answer."""
        return first_cell(self.cells)

    @property
    def pointer(self) -> str:
        """Where the answer belongs, counting the form's own cells."""
        return self.at(self.index)

    @property
    def is_listed(self) -> bool:
        """Whether this is one of several cells of a list."""
        return "*" in self.field.pointer

    @property
    def is_reference(self) -> bool:
        """Whether the answer is a number that names the firm."""
        return self.field.pointer.startswith("/references/")

    @property
    def list_pointer(self) -> str:
        """The list the answer belongs to."""
        return self.field.pointer.partition("/*")[0]

    def at(self, position: int) -> str:
        """Where the answer belongs if it is at this position of its list."""
        return self.field.pointer.replace("*", str(position))


class FormTemplate(_Part):
    """One form in one version."""

    id: str
    version: str
    kind: str
    sheet: str
    title: Bilingual
    title_at: Range
    stamp_at: CellAddress
    rounding: Rounding
    omission: Omission
    widths: tuple[float, ...]
    heights: dict[int, float]
    lines: tuple[Line, ...]
    choices: dict[str, Choices]
    sections: tuple[Section, ...]

    @model_validator(mode="after")
    def _is_whole(self) -> FormTemplate:
        taken = [cell for cells in self._ranges() for cell in _CELLS.findall(cells)]
        if twice := {cell for cell in taken if taken.count(cell) > 1}:
            raise ValueError(f"cells used twice: {sorted(twice)}")
        for name, choices in self.choices.items():
            if len(",".join(choices.values())) > _LONGEST_LIST or any("," in text for text in choices.values()):
                raise ValueError(f"choices {name} do not fit into a drop-down")
            if len(set(choices.values())) < len(choices):
                raise ValueError(f"choices {name} use one text twice")
        if unknown := {field.choices for field in self.fields if field.choices} - set(self.choices):
            raise ValueError(f"no such choices: {sorted(unknown)}")
        return self

    def _ranges(self) -> Iterator[str]:
        yield from (self.title_at, self.stamp_at, *(line.cell for line in self.lines))
        yield from (section.at for section in self.sections)
        yield from (cells for field in self.fields for cells in (field.label, *field.cells))

    @property
    def fields(self) -> tuple[FormField, ...]:
        """Every question, in the order of the form."""
        return tuple(field for section in self.sections for field in section.fields)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every cell that takes an answer, in the order of the form."""
        return tuple(
            Slot(field, index, cells, self.choices.get(field.choices or "", {}))
            for field in self.fields
            for index, cells in enumerate(field.cells)
        )

    @cached_property
    def printed(self) -> frozenset[str]:
        """Every cell in which the form itself says something."""
        texts = (self.title_at, self.stamp_at, *(line.cell for line in self.lines))
        headings = (section.at for section in self.sections)
        return frozenset(map(first_cell, (*texts, *headings, *(field.label for field in self.fields))))

    @property
    def stamp(self) -> str:
        """What names form and version on each sheet, so that a sheet copied into another workbook is still known."""
        return f"{self.id} 第{self.version}版"


def load_template(text: str) -> FormTemplate:
    """A template from its YAML text.

    Raises:
        ConfigurationError: not a template, or one that contradicts itself.
    """
    try:
        return FormTemplate.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError) as wrong:
        raise ConfigurationError(f"form template: {wrong}", ja=f"様式の定義に誤りがあります: {wrong}") from wrong


@cache
def templates() -> Mapping[str, FormTemplate]:
    """The packaged templates by id."""
    folder = resources.files("gateway.schemas") / "data" / "forms"
    loaded = (load_template(each.read_text("utf-8")) for each in folder.iterdir() if each.name.endswith(".yaml"))
    return {template.id: template for template in sorted(loaded, key=lambda template: template.id)}


def load_named(template_id: str) -> FormTemplate:
    """A packaged template by its id.

    Raises:
        ConfigurationError: there is none of that name; the message lists those there are.
    """
    if template_id not in templates():
        known = ", ".join(templates())
        raise ConfigurationError(f"no form {template_id!r}; there are: {known}", ja=f"様式がありません（{known}）。")
    return templates()[template_id]
