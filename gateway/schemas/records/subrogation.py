"""代位弁済: the corporation is asked to repay the bank, and does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Label
from gateway.schemas.records.loan import GuaranteedLoan, Owed, Rate, Ratio


class Subrogation(GuaranteedLoan):
    """A claim on one guarantee, or its payment, which names the record from then on.

    ``paid_yen`` is (principal + interest + damages - deductions) × the ratio fulfilled, in whole yen. The days allowed,
    90 after the final due date, two years for the claim, 120 of damages, are those most corporations use.
    """

    kind: Literal["subrogation"] = "subrogation"
    looks_back: ClassVar[timedelta] = timedelta(days=1_830)

    claimed_on: Annotated[date, Label("請求日", "claimed on")]
    paid_on: Annotated[date | None, Label("代位弁済日", "paid on")] = None
    final_due_on: Annotated[date | None, Label("最終履行期限", "final due date")] = None
    principal_yen: Annotated[Owed, Label("元金", "principal, yen")]
    interest_yen: Annotated[Owed, Label("利息", "interest, yen")]
    damages_yen: Annotated[Owed, Label("遅延損害金", "default damages, yen")]
    damages_days: Annotated[int | None, Field(ge=0, le=9_999), Label("損害金日数", "days of damages")] = None
    damages_rate: Annotated[Rate | None, Label("損害金利率", "rate of damages, % a year")] = None
    deductions_yen: Annotated[Owed | None, Label("控除額", "deductions, yen")] = None
    fulfilled_ratio: Annotated[Ratio | None, Label("履行割合", "ratio fulfilled, 0 to 1")] = None
    paid_yen: Annotated[Owed | None, Label("代位弁済額", "paid, yen")] = None
    reason_letter_required: Annotated[bool | None, Label("理由書の要否", "a letter of reasons is required")] = None
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """The day of the claim."""
        return min(self.claimed_on, self.valid_on)

    @property
    def valid_on(self) -> date:
        """The day of payment, before that of the claim."""
        return self.paid_on or self.claimed_on
