"""Corporations link numbers and firms each by its own word; nobody learns, or loses, anything by another's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson
import pytest
from inside import Inside
from typer.testing import CliRunner
from world import BANK, corporate_number, trial_balance

from gateway.cli import app
from gateway.errors import InvalidRequest, NotFound
from gateway.registers import enrolment
from gateway.registers.firms import (
    contested,
    end_link,
    lineage_of,
    register_guarantees,
    require_known,
    say_became,
    say_who,
)
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme
from gateway.security.keys import KeyRing, SigningKey
from gateway.store import register_log

HERE, THERE, ELSEWHERE = "13", "14100", "27"
CLERKS = {HERE: "cgc-13", THERE: "cgc-14100", ELSEWHERE: "cgc-27"}


class Corporations(Inside):
    """Three corporations that link numbers."""

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(folder, database_url)
        for recipient, name in (*CLERKS.items(), (HERE, "clerk-13")):
            keys = KeyRing([SigningKey.generate().public])
            may = enrolment.entitlements([f"link:{recipient}"])
            entry = enrolment.Entry(name, "corporation", name, None, keys, may)
            enrolment.enrol(self.gateway.registrar, entry)

    def link(self, at: str, number: int, same_as: int | None = None, by: str = "") -> tuple[str, int]:
        """A corporation links a number, to the firm of another number or to one by name: the answer it is given."""
        said_by = by or CLERKS[at], self.gateway.clock.now()
        if same_as is not None:
            require_known(self.gateway.database, at, [firm(same_as)], said_by[1])
        named = None if same_as is not None else "ある商店"
        other = None if same_as is None else firm(same_as)
        party, released = say_who(self.gateway.registrar, firm(number), other, named, said_by)
        return party, released[at]

    def unlink(self, at: str, number: int) -> str:
        return end_link(self.gateway.registrar, firm(number), (CLERKS[at], self.gateway.clock.now()))

    def placed(self, at: str, number: int) -> str | None:
        """Of which firm a document is that names it by a number; None if it is held."""
        self.months = getattr(self, "months", 0) + 1
        outcome = self.at_once(trial_balance(number, 1 + self.months % 12), BANK, None, at)
        with self.gateway.database.read() as session:
            lines = self.gateway.blocks.load_lines(session, at, outcome.submission)
        return str(orjson.loads(lines[0])["subject"]) if lines else None

    def said(self, at: str) -> list[str]:
        """What changes a corporation can see."""
        with self.gateway.database.read() as session:
            return register_log.newest_for(session, CLERKS[at], None, 100)

    def become(self, at: str, before: int, after: int) -> None:
        by = CLERKS[at], self.gateway.clock.now()
        say_became(self.gateway.registrar, (firm(before), firm(after)), date(2026, 4, 1), by)


def firm(number: int) -> Reference:
    return Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(number))


def environment_of(them: Corporations) -> dict[str, str]:
    settings = them.gateway.settings
    return {"HAYAME_DATA_DIR": str(settings.data_dir), "HAYAME_DATABASE_URL": str(settings.url)}


@pytest.fixture
def them(database_url: str, tmp_path: Path) -> Iterator[Corporations]:
    gateway = Corporations(tmp_path, database_url)
    yield gateway
    gateway.close()


def test_who_links_a_number_that_names_another_firm_elsewhere_is_answered_as_if_it_named_none(
    them: Corporations,
) -> None:
    theirs, _ = them.link(THERE, 1)
    mine, _ = them.link(HERE, 2)
    assert them.link(HERE, 1, same_as=2) == (mine, 0)
    assert them.link(HERE, 3, same_as=2) == (mine, 0)
    assert [len(them.said(at)) for at in (HERE, THERE)] == [4, 2], "enrolled, and each of its own words; no other's"
    assert {them.placed(HERE, 1), them.placed(HERE, 2), them.placed(HERE, 3)} == {mine}
    assert them.placed(THERE, 1) == theirs
    assert them.placed(ELSEWHERE, 1) == theirs, "who said nothing goes by the first word"
    require_known(them.gateway.database, HERE, [firm(1)], them.gateway.clock.now())


def test_who_links_a_number_that_names_the_same_firm_elsewhere_says_so_by_a_word_of_its_own(
    them: Corporations,
) -> None:
    theirs, _ = them.link(THERE, 1)
    assert them.link(HERE, 1)[0] == theirs
    require_known(them.gateway.database, HERE, [firm(1)], them.gateway.clock.now())
    assert them.link(HERE, 2, same_as=1)[0] == theirs
    assert them.unlink(HERE, 1) == theirs
    assert them.placed(THERE, 1) == theirs
    with pytest.raises(NotFound):
        them.unlink(HERE, 1)


def test_each_word_ends_by_itself_and_nothing_is_merged_by_it(them: Corporations) -> None:
    theirs, _ = them.link(THERE, 1)
    mine, _ = them.link(HERE, 2)
    them.link(HERE, 1, same_as=2)
    assert them.unlink(THERE, 1) == theirs
    assert [them.placed(at, 1) for at in (HERE, THERE, ELSEWHERE)] == [mine] * 3, "the only word there is"
    assert them.unlink(HERE, 1) == mine
    assert [them.placed(at, 1) for at in (HERE, THERE, ELSEWHERE)] == [None] * 3
    assert them.link(THERE, 1)[0] not in (mine, theirs)


def test_two_clerks_of_one_corporation_are_told_that_they_contradict_each_other(them: Corporations) -> None:
    them.link(HERE, 1)
    them.link(HERE, 2)
    with pytest.raises(InvalidRequest, match="another firm"):
        them.link(HERE, 1, same_as=2, by="clerk-13")


def test_contradictions_between_corporations_are_a_work_list_of_the_operators(them: Corporations) -> None:
    theirs, _ = them.link(THERE, 1)
    mine, _ = them.link(HERE, 2)
    them.link(ELSEWHERE, 2)
    assert contested(them.gateway.database, them.gateway.clock.now()) == []
    them.link(HERE, 1, same_as=2)
    [one] = contested(them.gateway.database, them.gateway.clock.now())
    assert (one.reference, [(said.party, said.by) for said, _ in one.words]) == (
        firm(1),
        [(theirs, CLERKS[THERE]), (mine, CLERKS[HERE])],
    )
    listed = CliRunner().invoke(app, ["contested"], env=environment_of(them), catch_exceptions=False).stdout
    assert [line.split("\t")[:3] for line in listed.splitlines()] == [
        [str(firm(1)), theirs, f"by {CLERKS[THERE]}"],
        [str(firm(1)), mine, f"by {CLERKS[HERE]}"],
    ]
    them.unlink(HERE, 1)
    assert contested(them.gateway.database, them.gateway.clock.now()) == []


def test_a_register_of_guarantees_names_its_firms_by_words_of_its_own(them: Corporations) -> None:
    theirs, _ = them.link(THERE, 1)
    entries = [
        GuaranteeEntry(guarantee_no=f"13-{number}", institution="9991", firm=firm(number), name="ある商店")
        for number in (1, 2)
    ]
    for _ in range(2):
        register_guarantees(them.gateway.registrar, HERE, entries, (CLERKS[HERE], them.gateway.clock.now()))
    assert them.placed(HERE, 1) == theirs
    assert them.unlink(HERE, 1) == theirs
    assert them.unlink(HERE, 2) not in (None, theirs)
    for number in (1, 2):
        with pytest.raises(NotFound):
            them.unlink(HERE, number)


def test_what_a_firm_became_is_shown_only_to_whose_corporation_said_so(them: Corporations) -> None:
    for at in (HERE, THERE):
        for number in (1, 2, 3):
            them.link(at, number)
    first, second, third = (them.link(HERE, number)[0] for number in (1, 2, 3))
    them.become(THERE, 1, 2)
    assert [lineage_of(them.gateway.database, HERE, one) for one in (first, second)] == [[], []]
    them.become(HERE, 2, 1)
    them.become(HERE, 1, 3)
    since = date(2026, 4, 1)
    here = {(second, first, since), (first, third, since)}
    assert set(lineage_of(them.gateway.database, HERE, third)) == here
    assert lineage_of(them.gateway.database, THERE, second) == [(first, second, since)]
    assert lineage_of(them.gateway.database, ELSEWHERE, first) == []
    with pytest.raises(InvalidRequest):
        them.become(HERE, 3, 2)
