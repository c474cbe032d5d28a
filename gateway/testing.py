"""The conformance kit: what every adapter must do, checked on its samples. Third parties run it on theirs.

    from gateway.testing import check_adapter
    def test_it_conforms(): check_adapter(adapter, Path("tests/golden/my_format"))

Samples are folders, one per case::

    <adapter>/<case>/input.*          the document
                     expected.json    what it reads as; ``python -m gateway.testing write <adapter>`` writes it
                     SOURCE.md        who made the sample, how, when, licence, synthetic or redacted
                     case.json        if needed: filename, kind, institution, recipient (as in ``ports.Hints``), and
                                      repeat_lines: [first, last], lines that may be repeated without end

At least one case must be readable and one unreadable.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import json
import random
import sys
import tracemalloc
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from gateway.errors import Unreadable
from gateway.plugins import load_adapters
from gateway.ports import ROWS_AT_ONCE, Adapter, Hints
from gateway.schemas.findings import Finding
from gateway.schemas.observed import Observed, ObservedDocument, ObservedRows
from gateway.schemas.place import Place
from gateway.schemas.records import KINDS

HEADINGS = ("Reads:", "Specification:", "Units and calendar:", "Encoding:", "Known limits:")
HEAD_BYTES = 65_536
PREFIXES = 100
MUTATIONS = 200
GOLDEN = Path("tests") / "golden"

Complaints = Iterator[str]


class NotConforming(AssertionError):
    """An adapter does not do what every adapter must; the message lists every reason."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One case: a document, how it was handed over, and what it is expected to read as."""

    folder: Path
    raw: bytes
    hints: Hints
    repeat_lines: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The case's name."""
        return self.folder.name

    @property
    def expected(self) -> Path:
        """Where the expected reading is written."""
        return self.folder / "expected.json"


def load_samples(folder: Path) -> list[Sample]:
    """All cases of an adapter, in order of name.

    Raises:
        NotConforming: a case lacks its one input file or its SOURCE.md.
    """
    return [_load_sample(case) for case in sorted(folder.iterdir()) if case.is_dir()]


def _load_sample(case: Path) -> Sample:
    inputs = sorted(case.glob("input.*"))
    if len(inputs) != 1 or not (case / "SOURCE.md").exists():
        raise NotConforming(f"{case.name}: a case is one input.* file beside SOURCE.md")
    told = case / "case.json"
    given = json.loads(told.read_text("utf-8")) if told.exists() else {}
    repeated = given.pop("repeat_lines", None)
    hints = Hints(**{"filename": inputs[0].name, **given})
    return Sample(case, inputs[0].read_bytes(), hints, tuple(repeated) if repeated else None)


def check_adapter(adapter: Adapter, samples: Path, others: Iterable[Adapter] = ()) -> None:
    """Hold an adapter to everything that is asked of all.

    Args:
        adapter: the adapter.
        samples: folder of its cases.
        others: adapters installed beside it, which must leave its samples alone.

    Raises:
        NotConforming: with every complaint.
    """
    cases = load_samples(samples)
    complaints = [*_as_described(adapter), *_covers_both(adapter, cases)]
    for case in cases:
        for check in CHECKS:
            complaints += [f"{case.name}: {complaint}" for complaint in check(adapter, case)]
        for other in others:
            if other.name != adapter.name and other.recognises(case.raw[:HEAD_BYTES], case.hints.filename):
                complaints.append(f"{case.name}: {other.name} recognises it too")
    if complaints:
        raise NotConforming(f"{adapter.name}:\n" + "\n".join(complaints))


def read_whole(adapter: Adapter, raw: bytes, hints: Hints) -> list[Observed] | Unreadable:
    """Everything the adapter makes of a document, or why it cannot."""
    try:
        return list(adapter.read(io.BytesIO(raw), hints))
    except Unreadable as error:
        return error


def reading(outcome: list[Observed] | Unreadable) -> Any:
    """An outcome as plain JSON values: what expected.json holds."""
    if isinstance(outcome, Unreadable):
        place = outcome.place.model_dump(exclude_none=True) if isinstance(outcome.place, Place) else {}
        return {"unreadable": {"message": outcome.message, "ja": outcome.ja, "place": place}}
    return {"observed": [_plain(observed) for observed in outcome]}


def _plain(observed: Observed) -> dict[str, Any]:
    problems = [_plain_finding(finding) for finding in observed.problems]
    if isinstance(observed, ObservedDocument):
        return {
            "ordinal": observed.ordinal,
            "digest": observed.digest,
            "place": observed.place_of("").model_dump(exclude_none=True),
            "record": observed.record.model_dump(mode="json", exclude_none=True),
            "problems": problems,
        }
    if isinstance(observed, ObservedRows):
        rows = [{name: value for name, value in row.items() if value is not None} for row in observed.frame.to_dicts()]
        plain = {"rows": json.loads(json.dumps(rows, default=str)), "columns": dict(observed.columns)}
        tape = f"{observed.tape.layout}#{observed.tape.sequence}" if observed.tape else None
        return {"kind": observed.kind, "pointer": observed.pointer, "tape": tape, **plain, "problems": problems}
    return {"ordinal": observed.ordinal, "digest": observed.digest, "unplaced": observed.kind, "problems": problems}


