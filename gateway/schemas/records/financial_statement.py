"""決算書: the annual statements, one statement per record."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.schemas.records.header import Columns, RecordBase, Rounding, Unit, Yen, columns_of

Text = Annotated[str, StringConstraints(max_length=4_000)]
StatementType = Literal["BS", "PL", "SC", "NT", "SS", "SE", "SR"]
"""BS 貸借対照表, PL 損益計算書, SC 製造原価報告書, SS 株主資本等変動計算書, NT 個別注記表, SE and SR others (e-Tax)."""


class StatementLine(BaseModel):
    """One row of a statement: an amount, a text or a title; ``level`` is its depth in the tree."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_code: str | None = Field(default=None, max_length=40)
    source_name: Text
    row: Literal["amount", "text", "title"] = "amount"
    level: int = Field(default=0, ge=0, le=40)
    is_total: bool = False
    amount_yen: Yen | None = None
    text: Text | None = None


class FinancialStatement(RecordBase):
    """One statement of one closed (or interim) term. Deductions and losses are negative, as filed."""

    kind: Literal["financial_statement"] = "financial_statement"
    statement_type: StatementType
    fiscal_year_start: date
    fiscal_year_end: date
    term_label: str | None = Field(default=None, max_length=40)
    industry: str | None = Field(default=None, max_length=8)
    unit: Unit = Unit.YEN
    rounding: Rounding = Rounding.NONE
    employees: int | None = Field(default=None, ge=0)
    filed_on: date | None = None
    lines: tuple[StatementLine, ...] = Field(min_length=1, max_length=20_000)

    @cached_property
    def columns(self) -> Columns:
        """The lines by field, made when first asked for."""
        return columns_of(self.lines)

    @property
    def valid_from(self) -> date:
        """First day the figures speak of."""
        return self.fiscal_year_start

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: the term's last."""
        return self.fiscal_year_end

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return self.statement_type
