"""Banks merge, firms' numbers are linked and unlinked, a clerk files for a bank that enrols later: nothing is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from world import BANK, CORPORATION, OTHER_BANK, World, corporate_number, guarantee, trial_balance

from gateway.client import Client, Outcome, Refusal
from gateway.errors import InvalidRequest
from gateway.registers import orders
from gateway.registers.orders import Delegate, Succeed
from gateway.security.keys import KeyRing

TODAY = datetime.now(UTC).date()


def tape(institution: str, firm: int, balance: int, month: str = "04") -> bytes:
    """A repayment file of one guarantee."""
    rows = [
        f"1,13,{institution},2026/{month}/28,1",
        "データ区分,保証番号,残高,状態",
        f"2,{guarantee(firm)},{balance},01",
        f"8,1,{balance}",
        "9",
    ]
    return "".join(row + "\r\n" for row in rows).encode("cp932")


def origin_of(world: World, outcome: Outcome) -> dict[str, Any]:
    statement = Client.check_receipt(world.client(BANK), outcome.receipts[0], KeyRing([world.gateway.key.public]))
    found: dict[str, Any] = statement["origin"]
    return found


def test_a_successor_corrects_what_its_predecessor_reported_and_the_history_stays(world: World) -> None:
    old, new = "bank-9801", "bank-9802"
    world.enrol(old, "bank", "9801", ["submit:13"])
    world.enrol(new, "bank", "9802", ["submit:13"])
    world.register(range(100, 103), "9801")
    reader = world.reader()
    before = world.client(old).submit(tape("9801", 100, 5_000_000), recipient="13", filename="返済.csv")
    assert before.counts["accepted"] == 1
    refused = world.client(new).submit(tape("9801", 100, 4_900_000), recipient="13", filename="返済.csv")
    assert [one["code"] for one in refused.findings if one["severity"] == "refuse"] == ["A02"]

    orders.give(world.gateway.registrar, Succeed(institution="9801", successor="9802", since=TODAY - timedelta(days=1)))
    wait_for_registers(world, new)
    corrected = world.client(new).submit(tape("9802", 100, 4_800_000), recipient="13", filename="返済.csv")
    assert (corrected.verdict, corrected.counts["accepted"]) == ("accepted", 1)
    still = world.client(old).submit(tape("9801", 101, 700_000), recipient="13", filename="返済.csv")
    assert "A03" in {one["code"] for one in still.findings}, "resolved, and said so; not refused"
    assert still.counts["accepted"] == 1
    assert origin_of(world, still)["institution"] == "9802"
    assert origin_of(world, still)["succeeds"] == ["9801"]
    first, second, third = reader.fetch()
    assert first.line["key"]["institution"] == "9801"
    assert second.line["key"]["institution"] == third.line["key"]["institution"] == "9802"
    assert second.line["supersedes"]["position"] == first.position
    assert {"at": "/balance_yen", "value": 5_000_000} in second.line["supersedes"]["before"]
    assert first.line["subject"] == second.line["subject"]
    again = world.client(new).submit(tape("9802", 100, 4_800_000), recipient="13", filename="返済.csv")
    assert again.counts["unchanged"] == 1


def test_what_two_banks_held_is_published_by_their_merger_and_each_release_names_what_held_it(world: World) -> None:
    old, new = "bank-9841", "bank-9842"
    world.enrol(old, "bank", "9841", ["submit:13"])
    world.enrol(new, "bank", "9842", ["submit:13"])
    world.register(range(120, 121), "9842")
    world.register(range(121, 122), "9841")
    reader = world.reader()
    asked = {"recipient": "13", "filename": "返済.csv"}
    held = [
        world.client(old).submit(tape("9841", 120, 5_000_000), **asked),
        world.client(new).submit(tape("9842", 121, 6_000_000), **asked),
    ]
    stranger = world.client(OTHER_BANK).submit(tape("9992", 120, 1), **asked)
    assert [one.verdict for one in (*held, stranger)] == ["held"] * 3
    orders.give(world.gateway.registrar, Succeed(institution="9841", successor="9842", since=TODAY - timedelta(days=1)))
    lines = list(reader.fetch(wait=20))
    if len(lines) < len(held):
        lines += reader.fetch(wait=20)
    told = [(line.line["key"]["institution"], line.line["record"]["balance_yen"]) for line in lines]
    assert told == [("9842", 5_000_000), ("9842", 6_000_000)]
    for line, earlier, sender in zip(lines, held, (old, new), strict=True):
        [receipt] = world.client(sender).wait_for(line.submission).receipts
        said = Client.check_receipt(world.client(sender), receipt, KeyRing([world.gateway.key.public]))
        assert (said["releases"], said["origin"]["succeeds"]) == (earlier.submission, ["9841"])
        assert said["origin"]["channel"] == "gateway"
    again = world.client(old).submit(tape("9841", 120, 5_000_000), **asked)
    assert (again.counts["unchanged"], again.counts["held"]) == (1, 0), "push and release say the same"
    waiting = {one["submission"] for one in world.client(CORPORATION).held()}
    assert waiting & {one.submission for one in (*held, stranger)} == {stranger.submission}


def wait_for_registers(world: World, name: str) -> None:
    """The server looks again at the registers whenever somebody signs in."""
    world.client(name).token()


def test_an_institution_does_not_succeed_itself_by_whatever_way_round(world: World) -> None:
    give = orders.give
    give(world.gateway.registrar, Succeed(institution="9811", successor="9812", since=date(2027, 4, 1)))
    give(world.gateway.registrar, Succeed(institution="9812", successor="9813", since=date(2027, 4, 1)))
    with pytest.raises(InvalidRequest):
        give(world.gateway.registrar, Succeed(institution="9813", successor="9811", since=date(2027, 4, 1)))
    with pytest.raises(InvalidRequest):
        give(world.gateway.registrar, Succeed(institution="9814", successor="9814", since=date(2027, 4, 1)))


def test_a_clerk_files_for_a_bank_that_enrols_later_and_the_receipt_says_how_sure_that_is(world: World) -> None:
    clerk, bank = "clerk-13", "bank-9821"
    world.enrol(clerk, "corporation", None, ["submit:13", "read:13"])
    world.register(range(110, 112), "9821")
    asked = {"recipient": "13", "filename": "返済.csv", "on_behalf_of": "9821", "channel": "media"}
    with pytest.raises(Refusal) as refusal:
        world.client(clerk).submit(tape("9821", 110, 900_000), **asked)
    assert refusal.value.status == 403
    order = Delegate(sender=clerk, institution="9821", since=TODAY - timedelta(days=9), until=TODAY + timedelta(days=9))
    orders.give(world.gateway.registrar, order)
    reader = world.reader()
    wait_for_registers(world, clerk)
    filed = world.client(clerk).submit(tape("9821", 110, 900_000), **asked)
    assert origin_of(world, filed)["assurance"] == "transcribed"
    assert origin_of(world, filed)["institution"] == "9821"
    by_api = world.client(clerk).submit(tape("9821", 111, 900_000), **(asked | {"channel": "api"}))
    assert origin_of(world, by_api)["assurance"] == "delegated"
    other = world.client(clerk).submit(tape("9822", 110, 1), **asked)
    assert other.verdict == "refused", "each record's institution is checked"

    world.enrol(bank, "bank", "9821", ["submit:13"])
    wait_for_registers(world, bank)
    own = world.client(bank).submit(tape("9821", 110, 880_000), recipient="13", filename="返済.csv")
    assert "assurance" not in origin_of(world, own)
    lines = reader.fetch()
    assert [one.line["record"]["balance_yen"] for one in lines] == [900_000, 900_000, 880_000]
    assert lines[2].line["supersedes"]["position"] == lines[0].position
    assert lines[2].line["key"] == lines[0].line["key"]


def test_a_delegation_that_is_over_lets_nobody_submit(world: World) -> None:
    over = Delegate(sender=OTHER_BANK, institution="9831", since=date(2026, 1, 1), until=TODAY - timedelta(days=2))
    orders.give(world.gateway.registrar, over)
    wait_for_registers(world, OTHER_BANK)
    with pytest.raises(Refusal) as refusal:
        world.client(OTHER_BANK).submit(trial_balance(1, 5), recipient="13", on_behalf_of="9831")
    assert refusal.value.status == 403


def test_a_link_that_is_ended_gives_each_firm_its_own_history_again(world: World) -> None:
    clerk, bank = world.client(CORPORATION), world.client(BANK)
    one, other = ({"scheme": "corporate_number", "value": corporate_number(number)} for number in (7_101, 7_102))
    customer = {"scheme": "bank_customer", "scope": "9991", "value": "C-7101"}
    first = clerk.post("/v1/recipients/13/links", {"reference": one, "name": "第一商店"}).json()["party"]
    second = clerk.post("/v1/recipients/13/links", {"reference": other, "name": "第二商店"}).json()["party"]
    clerk.post("/v1/recipients/13/links", {"reference": customer, "same_as": one})
    reader = world.reader()

    def submit(month: int, references: list[dict[str, str]]) -> str:
        assert bank.submit(trial_balance(1, month, references=references), recipient="13").status == 201
        [line] = reader.fetch()
        return str(line.line["subject"])

    assert submit(1, [other]) == second
    assert submit(2, [customer]) == first, "mixed up: it is the second firm's number"
    ended = clerk.post("/v1/recipients/13/links/end", {"reference": customer}).json()
    assert ended == {"party": first}
    with pytest.raises(Refusal) as refusal:
        clerk.post("/v1/recipients/13/links/end", {"reference": customer})
    assert refusal.value.status == 404
    clerk.post("/v1/recipients/13/links", {"reference": customer, "same_as": other})
    assert submit(2, [customer]) == second
    assert submit(2, [one]) == first
    said = clerk.get(f"/v1/participants/{CORPORATION}").json()["changes"][:2]
    assert [change["said"]["change"] for change in said] == ["linked", "unlinked"]
    assert said[1]["said"]["what"] == {"party": first, "reference": orjson.loads(orjson.dumps(customer))}


def test_a_sole_proprietor_becomes_a_corporation_and_both_histories_can_be_followed(world: World) -> None:
    clerk, at = world.client(CORPORATION), "/v1/recipients/13"
    person = {"scheme": "invoice_number", "value": "T1234567890123"}
    corporation, other = (
        {"scheme": "corporate_number", "value": corporate_number(number)} for number in (7_201, 7_202)
    )
    parties = [
        clerk.post(f"{at}/links", {"reference": one, "name": "第一商店"}).json()["party"]
        for one in (person, corporation, other)
    ]

    def become(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
        asked = {"predecessor": before, "successor": after, "since": "2026-04-01"}
        answer: dict[str, str] = clerk.post(f"{at}/successions", asked).json()
        return answer

    assert become(person, corporation) == {"party": parties[0], "successor": parties[1]}
    assert become(corporation, other) == {"party": parties[1], "successor": parties[2]}
    steps = [{"party": parties[n], "successor": parties[n + 1], "since": "2026-04-01"} for n in (0, 1)]
    for party in parties:
        found = clerk.get(f"{at}/subjects/{party}/lineage").json()
        assert sorted(found, key=lambda one: parties.index(one["party"])) == steps
    for before, after, status in ((other, person, 400), (person, person, 400), (person, {**other, "value": "x"}, 404)):
        with pytest.raises(Refusal) as refusal:
            become(before, after)
        assert refusal.value.status == status
    reader, bank = world.reader(), world.client(BANK)
    for reference in (person, corporation):
        assert bank.submit(trial_balance(1, 3, references=[reference]), recipient="13").status == 201
    assert [one.line["subject"] for one in reader.fetch()] == parties[:2]


def test_what_another_corporation_says_of_a_firm_changes_no_answer_and_is_shown_to_nobody_else(world: World) -> None:
    world.enrol("cgc-14100", "corporation", None, ["link:14100", "read:14100"])
    here, there = world.client(CORPORATION), world.client("cgc-14100")
    known, strange, own, free, mine = (
        {"scheme": "corporate_number", "value": corporate_number(number)} for number in range(7_301, 7_306)
    )

    def link(clerk: Client, recipient: str, reference: dict[str, str], **who: Any) -> str:
        answer = clerk.post(f"/v1/recipients/{recipient}/links", {"reference": reference, **who}).json()
        assert sorted(answer) == ["party", "released"]
        return str(answer["party"])

    def become(clerk: Client, recipient: str, before: dict[str, str], after: dict[str, str]) -> None:
        asked = {"predecessor": before, "successor": after, "since": "2026-04-01"}
        assert clerk.post(f"/v1/recipients/{recipient}/successions", asked).status_code == 201

    theirs = [link(there, "14100", one, name="第一商店") for one in (known, strange)]
    become(there, "14100", known, strange)
    firm = link(here, "13", own, name="第二商店")
    assert link(here, "13", strange, same_as=own) == firm, "it names another firm there"
    assert link(here, "13", free, same_as=own) == firm, "it names nobody anywhere"
    assert link(here, "13", known, name="第一商店") == theirs[0]
    assert link(here, "13", mine, same_as=known) == theirs[0], "it was said here, too"
    for party in (*theirs, firm):
        assert here.get(f"/v1/recipients/13/subjects/{party}/lineage").json() == []
    become(here, "13", strange, known)
    assert [one["party"] for one in here.get(f"/v1/recipients/13/subjects/{firm}/lineage").json()] == [firm]
    said = there.get("/v1/recipients/14100/subjects/" + theirs[0] + "/lineage").json()
    assert said == [{"party": theirs[0], "successor": theirs[1], "since": "2026-04-01"}]
    for one in (strange, free, known, mine):
        assert here.post("/v1/recipients/13/links/end", {"reference": one}).status_code == 200
    told = world.client("cgc-14100").get("/v1/participants/cgc-14100").json()["changes"]
    assert [one["said"]["change"] for one in told] == ["succeeded", "linked", "linked", "enrolled"]
