"""Nothing of a firm goes on without its consent where the flow rests on one: when handed over, and when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from agreed import agreed, consented
from inside import Inside, Meanwhile, loan_rows
from world import BANK, CORPORATION, VENDOR, corporate_number, firm, trial_balance

from gateway.errors import InvalidRequest, NotFound
from gateway.evidence import Wanted, collect
from gateway.pipeline import Outcome
from gateway.registers import consents
from gateway.registers.firms import GuaranteeEntry, register_guarantees, say_who
from gateway.registers.permits import shown
from gateway.runtime.notices import Notices
from gateway.schemas.consent import Kept
from gateway.schemas.flows import flow_of, load_flows
from gateway.schemas.identifiers import Reference, Scheme, japanese_date
from gateway.schemas.records import KINDS
from gateway.schemas.register_change import Authority
from gateway.security.evidence import write_evidence
from gateway.security.keys import KeyRing
from gateway.security.verify import verify_evidence
from gateway.store import disclosures, log, submissions, withdrawals
from gateway.store.feed import Page
from gateway.store.walls import Tenant

TODAY, DAY = japanese_date(datetime.now(UTC)), timedelta(days=1)


@pytest.fixture(scope="module")
def inside(engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """One gateway for all; each test has firms of its own."""
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    made = Inside(tmp_path_factory.mktemp("consents"), url)
    entries = [
        GuaranteeEntry(guarantee_no=f"13-{one:07d}", institution="9991", firm=firm(one), name=f"第{one}商店")
        for one in range(60)
    ]
    register_guarantees(made.gateway.registrar, "13", entries, (CORPORATION, made.gateway.clock.now()))
    yield made
    made.close()


class Later:
    """A clock that is some days ahead."""

    def __init__(self, days: int) -> None:
        self.days = days

    def now(self) -> datetime:
        return datetime.now(UTC) + self.days * DAY


def push(inside: Inside, number: int, month: int = 4, **more: Any) -> Outcome:
    """The vendor hands over a trial balance of a firm, for itself; nothing of it is still being worked off."""
    work(inside)
    return inside.at_once(trial_balance(number, month, **more), VENDOR, "vendor")


def give(inside: Inside, number: int, **changes: Any) -> Kept:
    return consented(inside.gateway.registrar, [firm(number)], CORPORATION, **changes)[0]


def withdraw(inside: Inside, kept: Kept) -> None:
    with inside.gateway.registrar.changing() as changing:
        consents.withdraw(changing, kept.id, Authority(how="participant", by=(CORPORATION,)))


def begin(inside: Inside) -> int:
    """Where the feed goes on once all is done that earlier tests left to do."""
    work(inside)
    return inside.head()[1]


def work(inside: Inside, days: int = 0) -> None:
    """Do all that is to be done, as of some days ahead."""
    worker = replace(inside.worker(), clock=Later(days))
    while worker.work_once():
        pass


def feed(inside: Inside, after: int, today: date = TODAY, recipient: str = "13") -> Page:
    """The feed as a reader gets it on a day, on PostgreSQL behind the wall."""
    with inside.gateway.database.read(Tenant(reads=frozenset({recipient}))) as session:
        return shown(session, recipient, inside.gateway.blocks.page(session, recipient, after, 1_000), today)


def lines(page: Page) -> list[dict[str, Any]]:
    return [orjson.loads(body) for position, _, _, body in page.rows if position not in page.withheld]


def stubs(page: Page) -> list[str]:
    return [page.withheld[position][1] for position, *_ in page.rows if position in page.withheld]


def held(inside: Inside, outcome: Outcome) -> list[tuple[str, str | None]]:
    with inside.gateway.database.read() as session:
        found = submissions.find_held(session, inside.gateway.blocks.cipher, [], VENDOR)
    waits = [one for one in found if one.submission == outcome.submission]
    return [(one.code, one.waits_for.scheme if one.waits_for else None) for one in waits]


def verdict(outcome: Outcome) -> tuple[str, int, int]:
    statement = outcome.sealed[0].statement
    return str(statement.basis), statement.counts.accepted, statement.counts.held


def holds(inside: Inside, outcome: Outcome) -> list[str | None]:
    """That an outcome's evidence verifies as a reader gets it now; why each of its lines is withheld."""
    with inside.gateway.database.read() as session:
        row = log.find_statements(session, outcome.submission)[0]
        found = collect(session, inside.gateway.blocks, row, Wanted(today=TODAY), None)
    assert verify_evidence(write_evidence(found), KeyRing([inside.gateway.key.public])).holds
    assert (found.findings is None) == any(one.withheld for one in found.lines)
    return [one.withheld for one in found.lines]


