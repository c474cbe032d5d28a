"""照会: what used to be asked by postcard."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from gateway.schemas.identifiers import BankCode
from gateway.schemas.records.labels import Codes, Label
from gateway.schemas.records.parts import Numbered, Party, Said

INQUIRY_TOPICS: Codes = {
    "execution_missing": ("実行報告未着", "execution not reported"),
    "change_missing": ("条件変更報告未着", "change not reported"),
    "repayment_status": ("返済状況", "repayment"),
    "repayment_after_maturity": ("期日後の入金", "payment after maturity"),
    "maturity_approaching": ("期日接近", "maturity is near"),
    "bond_maturity": ("社債の期日", "maturity of a bond"),
    "report_missing": ("業況報告未着", "monitoring report missing"),
    "figures_unclear": ("数字の確認", "figures unclear"),
    "other": ("その他", "other"),
}

InquiryTopic = Literal[
    "execution_missing", "change_missing", "repayment_status", "repayment_after_maturity", "maturity_approaching",
    "bond_maturity", "report_missing", "figures_unclear", "other",
]  # fmt: skip
"""実行報告未着, 変更報告未着, 返済状況, 期日後の入金, 期日接近, 社債の期日, 業況報告未着, 数字の確認, その他."""


ASKED_BY: Codes = {
    "cgc": ("信用保証協会", "corporation"),
    "bank": ("金融機関", "bank"),
    "other": ("その他", "other"),
}


class Inquiry(Numbered):
    """One question about one firm, from whoever asks to the bank whose code it carries."""

    kind: Literal["inquiry"] = "inquiry"
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    asked_on: Annotated[date, Label("照会日", "asked on")]
    asked_by: Annotated[Literal["cgc", "bank", "other"], Label("照会者", "asked by", ASKED_BY)] = "cgc"
    topic: Annotated[InquiryTopic, Label("照会事項", "topic", INQUIRY_TOPICS)]
    question: Annotated[Said, Label("照会内容", "question")]
    answer_by_on: Annotated[date | None, Label("回答期限", "to be answered by")] = None
    asker: Annotated[Party, Label("照会担当", "who asks")] = Party()

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.asked_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.asked_on
