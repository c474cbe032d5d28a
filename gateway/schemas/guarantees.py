"""One guarantee as its corporation's register has it: what a corporation hands over, by file or by the API."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.schemas.identifiers import Named, Opaque, Reference
from gateway.schemas.records.condition_change import ChangeKind
from gateway.schemas.records.header import Yen

WHOLE_BP = 10_000

SchemeFamily = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""A scheme by the name that all corporations share (``zero_zero``, ``sn4``, …), as reports name it; domain note 3.5."""


class GuaranteeEntry(BaseModel):
    """One guarantee as the corporation's register has it; its firm by any number, and by name where it is new.

    An entry is all that the register says of a guarantee and takes the place of what it said before: what is left out
    is not known, or not known any more. Nothing that is not known is taken for false, for none or for zero.

    Attributes:
        issued_on: of the certificate (保証書日付).
        principal_yen: the amount of the guaranteed loan, for a revolving guarantee its limit.
        guarantee_ratio_bp: the share that is guaranteed, in hundredths of a percent: 8000 is 80 % (責任共有).
        scheme_code: of the corporation's own table, for it to recognise; nothing is read out of it.
        scheme_from, scheme_until: first and last day on which the scheme is in force for this guarantee.
        change_count, last_changed_on, last_change_kind: changes of conditions so far.
        has_proper_loan: whether the bank has loans to the firm at its own risk (プロパー融資).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    guarantee_no: Opaque = Field(max_length=32)
    institution: Opaque
    firm: Reference
    name: Named
    principal_yen: Yen | None = Field(default=None, ge=0)
    is_revolving: bool | None = None
    issued_on: date | None = None
    executed_on: date | None = None
    maturity_on: date | None = None
    first_principal_due_on: date | None = None
    guarantee_ratio_bp: int | None = Field(default=None, ge=0, le=WHOLE_BP)
    scheme_code: Opaque | None = Field(default=None, max_length=32)
    scheme_family: SchemeFamily | None = None
    scheme_from: date | None = None
    scheme_until: date | None = None
    change_count: int | None = Field(default=None, ge=0, le=999)
    last_changed_on: date | None = None
    last_change_kind: ChangeKind | None = None
    has_proper_loan: bool | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.scheme_from and self.scheme_until and self.scheme_from > self.scheme_until:
            raise ValueError("scheme_until is before scheme_from")
        if self.change_count == 0 and (self.last_changed_on or self.last_change_kind):
            raise ValueError("change_count is 0, and yet there is a last change")
        return self
