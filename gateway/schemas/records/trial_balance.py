"""残高試算表: what the books say between closings."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Required

from pydantic import ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict

from gateway.schemas.records.disclosure import Disclosure
from gateway.schemas.records.header import Columns, IsTotal, RecordBase, Rounding, Table, Unit, Yen

Text = Annotated[str, StringConstraints(max_length=200)]


class CloseState(StrEnum):
    """How far the period is closed."""

    OPEN = "open"
    TEMP_CLOSED = "temp_closed"  # 仮締め
    CLOSED = "closed"  # 本締め
    AUDITED = "audited"  # 巡回監査済み
    UNKNOWN = "unknown"


@with_config(ConfigDict(extra="forbid"))
class TrialBalanceLine(TypedDict, total=False):
    """One account: what its line says, and nothing of what it does not say.

    Amounts are yen and positive on the account's own normal side; a deduction from its parent (減価償却累計額)
    is negative there. ``account_key`` is the canonical account, set by the normalise step, never by a sender.
    """

    source_code: Text | None
    source_name: Required[Text]
    section: Text | None
    statement: Literal["BS", "PL", "CR"] | None
    level: Annotated[int | None, Field(ge=0, le=20)]
    is_total: IsTotal
    normal_side: Literal["debit", "credit"] | None
    opening_yen: Yen | None
    debit_yen: Yen | None
    credit_yen: Yen | None
    closing_yen: Yen | None


_UNSAID: dict[str, Any] = {**dict.fromkeys(TrialBalanceLine.__annotations__), "is_total": False}


class TrialBalance(RecordBase):
    """One trial balance of one firm for one period.

    ``span`` says whether debit and credit are one month's movements or the fiscal year's so far. ``complete``
    is True only where the source promises every account (then assets must equal liabilities and net assets).
    """

    kind: Literal["trial_balance"] = "trial_balance"
    looks_back: ClassVar[timedelta] = timedelta(days=100)
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
    disclosure: Disclosure | None = None
    lines: tuple[TrialBalanceLine, ...] = Field(min_length=1, max_length=20_000)

    @cached_property
    def table(self) -> Table:
        """The lines by field, made when first asked for."""
        return Table(self.lines, _UNSAID)

    @property
    def columns(self) -> Columns:
        """Field of a line -> what each line says there."""
        return self.table.columns

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
