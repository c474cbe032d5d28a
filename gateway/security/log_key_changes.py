"""A key of the logs is announced, takes the place of others, or has its private half forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import orjson

from gateway.errors import ConfigurationError
from gateway.schemas.identifiers import instant_text
from gateway.security.canonical import canonical
from gateway.security.files import write_whole
from gateway.security.keys import SigningKey
from gateway.security.log_keys import SUCCESSION, LogKeys, LogTurn, halves, read_file
from gateway.security.signing import sign_compact

ANNOUNCED_FOR = timedelta(hours=24)  # at least, from when a successor is published until it signs
FORGOTTEN_AFTER = timedelta(hours=24)  # from when a key's time is over until its private half goes

_NAME = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Made:
    """A key that was made, and the file that is to be written for it."""

    turn: LogTurn
    name: str
    content: bytes


def successor(keys: LogKeys, after: timedelta, overlap: timedelta) -> Made:
    """A key that succeeds the present one so much later, and then for a while signs beside it.

    Raises:
        ConfigurationError: another one is announced, or has just begun.
    """
    now, last = keys.clock.now(), keys.turns()[-1]
    if len(keys.turns()) > 1 and max(last.from_at, last.both_until) > now:
        raise ConfigurationError(
            f"the key {last.public.kid} is announced, or not alone yet, until {last.both_until}",
            ja=f"鍵 {last.public.kid} への引き継ぎが {last.both_until} まで続いています。",
        )
    old, key, from_at = keys.current, SigningKey.generate(), now + after
    said = {"jwk": key.public.jwk(), "signs_from_at": instant_text(from_at), "succeeds": old.kid}
    public = replace(key.public, succeeds=sign_compact(old, canonical(said), SUCCESSION))
    return _made(LogTurn(from_at, from_at + overlap, public, key), (), {})


def replacement(keys: LogKeys, signed: Mapping[str, tuple[int, int]]) -> Made:
    """A key that takes the place of all others now.

    Args:
        keys: those there are.
        signed: epoch and size of each log, up to which the others' signatures count.
    """
    now, key = keys.clock.now(), SigningKey.generate()
    ended = tuple(turn.public.kid for turn in keys.turns() if turn.public.signs_until is None)
    return _made(LogTurn(now, now, key.public, key), ended, signed)


def put(keys: LogKeys, made: Made) -> Path:
    """Write a new key down; from now on it is published, and signs when its turn begins."""
    path = keys.folder / made.name
    write_whole(path, made.content)
    return path


def forget(keys: LogKeys) -> None:
    """Overwrite the private halves of the keys that sign nothing any more by the public ones."""
    now, turns = keys.clock.now(), keys.turns()
    over = [
        turn.public.kid
        for turn, following in pairwise(turns)
        if turn.public.signs_until is not None or following.both_until + FORGOTTEN_AFTER <= now
    ]
    for path in sorted(keys.folder.glob("*.json")):
        said = read_file(path)
        key, public = halves(said["pem"].encode())
        if key is not None and public.kid in over:
            write_whole(path, orjson.dumps(said | {"pem": public.pem().decode()}))
    key, public = halves(keys.first.read_bytes())
    if key is not None and public.kid in over:
        write_whole(keys.first, public.pem())


def _made(turn: LogTurn, ends: Sequence[str], signed: Mapping[str, tuple[int, int]]) -> Made:
    said = {
        "pem": turn.key.pem().decode() if turn.key else "",
        "from_at": instant_text(turn.from_at),
        "both_until": instant_text(turn.both_until),
        "succeeds": turn.public.succeeds,
        "ends": ends,
        "signs_until": signed,
    }
    return Made(turn, f"{turn.from_at.strftime(_NAME)}-{turn.public.kid[:8]}.json", orjson.dumps(said))
