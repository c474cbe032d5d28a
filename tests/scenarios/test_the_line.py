"""From a bank to a targeting tool and into an auditor's hands, on both engines."""

from __future__ import annotations

import base64
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openpyxl
import orjson
import pytest
from commands import hayame
from world import BANK, CORPORATION, OTHER_BANK, TOOL, VENDOR, World, corporate_number, trial_balance

from gateway.client import Refusal
from gateway.formats.forms import Typed, filled_form
from gateway.schemas.records import KINDS
from gateway.security.keys import KeyRing
from gateway.security.verify import verify_evidence


def test_a_document_becomes_a_signed_receipt_and_a_proven_line(world: World) -> None:
    bank, reader = world.client(BANK), world.reader()
    outcome = bank.submit(trial_balance(1, 4), recipient="13", media_type="application/json")
    statement = bank.check_receipt(outcome.receipts[0], bank.gateway_keys())
    lines = reader.fetch()
    assert (outcome.status, outcome.verdict) == (201, "accepted")
    assert statement["counts"] == {"accepted": 1, "unchanged": 0, "held": 0, "refused": 0}
    assert [(line.submission, line.index) for line in lines] == [(outcome.submission, 0)]
    assert lines[0].line["record"]["lines"][0]["account_key"] == "cash_and_deposits"
    assert lines[0].line["source"]["digest"] == statement["raw_sha256"]


def test_the_same_request_again_gives_the_same_receipt_and_has_no_effect(world: World) -> None:
    bank, reader = world.client(BANK), world.reader()
    first = bank.submit(trial_balance(2, 4), recipient="13", key="april")
    again = bank.submit(trial_balance(2, 4), recipient="13", key="april")
    assert again.receipts == first.receipts
    assert [line.submission for line in reader.fetch()] == [first.submission]


def test_a_key_used_for_another_document_is_refused(world: World) -> None:
    bank = world.client(BANK)
    bank.submit(trial_balance(13, 4), recipient="13", key="used")
    with pytest.raises(Refusal) as refused:
        bank.submit(trial_balance(13, 5), recipient="13", key="used")
    assert (refused.value.status, refused.value.problem["code"]) == (422, "submission.key_reused")


def test_two_at_once_with_one_key_have_one_outcome(world: World) -> None:
    clients, reader = [world.client(BANK) for _ in range(8)], world.reader()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda c: c.submit(trial_balance(14, 4), recipient="13", key="once"), clients))
    assert len({outcome.receipts[0] for outcome in outcomes}) == 1
    assert len(reader.fetch()) == 1


def test_equal_content_is_unchanged_and_changed_content_supersedes_with_the_value_before(world: World) -> None:
    bank, reader = world.client(BANK), world.reader()
    bank.submit(trial_balance(3, 4), recipient="13")
    equal = bank.submit(trial_balance(3, 4, software="別の出力"), recipient="13")
    same = bank.submit(
        trial_balance(3, 4, software="別の出力", produced_at="2026-05-02T09:00:00+09:00"), recipient="13"
    )
    bank.submit(trial_balance(3, 4, closing=230), recipient="13")
    lines = reader.fetch()
    assert equal.counts["accepted"] == 1
    assert same.counts == {"accepted": 0, "unchanged": 1, "held": 0, "refused": 0}
    assert len(lines) == 3
    superseded = lines[2].line["supersedes"]
    assert superseded["position"] == lines[1].position
    assert {"at": "/lines/10A100020/closing_yen", "value": 130} in superseded["before"]


def test_what_names_no_known_firm_is_held_and_published_without_resubmission_once_linked(world: World) -> None:
    vendor, clerk, reader = world.client(VENDOR), world.client(CORPORATION), world.reader()
    nameless = trial_balance(4, 4, references=[])
    outcome = vendor.submit(nameless, recipient="13", subject="tenant:T-77")
    assert (outcome.status, outcome.verdict, outcome.findings[0]["code"]) == (201, "held", "V40")
    assert [one["waits_for"]["value"] for one in clerk.held()] == ["T-77"]
    assert reader.fetch() == []
    linked = clerk.post(
        "/v1/recipients/13/links",
        {
            "reference": {"scheme": "tenant", "scope": VENDOR, "value": "T-77"},
            "same_as": {"scheme": "corporate_number", "value": corporate_number(4)},
        },
    ).json()
    lines = _until_some(reader)
    assert linked["released"] == 1
    assert [line.line["subject"] for line in lines] == [linked["party"]]
    assert lines[0].submission != outcome.submission
    released = orjson.loads(_payload(clerk.get("/v1/recipients/13/log/receipts").text.split()[-1]))
    assert (released["releases"], released["origin"]["channel"]) == (outcome.submission, "gateway")
    assert clerk.held() == []


def test_a_document_that_names_another_firm_than_its_sender_says_is_refused(world: World) -> None:
    outcome = world.client(BANK).submit(
        trial_balance(5, 4), recipient="13", subject=f"corporate_number:{corporate_number(6)}"
    )
    assert (outcome.status, outcome.verdict, outcome.findings[0]["code"]) == (422, "refused", "S02")
    assert outcome.receipts


