"""What operators read names what there is: every command, every stage and instant of a lead time."""

from __future__ import annotations

from collections.abc import Iterator

import typer.main
from project_files import ROOT
from typer.core import TyperGroup

from gateway.cli import app
from gateway.steps.measure import STAGES

DOCS = ROOT / "docs"


def rows(page: str) -> list[list[str]]:
    """The cells of every table row that starts with a `code`."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    ]


def commands(group: TyperGroup, name: str) -> Iterator[str]:
    """Every command as it is typed, without its arguments."""
    for child, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, f"{name} {child}")
        else:
            yield f"{name} {child}"


def test_every_command_is_documented() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    documented = [first for first, *_ in rows("operations.md") if first.startswith("hayame ")]
    assert sorted(documented) == sorted(commands(group, "hayame"))


def test_every_stage_is_documented_with_the_instants_it_lies_between() -> None:
    documented = [tuple(cells[:3]) for cells in rows("lead-time.md") if "_to_" in cells[0]]
    assert documented == list(STAGES)


def test_every_instant_is_documented() -> None:
    documented = {first for first, *_ in rows("lead-time.md") if "_to_" not in first}
    assert {instant for _, first, last in STAGES for instant in (first, last)} <= documented
