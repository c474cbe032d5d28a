"""A firm enters a pairing code in its accounting software: it sees what it agrees to; its figures find their way."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import environment
from pairing import CLERK, LENDER, RIVAL, SOFTWARE, TEXT, Pairs, agreement, enrol_pairs, numbered, terms
from sqlalchemy import text
from typer.testing import CliRunner
from world import CORPORATION, World, corporate_number, guarantee, trial_balance

from gateway.cli import app
from gateway.client import Client, Outcome, Refusal, pairings
from gateway.errors import Mistyped, NoSuchCode
from gateway.registers import pairing
from gateway.schemas.identifiers import Reference, Scheme
from gateway.security.canonical import sha256_hex, strict_b64url
from gateway.security.pairing_codes import hash_of, new_code, read_code
from gateway.store import registers, trail


@pytest.fixture(scope="module")
def pairs(world: World) -> Pairs:
    return enrol_pairs(world)


def push(vendor: Client, tenant: str, month: int = 4, **more: Any) -> Outcome:
    """A tenant's trial balance; the vendor names no corporation."""
    return vendor.submit_and_wait(trial_balance(0, month, references=[]), subject=f"tenant:{tenant}", **more)


def refused(ask: Any) -> tuple[int, str]:
    with pytest.raises(Refusal) as refusal:
        ask()
    return refusal.value.status, refusal.value.problem["code"]


NO_CODE, NOT_PAIRED = (404, "pairing.no_such_code"), (403, "access.not_paired")


def test_a_firm_sees_what_it_agrees_to_and_its_figures_reach_the_corporation(pairs: Pairs) -> None:
    reader, code = pairs.world.reader(), pairs.offered(100)
    shown = pairings.preview(pairs.software, code.lower().replace("-", " "))
    names = [{"recipient": "13", "name": shown["recipients"][0]["name"]}]
    assert (shown["text"], shown["text_version"], shown["recipients"]) == (TEXT, "2026-11", names)
    assert shown["text_sha256"] == sha256_hex(TEXT.encode())
    paired = pairings.redeem(pairs.software, code, agreement("T-100", shown["text_sha256"]))
    assert (paired["tenant"], paired["recipients"], paired["data_classes"]) == ("T-100", ["13"], ["fs", "tb"])
    outcome = push(pairs.software, "T-100")
    assert (outcome.status, outcome.verdict, outcome.body["statements"][0]["recipient"]) == (201, "accepted", "13")
    assert outcome.submission in {line.submission for line in reader.fetch()}


def test_before_a_firm_has_paired_nothing_is_taken_and_afterwards_it_is(pairs: Pairs) -> None:
    assert refused(lambda: push(pairs.software, "T-101")) == NOT_PAIRED
    pairs.paired("T-101", 101)
    assert push(pairs.software, "T-101").verdict == "accepted"


def ways(pairs: Pairs) -> list[tuple[Client, Reference]]:
    """Every number by which a corporation and a bank know a firm."""
    scheme = Scheme
    return [
        (pairs.clerk, numbered(110)),
        (pairs.clerk, Reference(scheme=scheme.INVOICE_NUMBER, value=f"T{corporate_number(111)}")),
        (pairs.clerk, Reference(scheme=scheme.GUARANTEE, value=guarantee(1))),
        (pairs.clerk, Reference(scheme=scheme.CGC_CUSTOMER, value="C-112")),
        (pairs.clerk, Reference(scheme=scheme.BANK_CUSTOMER, scope="9991", value="C-113")),
        (pairs.lender, numbered(114)),
        (pairs.lender, Reference(scheme=scheme.GUARANTEE, scope="13", value=guarantee(9_801))),
        (pairs.lender, Reference(scheme=scheme.BANK_CUSTOMER, value="C-115")),
    ]


def test_corporation_and_bank_name_the_firm_by_any_number_they_know_it_by(pairs: Pairs) -> None:
    pairs.world.register(range(9_801, 9_802), "9801")
    for number, (issuer, firm) in enumerate(ways(pairs)):
        pairs.agreed(f"T-11{number}", pairs.offered(firm, by=issuer))
        assert push(pairs.software, f"T-11{number}").verdict == "accepted", firm


