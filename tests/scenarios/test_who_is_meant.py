"""A document is placed by every kind of number that names its firm, and by nobody else's guarantee; on both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from world import BANK, CORPORATION, OTHER_BANK, World, corporate_number, guarantee, trial_balance

from gateway.client import Client, Outcome, Refusal

SCHEMES: dict[str, Callable[[int], str]] = {
    "corporate_number": corporate_number,
    "invoice_number": lambda number: f"T{corporate_number(number)}",
    "tenant": lambda number: f"T-{number}",
    "bank_customer": lambda number: f"C-{number}",
    "guarantee": guarantee,
}
SCOPES = {"tenant": BANK, "bank_customer": "9991"}
WAYS = ("subject=", "references")
EVERY_WAY = [(scheme, way) for scheme in SCHEMES for way in WAYS]
NUMBERS = {one: number for number, one in enumerate(EVERY_WAY, 1_000)}  # firms that no other test knows

each_way = pytest.mark.parametrize(("scheme", "way"), EVERY_WAY)


def _submit(bank: Client, scheme: str, number: int, way: str) -> Outcome:
    """A document that names its firm by one number and in one way only; it may queue behind a release of the bank's."""
    value = SCHEMES[scheme](number)
    if way == "subject=":
        document, subject = trial_balance(0, 4, references=[]), f"{scheme}:{value}"
        return bank.submit_and_wait(document, recipient="13", subject=subject)
    document = trial_balance(0, 4, references=[{"scheme": scheme, "value": value}])
    return bank.submit_and_wait(document, recipient="13")


def _make_known(clerk: Client, scheme: str, number: int, institution: str = "9991") -> int:
    """The corporation says whose number it is; how many records it lets go."""
    name = f"第{number}商店"
    if scheme == "guarantee":
        firm = {"scheme": "cgc_customer", "scope": "13", "value": f"C{number}"}
        entry = {"guarantee_no": guarantee(number), "institution": institution, "firm": firm, "name": name}
        return int(clerk.post("/v1/recipients/13/guarantees", [entry]).json()["released"])
    reference = {"scheme": scheme, "scope": SCOPES.get(scheme, ""), "value": SCHEMES[scheme](number)}
    return int(clerk.post("/v1/recipients/13/links", {"reference": reference, "name": name}).json()["released"])


def _held(clerk: Client, outcome: Outcome) -> list[tuple[str, str]]:
    return [
        (one["waits_for"]["scheme"], one["waits_for"]["value"])
        for one in clerk.held()
        if one["submission"] == outcome.submission
    ]


@each_way
def test_a_number_that_is_known_places_the_document_at_once(world: World, scheme: str, way: str) -> None:
    reader, number = world.reader(), NUMBERS[scheme, way]
    _make_known(world.client(CORPORATION), scheme, number)
    outcome = _submit(world.client(BANK), scheme, number, way)
    assert outcome.verdict == "accepted"
    assert [line.submission for line in reader.fetch()] == [outcome.submission]


@each_way
def test_a_number_that_becomes_known_later_lets_the_document_go(world: World, scheme: str, way: str) -> None:
    clerk, reader, number = world.client(CORPORATION), world.reader(), NUMBERS[scheme, way] + 1_000
    outcome = _submit(world.client(BANK), scheme, number, way)
    before = _held(clerk, outcome)
    released = _make_known(clerk, scheme, number)
    lines: list[Any] = []
    while not lines:
        lines = reader.fetch(wait=1)
    assert (outcome.verdict, outcome.findings[0]["code"]) == ("held", "S01")
    assert before == [(scheme, SCHEMES[scheme](number))]
    assert (released, len(lines), _held(clerk, outcome)) == (1, 1, [])


def test_a_guarantee_places_a_document_that_is_dealt_with_in_the_background_too(world: World) -> None:
    bank = world.client(BANK)
    _make_known(world.client(CORPORATION), "guarantee", 3_000)
    document, subject = trial_balance(0, 4, references=[]), f"guarantee:{guarantee(3_000)}"
    asked = bank.submit(document, recipient="13", subject=subject, prefer_async=True)
    assert asked.status == 202
    assert bank.wait_for(asked.submission).verdict == "accepted"


def test_a_guarantee_that_names_another_firm_than_the_document_is_refused(world: World) -> None:
    bank, subject = world.client(BANK), f"guarantee:{guarantee(2)}"
    outcome = bank.submit_and_wait(trial_balance(1, 4), recipient="13", subject=subject)
    assert (outcome.verdict, outcome.findings[0]["code"]) == ("refused", "S02")


@pytest.mark.parametrize("way", WAYS)
def test_another_banks_guarantee_is_answered_like_one_that_nobody_has(world: World, way: str) -> None:
    clerk, other = world.client(CORPORATION), world.client(OTHER_BANK)
    theirs, nobodys = (3_100, 3_101) if way == "subject=" else (3_200, 3_201)
    _make_known(clerk, "guarantee", theirs)
    outcomes = [_submit(other, "guarantee", number, way) for number in (theirs, nobodys)]
    told = [
        (one.verdict, one.counts, str(one.findings).replace(guarantee(number), "…"))
        for one, number in zip(outcomes, (theirs, nobodys), strict=True)
    ]
    assert told[0] == told[1]
    assert (outcomes[0].verdict, outcomes[0].findings[0]["code"]) == ("held", "S01")
    assert _make_known(clerk, "guarantee", theirs) == 0
    assert _held(clerk, outcomes[0]) == [("guarantee", guarantee(theirs))]
    assert _make_known(clerk, "guarantee", theirs, "9992") == 1


def test_another_banks_guarantee_tells_nothing_about_its_firm(world: World) -> None:
    other = world.client(OTHER_BANK)
    outcomes = [
        other.submit_and_wait(trial_balance(3, month), recipient="13", subject=f"guarantee:{guarantee(firm)}")
        for month, firm in ((4, 3), (5, 4), (6, 3_300))  # of the firm it names, of another firm, of nobody
    ]
    assert [(one.verdict, one.findings) for one in outcomes] == [("accepted", [])] * 3


def test_a_guarantee_cannot_be_linked_only_registered(world: World) -> None:
    clerk = world.client(CORPORATION)
    number = {"scheme": "guarantee", "scope": "13", "value": guarantee(3_400)}
    tenant = {"scheme": "tenant", "scope": BANK, "value": "T-3400"}
    entry = {"guarantee_no": guarantee(3_400), "institution": "9991", "firm": number, "name": "商店"}
    refused = []
    for address, body in (
        ("links", {"reference": number, "name": "商店"}),
        ("links", {"reference": tenant, "same_as": number}),
        ("guarantees", [entry]),
    ):
        with pytest.raises(Refusal) as refusal:
            clerk.post(f"/v1/recipients/13/{address}", body)
        refused.append(refusal.value)
    assert {(one.status, one.problem["code"]) for one in refused} == {(400, "request.invalid")}
    assert all("…/guarantees" in one.problem["detail"] for one in refused)
    assert all("保証番号" in one.problem["detail_ja"] for one in refused)
