"""条件変更: the terms of a guaranteed loan are changed, above all eased (返済緩和)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Codes, Label, Short
from gateway.schemas.records.loan import GuaranteedLoan, Owed, Rate

ChangeKind = Literal[
    "term_extension",
    "principal_moratorium",
    "installment_reduction",
    "due_date_change",
    "method_change",
    "rate_change",
    "debtor_change",
    "guarantor_change",
    "collateral_change",
    "limit_change",
]
"""What a change of conditions (条件変更) changes; the first three are 返済緩和. Domain note 4.5."""

CHANGES: Codes = {
    "term_extension": ("期間延長", "longer term"),
    "principal_moratorium": ("元金返済猶予", "principal deferred"),
    "installment_reduction": ("約定返済額の減額", "smaller instalments"),
    "due_date_change": ("約定日変更", "other due day"),
    "method_change": ("返済方法変更", "other method of repayment"),
    "rate_change": ("利率変更", "other interest rate"),
    "debtor_change": ("債務者変更", "other debtor"),
    "guarantor_change": ("保証人変更", "other guarantor"),
    "collateral_change": ("担保変更", "other collateral"),
    "limit_change": ("極度額変更", "other limit"),
}
EASING = frozenset({"term_extension", "principal_moratorium", "installment_reduction"})
"""The kinds of change that are 返済緩和."""
REASONS: Codes = {
    "sales_decline": ("売上減少", "sales decline"),
    "cost_increase": ("費用増加", "cost increase"),
    "receivable_loss": ("売掛金の回収不能", "loss of receivables"),
    "disaster": ("災害", "disaster"),
    "owner_health": ("代表者の健康", "health of the owner"),
    "other": ("その他", "other"),
}
Reason = Literal["sales_decline", "cost_increase", "receivable_loss", "disaster", "owner_health", "other"]


class Terms(BaseModel):
    """The terms of a loan on one side of a change; what is left out did not change, or is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    maturity_on: Annotated[date | None, Label("期日", "maturity")] = None
    installment_yen: Annotated[Owed | None, Label("約定返済額", "instalment, yen")] = None
    first_principal_due_on: Annotated[date | None, Label("元金返済開始日", "principal due from")] = None
    interest_rate: Annotated[Rate | None, Label("利率", "interest rate, % a year")] = None
    limit_yen: Annotated[Owed | None, Label("極度額", "limit, yen")] = None
    schedule: Annotated[Short | None, Label("返済方法の内容", "schedule in words")] = None


class ConditionChange(GuaranteedLoan):
    """A change of conditions as it stands: asked for, approved or executed; at least one of the three days is said.

    The latest of them names the record, so that each stage of a change is a record of its own. ``is_easing`` says
    whether it is 返済緩和; ``sequence_no`` is 1 for the first change ever of this guarantee.
    """

    kind: Literal["condition_change"] = "condition_change"
    looks_back: ClassVar[timedelta] = timedelta(days=3_660)

    requested_on: Annotated[date | None, Label("申込日", "requested on")] = None
    approved_on: Annotated[date | None, Label("承諾日", "approved on")] = None
    executed_on: Annotated[date | None, Field(validate_default=True), Label("実行日", "executed on")] = None
    change_kinds: Annotated[
        tuple[ChangeKind, ...], Field(min_length=1, max_length=10), Label("変更内容", "what is changed", CHANGES)
    ]
    is_easing: Annotated[bool, Label("返済緩和", "easing of repayment")]
    sequence_no: Annotated[int | None, Field(ge=1, le=999), Label("変更回数", "which change, from 1")] = None
    before: Annotated[Terms, Label("変更前", "before")] = Terms()
    after: Annotated[Terms, Label("変更後", "after")] = Terms()
    reason: Annotated[Reason | None, Label("変更理由", "reason", REASONS)] = None
    reason_text: Annotated[Short | None, Label("変更理由の説明", "reason in words")] = None
    plan_attached: Annotated[bool | None, Label("経営改善計画の添付", "improvement plan attached")] = None
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @field_validator("executed_on")
    @classmethod
    def _is_dated(cls, executed_on: date | None, said: ValidationInfo) -> date | None:
        if executed_on is None and not (said.data.get("requested_on") or said.data.get("approved_on")):
            raise ValueError("申込日・承諾日・実行日のいずれか / requested_on, approved_on or executed_on")
        return executed_on

    @property
    def valid_on(self) -> date:
        """The day of the latest stage."""
        return self.executed_on or self.approved_on or self.requested_on or date.min
