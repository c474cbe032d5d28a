"""What the records of a guaranteed loan's life have in common: which guarantee, which loan, whose."""

from __future__ import annotations

from abc import abstractmethod
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase
from gateway.schemas.records.labels import Label

Number = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[0-9A-Z-]+$")]
"""A guarantee's or a loan's number: opaque, unique only within its corporation or bank."""

Rate = Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)]
"""Per cent a year."""

Ratio = Annotated[Decimal, Field(ge=0, le=1, max_digits=5, decimal_places=4)]
"""A share: 0.8 is 80 %."""

Owed = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Integer yen that cannot be less than nothing."""


class BankReport(RecordBase):
    """Fields of every report of a bank to a corporation."""

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None


class GuaranteedLoan(BankReport):
    """Fields of every record about one guaranteed loan. Its guarantee must be registered; until then it is held."""

    is_keyed_by_guarantee: ClassVar[bool] = True

    guarantee_no: Annotated[Number, Label("保証番号", "guarantee")]
    fi_loan_no: Annotated[Number | None, Label("融資番号", "loan")] = None

    @property
    @abstractmethod
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.valid_on

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return f"{self.guarantee_no}/{self.fi_loan_no or ''}"

    @property
    def placed_by(self) -> str | None:
        """The guarantee by which the firm is found."""
        return self.guarantee_no

    @property
    def checked_guarantees(self) -> tuple[str, ...]:
        """The same, of which rules ask what the register says."""
        return (self.guarantee_no,)
