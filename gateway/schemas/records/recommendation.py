"""プル型の申出: a bank raises a firm that the corporation should look at."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.identifiers import BankCode
from gateway.schemas.records.labels import Label, Narrative
from gateway.schemas.records.parts import (
    SEEN,
    SUPPORT_KINDS,
    TOPICS,
    URGENCIES,
    Numbered,
    Party,
    Seen,
    SupportKinds,
    Topic,
    Urgency,
)


class Recommendation(Numbered):
    """Why now, what would help, and whom at the bank to talk to."""

    kind: Literal["recommendation"] = "recommendation"
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    recommended_on: Annotated[date, Label("申出日", "recommended on")]
    reasons: Annotated[tuple[Topic, ...], Field(min_length=1, max_length=20), Label("申出の理由", "reasons", TOPICS)]
    wanted: Annotated[SupportKinds, Label("希望する支援", "support wanted", SUPPORT_KINDS)] = ()
    urgency: Annotated[Urgency, Label("緊急度", "urgency", URGENCIES)] = "unknown"
    wanted_by_on: Annotated[date | None, Label("希望時期", "wanted by")] = None
    firm_told: Annotated[Seen, Label("事業者への説明", "firm has been told", SEEN)] = "unknown"
    firm_agrees: Annotated[Seen, Label("事業者の了承", "firm agrees", SEEN)] = "unknown"
    has_proper_loan: Annotated[Seen, Label("プロパー融資の有無", "has a loan at the bank's own risk", SEEN)] = "unknown"
    bank_party: Annotated[Party, Label("金融機関側", "for the bank")] = Party()
    done_so_far: Annotated[Narrative | None, Label("これまでの対応", "done so far")] = None
    note: Annotated[Narrative | None, Label("所見", "note")] = None

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.recommended_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.recommended_on
