"""アプローチ: that somebody went to a firm to offer support, and what it answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Codes, Label, Narrative
from gateway.schemas.records.parts import (
    MEETINGS,
    ORIGINS,
    PERSONS,
    SUPPORT_KINDS,
    Meeting,
    NonNegativeYen,
    Numbered,
    Origin,
    Person,
    SupportKinds,
)

DECLINE_REASONS: Codes = {
    "self_reliant": ("自力で対応", "helps itself"),
    "unaware": ("危機意識なし", "sees no need"),
    "no_capacity": ("余力がない", "has no capacity"),
    "cost": ("費用負担", "cost"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


ANSWER: Codes = {
    "accepted": ("受入れ", "accepted"),
    "declined": ("辞退", "declined"),
    "undecided": ("検討中", "undecided"),
    "not_met": ("面談できず", "not met"),
    "unknown": ("不明", "unknown"),
}


ACCOMPANIED_BY: Codes = {
    "bank": ("金融機関", "bank"),
    "cgc": ("信用保証協会", "corporation"),
    "council": ("中小企業活性化協議会", "revitalisation council"),
    "expert": ("専門家", "expert"),
    "accountant": ("税理士・会計士", "accountant"),
    "other": ("その他", "other"),
    "nobody": ("単独", "nobody"),
    "unknown": ("不明", "unknown"),
}


class Approach(Numbered):
    """One contact with a firm about support. ``cost_yen`` is what the support offered would cost the firm."""

    kind: Literal["approach"] = "approach"
    approached_on: Annotated[date, Label("訪問日", "approached on")]
    origin: Annotated[Origin, Label("きっかけ", "origin", ORIGINS)] = "unknown"
    method: Annotated[Meeting, Label("方法", "method", MEETINGS)] = "unknown"
    accompanied_by: Annotated[
        tuple[Literal["bank", "cgc", "council", "expert", "accountant", "other", "nobody", "unknown"], ...],
        Field(max_length=10),
        Label("同行者", "accompanied by", ACCOMPANIED_BY),
    ] = ()
    counterpart: Annotated[Person | None, Label("面談相手", "counterpart", PERSONS)] = None
    offered: Annotated[SupportKinds, Label("提案した支援", "support offered", SUPPORT_KINDS)] = ()
    accepted: Annotated[SupportKinds, Label("受け入れた支援", "support accepted", SUPPORT_KINDS)] = ()
    answer: Annotated[
        Literal["accepted", "declined", "undecided", "not_met", "unknown"], Label("事業者の回答", "answer", ANSWER)
    ] = "unknown"
    decline_reasons: Annotated[
        tuple[Literal["self_reliant", "unaware", "no_capacity", "cost", "other", "unknown"], ...],
        Field(max_length=6),
        Label("辞退の理由", "reasons for declining", DECLINE_REASONS),
    ] = ()
    cost_yen: Annotated[NonNegativeYen | None, Label("費用", "cost, yen")] = None
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE
    next_on: Annotated[date | None, Label("次回予定日", "next on")] = None
    note: Annotated[Narrative | None, Label("所見", "note")] = None

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.approached_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.approached_on
