"""What parent and child say to each other: pickled values, each behind its length, over a pair of sockets.

The child runs our own code as our own user; it keeps a document from harming the server, not an intruder from the
machine. So its words are trusted as those of the adapter were while it still ran here.
"""

from __future__ import annotations

import pickle
import socket
import struct
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from gateway.errors import SenderError
from gateway.ports import Hints

_LENGTH = struct.Struct(">Q")
_MOST_BYTES = 256 << 20  # of one message
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is to do with the document that follows.

    Attributes:
        adapter: its name.
        verb: which of its methods.
        hints: what is known besides the bytes.
        refused: for ``returned``, the ordinals.
        seconds: how long it may take; past them the child ends by itself, even without its parent.
    """

    adapter: str
    verb: Literal["read", "returned"]
    hints: Hints
    seconds: float
    refused: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it.

    Attributes:
        found: everything found.
        refusal: what ended it, if anything did.
        fault: where the adapter broke, in places of the code and without any content, if it did.
    """

    found: list[Any]
    refusal: SenderError | None = None
    fault: str = ""


class Ended(Exception):
    """The other side is gone."""


def send(channel: socket.socket, value: object, seconds: float | None = None) -> None:
    """Say a value.

    Raises:
        Ended: nobody hears it.
        TimeoutError: it was not taken in time.
    """
    message = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    channel.settimeout(seconds)
    try:
        channel.sendall(_LENGTH.pack(len(message)))
        channel.sendall(message)
    except ConnectionError as broken:
        raise Ended from broken


def receive(channel: socket.socket, seconds: float | None = None) -> Any:
    """The next value.

    Raises:
        Ended: there is none, or more of it than anybody may say.
        TimeoutError: it did not come in time.
    """
    until = None if seconds is None else time.monotonic() + seconds
    (length,) = _LENGTH.unpack(_bytes(channel, _LENGTH.size, until))
    if length > _MOST_BYTES:
        raise Ended
    return pickle.loads(_bytes(channel, length, until))  # noqa: S301 - said by our own code, see above


def _bytes(channel: socket.socket, count: int, until: float | None) -> bytearray:
    found = bytearray()
    while len(found) < count:
        if until is not None:
            channel.settimeout(max(until - time.monotonic(), 0.001))
        try:
            part = channel.recv(min(count - len(found), _PART))
        except ConnectionError as broken:
            raise Ended from broken
        if not part:
            raise Ended
        found += part
    return found
