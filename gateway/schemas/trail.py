"""The audit trail: who did what when, entry after entry, each with a digest of all before it in its chain.

What operators do is kept for ever; refusals at the door are kept to a number, so that nobody who hammers at it can push
an operator's deeds out, nor fill the disk. A third chain seals what readers were given, hour by hour. An entry holds
ids and counts, no name, amount or body.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import orjson

from gateway.schemas.identifiers import instant_text
from gateway.schemas.line import CANONICAL

Chain = Literal["operator", "door", "disclosure"]
CHAINS: tuple[Chain, ...] = get_args(Chain)
REFUSALS_KEPT = 100_000
BEGINNING = bytes(32)


@dataclass(frozen=True, slots=True)
class Deed:
    """What is noted.

    Attributes:
        at: when.
        who: ``os:`` and a user of the machine, or a client's id; empty where nobody was known.
        what: the command, or the code of the refusal.
        about: ids and counts, as canonical JSON.
    """

    at: datetime
    who: str
    what: str
    about: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed in its chain: its number, from 0 without a gap, and the digest of it and all before it (SHA-256)."""

    chain: Chain
    number: int
    deed: Deed
    digest: bytes

    @property
    def head(self) -> str:
        """The entry as an outsider keeps it: ``chain:number:digest``."""
        return f"{self.chain}:{self.number}:{self.digest.hex()}"


def is_head(text: str) -> bool:
    """Whether this is a head as an outsider keeps it."""
    return re.fullmatch(rf"({'|'.join(CHAINS)}):\d+:[0-9a-f]{{64}}", text) is not None


def about(**ids_and_counts: Any) -> str:
    """What a deed is about, as it is kept.

    >>> about(submission="s", lines=2)
    '{"lines":2,"submission":"s"}'
    """
    return orjson.dumps(ids_and_counts, option=CANONICAL).decode()


def follows(before: bytes, entry: Entry) -> bytes:
    """The digest that an entry has after the one with that digest."""
    deed = entry.deed
    told = [entry.chain, entry.number, instant_text(deed.at), deed.who, deed.what, deed.about]
    return hashlib.sha256(before + orjson.dumps(told)).digest()


def flaws(chain: Chain, entries: Iterable[Entry], heads: Iterable[str] = (), kept: int = REFUSALS_KEPT) -> list[str]:
    """What is wrong with a chain; nothing where it is whole.

    Args:
        chain: which.
        entries: all that are there, by number.
        heads: what outsiders kept of it earlier, each ``chain:number:digest``.
        kept: how many refusals are kept, so that a shorter chain begins with 0.
    """
    wanted = {int(number): digest for one, number, digest in (head.split(":") for head in heads) if one == chain}
    found: list[str] = []
    first, expected, before = 0, 0, BEGINNING
    for entry in entries:
        if expected == 0 and chain == "door":
            first = entry.number  # the oldest made room
        elif entry.number != expected:
            found.append(f"{chain}: entries {expected} to {entry.number - 1} are missing")
        if entry.number == expected and follows(before, entry) != entry.digest:
            found.append(f"{chain}: entry {entry.number} is not what was written after those before it")
        if wanted.pop(entry.number, entry.digest.hex()) != entry.digest.hex():
            found.append(f"{chain}: entry {entry.number} is not the one that was kept outside")
        expected, before = entry.number + 1, entry.digest
    if first > 0 and expected - first < kept:
        found.append(f"{chain}: entries before {first} are missing, although {kept} are kept")
    return found + [f"{chain}: entry {one} was kept outside and is not there" for one in sorted(wanted) if one >= first]