def test_what_a_vendor_sends_without_consent_is_held_and_published_by_the_consent(inside: Inside) -> None:
    before = begin(inside)
    outcome = push(inside, 1)
    assert (verdict(outcome), held(inside, outcome)) == (("consent", 0, 1), [("V40", "party")])
    kept = give(inside, 1)
    work(inside)
    [line] = lines(feed(inside, before))
    assert (line["consent"], line["subject"], line["record"]["kind"]) == (kept.id, kept.party, "trial_balance")
    assert held(inside, outcome) == []
    assert verdict(push(inside, 1, 5)) == ("consent", 1, 0)


def test_a_banks_report_needs_no_consent_and_costs_no_look_up(inside: Inside) -> None:
    before = begin(inside)
    outcome = inside.at_once(loan_rows({(2, "2026-04-30"): 5}), BANK, None)
    page = feed(inside, before)
    assert (len(lines(page)), list(page.under)) == (1, [])
    assert "consent" not in lines(page)[0]
    assert outcome.sealed[0].settled.consents == {}


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (20, {"data_classes": ["fs"]}),
        (21, {"purposes": ["statistics"]}),
        (22, {"recipients": ["14100", "9991"]}),
        (23, {"valid_from": TODAY + DAY}),
        (24, {"valid_to": TODAY - DAY}),
        (25, {"providers": ["vendor-of-others"]}),
    ],
)
def test_a_consent_to_something_else_is_none(inside: Inside, number: int, changes: dict[str, Any]) -> None:
    give(inside, number, **changes)
    assert verdict(push(inside, number)) == ("consent", 0, 1)


def test_withdrawn_it_is_served_no_more_from_that_moment_on_and_all_proofs_hold(inside: Inside) -> None:
    before, kept = begin(inside), give(inside, 3)
    outcome = push(inside, 3)
    assert (len(lines(feed(inside, before))), holds(inside, outcome)) == (1, [None])
    withdraw(inside, kept)
    page = feed(inside, before)
    assert (lines(page), stubs(page), holds(inside, outcome)) == ([], ["consent_withdrawn"], ["consent_withdrawn"])
    assert len(inside.bodies(outcome.submission)[0]) > 100  # the bytes stay
    work(inside)
    [notice] = lines(feed(inside, before))
    assert (notice["kind"], notice["subject"]) == ("consent_notice", kept.party)
    assert notice["record"]["event"] == "withdrawn"
    assert notice["record"]["positions"] == [[before, 1]]
    with pytest.raises(NotFound):
        withdraw(inside, kept)


def test_a_notice_names_the_firm_only_to_who_has_lines_of_it(inside: Inside) -> None:
    before, kept = begin(inside), give(inside, 51)
    withdraw(inside, kept)
    work(inside)
    [notice] = lines(feed(inside, before))
    assert (notice["subject"], notice["record"]["positions"], bool(kept.party)) == ("", [], True)


