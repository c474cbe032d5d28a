"""What the door remembers of proofs, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from stored import NOON

from gateway.errors import NotAuthentic
from gateway.registers.participants import Participants
from gateway.runtime.issuers import OurTokens
from gateway.security.dpop import Target, make_proof
from gateway.security.keys import SigningKey
from gateway.security.log_keys import LogKeys
from gateway.security.signing_keys import SigningKeys
from gateway.security.tokens import Binding
from gateway.steps.authenticate import Door, Shown, Terms
from gateway.store.driver import table_of
from gateway.store.engine import Database
from gateway.store.tables import SeenAssertion

ISSUER = "https://hayame.example"
TOKEN = f"{ISSUER}/oauth2/token"
KEY = SigningKey.generate()


@dataclass
class Clock:
    """A clock that is set by hand."""

    at: datetime = NOON

    def now(self) -> datetime:
        """The time it was set to."""
        return self.at


def door(database: Database, clock: Clock) -> Door:
    issuer = OurTokens(ISSUER, SigningKeys(LogKeys(Path("nowhere"), clock), Path("nowhere"), clock))
    return Door(Participants(database, clock), issuer, database, clock, Terms(ISSUER, 300, unbound_tokens=True))


def shown(clock: Clock) -> Shown:
    return Shown("POST", TOKEN, proof=make_proof(KEY, Target("POST", TOKEN), clock.now()))


def remembered(database: Database) -> int:
    with database.brief.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table_of(SeenAssertion))).scalar_one())


def test_a_proof_is_good_at_one_door_of_two(database: Database) -> None:
    clock = Clock()
    here, there, once = door(database, clock), door(database, clock), shown(clock)
    assert here.binding(once) == Binding(jkt=KEY.kid)
    for either in (here, there):
        with pytest.raises(NotAuthentic) as caught:
            either.binding(once)
        assert (caught.value.reason, caught.value.flaw) == ("the proof was used before", "invalid_dpop_proof")


def test_a_proof_is_remembered_as_long_as_it_could_be_used_and_no_longer(database: Database) -> None:
    clock = Clock()
    opened, first = door(database, clock), shown(clock)
    opened.binding(first)
    for seconds in range(1, 65):
        clock.at = NOON + timedelta(seconds=seconds)
        opened.binding(shown(clock))
        with pytest.raises(NotAuthentic):
            opened.binding(first)
    assert 60 <= remembered(database) <= 63
    clock.at += timedelta(hours=1)
    opened.binding(shown(clock))
    assert remembered(database) == 1
