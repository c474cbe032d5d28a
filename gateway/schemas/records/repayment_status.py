"""償還報告: where one guaranteed loan stands, or one repayment of it."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase, Rounding, Unit, Yen

Number = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9A-Z-]+$")]


class CoverageMode(StrEnum):
    """報告方式: what absence from a file means."""

    FULL_TAPE = "full_tape"  # every loan each time: absence is missing data
    EVENT = "event"  # each repayment as it happens
    EXCEPTION_ONLY = "exception_only"  # arrears only: absence means not in arrears


class LoanStatus(StrEnum):
    """状態 of a loan."""

    PERFORMING = "performing"
    ARREARS = "arrears"
    RESCHEDULED = "rescheduled"
    MATURED_UNPAID = "matured_unpaid"
    PAID_OFF = "paid_off"
    ACCIDENT = "accident"
    SUBROGATED = "subrogated"
    CANCELLED = "cancelled"


class RepaymentStatus(RecordBase):
    """One loan as of one date (tape, exception), or one repayment (event).

    Amounts are yen. ``is_revolving`` (根保証, 当座貸越) switches off what holds for term loans only.
    """

    kind: Literal["repayment_status"] = "repayment_status"
    looks_back: ClassVar[timedelta] = timedelta(days=100)
    is_keyed_by_guarantee: ClassVar[bool] = True
    cgc_id: CgcId | None = None
    bank_code: BankCode
    branch_code: BranchCode | None = None
    guarantee_no: Number
    fi_loan_no: Number | None = None
    coverage_mode: CoverageMode = CoverageMode.FULL_TAPE
    as_of: date
    scheduled_due_on: date | None = None
    paid_on: date | None = None
    payment_kind: Literal["scheduled", "early_partial", "early_full", "late"] | None = None
    event_no: str | None = Field(default=None, max_length=32)
    principal_yen: Yen | None = None
    balance_yen: Yen
    is_revolving: bool = False
    has_proper_loan: bool | None = None
    principal_paid_yen: Yen | None = None
    interest_paid_yen: Yen | None = None
    last_paid_on: date | None = None
    value_date: date | None = None
    next_due_on: date | None = None
    scheduled_amount_yen: Yen | None = None
    months_in_arrears: int | None = Field(default=None, ge=0, le=999)
    arrears_since: date | None = None
    principal_overdue_yen: Yen | None = None
    interest_overdue_yen: Yen | None = None
    interest_paid_through: date | None = None
    status: LoanStatus
    unit: Unit = Unit.YEN
    rounding: Rounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.valid_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: the payment's for an event, else the tape's."""
        return (self.paid_on or self.as_of) if self.coverage_mode is CoverageMode.EVENT else self.as_of

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        event = f"/event/{self.event_no or ''}" if self.coverage_mode is CoverageMode.EVENT else ""
        return f"{self.guarantee_no}/{self.fi_loan_no or ''}{event}"
