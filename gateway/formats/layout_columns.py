"""What a layout can fill: the columns of each record kind that banks send in files, with their types and limits.

The columns of ``repayment_status`` are its own (``repayment_columns``). Those of the other kinds follow from their
models: a field is a column, a term before a change is ``before/maturity_on``, the first member of a list is
``change_kinds/1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import polars as pl
from pydantic import AwareDatetime, BaseModel

from gateway.schemas.records import KINDS
from gateway.schemas.records.loan import GuaranteedLoan
from gateway.schemas.records.repayment_columns import COLUMNS, KIND, LIMITS, REQUIRED

IN_FILES = frozenset(kind for kind, model in KINDS.items() if issubclass(model, GuaranteedLoan))
"""Kinds, besides repayments, of which banks send files of many."""

RATE = pl.Decimal(38, 4)
MOST_MEMBERS = 9
"""Columns that a list may have."""

_TYPES: Mapping[Any, pl.DataType] = {
    bool: pl.Boolean(),
    int: pl.Int64(),
    str: pl.String(),
    date: pl.Date(),
    Decimal: RATE,
    AwareDatetime: pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Fillable:
    """Columns of a kind by name: their types, the codes they may hold, and those without which a row is no record.

    Of a list in ``lists`` some member has to be there, whichever.
    """

    types: Mapping[str, pl.DataType]
    codes: Mapping[str, frozenset[str]]
    required: frozenset[str]
    lists: frozenset[str] = frozenset()


@cache
def fillable(kind: str) -> Fillable:
    """What a layout of a kind can fill.

    Raises:
        KeyError: banks send no files of this kind.
    """
    if kind == KIND:
        codes = {name: frozenset(limit["enum"]) for name, limit in LIMITS.items() if "enum" in limit}
        return Fillable(COLUMNS, codes, REQUIRED)
    if kind not in IN_FILES:
        raise KeyError(kind)
    model = KINDS[kind]
    columns = dict(_columns(model, ""))
    asked = frozenset(name for name, field in model.model_fields.items() if field.is_required())
    required, lists = asked & columns.keys(), asked - columns.keys()
    codes = {name: frozenset(_codes(form)) for name, form in columns.items() if _codes(form)}
    types = {name: _TYPES.get(form, pl.String()) for name, form in columns.items()}
    return Fillable(types, codes, required, lists)


def _columns(model: type[BaseModel], above: str) -> Iterator[tuple[str, Any]]:
    """Every column and what its values are; sections are opened, lists of sections and mappings have none."""
    hints = get_type_hints(model)
    for name in model.model_fields:
        form = _present(hints[name])
        if name == "kind" or get_origin(form) is dict:
            continue
        if isinstance(form, type) and issubclass(form, BaseModel):
            yield from _columns(form, f"{above}{name}/")
        elif get_origin(form) is tuple:
            member = get_args(form)[0]
            if not (isinstance(member, type) and issubclass(member, BaseModel)):
                yield from ((f"{above}{name}/{number}", member) for number in range(1, MOST_MEMBERS + 1))
        else:
            yield above + name, form


def _present(form: Any) -> Any:
    """A type without the None it may be instead."""
    if get_origin(form) in (Union, UnionType):
        [form] = [one for one in get_args(form) if one is not type(None)]
    return form


def _codes(form: Any) -> list[str]:
    if get_origin(form) is Literal:
        return list(get_args(form))
    return [one.value for one in form] if isinstance(form, type) and issubclass(form, StrEnum) else []
