"""What people call a field and its codes, in Japanese and English: said in the model, published in its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_type_hints

from pydantic import BaseModel, GetJsonSchemaHandler, StringConstraints
from pydantic_core import CoreSchema

Codes = Mapping[str, tuple[str, str]]
"""Code -> what it is called, in Japanese and English."""


@dataclass(frozen=True, eq=False)
class Label:
    """The name of a field in both languages, and of each of its codes; it costs nothing when a record is read.

    In a schema it is ``x-label`` (``{"ja": …, "en": …}``) and ``x-codes`` (code -> the same).
    """

    ja: str
    en: str
    codes: Codes = field(default_factory=dict)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The field's schema with its names."""
        named: dict[str, Any] = {**handler(core), "x-label": {"ja": self.ja, "en": self.en}}
        if self.codes:
            named["x-codes"] = {code: {"ja": ja, "en": en} for code, (ja, en) in self.codes.items()}
        return named


@dataclass(frozen=True)
class FreeText:
    """Marks a string as what people wrote: it is searched for numbers that may not be kept."""


FREE_TEXT = FreeText()
Short = Annotated[str, StringConstraints(max_length=500), FREE_TEXT]
"""A sentence or two that somebody wrote."""
Narrative = Annotated[str, StringConstraints(max_length=2_000), FREE_TEXT]
"""What somebody wrote at length."""


def names(model: type[BaseModel], kind: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Names of fields and codes of a kind, at any depth, by ``kind.field`` or ``kind.field.code``."""
    hints = get_type_hints(model, include_extras=True)
    for field_name in model.model_fields:
        for mark in getattr(hints[field_name], "__metadata__", ()):
            if isinstance(mark, Label):
                yield f"{kind}.{field_name}", (mark.ja, mark.en)
                yield from ((f"{kind}.{field_name}.{code}", called) for code, called in mark.codes.items())
        for part in _models_in(hints[field_name]):
            yield from names(part, kind)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def free_texts(annotation: Any, name: str = "") -> Iterator[str]:
    """Names of the fields, at any depth of a model, whose strings are marked as ``FREE_TEXT``."""
    if any(mark is FREE_TEXT for mark in getattr(annotation, "__metadata__", ())):
        yield name
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        hints = get_type_hints(annotation, include_extras=True)
        for member in annotation.model_fields:
            yield from free_texts(hints[member], member)
    for part in get_args(annotation):
        yield from free_texts(part, name)
