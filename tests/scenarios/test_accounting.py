"""Accounting documents as their software exports them, through the whole line; real ones where they are here."""

from __future__ import annotations

import argparse
import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from world import VENDOR, World, corporate_number

from gateway.client import Client, Outcome
from mocks import mis
from mocks.ledgers import books
from mocks.people import portfolio
from mocks.program import Program

SAMPLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "samples" / "01_accounting_jp"
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "etax_hot010_csv"
needs_samples = pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not here")

AMOUNTS = {
    "opening_yen": "Beginning_Balance",
    "debit_yen": "Debit_Amount",
    "credit_yen": "Credit_Amount",
    "closing_yen": "Ending_Balance",
}


@needs_samples
def test_seven_real_months_are_accepted_and_nothing_is_invented(world: World) -> None:
    vendor, reader = world.client(VENDOR), world.reader()
    months = sorted((SAMPLES / "ledger-explorer" / "trial_balance").glob("*.csv"))
    negative = {}
    for month in months:
        outcome = vendor.submit(
            month.read_bytes(), recipient="13", filename=month.name, subject=corporate_number(30), media_type="text/csv"
        )
        found = vendor.findings(outcome.submission)
        assert (outcome.status, outcome.counts["accepted"]) == (201, 1)
        assert {(one["code"], one["severity"]) for one in found} <= {("NEG", "warn")}
        negative[month.stem] = sorted(one["params"]["account"] for one in found)
        assert all(one["params"]["account"] in one["message_ja"] for one in found)
    assert negative == {
        "2021-04": [],
        "2021-05": ["受取手形"],
        "2021-06": ["受取手形"],
        "2021-07": ["受取手形"],
        "2021-08": ["受取手形", "未払金"],
        "2021-09": ["受取手形", "未払金"],
        "2021-10": ["受取手形"],
    }
    lines = reader.fetch()
    assert [line.line["key"]["valid_on"][:7] for line in lines] == [month.stem for month in months]
    for line, month in zip(lines, months, strict=True):
        rows = list(csv.DictReader(io.StringIO(month.read_text("utf-8-sig"))))
        conservation = line.line["record"]["conservation"]
        assert {name: conservation[name]["source"] for name in AMOUNTS} == {
            name: sum(int(row[column]) for row in rows) for name, column in AMOUNTS.items()
        }
        assert all(one["mapped"] + one["unmapped"] == one["source"] for one in conservation.values())


@needs_samples
def test_a_month_that_does_not_open_as_the_last_one_closed_is_noticed(world: World) -> None:
    vendor = world.client(VENDOR)
    april, may = sorted((SAMPLES / "ledger-explorer" / "trial_balance").glob("*.csv"))[:2]
    slipped = may.read_text("utf-8-sig").replace("133016739,121527464", "133016738,121527463")
    asked = {"recipient": "13", "subject": corporate_number(31), "media_type": "text/csv"}
    vendor.submit(april.read_bytes(), filename=april.name, **asked)
    outcome = vendor.submit(slipped.encode(), filename=may.name, **asked)
    found = {one["code"]: one["params"] for one in vendor.findings(outcome.submission)}
    assert found["V24"]["account"] == "売掛金"
    assert outcome.counts["accepted"] == 1


@needs_samples
@pytest.mark.parametrize(
    ("name", "status", "severe"),
    [
        ("trial_bs.docs-example.json", 201, set()),
        ("trial_pl.docs-example.json", 201, set()),
        ("trial_bs_two_years.docs-example.json", 201, set()),
        ("trial_bs.200.json", 201, {"V23", "NEG"}),
        ("trial_cr.docs-example.invalid.txt", 422, {"R00"}),
        ("trial_bs.400.json", 422, {"R00"}),
        ("trial_bs.429.json", 422, {"R00"}),
    ],
)
def test_the_published_examples_of_freee_come_out_as_they_should(
    world: World, name: str, status: int, severe: set[str]
) -> None:
    vendor = world.client(VENDOR)
    raw = (SAMPLES / "freee-api-examples" / name).read_bytes()
    outcome = vendor.submit(
        raw, recipient="13", filename=name, subject=corporate_number(32), adapter="freee_trial_json"
    )
    found = vendor.findings(outcome.submission)
    assert (outcome.status, {one["code"] for one in found if one["severity"] != "info"}) == (status, severe)
    if name.endswith(".txt"):
        assert (found[0]["place"]["line"], found[0]["place"]["column"]) == (8, 7)