def test_what_cannot_be_read_is_refused_with_its_place_and_a_receipt(world: World) -> None:
    outcome = world.client(BANK).submit(
        b'{"kind":"trial_balance",\n "lines":[,]}', recipient="13", adapter="native_json"
    )
    finding = outcome.findings[0]
    assert (outcome.status, outcome.verdict, finding["code"]) == (422, "refused", "R00")
    assert (finding["place"]["line"], finding["place"]["column"] > 1) == (2, True)
    assert "文書を読み取れません" in finding["message_ja"]
    assert outcome.receipts


def test_a_refused_workbook_comes_back_as_itself_with_what_was_found_in_its_cells(world: World) -> None:
    bank = world.client(BANK)
    workbook = filled_form("monitoring-report", {"/bank_code": "9991", "/cash/state": Typed("ふつう")})
    refused = bank.submit(workbook, recipient="13", filename="報告.xlsx")
    found = {one["place"].get("cell"): one["message_ja"] for one in bank.findings(refused.submission)}
    back = openpyxl.load_workbook(io.BytesIO(bank.returned(refused.submission)))
    cell, listed = back.worksheets[0]["B30"], back["指摘一覧"]
    assert (refused.verdict, cell.value) == ("refused", "ふつう")
    assert cell.comment.text.startswith(found["B30"])
    assert {row[1]: row[3] for row in listed.iter_rows(min_row=3, values_only=True)}["B30"] == found["B30"]
    assert bank.submit(bank.returned(refused.submission), recipient="13").counts == refused.counts


def test_a_dry_run_says_what_would_be_found_and_leaves_nothing(world: World) -> None:
    bank, reader = world.client(BANK), world.reader()
    bad = trial_balance(
        7, 4, lines=[{"source_name": "現金", "opening_yen": 1, "debit_yen": 0, "credit_yen": 0, "closing_yen": 5}]
    )
    outcome = bank.submit(bad, recipient="13", dry_run="true")
    assert outcome.status == 200
    assert [finding["code"] for finding in outcome.body["findings"]] == ["V23"]
    assert reader.fetch() == []


def test_a_bank_may_not_speak_for_another_unless_it_lets_it(world: World) -> None:
    bank = world.client(OTHER_BANK)
    with pytest.raises(Refusal) as refused:
        bank.submit(trial_balance(8, 4), recipient="13", on_behalf_of="9991")
    assert refused.value.status == 403


def test_evidence_convinces_an_auditor_offline_and_any_change_breaks_it(world: World, tmp_path: Path) -> None:
    bank, auditor = world.client(BANK), world.client(TOOL)
    outcome = bank.submit(trial_balance(9, 4), recipient="13")
    keyfile, bundle = tmp_path / "gateway.jwks", tmp_path / "evidence.json"
    keyfile.write_text(json.dumps(KeyRing([world.gateway.key.public]).jwks()))
    bundle.write_bytes(auditor.evidence(outcome.submission, line=0))
    verify = ["verify", str(bundle), "--key", str(keyfile)]
    good = hayame(*verify)
    altered = json.loads(bundle.read_bytes())
    line = base64.b64decode(altered["lines"][0]["line"])
    altered["lines"][0]["line"] = base64.b64encode(line.replace(b"130", b"131")).decode()
    bundle.write_bytes(orjson.dumps(altered, option=orjson.OPT_SORT_KEYS))
    bad = hayame(*verify)
    assert (good.returncode, "The evidence holds" in good.stdout) == (0, True)
    assert (bad.returncode, "does NOT hold" in bad.stdout) == (1, True)


def test_the_senders_own_evidence_holds_its_raw_bytes_and_findings(world: World) -> None:
    bank = world.client(BANK)
    outcome = bank.submit(trial_balance(10, 4, closing=131, lines=[_unbalanced()]), recipient="13")
    report = verify_evidence(bank.evidence(outcome.submission), bank.gateway_keys())
    verdicts = {check.name: check.verdict for check in report.checks}
    assert report.holds
    assert (verdicts["raw_digest"], verdicts["findings_digest"], verdicts["timestamp"]) == (
        "verified",
        "verified",
        "unchecked",
    )


def test_lead_times_join_the_instants_of_line_statement_group_and_reader(world: World) -> None:
    bank, tool, start = world.client(BANK), world.client(TOOL), world.reader().head.next_position
    bank.submit(trial_balance(11, 4, produced_at="2026-05-01T09:00:00+09:00"), recipient="13")
    bank.submit(trial_balance(12, 4), recipient="13")
    tool.get("/v1/recipients/13/feed", {"after": start + 1})
    for _ in range(100):  # notes are written when nothing else is going on
        time.sleep(0.1)
        row = tool.get("/v1/recipients/13/lead-times", {"after": start, "rows": True}).json()["rows"][0]
        if {"published_at", "read_at"} <= set(row["instants"]):
            break
    named = ["event_on", "period_end_on", "produced_at", "sent_at", "received_at", "accepted_at", "sealed_at"]
    assert set(named) | {"published_at", "read_at"} == set(row["instants"])
    order = [row["instants"][name] for name in ("received_at", "accepted_at", "sealed_at", "published_at", "read_at")]
    assert [_instant(one) for one in order] == sorted(_instant(one) for one in order)
    assert row["seconds"]["received_to_published"] > 0


