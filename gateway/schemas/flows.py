"""On what basis data flows: whose report it is, of which kind. Data, in ``data/flows.yaml``, not code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas.consent import Basis, DataClass, Method, Purpose, Wanted
from gateway.schemas.statement import Origin

ANY_KIND = "*"
BANK = "bank"
STRICTEST_FIRST = (Basis.CONSENT, Basis.CONTRACT, Basis.LAW)


class Form(BaseModel):
    """Which text firms agreed to with a contract, from which Japanese calendar day on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_version: str
    since: date
    method: Method


class Flow(BaseModel):
    """What a flow rests on, by record kind, and the texts that were agreed to with it, the oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Mapping[str, Basis]
    forms: tuple[Form, ...] = ()

    def rests_on(self, kind: str) -> Basis:
        """The basis for a record kind."""
        return self.basis.get(kind) or self.basis[ANY_KIND]

    def form(self, on: date) -> Form | None:
        """The text in use on a day, where there is one."""
        return next((one for one in reversed(self.forms) if one.since <= on), None)


class Content(BaseModel):
    """What a record of a kind holds, and what a corporation uses it for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[DataClass, ...] = Field(min_length=1)
    purpose: Purpose


class Flows(BaseModel):
    """All flows by whose report it is, and all record kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flows: Mapping[str, Flow]
    kinds: Mapping[str, Content]


@cache
def load_flows() -> Flows:
    """The flows as packaged."""
    return Flows.model_validate(yaml.safe_load((files("gateway.schemas") / "data" / "flows.yaml").read_bytes()))


def flow_of(role: str, institution: str) -> str:
    """Whose report it is that a participant of a role hands over for an institution.

    >>> flow_of("vendor", "9991"), flow_of("vendor", "vendor-1"), flow_of("tool", "tool-1")
    ('bank', 'vendor', 'vendor')
    """
    if role == BANK or (len(institution) == 4 and institution.isascii() and institution.isdigit()):
        return BANK
    return role if role in load_flows().flows else "vendor"


@lru_cache(maxsize=256)
def basis_of(flow: str, kind: str) -> Basis:
    """What a record of a kind in a flow rests on."""
    return load_flows().flows[flow].rests_on(kind)


@lru_cache(maxsize=256)
def strictest(flow: str, kinds: tuple[str, ...]) -> Basis:
    """What a statement over records of some kinds rests on: the strictest of what they do."""
    found = {basis_of(flow, kind) for kind in kinds or (ANY_KIND,)}
    return next(one for one in STRICTEST_FIRST if one in found)


def needs_consent(flow: str, kinds: Iterable[str]) -> bool:
    """Whether any of some record kinds in a flow may be disclosed only under a firm's consent."""
    return any(basis_of(flow, kind) is Basis.CONSENT for kind in kinds)


def flow_in(origin: Origin) -> str:
    """The flow of a submission; of one taken before flows were named, the strictest it can have been."""
    return origin.flow or flow_of("", origin.institution)


def wanted(kind: str, recipient: str, provider: str | None) -> Wanted:
    """What disclosing a record of a kind to a recipient needs a consent for."""
    content = load_flows().kinds[kind]
    return Wanted(classes=content.classes, purpose=content.purpose, recipient=recipient, provider=provider)
