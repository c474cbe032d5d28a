"""A mapping that loses money is refused as our own fault: nothing of it is sealed, and the document is not lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest
from inside import Inside
from world import BANK, corporate_number, trial_balance

from gateway.adapters.native_json import adapter as native
from gateway.api import problems
from gateway.errors import NotConserved
from gateway.ports import Hints
from gateway.registers.firms import say_who
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.observed import Observed, ObservedDocument
from gateway.schemas.records import TrialBalance
from gateway.schemas.records.header import Columns
from gateway.store import jobs, submissions
from gateway.wiring import Gateway


class Leaking(TrialBalance):
    """A trial balance that loses a yen of every account between being read and being mapped."""

    @property
    def columns(self) -> Columns:
        """What was read: a yen more than what is mapped."""
        return {**super().columns, "closing_yen": tuple(amount + 1 for amount in super().columns["closing_yen"])}


class Sabotaged:
    """Our own JSON, read into records that lose money: no document makes the real mapping do so."""

    name, version = native.name, native.version
    media_types, kinds = native.media_types, native.kinds

    def recognises(self, head: bytes, filename: str | None) -> bool:
        return native.recognises(head, filename)

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        for observed in native.read(source, hints):
            assert isinstance(observed, ObservedDocument)
            yield replace(observed, record=Leaking.model_validate(observed.record.model_dump()))

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        return native.returned(source, refused, hints)


@pytest.fixture
def inside(database_url: str, tmp_path: Path) -> Iterator[Inside]:
    inside = Inside(tmp_path, database_url)
    reference = Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(1))
    say_who(inside.gateway.registrar, reference, None, "第1商店", (BANK, inside.gateway.clock.now()))
    yield inside
    inside.close()


def sabotaged(sound: Gateway) -> Gateway:
    """The same gateway, with an adapter whose records lose money."""
    return replace(sound, line=replace(sound.line, adapters={**sound.line.adapters, native.name: Sabotaged()}))


def test_a_mapping_that_loses_a_yen_takes_nothing_and_is_called_our_fault(inside: Inside) -> None:
    before, sound = inside.head(), inside.gateway
    inside.gateway = sabotaged(sound)
    with pytest.raises(NotConserved) as fault:
        inside.at_once(trial_balance(1, 4))
    assert (inside.head(), inside.lines()) == (before, [])
    answer = problems.of_error(fault.value)
    assert (answer.status_code, b"gateway.not_conserved" in answer.body) == (500, True)
    assert all(text.encode() in answer.body for text in (fault.value.message, fault.value.ja))
    inside.gateway = sound
    assert inside.at_once(trial_balance(1, 4)).sealed[0].statement.counts.accepted == 1


def test_what_was_taken_already_is_kept_until_the_fault_is_repaired(inside: Inside) -> None:
    sound = inside.gateway
    inside.gateway = sabotaged(sound)
    taken = inside.in_background(trial_balance(1, 4)).submission
    assert inside.worker().work_once()
    with sound.database.read() as session:
        kept = submissions.find_raw(session, sound.blocks.cipher, taken)
        [waiting] = jobs.unfinished(session)
    assert (inside.head()[0], inside.lines()) == (0, [])
    assert kept is not None
    assert kept.body == trial_balance(1, 4)
    assert "sum" in str(waiting.failure)
    inside.gateway = sound
    inside.worker().loader.load(taken)
    assert [statement.counts.accepted for statement in inside.statements()] == [1]