def test_asking_from_a_position_that_does_not_exist_yet_is_not_having_read_what_comes_there(world: World) -> None:
    bank, tool = world.client(BANK), world.client(TOOL)
    start = world.reader().head.next_position
    tool.get("/v1/recipients/13/feed", {"after": 1_000_000_000})
    bank.submit(trial_balance(15, 4), recipient="13")
    tool.get("/v1/recipients/13/feed", {"after": start})
    tool.get("/v1/recipients/13/feed", {"after": start + 1})
    for _ in range(100):  # notes are written when nothing else is going on
        time.sleep(0.1)
        row = tool.get("/v1/recipients/13/lead-times", {"after": start, "rows": True}).json()["rows"][0]
        if {"published_at", "read_at"} <= set(row["instants"]):
            break
    assert _instant(row["instants"]["published_at"]) <= _instant(row["instants"]["read_at"])
    assert row["seconds"]["published_to_read"] >= 0


@pytest.mark.parametrize("address", ["feed", "lead-times"])
def test_a_kind_that_does_not_exist_is_refused_and_every_kind_that_does_is_served(world: World, address: str) -> None:
    tool, statuses = world.client(TOOL), {}
    for kind in (*KINDS, "withdrawal"):
        statuses[kind] = tool.get(f"/v1/recipients/13/{address}", {"kind": kind}).status_code
    with pytest.raises(Refusal) as refused:
        tool.get(f"/v1/recipients/13/{address}", {"kind": "trial_balanse"})
    assert set(statuses.values()) == {200}
    assert (refused.value.status, refused.value.problem["code"]) == (400, "request.invalid")
    assert refused.value.problem["detail_ja"]
    assert "trial_balance" in refused.value.problem["errors"][0]["message"]


@pytest.mark.parametrize(
    "subject",
    ["7000012050003", "corporate_number:7000012050003", "corporate_number:70000120500", "invoice_number:7000012050002"],
)
def test_a_subject_that_cannot_be_the_number_it_is_said_to_be_is_refused_at_the_door(
    world: World, subject: str
) -> None:
    with pytest.raises(Refusal) as refused:
        world.client(BANK).submit(trial_balance(16, 4), recipient="13", subject=subject)
    problem = refused.value.problem
    assert (refused.value.status, problem["code"]) == (400, "request.invalid")
    assert "subject" in problem["detail"]
    assert "subject" in problem["detail_ja"]
    assert "number" in problem["detail"]
    assert "番号" in problem["detail_ja"]


def test_a_sole_proprietors_invoice_number_has_no_check_digit_to_fail(world: World) -> None:
    outcome = world.client(BANK).submit(trial_balance(16, 4, references=[]), recipient="13", subject="T7000012050003")
    assert (outcome.status, outcome.verdict) == (201, "held")


@pytest.mark.parametrize("by", ["subject", "reference"])
@pytest.mark.parametrize(("scheme", "owner"), [("bank_customer", "9991"), ("tenant", VENDOR)])
def test_a_number_in_anothers_scope_is_as_unknown_as_any_other(world: World, by: str, scheme: str, owner: str) -> None:
    clerk, other, reader = world.client(CORPORATION), world.client(OTHER_BANK), world.reader()
    value = f"border-{by}"
    known = {"scheme": scheme, "scope": owner, "value": value}
    clerk.post(
        "/v1/recipients/13/links",
        {"reference": known, "same_as": {"scheme": "corporate_number", "value": corporate_number(18)}},
    )

    def told(number: str) -> tuple[object, ...]:
        if by == "subject":
            document, asked = trial_balance(18, 4, references=[]), {"subject": f"{scheme}:{owner}:{number}"}
        else:
            document, asked = trial_balance(18, 4, references=[known | {"value": number}]), {}
        outcome = other.submit(document, recipient="13", **asked)
        said = str(outcome.findings).replace(number, "")
        return outcome.status, outcome.verdict, outcome.counts, said

    assert told(value) == told(f"border-no-{by}")
    assert told(value)[:2] == (201, "held")
    assert reader.fetch() == []


def _instant(text: str) -> str:
    return text.replace("+00:00", "Z")


def _unbalanced() -> dict[str, object]:
    return {"source_name": "現金", "opening_yen": 1, "debit_yen": 0, "credit_yen": 0, "closing_yen": 5}


def _until_some(reader: object) -> list[object]:
    for _ in range(100):
        if lines := reader.fetch(wait=0.2):
            return lines
    raise AssertionError("nothing was published")


def _payload(receipt: str) -> bytes:
    part = receipt.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
