"""ローカルベンチマーク: the figures its six indicators are computed from, and the two sheets that hold no figures."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase, Rounding, SourceRounding, SourceUnit, Unit, Yen
from gateway.schemas.records.labels import Codes, Label, Narrative, Short
from gateway.schemas.records.parts import NonNegativeYen, Part, Title

INDICATORS: Codes = {
    "sales_growth": ("売上増加率", "growth of sales"),
    "operating_margin": ("営業利益率", "operating margin"),
    "labour_productivity": ("労働生産性", "labour productivity"),
    "ebitda_debt_multiple": ("EBITDA有利子負債倍率", "net debt to EBITDA"),
    "working_capital_months": ("営業運転資本回転期間", "months of working capital"),
    "equity_ratio": ("自己資本比率", "equity ratio"),
}

Indicator = Literal[
    "sales_growth", "operating_margin", "labour_productivity", "ebitda_debt_multiple", "working_capital_months",
    "equity_ratio",
]  # fmt: skip
"""売上増加率, 営業利益率, 労働生産性, EBITDA有利子負債倍率, 営業運転資本回転期間, 自己資本比率."""


class BenchmarkTerm(Part):
    """The fourteen figures of one term, as the sheet asks for them; the term before is needed for its sales only."""

    fiscal_year_end: Annotated[date, Label("事業年度末", "end of the term")]
    sales_yen: Annotated[Yen | None, Label("売上高", "sales, yen")] = None
    prior_sales_yen: Annotated[Yen | None, Label("前期売上高", "prior term's sales, yen")] = None
    operating_profit_yen: Annotated[Yen | None, Label("営業利益", "operating profit, yen")] = None
    depreciation_yen: Annotated[Yen | None, Label("減価償却費", "depreciation, yen")] = None
    employees: Annotated[int | None, Field(ge=0, le=10000000), Label("従業員数", "employees")] = None
    borrowings_yen: Annotated[NonNegativeYen | None, Label("借入金", "borrowings, yen")] = None
    cash_and_deposits_yen: Annotated[Yen | None, Label("現金・預金", "cash and deposits, yen")] = None
    accounts_receivable_yen: Annotated[Yen | None, Label("売掛金", "accounts receivable, yen")] = None
    notes_receivable_yen: Annotated[Yen | None, Label("受取手形", "notes receivable, yen")] = None
    inventories_yen: Annotated[Yen | None, Label("棚卸資産", "inventories, yen")] = None
    accounts_payable_yen: Annotated[Yen | None, Label("買掛金", "accounts payable, yen")] = None
    notes_payable_yen: Annotated[Yen | None, Label("支払手形", "notes payable, yen")] = None
    net_assets_yen: Annotated[Yen | None, Label("純資産", "net assets, yen")] = None
    total_assets_yen: Annotated[Yen | None, Label("負債・純資産合計", "total assets, yen")] = None


class StatedIndicator(Part):
    """What the sheet itself shows of an indicator of the last term; ours is computed, and compared with it."""

    indicator: Annotated[Indicator, Label("指標", "indicator", INDICATORS)]
    value: Annotated[Annotated[Decimal, Field(max_digits=18, decimal_places=6)] | None, Label("値", "value")] = None
    score: Annotated[int | None, Field(ge=1, le=5), Label("得点", "points")] = None


class BusinessStep(Part):
    """One step of 業務フロー, and what the firm does otherwise than others there."""

    step: Annotated[Title, Label("業務", "step")]
    differentiation: Annotated[Short | None, Label("差別化ポイント", "differentiation")] = None


ROLE: Codes = {
    "supplier": ("仕入先", "supplier"),
    "partner": ("協力先", "partner"),
    "customer": ("得意先", "customer"),
    "end_user": ("エンドユーザー", "end user"),
}


class TradePartner(Part):
    """商流: one kind of partner, and why the one chose the other."""

    role: Annotated[Literal["supplier", "partner", "customer", "end_user"], Label("立場", "role", ROLE)]
    partner: Annotated[Title, Label("取引先", "partner")]
    chosen_because: Annotated[Short | None, Label("選定理由", "chosen because")] = None


PERSPECTIVE: Codes = {
    "manager": ("経営者", "manager"),
    "business": ("事業", "business"),
    "environment": ("企業を取り巻く環境・関係者", "surroundings and stakeholders"),
    "internal_control": ("内部管理体制", "internal control"),
}


class Viewpoint(Part):
    """One entry of 4つの視点: 経営者, 事業, 企業を取り巻く環境・関係者, 内部管理体制."""

    perspective: Annotated[
        Literal["manager", "business", "environment", "internal_control"], Label("視点", "perspective", PERSPECTIVE)
    ]
    heading: Annotated[Title, Label("項目", "heading")]
    text: Annotated[Narrative, Label("内容", "text")]
    updated_on: Annotated[date | None, Label("更新日", "updated on")] = None


class Outlook(Part):
    """現状認識, 将来目標, 課題, 対応策."""

    present: Annotated[Narrative | None, Label("現状認識", "present state")] = None
    goal: Annotated[Narrative | None, Label("目標", "goal")] = None
    gap: Annotated[Narrative | None, Label("課題", "gap")] = None
    measures: Annotated[Narrative | None, Label("対応策", "measures")] = None


STATED_RANK: Codes = {
    "A": ("Aランク", "rank A"),
    "B": ("Bランク", "rank B"),
    "C": ("Cランク", "rank C"),
    "D": ("Dランク", "rank D"),
}


SIZE: Codes = {
    "medium": ("中規模", "medium"),
    "small": ("小規模", "small"),
    "unknown": ("不明", "unknown"),
}


PREPARED_BY: Codes = {
    "firm": ("事業者", "firm"),
    "bank": ("金融機関", "bank"),
    "accountant": ("税理士・会計士", "accountant"),
    "cgc": ("信用保証協会", "corporation"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


class LocalBenchmark(RecordBase):
    """One sheet. Terms are in order, the last one is the one that is judged.

    ``industry_class`` is the sheet's own small class (0101–1400) and ``size`` 中規模 or 小規模; without both there are
    indicators, but no points. On its line stands what was computed (``assessed``): by which formulas and boundaries,
    the indicators of every term with the figures each used, or why it has none; and points, total and rank of the last.
    """

    kind: Literal["local_benchmark"] = "local_benchmark"
    looks_back: ClassVar[timedelta] = timedelta(days=400)

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode | None, Label("金融機関コード", "bank")] = None
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    as_of: Annotated[date, Label("基準日", "as of")]
    prepared_by: Annotated[
        Literal["firm", "bank", "accountant", "cgc", "other", "unknown"], Label("作成者", "prepared by", PREPARED_BY)
    ] = "unknown"
    industry_class: Annotated[
        Annotated[str, StringConstraints(pattern="^(0[1-9]|1[0-4])\\d{2}$")] | None,
        Label("ローカルベンチマークの業種", "industry class of the sheet"),
    ] = None
    size: Annotated[Literal["medium", "small", "unknown"], Label("規模", "size", SIZE)] = "unknown"
    terms: Annotated[tuple[BenchmarkTerm, ...], Field(min_length=1, max_length=3), Label("決算期", "terms")]
    stated: Annotated[
        tuple[StatedIndicator, ...], Field(max_length=6), Label("シートの指標", "indicators as stated")
    ] = ()
    stated_rank: Annotated[
        Literal["A", "B", "C", "D"] | None, Label("シートの総合評価", "rank as stated", STATED_RANK)
    ] = None
    steps: Annotated[tuple[BusinessStep, ...], Field(max_length=5), Label("業務フロー", "business flow")] = ()
    partners: Annotated[tuple[TradePartner, ...], Field(max_length=20), Label("商流", "trade flow")] = ()
    viewpoints: Annotated[tuple[Viewpoint, ...], Field(max_length=60), Label("4つの視点", "four viewpoints")] = ()
    outlook: Annotated[Outlook, Label("現状認識・将来目標・課題・対応策", "outlook")] = Outlook()
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return min(self.terms[0].fiscal_year_end, self.valid_on)

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: the end of the term that is judged."""
        return self.terms[-1].fiscal_year_end

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return ""