def _plain_finding(finding: Finding) -> dict[str, Any]:
    return finding.model_dump(mode="json", exclude_defaults=True)


def _as_described(adapter: Adapter) -> Complaints:
    page = sys.modules[type(adapter).__module__].__doc__ or ""
    yield from (f"its module's docstring lacks '{heading}'" for heading in HEADINGS if f"\n{heading}" not in page)
    if not adapter.kinds or not adapter.kinds <= KINDS.keys():
        yield f"kinds are {sorted(adapter.kinds)}, known are {sorted(KINDS)}"
    if not adapter.version or not adapter.media_types:
        yield "it states no version or no media types"


def _covers_both(adapter: Adapter, cases: Sequence[Sample]) -> Complaints:
    unreadable = [isinstance(read_whole(adapter, case.raw, case.hints), Unreadable) for case in cases]
    if all(unreadable):
        yield "no case is readable"
    if not any(unreadable):
        yield "no case is unreadable"


def _reads_as_expected(adapter: Adapter, case: Sample) -> Complaints:
    found = reading(read_whole(adapter, case.raw, case.hints))
    if not case.expected.exists():
        yield "there is no expected.json"
    elif found != json.loads(case.expected.read_text("utf-8")):
        yield "it does not read as expected.json says"


def _reads_alike_twice(adapter: Adapter, case: Sample) -> Complaints:
    once, again = (reading(read_whole(adapter, case.raw, case.hints)) for _ in range(2))
    if once != again:
        yield "two readings differ"


def _recognises_its_own(adapter: Adapter, case: Sample) -> Complaints:
    readable = not isinstance(read_whole(adapter, case.raw, case.hints), Unreadable)
    if readable and not adapter.recognises(case.raw[:HEAD_BYTES], case.hints.filename):
        yield "it reads this sample but does not recognise it"


def _survives_damage(adapter: Adapter, case: Sample) -> Complaints:
    """Cut off anywhere and damaged anyhow, a document gives records or Unreadable and nothing else."""
    sizes = range(len(case.raw)) if len(case.raw) <= PREFIXES else _spread(len(case.raw))
    damaged = ((f"the first {size} bytes", case.raw[:size]) for size in sizes)
    for what, raw in itertools.chain(damaged, _mutations(case)):
        with _While(f"{case.name}, {what}"):
            adapter.recognises(raw[:HEAD_BYTES], case.hints.filename)
            outcome = read_whole(adapter, raw, case.hints)
            if not isinstance(outcome, Unreadable):
                yield from (f"{what}: {complaint}" for complaint in _provenance(adapter, outcome))


