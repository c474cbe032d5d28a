"""資金繰り表: what comes in and goes out month by month, past and expected."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase, Rounding, SourceRounding, SourceUnit, Unit, Yen
from gateway.schemas.records.labels import Codes, Label, Narrative
from gateway.schemas.records.parts import Month, Part, first_day


class OperatingIn(Part):
    """経常収入: 現金売上, 売掛金回収, 手形期日入金, 手形割引, 前受金, その他."""

    cash_sales_yen: Annotated[Yen | None, Label("現金売上", "cash sales, yen")] = None
    receivable_collection_yen: Annotated[Yen | None, Label("売掛金回収", "receivables collected, yen")] = None
    bill_matured_yen: Annotated[Yen | None, Label("手形期日入金", "bills matured, yen")] = None
    bill_discounted_yen: Annotated[Yen | None, Label("手形割引", "bills discounted, yen")] = None
    advances_yen: Annotated[Yen | None, Label("前受金", "advances, yen")] = None
    other_yen: Annotated[Yen | None, Label("その他", "other, yen")] = None


class OperatingOut(Part):
    """経常支出, positive as printed: 現金仕入, 買掛金支払, 手形決済, 人件費, 諸経費, 支払利息, 税金, その他."""

    cash_purchases_yen: Annotated[Yen | None, Label("現金仕入", "cash purchases, yen")] = None
    payable_payment_yen: Annotated[Yen | None, Label("買掛金支払", "payables paid, yen")] = None
    bill_settlement_yen: Annotated[Yen | None, Label("手形決済", "bills settled, yen")] = None
    personnel_yen: Annotated[Yen | None, Label("人件費", "personnel, yen")] = None
    expenses_yen: Annotated[Yen | None, Label("諸経費", "expenses, yen")] = None
    interest_yen: Annotated[Yen | None, Label("支払利息", "interest, yen")] = None
    tax_yen: Annotated[Yen | None, Label("税金", "tax, yen")] = None
    other_yen: Annotated[Yen | None, Label("その他", "other, yen")] = None


class Investing(Part):
    """設備等: what equipment was sold for and what was paid for it, both positive."""

    equipment_in_yen: Annotated[Yen | None, Label("設備売却収入", "equipment sold, yen")] = None
    equipment_out_yen: Annotated[Yen | None, Label("設備支払", "equipment bought, yen")] = None


class Financing(Part):
    """財務収支: borrowings raise cash; repayments and dividends, positive as printed, lower it; other is signed."""

    borrowing_short_yen: Annotated[Yen | None, Label("短期借入", "short-term borrowing, yen")] = None
    borrowing_long_yen: Annotated[Yen | None, Label("長期借入", "long-term borrowing, yen")] = None
    repayment_guaranteed_yen: Annotated[Yen | None, Label("保証付返済", "guaranteed loans repaid, yen")] = None
    repayment_proper_yen: Annotated[Yen | None, Label("プロパー返済", "other loans repaid, yen")] = None
    dividends_yen: Annotated[Yen | None, Label("配当", "dividends, yen")] = None
    other_yen: Annotated[Yen | None, Label("その他", "other, yen")] = None


BASIS: Codes = {
    "actual": ("実績", "actual"),
    "forecast": ("予定", "expected"),
}


class CashMonth(Part):
    """One month. Totals and nets are those the table prints; where it prints none they are absent."""

    month: Annotated[Month, Label("対象月", "month")]
    basis: Annotated[Literal["actual", "forecast"], Label("実績・予定", "actual or expected", BASIS)]
    opening_cash_yen: Annotated[Yen | None, Label("前月繰越", "opening cash, yen")] = None
    operating_in: Annotated[OperatingIn, Label("経常収入", "operating, in")] = OperatingIn()
    operating_in_total_yen: Annotated[Yen | None, Label("経常収入計", "operating in, total, yen")] = None
    operating_out: Annotated[OperatingOut, Label("経常支出", "operating, out")] = OperatingOut()
    operating_out_total_yen: Annotated[Yen | None, Label("経常支出計", "operating out, total, yen")] = None
    operating_net_yen: Annotated[Yen | None, Label("経常収支", "operating net, yen")] = None
    investing: Annotated[Investing, Label("設備等", "investing")] = Investing()
    investing_net_yen: Annotated[Yen | None, Label("設備等収支", "investing net, yen")] = None
    financing: Annotated[Financing, Label("財務", "financing")] = Financing()
    financing_net_yen: Annotated[Yen | None, Label("財務収支", "financing net, yen")] = None
    closing_cash_yen: Annotated[Yen | None, Label("翌月繰越", "closing cash, yen")] = None


PREPARED_BY: Codes = {
    "firm": ("事業者", "firm"),
    "bank": ("金融機関", "bank"),
    "accountant": ("税理士・会計士", "accountant"),
    "expert": ("専門家", "expert"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


class CashFlowTable(RecordBase):
    """One table as it was on the day it was made; a later one of the same firm stands beside it."""

    kind: Literal["cash_flow_table"] = "cash_flow_table"
    looks_back: ClassVar[timedelta] = timedelta(days=400)

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode | None, Label("金融機関コード", "bank")] = None
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    prepared_on: Annotated[date, Label("作成日", "prepared on")]
    prepared_by: Annotated[
        Literal["firm", "bank", "accountant", "expert", "other", "unknown"], Label("作成者", "prepared by", PREPARED_BY)
    ] = "unknown"
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE
    months: Annotated[tuple[CashMonth, ...], Field(min_length=1, max_length=60), Label("月別", "months")]
    assumptions: Annotated[Narrative | None, Label("前提条件", "assumptions")] = None

    @property
    def valid_from(self) -> date:
        """First day the figures speak of; the day it was made where all of them are expected."""
        return min(first_day(self.months[0].month), self.prepared_on)

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: when it was made."""
        return self.prepared_on

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return ""
