"""An adapter of a stranger's package that does to its process whatever its document says: for tests of who survives."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from gateway.errors import Unreadable
from gateway.ports import Hints

MARK = b"PK planted "
LEAKED: list[bytes] = []
ABOUT = "Metadata-Version: 2.1\nName: planted\nVersion: 1\n"


def document(does: str) -> bytes:
    """A packed document that makes its reader do something."""
    return MARK + does.encode()


def install(folder: Path) -> str:
    """Install the adapter for processes that have this on their PYTHONPATH."""
    about = folder / "planted-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(ABOUT)
    (about / "entry_points.txt").write_text("[gateway.adapters]\nplanted = planted:adapter\n")
    return os.pathsep.join([str(folder), str(Path(__file__).parent), *sys.path])


def tell(_: str) -> None:
    """Who reads, and which of our settings it knows."""
    known = [name for name in os.environ if name.startswith("HAYAME_")]
    raise Unreadable(f"{os.getpid()}", ja=",".join(known) or "none")


def loop(_: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    while True:
        pass


def sleep(seconds: str) -> None:
    time.sleep(float(seconds))
    raise Unreadable("awake")


def grow(megabytes: str) -> None:
    hoard = [b"x" * (1 << 20) for _ in range(int(megabytes))]
    raise Unreadable(f"{len(hoard)}")


def leak(megabytes: str) -> None:
    LEAKED.append(b"x" * (int(megabytes) << 20))
    raise Unreadable("leaked")


def fall_ill(mark: str) -> None:
    """Once; what comes after the first time is well."""
    if Path(mark).exists():
        raise Unreadable("well")
    Path(mark).touch()
    os.abort()


def break_down(words: str) -> None:
    raise RuntimeError(words)


DEEDS: dict[str, Callable[[str], None]] = {
    "tell": tell,
    "loop": loop,
    "sleep": sleep,
    "grow": grow,
    "leak": leak,
    "ill": fall_ill,
    "break": break_down,
    "abort": lambda _: os.abort(),
    "exit": lambda _: os._exit(0),
}


class Planted:
    """The adapter."""

    name, version = "planted", "1"
    media_types: frozenset[str] = frozenset()
    kinds = frozenset({"trial_balance"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        return head.startswith(MARK)

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[NoReturn]:
        does, _, much = source.read()[len(MARK) :].decode().partition(" ")
        DEEDS[does](much)
        yield

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        yield from [b"given back ", ",".join(map(str, sorted(refused))).encode()]


adapter = Planted()
