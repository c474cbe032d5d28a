"""Fifty-one corporations and two banks in one gateway: nobody is told anything of another, by any address there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
import yaml
from agreed import consented
from exchanges import EXAMPLES
from world import BANK, OTHER_BANK, VENDOR, World, corporate_number, running, trial_balance

from gateway.client import Client
from gateway.registers.firms import register_guarantees, say_who
from gateway.schemas.access import load_access
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import CGC_IDS, Reference, Scheme
from gateway.security.tokens import issue_access_token

API: dict[str, Any] = yaml.safe_load((EXAMPLES.parent / "gateway.yaml").read_text("utf-8"))
TENANTS = sorted(CGC_IDS)
MARK = re.compile(r"MARK-(\d+)-")
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHARED, LONELY = 300, 301  # a firm of both banks, and one of the other bank alone
GUARANTEED, KNOWN = 302, 303  # both are in the register, one with a guarantee
MAY = ("read", "link", "enrol", "witness")
PASSING = {"date", "content-length", "ratelimit"}  # headers that say nothing of anybody


def corporation(recipient: str) -> str:
    return f"cgc-of-{recipient}"


def balance(firm: int, mark: str, **more: Any) -> bytes:
    """A trial balance with a mark in the name of its only account."""
    document = orjson.loads(trial_balance(firm, 4, **more))
    document["lines"][0]["source_name"] = f"MARK-{mark}-現金"
    return orjson.dumps(document)


@dataclass
class Town:
    """A gateway in which every corporation has a line, a refused document and a held record, each with its mark."""

    world: World
    http: httpx2.Client
    submissions: dict[str, list[str]] = field(default_factory=dict)

    def ask(self, who: str, path: str, params: dict[str, Any] | None = None) -> httpx2.Response:
        actions = sorted(load_access().actions)
        token = issue_access_token(self.world.gateway.key, self.world.base_url, who, actions, datetime.now(UTC))
        return self.http.get(path, params=params or {}, headers={"authorization": f"Bearer {token}"})

    def tell(self, who: str, path: str, body: Any) -> httpx2.Response:
        token = issue_access_token(
            self.world.gateway.key, self.world.base_url, who, sorted(load_access().actions), datetime.now(UTC)
        )
        return self.http.post(path, json=body, headers={"authorization": f"Bearer {token}"})

    def register(self, recipient: str, firm: int, guarantee_no: str) -> None:
        named = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(firm))
        name = f"MARK-{recipient}-商店"
        entry = GuaranteeEntry(guarantee_no=guarantee_no, institution="9992", firm=named, name=name)
        by = corporation(recipient), self.world.gateway.clock.now()
        register_guarantees(self.world.gateway.registrar, recipient, [entry], by)

    def fill(self, bank: Client, recipient: str, number: int) -> None:
        self.register(recipient, 100 + number, f"{recipient}-MARK-{recipient}-")
        name = f"MARK-{recipient}-.json"
        records = [(100 + number, {}), (100 + number, {"period_to": "2020-01-01"}), (5_000 + number, {})]
        document = {"records": [orjson.loads(balance(firm, recipient, **more)) for firm, more in records]}
        outcome = bank.submit(orjson.dumps(document), recipient=recipient, filename=name)
        assert outcome.counts == {"accepted": 1, "unchanged": 0, "held": 1, "refused": 1}
        self.submissions[recipient] = [outcome.submission]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running(tmp_path_factory.mktemp("town"), None, HAYAME_UNBOUND_TOKENS="true") as world:
        everywhere = [f"submit:{one}" for one in TENANTS]
        world.enrol(BANK, "bank", "9991", everywhere)
        world.enrol(OTHER_BANK, "bank", "9992", everywhere)
        for recipient in TENANTS:
            world.enrol(corporation(recipient), "corporation", None, [f"{a}:{recipient}" for a in MAY])
        with httpx2.Client(base_url=world.base_url, trust_env=False, timeout=60) as http:
            made, bank = Town(world, http), world.client(OTHER_BANK)
            for number, recipient in enumerate(TENANTS):
                made.fill(bank, recipient, number)
            yield made


def gets() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Every address that is read with a token, and what may be asked there."""
    for path, ways in API["paths"].items():
        if "get" in ways and ways["get"]["security"]:
            yield path, [one for one in ways["get"].get("parameters", ()) if one["in"] == "query"]


