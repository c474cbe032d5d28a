"""The kit is worth what it catches: one adapter that conforms, and one of every way not to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pytest

from gateway.adapters.native_json import adapter as native
from gateway.errors import Unreadable
from gateway.ports import Adapter, Hints
from gateway.schemas.observed import ROW_COLUMNS, Observed, ObservedRows, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records.repayment_columns import COLUMNS, completed
from gateway.testing import NotConforming, check_adapter, load_samples, main, read_whole, reading, write_expected

__doc__ += """

Reads: lines that begin with ``loan``.
Specification: this file.
Units and calendar: yen.
Encoding: ASCII.
Known limits: everything.
"""


class Loans:
    """One loan per line, its number after the word; it conforms."""

    name = "loans"
    version = "1"
    media_types = frozenset({"text/plain"})
    kinds = frozenset({"repayment_status"})

    def recognises(self, head: bytes, filename: str | None) -> bool:
        return head.startswith(b"loan")

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        for ordinal, line in enumerate(source):
            if not line.startswith(b"loan "):
                raise Unreadable("not a loan", place=Place(line=ordinal + 1))
            yield self.frame(ordinal, line)

    def frame(self, ordinal: int, line: bytes) -> Observed:
        row = {"ordinal": ordinal, "line": ordinal + 1, "digest": hashlib.sha256(line).hexdigest()}
        values = {**dict.fromkeys(COLUMNS), "guarantee_no": line[5:].decode(errors="replace")}
        frame = pl.DataFrame([{**row, **values}], schema={**ROW_COLUMNS, **COLUMNS})
        return ObservedRows("repayment_status", completed(frame))

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        return (line for ordinal, line in enumerate(source) if ordinal in refused)


class Crashes(Loans):
    def recognises(self, head: bytes, filename: str | None) -> bool:
        return head[:4].decode("ascii") == "loan"


class Guesses(Loans):
    calls = 0

    def frame(self, ordinal: int, line: bytes) -> Observed:
        self.calls += 1
        return super().frame(ordinal, line + str(self.calls).encode())


class Forgets(Loans):
    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        return iter(source)


class LosesCount(Loans):
    def frame(self, ordinal: int, line: bytes) -> Observed:
        return super().frame(ordinal * 2, line)


class Excuses(Loans):
    def frame(self, ordinal: int, line: bytes) -> Observed:
        return Unplaced(ordinal, "0" * 64, "repayment_status", ())


class Shortens(Loans):
    def frame(self, ordinal: int, line: bytes) -> Observed:
        return Unplaced(ordinal, "abc", "cash_flow", ())


class Ignores(Loans):
    def recognises(self, head: bytes, filename: str | None) -> bool:
        return False


class Hoards(Loans):
    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        return iter([Unplaced(ordinal, str(line), None, ()) for ordinal, line in enumerate(source)])


class Claims(Loans):
    kinds = frozenset({"poem"})
    version = ""


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Two cases of the conforming adapter."""
    for name, raw, told in (
        ("good", b"loan 1\nloan 2\nloan 3\n", {"filename": "loans.txt", "repeat_lines": [2, 2]}),
        ("not_a_loan", b"loan 1\nhouse\n", None),
    ):
        case = tmp_path / name
        case.mkdir()
        (case / "input.txt").write_bytes(raw)
        (case / "SOURCE.md").write_text("Synthetic.\n")
        if told:
            (case / "case.json").write_text(json.dumps(told))
    write_expected(Loans(), tmp_path)
    return tmp_path


def without_repetition(samples: Path) -> Path:
    (samples / "good" / "case.json").unlink()
    return samples


def test_an_adapter_that_does_what_all_must_is_left_in_peace(samples: Path) -> None:
    check_adapter(Loans(), without_repetition(samples), [Loans(), native])


