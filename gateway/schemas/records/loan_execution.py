"""貸付実行報告: a guaranteed loan was paid out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Codes, Label
from gateway.schemas.records.loan import GuaranteedLoan, Number, Owed, Rate, Ratio

METHODS: Codes = {
    "equal_principal": ("元金均等", "equal principal"),
    "equal_installment": ("元利均等", "equal instalments"),
    "bullet": ("一括", "in one sum at maturity"),
    "irregular": ("不均等", "irregular"),
    "revolving": ("極度", "revolving"),
}
Method = Literal["equal_principal", "equal_installment", "bullet", "irregular", "revolving"]
LOAN_TYPES: Codes = {
    "deed": ("証書貸付", "loan on deed"),
    "note": ("手形貸付", "loan on note"),
    "discount": ("手形割引", "discount of bills"),
    "overdraft": ("当座貸越", "overdraft"),
    "bond": ("社債", "bond"),
    "abl": ("流動資産担保融資", "asset-based loan"),
}
FUND_USES: Codes = {
    "working": ("運転資金", "working capital"),
    "equipment": ("設備資金", "equipment"),
    "both": ("運転・設備資金", "both"),
}
RISK_SHARES: Codes = {
    "shared_80": ("責任共有(80%)", "shared, 80 %"),
    "full_100": ("責任共有対象外(100%)", "not shared, 100 %"),
}
Term = Annotated[int, Field(ge=1, le=1_200)]
Grace = Annotated[int, Field(ge=0, le=1_200)]


class LoanExecution(GuaranteedLoan):
    """One payment of one guaranteed loan to the firm. The day of execution is part of what names it.

    A wrong day is put right by cancelling the record of that day and saying the right one. ``guaranteed_on`` is the
    date on the letter of guarantee, from which the days for execution are counted.
    """

    kind: Literal["loan_execution"] = "loan_execution"
    looks_back: ClassVar[timedelta] = timedelta(days=400)

    executed_on: Annotated[date, Label("実行日", "executed on")]
    guaranteed_on: Annotated[date | None, Label("保証書日付", "date of the letter of guarantee")] = None
    principal_yen: Annotated[Owed, Label("貸付金額", "principal, yen")]
    interest_rate: Annotated[Rate, Label("貸付利率", "interest rate, % a year")]
    repayment_method: Annotated[Method, Label("返済方法", "method of repayment", METHODS)]
    loan_type: Annotated[
        Literal["deed", "note", "discount", "overdraft", "bond", "abl"],
        Label("貸付形式", "form of the loan", LOAN_TYPES),
    ]
    term_months: Annotated[Term | None, Label("期間(月数)", "term, months")] = None
    maturity_on: Annotated[date | None, Label("期日", "maturity")] = None
    grace_months: Annotated[Grace | None, Label("据置期間(月数)", "grace period, months")] = None
    first_principal_due_on: Annotated[date | None, Label("初回元金返済日", "first principal due on")] = None
    fund_use: Annotated[
        Literal["working", "equipment", "both"] | None, Label("資金使途", "use of the funds", FUND_USES)
    ] = None
    is_recurring_working_capital: Annotated[bool | None, Label("うち経常運転資金", "recurring working capital")] = None
    guarantee_ratio: Annotated[Ratio | None, Label("保証割合", "share guaranteed, 0 to 1")] = None
    risk_share: Annotated[
        Literal["shared_80", "full_100"] | None, Label("責任共有区分", "sharing of risk", RISK_SHARES)
    ] = None
    refinanced_guarantee_nos: Annotated[
        tuple[Number, ...], Field(max_length=100), Label("借換対象保証番号", "guarantees refinanced")
    ] = ()
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_on(self) -> date:
        """The day of execution."""
        return self.executed_on