def values(parameter: dict[str, Any], other: str, theirs: list[str]) -> list[Any]:
    """What to ask for by a parameter: things that exist at another's."""
    schema = parameter["schema"]
    schema = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    if parameter["name"] == "wait":
        return [0.01]
    if schema.get("type") in ("integer", "number"):
        return [1, 0, 2, 3, 10_000_000]
    if schema.get("type") == "boolean":
        return ["true"]
    return [*schema.get("enum", ()), other, *theirs, corporation(other)]


def askings(number: int, own: str, other: str, theirs: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each address for oneself and for another, plain and with one parameter more: over 51 tenants, every value."""
    for path, parameters in gets():
        for recipient in (own, other) if "{recipient}" in path else (own,):
            filled = path.replace("{recipient}", recipient).replace("{submission}", theirs[number % len(theirs)])
            filled = (
                filled.replace("{statement}", theirs[0]).replace("{me}", corporation(other)).replace("{subject}", other)
            )
            yield filled, {}
            turns = [{one["name"]: value} for one in parameters for value in values(one, other, theirs)]
            yield from ((filled, turn) for turn in (islice(cycle(turns), number, number + 1) if turns else ()))


def told(answer: httpx2.Response) -> str:
    """Everything an answer says: headers and body."""
    return str({name: value for name, value in answer.headers.items() if name not in PASSING}) + answer.text


def test_no_address_tells_one_of_fifty_one_tenants_anything_of_another(town: Town) -> None:
    leaks, asked = {}, 0
    for number, own in enumerate(TENANTS):
        other = TENANTS[(number + 1) % len(TENANTS)]
        seen, foreign = set(), {one for at, some in town.submissions.items() if at != own for one in some}
        for path, params in askings(number, own, other, town.submissions[other]):
            answer = town.ask(corporation(own), path, params)
            said, asked = told(answer), asked + 1
            seen |= set(MARK.findall(said))
            leaked = (set(MARK.findall(said)) - {own}) | (set(ID.findall(said)) & foreign)
            if leaked or answer.status_code >= 500:
                leaks[own, path, str(params)] = (answer.status_code, leaked)
        assert seen == {own}
    assert leaks == {}
    assert asked > 30 * len(TENANTS)


def test_a_bank_is_told_nothing_of_what_another_handed_in_where_it_hands_in_itself(town: Town) -> None:
    absent = "00000000-0000-7000-8000-000000000000"
    for path, _ in gets():
        if "{submission}" in path:
            for theirs in town.submissions["13"]:
                mine, nobodys = (town.ask(BANK, path.replace("{submission}", one)) for one in (theirs, absent))
                assert (mine.status_code, told(mine)) == (nobodys.status_code, told(nobodys))
    assert town.ask(BANK, "/v1/held").json() == []


def everything(town: Town, recipient: str, submissions: list[str]) -> dict[str, tuple[int, str]]:
    """What a corporation is told by all its addresses, and of what was handed in for it."""
    found = {}
    for path, parameters in gets():
        for one in submissions if "{submission}" in path else ("",):
            filled = path.replace("{recipient}", recipient).replace("{submission}", one)
            some = {"first": 1, "second": 2, "leaf": 0, "size": 2}
            params = {each["name"]: some[each["name"]] for each in parameters if each.get("required")}
            answer = town.ask(corporation(recipient), filled, params)
            found[filled] = (answer.status_code, told(answer))
    return found


def test_whatever_happens_at_another_changes_not_a_byte_of_what_one_is_told(town: Town) -> None:
    """Counts, cursors, tags, proofs: all the same before and after."""
    own, other, bank = "14100", "13", town.world.client(OTHER_BANK)
    before = settled(town, own)
    bank.submit(balance(100 + TENANTS.index(own), other, closing=777), recipient=other)
    bank.submit(balance(6_000, other), recipient=other)
    town.register(other, 100 + TENANTS.index(own), "13-777")
    assert settled(town, own) == before


def told_by_post(own: str, other: str) -> Iterator[tuple[str, Any]]:
    """Every address that takes a body with a token, with all that is another's in each place of a body of one's own."""
    firm = {"scheme": "corporate_number", "value": corporate_number(100 + TENANTS.index(other))}
    mine = {"scheme": "cgc_customer", "scope": own, "value": "C-1"}
    bodies = {
        "links": {"reference": mine, "same_as": firm},
        "links/end": {"reference": firm},
        "successions": {"predecessor": firm, "successor": mine, "since": "2026-04-01"},
        "guarantees": [{"guarantee_no": "G-1", "institution": "9992", "firm": firm, "name": "商店"}],
        "coverage": {"kind": "repayment_status", "form": "full_tape", "since": "2026-04-01"},
        "log/cosignatures": {"note": f"hayame.local/{other}\n3\n\n"},
        "invitations": {"word": "eyJ.e.e"},
    }
    asked = {f"/v1/recipients/{at}/{path}": body for path, body in bodies.items() for at in (own, other)}
    asked |= {f"/v1/participants/{corporation(other)}/{path}": {"word": "e", "proof": "e"} for path in ("keys",)}
    asked |= {f"/v1/participants/{corporation(other)}/revocations": {"word": "e"}}
    theirs = (f"{other}-MARK-{other}-", f"MARK-{other}-商店", firm["value"], corporation(other), other, firm)
    for path, body in asked.items():
        yield path, body
        yield from ((path, one) for one in with_theirs(body, theirs))


def with_theirs(body: Any, theirs: tuple[Any, ...]) -> Iterator[Any]:
    """A body, in each of whose places stands something of another's in turn."""
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        copied = dict(body) if isinstance(body, dict) else list(body)
        inner = with_theirs(value, theirs) if isinstance(value, dict | list) else ()
        for other in (*theirs, *inner):
            copied[name] = other
            yield copied


def test_whatever_one_says_of_anothers_is_answered_without_a_word_of_it_and_changes_nothing_there(town: Town) -> None:
    victim, leaks, asked = "14130", {}, 0
    before, foreign = settled(town, victim), set(town.submissions[victim])
    for number, own in enumerate(one for one in TENANTS if one != victim):
        tellings = list(told_by_post(own, victim))
        for path, body in tellings[number % 7 :: 7]:
            answer = town.tell(corporation(own), path, body)
            said, asked = told(answer), asked + 1
            leaked = (set(MARK.findall(said)) - {own}) | (set(ID.findall(said)) & foreign)
            if leaked or answer.status_code >= 500:
                leaks[own, path, str(body)] = (answer.status_code, leaked)
    assert leaks == {}
    assert asked > 20 * len(TENANTS)
    assert settled(town, victim) == before


def test_a_number_that_another_corporation_knows_is_answered_like_one_that_nobody_knows(town: Town) -> None:
    own, clerk = "21201", corporation("21201")
    elsewhere, nowhere = (
        {"scheme": "corporate_number", "value": corporate_number(number)}
        for number in (100 + TENANTS.index("13"), 8_888)
    )
    known = {"scheme": "corporate_number", "value": corporate_number(100 + TENANTS.index(own))}
    mine = {"scheme": "cgc_customer", "scope": own, "value": "C-2"}
    at = f"/v1/recipients/{own}"
    tellings = {
        "links": lambda firm: {"reference": mine, "same_as": firm},
        "links/end": lambda firm: {"reference": firm},
        "successions": lambda firm: {"predecessor": firm, "successor": known, "since": "2026-04-01"},
        "successions ": lambda firm: {"predecessor": known, "successor": firm, "since": "2026-04-01"},
    }
    for path, body in tellings.items():
        theirs, nobodys = (town.tell(clerk, f"{at}/{path.strip()}", body(firm)) for firm in (elsewhere, nowhere))
        assert (path, theirs.status_code, told(theirs)) == (path, nobodys.status_code, told(nobodys))
        assert theirs.status_code == 404
    new, old = (town.tell(clerk, f"{at}/links", {"reference": one, "name": "商店"}) for one in (nowhere, elsewhere))
    assert (new.status_code, old.status_code) == (201, 201)
    assert {UUID(one.json()["party"]).version for one in (new, old)} == {4}  # which tell no time


def settled(town: Town, recipient: str) -> dict[str, tuple[int, str]]:
    """What is told once it is noted that all was read."""
    last = everything(town, recipient, town.submissions[recipient])
    while (now := everything(town, recipient, town.submissions[recipient])) != last:
        last = now
    return last


def test_two_corporations_with_the_same_firm_see_their_own_guarantee_alone(town: Town) -> None:
    bank, numbers = town.world.client(OTHER_BANK), {"13": "13-8888888", "14100": "14100-9999999"}
    for recipient, number in numbers.items():
        town.register(recipient, SHARED, number)
    for recipient, number in numbers.items():
        outcome = bank.submit(repayment(number), recipient=recipient)
        assert outcome.counts["accepted"] == 1
    for recipient, number in numbers.items():
        feed = town.ask(corporation(recipient), f"/v1/recipients/{recipient}/feed").text
        assert [one for one in numbers.values() if one in feed] == [number]
    other = bank.submit(repayment(numbers["13"]), recipient="14100")
    unknown = bank.submit(repayment("13-0000404"), recipient="14100")
    assert other.counts == unknown.counts == {"accepted": 0, "unchanged": 0, "held": 1, "refused": 0}


def repayment(guarantee_no: str) -> bytes:
    row = {
        "kind": "repayment_status",
        "bank_code": "9992",
        "guarantee_no": guarantee_no,
        "as_of": "2026-03-31",
        "principal_yen": 10_000_000,
        "balance_yen": 9_000_000,
        "status": "performing",
    }
    return orjson.dumps({"records": [row]})


def test_two_banks_with_the_same_firm_learn_nothing_of_each_other(town: Town) -> None:
    """What the other bank reported of a firm changes nothing in what is answered, but ids, instants and digests."""
    theirs, mine = town.world.client(OTHER_BANK), town.world.client(BANK)
    for firm in (SHARED, LONELY):
        town.register("13", firm, f"13-{firm}")
    reported = theirs.submit_and_wait(balance(SHARED, "13", closing=500), key="the-same-key", recipient="13")
    assert reported.verdict == "accepted"
    asked = {firm: mine.submit(balance(firm, "13"), recipient="13") for firm in (SHARED, LONELY)}
    assert plain(asked[SHARED].body) == plain(asked[LONELY].body)
    again = {firm: mine.submit(balance(firm, "13", closing=140), recipient="13") for firm in (SHARED, LONELY)}
    assert plain(again[SHARED].body) == plain(again[LONELY].body)
    as_theirs = {firm: mine.submit(balance(firm, "13", closing=500), recipient="13") for firm in (SHARED, LONELY)}
    assert plain(as_theirs[SHARED].body) == plain(as_theirs[LONELY].body)
    assert as_theirs[SHARED].counts["unchanged"] == 0  # though the other bank said just that
    with_their_key = mine.submit(balance(SHARED, "13", closing=150), key="the-same-key", recipient="13")
    assert (with_their_key.status, with_their_key.verdict) == (201, again[SHARED].verdict)


def test_a_vendor_is_answered_alike_whether_or_not_the_firm_has_a_guarantee(town: Town) -> None:
    town.register("13", GUARANTEED, "13-302")
    number = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(KNOWN))
    gateway = town.world.gateway
    say_who(gateway.registrar, number, None, "第三百三商店", (corporation("13"), gateway.clock.now()))
    consented(gateway.registrar, [number, number.model_copy(update={"value": corporate_number(GUARANTEED)})], by=VENDOR)
    vendor = town.world.client(VENDOR)
    with_one, without = (vendor.submit(balance(one, "13"), recipient="13") for one in (GUARANTEED, KNOWN))
    assert with_one.verdict == "accepted"
    assert plain(with_one.body) == plain(without.body)


def test_a_corporation_is_not_told_how_many_records_its_word_lets_go_at_another(town: Town) -> None:
    firm = {"scheme": "corporate_number", "value": corporate_number(5_000 + TENANTS.index("14100"))}
    clerk = town.world.client(corporation("13"))
    answer = clerk.post("/v1/recipients/13/links", {"reference": firm, "name": "第五千商店"}).json()
    assert answer["released"] == 0


def plain(said: Any) -> Any:
    """An outcome without what is different each time: ids, instants, digests, receipts, and where in the log it is."""
    if isinstance(said, dict):
        passing = ("_at", "sha256", "receipt", "root", "leaf_index", "position", "links", "submission", "digest")
        return {name: plain(value) for name, value in said.items() if not name.endswith(passing)}
    return [plain(one) for one in said] if isinstance(said, list) else said
