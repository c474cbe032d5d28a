"""A key that ends while what it signed is under way: nothing goes in any more, in whichever process it was ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from inside import Inside
from world import BANK, corporate_number, trial_balance

from gateway.errors import NotAuthentic
from gateway.registers.firms import say_who
from gateway.registers.own_keys import end_key
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.register_change import OPERATOR
from gateway.schemas.submission import Submission
from gateway.store import registers


class Signed(Inside):
    """A gateway whose bank's submissions are signed with its one key, and have passed the door."""

    @property
    def key(self) -> str:
        """The bank's key."""
        with self.gateway.database.read() as session:
            return next(iter(registers.load_participants(session)[BANK].keys))

    def end(self) -> None:
        """End the bank's key."""
        with self.gateway.registrar.changing() as changing:
            end_key(changing, self.key, OPERATOR)

    def _submission(self, document: bytes, sender: str, flow: str | None = None, *to: str) -> Submission:
        made = super()._submission(document, sender, flow, *to)
        return replace(made, origin=made.origin.model_copy(update={"key": self.key}))


@pytest.fixture
def signed(database_url: str, tmp_path: Path) -> Iterator[Signed]:
    made = Signed(tmp_path / "data", database_url)
    firm = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(1))
    say_who(made.gateway.registrar, firm, None, "第1商店", (BANK, made.gateway.clock.now()))
    yield made
    made.close()


def test_what_a_key_signed_that_ended_meanwhile_is_not_taken_and_its_neighbours_are(signed: Signed) -> None:
    signed.at_once(trial_balance(1, 3))
    before = signed.head()
    signed.end()
    with pytest.raises(NotAuthentic):
        signed.at_once(trial_balance(1, 4))
    with pytest.raises(NotAuthentic):
        signed.in_background(trial_balance(1, 5))
    assert signed.head() == before
    assert signed.statements()[0].origin.key == signed.key


def test_what_was_acknowledged_before_the_key_ended_is_worked_off(signed: Signed) -> None:
    outcome = signed.in_background(trial_balance(1, 3))
    signed.end()
    signed.worker().work_once()
    assert [one.submission for one in signed.statements()] == [outcome.submission]
