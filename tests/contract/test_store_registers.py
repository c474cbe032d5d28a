"""Who is who and who may, as the store keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from stored import APRIL, NOON, SECOND, tenant

from gateway.schemas.identifiers import Reference, Scheme, SignatureProfile
from gateway.schemas.submission import Guaranteed
from gateway.store import registers
from gateway.store.engine import Database, Session
from gateway.store.registers import Enrolled

OPEN_DATES = (date(2026, 4, 1), None)


def _bank(**more: Any) -> Enrolled:
    return Enrolled("bank-9991", "bank", "東都銀行", "9991", **more)


def _changing(database: Database, change: Callable[[Session], None]) -> int:
    """By how much a change counts the register's version up."""
    with database.write() as session:
        before = registers.register_version(session)
        change(session)
    with database.read() as session:
        return registers.register_version(session) - before


def test_a_participant_is_completed_not_replaced_and_every_change_counts(database: Database) -> None:
    first = _bank(entitlements={("submit", "13")}, keys={"k1": ("{}", NOON, None)})
    second = _bank(entitlements={("submit", "14100")}, keys={"k2": ("{}", NOON, None)})
    counted = [
        _changing(database, lambda session: registers.enrol(session, first, NOON)),
        _changing(database, lambda session: registers.enrol(session, second, NOON)),
        _changing(database, lambda session: registers.end_key(session, "k1", NOON + SECOND)),
        _changing(database, lambda session: registers.delegate(session, "bank-9991", "9992", OPEN_DATES)),
    ]
    with database.read() as session:
        found = registers.load_participants(session)["bank-9991"]
    assert counted == [1, 1, 1, 1]
    assert found.entitlements == {("submit", "13"), ("submit", "14100")}
    assert found.keys == {"k1": ("{}", NOON, NOON + SECOND), "k2": ("{}", NOON, None)}
    assert found.delegations == {"9992": OPEN_DATES}


def test_how_a_participant_signs_is_set_by_itself_and_stays_when_it_is_completed(database: Database) -> None:
    def now() -> tuple[SignatureProfile, set[bytes]]:
        with database.read() as session:
            found = registers.load_participants(session)["bank-9991"]
        return found.profile, set(found.certificates)

    _changing(database, lambda session: registers.enrol(session, _bank(), NOON))
    assert now() == (SignatureProfile.HTTP_SIGNATURE, set())
    xml = (SignatureProfile.XML_SIGNATURE, [b"one", b"two", b"two"])
    assert _changing(database, lambda session: registers.set_profile(session, "bank-9991", *xml) and None) == 1
    _changing(database, lambda session: registers.enrol(session, _bank(), NOON))
    assert now() == (SignatureProfile.XML_SIGNATURE, {b"one", b"two"})
    _changing(database, lambda session: registers.set_profile(session, "bank-9991", SignatureProfile.JWS_BODY) and None)
    assert now() == (SignatureProfile.JWS_BODY, set())
    with database.write() as session:
        assert not registers.set_profile(session, "nobody", SignatureProfile.JWS_BODY)


def test_a_number_names_one_firm_or_none(database: Database) -> None:
    with database.write() as session:
        firms = [registers.add_party(session, name) for name in ("第一商店", "第二商店")]
        for value, firm in (("T-1", 0), ("T-2", 0), ("T-2", 1)):
            registers.link(session, tenant(value), firms[firm], "cgc-13", NOON)
    itself = Reference(scheme=Scheme.PARTY, value=firms[1])
    nobody = Reference(scheme=Scheme.PARTY, value="nobody")
    elsewhere = Reference(scheme=Scheme.TENANT, scope="another vendor", value="T-1")
    many = [tenant(f"N-{number}") for number in range(900)]
    with database.read() as session:
        asked = [tenant("T-1"), tenant("T-2"), itself, nobody, elsewhere, *many]
        assert registers.find_links(session, asked, APRIL) == {tenant("T-1"): firms[0], itself: firms[1]}
        assert registers.find_links(session, [], APRIL) == {}


def test_a_guarantee_is_one_corporations_and_what_is_left_out_is_not_known_any_more(database: Database) -> None:
    with database.write() as session:
        firm = registers.add_party(session, "第一商店")
        row = {"recipient": "13", "guarantee_no": "13-1", "institution": "9991", "party": firm}
        days = {"scheme_from": date(2020, 5, 1), "scheme_until": date(2025, 4, 30)}
        full = row | days | {"scheme_family": "zero_zero", "change_count": 2, "last_changed_on": APRIL}
        more = {"principal_yen": 2**40, "is_revolving": False, "guarantee_ratio_bp": 8_000, "has_proper_loan": True}
        registers.put_guarantees(database, session, [])
        registers.put_guarantees(database, session, [full | more, full | more | {"guarantee_no": "13-2"}])
    with database.write() as session:
        registers.put_guarantees(database, session, [row])
    with database.read() as session:
        many = [f"13-{number}" for number in range(1, 900)]
        assert registers.find_guarantees(session, "13", many) == {
            "13-1": Guaranteed(firm, "9991"),
            "13-2": Guaranteed(firm, "9991", "zero_zero", date(2020, 5, 1), date(2025, 4, 30), 2, APRIL),
        }
        assert registers.find_guarantees(session, "14100", many) == {}


def test_firms_and_their_numbers_can_be_added_in_bulk(database: Database) -> None:
    names = [f"第{number}商店" for number in range(900)]
    with database.write() as session:
        firms = registers.add_parties(session, names)
        itself = Reference(scheme=Scheme.PARTY, value=firms[0])
        numbers = {tenant(f"T-{at}"): firm for at, firm in enumerate(firms)}
        registers.add_links(session, numbers | {itself: firms[0]}, "cgc-13", NOON)
    with database.read() as session:
        assert registers.find_links(session, numbers, APRIL) == numbers
