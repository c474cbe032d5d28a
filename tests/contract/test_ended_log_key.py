"""The key of the logs is ended on the word of two administrators: every log goes on under a new name, or none does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Inside
from world import BANK, corporate_number, trial_balance

from gateway.errors import LogSuspended
from gateway.registers import orders
from gateway.registers.firms import say_who
from gateway.registers.orders import EndLogKey, Enrol
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.register_change import REGISTER
from gateway.security.checkpoints import open_checkpoint
from gateway.security.keys import SigningKey
from gateway.security.words import APPROVAL, say
from gateway.store import log

ADMINISTRATORS = ("admin-1", "admin-2")


@pytest.fixture
def inside(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    made = Inside(tmp_path / "data", database_url)
    firm = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(1))
    say_who(made.gateway.registrar, firm, None, "第1商店", (BANK, made.gateway.clock.now()))
    made.at_once(trial_balance(1, 3))
    yield made
    made.close()


def heads(inside: Inside) -> dict[str, tuple[int, int]]:
    with inside.gateway.database.read() as session:
        return {name: (head.epoch, head.next_leaf) for name, head in log.all_heads(session).items()}


def test_it_takes_the_words_of_two_and_opens_every_log_anew(inside: Inside) -> None:
    registrar, now, issuer = inside.gateway.registrar, inside.gateway.clock.now, inside.gateway.settings.base_url
    keys = {name: SigningKey.generate() for name in ADMINISTRATORS}
    for name, key in keys.items():
        orders.give(registrar, Enrol(id=name, kind="administrator", name=name, keys=(key.public.jwk(),)))
    before, first = heads(inside), inside.gateway.key
    proposal = orders.give(registrar, EndLogKey()).proposal
    approves = {"approves": orders.digest_of(orders.ordered(registrar, proposal, now()))}
    words = {name: say(key, APPROVAL, issuer, approves, now()) for name, key in keys.items()}
    assert orders.approve(registrar, proposal, "admin-1", words["admin-1"], issuer).proposal == proposal
    assert (inside.gateway.key.kid, heads(inside)) == (first.kid, before)
    orders.approve(registrar, proposal, "admin-2", words["admin-2"], issuer)

    second = inside.gateway.key
    assert second.kid != first.kid
    more = {REGISTER: 2}
    assert heads(inside) == {name: (epoch + 1, size + more.get(name, 1)) for name, (epoch, size) in before.items()}
    ended = inside.gateway.logs.ring.find(first.kid)
    assert ended is not None
    assert {name: tuple(place) for name, place in (ended.signs_until or {}).items()} == before
    with inside.gateway.database.read() as session:
        for name, (_, size) in before.items():
            newest = log.find_checkpoint(session, name)
            assert newest is not None
            assert open_checkpoint(newest[1], inside.gateway.logs.ring).signed_by == (second.kid,)
            said = log.statements_between(session, name, size, size)
            assert len(said) == 1
    inside.gateway.kept.keep()
    inside.at_once(trial_balance(1, 4))
    assert heads(inside)["13"] == (2, before["13"][1] + 2)


def test_where_a_log_is_suspended_the_key_stays_and_nothing_is_left(inside: Inside) -> None:
    inside.gateway.kept.keep()
    with inside.gateway.database.write() as session:
        head = log.lock_heads(inside.gateway.database, session, ["13"])["13"]
        log.move_heads(session, {"13": type(head)(0, 0, b"", head.sealed_at, head.epoch)})
    inside.gateway.kept.look()
    first, before = inside.gateway.key.kid, heads(inside)
    with pytest.raises(LogSuspended):
        orders.give(inside.gateway.registrar, EndLogKey())
    assert (inside.gateway.key.kid, heads(inside)) == (first, before)
    assert list((inside.gateway.settings.key_file.parent / "logs").glob("*")) == []
