"""How often somebody may ask: the generic cell rate algorithm (GCRA), in this process's memory.

Of each key one number is kept, the instant at which its whole quota will be there again; each request moves it on by
the time that one request is worth. A request that would move it further than a window ahead is too many. So within any
time t no more than the quota and what t is worth get in, and whoever kept quiet for a window has its whole quota.

Fields: draft-ietf-httpapi-ratelimit-headers-11. A server of several processes has as many quotas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping
from ipaddress import IPv6Address, ip_address
from typing import Any

from gateway.errors import TooManyRequests

WINDOW_S = 60
_SECOND = 1_000_000_000  # in nanoseconds: whole numbers, so that nothing is lost by adding
_WINDOW = WINDOW_S * _SECOND
MOST_KEYS = 65_536
STATE = "rate"  # in a request's state: what its answer tells of it
Fields = tuple[tuple[bytes, bytes], ...]


class Rate:
    """One quota for each key.

    Remembered are at least the half of ``most`` that asked last; who is forgotten has its whole quota again.
    """

    def __init__(
        self, name: str, per_minute: int, most: int = MOST_KEYS, now: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._name, self._most, self._now = name, most, now
        self._each = _WINDOW // per_minute
        self._policy = (b"ratelimit-policy", b'"%b";q=%d;w=%d' % (name.encode(), per_minute, WINDOW_S))
        self._newer: dict[str, int] = {}
        self._older: dict[str, int] = {}

    def take(self, key: str) -> Fields:
        """Let a request of a key in; the fields that tell what is left.

        Raises:
            TooManyRequests: it is one too many; with the same fields, and how long to wait.
        """
        now = self._now()
        whole_at = self._newer.get(key) or self._older.get(key, 0)
        ahead = max(whole_at - now, 0)
        after = ahead + self._each
        too_many = after > _WINDOW
        self._newer[key] = now + (ahead if too_many else after)
        if len(self._newer) * 2 > self._most:
            self._newer, self._older = {}, self._newer
        if too_many:
            raise TooManyRequests(self._name, (after - _WINDOW) / _SECOND, self._told(ahead))
        return self._told(after)

    def _told(self, ahead: int) -> Fields:
        left, until = (_WINDOW - ahead) // self._each, -(-ahead // _SECOND)
        return (self._policy, (b"ratelimit", b'"%b";r=%d;t=%d' % (self._name.encode(), left, until)))


class Rates:
    """The quotas of who asks, each so many requests a minute, or 0 for no limit.

    ``client``: of a client once it is known; ``tokens``: of an address before; ``refused``: of an address whose
    requests are not let in; ``codes``: of a client that tries pairing codes.
    """

    def __init__(self, per_minute: Mapping[str, int]) -> None:
        self._rates = {name: Rate(name, most) for name, most in per_minute.items() if most}

    def of_client(self, state: MutableMapping[str, Any], client: str) -> None:
        """Let a client's request in, and have its answer say what is left; raises ``TooManyRequests``."""
        self._take("client", state, client)

    def of_address(self, state: MutableMapping[str, Any], address: str) -> None:
        """The same for who asks for a token, by where it comes from."""
        self._take("tokens", state, network_of(address))

    def of_refused(self, state: MutableMapping[str, Any], address: str) -> None:
        """The same for who is not let in, by where it comes from: after so many it is told to wait, not why."""
        self._take("refused", state, network_of(address))

    def of_codes(self, state: MutableMapping[str, Any], client: str) -> None:
        """The same for a client that looks at a pairing code, or uses it."""
        self._take("codes", state, client)

    def _take(self, name: str, state: MutableMapping[str, Any], key: str) -> None:
        rate = self._rates.get(name)
        if rate is not None:
            state[STATE] = rate.take(key)


def network_of(address: str) -> str:
    """What one party has at least: an IPv4 address, or an IPv6 network of 64 bits.

    >>> network_of("192.0.2.7"), network_of("2001:db8::7:1"), network_of("::ffff:192.0.2.7")
    ('192.0.2.7', '2001:db8::', '192.0.2.7')
    """
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
