"""A folder into which people drop files: which are complete, who takes each, where it and its answer end up.

A file is taken by one rename into a place of its own below ``送信中``, where a note about it (the claim) was written
before. Of two programs on one folder one rename succeeds. What comes back is laid beside the file in its place, and the
place as a whole moves to ``受付済`` or ``要修正`` by one rename. So at every instant a file is either waiting, in hand
with its note, or done with its answer, whenever the power goes.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from gateway.collectors.names import is_meant, safe_name
from gateway.errors import ConfigurationError

IN_HAND, ACCEPTED, RETURNED = "送信中", "受付済", "要修正"
NOTE = ".claim.json"
MOST_FILES = 10_000  # looked at in one go
MOST_ALIKE = 10_000  # documents of one name in one month
ABANDONED_S = 3_600  # a place into which nothing was moved for so long is swept
Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that was taken, in its own place.

    Attributes:
        place: the folder that holds it, its note, and what comes back.
        name: the file's name, made safe.
        note: what is kept about it; ``key`` names it for ever.
    """

    place: Path
    name: str
    note: dict[str, Any]

    @property
    def document(self) -> Path:
        """The file."""
        return self.place / self.name

    def read(self) -> bytes | None:
        """The file's bytes; None while somebody still writes them, as they had it open when it was taken."""
        with self.document.open("rb") as reading:
            content = reading.read()
            found = os.fstat(reading.fileno())
        shape = [found.st_size, found.st_mtime_ns, found.st_ino]
        if shape == list(self.note.get("shape") or ()) and len(content) == found.st_size:
            return content
        self.remember(shape=shape)
        return None

    def remember(self, **more: Any) -> None:
        """Add to the note, durably."""
        self.note.update(more)
        self.put(NOTE, orjson.dumps(self.note))

    def put(self, name: str, content: bytes) -> None:
        """Lay something beside the file, whole and durably, or not at all."""
        fresh = self.place / ".fresh"
        with fresh.open("wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(writing.fileno())
        fresh.replace(self.place / name)
        _sync(self.place)

    def finish(self, into: Path) -> Path:
        """Move the file, with what lies beside it, into a folder: under its name, or its name and a number.

        Returns:
            Where everything is now.

        Raises:
            OSError: it cannot be moved; it stays in hand.
        """
        into.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_ALIKE):
            target = into / (self.name if number == 1 else f"{self.name} ({number})")
            if target.exists():
                continue
            try:
                self.place.rename(target)
            except (FileExistsError, NotADirectoryError):
                continue
            except OSError:
                if target.exists() and self.place.exists():
                    continue
                raise
            (target / NOTE).unlink(missing_ok=True)
            _sync(into)
            return target
        raise FileExistsError(f"too many files are named alike in {into}")


@dataclass
class Folder:
    """A watched folder.

    Args:
        path: where files are dropped; what is below it (except the three places named above) is not looked at.
        settle_s: seconds for which size and time of a file have to stay the same before it counts as complete.
    """

    path: Path
    settle_s: float
    _seen: dict[str, tuple[Shape, float]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise ConfigurationError(
                f"{self.path} is not a folder", ja=f"{self.path} は見つからないか、フォルダーではありません。"
            )

    def look(self, now: float) -> tuple[list[str], int]:
        """Names of the files that are complete, oldest first, and how many others may become so.

        Args:
            now: seconds on a clock that only goes forward.
        """
        complete, growing, seen = [], 0, {}
        for name, shape in self._shapes():
            before, since = self._seen.get(name, (shape, now))
            seen[name] = (shape, since if before == shape else now)
            if shape[0] and now - seen[name][1] >= self.settle_s:
                complete.append((shape[1], name))
            else:
                growing += shape[0] > 0
        self._seen = seen
        return [name for _, name in sorted(complete)], growing

    def empty(self) -> list[str]:
        """Names of files without content, as last seen: they are not handed over, but may still be written."""
        return sorted(safe_name(name) for name, (shape, _) in self._seen.items() if not shape[0])

    @contextmanager
    def claim(self, name: str, note: Mapping[str, Any]) -> Iterator[Claim | None]:
        """Take a file that is complete, for the time of a block; None if another took it, or it changed meanwhile.

        Args:
            name: as ``look`` gave it.
            note: what is to be kept about it; written before the file is moved.
        """
        key = uuid.uuid4().hex
        place = self.path / IN_HAND / key
        place.mkdir(parents=True)
        with _held(place) as mine:
            if not (mine and self._take(name, taken := Claim(place, safe_name(name), {"key": key, **note}))):
                yield None
                return
            yield taken

    def _take(self, name: str, claim: Claim) -> bool:
        shape, _ = self._seen.pop(name, (None, 0.0))
        claim.remember(name=claim.name, shape=shape)
        try:
            if _shape(self.path / name) == shape:
                (self.path / name).rename(claim.document)
        except FileNotFoundError:
            pass
        if not claim.document.exists():
            _discard(claim.place)
            return False
        _sync(claim.place)
        _sync(self.path)
        return True

    def claims(self) -> Iterator[Claim]:
        """What is in hand, oldest first, each for as long as the caller deals with it; not what another has in hand."""
        with suppress(FileNotFoundError):
            places = sorted((self.path / IN_HAND).iterdir(), key=_age)
            for place in places[:MOST_FILES]:
                with _held(place) as mine:
                    found = _read(place) if mine else None
                    if found is not None:
                        yield found

    def _shapes(self) -> Iterator[tuple[str, Shape]]:
        with os.scandir(self.path) as entries:
            for _, entry in zip(range(MOST_FILES), entries, strict=False):
                with suppress(FileNotFoundError):
                    if is_meant(entry.name) and entry.is_file(follow_symlinks=False):
                        found = entry.stat(follow_symlinks=False)
                        yield entry.name, (found.st_size, found.st_mtime_ns, found.st_ino)


def _shape(path: Path) -> Shape:
    found = path.stat(follow_symlinks=False)
    return found.st_size, found.st_mtime_ns, found.st_ino


def _age(place: Path) -> tuple[float, str]:
    try:
        return place.stat().st_ctime, place.name
    except FileNotFoundError:
        return 0.0, place.name


def _read(place: Path) -> Claim | None:
    """The claim in a place; one whose file was never moved there is swept."""
    try:
        note = orjson.loads((place / NOTE).read_bytes())
        claim = Claim(place, str(note["name"]), note)
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None
    if claim.document.exists():
        return claim
    if time.time() - place.stat().st_mtime > ABANDONED_S:
        _discard(place)
    return None


def _discard(place: Path) -> None:
    with suppress(OSError):
        for left in (place / NOTE, place / ".fresh"):
            left.unlink(missing_ok=True)
        place.rmdir()


@contextmanager
def _held(place: Path) -> Iterator[bool]:
    """Whether a place is ours for the time of a block. Where a share knows no locks it is; keys keep things single."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = place.exists()
        except BlockingIOError:
            mine = False
        except OSError:
            mine = True
        yield mine
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a share that cannot, does it by itself
            os.fsync(handle)
    finally:
        os.close(handle)