@pytest.mark.parametrize(
    ("adapter", "complaint"),
    [
        (Guesses(), "good: two readings differ"),
        (Guesses(), "good: it does not read as expected.json says"),
        (Forgets(), "good: it returns something where nothing was refused"),
        (Forgets(), r"good: what it returns for \[0\] holds 3 records"),
        (LosesCount(), "good: ordinals are not 0 to 2, each once"),
        (Excuses(), "good: a record that could not be read is not refused"),
        (Shortens(), "good: a digest is not a SHA-256 in hex"),
        (Shortens(), "good: it reads a cash_flow, which it does not say it does"),
        (Ignores(), "good: it reads this sample but does not recognise it"),
        (Claims(), r"kinds are \['poem'\]"),
        (Claims(), "it states no version"),
    ],
)
def test_what_an_adapter_does_not_do_is_said(samples: Path, adapter: Adapter, complaint: str) -> None:
    with pytest.raises(NotConforming, match=complaint):
        check_adapter(adapter, without_repetition(samples))


def test_an_adapter_that_crashes_says_on_what(samples: Path) -> None:
    with pytest.raises(UnicodeDecodeError) as crashed:
        check_adapter(Crashes(), without_repetition(samples))
    assert [note.split(", mutation")[0] for note in crashed.value.__notes__] == ["while reading good"]


def test_memory_that_grows_with_the_document_is_noticed(samples: Path) -> None:
    with pytest.raises(NotConforming, match="good: memory grows with the document"):
        check_adapter(Hoards(), samples)


def test_a_neighbour_that_claims_the_samples_is_named(samples: Path) -> None:
    neighbour = Loans()
    neighbour.name = "neighbour"
    with pytest.raises(NotConforming, match="good: neighbour recognises it too"):
        check_adapter(Loans(), without_repetition(samples), [neighbour])


def test_a_page_without_its_headings_is_noticed(samples: Path) -> None:
    class Undocumented(Loans):
        pass

    Undocumented.__module__ = "json"
    with pytest.raises(NotConforming, match="docstring lacks 'Known limits:'"):
        check_adapter(Undocumented(), without_repetition(samples))


def test_samples_must_show_a_success_and_a_failure(samples: Path) -> None:
    without_repetition(samples)
    (samples / "not_a_loan" / "input.txt").write_bytes(b"loan 9\n")
    write_expected(Loans(), samples, force=True)
    with pytest.raises(NotConforming, match="no case is unreadable"):
        check_adapter(Loans(), samples)


def test_a_case_without_its_source_is_no_case(samples: Path) -> None:
    (samples / "good" / "SOURCE.md").unlink()
    with pytest.raises(NotConforming, match="good: a case is one"):
        load_samples(samples)


def test_expected_files_are_not_overwritten_unless_told(samples: Path) -> None:
    expected = samples / "good" / "expected.json"
    expected.write_text("{}")
    assert write_expected(Loans(), samples) == ([], [expected])
    assert expected.read_text() == "{}"
    assert write_expected(Loans(), samples, force=True) == ([expected], [])
    assert json.loads(expected.read_text()) == reading(read_whole(Loans(), b"loan 1\nloan 2\nloan 3\n", Hints()))


def test_the_command_writes_keeps_and_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "broken"
    case.mkdir()
    (case / "input.json").write_bytes(b"{")
    (case / "SOURCE.md").write_text("Synthetic.\n")
    command = ["write", "native_json", "--samples", str(tmp_path)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"{case / 'expected.json'}\n"
    (case / "expected.json").write_text("{}")
    assert main(command) == 1
    assert "--force overwrites it" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    with pytest.raises(NotConforming, match="no case is readable"):
        main(["check", "native_json", "--samples", str(tmp_path)])
    with pytest.raises(SystemExit):
        main(["write", "no_such_adapter"])


def test_what_was_read_is_told_in_plain_values() -> None:
    record = {"kind": "trial_balance", "period_from": "2024-04-01", "period_to": "2024-04-30"}
    raw = json.dumps({**record, "lines": [{"source_name": "x"}]}).encode()
    (told,) = reading(read_whole(native, raw, Hints()))["observed"]
    assert (told["ordinal"], told["place"], told["record"]["kind"]) == (0, {}, "trial_balance")
    assert reading(read_whole(native, b"{", Hints()))["unreadable"]["place"] == {"line": 1, "column": 2}
    assert json.loads(json.dumps(told)) == told
