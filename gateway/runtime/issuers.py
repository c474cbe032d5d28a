"""Who issues access tokens: we ourselves, or an identity provider that the operator names.

The provider's keys are kept for ten minutes. A token that names an unknown one lets them be fetched anew, but not
twice within half a minute, whoever asks; so made-up names cost the provider nothing, and us a second at most in that
time where it hangs. While it cannot be reached, the keys that are known stay good for a day.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import orjson

from gateway.errors import ConfigurationError, PeerError
from gateway.ports import Clock
from gateway.security.keys import KeyRing, PublicKey
from gateway.security.signing_keys import SigningKeys

LOGGER = logging.getLogger("hayame.issuer")
KEPT_FOR, FLOOR, STALE_AFTER = timedelta(minutes=10), timedelta(seconds=30), timedelta(days=1)
REPLY_S, MOST_BYTES = 1.0, 1 << 20


@dataclass(frozen=True, slots=True)
class OurTokens:
    """We issue tokens ourselves, under our own address."""

    name: str
    signing: SigningKeys

    def keys(self, kid: str) -> KeyRing:
        """Our keys that may have signed a token that is still good."""
        return self.signing.for_tokens()


class TheirTokens:
    """Another issues tokens.

    Args:
        name: its issuer identifier, as tokens carry it.
        source: where its key set is: an address, or a file that somebody keeps up to date.
        clock: where time comes from.
    """

    def __init__(self, name: str, source: str, clock: Clock) -> None:
        self.name, self._source, self._clock = name, source, clock
        self._keys, self._lock = KeyRing(), threading.Lock()
        self._known_at = self._tried_at = clock.now() - STALE_AFTER

    def keys(self, kid: str) -> KeyRing:
        """Its keys, fetched anew where they are old, or where none has this name."""
        with self._lock:
            now = self._clock.now()
            is_due = now - self._known_at >= KEPT_FOR or self._keys.find(kid) is None
            if is_due and now - self._tried_at >= FLOOR:
                self._tried_at = now
                self._refresh()
            return self._keys if now - self._known_at < STALE_AFTER else KeyRing()

    def _refresh(self) -> None:
        try:
            self._keys = KeyRing(_usable(self._fetched()))
        except (ConfigurationError, PeerError) as error:
            LOGGER.warning("the keys of the token issuer cannot be read: %s", error.message)
        else:
            self._known_at = self._tried_at

    def _fetched(self) -> bytes:
        try:
            if "://" not in self._source:
                return Path(self._source).read_bytes()
            with (
                httpx2.Client(timeout=REPLY_S, trust_env=False) as http,
                http.stream("GET", self._source) as answer,
            ):
                if answer.status_code != httpx2.codes.OK:
                    raise PeerError(f"status {answer.status_code}")
                content = b""
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > MOST_BYTES:
                        raise PeerError("the key set is too large")
                return content
        except (OSError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise PeerError(f"{type(error).__name__}: {error}") from error


def _usable(raw: bytes) -> Iterator[PublicKey]:
    """The keys of a set that sign as is accepted here; providers publish others beside them."""
    try:
        listed = orjson.loads(raw)["keys"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ConfigurationError("it is not a JWK Set") from error
    for jwk in listed if isinstance(listed, list) else ():
        with suppress(ConfigurationError):
            if isinstance(jwk, dict):
                yield PublicKey.from_jwk(jwk)
