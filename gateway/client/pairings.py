"""Pairing codes: a corporation or bank makes one for a firm; the firm's accounting software shows what it offers and
uses it once the firm agreed. From then on the vendor submits with ``subject=tenant:…`` and names no corporation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.client import Client
from gateway.schemas.identifiers import Reference
from gateway.schemas.pairing import Agreement, Offer, Terms
from gateway.security.pairing_codes import read_code

ADDRESS = "/v1/pairings"


def offer(issuer: Client, firm: Reference, name: str, terms: Terms, hours: int = 72) -> Mapping[str, Any]:
    """Make a code for a firm, named by any number that the issuer knows it by; ``code``, ``offer``, ``expires_at``.

    Raises:
        Refusal: a corporation that the terms name did not let the issuer do this, or the number is none of its own.
    """
    asked = Offer(firm=firm, name=name, terms=terms, hours=hours)
    offered: Mapping[str, Any] = issuer.post(ADDRESS, asked.model_dump(mode="json")).json()
    return offered


def preview(vendor: Client, code: str) -> Mapping[str, Any]:
    """What a code offers: ``text``, ``text_sha256``, ``recipients`` by name, ``data_classes``, ``purposes``, …

    Raises:
        Mistyped: a symbol is wrong; nothing was asked.
        Refusal: there is no such code (any more).
    """
    offered: Mapping[str, Any] = vendor.post(f"{ADDRESS}/previews", {"code": read_code(code)}).json()
    return offered


def redeem(vendor: Client, code: str, agreement: Agreement) -> Mapping[str, Any]:
    """Use a code, once somebody agreed for the firm to the text that was shown; asked again it is answered alike.

    Raises:
        Mistyped: a symbol is wrong; nothing was asked.
        Refusal: there is no such code (any more), or another text was shown.
    """
    asked = {"code": read_code(code), "agreement": agreement.model_dump(mode="json", exclude_none=True)}
    paired: Mapping[str, Any] = vendor.post(f"{ADDRESS}/redemptions", asked).json()
    return paired