def test_a_number_that_is_not_the_issuers_makes_no_code_and_tells_nothing(pairs: Pairs) -> None:
    absent = [
        refused_whole(lambda firm=firm: pairs.offered(firm, by=pairs.lender))
        for firm in (
            Reference(scheme=Scheme.GUARANTEE, scope="13", value=guarantee(2)),  # another bank's
            Reference(scheme=Scheme.GUARANTEE, scope="13", value=guarantee(70_000)),  # nobody's
            Reference(scheme=Scheme.GUARANTEE, scope="14100", value=guarantee(2)),  # not of who is to receive
        )
    ]
    assert absent == [absent[0]] * 3
    assert absent[0][0] == 404
    for issuer, firm in (
        (pairs.clerk, Reference(scheme=Scheme.TENANT, scope=SOFTWARE, value="T-100")),
        (pairs.lender, Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value="C-1")),
        (pairs.clerk, Reference(scheme=Scheme.CORPORATE_NUMBER, value="1234567890123")),
    ):
        assert refused(lambda i=issuer, f=firm: pairs.offered(f, by=i)) == (400, "request.invalid")


def test_a_code_is_made_only_for_corporations_that_let_the_issuer(pairs: Pairs) -> None:
    for recipients in (("14100",), ("13", "14100")):
        asked = terms(*recipients)
        assert refused(lambda a=asked: pairs.offered(120, a)) == (403, "access.not_entitled")
    assert refused(lambda: pairs.offered(120, by=pairs.world.client(CORPORATION))) == (403, "access.not_entitled")
    assert refused(lambda: pairs.offered(120, by=pairs.software)) == (403, "access.not_entitled")
    assert refused(lambda: pairings.preview(pairs.lender, new_code())) == (403, "access.not_entitled")
    offer = {"firm": numbered(120).model_dump(), "name": "x", "terms": terms().model_dump() | {"recipients": ["9801"]}}
    assert refused(lambda: pairs.clerk.post("/v1/pairings", offer)) == (400, "request.invalid")


def refused_whole(ask: Any) -> tuple[int, dict[str, Any]]:
    """Everything that a refusal says."""
    with pytest.raises(Refusal) as refusal:
        ask()
    return refusal.value.status, dict(refusal.value.problem)


def test_a_code_that_is_none_or_over_or_used_is_answered_alike(pairs: Pairs) -> None:
    over, used, others = pairs.offered(130), pairs.offered(131), pairs.offered(132)
    expire(pairs.world, over)
    pairs.agreed("T-131", used)
    pairs.agreed("T-132", others, by=pairs.rival)
    digest = sha256_hex(TEXT.encode())
    answers = [
        refused_whole(ask)
        for code in (new_code(), over, used, others)
        for ask in (
            lambda code=code: pairings.preview(pairs.software, code),
            lambda code=code: pairings.redeem(pairs.software, code, agreement("T-130", digest)),
        )
    ]
    assert answers == [answers[0]] * 8
    assert (answers[0][0], answers[0][1]["code"]) == NO_CODE
    assert refused(lambda: push(pairs.software, "T-130")) == NOT_PAIRED


def expire(world: World, code: str) -> None:
    """Let a code be over since yesterday."""
    made = {"code": hash_of(read_code(code)), "at": int((datetime.now(UTC) - timedelta(days=1)).timestamp() * 1e6)}
    with world.gateway.database.write() as session:
        session.connection().execute(text("UPDATE pairing SET expires_at = :at WHERE code_sha256 = :code"), made)


def test_a_typing_slip_is_told_without_asking_and_by_the_gateway_too(pairs: Pairs) -> None:
    code = pairs.offered(133)
    slip = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(Mistyped):
        pairings.preview(pairs.software, slip)
    told = refused(lambda: pairs.software.post("/v1/pairings/previews", {"code": slip}))
    assert told == (400, "pairing.mistyped")
    assert pairs.agreed("T-133", code)["tenant"] == "T-133"


def test_a_code_is_over_after_its_hours_and_nobody_finds_it_in_the_database(pairs: Pairs) -> None:
    code, database = pairs.offered(134), pairs.world.gateway.database
    late = datetime.now(UTC) + timedelta(hours=73)
    with pytest.raises(NoSuchCode):
        pairing.preview(database, code, late)
    with database.read() as session:
        rows = session.connection().execute(text("SELECT * FROM pairing JOIN party ON party.id = party")).all()
    kept = repr([[bytes(one) if isinstance(one, memoryview) else one for one in row] for row in rows])
    assert read_code(code)[:6] not in kept
    assert numbered(134).value not in kept, "how the firm was named is not kept with the code"


