"""Commands of a corporation over its register of guarantees: a client like any other, which needs no database."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.apps import As, Ca, Certificate, Key, Url, guarantees, tls_with
from gateway.client import Client
from gateway.formats.guarantee_list import REASON, GuaranteeList, Row, load_columns
from gateway.formats.text import harmless
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.security.keys import SigningKey

AT_ONCE = 1_000  # guarantees in one request
SHOWN = 20


@guarantees.command("import")
def import_guarantees(  # noqa: PLR0913 - a command's options are its parameters
    file: Path,
    recipient: Annotated[str, typer.Option(help="Your corporation's id.")],
    url: Url,
    name: As,
    key: Key,
    columns: Annotated[Path | None, typer.Option(help="How your list calls its columns (YAML).")] = None,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Register the guarantees of a list (CSV, UTF-8 or CP932); rows with something wrong come back in a list beside it.

    Each row takes the place of what was registered for its number. Ends with status 1 where rows came back; the list of
    those, mended, is imported like any other.
    """
    listed = GuaranteeList(file, load_columns(columns))
    if listed.unread:
        told = "、".join(listed.unread)
        typer.echo(f"読み込まない列: {told}\ncolumns that are not read: {told}", err=True)
    registered = released = 0
    with (
        Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client,
        _Returned(listed) as returned,
    ):
        rows = listed.rows()
        while some := list(islice(rows, AT_ONCE)):
            returned.take([row for row in some if row.entry is None])
            entries = [_told(row.entry) for row in some if row.entry is not None]
            if entries:
                answer = client.post(f"/v1/recipients/{recipient}/guarantees", entries).json()
                registered, released = registered + answer["registered"], released + answer["released"]
    typer.echo(f"登録 {registered:,} 件、保留解除 {released:,} 件 / registered {registered}, released {released}")
    if returned.path is not None:
        told = f"{returned.rows:,} 件は登録していません / {returned.rows} rows came back: {returned.path}"
        typer.echo(told, err=True)
        raise typer.Exit(1)


def _told(entry: GuaranteeEntry) -> dict[str, Any]:
    return entry.model_dump(mode="json", exclude_none=True)


class _Returned:
    """The rows that come back, in a list beside the one they stand in, laid out alike, with the reason at the end."""

    def __init__(self, listed: GuaranteeList) -> None:
        self.path: Path | None = None
        self.rows = 0
        self._listed = listed
        self._open = ExitStack()

    def __enter__(self) -> _Returned:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def take(self, rows: Sequence[Row]) -> None:
        """Write rows down, and show the first ones."""
        if not rows:
            return
        if self.path is None:
            self._begin()
        for row in rows:
            reason = " ; ".join(map(str, row.problems))
            if self.rows < SHOWN:
                typer.echo(f"{row.line}行 {reason}", err=True)
            self._writer.writerow(map(harmless, [*row.cells, reason]))
            self.rows += 1

    def _begin(self) -> None:
        self.path = next(path for path in _names(self._listed.path) if not path.exists())
        encoding = self._listed.encoding
        # what was read in it can be written in it; of our own words a sign may be missing there
        out = self._open.enter_context(self.path.open("x", encoding=encoding, errors="replace", newline=""))
        self._writer = csv.writer(out)
        self._writer.writerow(map(harmless, [*self._listed.header, REASON]))


def _names(path: Path) -> Iterator[Path]:
    """Where rows of a list may go: never over something that is there, which somebody may be mending."""
    yield path.with_name(f"{path.stem}.returned.csv")
    yield from (path.with_name(f"{path.stem}.returned-{number}.csv") for number in count(2))
