"""Values of our own making, made by the hundred thousand."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

_new, _set = object.__new__, object.__setattr__


@cache
def _all_fields(model: type[BaseModel]) -> set[str]:
    """One set for all instances: they are frozen, so nobody adds to it."""
    return set(model.model_fields)


def trusted(model: type[Model], values: dict[str, Any]) -> Model:
    """An instance of a model, not validated: three times as fast as validating what we have just made ourselves.

    A file in which every row is wrong has as many findings as rows. Only for values that are already of the right
    type, never for what came from outside; equal in every way to the instance that validation would give.

    Args:
        model: a frozen model without private attributes.
        values: every field of the model by name; defaults are not filled in.
    """
    instance = _new(model)
    _set(instance, "__dict__", values)
    _set(instance, "__pydantic_fields_set__", _all_fields(model))
    _set(instance, "__pydantic_extra__", None)
    _set(instance, "__pydantic_private__", None)
    return instance
