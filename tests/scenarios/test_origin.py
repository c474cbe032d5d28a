"""What a receipt says about its origin: who handed over, for whom, by which door, and when it was received."""

from __future__ import annotations

from datetime import date

import pytest
from world import BANK, VENDOR, World, corporate_number, trial_balance

from gateway.client import Outcome, Refusal
from gateway.registers.orders import Delegate, give
from gateway.schemas.statement import Statement
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing
from gateway.security.signing import open_receipt

WRONG_NUMBER = {"references": [{"scheme": "corporate_number", "value": "1" + corporate_number(1)[1:]}]}
DAYS = ["2026-05-08", "2026-05-11"]


@pytest.fixture(scope="module")
def delegated(world: World) -> World:
    """The vendor may submit for bank 9991; for 9992 it might once."""
    give(world.gateway.registrar, Delegate(sender=VENDOR, institution="9991", since=date(2026, 1, 1)))
    over = {"since": date(2025, 1, 1), "until": date(2025, 12, 31)}
    give(world.gateway.registrar, Delegate(sender=VENDOR, institution="9992", **over))
    return world


def receipt(world: World, outcome: Outcome) -> Statement:
    """What was sealed, from the sender's own receipt."""
    [signed] = outcome.receipts
    return read_statement(open_receipt(signed, KeyRing([world.gateway.key.public])))


@pytest.mark.parametrize("channel", ["api", "agent", "folder", "portal", "media", "paper_transcription"])
@pytest.mark.parametrize("verdict", ["accepted", "refused"])
def test_a_receipt_says_who_handed_over_for_whom_by_which_door_and_when(
    delegated: World, channel: str, verdict: str
) -> None:
    document = trial_balance(37, 4, **(WRONG_NUMBER if verdict == "refused" else {}), company_name=channel)
    outcome = delegated.client(VENDOR).submit(
        document, recipient="13", on_behalf_of="9991", channel=channel, received_on=DAYS
    )
    statement = receipt(delegated, outcome)
    assert statement.verdict.value == verdict
    assert statement.origin.model_dump(mode="json") == {
        "sender": VENDOR,
        "institution": "9991",
        "channel": channel,
        "received_on": DAYS,
        "flow": "bank",
        "proof": "http_signature",
        "key": delegated.keys[VENDOR].kid,
        "assurance": "transcribed" if channel in ("media", "paper_transcription") else "delegated",
        "succeeds": None,
    }


def test_who_says_nothing_hands_over_for_itself_by_the_api(delegated: World) -> None:
    own = receipt(delegated, delegated.client(BANK).submit(trial_balance(38, 4), recipient="13"))
    assert own.origin.model_dump(mode="json") == {
        "sender": BANK,
        "institution": "9991",
        "channel": "api",
        "received_on": [],
        "flow": "bank",
        "proof": "http_signature",
        "key": delegated.keys[BANK].kid,
        "assurance": None,
        "succeeds": None,
    }


@pytest.mark.parametrize("institution", ["9992", "9993"], ids=["no longer delegated", "never delegated"])
def test_who_was_not_let_may_not_hand_over_for_another(delegated: World, institution: str) -> None:
    before = delegated.reader().head.size
    with pytest.raises(Refusal) as refused:
        delegated.client(VENDOR).submit(trial_balance(39, 4), recipient="13", on_behalf_of=institution)
    assert (refused.value.problem["status"], refused.value.problem["code"]) == (403, "access.not_entitled")
    assert delegated.reader().head.size == before


@pytest.mark.parametrize(
    "asked", [{"channel": "gateway"}, {"channel": "pigeon"}, {"received_on": "11 May"}], ids=["ours", "none", "no date"]
)
def test_a_door_or_date_that_nobody_can_have_is_refused(delegated: World, asked: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        delegated.client(BANK).submit(trial_balance(39, 4), recipient="13", **asked)
    assert (refused.value.problem["status"], refused.value.problem["code"]) == (400, "request.invalid")
