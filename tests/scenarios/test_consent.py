"""A firm's consent, as a vendor, a corporation and its tool meet it over the wire: recorded, seen, withdrawn."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from agreed import TEXT, agreed
from commands import hayame
from sqlalchemy import text
from world import BANK, CORPORATION, OTHER_BANK, TOOL, VENDOR, World, corporate_number, guarantee, trial_balance

from gateway.client import Client, Refusal
from gateway.client.following import FollowedLine, Following
from gateway.security.keys import KeyRing
from gateway.security.verify import verify_evidence

FIRM = 8_001


def recorded(client: Client, firm: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    consent = agreed(**changes).model_dump(mode="json", exclude_none=True)
    firm = firm or {"scheme": "corporate_number", "value": corporate_number(FIRM)}
    return dict(client.post("/v1/consents", {"firm": firm, "consent": consent}).json())


def outside(world: World, folder: Path, who: str, *arguments: str) -> str:
    """What a command says that somebody gives on a machine of their own."""
    if not (folder / f"{who}.pem").exists():
        world.keys[who].save(folder / f"{who}.pem")
    done = hayame(*arguments, "--url", world.base_url, "--as", who, "--key", str(folder / f"{who}.pem"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(reader: Following, kind: str) -> list[FollowedLine]:
    """What is new, proven, until a line of a kind comes."""
    lines: list[FollowedLine] = []
    while not any(one.line and one.line["kind"] == kind for one in lines):
        lines += reader.fetch(wait=20)
    return lines


def listed(client: Client, **asked: Any) -> list[str]:
    return [one["id"] for one in client.get("/v1/consents", asked).json()]


def refused(client: Client, id: str) -> int:
    with pytest.raises(Refusal) as refusal:
        client.post(f"/v1/consents/{id}/withdrawal", {})
    return refusal.value.status


def test_pushed_without_consent_published_by_it_and_stopped_by_its_withdrawal(world: World, tmp_path: Path) -> None:
    vendor, clerk, reader = world.client(VENDOR), world.client(CORPORATION), world.reader()
    outcome = vendor.submit(trial_balance(FIRM, 4), recipient="13")
    assert (outcome.status, outcome.verdict, outcome.findings[0]["code"]) == (201, "held", "V40")
    world.register(range(FIRM, FIRM + 1))
    [waiting] = [one for one in vendor.get("/v1/held").json() if one["submission"] == outcome.submission]
    assert (waiting["code"], waiting["waits_for"]) == ("V40", None)

    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    consent = agreed().model_dump(mode="json", exclude_none=True) | {"text_sha256": "0" * 64}
    firm = {"scheme": "corporate_number", "value": corporate_number(FIRM)}
    (tmp_path / "consent.json").write_text(json.dumps({"firm": firm, "consent": consent}), "utf-8")
    text = ("--text", str(tmp_path / "text.txt"))
    given = outside(world, tmp_path, VENDOR, "consents", "give", str(tmp_path / "consent.json"), *text).strip()
    [line] = [one for one in until(reader, "trial_balance") if one.line and one.line["kind"] == "trial_balance"]
    assert line.line is not None
    assert (line.line["consent"], line.line["source"]["ordinal"]) == (given, 0)
    [mine] = [one for one in clerk.get("/v1/consents").json() if one["id"] == given]
    assert (mine["consent"]["text_sha256"], mine["consent"]["providers"]) == (agreed().text_sha256, [VENDOR])
    evidence = world.client(TOOL).evidence(line.submission or "")
    keys = KeyRing([world.gateway.key.public])
    assert verify_evidence(evidence, keys).holds

    outside(world, tmp_path, CORPORATION, "consents", "withdraw", given)
    behind = world.following()
    rows = behind.fetch()  # all proofs hold, whatever is shown
    assert rows[line.position].withheld == "consent_withdrawn"
    [notice] = [one for one in until(reader, "consent_notice") if one.line and one.line["kind"] == "consent_notice"]
    assert (notice.withdraws, notice.is_record, line.is_record) == (
        (range(line.position, line.position + 1),),
        False,
        True,
    )
    for name, shows in ((TOOL, "0 shown, 1 withheld"), (VENDOR, "1 shown, 0 withheld")):
        report = verify_evidence(world.client(name).evidence(line.submission or ""), keys)
        assert report.holds
        assert shows in {check.detail_en for check in report.checks}
    table = outside(world, tmp_path, VENDOR, "consents", "list").splitlines()
    assert [row.split("\t")[-1] for row in table if row.startswith(given)] == ["withdrawn"]
    assert refused(vendor, given) == 404


def test_it_is_seen_and_withdrawn_by_whom_it_concerns_and_no_one_else(world: World) -> None:
    vendor, clerk, bank = (world.client(name) for name in (VENDOR, CORPORATION, BANK))
    world.enrol("vendor-of-others", "vendor", None, ["submit:13", "submit:14100"])
    world.enrol("cgc-14100", "corporation", None, ["read:14100", "link:14100"])
    others, abroad, stranger = (world.client(name) for name in ("vendor-of-others", "cgc-14100", OTHER_BANK))
    tenant = {"scheme": "tenant", "value": "T-8001"}
    first = recorded(vendor, tenant, recipients=["13", "9991"])
    both = recorded(others, tenant, recipients=["13", "14100"], valid_to=time.strftime("%Y-12-31"))
    assert first["firm"] == f"tenant:{VENDOR}:T-8001"
    seen = [{first["id"], both["id"]} & set(listed(one)) for one in (vendor, others, clerk, abroad, bank, stranger)]
    assert [len(one) for one in seen] == [1, 1, 2, 1, 1, 0]
    assert (both["id"] in listed(clerk, expiring=400), first["id"] in listed(clerk, expiring=400)) == (True, False)
    assert [refused(one, first["id"]) for one in (others, abroad, bank, stranger)] == [404] * 4
    assert bank.get(f"/v1/participants/{BANK}").json()["changes"][0]["said"]["change"] == "consented"
    abroad.post(f"/v1/consents/{both['id']}/withdrawal", {})
    assert refused(others, both["id"]) == 404


def test_a_consent_is_recorded_for_ones_own_corporations_by_ones_own_numbers_and_for_oneself(world: World) -> None:
    vendor, firm = world.client(VENDOR), {"scheme": "cgc_customer", "scope": "13", "value": "C-1"}
    for wanted, more in (
        (403, {"recipients": ["14100"]}),
        (400, {"providers": ["vendor-of-others"]}),
        (400, {"firm": firm}),
        (400, {"firm": {"scheme": "guarantee", "scope": "13", "value": guarantee(1)}}),
        (400, {"renews": "nothing"}),
    ):
        with pytest.raises(Refusal) as refusal:
            recorded(vendor, **more)
        assert (refusal.value.status, more) == (wanted, more)


def test_a_vendor_that_speaks_for_a_bank_hands_over_the_banks_report(world: World) -> None:
    world.enrol("outsourcer", "vendor", "9991", ["submit:13"])
    world.register(range(FIRM + 1, FIRM + 2))
    outcome = world.client("outsourcer").submit(trial_balance(FIRM + 1, 4), recipient="13")
    assert outcome.verdict == "accepted"


SCORED = FIRM + 3


def score(model: str) -> dict[str, Any]:
    """A score of a firm, as its bank hands it on."""
    firm = {"scheme": "corporate_number", "value": corporate_number(SCORED)}
    day = {"as_of": "2026-04-30", "model": model, "model_version": "1"}
    return {"kind": "score_record", "bank_code": "9991", "references": [firm], "provider": "fi_internal", **day}


def noted() -> dict[str, Any]:
    """What somebody noticed of the same firm."""
    said = {"kind": "field_note", "record_no": "N-1", "noted_on": "2026-05-18", "note": "在庫が増えた。"}
    return {**said, "bank_code": "9991", "references": score("")["references"]}


def given_to(world: World, reader: str) -> set[int]:
    """Positions of which it is on record that a reader was given them."""
    asked = text("SELECT first_position, end_position FROM disclosure WHERE reader = :reader AND recipient = '13'")
    with world.gateway.database.read() as session:
        rows = session.execute(asked, {"reader": reader}).all()
    return {position for first, end in rows for position in range(first, end)}


def test_a_score_is_shown_to_the_corporation_and_to_the_tool_that_it_lets_and_to_no_other(world: World) -> None:
    world.register(range(SCORED, SCORED + 1))
    world.enrol("tool-with-scores", "tool", None, ["read:13", "read_scores:13"])
    start = world.reader().head.next_position
    document = b"\n".join(map(orjson.dumps, (score("甲"), noted(), score("乙"))))
    outcome = world.client(BANK).submit(document, recipient="13", media_type="application/x-ndjson")
    assert (outcome.verdict, outcome.counts["accepted"]) == ("accepted", 3)
    shown = {name: world.following(name).fetch()[start:] for name in (CORPORATION, "tool-with-scores", TOOL)}
    kinds = {
        name: [line.line["kind"] if line.line else line.withheld for line in lines] for name, lines in shown.items()
    }
    every = ["score_record", "field_note", "score_record"]
    assert kinds == {CORPORATION: every, "tool-with-scores": every, TOOL: ["restricted", "field_note", "restricted"]}
    asked = {"after": start, "kind": "score_record"}
    assert b"model" not in world.client(TOOL).get("/v1/recipients/13/feed", asked).content

    keys, tool = KeyRing([world.gateway.key.public]), world.client(TOOL)
    for line, withheld in ((None, "1 shown, 2 withheld"), (0, "0 shown, 1 withheld"), (1, "1 shown, 0 withheld")):
        evidence = tool.evidence(outcome.submission, line=line)
        report = verify_evidence(evidence, keys)
        assert report.holds
        assert withheld in {check.detail_en for check in report.checks}
    theirs = {start, start + 1, start + 2}
    deadline = time.monotonic() + 20
    while not given_to(world, "tool-with-scores") >= theirs or not given_to(world, TOOL) & theirs:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert given_to(world, TOOL) & theirs == {start + 1}
