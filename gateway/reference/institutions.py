"""Codes of banks and branches with their days: a CSV file that the operator keeps.

UTF-8, one line of column names, then one line for each code and time in which it was in use: ``bank_code`` (4 digits),
``branch_code`` (3 digits; empty: the bank itself), ``name``, ``valid_from`` and ``valid_to`` (YYYY-MM-DD, first and
last day; empty: open), ``successor_code`` (what stands for it after its last day: of a bank 4 digits; of a branch 3
digits, or 7 where it went to another bank; empty: nothing). The file's name says between which days it is complete:
``institutions_2020-04-01_2026-11-24.csv``. For other days it says nothing, neither yes nor no.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from gateway.errors import ConfigurationError
from gateway.schemas.statement import Consulted

COLUMNS = ["bank_code", "branch_code", "name", "valid_from", "valid_to", "successor_code"]
PATTERN = "institutions_*.csv"

_NAME = re.compile(r"institutions_(\d{4}-\d\d-\d\d)_(\d{4}-\d\d-\d\d)\.csv")
_BANK, _BRANCH = re.compile(r"[0-9]{4}"), re.compile(r"[0-9]{3}")
_SUCCESSOR = {False: re.compile(r"([0-9]{4})?"), True: re.compile(r"([0-9]{3}|[0-9]{7})?")}


class Span(NamedTuple):
    """Days between which a code was in use, both included, and the code that stands for it afterwards."""

    first: date
    last: date
    successor: str | None

    def __str__(self) -> str:
        first = "" if self.first == date.min else self.first.isoformat()
        return f"{first}〜{'' if self.last == date.max else self.last.isoformat()}"


class Institutions:
    """Banks by their 4 digits, branches by the 7 digits of bank and branch.

    Args:
        source: the file, as receipts name it.
        first_on, last_on: the days between which the list is complete.
        spans: code -> when it was in use.
    """

    def __init__(self, source: Consulted, first_on: date, last_on: date, spans: Mapping[str, list[Span]]) -> None:
        self.source, self.first_on, self.last_on = source, first_on, last_on
        self._spans = spans
        self._banks_with_branches = {code[:4] for code in spans if len(code) > 4}
        self._before: dict[str, list[str]] = {}
        for code, times in spans.items():
            for span in times:
                if span.successor is not None:
                    self._before.setdefault(span.successor, []).append(code)

    @property
    def days(self) -> str:
        """Between which days the list is complete."""
        return f"{self.first_on}〜{self.last_on}"

    def covers(self, day: date) -> bool:
        """Whether the list says anything of a day."""
        return self.first_on <= day <= self.last_on

    def knows_branches_of(self, bank: str) -> bool:
        """Whether any branch of a bank is listed."""
        return bank in self._banks_with_branches

    def is_in_use(self, code: str, day: date) -> bool:
        """Whether a code was in use on a day."""
        return any(first <= day <= last for first, last, _ in self._spans.get(code, ()))

    def took_over(self, code: str, day: date) -> bool:
        """Whether a code stands, later, for one that was in use on a day: what that one had to say is its to say."""
        seen, ahead = {code}, [code]
        while ahead:
            earlier = [one for one in self._before.get(ahead.pop(), ()) if one not in seen]
            if any(self.is_in_use(one, day) for one in earlier):
                return True
            seen.update(earlier)
            ahead += earlier
        return False

    def times(self, code: str) -> str | None:
        """When a code was in use, None where it is not listed."""
        spans = self._spans.get(code)
        return ", ".join(map(str, spans)) if spans else None

    def successor(self, code: str, day: date) -> str | None:
        """The code that stands on a day for one that ended before it, however many times it was taken over."""
        seen = {code}
        while True:
            ended = [span for span in self._spans.get(code, ()) if span.last < day]
            after = max(ended, key=lambda span: span.last).successor if ended else None
            if after is None or after in seen or self.is_in_use(after, day):
                return None if after in seen else after
            seen.add(code := after)


def opened(path: Path) -> Institutions:
    """Read a list.

    Raises:
        ConfigurationError: its name does not say between which days it is complete, or a line is not as it has to be.
        OSError: it cannot be read.
    """
    first_on, last_on = days_of(path)
    raw = path.read_bytes()
    if not raw.endswith(b"\n"):
        raise _broken(f"{path.name}: …")
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _broken(f"{path.name}: {error}") from None
    if not rows or rows[0] != COLUMNS:
        raise _broken(f"{path.name}: 1: {','.join(COLUMNS)}")
    spans: dict[str, list[Span]] = {}
    for code, span in _read(path.name, rows):
        spans.setdefault(code, []).append(span)
    if not spans:
        raise _broken(f"{path.name}: 2")
    orphan = next((code for code in spans if code[:4] not in spans), None)
    if orphan is not None:
        raise _broken(f"{path.name}: {orphan[:4]}-{orphan[4:]}: bank_code {orphan[:4]}")
    source = Consulted(name=path.name, sha256=hashlib.sha256(raw).hexdigest())
    return Institutions(source, first_on, last_on, spans)


def days_of(path: Path) -> tuple[date, date]:
    """Between which days a list says it is complete.

    Raises:
        ConfigurationError: its name does not say so.
    """
    named = _NAME.fullmatch(path.name)
    try:
        first_on, last_on = (date.fromisoformat(day) for day in named.groups()) if named else (date.max, date.min)
    except ValueError:
        first_on, last_on = date.max, date.min
    if first_on > last_on:
        raise _broken(f"{path.name}: institutions_YYYY-MM-DD_YYYY-MM-DD.csv")
    return first_on, last_on


def _read(name: str, rows: list[list[str]]) -> Iterator[tuple[str, Span]]:
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        try:
            yield _span(*row)
        except (TypeError, ValueError):
            raise _broken(f"{name}: {line}: {','.join(row)}") from None


def _span(bank: str, branch: str, _name: str, valid_from: str, valid_to: str, successor: str) -> tuple[str, Span]:
    """A line's code and span.

    Raises:
        ValueError: a code or a day is not of its form, or the last day lies before the first.
    """
    codes = _BANK.fullmatch(bank) and (not branch or _BRANCH.fullmatch(branch))
    if not codes or not _SUCCESSOR[bool(branch)].fullmatch(successor):
        raise ValueError
    first = date.fromisoformat(valid_from) if valid_from else date.min
    last = date.fromisoformat(valid_to) if valid_to else date.max
    if last < first:
        raise ValueError
    whole = bank + successor if branch and len(successor) == 3 else successor
    return bank + branch, Span(first, last, whole or None)


def _broken(where: str) -> ConfigurationError:
    return ConfigurationError(f"not a list of institutions: {where}", ja=f"金融機関一覧として読み取れません: {where}")
