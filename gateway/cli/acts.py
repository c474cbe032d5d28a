"""What an operator does leaves two entries in the audit trail: that it was begun, and what came of it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gateway.schemas.trail import Deed, about

if TYPE_CHECKING:
    from gateway.wiring import Gateway


@contextmanager
def acting(gateway: Gateway, what: str, **ids: Any) -> Iterator[dict[str, Any]]:
    """Note a command before it does anything, and afterwards that it was done, or with which error it failed.

    What is put into the mapping meanwhile (counts, ids) is told with its end. A process that dies leaves the beginning.
    """
    told: dict[str, Any] = {}
    _note(gateway, f"{what}.begun", ids)
    try:
        yield told
    except BaseException as error:
        _note(gateway, f"{what}.failed", ids | {"error": getattr(error, "code", type(error).__name__)})
        raise
    _note(gateway, f"{what}.done", ids | told)


def _note(gateway: Gateway, what: str, ids: dict[str, Any]) -> None:
    from gateway.store import trail

    deed = Deed(gateway.clock.now(), operator(), what, about(**ids))
    with gateway.database.write() as session:
        trail.append(gateway.database, session, "operator", [deed])


def operator() -> str:
    """The machine's user who gives the command, and who it was before it became another (``sudo``)."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    before = os.environ.get("SUDO_USER", "")
    return f"os:{before}/{name}" if before else f"os:{name}"