def test_the_text_that_was_shown_is_the_one_that_is_agreed_to(pairs: Pairs) -> None:
    code = pairs.offered(135)
    another = agreement("T-135", sha256_hex(b"another text"))
    assert refused(lambda: pairings.redeem(pairs.software, code, another)) == (400, "request.invalid")
    assert pairs.agreed("T-135", code)["tenant"] == "T-135"


def at_once(*asks: Any) -> list[Any]:
    def told(ask: Any) -> Any:
        try:
            return ask()
        except Refusal as refusal:
            return refusal.status, refusal.problem["code"]

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(told, asks))


def test_of_vendors_that_use_a_code_at_once_one_is_paired(pairs: Pairs) -> None:
    code, digest = pairs.offered(140), sha256_hex(TEXT.encode())
    clients = [pairs.world.client(name) for name in (SOFTWARE, RIVAL) * 3]
    told = at_once(*(lambda c=c: pairings.redeem(c, code, agreement("T-140", digest)) for c in clients))
    won = [one for one in told if isinstance(one, dict)]
    assert len(won) == 3, "the same vendor for the same tenant is answered alike"
    assert won == [won[0]] * 3
    assert [one for one in told if one not in won] == [NO_CODE] * 3
    vendors = [pairs.software, pairs.rival]
    taken = at_once(*(lambda v=v: push(v, "T-140").verdict for v in vendors))
    assert sorted(map(str, taken)) == [str(NOT_PAIRED), "accepted"]


def test_a_code_does_for_one_tenant(pairs: Pairs) -> None:
    code, digest = pairs.offered(141), sha256_hex(TEXT.encode())
    first = pairings.redeem(pairs.software, code, agreement("T-141", digest))
    assert pairings.redeem(pairs.software, code, agreement("T-141", digest)) == first
    assert refused(lambda: pairings.redeem(pairs.software, code, agreement("T-141b", digest))) == NO_CODE


MOVES = {
    "submission", "leaf_index", "first_position", "known_position", "lines_root", "findings_sha256",
    "received_at", "accepted_at", "sealed_at", "raw_sha256", "self", "findings", "returned", "evidence", "raw",
}  # fmt: skip
"""What differs from one submission to the next whoever it is about: names, places in the log, instants, digests."""


def shape(answer: Any, name: str = "") -> Any:
    """An answer with nothing left out, but for each part that moves only its kind and (of texts) its length."""
    if isinstance(answer, dict):
        return {key: shape(value, key) for key, value in answer.items()}
    if isinstance(answer, list):
        return [shape(value, name) for value in answer]
    if name == "receipt":
        return "of a length that its places in the log decide"
    return (type(answer).__name__, len(answer) if isinstance(answer, str) else 0) if name in MOVES else answer


def told_of(pairs: Pairs, tenant: str, document: bytes) -> list[Any]:
    """Everything a vendor is told of a document: the answers, whole, with their headers, and the receipts' fields."""
    outcome = pairs.software.submit_and_wait(document, subject=f"tenant:{tenant}", key=f"key of {tenant}")
    again = pairs.software.submit(document, subject=f"tenant:{tenant}", key=f"key of {tenant}")
    paths = ("", "/findings", "/raw", "/evidence")
    looked = [pairs.software.get(f"/v1/submissions/{outcome.submission}{path}") for path in paths]
    sealed = [strict_b64url(receipt.split(".")[1]) for receipt in outcome.receipts]
    receipts = [json.loads(one) for one in sealed]
    places = [sum(len(str(one[name])) for name in MOVES if isinstance(one.get(name), int)) for one in receipts]
    moves = ("date", "ratelimit", "content-length")
    headers = [{name: value for name, value in one.headers.items() if name not in moves} for one in looked]
    held = [one for one in pairs.software.held() if one["submission"] == outcome.submission]
    return [
        (outcome.status, again.status, [one.status_code for one in looked]),
        (shape(outcome.body), shape(again.body), shape(looked[0].json()), shape(looked[1].json())),
        (shape(receipts), [len(one) - place for one, place in zip(sealed, places, strict=True)]),
        (headers, held),
    ]


