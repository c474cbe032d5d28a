"""Rules over evidence: that it is of its term, that a copy is kept, and that it carries the assurance it claims."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.identifiers import japanese_date
from gateway.schemas.records.evidence_document import EvidenceDocument

KIND = "evidence_document"
_KEPT_BY_ETAX = timedelta(days=1_900)


@document_rule(
    "V44",
    KIND,
    Severity.WARN,
    Words(
        ja="受信通知の受付日（{received_on}）が、事業年度末（{fiscal_year_end}）より後ではありません。",
        en="The receipt notice is of {received_on}, which is not after the end of the term ({fiscal_year_end}).",
        remedy_ja="受信通知と事業年度の組み合わせを確認してください。",
        remedy_en="Check which term the notice belongs to.",
    ),
    "domain note 11, V44",
)
def a_return_is_filed_after_its_term(evidence: EvidenceDocument) -> Iterator[Hit]:
    """A receipt notice of a return is of a later day than the end of its term.

    *Because* a notice beside another term's accounts proves nothing of them.
    *Accepts* 事業年度末 2026-03-31, 受付 2026-05-25; no term stated.
    *Finds* 事業年度末 2026-03-31, 受付 2025-05-26.
    *Remedy* state the term the notice is of.
    *Source* domain note 11, V44. Whether it names the firm is told where the record is placed (S02).
    """
    if evidence.receipt is None or evidence.fiscal_year_end is None:
        return
    received_on = japanese_date(evidence.receipt.received_at)
    if received_on <= evidence.fiscal_year_end:
        shown = {"received_on": str(received_on), "fiscal_year_end": str(evidence.fiscal_year_end)}
        yield Hit("/receipt/received_at", shown)


@document_rule(
    "V45",
    KIND,
    Severity.INFO,
    Words(
        ja="受信通知の写しが保存されていません。e-Tax では {until} を過ぎると削除されます。",
        en="No copy of the receipt notice is kept; e-Tax deletes it after {until}.",
        remedy_ja="受信通知を保存し、そのハッシュ値（SHA-256）を記載してください。",
        remedy_en="Keep a copy of the notice and state its digest (SHA-256).",
    ),
    "domain note 11, V45; domain note 6.2",
)
def a_copy_of_the_notice_is_kept(evidence: EvidenceDocument) -> Iterator[Hit]:
    """Of a receipt notice a copy is kept, by its digest.

    *Because* e-Tax deletes its messages after 1,900 days, and accounts are asked about for longer.
    *Accepts* any notice with the digest of its copy.
    *Finds* a notice of 2026-05-25 without a digest: gone after 2031-08-07.
    *Remedy* keep a copy.
    *Source* domain note 6.2 (lifetime of messages). There is no clock in rules: the day is named, not how near it is.
    """
    if evidence.receipt is not None and evidence.sha256 is None:
        until = japanese_date(evidence.receipt.received_at) + _KEPT_BY_ETAX
        yield Hit("/sha256", {"until": str(until)})


@document_rule(
    "E01",
    KIND,
    Severity.WARN,
    Words(
        ja="信頼性の水準 {level} に必要な根拠（{needs}）がありません。",
        en="Assurance level {level} needs {needs}, which is not here.",
        remedy_ja="根拠となる項目を記載するか、水準を下げてください。",
        remedy_en="State what it rests on, or a lower level.",
    ),
    "domain note 6.2",
)
def an_assurance_level_rests_on_something(evidence: EvidenceDocument) -> Iterator[Hit]:
    """A level of assurance rests on what it is given for.

    L2 rests on a certificate of timely books or the accountant's statement, L3 on a receipt notice that says accepted,
    L4 on the notice and the statement.

    *Because* readers weigh figures by the level, and nobody looks again at what it was given for.
    *Accepts* L3 with 受信通知 (受付完了); L4 with 受信通知 and 33条の2 書面; L0 and L1 with nothing.
    *Finds* L3 without a notice, or with one that reports an error; L4 without 33条の2 書面.
    *Remedy* state what it rests on, or a lower level.
    *Source* domain note 6.2 (proposal).
    """
    filed = evidence.receipt is not None and evidence.receipt.result == "accepted"
    stated = evidence.attached_statement is not None and evidence.attached_statement.attached == "yes"
    closed = evidence.timeliness is not None or stated or filed
    lacking = {
        "L2": () if closed else ("timeliness",),
        "L3": () if filed else ("receipt",),
        "L4": (() if filed else ("receipt",)) + (() if stated else ("attached_statement",)),
    }.get(evidence.assurance_level, ())
    for needs in lacking:
        yield Hit("/assurance_level", {"level": evidence.assurance_level, "needs": f"{KIND}.{needs}"})
