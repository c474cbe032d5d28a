"""What is missing is never read as fine: institutions declare what they report, and readers are told how to read it."""

from __future__ import annotations

import pytest
from commands import environment
from typer.testing import CliRunner
from world import BANK, OTHER_BANK, TOOL, World

from gateway.cli import app
from gateway.client import Refusal

AT = "/v1/recipients/13/coverage"


def covered(world: World) -> dict[tuple[str, str], dict[str, str | None]]:
    return {(one["institution"], one["kind"]): one for one in world.client(TOOL).get(AT).json()}


def test_without_a_declaration_what_is_missing_means_nothing_and_nothing_is_the_first_ever(world: World) -> None:
    one = covered(world)["9992", "monitoring_report"]
    assert (one["absence"], one["first_ever"], one["form"]) == ("unknown", "unknown", None)


def test_a_bank_declares_for_itself_and_the_reader_sees_how_to_read_silence(world: World) -> None:
    bank = world.client(BANK)
    bank.post(AT, {"kind": "repayment_status", "form": "full_tape", "since": "2026-04-01", "baseline_on": "2026-03-31"})
    bank.post(AT, {"kind": "trial_balance", "form": "event", "since": "2999-01-01"})
    found = covered(world)
    full, later = found["9991", "repayment_status"], found["9991", "trial_balance"]
    assert (full["absence"], full["first_ever"], full["baseline_on"]) == ("gap", "known", "2026-03-31")
    assert (later["absence"], later["first_ever"], later["form"]) == ("unknown", "unknown", "event")
    bank.post(AT, {"kind": "repayment_status", "form": "exception", "since": "2026-05-01"})
    replaced = covered(world)["9991", "repayment_status"]
    assert (replaced["absence"], replaced["first_ever"]) == ("no_exception", "unknown")
    newest = bank.get(f"/v1/participants/{BANK}").json()["changes"][0]["said"]
    assert (newest["change"], newest["what"]["form"]) == ("covered", "exception")


def test_the_operator_declares_for_a_bank_that_is_not_enrolled(world: World) -> None:
    asked = ["participants", "cover", "9941", "13", "repayment_status", "event", "2026-04-01"]
    said = CliRunner().invoke(app, asked, env=environment(world), catch_exceptions=False)
    assert said.stdout == "9941 reports repayment_status to 13 as event from 2026-04-01\n"
    assert covered(world)["9941", "repayment_status"]["absence"] == "nothing_happened"
    assert covered(world)["9941", "trial_balance"]["absence"] == "unknown"


def test_only_who_may_submit_declares_and_only_who_may_read_is_told(world: World) -> None:
    for ask in (
        lambda: world.client(TOOL).post(AT, {"kind": "trial_balance", "form": "event", "since": "2026-04-01"}),
        lambda: world.client(BANK).get(AT),
        lambda: world.client(OTHER_BANK).get("/v1/recipients/14100/coverage"),
    ):
        with pytest.raises(Refusal) as refusal:
            ask()
        assert refusal.value.status == 403
    for wrong in (
        {"kind": "trial_balance", "form": "sometimes", "since": "2026-04-01"},
        {"kind": "nothing", "form": "event", "since": "2026-04-01"},
        {"kind": "trial_balance", "form": "event", "since": "2026-04-01", "baseline_on": "2026-04-02"},
        {"kind": "trial_balance", "form": "event", "since": "2026-04-01", "institution": "9992"},
    ):
        with pytest.raises(Refusal) as refusal:
            world.client(BANK).post(AT, wrong)
        assert refusal.value.status == 400