def test_a_consent_given_anew_begins_anew_also_for_the_same_document(inside: Inside) -> None:
    before, first = begin(inside), give(inside, 4)
    push(inside, 4)
    withdraw(inside, first)
    assert verdict(push(inside, 4)) == ("consent", 0, 1)
    second = give(inside, 4)
    work(inside)
    assert verdict(push(inside, 4, closing=131)) == ("consent", 1, 0)
    page = feed(inside, before)
    told = [line for line in lines(page) if line["kind"] == "trial_balance"]
    assert stubs(page) == ["consent_withdrawn"]
    assert [line["consent"] for line in told] == [second.id, second.id]
    assert told[0]["supersedes"] is None  # what is not shown is not told again


def test_the_same_document_under_the_same_consent_is_unchanged_also_when_its_key_is_forgotten(inside: Inside) -> None:
    give(inside, 59)
    push(inside, 59)
    here, later = inside.gateway, replace(inside.gateway, clock=Later(8))
    inside.gateway = later
    try:
        counts = push(inside, 59).sealed[0].statement.counts
    finally:
        inside.gateway = here
    assert (counts.accepted, counts.unchanged, counts.held) == (0, 1, 0)


def test_past_its_last_day_it_is_served_no_more_and_one_that_renews_it_in_time_goes_on(inside: Inside) -> None:
    before = begin(inside)
    for number in (5, 6):
        give(inside, number, valid_to=TODAY)
        push(inside, number)
    with inside.gateway.database.read() as session:
        old = consents.valid(session, known(inside, 6), wanted_now(), TODAY)
    assert old is not None
    give(inside, 6, renews=old.id, valid_from=TODAY)
    assert stubs(feed(inside, before, TODAY)) == []
    later = feed(inside, before, TODAY + DAY)
    assert (stubs(later), [line["subject"] for line in lines(later)]) == (["consent_expired"], [old.party])
    with pytest.raises(InvalidRequest, match="renewed"):
        withdraw(inside, old)
    for changes in ({"renews": old.id}, {"renews": "nothing"}):
        with pytest.raises(InvalidRequest, match="renews no consent"):
            give(inside, 6, **changes)


def test_a_consent_is_renewed_by_who_recorded_it_under_the_number_it_was_given_of(inside: Inside) -> None:
    """Otherwise a vendor could prolong another's, or learn whether two numbers name one firm."""
    old, other = give(inside, 58), Reference(scheme=Scheme.TENANT, scope=VENDOR, value="T-58")
    say_who(inside.gateway.registrar, other, firm(58), None, (CORPORATION, inside.gateway.clock.now()))
    for number, by in ((firm(58), VENDOR), (other, CORPORATION)):
        with pytest.raises(InvalidRequest, match="renews no consent"):
            consented(inside.gateway.registrar, [number], by, renews=old.id)
    assert consented(inside.gateway.registrar, [firm(58)], CORPORATION, renews=old.id)


def known(inside: Inside, number: int) -> str:
    with inside.gateway.registrar.changing() as changing:
        return consents.firm_named(changing, firm(number)).party or ""


def wanted_now() -> Any:
    from gateway.schemas.flows import wanted

    return wanted("trial_balance", "13", VENDOR)


def test_one_that_renews_for_less_shows_less(inside: Inside) -> None:
    before, old = begin(inside), give(inside, 7)
    push(inside, 7)
    give(inside, 7, renews=old.id, data_classes=["fs"])
    assert stubs(feed(inside, before)) == ["consent_expired"]


def test_one_consent_serves_two_corporations_and_ends_for_both(inside: Inside) -> None:
    kept = give(inside, 8, recipients=["13", "14100", "9991"])
    before, document = begin(inside), trial_balance(8, 4)
    inside.at_once(document, VENDOR, "vendor", "13", "14100")
    assert [len(lines(feed(inside, *where))) for where in ((before, TODAY, "13"), (0, TODAY, "14100"))] == [1, 1]
    withdraw(inside, kept)
    work(inside)
    for after, recipient in ((before, "13"), (0, "14100")):
        page = feed(inside, after, TODAY, recipient)
        assert (stubs(page), [line["kind"] for line in lines(page)]) == (["consent_withdrawn"], ["consent_notice"])


