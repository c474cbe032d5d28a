"""信用保証の申込み, with 取引状況: what a firm owes to whom on the day of the application."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, Opaque
from gateway.schemas.records.header import Rounding, SourceRounding, SourceUnit, Unit
from gateway.schemas.records.labels import Codes, Label, Short
from gateway.schemas.records.parts import GuaranteeNos, NonNegativeYen, Numbered, Part, Sha256, Title
from gateway.schemas.records.subject_profile import Share

FORM: Codes = {
    "discount": ("割引", "discount"),
    "short": ("短期", "short term"),
    "long": ("長期", "long term"),
    "overdraft": ("当座貸越", "overdraft"),
    "bond": ("社債", "bond"),
    "other": ("その他", "other"),
}


LIABILITY: Codes = {
    "cgc_guaranteed": ("保証協会付", "guaranteed by a corporation"),
    "proper": ("プロパー", "the lender's own risk"),
    "other": ("その他", "other"),
}


class Borrowing(Part):
    """One row of the 取引状況: what is owed to one lender in one form.

    A guaranteed loan counts whole, also where the guarantee covers 80 %; a revolving one by its limit, not its usage.
    """

    lender_bank_code: Annotated[BankCode | None, Label("借入先の金融機関コード", "lender's bank code")] = None
    lender: Annotated[Title | None, Label("借入先", "lender")] = None
    liability: Annotated[Literal["cgc_guaranteed", "proper", "other"], Label("保証の区分", "whose risk", LIABILITY)]
    form: Annotated[
        Literal["discount", "short", "long", "overdraft", "bond", "other"], Label("借入の形式", "form", FORM)
    ]
    amount_yen: Annotated[NonNegativeYen, Label("金額", "amount, yen")]


class TransactionPosition(Part):
    """取引状況, all as of one day; forms state thousands of yen, and how they round is left to the bank."""

    as_of: Annotated[date, Label("基準日", "as of")]
    rows: Annotated[tuple[Borrowing, ...], Field(max_length=200), Label("明細", "rows")] = ()
    total_yen: Annotated[NonNegativeYen | None, Label("合計", "total, yen")] = None
    deposits_yen: Annotated[NonNegativeYen | None, Label("預金", "deposits, yen")] = None
    unit: SourceUnit = Unit.THOUSAND
    rounding: SourceRounding = Rounding.UNKNOWN


HAS_EVIDENCE: Codes = {
    "etax_receipt": ("受信通知", "e-Tax receipt notice"),
    "tax_stamp": ("収受印", "tax-office stamp"),
    "none": ("なし", "none"),
    "unknown": ("不明", "unknown"),
}


DOC_TYPE: Codes = {
    "request_form": ("信用保証依頼書", "request form"),
    "application_form": ("信用保証委託申込書", "application form"),
    "firm_outline": ("申込人概要", "outline of the firm"),
    "accounts": ("決算書", "accounts"),
    "tax_return": ("確定申告書", "tax return"),
    "registry": ("登記事項証明書", "extract of the register"),
    "tax_certificate": ("納税証明書", "tax certificate"),
    "licence": ("許認可証", "licence"),
    "plan": ("計画書", "plan"),
    "consent_form": ("個人情報同意書", "consent form"),
    "other": ("その他", "other"),
}


class ApplicationDocument(Part):
    """One document that came with the application, by its digest."""

    doc_type: Annotated[
        Literal[
            "request_form",
            "application_form",
            "firm_outline",
            "accounts",
            "tax_return",
            "registry",
            "tax_certificate",
            "licence",
            "plan",
            "consent_form",
            "other",
        ],
        Label("書類の種類", "kind of document", DOC_TYPE),
    ]
    term_end: Annotated[date | None, Label("対象期末", "end of its term")] = None
    sha256: Annotated[Sha256 | None, Label("書類のハッシュ値(SHA-256)", "SHA-256 of the document")] = None
    has_evidence: Annotated[
        Literal["etax_receipt", "tax_stamp", "none", "unknown"], Label("申告の証憑", "evidence of filing", HAS_EVIDENCE)
    ] = "unknown"


ACCOUNT_KIND: Codes = {
    "ordinary": ("普通", "ordinary"),
    "current": ("当座", "current"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


class PayoutAccount(Part):
    """The firm's own account into which the loan would be paid."""

    account_kind: Annotated[
        Literal["ordinary", "current", "other", "unknown"], Label("預金種目", "kind of account", ACCOUNT_KIND)
    ] = "unknown"
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    account_no: Annotated[
        Annotated[str, StringConstraints(pattern="^\\d{1,7}$")] | None, Label("口座番号", "account number")
    ] = None


STATE: Codes = {
    "applied": ("申込み", "applied"),
    "approved": ("承諾", "approved"),
    "declined": ("謝絶", "declined"),
    "withdrawn": ("取下げ", "withdrawn"),
    "unknown": ("不明", "unknown"),
}


