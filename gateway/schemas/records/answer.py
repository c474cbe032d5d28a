"""回答: the answer to a 照会."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.identifiers import BankCode
from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit, Yen
from gateway.schemas.records.inquiry import INQUIRY_TOPICS, InquiryTopic
from gateway.schemas.records.labels import Codes, Label, Narrative
from gateway.schemas.records.parts import Numbered, Part, Party, Sha256, Title


class AnsweredFigure(Part):
    """One fact of an answer, by what it is called: an amount, a day or a text."""

    label: Annotated[Title, Label("項目", "what it is")]
    amount_yen: Annotated[Yen | None, Label("金額", "amount, yen")] = None
    on: Annotated[date | None, Label("日付", "day")] = None
    text: Annotated[Narrative | None, Label("内容", "text")] = None


STATE: Codes = {
    "answered": ("回答済み", "answered"),
    "partly": ("一部回答", "answered in part"),
    "cannot_answer": ("回答できない", "cannot be answered"),
    "not_concerned": ("該当なし", "not concerned"),
}


class Answer(Numbered):
    """The answer to an inquiry, whose number it repeats as ``record_no``."""

    kind: Literal["answer"] = "answer"
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    answered_on: Annotated[date, Label("回答日", "answered on")]
    asked_on: Annotated[date | None, Label("照会日", "asked on")] = None
    topic: Annotated[InquiryTopic | None, Label("照会事項", "topic", INQUIRY_TOPICS)] = None
    state: Annotated[Literal["answered", "partly", "cannot_answer", "not_concerned"], Label("状態", "state", STATE)] = (
        "answered"
    )
    reply: Annotated[Narrative | None, Label("回答内容", "reply")] = None
    figures: Annotated[tuple[AnsweredFigure, ...], Field(max_length=50), Label("回答の数字", "figures")] = ()
    attachments_sha256: Annotated[
        tuple[Sha256, ...], Field(max_length=20), Label("添付資料", "attachments, SHA-256")
    ] = ()
    answerer: Annotated[Party, Label("回答担当", "who answers")] = Party()
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.answered_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.answered_on