def test_what_a_vendor_is_told_is_the_same_whatever_is_known_of_the_firm(pairs: Pairs) -> None:
    """With a guarantee and without; known to a corporation, a bank, or only by the code; whatever the document says."""
    world, name = pairs.world, {"scheme": "corporate_number", "value": corporate_number(191)}
    world.register(range(190, 191))
    world.register(range(193, 194), "9992")
    pairs.clerk.post("/v1/recipients/13/links", {"reference": name, "name": "ある商店"})
    customer = Reference(scheme=Scheme.BANK_CUSTOMER, value="C-192")
    firms: list[int | Reference] = [190, 191, customer, 193, 194]  # guaranteed, linked, a bank's, another's, of nobody
    told = []
    for number, firm in enumerate(firms):
        by = pairs.lender if firm is customer else None
        code = pairs.offered(firm, by=by)
        preview = pairings.preview(pairs.software, code)
        paired = pairs.agreed(f"T-19{number}", code)
        named = [{"scheme": "corporate_number", "value": corporate_number(190)}]  # of a firm that has a guarantee
        document = trial_balance(0, 4, references=named)
        told.append(
            [
                {**preview, "expires_at": len(preview["expires_at"])},
                {**paired, "tenant": "", "consent": len(paired["consent"])},
                *told_of(pairs, f"T-19{number}", document),
            ]
        )
    assert told == [told[0]] * len(told)


def test_who_is_not_paired_is_answered_alike_for_every_tenant(pairs: Pairs) -> None:
    pairs.paired("T-150", 150)
    linked = {"scheme": "tenant", "scope": RIVAL, "value": "T-151"}  # the corporation knows it; nobody agreed
    firm = {"scheme": "corporate_number", "value": corporate_number(1)}
    pairs.clerk.post("/v1/recipients/13/links", {"reference": linked, "same_as": firm})
    tenants = ("T-150", f"{SOFTWARE}:T-150", "T-151", "T-nobody")
    ways: tuple[dict[str, Any], ...] = ({}, {"dry_run": "true"}, {"prefer_async": True})
    answers = [refused_whole(lambda t=t, way=way: push(pairs.rival, t, **way)) for t in tenants for way in ways]
    assert answers == [answers[0]] * len(answers)
    assert (answers[0][0], answers[0][1]["code"]) == NOT_PAIRED
    assert pairs.rival.held() == []


def test_one_code_lets_figures_go_to_two_corporations_and_each_sees_its_own_statement(pairs: Pairs) -> None:
    code = pairs.offered(160, terms("13", "14100", "9801"), by=pairs.lender)
    recipients = pairings.preview(pairs.software, code)["recipients"]
    assert recipients[2] == {"recipient": "9801", "name": LENDER}
    pairs.agreed("T-160", code)
    outcome = push(pairs.software, "T-160")
    assert [one["recipient"] for one in outcome.body["statements"]] == ["13", "14100"]
    assert outcome.counts["accepted"] == 2
    assert push(pairs.software, "T-160", 5, recipient="14100").counts["accepted"] == 1
    assert push(pairs.software, "T-160", 6, prefer_async=True).counts["accepted"] == 2
    assert refused(lambda: push(pairs.software, "T-160", 7, recipient="14")) == (403, "access.not_entitled")


def test_the_codes_of_two_corporations_come_together_in_one_tenant(pairs: Pairs) -> None:
    pairs.paired("T-161", 161)
    city = pairs.world.client("cgc-14100")
    pairs.agreed("T-161", pairs.offered(161, terms("14100"), by=city))
    assert [one["recipient"] for one in push(pairs.software, "T-161").body["statements"]] == ["13", "14100"]


def test_what_a_consent_does_not_cover_goes_nowhere(pairs: Pairs) -> None:
    pairs.agreed("T-162", pairs.offered(162, terms("13", classes=("fs",))))
    assert refused(lambda: push(pairs.software, "T-162")) == NOT_PAIRED


def test_a_tenant_is_one_firm_at_a_time(pairs: Pairs) -> None:
    first, other = pairs.paired("T-163", 163), pairs.offered(164)
    assert refused(lambda: pairs.agreed("T-163", other)) == (400, "request.invalid")
    withdraw(pairs.clerk, first["consent"])
    pairs.agreed("T-163", other)
    assert push(pairs.software, "T-163").verdict == "accepted"