FUND_USE: Codes = {
    "working": ("運転資金", "working capital"),
    "equipment": ("設備資金", "equipment"),
    "both": ("運転・設備資金", "both"),
    "unknown": ("不明", "unknown"),
}


TERM_KIND: Codes = {
    "months": ("期間(月数)", "months"),
    "due_date": ("期日", "due date"),
    "unknown": ("不明", "unknown"),
}


REPAYMENT_METHOD: Codes = {
    "equal_principal": ("元金均等", "equal principal"),
    "equal_installment": ("元利均等", "equal instalments"),
    "bullet": ("一括", "in one sum at maturity"),
    "irregular": ("不均等", "irregular"),
    "revolving": ("極度", "revolving"),
    "unknown": ("不明", "unknown"),
}


RISK_SHARE: Codes = {
    "shared_80": ("責任共有(80%)", "shared, 80 %"),
    "full_100": ("責任共有対象外(100%)", "not shared, 100 %"),
    "unknown": ("不明", "unknown"),
}


AGENCY: Codes = {
    "bank": ("金融機関経由", "through a bank"),
    "agent": ("代理", "agent"),
    "direct": ("協会へ直接", "direct"),
    "unknown": ("不明", "unknown"),
}


class GuaranteeApplication(Numbered):
    """One application. Term and repayment are as planned; what was agreed is told when the loan is paid out."""

    kind: Literal["guarantee_application"] = "guarantee_application"
    bank_code: Annotated[BankCode, Label("金融機関コード", "bank")]
    applied_on: Annotated[date, Label("申込日", "applied on")]
    agency: Annotated[
        Literal["bank", "agent", "direct", "unknown"], Label("申込みの経路", "applied through", AGENCY)
    ] = "unknown"
    cgc_customer_no: Annotated[Opaque | None, Label("協会の顧客番号", "the corporation's customer number")] = None
    scheme_code: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=32, pattern="^[0-9A-Z-]+$")] | None,
        Label("保証制度コード", "scheme"),
    ] = None
    scheme_family: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=32, pattern="^[a-z0-9_]+$")] | None,
        Label("保証制度の系統", "family of schemes"),
    ] = None
    amount_yen: Annotated[NonNegativeYen, Field(ge=1), Label("金額", "amount, yen")]
    guarantee_ratio: Annotated[Share | None, Label("保証割合", "share guaranteed, 0 to 1")] = None
    risk_share: Annotated[
        Literal["shared_80", "full_100", "unknown"], Label("責任共有区分", "sharing of risk", RISK_SHARE)
    ] = "unknown"
    planned_rate_pct: Annotated[
        Annotated[Decimal, Field(ge=0, le=100, max_digits=7, decimal_places=4)] | None,
        Label("予定利率", "planned rate, % a year"),
    ] = None
    repayment_method: Annotated[
        Literal["equal_principal", "equal_installment", "bullet", "irregular", "revolving", "unknown"],
        Label("返済方法", "method of repayment", REPAYMENT_METHOD),
    ] = "unknown"
    repayment_terms: Annotated[Short | None, Label("返済条件", "terms of repayment")] = None
    term_kind: Annotated[
        Literal["months", "due_date", "unknown"], Label("保証期間の種類", "kind of term", TERM_KIND)
    ] = "unknown"
    term_months: Annotated[int | None, Field(ge=1, le=600), Label("期間(月数)", "term, months")] = None
    due_on: Annotated[date | None, Label("期日", "due on")] = None
    grace_months: Annotated[int | None, Field(ge=0, le=120), Label("据置期間(月数)", "grace period, months")] = None
    fund_use: Annotated[
        Literal["working", "equipment", "both", "unknown"], Label("資金使途", "use of the funds", FUND_USE)
    ] = "unknown"
    is_recurring_working_capital: Annotated[bool | None, Label("うち経常運転資金", "recurring working capital")] = None
    refinanced_guarantee_nos: Annotated[GuaranteeNos, Label("借換対象保証番号", "guarantees refinanced")] = ()
    account: Annotated[PayoutAccount | None, Label("入金口座", "account for the loan")] = None
    transaction_position: Annotated[TransactionPosition | None, Label("取引状況", "position with lenders")] = None
    documents: Annotated[tuple[ApplicationDocument, ...], Field(max_length=100), Label("添付書類", "documents")] = ()
    consent_ids: Annotated[tuple[Opaque, ...], Field(max_length=20), Label("同意の番号", "consents")] = ()
    state: Annotated[
        Literal["applied", "approved", "declined", "withdrawn", "unknown"], Label("状態", "state", STATE)
    ] = "applied"
    unit: SourceUnit = Unit.YEN
    rounding: SourceRounding = Rounding.NONE

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.applied_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.applied_on
