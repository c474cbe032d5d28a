"""What is held waits for a number that names nobody: else it would be sent round again, and held again, for ever."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inside import Inside, loan_rows
from stored import NOON, submission
from world import BANK, corporate_number, trial_balance

from gateway.pipeline import merged, prepare
from gateway.schemas.identifiers import Reference, Scheme, scoped
from gateway.schemas.submission import Settled
from gateway.settle import Share, can_be_placed, settle
from gateway.store import registers
from gateway.store.engine import Session

VALUES = (1, 2)
BANKS = ("9991", "9992")
RECIPIENTS = ("13", "14100")
OTHERS = [scheme for scheme in Scheme if scheme not in {Scheme.GUARANTEE, Scheme.PARTY}]


def _value(scheme: Scheme, number: int) -> str:
    if scheme is Scheme.CORPORATE_NUMBER:
        return corporate_number(number)
    if scheme is Scheme.INVOICE_NUMBER:
        return f"T{corporate_number(number)}"
    return f"13-{number:07d}"


def _scopes(scheme: Scheme) -> tuple[str, ...]:
    return {
        Scheme.GUARANTEE: ("", *RECIPIENTS),
        Scheme.CGC_CUSTOMER: ("", *RECIPIENTS),
        Scheme.BANK_CUSTOMER: ("", *BANKS),
        Scheme.TENANT: ("", BANK, "another"),
    }.get(scheme, ("",))


def _references(schemes: list[Scheme]) -> list[Reference]:
    return [
        Reference(scheme=scheme, scope=scope, value=_value(scheme, number))
        for scheme in schemes
        for scope in _scopes(scheme)
        for number in VALUES
    ]


NAMED = st.sampled_from(_references([*OTHERS, Scheme.GUARANTEE]))
FIRMS = st.integers(0, 1)
LINKS = st.dictionaries(st.sampled_from(_references([*OTHERS, Scheme.GUARANTEE])), FIRMS, max_size=12)
GUARANTEES = st.dictionaries(
    st.tuples(st.sampled_from(RECIPIENTS), st.sampled_from(VALUES)), st.tuples(st.sampled_from(BANKS), FIRMS)
)
Registered = Mapping[tuple[str, int], tuple[str, int]]


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    gateway = Inside(Path(tmp_path_factory.mktemp("placing")))
    yield gateway
    gateway.close()


def _register(inside: Inside, session: Session, links: Mapping[Reference, int], guarantees: Registered) -> None:
    firms = registers.add_parties(session, ["第一商店", "第二商店"])
    registers.add_links(session, {reference: firms[firm] for reference, firm in links.items()}, "cgc-13", NOON)
    more = {"principal_yen": None, "is_revolving": True}
    rows = [
        {"recipient": recipient, "guarantee_no": _value(Scheme.GUARANTEE, number)}
        | {"institution": bank, "party": firms[firm]}
        | more
        for (recipient, number), (bank, firm) in guarantees.items()
    ]
    registers.put_guarantees(inside.gateway.database, session, rows)


def _settled(inside: Inside, session: Session, document: bytes, subject: Reference | None) -> Settled:
    sent = submission("s-1", sender=BANK, recipients=("13",), adapter="native_json", subject=subject)
    prepared = merged(prepare(inside.gateway.line, sent, io.BytesIO(document)))
    gateway = inside.gateway
    return settle(session, [Share(sent, prepared, "13", ("13",))], gateway.blocks, gateway.line.pack, NOON)[0]


def _is_known(reference: Reference, links: Mapping[Reference, int], guarantees: Registered) -> bool:
    """As one would say it: a guarantee of that corporation for that bank, or a number that is linked."""
    if reference.scheme is not Scheme.GUARANTEE:
        return reference in links
    return reference.scope == "13" and guarantees.get(("13", int(reference.value[3:])), ("",))[0] == "9991"


@settings(max_examples=150, deadline=None)
@given(
    subject=st.none() | NAMED,
    named=st.lists(NAMED, max_size=3),
    loan=st.none() | st.sampled_from(VALUES),
    links=LINKS,
    guarantees=GUARANTEES,
)
def test_what_is_held_waits_for_a_number_that_names_nobody(
    inside: Inside,
    subject: Reference | None,
    named: list[Reference],
    loan: int | None,
    links: dict[Reference, int],
    guarantees: dict[tuple[str, int], tuple[str, int]],
) -> None:
    if loan is None:
        document = trial_balance(0, 4, references=[one.model_dump(mode="json") for one in named])
        names = [scoped(one, BANK, "9991", "13") for one in ([subject] if subject else []) + named]
    else:
        document = loan_rows({(loan, "2026-04-30"): 100_000})
        names = [Reference(scheme=Scheme.GUARANTEE, scope="13", value=_value(Scheme.GUARANTEE, loan))]
    session = inside.gateway.database.begin()
    try:
        _register(inside, session, links, guarantees)
        settled = _settled(inside, session, document, subject)
        waits_for = {held.waits_for for held in settled.held}
        goes_round = can_be_placed(session, "13", "9991", waits_for, NOON)
    finally:
        inside.gateway.database.end(session)
    assert not goes_round
    assert bool(settled.held) == (not any(_is_known(one, links, guarantees) for one in names))
