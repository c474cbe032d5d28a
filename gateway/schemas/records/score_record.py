"""スコア: what somebody else computed of a firm (CRD, McSS, internal), handed on as it is and never computed here."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId
from gateway.schemas.records.header import RecordBase
from gateway.schemas.records.labels import Codes, Label
from gateway.schemas.records.parts import Part

Figure = Annotated[Decimal, Field(max_digits=18, decimal_places=6)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A rank, class or code in its provider's own words: opaque here."""


class ScoreIndicator(Part):
    """One indicator, in its provider's own code and scale."""

    code: Annotated[Code, Label("指標コード", "code")]
    value: Annotated[Figure | None, Label("値", "value")] = None
    score: Annotated[Figure | None, Label("得点", "points")] = None
    deviation: Annotated[Figure | None, Label("偏差値", "deviation")] = None
    mark: Annotated[Code | None, Label("記号", "mark")] = None


PROVIDER: Codes = {
    "crd": ("CRD", "CRD"),
    "mcss": ("McSS", "McSS"),
    "cgc_internal": ("協会内部", "internal to the corporation"),
    "fi_internal": ("金融機関内部", "internal to the bank"),
    "other": ("その他", "other"),
}


class ScoreRecord(RecordBase):
    """A licensed or confidential score. Ranks and classes are the provider's own words and are never interpreted."""

    kind: Literal["score_record"] = "score_record"
    looks_back: ClassVar[timedelta] = timedelta(days=400)

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode | None, Label("金融機関コード", "bank")] = None
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    provider: Annotated[
        Literal["crd", "mcss", "cgc_internal", "fi_internal", "other"], Label("提供元", "provider", PROVIDER)
    ]
    model: Annotated[Code, Label("モデル", "model")]
    model_version: Annotated[Code, Label("モデルの版", "version of the model")]
    as_of: Annotated[date, Label("基準日", "as of")]
    fiscal_year_end: Annotated[date | None, Label("事業年度末", "end of the term")] = None
    deviation: Annotated[Figure | None, Label("偏差値", "deviation")] = None
    rank: Annotated[Code | None, Label("ランク", "rank")] = None
    debtor_class: Annotated[Code | None, Label("債務者区分", "debtor class")] = None
    prev_debtor_class: Annotated[Code | None, Label("前回の債務者区分", "debtor class before")] = None
    notches_changed: Annotated[int | None, Field(ge=-99, le=99), Label("区分の変化(段階)", "notches changed")] = None
    indicators: Annotated[tuple[ScoreIndicator, ...], Field(max_length=200), Label("指標", "indicators")] = ()
    computed_at: Annotated[AwareDatetime | None, Label("算出日時", "computed at")] = None

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.as_of

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.as_of

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution: provider and model."""
        return f"{self.provider}/{self.model}"
