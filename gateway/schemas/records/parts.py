"""What several kinds of record share: sections, texts of bounded length, and the words for support and for contact."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId, Opaque
from gateway.schemas.records.header import RecordBase, Yen
from gateway.schemas.records.labels import FREE_TEXT, Codes, Label

Title = Annotated[str, StringConstraints(max_length=100), FREE_TEXT]
"""A name, or what something is called."""

Said = Annotated[str, StringConstraints(min_length=1, max_length=2_000), FREE_TEXT]
"""A text that says something: it is what its record is for."""

GuaranteeNo = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9A-Z-]+$")]
GuaranteeNos = Annotated[tuple[GuaranteeNo, ...], Field(max_length=100)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Month = Annotated[str, StringConstraints(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$")]
"""A calendar month, ``YYYY-MM``."""

NonNegativeYen = Annotated[Yen, Field(ge=0)]
SEEN: Codes = {
    "yes": ("はい", "yes"),
    "no": ("いいえ", "no"),
    "unknown": ("不明", "unknown"),
}

Seen = Literal["yes", "no", "unknown"]
"""Whether something is so, as far as the sender knows; absent where it was not asked."""

PERSONS: Codes = {
    "representative": ("代表者", "representative"),
    "family": ("家族", "family"),
    "accounting": ("経理担当", "accounting"),
    "tax_accountant": ("税理士", "tax accountant"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}

Person = Literal["representative", "family", "accounting", "tax_accountant", "other", "unknown"]
MEETINGS: Codes = {
    "visit": ("訪問", "visit"),
    "branch_visit": ("来店", "visit at the branch"),
    "phone": ("電話", "telephone"),
    "web": ("オンライン", "online"),
    "mail": ("郵便・メール", "mail"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}

Meeting = Literal["visit", "branch_visit", "phone", "web", "mail", "other", "unknown"]
URGENCIES: Codes = {
    "none": ("不要", "none"),
    "watch": ("様子を見る", "to be watched"),
    "soon": ("早めに対応", "soon"),
    "urgent": ("至急", "urgent"),
    "unknown": ("不明", "unknown"),
}

Urgency = Literal["none", "watch", "soon", "urgent", "unknown"]
DIRECTIONS: Codes = {
    "better": ("好転", "better"),
    "same": ("変わらず", "the same"),
    "worse": ("悪化", "worse"),
    "unknown": ("不明", "unknown"),
}

Direction = Literal["better", "same", "worse", "unknown"]
ENTITY_TYPES: Codes = {
    "corporation": ("会社等の法人", "company"),
    "sole_proprietor": ("個人事業者", "sole proprietor"),
    "association": ("組合", "association"),
    "medical_corp": ("医療法人", "medical corporation"),
    "npo": ("NPO法人", "non-profit corporation"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}

EntityType = Literal["corporation", "sole_proprietor", "association", "medical_corp", "npo", "other", "unknown"]
SUCCESSORS: Codes = {
    "decided": ("決定", "decided"),
    "candidate": ("候補あり", "a candidate"),
    "none": ("いない", "none"),
    "unknown": ("不明", "unknown"),
}

Successor = Literal["decided", "candidate", "none", "unknown"]
ORIGINS: Codes = {
    "push": ("プッシュ型", "push: the corporation chose"),
    "pull": ("プル型", "pull: the bank brought it"),
    "unknown": ("不明", "unknown"),
}

Origin = Literal["push", "pull", "unknown"]
"""プッシュ型 (the corporation chose the firm), プル型 (the bank brought it)."""

TOPICS: Codes = {
    "sales": ("売上", "sales"),
    "margin": ("採算", "margin"),
    "cost": ("経費", "cost"),
    "cash": ("資金繰り", "cash"),
    "labour": ("人手・人件費", "labour"),
    "owner_health": ("経営者の健康", "owner's health"),
    "successor": ("後継者", "successor"),
    "receivable": ("売掛金の回収", "receivables"),
    "inventory": ("在庫", "inventory"),
    "debt_load": ("借入負担", "debt load"),
    "facility": ("設備", "facilities"),
    "supplier": ("仕入先", "suppliers"),
    "customer": ("得意先", "customers"),
    "dispute": ("紛争", "dispute"),
    "disaster": ("災害", "disaster"),
    "tax_arrears": ("税・社会保険料の滞納", "tax arrears"),
    "opportunity": ("好機", "opportunity"),
    "other": ("その他", "other"),
}

Topic = Literal[
    "sales", "margin", "cost", "cash", "labour", "owner_health", "successor", "receivable", "inventory", "debt_load",
    "facility", "supplier", "customer", "dispute", "disaster", "tax_arrears", "opportunity", "other",
]  # fmt: skip
"""What a firm is in trouble with, or has going for it."""

SUPPORT_KINDS: Codes = {
    "expert_dispatch": ("専門家派遣", "expert sent"),
    "support_meeting": ("経営サポート会議", "support meeting"),
    "revitalization_council": ("中小企業活性化協議会", "revitalisation council"),
    "yorozu": ("よろず支援拠点", "Yorozu support centre"),
    "plan_making": ("計画策定", "plan made"),
    "plan_405": ("405事業", "programme 405"),
    "early_improvement_plan": ("早期経営改善計画", "early improvement plan"),
    "reschedule": ("条件変更", "reschedule"),
    "refinancing": ("借換", "refinancing"),
    "new_money": ("新規融資", "new money"),
    "business_match": ("ビジネスマッチング", "business matching"),
    "succession": ("事業承継", "succession"),
    "bank_own": ("金融機関独自の支援", "the bank's own"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}

SupportKind = Literal[
    "expert_dispatch", "support_meeting", "revitalization_council", "yorozu", "plan_making", "plan_405",
    "early_improvement_plan", "reschedule", "refinancing", "new_money", "business_match", "succession",
    "bank_own", "other", "unknown",
]  # fmt: skip
"""専門家派遣, 経営サポート会議, 中小企業活性化協議会, よろず支援拠点, 計画策定, 405事業, 早期経営改善計画, 条件変更,
借換, 新規融資, ビジネスマッチング, 事業承継, 金融機関独自, その他, 不明."""

SupportKinds = Annotated[tuple[SupportKind, ...], Field(max_length=20)]


class Part(BaseModel):
    """A section of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(Part):
    """Who spoke for one side, and how to reach them: the firm's officer at a bank, or a corporation's own."""

    office: Annotated[Title | None, Label("部署・店名", "office")] = None
    officer_name: Annotated[Title | None, Label("担当者名", "officer")] = None
    officer_contact: Annotated[Title | None, Label("連絡先", "how to reach them")] = None


class Numbered(RecordBase):
    """A record that its sender gave a number of its own: corrections carry the same one.

    ``guarantee_nos`` are those it speaks of; without any, ``references`` or the submission say whose it is.
    """

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode | None, Label("金融機関コード", "bank")] = None
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    guarantee_nos: Annotated[GuaranteeNos, Label("保証番号", "guarantees")] = ()
    record_no: Annotated[Opaque, Label("管理番号", "sender's own number")]

    looks_back: ClassVar[timedelta] = timedelta(days=400)

    @property
    def placed_by(self) -> str | None:
        """The first guarantee it names."""
        return self.guarantee_nos[0] if self.guarantee_nos else None

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return self.record_no


def first_day(month: str) -> date:
    """The first day of a month.

    >>> first_day("2026-02"), last_day("2026-02")
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    """
    return date(int(month[:4]), int(month[5:]), 1)


def last_day(month: str) -> date:
    """The last day of a month."""
    first = first_day(month)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])
