"""The canonical chart of accounts, loaded once from ``data/accounts.yaml``; what its members mean is said there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import yaml

Side = Literal["debit", "credit"]


@dataclass(frozen=True, slots=True)
class Account:
    """One canonical account.

    Attributes:
        side: the account's own normal side; a ``contra`` account's is the opposite of its parent's.
        parent: key of the total it is part of, None at the top and along the profit chain.
        total: it is itself a sum of others.
        etax: codes of the NTA's tables; one ending in ``*`` stands for all that begin so.
        etax_total: codes under which the account's own sum is stated again.
    """

    key: str
    ja: str
    statement: Literal["BS", "PL", "CR"]
    side: Side
    parent: str | None = None
    total: bool = False
    contra: bool = False
    etax: tuple[str, ...] = ()
    etax_total: tuple[str, ...] = ()
    edinet: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """What accounts without a key of their own count under: by code prefix, or by the section they stand in."""

    key: str
    prefix: str | None = None
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """All accounts by key, their families, and per product the names that mean something particular there."""

    accounts: Mapping[str, Account]
    families: tuple[Family, ...]
    vendors: Mapping[str, Mapping[str, str]]


@cache
def chart() -> Chart:
    """The chart, read once per process and never changed."""
    source = (files("gateway.schemas") / "data" / "accounts.yaml").read_bytes()
    content: dict[str, Any] = yaml.load(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    accounts = [_account(entry) for entry in content["accounts"]]
    families = [
        Family(entry["key"], entry.get("prefix"), tuple(entry.get("sections", ()))) for entry in content["families"]
    ]
    vendors = {product: MappingProxyType(names) for product, names in content["vendors"].items()}
    by_key = {account.key: account for account in accounts}
    return Chart(MappingProxyType(by_key), tuple(families), MappingProxyType(vendors))


def _account(entry: dict[str, Any]) -> Account:
    members: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }
    return Account(statement=members.pop("in"), **members)
