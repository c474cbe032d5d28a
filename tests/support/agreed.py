"""Consents of made-up firms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Any

from gateway.registers.changes import Registrar
from gateway.registers.consents import firm_named, give
from gateway.schemas.consent import Consent, Kept
from gateway.schemas.identifiers import Reference
from gateway.schemas.register_change import Authority

TEXT = "みほん会計クラウド 第三者提供同意書 2026年版"


def agreed(**changes: Any) -> Consent:
    """What a firm agreed: its accounts and reports to corporation 13, for as long as nothing else is said."""
    said: dict[str, Any] = {
        "granted_by": {"name": "見本 太郎", "role": "代表取締役"},
        "granted_on": date(2026, 4, 1),
        "method": "web_click",
        "text_version": "2026-04",
        "text_sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
        "data_classes": ["tb", "fs", "report", "free_text", "repayment"],
        "purposes": ["mid_term_management"],
        "recipients": ["13"],
        "valid_from": date(2026, 1, 1),
        "channel": "accounting_software",
    }
    return Consent.model_validate(said | changes)


def consented(registrar: Registrar, firms: Iterable[Reference], by: str, **changes: Any) -> list[Kept]:
    """Let firms consent, on a participant's word."""
    word = Authority(how="participant", by=(by,))
    with registrar.changing() as changing:
        firms_named = [firm_named(changing, one) for one in firms]
        return [give(changing, agreed(**changes), one, word) for one in firms_named]