def withdraw(by: Client, consent: str) -> None:
    by.post(f"/v1/consents/{consent}/withdrawal", {})


def test_after_withdrawal_nothing_is_taken_until_the_firm_pairs_again(pairs: Pairs) -> None:
    code = pairs.offered(170)
    paired = pairs.agreed("T-170", code)
    assert push(pairs.software, "T-170").verdict == "accepted"
    withdraw(pairs.software, paired["consent"])
    never = refused_whole(lambda: push(pairs.software, "T-never"))
    assert refused_whole(lambda: push(pairs.software, "T-170", 5)) == never
    again = agreement("T-170", sha256_hex(TEXT.encode()))
    assert refused(lambda: pairings.redeem(pairs.software, code, again)) == NO_CODE, (
        "a code does not outlive its consent"
    )
    pairs.paired("T-170", 170)
    assert push(pairs.software, "T-170", 5).verdict == "accepted"


def test_everybody_concerned_sees_the_statement_and_nobody_the_firm(pairs: Pairs) -> None:
    pairs.agreed("T-180", pairs.offered(180, by=pairs.lender))
    with pairs.world.gateway.database.read() as session:
        tenant = Reference(scheme=Scheme.TENANT, scope=SOFTWARE, value="T-180")
        party = registers.find_links(session, [tenant], datetime.now(UTC).date())[tenant]
    seen = {one.client_id: one.get(f"/v1/participants/{one.client_id}") for one in (pairs.lender, pairs.software)}
    said = {name: [one["said"] for one in shown.json()["changes"]][:3] for name, shown in seen.items()}
    assert [one["change"] for one in said[LENDER] if one["change"] != "linked"][:2] == ["paired", "pairing_offered"]
    assert said[SOFTWARE][0]["change"] == "consented"
    assert party not in seen[SOFTWARE].text
    assert LENDER not in str(said[SOFTWARE]), "who made the code is not told"
    assert numbered(180).value not in seen[SOFTWARE].text


def test_a_bank_comes_in_by_no_pairing(pairs: Pairs) -> None:
    asked = refused(lambda: push(pairs.lender, "T-100"))
    assert asked == (400, "request.invalid")


def test_wrong_codes_stand_in_the_audit_trail(pairs: Pairs) -> None:
    code, noted = new_code(), False
    assert refused(lambda: pairings.preview(pairs.rival, code)) == NO_CODE
    deadline = time.monotonic() + 30
    while not noted and time.monotonic() < deadline:
        with pairs.world.gateway.database.read() as session:
            deeds = [one.deed for one in trail.newest(session, 20)]
        noted = any(one.who == RIVAL and one.what == NO_CODE[1] for one in deeds)
        time.sleep(0.05)
    assert noted
    assert read_code(code) not in str(deeds)


def said(world: World, *arguments: str) -> str:
    """What a command says, run in this process."""
    told = CliRunner().invoke(app, list(arguments), env=environment(world), catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return told.stdout


def test_commands_make_a_code_show_what_it_offers_and_use_it(pairs: Pairs, tmp_path: Path) -> None:
    world, consent_text = pairs.world, tmp_path / "同意文.txt"
    consent_text.write_text(TEXT, "utf-8")
    as_: dict[str, list[str]] = {}
    for one in (CLERK, SOFTWARE):
        world.keys[one].save(tmp_path / f"{one}.pem")
        as_[one] = ["--url", world.base_url, "--as", one, "--key", str(tmp_path / f"{one}.pem")]
    offered = ["--text", str(consent_text), "--text-version", "2026-11", "--recipient", "13", "--data-class", "tb"]
    firm = [f"guarantee:{guarantee(3)}", "第3商店", *offered, "--purpose", "mid_term_management", "--hours", "1"]
    code = said(world, "pairings", "issue", *firm, *as_[CLERK]).partition(" until ")[0]
    shown = json.loads(said(world, "pairings", "show", code, *as_[SOFTWARE]))
    agreed = ["--granted-by", "見本 花子", "--role", "代表者", "--text-sha256", shown["text_sha256"]]
    told = said(world, "pairings", "redeem", code, "T-200", *agreed, *as_[SOFTWARE])
    assert re.fullmatch(r"[0-9a-f-]{36} 13 until [0-9-]{10}\n", told)
    assert push(pairs.software, "T-200").verdict == "accepted"
