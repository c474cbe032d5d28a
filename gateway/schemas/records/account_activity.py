"""口座の動き: what went in and out of a firm's deposits in a month, as totals; never a single transaction."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase, Rounding, SourceRounding, SourceUnit, Unit, Yen
from gateway.schemas.records.labels import Codes, Label
from gateway.schemas.records.parts import SEEN, Month, NonNegativeYen, Seen, first_day, last_day

DEPOSIT_KINDS: Codes = {
    "ordinary": ("普通", "ordinary"),
    "current": ("当座", "current"),
    "time": ("定期", "time"),
    "savings": ("貯蓄", "savings"),
    "foreign": ("外貨", "foreign currency"),
    "other": ("その他", "other"),
}


class AccountActivity(RecordBase):
    """All of a firm's deposits of some kinds at one bank in one calendar month, as one.

    ``minimum_yen`` is the lowest balance at the end of any day, ``average_yen`` the mean of those balances; an account
    with an overdraft may be below zero. Debits are said to have been seen or not, without their amounts.
    """

    kind: Literal["account_activity"] = "account_activity"
    looks_back: ClassVar[timedelta] = timedelta(days=400)

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    month: Annotated[Month, Label("対象月", "month")]
    deposit_kinds: Annotated[
        tuple[Literal["ordinary", "current", "time", "savings", "foreign", "other"], ...],
        Field(max_length=6),
        Label("預金の種類", "kinds of deposit", DEPOSIT_KINDS),
    ] = ()
    accounts: Annotated[int | None, Field(ge=1, le=9999), Label("口座数", "accounts")] = None
    days_covered: Annotated[int | None, Field(ge=1, le=31), Label("対象日数", "days covered")] = None
    opening_yen: Annotated[Yen | None, Label("月初残高", "opening balance, yen")] = None
    inflow_yen: Annotated[NonNegativeYen | None, Label("入金合計", "in, yen")] = None
    outflow_yen: Annotated[NonNegativeYen | None, Label("出金合計", "out, yen")] = None
    minimum_yen: Annotated[Yen | None, Label("最低残高", "lowest balance, yen")] = None
    average_yen: Annotated[Yen | None, Label("平均残高", "average balance, yen")] = None
    end_yen: Annotated[Yen | None, Label("月末残高", "balance at the end, yen")] = None
    excludes_own_transfers: Annotated[
        Seen, Label("自己口座間の振替を除く", "without transfers between own accounts", SEEN)
    ] = "unknown"
    payroll_seen: Annotated[Seen, Label("給与の支払", "payroll debits seen", SEEN)] = "unknown"
    tax_debit_seen: Annotated[Seen, Label("税の引落し", "tax debits seen", SEEN)] = "unknown"
    social_insurance_debit_seen: Annotated[Seen, Label("社会保険料の引落し", "social insurance debits seen", SEEN)] = (
        "unknown"
    )
    bounced_debit_seen: Annotated[Seen, Label("引落し不能", "debits that failed seen", SEEN)] = "unknown"
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """First day the figures speak of."""
        return first_day(self.month)

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: the month's last."""
        return last_day(self.month)

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return f"{self.branch_code or ''}/{'+'.join(sorted(self.deposit_kinds))}"
