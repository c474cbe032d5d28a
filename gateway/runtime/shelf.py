"""Where the operator's lists lie, looked at again once a minute beside the requests.

A document asks a value in memory. A new file takes the place of the one before only once it was read whole; one that
cannot be read is said, in the log and by ``/readyz``, and changes nothing. Without any file there is no list.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

from gateway.errors import ConfigurationError
from gateway.reference import corporations, institutions
from gateway.reference.corporations import Corporations
from gateway.reference.institutions import Institutions
from gateway.reference.lists import NO_LISTS, Lists
from gateway.runtime.repeating import repeating

LOGGER = logging.getLogger("hayame.reference")
LOOK_S = 60.0

T = TypeVar("T", Institutions, Corporations)
State = tuple[str, int, int, int]
"""Name, inode, size and time of a file: with another state it is read again."""


class Shelf:
    """The newest list of each sort that can be read.

    Args:
        folder: where they lie; None where the operator keeps none.

    Raises:
        ConfigurationError: there is no such folder.
    """

    def __init__(self, folder: Path | None) -> None:
        if folder is not None and not folder.is_dir():
            raise ConfigurationError(
                f"HAYAME_REFERENCE_DATA: there is no folder {folder}",
                ja=f"HAYAME_REFERENCE_DATA のフォルダ {folder} がありません。",
            )
        self._folder = folder
        self._lists = NO_LISTS
        self._read: dict[type, State] = {}
        self._broken: dict[State, str] = {}

    def lists(self) -> Lists:
        """What is there now."""
        return self._lists

    def look(self) -> None:
        """Read what has changed since the last look."""
        if self._folder is None:
            return
        broken: dict[State, str] = {}
        now = self._lists
        self._lists = Lists(
            self._newest(self._folder.glob(institutions.PATTERN), institutions.opened, now.institutions, broken),
            self._newest(self._folder.glob(corporations.PATTERN), corporations.opened, now.corporations, broken),
        )
        self._broken = broken

    def _newest(
        self, paths: Iterable[Path], opened: Callable[[Path], T], now: T | None, broken: dict[State, str]
    ) -> T | None:
        """The list whose last day is the latest; of those that can be read, or else the one that is there now."""
        latest_first = sorted(paths, key=lambda path: path.stem.split("_")[::-1], reverse=True)
        for path in latest_first:
            told = path.stat()
            state = path.name, told.st_ino, told.st_size, told.st_mtime_ns
            if now is not None and self._read.get(type(now)) == state:
                return now
            if state in self._broken:
                broken[state] = self._broken[state]
                continue
            try:
                found = opened(path)
            except (ConfigurationError, OSError) as error:
                broken[state] = error.message if isinstance(error, ConfigurationError) else f"{path.name}: {error}"
                LOGGER.error("reference data is not read: %s", broken[state])
            else:
                self._read[type(found)] = state
                return found
        return now if latest_first else None

    def told(self) -> str:
        """How it stands, for who runs the gateway: a line, or nothing where no lists are kept."""
        if self._folder is None:
            return ""
        named = [one.source.name for one in (self._lists.institutions, self._lists.corporations) if one is not None]
        wrong = [f"not read: {name}" for name, *_ in self._broken]
        return f"reference data: {'; '.join([*(named or ['none']), *wrong])}\n"

    def problems(self) -> list[str]:
        """What is wrong with files that could not be read."""
        return list(self._broken.values())

    def looking(self) -> AbstractContextManager[None]:
        """Look now, and on for the time of a block, in a thread of its own."""
        self.look()
        return nullcontext() if self._folder is None else repeating("reference-data", LOOK_S, self.look)
