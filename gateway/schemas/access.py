"""Who may do what: roles × actions, and which action opens which address. Data, in ``data/access.yaml``, not code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Of(StrEnum):
    """Whose things are at an address, or asked for by a parameter."""

    CALLER = "caller"
    RECIPIENT = "recipient"
    SUBMISSION = "submission"
    INSTITUTION = "institution"
    REPAIRED = "repaired"
    CONSENT = "consent"


class Address(BaseModel):
    """One address: which actions open it, whose things are there; see the head of the data file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    call: str
    by: tuple[str, ...] | None
    of: Of = Of.CALLER
    forms: Mapping[str, Of] = Field(default={}, alias="with")


class Shown(BaseModel):
    """To whom lines of a record kind are shown: to some roles, and to whoever may do an action."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: frozenset[str]
    by: str


class Access(BaseModel):
    """The table: roles by name, what some may do wherever firms paired with them, restricted kinds, and addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: Mapping[str, frozenset[str]]
    paired: Mapping[str, frozenset[str]]
    kinds: Mapping[str, Shown]
    addresses: tuple[Address, ...]

    @property
    def actions(self) -> frozenset[str]:
        """Everything anybody can be entitled to."""
        return frozenset().union(*self.roles.values())


@cache
def load_access() -> Access:
    """The table as packaged."""
    return Access.model_validate(yaml.safe_load((files("gateway.schemas") / "data" / "access.yaml").read_bytes()))


@cache
def load_address(name: str) -> Address:
    """The row of an operation.

    Raises:
        KeyError: the table does not know it, and so nobody may use it.
    """
    return {one.name: one for one in load_access().addresses}[name]
