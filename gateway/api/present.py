"""How outcomes look to those who asked: JSON bodies from statements, findings and lines."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from gateway.formats.text import harmless
from gateway.ports import Remark
from gateway.rules.messages import remedy, render
from gateway.schemas.findings import Finding, Verdict
from gateway.schemas.identifiers import instant_text
from gateway.schemas.statement import Statement
from gateway.schemas.submission import Waiting
from gateway.steps.normalise import NO_CONSENT
from gateway.store.withdrawals import Withdrawn

FINDINGS_SHOWN = 100


def statement_of(receipt: str) -> Statement:
    """The statement inside a receipt of our own store."""
    payload = receipt.split(".")[1]
    return Statement.model_validate_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def outcome(
    submission: str, statements: Sequence[tuple[Statement, str]], findings: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """What a submission came to: statements with their receipts, the first findings, and where the rest is.

    Args:
        submission: its id.
        statements: each with its receipt (compact JWS).
        findings: as sealed; only the first hundred are rendered.
    """
    shown = [finding(one) for one, _ in zip(findings, range(FINDINGS_SHOWN), strict=False)]
    address = f"/v1/submissions/{submission}"
    return {
        "submission": submission,
        "state": "final",
        "verdict": overall(statement.verdict for statement, _ in statements),
        "statements": [statement_body(statement, receipt) for statement, receipt in statements],
        "findings": shown,
        "findings_count": sum(statement.findings_count for statement, _ in statements),
        "links": {
            "self": address,
            "findings": f"{address}/findings",
            "returned": f"{address}/returned",
            "evidence": f"{address}/evidence",
            "raw": f"{address}/raw",
        },
    }


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """One word for all statements of a submission: the best that any of them got."""
    order = [Verdict.ACCEPTED_WITH_FINDINGS, Verdict.ACCEPTED, Verdict.HELD, Verdict.UNCHANGED, Verdict.REFUSED]
    return min(verdicts, key=order.index)


def statement_body(statement: Statement, receipt: str) -> dict[str, Any]:
    """One statement, and the receipt that proves it."""
    return {
        "recipient": statement.recipient,
        "verdict": statement.verdict,
        "counts": statement.counts.model_dump(),
        "first_position": statement.first_position,
        "count": statement.count,
        "leaf_index": statement.leaf_index,
        "receipt": receipt,
    }


def finding(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as sealed, with the words for it in both languages."""
    made = Finding.model_validate(stored)
    return dict(stored) | {
        "place_ja": str(made.place),
        "message_ja": render(made, "ja"),
        "message_en": render(made, "en"),
        "remedy_ja": remedy(made, "ja"),
        "remedy_en": remedy(made, "en"),
    }


def remark(stored: Mapping[str, Any]) -> Remark:
    """A finding as it is written into the workbook that it is about."""
    made = Finding.model_validate(stored)
    return Remark(made.place, made.severity.value, render(made, "ja"), remedy(made, "ja"))


def finding_text(stored: Mapping[str, Any]) -> str:
    """A finding as one line of Japanese text for a clerk."""
    made = Finding.model_validate(stored)
    return f"[{made.severity}] {made.code} {made.place}: {render(made, 'ja')} {remedy(made, 'ja')}"


def findings_csv(stored: Iterable[Mapping[str, Any]]) -> str:
    """Findings as a CSV for a spreadsheet: Japanese header, UTF-8 with BOM, nothing a spreadsheet would run."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["記録", "規則", "区分", "行", "列", "シート", "セル", "内容", "対応"])
    for one in stored:
        made = Finding.model_validate(one)
        at = made.place
        number = "" if made.record is None else made.record + 1
        row = [number, made.code, made.severity.value, at.line or "", at.column or "", at.sheet or "", at.cell or ""]
        writer.writerow(map(harmless, [*row, render(made, "ja"), remedy(made, "ja")]))
    return "\ufeff" + out.getvalue()


def held(one: Waiting, to_recipient: bool) -> dict[str, Any]:
    """A held record in the work list: whose it is, what it waits for.

    A sender is not told whether it is the firm or only its consent that is not known; its recipient is.
    """
    tells = one.waits_for is not None and (to_recipient or one.code != NO_CONSENT)
    return {
        "submission": one.submission,
        "recipient": one.recipient,
        "record": one.ordinal,
        "kind": one.kind,
        "code": one.code,
        "waits_for": one.waits_for.model_dump() if one.waits_for and tells else None,
    }


def withdrawn(one: Withdrawn) -> dict[str, Any]:
    """What was withdrawn of a submission from one recipient; who asked for it is the operator's to tell."""
    return {
        "recipient": one.recipient,
        "reason": one.reason,
        "whole": one.whole,
        "positions": one.positions,
        "withdrawn_at": instant_text(one.withdrawn_at),
        "statement": one.statement,
    }


def cloud_event(source: str, row: tuple[int, str, int, bytes], withheld: tuple[bytes, str] | None) -> bytes:
    """A feed row as a CloudEvents 1.0 structured event; ``id`` and ``sequence`` are the position."""
    position, submission, index, line = row
    event = {
        "specversion": "1.0",
        "id": str(position),
        "source": source,
        "type": "jp.hayame.line.withheld.v1" if withheld else "jp.hayame.line.published.v1",
        "subject": f"{submission}/{index}",
        "datacontenttype": "application/json",
        "sequence": f"{position:020d}",
    }
    if withheld:
        return orjson.dumps(event | {"data": {"leaf": withheld[0].hex(), "withheld": withheld[1]}})
    return orjson.dumps(event | {"data": orjson.Fragment(line)})
