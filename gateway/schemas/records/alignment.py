"""目線合わせ: bank and corporation agree whether a firm needs support, and who gives it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from gateway.schemas.identifiers import BankCode
from gateway.schemas.records.labels import Codes, Label, Narrative
from gateway.schemas.records.parts import (
    MEETINGS,
    SEEN,
    SUPPORT_KINDS,
    URGENCIES,
    Meeting,
    Numbered,
    Party,
    Seen,
    SupportKinds,
    Urgency,
)

POLICY: Codes = {
    "cgc_alone": ("協会独自", "by the corporation alone"),
    "together": ("連携", "together"),
    "watch": ("継続観察", "watched further"),
    "undecided": ("未定", "undecided"),
    "unknown": ("不明", "unknown"),
}


NEED: Codes = {
    "needed": ("必要", "needed"),
    "not_needed": ("不要", "not needed"),
    "uncertain": ("判断できない", "uncertain"),
    "unknown": ("不明", "unknown"),
}


class Alignment(Numbered):
    """What both sides came to think: ``policy`` is 協会独自, 連携 or 継続観察."""

    kind: Literal["alignment"] = "alignment"
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    held_on: Annotated[date, Label("実施日", "held on")]
    method: Annotated[Meeting, Label("方法", "method", MEETINGS)] = "unknown"
    need: Annotated[Literal["needed", "not_needed", "uncertain", "unknown"], Label("支援の要否", "need", NEED)] = (
        "unknown"
    )
    urgency: Annotated[Urgency, Label("緊急度", "urgency", URGENCIES)] = "unknown"
    policy: Annotated[
        Literal["cgc_alone", "together", "watch", "undecided", "unknown"], Label("対応方針", "policy", POLICY)
    ]
    wanted: Annotated[SupportKinds, Label("希望する支援", "support wanted", SUPPORT_KINDS)] = ()
    bank_party: Annotated[Party, Label("金融機関側", "for the bank")]
    cgc_party: Annotated[Party, Label("協会側", "for the corporation")]
    bank_agrees: Annotated[Seen, Label("金融機関の同意", "bank agrees", SEEN)] = "unknown"
    cgc_agrees: Annotated[Seen, Label("協会の同意", "corporation agrees", SEEN)] = "unknown"
    review_on: Annotated[date | None, Label("見直し予定日", "to be reviewed on")] = None
    note: Annotated[Narrative | None, Label("所見", "note")] = None

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.held_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.held_on
