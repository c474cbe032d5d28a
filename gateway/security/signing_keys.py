"""The keys by which the gateway signs: one for its logs, which stays, and those that take turns at everything else.

The log's key signs checkpoints; witnesses and readers know a log by it. Receipts, acknowledgements, tokens and answers
are signed by the key whose turn it is: at first the same, later one that was announced a day before. When its turn
begins is in its file's name, so every process that shares the folder knows, after a restart too, and a rotation is
whole or not there at all. A key whose turn is over leaves its public half, by which receipts are verified for ever.

    keys/gateway.pem                                  the log's key, and the first signing key
    keys/signing/20261126T090000Z-p4fEXW3i.pem        signs from then on
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from gateway.errors import ConfigurationError, EvidenceError
from gateway.ports import Clock
from gateway.schemas.identifiers import instant_text
from gateway.security.canonical import canonical, strict_load
from gateway.security.keys import KeyRing, PublicKey, SigningKey
from gateway.security.signing import open_compact, sign_compact

ANNOUNCED_FOR = timedelta(hours=24)  # at least, from when a key is published until it signs
FORGOTTEN_AFTER = timedelta(hours=24)  # from when a key's turn is over until its private half goes
TOKENS_AFTER = timedelta(minutes=10)  # from when a key's turn is over until its tokens are of no use; they live five
FRESH_S = 1.0
ANNOUNCEMENT = "hayame-key+jws"

_NAME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Turn:
    """A key and when it begins to sign; its private half is forgotten some time after another has taken over."""

    from_at: datetime
    public: PublicKey
    key: SigningKey | None


class SigningKeys:
    """Knows which key signs now; looks at the folder once a second.

    Args:
        log_key: the key of the logs, which signs everything until another takes its turn.
        folder: where the keys that take turns are, shared by all processes.
        clock: where time comes from.
    """

    def __init__(self, log_key: SigningKey, folder: Path, clock: Clock) -> None:
        self._log_key, self._first = log_key, Turn(datetime.min.replace(tzinfo=UTC), log_key.public, log_key)
        self._folder, self._clock = folder, clock
        self._read: dict[str, Turn] = {}
        self._looked_at = -FRESH_S
        self._look()

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        if time.monotonic() - self._looked_at >= FRESH_S:
            self._look()
        return self._current

    def turns(self) -> Sequence[Turn]:
        """All keys in the order of their turns, those to come included; read anew."""
        for path in sorted(self._folder.glob("*.pem")):
            if path.name not in self._read or self._read[path.name].key is not None:
                self._read[path.name] = self._opened(path)
        return [self._first, *(turn for _, turn in sorted(self._read.items()))]

    def published(self) -> KeyRing:
        """Every key that ever signed or is to sign, by which receipts are verified."""
        return KeyRing(turn.public for turn in self.turns())

    def for_tokens(self) -> KeyRing:
        """The keys that may have signed a token that is still good: a key whose turn was over long ago has not."""
        now, turns = self._clock.now(), self.turns()
        ends = [*(turn.from_at for turn in turns[1:]), now]
        return KeyRing(turn.public for turn, end in zip(turns, ends, strict=True) if end + TOKENS_AFTER > now)

    def rotate(self, after: timedelta) -> Turn:
        """Make the next key, which is published from now on and signs from so much later on.

        Raises:
            ConfigurationError: another one waits for its turn already, and this one is to wait, too.
        """
        now, turns = self._clock.now(), self.turns()
        if after and turns[-1].from_at > now:
            raise ConfigurationError(
                f"the key {turns[-1].public.kid} is announced already, and signs from {turns[-1].from_at} on",
                ja=f"次の鍵 {turns[-1].public.kid} は予告済みです({turns[-1].from_at} から署名に使われます)。",
            )
        for turn, following in pairwise(turns[1:]):
            if turn.key is not None and following.from_at + FORGOTTEN_AFTER <= now:
                self._write(self._path(turn), turn.public.pem())
        key = SigningKey.generate()
        made = Turn((now + after).replace(microsecond=0) + timedelta(seconds=1), key.public, key)
        self._write(self._path(made), key.pem())
        return self.turns()[-1]

    def _look(self) -> None:
        self._looked_at, now = time.monotonic(), self._clock.now()
        self._current = [turn.key for turn in self.turns() if turn.from_at <= now and turn.key is not None][-1]

    def _opened(self, path: Path) -> Turn:
        try:
            from_at = datetime.strptime(path.name.partition("-")[0], _NAME).replace(tzinfo=UTC)
            pem = path.read_bytes()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} is not a key that was made by hayame keys rotate-signing") from error
        key = SigningKey.from_pem(pem) if b"PRIVATE KEY" in pem else None
        public = key.public if key else PublicKey.from_pem(pem)
        return Turn(from_at, announced(self._log_key, public, from_at), key)

    def _path(self, turn: Turn) -> Path:
        return self._folder / f"{turn.from_at.strftime(_NAME)}-{turn.public.kid[:8]}.pem"

    def _write(self, path: Path, pem: bytes) -> None:
        """A file, whole or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine = self._folder / f".{os.getpid()}.{os.urandom(4).hex()}"
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        mine.rename(path)
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def announced(log_key: SigningKey, public: PublicKey, from_at: datetime) -> PublicKey:
    """A key with the log key's word that it signs from then on; so it carries the trust in the log's key further."""
    said = canonical({"jwk": replace(public, announced=None).jwk(), "signs_from_at": instant_text(from_at)})
    return replace(public, announced=sign_compact(log_key, said, ANNOUNCEMENT))


def learned(keys: KeyRing, shown: Iterable[Mapping[str, Any]]) -> KeyRing:
    """One's own keys, and those among the JWKs shown by a stranger that one of the own log keys has announced.

    What does not hold is not learned, and says nothing else.
    """
    logs, more = KeyRing(key for key in keys if key.announced is None), []
    for jwk in shown:
        with suppress(EvidenceError, ConfigurationError):
            key = PublicKey.from_jwk(jwk)
            opened = open_compact(key.announced or "", logs)
            if opened.header.get("typ") != ANNOUNCEMENT or keys.find(key.kid) is not None:
                continue
            if strict_load(opened.payload)["jwk"] == replace(key, announced=None).jwk():
                more.append(key)
    return KeyRing([*keys, *more])