def test_a_sender_is_told_the_same_whether_or_not_anybody_knows_the_firm(inside: Inside) -> None:
    """With a guarantee and no consent, with neither: the answers differ in the number that was asked about."""
    told = set()
    for number in (9, 7_009):
        [finding] = push(inside, number).sealed[0].settled.findings
        said = finding.model_copy(update={"params": {}})
        told.add(said.model_dump_json())
        assert finding.params == {"reference": f"corporate_number:{corporate_number(number)}"}
    assert len(told) == 1


def test_a_consent_given_before_anybody_knew_the_number_is_the_firms_once_somebody_links_it(inside: Inside) -> None:
    before = begin(inside)
    outcome, kept = push(inside, 7_010), give(inside, 7_010)
    assert (kept.party, held(inside, outcome)) == (None, [("V40", "corporate_number")])
    say_who(inside.gateway.registrar, firm(7_010), firm(10), None, (CORPORATION, inside.gateway.clock.now()))
    work(inside)
    assert [line["consent"] for line in lines(feed(inside, before))] == [kept.id]


def test_a_consent_that_waited_for_one_number_releases_what_came_under_another(inside: Inside) -> None:
    before, kept = begin(inside), give(inside, 7_012)
    outcome = push(inside, 12)
    assert (kept.party, held(inside, outcome)) == (None, [("V40", "party")])
    say_who(inside.gateway.registrar, firm(7_012), firm(12), None, (CORPORATION, inside.gateway.clock.now()))
    work(inside)
    assert [line["consent"] for line in lines(feed(inside, before))] == [kept.id]


def test_linked_first_and_consented_later_it_is_published_too(inside: Inside) -> None:
    before = begin(inside)
    outcome = push(inside, 7_011)
    say_who(inside.gateway.registrar, firm(7_011), firm(11), None, (CORPORATION, inside.gateway.clock.now()))
    work(inside)
    assert held(inside, outcome) == [("V40", "party")]
    give(inside, 7_011)
    work(inside)
    assert (len(lines(feed(inside, before))), held(inside, outcome)) == (1, [])


def load(inside: Inside, document: bytes, act: Callable[[], object]) -> int:
    """Deal with a large document, in the midst of which something happens; how often it was read."""
    inside.in_background(document, VENDOR, "vendor")
    adapter = Meanwhile(inside.gateway.line.adapters["native_json"], act)
    inside.worker(adapter).work_once()
    work(inside)
    return adapter.readings


def test_withdrawn_while_a_document_is_being_read_nothing_of_it_is_published(inside: Inside) -> None:
    before, kept = begin(inside), give(inside, 52)
    assert load(inside, trial_balance(52, 4), lambda: withdraw(inside, kept)) == 2
    assert [line["kind"] for line in lines(feed(inside, before))] == ["consent_notice"]


def test_given_while_a_document_is_being_read_nothing_of_it_stays_held(inside: Inside) -> None:
    before = begin(inside)
    assert load(inside, trial_balance(53, 4), lambda: give(inside, 53)) == 2
    assert [line["kind"] for line in lines(feed(inside, before))] == ["trial_balance"]


def test_its_end_is_announced_30_14_and_3_days_ahead_and_when_it_came_each_once(inside: Inside) -> None:
    before, kept = begin(inside), give(inside, 54, valid_to=TODAY + 40 * DAY)
    push(inside, 54)
    of = inside.gateway
    for days in (5, 10, 11, 26, 26, 37, 40, 41, 60):
        for _ in range(2):  # two processes, or one that began anew
            Notices(of.database, of.blocks, of.sealer, Later(days)).announce()
    work(inside, 61)
    notices = [line["record"] for line in lines(feed(inside, before)) if line["kind"] == "consent_notice"]
    mine = [one for one in notices if one["consent"] == kept.id]
    assert [one["event"] for one in mine] == ["expiring", "expiring", "expiring", "expired"]
    assert [one["positions"] for one in mine] == [[], [], [], [[before, 1]]]
    assert {one["valid_to"] for one in mine} == {str(TODAY + 40 * DAY)}
    work(inside, 61)
    assert notices == [line["record"] for line in lines(feed(inside, before)) if line["kind"] == "consent_notice"]


