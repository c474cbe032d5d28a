"""事業者の属性: what kind of firm it is, as its bank or accountant knows it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase, Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Codes, Label
from gateway.schemas.records.parts import (
    ENTITY_TYPES,
    SEEN,
    SUCCESSORS,
    EntityType,
    NonNegativeYen,
    Part,
    Seen,
    Successor,
    Title,
)

Jsic = Annotated[str, StringConstraints(pattern=r"^[A-T](\d{2,4})?$|^\d{2,4}$")]
"""日本標準産業分類: the letter of a large class, with or without digits, or two to four digits."""

Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=5, decimal_places=4)]
"""A part of one, to a hundredth of a percent."""


BIRTH_YEAR_GROUND: Codes = {
    "consent": ("同意", "consent"),
    "public_register": ("公的な登記等", "public register"),
    "contract": ("契約", "contract"),
}


class Representative(Part):
    """代表者. The year of birth, never the day, and only with the ground on which it may be told."""

    name: Annotated[Title | None, Label("氏名・名称", "name")] = None
    birth_year: Annotated[int | None, Field(ge=1900, le=2100), Label("生年", "year of birth")] = None
    birth_year_ground: Annotated[
        Literal["consent", "public_register", "contract"] | None,
        Label("生年提供の根拠", "ground for telling the year", BIRTH_YEAR_GROUND),
    ] = None
    since: Annotated[date | None, Label("就任日", "since")] = None


class Accountant(Part):
    """顧問税理士. ``article_33_2`` says whether the last return carried the statement of 税理士法33条の2."""

    name: Annotated[Title | None, Label("氏名・名称", "name")] = None
    office: Annotated[Title | None, Label("部署・店名", "office")] = None
    registration_no: Annotated[
        Annotated[str, StringConstraints(pattern="^\\d{1,6}$")] | None, Label("税理士登録番号", "registration number")
    ] = None
    article_33_2: Annotated[Seen | None, Label("33条の2書面の添付", "statement under article 33-2", SEEN)] = None


JSIC_VERSION: Codes = {
    "13": ("第13回改定", "revision 13"),
    "14": ("第14回改定", "revision 14"),
}


class SubjectProfile(RecordBase):
    """What is known of a firm as of one day. ``guaranteed_share`` is that of its borrowings under guarantee."""

    kind: Literal["subject_profile"] = "subject_profile"
    looks_back: ClassVar[timedelta] = timedelta(days=400)

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode | None, Label("金融機関コード", "bank")] = None
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    as_of: Annotated[date, Label("基準日", "as of")]
    entity_type: Annotated[EntityType, Label("事業形態", "legal form", ENTITY_TYPES)] = "unknown"
    capital_yen: Annotated[NonNegativeYen | None, Label("資本金", "capital, yen")] = None
    employees: Annotated[int | None, Field(ge=0, le=10000000), Label("従業員数", "employees")] = None
    jsic: Annotated[Jsic | None, Label("産業分類", "industry (JSIC)")] = None
    jsic_version: Annotated[Literal["13", "14"] | None, Label("産業分類の版", "revision of JSIC", JSIC_VERSION)] = None
    industry_label: Annotated[Title | None, Label("業種", "industry")] = None
    founded_on: Annotated[date | None, Label("創業日", "founded on")] = None
    incorporated_on: Annotated[date | None, Label("設立日", "incorporated on")] = None
    fiscal_year_end_month: Annotated[int | None, Field(ge=1, le=12), Label("決算月", "month of closing")] = None
    prefecture: Annotated[
        Annotated[str, StringConstraints(pattern="^(0[1-9]|[1-3]\\d|4[0-7])$")] | None,
        Label("都道府県コード", "prefecture"),
    ] = None
    successor: Annotated[Successor, Label("後継者", "successor", SUCCESSORS)] = "unknown"
    representative: Annotated[Representative, Label("代表者", "representative")] = Representative()
    accountant: Annotated[Accountant, Label("顧問税理士", "accountant")] = Accountant()
    has_proper_loan: Annotated[Seen, Label("プロパー融資の有無", "has a loan at the bank's own risk", SEEN)] = "unknown"
    proper_balance_yen: Annotated[
        NonNegativeYen | None, Label("プロパー残高", "balance at the bank's own risk, yen")
    ] = None
    guaranteed_balance_yen: Annotated[NonNegativeYen | None, Label("保証付残高", "guaranteed balance, yen")] = None
    guaranteed_share: Annotated[Share | None, Label("保証付融資の割合", "share under guarantee, 0 to 1")] = None
    is_main_bank: Annotated[Seen, Label("主力行か", "is the main bank", SEEN)] = "unknown"
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.as_of

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.as_of

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution: there is one profile each."""
        return ""
