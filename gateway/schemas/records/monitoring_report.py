"""業況報告書: what the bank saw and heard of the firm in a half year."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase, Rounding, Unit, Yen

Trend = Literal["up", "flat", "down", "unknown"]
Narrative = Annotated[str, StringConstraints(max_length=2_000)]
Short = Annotated[str, StringConstraints(max_length=500)]


class Part(BaseModel):
    """A section of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Omission(Part):
    """記載省略 and its grounds: 償却前経常利益 and net worth of a corporation, both positive."""

    claimed: bool = False
    fiscal_year_end: date | None = None
    pre_dep_ordinary_profit_yen: Yen | None = None
    net_assets_yen: Yen | None = None


class Contact(Part):
    """訪問・面談."""

    frequency: Literal["weekly", "monthly", "bimonthly", "quarterly", "semiannual", "none"] | None = None
    visit_count: int | None = Field(default=None, ge=0, le=999)
    methods: tuple[Literal["visit", "branch_visit", "phone", "web", "mail", "other"], ...] = ()
    last_on: date | None = None
    counterpart: Literal["representative", "family", "accounting", "tax_accountant", "other"] | None = None


class PeriodResult(Part):
    """収支実績 of one period, yen."""

    period: str = Field(max_length=40)
    sales_yen: Yen | None = None
    gross_profit_yen: Yen | None = None
    operating_profit_yen: Yen | None = None
    ordinary_profit_yen: Yen | None = None
    depreciation_yen: Yen | None = None


class Performance(Part):
    """業況: recent sales, their trend and their causes."""

    monthly_sales_yen: Yen | None = None
    monthly_sales_prior_yen: Yen | None = None
    sales_trend: Trend | None = None
    sales_change_pct: Decimal | None = Field(default=None, ge=-100, max_digits=7, decimal_places=1)
    results: tuple[PeriodResult, ...] = ()
    profit_state: Literal["profit", "break_even", "loss", "unknown"] | None = None
    orders_trend: Trend | None = None
    cause: Short | None = None


class Cash(Part):
    """資金繰り."""

    deposits_yen: Yen | None = None
    borrowings_yen: Yen | None = None
    state: Literal["comfortable", "normal", "tight", "very_tight", "unknown"] | None = None
    months_left: Decimal | None = Field(default=None, max_digits=6, decimal_places=1)


class Repayment(Part):
    """返済状況."""

    state: Literal["as_agreed", "partial_delay", "arrears", "rescheduled", "in_grace"] | None = None
    can_start: Literal["yes", "uncertain", "no", "na"] | None = None
    tax_arrears: Literal["none", "some", "installment", "unknown"] | None = None


class Support(Part):
    """支援の要否と実績."""

    needed: Literal["none", "watch", "want_cgc_visit", "urgent"] | None = None
    kinds: tuple[str, ...] = ()
    fi_actions: tuple[Short, ...] = ()


class PlanItem(Part):
    """One action of the 経営行動計画."""

    action: Short
    due_on: date | None = None
    kpi: str | None = Field(default=None, max_length=100)
    target: str | None = Field(default=None, max_length=100)
    actual: str | None = Field(default=None, max_length=100)
    state: Literal["done", "on_track", "late", "not_started", "dropped"] | None = None


class Plan(Part):
    """計画進捗."""

    items: tuple[PlanItem, ...] = ()
    gap_reason: Short | None = None
    countermeasure: Short | None = None


class Profile(Part):
    """事業者の属性."""

    jsic: str | None = Field(default=None, max_length=8)
    employees: int | None = Field(default=None, ge=0)
    successor: Literal["decided", "candidate", "none", "unknown"] | None = None


class MonitoringReport(RecordBase):
    """One report by one bank about one firm for one half year. Amounts are yen (forms state 千円)."""

    kind: Literal["monitoring_report"] = "monitoring_report"
    looks_back: ClassVar[timedelta] = timedelta(days=400)
    template_id: str = Field(default="monitoring-report", max_length=64)
    template_version: str = Field(default="1", max_length=16)
    cgc_id: CgcId | None = None
    bank_code: BankCode
    branch_code: BranchCode | None = None
    reporter_name: str | None = Field(default=None, max_length=100)
    reporter_contact: str | None = Field(default=None, max_length=100)
    guarantee_nos: tuple[str, ...] = ()
    scheme_families: tuple[str, ...] = ()
    entity_type: Literal["corporation", "sole_proprietor", "association", "medical_corp", "npo", "other", "unknown"] = (
        "unknown"
    )
    period_from: date
    period_to: date
    reported_on: date | None = None
    unit: Unit = Unit.YEN
    rounding: Rounding = Rounding.NONE
    omission: Omission = Omission()
    contact: Contact = Contact()
    performance: Performance = Performance()
    cash: Cash = Cash()
    repayment: Repayment = Repayment()
    issues: tuple[str, ...] = ()
    observation: Narrative | None = None
    support: Support = Support()
    plan: Plan = Plan()
    profile: Profile = Profile()

    @property
    def valid_from(self) -> date:
        """First day the report speaks of."""
        return self.period_from

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: the period's last."""
        return self.period_to

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return "+".join(sorted(self.guarantee_nos))

    @property
    def placed_by(self) -> str | None:
        """The first guarantee it names."""
        return self.guarantee_nos[0] if self.guarantee_nos else None

    @property
    def checked_guarantees(self) -> tuple[str, ...]:
        """All of them, where it names schemes."""
        return self.guarantee_nos if self.scheme_families else ()
