"""気づき: what somebody at a branch noticed of a firm, on the day it was noticed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from gateway.schemas.identifiers import BankCode
from gateway.schemas.records.labels import Codes, Label
from gateway.schemas.records.parts import (
    DIRECTIONS,
    PERSONS,
    TOPICS,
    URGENCIES,
    Direction,
    Numbered,
    Person,
    Said,
    Title,
    Topic,
    Urgency,
)

NOTICED_BY: Codes = {
    "visit": ("訪問", "visit"),
    "branch_visit": ("来店", "visit at the branch"),
    "phone": ("電話", "telephone"),
    "web": ("オンライン", "online"),
    "mail": ("郵便・メール", "mail"),
    "account": ("口座の動き", "movements of the account"),
    "hearsay": ("人づて", "hearsay"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


AUTHOR_ROLE: Codes = {
    "officer": ("担当者", "officer"),
    "branch_manager": ("支店長", "branch manager"),
    "head_office": ("本部", "head office"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


class FieldNote(Numbered):
    """One observation, at any time and of any length; nothing but the text and its day has to be said."""

    kind: Literal["field_note"] = "field_note"
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    noted_on: Annotated[date, Label("気づいた日", "noticed on")]
    author_name: Annotated[Title | None, Label("記入者", "author")] = None
    author_role: Annotated[
        Literal["officer", "branch_manager", "head_office", "other", "unknown"],
        Label("記入者の立場", "author's role", AUTHOR_ROLE),
    ] = "unknown"
    noticed_by: Annotated[
        Literal["visit", "branch_visit", "phone", "web", "mail", "account", "hearsay", "other", "unknown"],
        Label("気づいた経緯", "noticed by", NOTICED_BY),
    ] = "unknown"
    counterpart: Annotated[Person | None, Label("面談相手", "counterpart", PERSONS)] = None
    topics: Annotated[tuple[Topic, ...], Field(max_length=20), Label("話題", "topics", TOPICS)] = ()
    direction: Annotated[Direction, Label("方向", "direction", DIRECTIONS)] = "unknown"
    urgency: Annotated[Urgency, Label("緊急度", "urgency", URGENCIES)] = "unknown"
    note: Annotated[Said, Label("所見", "note")]

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.noted_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.noted_on
