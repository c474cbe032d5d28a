"""残高試算表: what the books say between closings."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.schemas.records.header import Columns, RecordBase, Rounding, Unit, Yen, columns_of

Text = Annotated[str, StringConstraints(max_length=200)]


class CloseState(StrEnum):
    """How far the period is closed."""

    OPEN = "open"
    TEMP_CLOSED = "temp_closed"  # 仮締め
    CLOSED = "closed"  # 本締め
    AUDITED = "audited"  # 巡回監査済み
    UNKNOWN = "unknown"


class TrialBalanceLine(BaseModel):
    """One account.

    Amounts are yen and positive on the account's own normal side; a deduction from its parent (減価償却累計額)
    is negative there. ``account_key`` is the canonical account, set by the normalise step, never by a sender.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_code: Text | None = None
    source_name: Text
    section: Text | None = None
    statement: Literal["BS", "PL", "CR"] | None = None
    level: int | None = Field(default=None, ge=0, le=20)
    is_total: bool = False
    normal_side: Literal["debit", "credit"] | None = None
    opening_yen: Yen | None = None
    debit_yen: Yen | None = None
    credit_yen: Yen | None = None
    closing_yen: Yen | None = None


class TrialBalance(RecordBase):
    """One trial balance of one firm for one period.

    ``span`` says whether debit and credit are one month's movements or the fiscal year's so far. ``complete``
    is True only where the source promises every account (then assets must equal liabilities and net assets).
    """

    kind: Literal["trial_balance"] = "trial_balance"
    period_from: date
    period_to: date
    span: Literal["month", "cumulative"] = "month"
    fiscal_year_start: date | None = None
    fiscal_year_end: date | None = None
    department: Text | None = None
    statements: tuple[Literal["BS", "PL", "CR"], ...] = ()
    complete: bool = False
    unit: Unit = Unit.YEN
    rounding: Rounding = Rounding.NONE
    tax_method: Literal["inclusive", "exclusive", "unknown"] = "unknown"
    includes_adjusting: bool | None = None
    basis: Literal["accrual", "cash", "unknown"] = "unknown"
    close_state: CloseState = CloseState.UNKNOWN
    provisional: bool = False
    provisional_reason: Text | None = None
    closed_on: date | None = None
    inventory_counted: bool | None = None
    depreciation_monthly: bool | None = None
    software: Text | None = None
    lines: tuple[TrialBalanceLine, ...] = Field(min_length=1, max_length=20_000)

    @cached_property
    def columns(self) -> Columns:
        """The lines by field, made when first asked for."""
        return columns_of(self.lines)

    @property
    def valid_from(self) -> date:
        """First day the figures speak of."""
        return self.period_from

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: the period's last."""
        return self.period_to

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return f"{self.span}/{'+'.join(self.statements)}/{self.department or ''}"
