"""Commands of the operator over the lists that rules look in (docs/reference-data.md)."""

from __future__ import annotations

from pathlib import Path

import typer

from gateway.cli.apps import reference_app
from gateway.errors import ConfigurationError
from gateway.settings import Settings


@reference_app.command("import")
def import_corporate_numbers(files: list[Path]) -> None:
    """Take in corporate numbers as the National Tax Agency publishes them: the whole file, differences, or both."""
    from gateway.reference import nta_files
    from gateway.runtime.shelf import Shelf

    shelf = Shelf(folder := _folder())
    shelf.look()
    made = None
    for made in nta_files.apply(files, shelf.lists().corporations):
        typer.echo(f"{made.day}: {made.state.height} numbers, {made.closed} closed")
        for day in made.without:
            typer.echo(f"{day} の差分がありません（祝日でなければ取り込み漏れです） / no difference of {day}", err=True)
    if made is not None:
        typer.echo(made.write(folder).name)


@reference_app.command("check")
def check_lists() -> None:
    """Say which lists a gateway would look in, and what is wrong with the others; status 1 if anything is."""
    from gateway.runtime.shelf import Shelf

    shelf = Shelf(_folder())
    shelf.look()
    lists = shelf.lists()
    for one in (lists.institutions, lists.corporations):
        if one is not None:
            typer.echo(f"{one.source.name}\t{one.days}\t{one.source.sha256}")
    for problem in shelf.problems():
        typer.echo(problem, err=True)
    raise typer.Exit(1 if shelf.problems() else 0)


def _folder() -> Path:
    folder = Settings.from_environment().reference_data
    if folder is None:
        raise ConfigurationError(
            "HAYAME_REFERENCE_DATA names no folder", ja="HAYAME_REFERENCE_DATA でフォルダを指定してください。"
        )
    return folder
