"""決算書: the annual statements, one statement per record."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Required

from pydantic import ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict

from gateway.schemas.records.disclosure import Disclosure
from gateway.schemas.records.header import Columns, IsTotal, RecordBase, Rounding, Table, Unit, Yen

Text = Annotated[str, StringConstraints(max_length=4_000)]
StatementType = Literal["BS", "PL", "SC", "NT", "SS", "SE", "SR"]
"""BS 貸借対照表, PL 損益計算書, SC 製造原価報告書, SS 株主資本等変動計算書, NT 個別注記表, SE and SR others (e-Tax)."""


@with_config(ConfigDict(extra="forbid"))
class StatementLine(TypedDict, total=False):
    """One row of a statement: an amount (unless it says otherwise), a text or a title.

    ``level`` is its depth in the tree.
    """

    source_code: Annotated[str | None, Field(max_length=40)]
    source_name: Required[Text]
    row: Annotated[Literal["amount", "text", "title"], Field(json_schema_extra={"default": "amount"})]
    level: Annotated[int, Field(ge=0, le=40, json_schema_extra={"default": 0})]
    is_total: IsTotal
    amount_yen: Yen | None
    text: Text | None


_BESIDE: dict[str, str] = {"PL": "SS", "SS": "PL"}
_UNSAID: dict[str, Any] = {
    **dict.fromkeys(StatementLine.__annotations__),
    "row": "amount",
    "level": 0,
    "is_total": False,
}


class FinancialStatement(RecordBase):
    """One statement of one closed (or interim) term. Deductions and losses are negative, as filed."""

    kind: Literal["financial_statement"] = "financial_statement"
    looks_back: ClassVar[timedelta] = timedelta(days=800)
    statement_type: StatementType
    fiscal_year_start: date
    fiscal_year_end: date
    term_label: str | None = Field(default=None, max_length=40)
    industry: str | None = Field(default=None, max_length=8)
    unit: Unit = Unit.YEN
    rounding: Rounding = Rounding.NONE
    employees: int | None = Field(default=None, ge=0)
    filed_on: date | None = None
    disclosure: Disclosure | None = None
    lines: tuple[StatementLine, ...] = Field(min_length=1, max_length=20_000)

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
        return self.fiscal_year_start

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: the term's last."""
        return self.fiscal_year_end

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return self.statement_type

    @property
    def beside(self) -> str | None:
        """The series of the statement whose figures this one's must agree with, where there is one."""
        return _BESIDE.get(self.statement_type)
