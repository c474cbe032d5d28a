"""証憑: what shows that books or a return are what they are said to be: 受信通知, 33条の2 書面, 記帳適時性証明."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from gateway.schemas.identifiers import BankCode, BranchCode, CgcId, Opaque
from gateway.schemas.records.header import RecordBase
from gateway.schemas.records.labels import Codes, Label
from gateway.schemas.records.parts import SEEN, Month, Part, Seen, Sha256, Title

ASSURANCES: Codes = {
    "L0": ("自己申告", "self-declared"),
    "L1": ("会計ソフトから直接", "from the accounting software"),
    "L2": ("税理士が締めた数字", "closed by a tax accountant"),
    "L3": ("電子申告・受信通知あり", "e-filed, with receipt notice"),
    "L4": ("電子申告・33条の2書面または監査", "e-filed, with article 33-2 or audit"),
}

Assurance = Literal["L0", "L1", "L2", "L3", "L4"]
"""L0 self-declared · L1 from the accounting software itself · L2 closed by a tax accountant · L3 e-filed with
受信通知 · L4 e-filed with 33条の2 書面 or audited. A proposal of ours (domain note 6.2)."""


RESULT: Codes = {
    "accepted": ("受付完了", "accepted"),
    "error": ("エラー", "error"),
    "unknown": ("不明", "unknown"),
}


class ReceiptNotice(Part):
    """e-Tax 受信通知, as captured from the message."""

    receipt_no: Annotated[Opaque, Label("受付番号", "receipt number")]
    received_at: Annotated[AwareDatetime, Label("受付日時", "received at")]
    user_id: Annotated[
        Annotated[str, StringConstraints(pattern="^\\d{16}$")] | None, Label("利用者識別番号", "user id")
    ] = None
    procedure: Annotated[Title | None, Label("手続名", "procedure")] = None
    filer_name: Annotated[Title | None, Label("氏名又は名称", "filer")] = None
    file_name: Annotated[Title | None, Label("ファイル名", "file name")] = None
    result: Annotated[Literal["accepted", "error", "unknown"], Label("受付結果", "result", RESULT)] = "unknown"


class AttachedStatement(Part):
    """税理士法33条の2 書面."""

    attached: Annotated[Seen, Label("書面の添付", "attached", SEEN)]
    accountant_name: Annotated[Title | None, Label("税理士名", "accountant")] = None
    registration_no: Annotated[
        Annotated[str, StringConstraints(pattern="^\\d{1,6}$")] | None, Label("税理士登録番号", "registration number")
    ] = None
    office: Annotated[Title | None, Label("部署・店名", "office")] = None


class TimelyMonth(Part):
    """One month of the 記帳適時性証明: when it was closed and audited; ``timely`` is the mark ◎."""

    month: Annotated[Month, Label("対象月", "month")]
    closed_on: Annotated[date | None, Label("締め日", "closed on")] = None
    audited_on: Annotated[date | None, Label("巡回監査日", "audited on")] = None
    journal_count: Annotated[int | None, Field(ge=0, le=100000000), Label("仕訳数", "entries")] = None
    timely: Annotated[Seen, Label("適時(◎)", "in time (◎)", SEEN)] = "unknown"


ACCOUNTING_BASIS: Codes = {
    "youryo": ("中小会計要領", "basic accounting rules for SMEs"),
    "shishin": ("中小会計指針", "accounting guidelines for SMEs"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


class Timeliness(Part):
    """記帳適時性証明書: that the books were kept in time and not changed afterwards; not that they are true."""

    serial_no: Annotated[Opaque, Label("証明書番号", "serial number")]
    issued_on: Annotated[date, Label("発行日", "issued on")]
    verified_online: Annotated[Seen, Label("オンライン確認", "verified online", SEEN)] = "unknown"
    accounting_basis: Annotated[
        Literal["youryo", "shishin", "other", "unknown"], Label("会計ルール", "accounting rules", ACCOUNTING_BASIS)
    ] = "unknown"
    months: Annotated[tuple[TimelyMonth, ...], Field(max_length=60), Label("月別", "months")] = ()


ROUTE: Codes = {
    "etax": ("e-Tax", "e-Tax"),
    "zaimon": ("Zaimon", "Zaimon"),
    "accounting_software": ("会計ソフト", "accounting software"),
    "accountant": ("税理士・会計士", "accountant"),
    "bank": ("金融機関", "bank"),
    "paper": ("書面", "paper"),
    "other": ("その他", "other"),
    "unknown": ("不明", "unknown"),
}


DOC_KIND: Codes = {
    "etax_receipt": ("受信通知", "e-Tax receipt notice"),
    "article_33_2": ("税理士法33条の2書面", "statement under article 33-2"),
    "timeliness": ("記帳適時性証明書", "certificate of timely books"),
    "youryo_checklist": ("中小会計要領チェックリスト", "checklist of accounting rules"),
    "etax_copy": ("電子申告データの控え", "copy of the e-filed data"),
    "tax_stamp": ("収受印", "tax-office stamp"),
    "other": ("その他", "other"),
}


class EvidenceDocument(RecordBase):
    """One piece of evidence: what was captured from it, and the digest of the document itself where it was kept."""

    kind: Literal["evidence_document"] = "evidence_document"
    looks_back: ClassVar[timedelta] = timedelta(days=400)

    cgc_id: Annotated[CgcId | None, Label("協会コード", "corporation")] = None
    bank_code: Annotated[BankCode | None, Label("金融機関コード", "bank")] = None
    branch_code: Annotated[BranchCode | None, Label("支店コード", "branch")] = None
    doc_kind: Annotated[
        Literal["etax_receipt", "article_33_2", "timeliness", "youryo_checklist", "etax_copy", "tax_stamp", "other"],
        Label("証憑の種類", "kind of evidence", DOC_KIND),
    ]
    document_no: Annotated[Opaque, Label("証憑の番号", "its number")]
    captured_on: Annotated[date, Label("取得日", "captured on")]
    fiscal_year_start: Annotated[date | None, Label("事業年度開始日", "start of the term")] = None
    fiscal_year_end: Annotated[date | None, Label("事業年度末", "end of the term")] = None
    route: Annotated[
        Literal["etax", "zaimon", "accounting_software", "accountant", "bank", "paper", "other", "unknown"],
        Label("経路", "route", ROUTE),
    ] = "unknown"
    assurance_level: Annotated[Assurance, Label("信頼性の水準", "assurance level", ASSURANCES)] = "L0"
    sha256: Annotated[Sha256 | None, Label("書類のハッシュ値(SHA-256)", "SHA-256 of the document")] = None
    media_type: Annotated[
        Annotated[str, StringConstraints(max_length=100, pattern="^[\\w.+-]+/[\\w.+-]+$")] | None,
        Label("ファイル形式", "media type"),
    ] = None
    receipt: Annotated[ReceiptNotice | None, Label("受信通知", "receipt notice")] = None
    attached_statement: Annotated[AttachedStatement | None, Label("33条の2書面", "statement under article 33-2")] = None
    timeliness: Annotated[Timeliness | None, Label("記帳適時性証明書", "certificate of timely books")] = None
    backs_sha256: Annotated[
        tuple[Sha256, ...], Field(max_length=50), Label("裏付ける書類", "documents it backs, SHA-256")
    ] = ()

    @property
    def valid_from(self) -> date:
        """First day the record speaks of."""
        return self.captured_on

    @property
    def valid_on(self) -> date:
        """The day by which the record is filed among its series."""
        return self.captured_on

    @property
    def series(self) -> str:
        """What later versions of the same thing share, besides firm and institution."""
        return f"{self.doc_kind}/{self.document_no}"
