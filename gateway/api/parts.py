"""What the addresses work with; wiring puts it together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.requests import Request

from gateway.api.rates import Rates
from gateway.pipeline import Committer, Line
from gateway.ports import Clock
from gateway.registers.changes import Registrar
from gateway.registers.participants import Participants
from gateway.security.certificates import Proxies
from gateway.security.signing_keys import SigningKeys
from gateway.steps.authenticate import Door
from gateway.store.engine import Database
from gateway.store.feed import Blocks
from gateway.store.stamps import Turn


class News(Protocol):
    """Lets a reader wait for what its log does not have yet."""

    def end_of(self, recipient: str) -> int | None:
        """The first position that a log does not have yet, as far as known here; None: nobody looked so far."""
        ...

    def wake(self, ends: Mapping[str, int]) -> None:
        """Logs reach to these positions now."""
        ...

    async def wait(self, recipient: str, position: int, seconds: float) -> bool:
        """Return when a log has something at a position, or after so many seconds; False: nobody waits any more."""
        ...

    def end(self) -> None:
        """We are about to stop: who waits is answered with what there is."""
        ...


class Logs(Protocol):
    """Knows of which logs nothing may be signed."""

    def require(self, recipients: Iterable[str]) -> None:
        """That something may be signed for these recipients.

        Raises:
            LogSuspended: one of their logs was found rewound or forked.
        """
        ...


class Stamps(Protocol):
    """Knows how long entries have been waiting for a time stamp by a third party."""

    def require(self) -> None:
        """That something new may be taken.

        Raises:
            Unstamped: an entry has waited too long.
        """
        ...

    def told(self) -> str:
        """How it stands, for who runs the gateway."""
        ...

    def state(self, turn: Turn | None) -> str:
        """How it stands with one log, in a word."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes and times an operator chose: bytes, records, seconds."""

    large_bytes: int
    large_records: int
    max_bytes: int
    inline_raw_bytes: int


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the addresses need."""

    database: Database
    blocks: Blocks
    line: Line
    committer: Committer
    door: Door
    participants: Participants
    registrar: Registrar
    news: News
    clock: Clock
    signing: SigningKeys
    base_url: str
    other_issuer: str | None
    """Who issues tokens, where it is not we."""
    log_name: str
    kept: Logs
    stamps: Stamps
    lists_told: Callable[[], str]
    raw_folder: Path
    limits: Limits
    rates: Rates
    proxies: Proxies
    tls: bool
    """Whether connections are encrypted by us, and not by a proxy in front."""
    certificates: bool
    """Whether clients can connect with a certificate: to us, or to a proxy that tells."""


def parts_of(request: Request) -> Parts:
    """The parts of the application a request came to."""
    parts: Parts = request.app.state.parts
    return parts
