"""The keys of the logs: one signs checkpoints, until a successor takes over, or the operator ends it.

A successor is announced a day before by the word of the key it succeeds, which is published with it for ever; whoever
keeps the first key follows from word to word. For a while both sign. A key that was stolen or lost cannot be believed
about its successor: it is ended, and the next one has no word but the operator's; whoever kept the old key needs the
new key file, in which the old one counts only up to where each log stood.

    keys/gateway.pem                                     the first key; its public half, once its time is over
    keys/logs/20261126T090000000000Z-p4fEXW3i.json       a later one: key, instants, the word for it, whom it ends

Every process that shares the folder notices a new file the next time it signs, and begins at the instant it names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from gateway.errors import ConfigurationError
from gateway.ports import Clock
from gateway.schemas.identifiers import parse_instant
from gateway.security.keys import KeyRing, PublicKey, SigningKey, load_or_make

SUCCESSION = "hayame-log-key+jws"

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LogTurn:
    """A key of the logs, and its time.

    Attributes:
        from_at: when it begins to sign.
        both_until: until when the one before signs beside it.
        public: as it is published.
        key: its private half, until it is forgotten.
    """

    from_at: datetime
    both_until: datetime
    public: PublicKey
    key: SigningKey | None


class LogKeys:
    """Knows which keys sign checkpoints now.

    Args:
        first: file of the first key; made if there is none. The others are in the folder ``logs`` beside it.
        clock: where time comes from.
    """

    def __init__(self, first: Path, clock: Clock) -> None:
        self.first, self.folder, self.clock = first, first.parent / "logs", clock
        self._path, self._seen, self._turns = str(self.folder), -1, tuple[LogTurn, ...]()
        self._signing: tuple[int, datetime, list[SigningKey]] = -1, _NEVER, []

    def turns(self) -> Sequence[LogTurn]:
        """All keys in the order of their turns, an announced one included; read anew only when there is another.

        Raises:
            ConfigurationError: a file is not one that was made here.
        """
        changed = self._changed()
        if changed != self._seen:
            self._turns, self._seen = _opened(self.first, self.folder), changed
        return self._turns

    def begun(self) -> Sequence[LogTurn]:
        """The keys whose turn has begun; the last is the newest."""
        now = self.clock.now()
        return [turn for turn in self.turns() if turn.from_at <= now]

    @property
    def signers(self) -> list[SigningKey]:
        """The keys that sign now: the newest, and beside it for a while the one that it succeeds.

        Raises:
            ConfigurationError: there is none, since it was lost.
        """
        changed, now = self._changed(), self.clock.now()
        if (changed, now < self._signing[1]) != (self._signing[0], True):
            instants = [at for turn in self.turns() for at in (turn.from_at, turn.both_until) if at > now]
            self._signing = changed, min(instants, default=_NEVER), _signing(self.turns(), now)
        return self._signing[2]

    def _changed(self) -> int:
        try:
            return os.stat(self._path).st_mtime_ns
        except FileNotFoundError:
            return 0

    @property
    def known(self) -> SigningKey:
        """The newest key as of when ``signers`` were asked for last, without looking at the folder; raises as there."""
        return (self._signing[2] or self.signers)[0]

    @property
    def current(self) -> SigningKey:
        """The newest key that signs now; raises as ``signers``."""
        return self.signers[0]

    @property
    def ring(self) -> KeyRing:
        """Every key there was or is to be, by which checkpoints are verified."""
        return KeyRing(turn.public for turn in self.turns())


def _signing(turns: Sequence[LogTurn], now: datetime) -> list[SigningKey]:
    turns = [turn for turn in turns if turn.from_at <= now][-2:]
    if len(turns) > 1 and turns[-1].both_until <= now:
        del turns[0]
    turns.reverse()
    found = [turn.key for turn in turns if turn.key is not None and turn.public.signs_until is None]
    if not found:
        raise ConfigurationError(
            "the key of the logs is lost: hayame keys end-log-key makes another",
            ja="ログの鍵がありません。hayame keys end-log-key で新しい鍵に切り替えてください。",
        )
    return found


def _opened(first: Path, folder: Path) -> tuple[LogTurn, ...]:
    """What the files say; a key that was ended before its turn has none."""
    if not first.exists():
        load_or_make(first)
    beginning = datetime.min.replace(tzinfo=UTC)
    key, public = halves(first.read_bytes())
    turns, ended = [LogTurn(beginning, beginning, public, key)], dict[str, tuple[datetime, Any]]()
    for path in sorted(folder.glob("*.json")):
        said = read_file(path)
        key, public = halves(said["pem"].encode())
        from_at, both_until = parse_instant(said["from_at"]), parse_instant(said["both_until"])
        turns.append(LogTurn(from_at, both_until, replace(public, succeeds=said["succeeds"]), key))
        ended |= dict.fromkeys(said["ends"], (from_at, said["signs_until"]))
    return tuple(
        replace(turn, public=replace(turn.public, signs_until=ended[turn.public.kid][1]))
        if turn.public.kid in ended
        else turn
        for turn in sorted(turns, key=lambda turn: turn.from_at)
        if turn.public.kid not in ended or turn.from_at <= ended[turn.public.kid][0]
    )


def halves(pem: bytes) -> tuple[SigningKey | None, PublicKey]:
    """The private half, where it was not forgotten, and the public one."""
    if b"PRIVATE KEY" not in pem:
        return None, PublicKey.from_pem(pem)
    key = SigningKey.from_pem(pem)
    return key, key.public


def read_file(path: Path) -> dict[str, Any]:
    """What the file of a later key says.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        said: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ConfigurationError(f"{path} is not a key that was made by hayame keys log-successor") from error
    return said