def test_a_firm_named_only_by_name_is_never_attached_by_guess(world: World) -> None:
    rows = ["A,BS,,,", "B,第33商店,,,", "C1,2025-04-01,,,", "C2,2026-03-31,,,", "貸借対照表,,,,"]
    rows += ["資産の部,,T,2,10A000010", "流動資産,,T,3,10A100010", "現金及び預金,1000,1,4,10A100020"]
    rows += ["流動資産合計,1000,1,4,10A101160", "資産の部合計,1000,1,3,10A000020"]
    document = ("\r\n".join(rows) + "\r\n").encode("cp932")
    outcome = world.client(VENDOR).submit(document, recipient="13", filename="HOT010_3.0_BS_10.csv")
    assert (outcome.verdict, outcome.counts["held"]) == ("held", 1)
    assert "V40" in {one["code"] for one in outcome.findings}


def test_a_table_nobody_knows_is_asked_about_once_and_read_from_then_on(world: World) -> None:
    rows = ["残高試算表 2025年4月", "勘定科目,繰越,借方,貸方,当月末", "現金,100,50,20,130", "買掛金,200,0,50,250"]
    document, vendor, reader = "\r\n".join(rows).encode("cp932"), world.client(VENDOR), world.reader()
    reader.fetch()

    def sent() -> Outcome:
        return vendor.submit(document, recipient="13", subject=corporate_number(31), filename="tb.csv")

    asked = sent()
    (question,) = vendor.findings(asked.submission)
    assert (asked.verdict, question["place"]["line"]) == ("refused", 2)

    maps = world.folder / "column_maps"
    maps.mkdir(exist_ok=True)
    (maps / "answer.yaml").write_text(question["message_ja"].partition("\n")[2], "utf-8")
    assert sent().counts["accepted"] == 1
    (line,) = reader.fetch()
    assert [one["closing_yen"] for one in line.line["record"]["lines"]] == [130, 250]


@pytest.mark.parametrize("last", ["changes_in_net_assets", "profit_and_loss"])
def test_profit_and_loss_is_compared_with_the_changes_in_net_assets_whichever_comes_last(
    world: World, last: str
) -> None:
    vendor, firm = world.client(VENDOR), corporate_number(34 if last == "profit_and_loss" else 35)
    names = sorted(["changes_in_net_assets", "profit_and_loss"], key=last.__eq__)
    statements = {name: (GOLDEN / name / "input.csv").read_bytes() for name in names}

    def found(raw: bytes) -> list[dict[str, object]]:
        outcome = vendor.submit(raw, recipient="13", subject=firm, media_type="text/csv")
        assert (outcome.status, outcome.counts["accepted"]) == (201, 1)
        return [one for one in vendor.findings(outcome.submission) if one["code"] == "V26"]

    assert [found(statements[name]) for name in names] == [[], []]
    slipped = statements["profit_and_loss"].replace(b",2600000,1,2,10F000160", b",2500000,1,2,10F000160")
    [finding] = found(slipped)
    assert (finding["severity"], finding["params"]) == ("info", {"profit": 2_500_000, "gained": 2_600_000})
    assert "2,500,000" in str(finding["message_ja"])
    assert found(statements["profit_and_loss"]) == []