def _spread(size: int) -> list[int]:
    return sorted({size * step // PREFIXES for step in range(PREFIXES)})


def _mutations(case: Sample) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(hashlib.sha256(case.raw).digest())  # noqa: S311 - the same damage every time
    for number in range(MUTATIONS if case.raw else 0):
        raw = bytearray(case.raw)
        at, length = chance.randrange(len(raw)), chance.choice((1, 1, 1, 2, 8, 64))
        match number % 4:
            case 0:
                raw[at : at + length] = chance.randbytes(len(raw[at : at + length]))
            case 1:
                del raw[at : at + length]
            case 2:
                raw[at:at] = raw[at : at + length] * 2
            case 3:
                raw[at] = chance.choice(b'0",:{}[]-\n\r\x00\xff\x81')
        yield f"mutation {number}", bytes(raw)


class _While:
    """Says, on whatever exception passes, during what it happened."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            error.add_note(f"while reading {self.what}")


def _says_where_from(adapter: Adapter, case: Sample) -> Complaints:
    outcome = read_whole(adapter, case.raw, case.hints)
    if not isinstance(outcome, Unreadable):
        yield from _provenance(adapter, outcome)


def _provenance(adapter: Adapter, outcome: Sequence[Observed]) -> Complaints:
    ordinals: list[int] = []
    for observed in outcome:
        if isinstance(observed, ObservedRows):
            ordinals += observed.frame["ordinal"].to_list()
            digests = observed.frame["digest"].to_list()
            units: list[Any] = observed.frame["unit"].to_list() if "unit" in observed.frame.columns else [None]
            kind: str | None = observed.kind
        else:
            ordinals.append(observed.ordinal)
            digests = [observed.digest]
            is_document = isinstance(observed, ObservedDocument)
            # a record without a unit is of a kind that states no money
            units = [vars(observed.record).get("unit", "none")] if isinstance(observed, ObservedDocument) else ["none"]
            kind = observed.record.kind if isinstance(observed, ObservedDocument) else observed.kind
            if not is_document and not any(finding.severity == "refuse" for finding in observed.problems):
                yield "a record that could not be read is not refused"
        if not all(isinstance(digest, str) and len(digest) == 64 for digest in digests):
            yield "a digest is not a SHA-256 in hex"
        if None in units:
            yield "the unit of the source is not told"
        if kind is not None and kind not in adapter.kinds:
            yield f"it reads a {kind}, which it does not say it does"
    if sorted(ordinals) != list(range(len(ordinals))):
        yield f"ordinals are not 0 to {len(ordinals) - 1}, each once"


def _gives_back(adapter: Adapter, case: Sample) -> Complaints:
    """What is returned for some records is a document that holds just these; for none, nothing."""
    outcome = read_whole(adapter, case.raw, case.hints)
    if isinstance(outcome, Unreadable):
        return
    count = _count(outcome)
    if _returned(adapter, case, ()):
        yield "it returns something where nothing was refused"
    for refused in ({0}, {count - 1}, set(range(count))) if count else ():
        again = read_whole(adapter, _returned(adapter, case, refused), case.hints)
        if isinstance(again, Unreadable):
            yield f"what it returns for {sorted(refused)} is unreadable: {again.message}"
        elif _count(again) != len(refused):
            yield f"what it returns for {sorted(refused)} holds {_count(again)} records"


def _returned(adapter: Adapter, case: Sample, refused: Collection[int]) -> bytes:
    return b"".join(adapter.returned(io.BytesIO(case.raw), refused, case.hints))


def _count(outcome: Sequence[Observed]) -> int:
    return sum(seen.frame.height if isinstance(seen, ObservedRows) else 1 for seen in outcome)


def _stays_small(adapter: Adapter, case: Sample) -> Complaints:
    """Twice the rows need no more memory, where the case says which lines may be repeated."""
    if case.repeat_lines is None:
        return
    first, last = case.repeat_lines
    times = ROWS_AT_ONCE // (last - first + 1) + 1
    with _While(f"{case.name}, its lines {first} to {last} repeated"):
        small, large = (_peak_bytes(adapter, case, times * factor) for factor in (1, 2))
    if large > small * 1.5:
        yield f"memory grows with the document: {small:,} bytes at its peak, {large:,} for twice the rows"


def _peak_bytes(adapter: Adapter, case: Sample, times: int) -> int:
    first, last = case.repeat_lines or (1, 1)
    lines = case.raw.splitlines(keepends=True)
    pieces = (b"".join(lines[: first - 1]), b"".join(lines[first - 1 : last]), b"".join(lines[last:]))
    tracemalloc.start()
    try:
        for _ in adapter.read(io.BufferedReader(_Repeated(*pieces, times)), case.hints):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class _Repeated(io.RawIOBase):
    """A long document that is never held: a beginning, a middle many times over, an end."""

    def __init__(self, start: bytes, middle: bytes, end: bytes, times: int) -> None:
        self.start, self.middle, self.end = start, middle, end
        self.turn = len(start) + len(middle) * times
        self.size = self.turn + len(end)
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer: Any) -> int:
        piece = self._here()[: len(buffer)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)

    def _here(self) -> bytes:
        if self.at < len(self.start):
            return self.start[self.at :]
        if self.at < self.turn:
            return self.middle[(self.at - len(self.start)) % len(self.middle) :]
        return self.end[self.at - self.turn :]


CHECKS: tuple[Callable[[Adapter, Sample], Complaints], ...] = (
    _reads_as_expected,
    _reads_alike_twice,
    _recognises_its_own,
    _says_where_from,
    _gives_back,
    _survives_damage,
    _stays_small,
)
"""What is checked of every case."""


def write_expected(adapter: Adapter, samples: Path, force: bool = False) -> tuple[list[Path], list[Path]]:
    """Write what each case reads as; the diff is the review.

    Args:
        adapter: the adapter.
        samples: folder of its cases.
        force: overwrite what is there and says otherwise.

    Returns:
        The files written, and those that say otherwise and were left as they are.
    """
    written, left = [], []
    for case in load_samples(samples):
        found = json.dumps(reading(read_whole(adapter, case.raw, case.hints)), ensure_ascii=False, indent=1) + "\n"
        if not case.expected.exists() or (force and case.expected.read_text("utf-8") != found):
            case.expected.write_text(found, "utf-8")
            written.append(case.expected)
        elif case.expected.read_text("utf-8") != found:
            left.append(case.expected)
    return written, left


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m gateway.testing write ADAPTER [--force] [--samples DIR]`` and ``… check ADAPTER [--samples DIR]``."""
    parser = argparse.ArgumentParser(prog="python -m gateway.testing", description="The adapters' conformance kit.")
    parser.add_argument("command", choices=("write", "check"))
    parser.add_argument("adapter", help="name of an installed adapter")
    parser.add_argument("--samples", type=Path, help="folder of its cases; tests/golden/ADAPTER unless given")
    parser.add_argument("--force", action="store_true", help="overwrite expected.json files that are there")
    given = parser.parse_args(arguments)
    adapters = load_adapters()
    if given.adapter not in adapters:
        parser.error(f"no installed adapter is named {given.adapter}; there are: {', '.join(adapters)}")
    samples = given.samples or GOLDEN / given.adapter
    if given.command == "check":
        check_adapter(adapters[given.adapter], samples, adapters.values())
        return 0
    written, left = write_expected(adapters[given.adapter], samples, given.force)
    for path in written:
        print(path)
    for path in left:
        print(f"{path} says otherwise and was left as it is; --force overwrites it", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
