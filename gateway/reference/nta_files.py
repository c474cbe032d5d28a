"""The National Tax Agency's files of corporate numbers, whole or by day, into the compact form.

Both are CSV of 30 columns without a head, in UTF-8 (「CSV形式・Unicode」), unpacked: ``00_zenkoku_all_YYYYMMDD.csv`` is
everything, made at the end of each month; ``diff_YYYYMMDD.csv`` is what changed on one working day. Only the newest
entry of a number counts (``latest`` 1); process 99 takes a number away.

Source: 法人番号公表サイト, リソース定義書; domain note 3.1.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from gateway.errors import ConfigurationError
from gateway.reference.corporations import HEAD, MAGIC, Corporations, date_of

COLUMNS = 30
STATE = {"number": pl.UInt64(), "closed_on": pl.UInt32(), "cause": pl.UInt32(), "successor": pl.UInt64()}
"""What is kept of a firm; the last three are null where its register is open."""

_NAME = re.compile(r"(00_zenkoku_all|diff)_(\d{8})(_\d+)?\.csv")
_TAKEN = {1: "number", 2: "process", 18: "closed_on", 19: "cause", 20: "successor", 23: "latest"}
_CHUNK = 200_000


class Register:
    """The state of all numbers on a day, while files are being applied to it.

    Attributes:
        day: the day for which it stands.
        state: one row of ``STATE`` for each number, in ascending order.
        without: working days before, of which no difference was applied: holidays, or files that are missing.
    """

    def __init__(self, day: date, state: pl.DataFrame, without: Sequence[date] = ()) -> None:
        self.day, self.state, self.without = day, state, without

    @classmethod
    def of(cls, kept: Corporations) -> Register:
        """The state that a compact file holds."""
        columns = kept.columns
        named = ("number", "successor", "closed_on", "cause")
        closed = pl.DataFrame(
            {name: _series(view, STATE[name]) for name, view in zip(named, columns[1:], strict=True)}
        ).with_columns(pl.col("successor").replace(0, None))
        numbers = pl.DataFrame({"number": _series(columns.numbers, STATE["number"])})
        return cls(kept.day, numbers.join(closed, on="number", how="left", maintain_order="left").select(*STATE))

    @property
    def closed(self) -> int:
        """How many registers are closed."""
        return self.state.height - self.state["closed_on"].null_count()

    def write(self, folder: Path) -> Path:
        """Write the compact file: whole under its name, or not at all."""
        path, made = folder / f"corporations_{self.day}.numbers", folder / f".{self.day}.{os.getpid()}.making"
        closed = self.state.drop_nulls("closed_on")
        try:
            with made.open("xb") as file:
                file.write(HEAD.pack(MAGIC, int(f"{self.day:%Y%m%d}"), self.state.height, closed.height))
                columns = [(self.state["number"], "Q"), (closed["number"], "Q"), (closed["successor"], "Q")]
                for column, form in [*columns, (closed["closed_on"], "I"), (closed["cause"], "I")]:
                    for at in range(0, len(column), _CHUNK):
                        array(form, column.slice(at, _CHUNK).fill_null(0).to_list()).tofile(file)
                file.flush()
                os.fsync(file.fileno())
            made.replace(path)
        finally:
            with suppress(FileNotFoundError):
                made.unlink()
        return path


def apply(files: Iterable[Path], kept: Corporations | None) -> Iterator[Register]:
    """Apply files one after the other, by day, and show the state after each.

    Args:
        files: what the agency published.
        kept: the state to go on from, where there is one; a whole file begins anew.

    Raises:
        ConfigurationError: a file is not one of the agency's, a difference does not come after the state it is to
            change, or there is no state to begin with.
        OSError: a file cannot be read.
    """
    ordered = sorted(_dated(path) for path in files)
    begins_anew = any(is_whole for _, is_whole, _ in ordered[:1])
    register = None if kept is None or begins_anew else Register.of(kept)
    for day, is_whole, path in ordered:
        rows = _rows(path)
        if is_whole:
            register = Register(day, _state(rows.filter(pl.col("process") != "99")))
        elif register is None or day <= register.day:
            raise _refused(f"{path.name}: {register.day if register else '00_zenkoku_all_YYYYMMDD.csv'}")
        else:
            untouched = register.state.join(rows, on="number", how="anti")
            changed = _state(rows.filter(pl.col("process") != "99"))
            between = _working_days(register.day, day)
            register = Register(day, pl.concat([untouched, changed]).sort("number"), between)
        yield register


def _working_days(earlier: date, later: date) -> list[date]:
    """Days from Monday to Friday after one day and before another."""
    between = (earlier + timedelta(days=number) for number in range(1, (later - earlier).days))
    return [day for day in between if day.weekday() < 5]


def _dated(path: Path) -> tuple[date, bool, Path]:
    """Day, whether it is whole (a whole file comes after the difference of its day), path."""
    named = _NAME.fullmatch(path.name)
    try:
        if named:
            return date_of(int(named[2])), named[1] != "diff", path
    except ValueError:
        pass
    raise _refused(f"{path.name}: 00_zenkoku_all_YYYYMMDD.csv, diff_YYYYMMDD.csv")


def _rows(path: Path) -> pl.DataFrame:
    """The newest entry of every number in a file.

    Raises:
        ConfigurationError: it does not have the agency's columns.
    """
    names = [_TAKEN.get(number, f"column_{number}") for number in range(COLUMNS)]
    kind = pl.col("process").str.contains(r"^\d{2}$") & pl.col("latest").str.contains(r"^[01]$")
    try:
        whole = pl.scan_csv(path, has_header=False, schema=dict.fromkeys(names, pl.String()), encoding="utf8")
        rows = whole.select(
            pl.col("number").cast(pl.UInt64),
            "process",
            "latest",
            kind.fill_null(False).alias("fits"),
            pl.col("closed_on").str.to_date("%Y-%m-%d").dt.strftime("%Y%m%d").cast(pl.UInt32),
            pl.col("cause").cast(pl.UInt32),
            pl.col("successor").cast(pl.UInt64),
        ).collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        raise _refused(f"{path.name}: {str(error).partition(chr(10))[0]}") from None
    sound = rows["fits"].all() and rows["number"].is_between(10**12, 10**13 - 1).all()
    if rows.is_empty() or not sound or rows["number"].has_nulls():
        raise _refused(f"{path.name}: {COLUMNS} columns, 13 digits")
    return rows.filter(pl.col("latest") == "1").unique("number", keep="last", maintain_order=True)


def _state(rows: pl.DataFrame) -> pl.DataFrame:
    open_again = pl.col("closed_on").is_null()
    kept = [pl.when(~open_again).then(name).alias(name) for name in ("cause", "successor")]
    return rows.with_columns(kept).select(*STATE).sort("number")


def _series(view: memoryview, of: pl.DataType) -> pl.Series:
    chunks = [pl.Series(view[at : at + _CHUNK].tolist(), dtype=of) for at in range(0, len(view), _CHUNK)]
    return pl.concat(chunks) if chunks else pl.Series(dtype=of)


def _refused(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"not a file of corporate numbers that can be applied here: {what}",
        ja=f"法人番号の全件データ・差分データとして取り込めません: {what}",
    )
