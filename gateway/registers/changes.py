"""Changing a register: in one transaction with the statement that seals the change, so that there is none without."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.ports import Cipher
from gateway.schemas.register_change import Authority, Change, RegisterChange, changed
from gateway.security.log_key_changes import Made
from gateway.security.log_keys import LogKeys
from gateway.store.engine import Database, Session


@dataclass(slots=True)
class Changing:
    """An open transaction over the registers, and what is said of it so far; all of it is sealed at the end.

    Attributes:
        registrar: who opened it.
        session: the transaction, which has the head of the registers' log locked.
        now: when the changes happen.
        said: what is to be sealed.
        log_keys: the keys of the logs.
        made: a key that is announced by this change, published with it.
        log_key_ended: on whose word the key of the logs ends with this change.
    """

    registrar: Registrar
    session: Session
    now: datetime
    log_keys: LogKeys
    said: list[RegisterChange] = field(default_factory=list)
    made: Made | None = None
    log_key_ended: Authority | None = None

    def say(self, change: Change, concerns: Iterable[str], what: dict[str, Any], by: Authority) -> None:
        """Seal a change, for those concerned to see."""
        self.said.append(changed(change, tuple(sorted(set(concerns))), what, by, self.now))


class Registrar(Protocol):
    """Opens changes of the registers, and seals them (``runtime/registrar.py``)."""

    @property
    def database(self) -> Database:
        """Where the registers are."""
        ...

    @property
    def cipher(self) -> Cipher:
        """What closes and opens what is stored."""
        ...

    def changing(self) -> AbstractContextManager[Changing]:
        """A change, for the time of a block: sealed and committed at its end, or, if it raises, as if never begun."""
        ...
