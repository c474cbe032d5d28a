"""Who pairs in tests: a corporation and a bank that make codes, and two vendors that know no corporation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from world import World, corporate_number

from gateway.client import Client, pairings
from gateway.schemas.consent import GrantedBy
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.pairing import Agreement, Terms

CLERK, LENDER, SOFTWARE, RIVAL = "cgc-13-pairs", "bank-9801", "vendor-a", "vendor-b"
TEXT = "私は、会計データを下記の提供先に提供することに同意します。"


def terms(*recipients: str, classes: tuple[str, ...] = ("tb", "fs"), **more: Any) -> Terms:
    """What a code offers: figures, for the corporations' mid-term management."""
    said = {"text_version": "2026-11", "text": TEXT, "data_classes": classes, "purposes": ("mid_term_management",)}
    return Terms.model_validate({**said, "recipients": recipients or ("13",), **more})


def numbered(firm: int) -> Reference:
    """A firm by its corporate number."""
    return Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(firm))


@dataclass(frozen=True)
class Pairs:
    """A running gateway with those who pair."""

    world: World
    clerk: Client
    lender: Client
    software: Client
    rival: Client

    def offered(self, firm: int | Reference, asked: Terms | None = None, by: Client | None = None) -> str:
        """A code for a firm."""
        named = numbered(firm) if isinstance(firm, int) else firm
        return str(pairings.offer(by or self.clerk, named, "ある商店", asked or terms())["code"])

    def agreed(self, tenant: str, code: str, by: Client | None = None) -> Mapping[str, Any]:
        """The firm of a tenant looks at a code, and agrees."""
        vendor = by or self.software
        return pairings.redeem(vendor, code, agreement(tenant, pairings.preview(vendor, code)["text_sha256"]))

    def paired(self, tenant: str, firm: int, *recipients: str) -> Mapping[str, Any]:
        """A tenant that is paired with a firm."""
        return self.agreed(tenant, self.offered(firm, terms(*recipients)))


def agreement(tenant: str, text_sha256: str) -> Agreement:
    """That somebody agreed for a firm."""
    granted_by = GrantedBy(name="見本 花子", role="代表者")
    return Agreement(tenant=tenant, granted_by=granted_by, text_sha256=text_sha256)


def enrol_pairs(world: World) -> Pairs:
    """Enrol those who pair; the vendors are entitled at no corporation."""
    world.enrol(CLERK, "corporation", None, ["pair:13", "link:13", "read:13"])
    world.enrol("cgc-14100", "corporation", None, ["pair:14100", "link:14100", "read:14100"])
    world.enrol(LENDER, "bank", "9801", ["submit:13", "pair:13", "pair:14100"])
    world.enrol(SOFTWARE, "vendor", None, [])
    world.enrol(RIVAL, "vendor", None, [])
    return Pairs(world, *(world.client(name) for name in (CLERK, LENDER, SOFTWARE, RIVAL)))
