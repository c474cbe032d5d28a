"""事故報告書: the bank says that repayment has become doubtful, and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Codes, Label, Narrative, Short
from gateway.schemas.records.loan import BankReport, Number, Owed

REPORTS: Codes = {
    "first": ("第1報", "first report"),
    "second": ("第2報", "second report"),
    "follow_up": ("続報", "later report"),
    "lifted": ("解消", "lifted"),
}
TRIGGERS: Codes = {
    "suspension": ("支払停止・私的整理", "payments suspended, or a private work-out"),
    "legal_insolvency": ("法的整理の申立て", "petition for insolvency proceedings"),
    "exchange_suspension": ("銀行取引停止処分", "suspended from bank transactions"),
    "missing": ("所在不明", "whereabouts unknown"),
    "seizure": ("差押・仮差押・競売", "seizure or auction"),
    "first_dishonour": ("第1回不渡り", "first dishonoured bill"),
    "matured_unpaid": ("期限経過未払い", "matured and unpaid"),
    "installment_arrears": ("分割返済の延滞", "instalments in arrears"),
    "death": ("死亡", "death of the owner or representative"),
    "guarantor_event": ("連帯保証人の事故", "the same of a joint guarantor"),
    "proper_event": ("プロパー融資の事故", "the same on the bank's own loans"),
    "other": ("その他", "other doubt"),
}
Trigger = Literal[
    "suspension",
    "legal_insolvency",
    "exchange_suspension",
    "missing",
    "seizure",
    "first_dishonour",
    "matured_unpaid",
    "installment_arrears",
    "death",
    "guarantor_event",
    "proper_event",
    "other",
]
CONCERNED: Codes = {
    "debtor": ("債務者", "debtor"),
    "guarantor": ("連帯保証人", "joint guarantor"),
    "collateral_owner": ("担保提供者", "owner of collateral"),
}
STATES: Codes = {
    "operating": ("営業中", "operating"),
    "suspended": ("休業", "suspended"),
    "closed": ("廃業", "closed"),
    "missing": ("所在不明", "whereabouts unknown"),
}
POLICIES: Codes = {
    "reschedule": ("条件変更", "reschedule"),
    "support": ("経営支援", "support"),
    "subrogate": ("代位弁済請求", "claim on the guarantee"),
    "watch": ("様子見", "watch"),
}


class Concerned(BaseModel):
    """One guarantee that the report is about, and where its loan stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guarantee_no: Annotated[Number, Label("保証番号", "guarantee")]
    balance_yen: Annotated[Owed | None, Label("残高", "balance, yen")] = None
    months_in_arrears: Annotated[int | None, Field(ge=0, le=999), Label("延滞月数", "months in arrears")] = None
    last_paid_on: Annotated[date | None, Label("最終入金日", "last paid on")] = None
    interest_paid_through: Annotated[date | None, Label("利息支払済日", "interest paid through")] = None


class AccidentReport(BankReport):
    """One report of one day about an accident that concerns one or several guarantees of one firm.

    The guarantees it names and the day name the record; reports about the same guarantees follow one another. The first
    guarantee must be registered; until then the report is held.
    """

    kind: Literal["accident_report"] = "accident_report"
    looks_back: ClassVar[timedelta] = timedelta(days=1_830)

    reported_on: Annotated[date, Label("報告日", "reported on")]
    report_kind: Annotated[Literal["first", "second", "follow_up", "lifted"], Label("報告区分", "report", REPORTS)]
    occurred_on: Annotated[date | None, Label("発生日", "occurred on")] = None
    detected_on: Annotated[date | None, Label("判明日", "detected on")] = None
    triggers: Annotated[
        tuple[Trigger, ...], Field(min_length=1, max_length=12), Label("事故事由", "triggers", TRIGGERS)
    ]
    subject: Annotated[
        Literal["debtor", "guarantor", "collateral_owner"], Label("対象者", "whose accident", CONCERNED)
    ] = "debtor"
    guarantees: Annotated[
        tuple[Concerned, ...], Field(min_length=1, max_length=200), Label("対象保証", "guarantees concerned")
    ]
    proper_balance_yen: Annotated[Owed | None, Label("プロパー融資残高", "the bank's own loans, yen")] = None
    deposit_balance_yen: Annotated[Owed | None, Label("預金残高", "deposits, yen")] = None
    set_off_possible: Annotated[bool | None, Label("相殺の可否", "set-off is possible")] = None
    business_state: Annotated[
        Literal["operating", "suspended", "closed", "missing"] | None, Label("営業状況", "business", STATES)
    ] = None
    cause: Annotated[Short | None, Label("原因", "cause")] = None
    outlook: Annotated[Short | None, Label("今後の見通し", "outlook")] = None
    fi_policy: Annotated[
        Literal["reschedule", "support", "subrogate", "watch"] | None,
        Label("対応方針", "what the bank means to do", POLICIES),
    ] = None
    narrative: Annotated[Narrative | None, Label("経緯", "what happened")] = None
    attachments: Annotated[tuple[Short, ...], Field(max_length=50), Label("添付書類", "attachments, by name")] = ()
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """The day on which it happened, as far as that is known and not later."""
        return min(self.occurred_on or self.reported_on, self.reported_on)

    @property
    def valid_on(self) -> date:
        """The day of the report."""
        return self.reported_on

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return "+".join(sorted(one.guarantee_no for one in self.guarantees))

    @property
    def placed_by(self) -> str | None:
        """The first guarantee it names."""
        return self.guarantees[0].guarantee_no
