"""支援の記録: what was done for a firm, by whom, and what came of it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Codes, Label, Narrative
from gateway.schemas.records.parts import ORIGINS, SUPPORT_KINDS, NonNegativeYen, Numbered, Origin, SupportKind, Title

OUTCOME: Codes = {
    "improved": ("改善", "improved"),
    "unchanged": ("変化なし", "unchanged"),
    "worse": ("悪化", "worse"),
    "declined": ("辞退", "declined"),
    "closed_business": ("廃業", "business closed"),
    "unknown": ("不明", "unknown"),
}


LENDERS_AGREED: Codes = {
    "all": ("全金融機関", "all of them"),
    "some": ("一部", "some of them"),
    "none": ("なし", "none"),
    "not_applicable": ("該当なし", "not applicable"),
    "unknown": ("不明", "unknown"),
}


PLAN_MADE: Codes = {
    "yes": ("はい", "yes"),
    "no": ("いいえ", "no"),
    "in_progress": ("策定中", "being made"),
    "not_applicable": ("該当なし", "not applicable"),
    "unknown": ("不明", "unknown"),
}


PARTICIPANTS: Codes = {
    "firm": ("事業者", "firm"),
    "cgc": ("信用保証協会", "corporation"),
    "main_bank": ("主力行", "main bank"),
    "other_bank": ("他行", "another bank"),
    "council": ("中小企業活性化協議会", "revitalisation council"),
    "expert": ("専門家", "expert"),
    "accountant": ("税理士・会計士", "accountant"),
    "other": ("その他", "other"),
}


PROVIDER_KIND: Codes = {
    "cgc": ("信用保証協会", "corporation"),
    "bank": ("金融機関", "bank"),
    "council": ("中小企業活性化協議会", "revitalisation council"),
    "yorozu": ("よろず支援拠点", "Yorozu support centre"),
    "expert": ("専門家", "expert"),
    "accountant": ("税理士・会計士", "accountant"),
    "chamber": ("商工会・商工会議所", "chamber of commerce"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


STATE: Codes = {
    "planned": ("予定", "planned"),
    "ongoing": ("実施中", "going on"),
    "completed": ("完了", "completed"),
    "discontinued": ("中止", "broken off"),
    "unknown": ("不明", "unknown"),
}


class SupportRecord(Numbered):
    """One case of support from its beginning; each later word on it is a correction under the same number.

    ``outcome`` is what came of it for the firm, ``unknown`` as long as nobody can tell.
    """

    kind: Literal["support_record"] = "support_record"
    support_kind: Annotated[SupportKind, Label("支援の種類", "kind of support", SUPPORT_KINDS)]
    origin: Annotated[Origin, Label("きっかけ", "origin", ORIGINS)] = "unknown"
    started_on: Annotated[date, Label("開始日", "started on")]
    ended_on: Annotated[date | None, Label("終了日", "ended on")] = None
    state: Annotated[
        Literal["planned", "ongoing", "completed", "discontinued", "unknown"], Label("状態", "state", STATE)
    ] = "unknown"
    provider_kind: Annotated[
        Literal["cgc", "bank", "council", "yorozu", "expert", "accountant", "chamber", "other", "unknown"],
        Label("支援者の区分", "kind of provider", PROVIDER_KIND),
    ] = "unknown"
    provider_name: Annotated[Title | None, Label("支援者名", "provider")] = None
    participants: Annotated[
        tuple[Literal["firm", "cgc", "main_bank", "other_bank", "council", "expert", "accountant", "other"], ...],
        Field(max_length=20),
        Label("参加者", "participants", PARTICIPANTS),
    ] = ()
    sessions: Annotated[int | None, Field(ge=0, le=999), Label("実施回数", "sessions")] = None
    plan_made: Annotated[
        Literal["yes", "no", "in_progress", "not_applicable", "unknown"], Label("計画の策定", "plan made", PLAN_MADE)
    ] = "unknown"
    lenders_agreed: Annotated[
        Literal["all", "some", "none", "not_applicable", "unknown"],
        Label("金融機関の合意", "lenders agreed", LENDERS_AGREED),
    ] = "unknown"
    outcome: Annotated[
        Literal["improved", "unchanged", "worse", "declined", "closed_business", "unknown"],
        Label("成果", "outcome", OUTCOME),
    ] = "unknown"
    outcome_on: Annotated[date | None, Label("成果の判明日", "outcome known on")] = None
    cost_yen: Annotated[NonNegativeYen | None, Label("費用", "cost, yen")] = None
    firm_share_yen: Annotated[NonNegativeYen | None, Label("うち事業者負担", "of which the firm pays, yen")] = None
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE
    note: Annotated[Narrative | None, Label("所見", "note")] = None

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.started_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series: a case is filed under its first day."""
        return self.started_on
