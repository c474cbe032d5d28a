"""A line that may no longer be shown: a stub in its place, nothing of it anywhere, and every proof still holds."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from world import BANK, TOOL, World, corporate_number, trial_balance

from gateway.security.keys import KeyRing
from gateway.security.merkle import leaf_hash
from gateway.security.verify import verify_evidence
from gateway.store import feed

SECRET_YEN = 987_654_321
NDJSON, PAGE, EVENTS = "application/x-ndjson", "application/json", "application/cloudevents-batch+json"


@dataclass
class Case:
    """One submission of three lines, the middle one of which is withheld."""

    world: World
    submission: str
    position: int
    stored: list[bytes]

    @property
    def stub(self) -> dict[str, Any]:
        """What is served instead."""
        return {"position": self.position, "leaf": leaf_hash(self.stored[1]).hex(), "withheld": "erased"}

    def read(self, media_type: str) -> bytes:
        """The three rows as a reader gets them."""
        asked = {"after": self.position - 1, "limit": 3}
        return self.world.client(TOOL).get("/v1/recipients/13/feed", asked, {"accept": media_type}).content

    def evidence(self, name: str, line: int | None = None) -> bytes:
        return self.world.client(name).evidence(self.submission, line=line)


@pytest.fixture(scope="module")
def case(world: World) -> Case:
    records = [json.loads(trial_balance(firm, 4, closing)) for firm, closing in ((1, 130), (2, SECRET_YEN), (3, 130))]
    world.client(BANK).submit(trial_balance(5, 4), recipient="13")
    outcome = world.client(BANK).submit(orjson.dumps({"records": records}), recipient="13")
    gateway, position = world.gateway, outcome.body["statements"][0]["first_position"] + 1
    with gateway.database.write() as session:
        stored = gateway.blocks.load_lines(session, "13", outcome.submission)
        feed.withhold(session, "13", position, leaf_hash(stored[1]), "erased")
    return Case(world, outcome.submission, position, stored)


def is_silent(case: Case, served: bytes) -> bool:
    """Whether nothing of the line is there: neither its amounts nor its nonce."""
    nonce = json.loads(case.stored[1])["nonce"]
    return str(SECRET_YEN).encode() not in served and nonce.encode() not in served


def test_every_form_of_the_feed_serves_a_stub_in_its_place(case: Case) -> None:
    rows = [json.loads(row) for row in case.read(NDJSON).splitlines()]
    page = json.loads(case.read(PAGE))
    events = json.loads(case.read(EVENTS))
    assert [row["position"] for row in rows] == [case.position - 1, case.position, case.position + 1]
    assert (rows[1], page["lines"][1]) == (case.stub, case.stub)
    assert (page["lines"], page["next"]) == (rows, case.position + 2)
    assert [event["id"] for event in events] == [str(row["position"]) for row in rows]
    assert (events[1]["type"], events[1]["data"]) == (
        "jp.hayame.line.withheld.v1",
        {"leaf": case.stub["leaf"], "withheld": "erased"},
    )
    assert [is_silent(case, case.read(form)) for form in (NDJSON, PAGE, EVENTS)] == [True] * 3


def test_the_lines_beside_it_are_served_byte_for_byte(case: Case) -> None:
    served = case.read(NDJSON)
    assert (case.stored[0] in served, case.stored[1] in served, case.stored[2] in served) == (True, False, True)


def test_who_follows_from_the_beginning_proves_everything_and_knows_why_one_is_missing(case: Case) -> None:
    lines = case.world.following().fetch()
    assert [line.position for line in lines] == list(range(len(lines)))
    assert [(line.position, line.withheld) for line in lines if line.line is None] == [(case.position, "erased")]


@pytest.mark.parametrize("line", [None, 0, 1, 2])
@pytest.mark.parametrize("name", [BANK, TOOL])
def test_evidence_holds_without_it(case: Case, name: str, line: int | None) -> None:
    bundle = case.evidence(name, line)
    report = verify_evidence(bundle, KeyRing([case.world.gateway.key.public]))
    verdicts = {check.name: check.verdict for check in report.checks}
    assert report.holds
    assert {verdicts[name] for name in ("lines_root", "inclusion", "checkpoint_signature")} == {"verified"}
    assert [one["index"] for one in json.loads(bundle)["lines"] if one["line"] is None] == [
        index for index in (1,) if line in (None, 1)
    ]


def test_evidence_that_a_recipient_gets_holds_nothing_of_it(case: Case) -> None:
    assert [is_silent(case, _opened(case.evidence(TOOL, line))) for line in (None, 0, 1, 2)] == [True] * 4


def test_what_corrects_it_names_its_position_but_does_not_say_what_it_said(case: Case) -> None:
    reader = case.world.reader()
    case.world.client(BANK).submit(trial_balance(2, 4, closing=140), recipient="13")
    supersedes = reader.fetch()[0].line["supersedes"]
    assert (supersedes["position"], supersedes["before"]) == (case.position, [])


def test_lead_times_pass_it_over(case: Case) -> None:
    asked = {"after": case.position - 1, "limit": 3, "rows": True}
    measured = case.world.client(TOOL).get("/v1/recipients/13/lead-times", asked).json()
    assert [row["position"] for row in measured["rows"]] == [case.position - 1, case.position + 1]


def test_the_firm_it_is_about_is_told_nowhere_else(case: Case) -> None:
    served = case.read(NDJSON) + _opened(case.evidence(TOOL))
    assert [corporate_number(firm).encode() in served for firm in (1, 2, 3)] == [True, False, True]


def _opened(bundle: bytes) -> bytes:
    """An evidence file with what is encoded in it read out, so that it can be searched."""
    inside = json.loads(bundle)
    parts = [inside.get("raw"), inside.get("findings"), *(line.get("line") for line in inside["lines"])]
    return bundle + b"".join(base64.b64decode(part) for part in parts if part)
