"""An accounting system of the MIS kind: discloses to the corporation what its firms and their tax accountants closed.

    python -m mocks.mis mis --recipient 13 --bank 9991 …

One month of disclosures: of each firm the month's trial balance right after closing, of a corporation also the filed
statements in one envelope, with the e-filing's receipt as evidence. A firm with an even number is disclosed as XML, the
others as JSON; the newest month of every third firm is not closed yet. It writes what ``openapi/schemas`` publishes and
knows firms by its own tenant numbers only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from gateway.client import Outcome
from mocks.ledgers import CHART, SHEET, Books, Month, books, filed_statements
from mocks.people import Firm
from mocks.program import Program, arguments, expect, run, say, world
from mocks.vendor import pair

NAMESPACE = "urn:hayame:mis-feed:1"
SYSTEM = {"vendor": "みほん計算センター", "product": "みほんMIS", "version": "2026.10"}

Document = tuple[str, bytes]
Writer = Callable[[Mapping[str, Any]], bytes]


def work(mis: Program) -> None:
    """The month of every firm whose books are kept in it."""
    kept = mis.portfolio()
    for number, firm in enumerate(kept.booked):
        pair(mis, firm)
        disclose(mis, number, books(firm, kept.as_of), f"tenant:{firm.tenant}")


def disclose(mis: Program, number: int, kept: Books, subject: str, **more: Any) -> list[Outcome]:
    """Everything one firm discloses this month, and that it is taken as what it is; returns the outcomes."""
    outcomes = []
    for filename, document in disclosures(number, kept):
        outcome = mis.submit(document, subject=subject, filename=filename, key=f"{subject} {filename}", **more)
        is_open = "provisional" in filename
        expect({one["code"] for one in outcome.findings}, {"V50"} if is_open else set(), filename)
        outcomes.append(outcome)
    say(f"{subject}: 開示 {len(outcomes)} 件 → 受理 / disclosures, all accepted")
    return outcomes


def disclosures(number: int, kept: Books) -> Iterator[Document]:
    """The files of one firm's month: statements first where there are any, then the trial balance."""
    suffix, write = (("xml", as_xml), ("json", as_json))[number % 2]
    if kept.firm.corporate_number:
        yield f"fs_annual.{suffix}", write(statements(kept))
    is_open = number % 3 == 2
    name = "tb_provisional" if is_open else "tb_monthly"
    yield f"{name}.{suffix}", write(trial_balance(kept.firm, kept.months[-1], is_open))


def trial_balance(firm: Firm, month: Month, is_open: bool = False) -> dict[str, Any]:
    """A month's trial balance in its envelope."""
    last = (month.first_on + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    closed = last + timedelta(days=8)
    said = {"feed_kind": "tb_monthly", "close_state": "provisional" if is_open else "closed"}
    lines = [
        {
            "source_code": one.code,
            "source_name": one.name,
            "section": one.section,
            "statement": "BS" if one in SHEET else "PL",
            "opening_yen": month.opening[one],
            "debit_yen": month.debit[one],
            "credit_yen": month.credit[one],
            "closing_yen": month.closing(one),
        }
        for one in CHART
    ]
    disclosure = {**said, **({} if is_open else {"closed_on": str(closed)}), "disclosed_on": str(closed)}
    payload = {"trial_balance": {"span": "month", "statements": ["BS", "PL"], "lines": lines}}
    return _envelope(firm, (str(month.first_on), str(last)), _by(firm, disclosure), [payload])


def statements(kept: Books) -> dict[str, Any]:
    """The filed year in its envelope: balance sheet and profit and loss, and what proves that they were filed."""
    first, last = kept.term
    filed = last + timedelta(days=59)
    receipt = f"受信通知 {kept.firm.tenant} {filed}".encode()
    evidence = {
        "kind": "etax_receipt",
        "sha256": hashlib.sha256(receipt).hexdigest(),
        "assurance_level": "L3",
        "fields": [{"label": "procedure", "text": "法人税及び地方法人税申告"}, {"label": "result", "text": "受付完了"}],
    }
    days = {"closed_on": str(filed), "disclosed_on": str(filed)}
    disclosure = {"feed_kind": "fs_annual", "close_state": "closed", **days}
    payloads = [
        {
            "financial_statement": {
                "statement_type": name.split("_")[2],
                "filed_on": str(filed),
                "lines": _rows(document),
            }
        }
        for name, document in filed_statements(kept).items()
    ]
    said = _by(kept.firm, disclosure) | {"evidence": [evidence]}
    return _envelope(kept.firm, (str(first), str(last)), said, payloads)


def _by(firm: Firm, disclosure: Mapping[str, Any]) -> dict[str, Any]:
    accountant = str(sum(firm.tenant.encode()) * 37 % 100_000 + 10_000)
    return {**disclosure, "accountant_no": accountant, "system": SYSTEM, "consent_id": f"MIS-{firm.tenant}"}


def _envelope(
    firm: Firm, period: tuple[str, str], disclosure: Mapping[str, Any], payloads: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    days = {"period_from": period[0], "period_to": period[1]}
    return {"company_name": firm.name, **days, "disclosure": disclosure, "payloads": payloads}


def _rows(hot010: bytes) -> list[dict[str, Any]]:
    """The rows of a filed statement; its writer leaves no comma in a name."""
    rows = []
    for line in hot010.decode("cp932").splitlines()[5:]:
        name, yen, form, level, code = line.split(",")
        row: dict[str, Any] = {"source_code": code, "source_name": name}
        row |= {"row": "title"} if form == "T" else {}
        row |= {"level": int(level)} | ({"is_total": True} if name.endswith("合計") else {})
        rows.append(row if form == "T" else row | {"amount_yen": int(yen)})
    return rows


def as_json(said: Mapping[str, Any]) -> bytes:
    """A disclosure as JSON."""
    return json.dumps({"schema": NAMESPACE, **said}, ensure_ascii=False, indent=1).encode() + b"\n"


def as_xml(said: Mapping[str, Any]) -> bytes:
    """The same as XML, an element a line; members stand in the order that the XML Schema wants."""
    body = "\n".join(piece for name, value in said.items() for piece in _elements(name, value))
    opening = f"<?xml version='1.0' encoding='UTF-8'?>\n<disclosed xmlns={quoteattr(NAMESPACE)}>"
    return f"{opening}\n{body}\n</disclosed>\n".encode()


def _elements(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"<{name}>"
        yield from (piece for member, own in value.items() for piece in _elements(member, own))
        yield f"</{name}>"
    elif isinstance(value, list | tuple):
        yield from (piece for own in value for piece in _elements(name, own))
    else:
        yield f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"


def main() -> None:
    """Run as a program."""
    parser = arguments("An accounting system of the MIS kind: a month of disclosures.")
    world(parser)
    run(parser, work)


if __name__ == "__main__":
    main()
