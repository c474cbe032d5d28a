"""The keys by which the gateway signs: one for its logs, which stays, and those that take turns at everything else.

The log's key signs checkpoints; witnesses and readers know a log by it (``log_keys``). Receipts, acknowledgements,
tokens and answers are signed by the key whose turn it is: at first the same, later one that was announced a day
before. When its turn begins is in its file's name, so every process that shares the folder knows, after a restart
too, and a rotation is whole or not there at all. A key whose turn is over leaves its public half, by which receipts
are verified for ever.

    keys/gateway.pem                                  the log's first key, and the first signing key
    keys/signing/20261126T090000Z-p4fEXW3i.pem        signs from then on
"""

from __future__ import annotations

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
from gateway.security.files import write_whole
from gateway.security.keys import KeyRing, PublicKey, SigningKey
from gateway.security.log_keys import SUCCESSION, LogKeys
from gateway.security.signing import kid_of, open_compact, sign_compact

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
        logs: the keys of the logs; the newest signs everything until another takes its turn.
        folder: where the keys that take turns are, shared by all processes.
        clock: where time comes from.
    """

    def __init__(self, logs: LogKeys, folder: Path, clock: Clock) -> None:
        self.logs = logs
        self._folder, self._clock = folder, clock
        self._read: dict[str, Turn] = {}
        self._looked_at = -FRESH_S
        self._own: SigningKey | None = None
        self._own_turns()

    @property
    def current(self) -> SigningKey:
        """The key that signs now."""
        if time.monotonic() - self._looked_at >= FRESH_S:
            self._look()
        return self._own or self.logs.known

    def turns(self) -> Sequence[Turn]:
        """All keys in the order of their turns, those to come included; read anew. Those of the logs come first."""
        own = self._own_turns()
        logs = [Turn(turn.from_at, turn.public, turn.key) for turn in self.logs.turns()]
        return [*(turn for turn in logs if not own or turn.from_at < own[0].from_at), *own]

    def published(self) -> KeyRing:
        """Every key that ever signed or is to sign, by which everything is verified; each after who vouches for it.

        Raises:
            ConfigurationError: the key of the logs is lost.
        """
        own = self._own_turns()
        said = [announced(self.logs.current, turn.public, turn.from_at) for turn in own] if own else []
        return KeyRing([*self.logs.ring, *said])

    def beyond_first(self, receipt: str) -> tuple[dict[str, Any], ...]:
        """What evidence holds for who knows the first key only (JWKs): its successors, and who signed the receipt."""
        kid, begun = kid_of(receipt), [turn.public for turn in self.logs.begun() if turn.public.succeeds]
        signer = None if self.logs.ring.find(kid) else self.published().find(kid)
        return tuple(key.jwk() for key in (*begun, *([signer] if signer else [])))

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
        now, own = self._clock.now(), self._own_turns()
        if after and own and own[-1].from_at > now:
            raise ConfigurationError(
                f"the key {own[-1].public.kid} is announced already, and signs from {own[-1].from_at} on",
                ja=f"次の鍵 {own[-1].public.kid} は予告済みです({own[-1].from_at} から署名に使われます)。",
            )
        for turn, following in pairwise(own):
            if turn.key is not None and following.from_at + FORGOTTEN_AFTER <= now:
                write_whole(self._path(turn), turn.public.pem())
        key = SigningKey.generate()
        made = Turn((now + after).replace(microsecond=0) + timedelta(seconds=1), key.public, key)
        write_whole(self._path(made), key.pem())
        return self._own_turns()[-1]

    def _look(self) -> None:
        self._looked_at, now = time.monotonic(), self._clock.now()
        begun = [turn.key for turn in self._own_turns() if turn.from_at <= now and turn.key is not None]
        self._own = begun[-1] if begun else None
        if self._own is None:
            _ = self.logs.signers

    def _own_turns(self) -> list[Turn]:
        for path in sorted(self._folder.glob("*.pem")):
            if path.name not in self._read or self._read[path.name].key is not None:
                self._read[path.name] = self._opened(path)
        return [turn for _, turn in sorted(self._read.items())]

    def _opened(self, path: Path) -> Turn:
        try:
            from_at = datetime.strptime(path.name.partition("-")[0], _NAME).replace(tzinfo=UTC)
            pem = path.read_bytes()
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path} is not a key that was made by hayame keys rotate-signing") from error
        key = SigningKey.from_pem(pem) if b"PRIVATE KEY" in pem else None
        return Turn(from_at, key.public if key else PublicKey.from_pem(pem), key)

    def _path(self, turn: Turn) -> Path:
        return self._folder / f"{turn.from_at.strftime(_NAME)}-{turn.public.kid[:8]}.pem"


def announced(log_key: SigningKey, public: PublicKey, from_at: datetime) -> PublicKey:
    """A key with the log key's word that it signs from then on; so it carries the trust in the log's key further."""
    said = canonical({"jwk": public.bare().jwk(), "signs_from_at": instant_text(from_at)})
    return replace(public, announced=sign_compact(log_key, said, ANNOUNCEMENT))


def learned(keys: KeyRing, shown: Iterable[Mapping[str, Any]]) -> KeyRing:
    """One's own keys, and those among the JWKs shown by a stranger for which a key of the logs gave its word.

    A key that succeeds one of the logs' keys is itself one from then on, so the order is that of the words. What does
    not hold is not learned, and says nothing else; who was ended vouches for nobody.
    """
    for jwk in shown:
        with suppress(EvidenceError, ConfigurationError):
            key = PublicKey.from_jwk(jwk)
            if keys.find(key.kid) is None and _is_vouched_for(key, [one for one in keys if one.signs_until is None]):
                keys = KeyRing([*keys, replace(key, signs_until=None)])
    return keys


def says_the_truth(shown: PublicKey, trusted: PublicKey, keys: KeyRing) -> bool:
    """Whether a key shown by a stranger is the trusted one, and what is said of it, if anything, known or vouched."""
    if shown.bare() != trusted.bare():
        return False
    with suppress(EvidenceError, ConfigurationError):
        return shown in (shown.bare(), trusted) or _is_vouched_for(shown, keys)
    return False


def _is_vouched_for(key: PublicKey, keys: Iterable[PublicKey]) -> bool:
    word, typ = (key.announced, ANNOUNCEMENT) if key.announced else (key.succeeds, SUCCESSION)
    logs = KeyRing(one for one in keys if one.announced is None)
    opened = open_compact(word or "", logs)
    said = strict_load(opened.payload)
    return opened.header.get("typ") == typ and isinstance(said, dict) and said.get("jwk") == key.bare().jwk()