def test_statements_handed_in_together_are_compared_once(world: World) -> None:
    term = {"kind": "financial_statement", "fiscal_year_start": "2025-04-01", "fiscal_year_end": "2026-03-31"}
    term |= {"references": [{"scheme": "corporate_number", "value": corporate_number(36)}]}
    vendor = world.client(VENDOR)

    def told(profit: int, closing: int) -> list[tuple[int, str, dict[str, int]]]:
        retained = [("当期首残高", 100), ("剰余金の配当", -30), ("当期末残高", closing)]
        changes = [{"source_name": name, "level": 3, "amount_yen": amount} for name, amount in retained]
        changes.insert(0, {"source_name": "利益剰余金", "row": "title"})
        earned = [{"source_name": "当期純利益", "amount_yen": profit}]
        records = [term | {"statement_type": "SS", "lines": changes}, term | {"statement_type": "PL", "lines": earned}]
        outcome = vendor.submit(json.dumps({"records": records}).encode(), recipient="13")
        assert outcome.counts["accepted"] == 2
        return [(one["record"], one["code"], one["params"]) for one in vendor.findings(outcome.submission)]

    assert told(profit=201, closing=270) == [(1, "V26", {"profit": 201, "gained": 200})]
    assert told(profit=300, closing=370) == []  # with each other, not with what they replace


class Discloser(Program):
    """The double of an accounting system, with the key that it has in this world."""

    def __init__(self, world: World) -> None:
        self.world = world
        super().__init__(argparse.Namespace(id=VENDOR))

    def connect(self) -> Client:
        return self.world.client(VENDOR)


def test_a_month_of_disclosures_says_on_its_lines_who_closed_what_out_of_which_books(world: World) -> None:
    kept, reader = portfolio(1, "9991", "13", 2_000, date(2026, 3, 31)), world.reader()
    corporation = next(firm for firm in kept.booked if firm.corporate_number)
    discloser, ledger = Discloser(world), books(corporation, kept.as_of)
    in_xml = mis.disclose(discloser, 0, ledger, corporate_number(37), recipient="13")
    in_json = mis.disclose(discloser, 5, ledger, corporate_number(38), recipient="13")
    assert [outcome.counts["accepted"] for outcome in in_xml + in_json] == [2, 1, 2, 1]
    lines = [line.line["record"] for line in reader.fetch()]
    assert [(one["kind"], one["disclosure"]["close_state"]) for one in lines] == 2 * [
        ("financial_statement", "closed")
    ] + [("trial_balance", "closed")] + 2 * [("financial_statement", "closed")] + [("trial_balance", "provisional")]
    assert (lines[2]["close_state"], lines[2]["provisional"]) == ("closed", False)
    assert (lines[5]["close_state"], lines[5]["provisional"]) == ("temp_closed", True)
    for line in lines:
        assert line["disclosure"]["system"]["product"] == "みほんMIS"
        assert line["disclosure"]["consent_id"] == f"MIS-{corporation.tenant}"
        assert line["disclosure"]["accountant_no"].isdigit()
    assert [one["assurance_level"] for one in lines[0]["disclosure"]["evidence"]] == ["L3"]
    assert lines[:2] == lines[3:5]  # whichever syntax it came in


def test_a_disclosed_document_without_figures_comes_back_with_the_place_where_it_belongs(world: World) -> None:
    raw = (GOLDEN.parent / "mis_feed" / "unreadable_tax_return" / "input.xml").read_bytes()
    vendor = world.client(VENDOR)
    outcome = vendor.submit(raw, recipient="13", subject=corporate_number(37), filename="tax_return.xml")
    [found] = vendor.findings(outcome.submission)
    assert (outcome.status, found["code"], found["place"]["line"]) == (422, "R00", 7)
    assert "evidence" in found["message_ja"]


def test_a_my_number_among_what_was_captured_of_an_evidence_is_masked(world: World) -> None:
    raw = (GOLDEN.parent / "mis_feed" / "month_json" / "input.json").read_text("utf-8")
    hidden = raw.replace("K-2026-0031", "代表者 123456789018").encode()
    vendor, reader = world.client(VENDOR), world.reader()
    outcome = vendor.submit(hidden, recipient="13", subject=corporate_number(39), filename="tb.json")
    [line] = [line.line["record"] for line in reader.fetch()]
    assert outcome.counts["accepted"] == 1
    assert "123456789018" not in json.dumps(line)
    assert line["disclosure"]["evidence"][0]["fields"][0]["text"] == "代表者 **********18"