def test_a_job_that_was_done_and_not_noted_gives_no_notice_twice(inside: Inside) -> None:
    before, kept = begin(inside), give(inside, 55)
    withdraw(inside, kept)
    of = inside.gateway
    for _ in range(2):
        Notices(of.database, of.blocks, of.sealer, of.clock).give(f"notice/{kept.id}/withdrawn/13")
    work(inside)
    assert [line["kind"] for line in lines(feed(inside, before))] == ["consent_notice"]


def test_who_reads_for_another_corporation_sees_no_consent_behind_the_wall(inside: Inside, engine: str) -> None:
    from gateway.store import consents as kept_consents

    kept = give(inside, 56, recipients=["13"])
    seen = {}
    for recipient in ("13", "14100"):
        with inside.gateway.database.read(Tenant(reads=frozenset({recipient}))) as session:
            seen[recipient] = set(kept_consents.find(session, [kept.id]))
    assert seen == {"13": {kept.id}, "14100": {kept.id} if engine == "sqlite" else set()}


def test_what_was_disclosed_is_told_with_its_basis_and_only_as_given_while_the_consent_held(inside: Inside) -> None:
    before, kept = begin(inside), give(inside, 57)
    push(inside, 57)
    inside.at_once(loan_rows({(57, "2026-04-30"): 5}), BANK, "bank")

    def given(reader: str) -> None:
        where = {"recipient": "13", "reader": reader, "first_position": before, "end_position": before + 2}
        with inside.gateway.database.write() as session:
            withdrawals.note_given(session, [where | {"given_at": inside.gateway.clock.now()}])

    given("tool-13")
    withdraw(inside, kept)
    given("tool-of-later")
    with inside.gateway.database.read() as session:
        found = list(disclosures.of_party(session, inside.gateway.blocks, kept.party or ""))
    assert {(one.kind, one.basis, one.under, one.reader) for one in found} == {
        ("trial_balance", "consent", kept.id, "tool-13"),
        ("repayment_status", "contract", "保証委託申込書 2018", "tool-13"),
        ("repayment_status", "contract", "保証委託申込書 2018", "tool-of-later"),
    }


def test_whose_report_it_is_decides_and_who_is_unknown_needs_consents() -> None:
    assert [flow_of(role, "9991") for role in ("bank", "vendor", "office", "corporation")] == ["bank"] * 4
    assert [flow_of(role, role) for role in ("vendor", "office", "corporation", "tool", "")] == [
        "vendor",
        "office",
        "corporation",
        "vendor",
        "vendor",
    ]


def test_every_kind_of_record_says_what_it_holds_and_what_it_is_for() -> None:
    flows = load_flows()
    assert set(flows.kinds) == set(KINDS)
    assert {flow: {one.rests_on(kind) for kind in KINDS} for flow, one in flows.flows.items()} == {
        "bank": {"contract"},
        "corporation": {"contract"},
        "vendor": {"consent"},
        "office": {"consent"},
    }
    form = flows.flows["bank"].form(date(2026, 4, 1))
    assert form is not None
    assert form.method == "inherited_application_form"
    assert flows.flows["bank"].form(date(2000, 1, 1)) is None


def test_days_and_recipients_of_a_consent_are_in_order() -> None:
    for wrong in ({"valid_to": date(2025, 1, 1)}, {"recipients": ["13", "13"]}, {"recipients": []}):
        with pytest.raises(ValueError, match=r"valid_to|twice|at least 1"):
            agreed(**wrong)


def test_a_guarantees_number_names_no_firm_of_a_consent(inside: Inside) -> None:
    number = Reference(scheme=Scheme.GUARANTEE, scope="13", value="13-0000001")
    with pytest.raises(InvalidRequest), inside.gateway.registrar.changing() as changing:
        consents.firm_named(changing, number)
