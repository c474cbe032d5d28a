"""Limit the tail: no function, class, adapter or module grows beyond what one reader holds in mind.

Parameters and complexity are ruff's; lengths are here. A larger one needs a waiver with a reason in tests/waivers.toml,
and a waiver that is no longer needed fails.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTION, CLASS, ADAPTER, MODULE = 60, 100, 300, 500

Measured = tuple[str, int, int]
"""Place, lines, and how many lines are allowed there."""


def sources() -> Iterator[Path]:
    for room in ("gateway", "mocks", "bench", "tests", ".ci"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "versions" not in path.parts:  # a migration is written once and never read as a whole
                yield path


def measured(path: Path) -> Iterator[Measured]:
    place = path.relative_to(ROOT).as_posix()
    text = path.read_text("utf-8")
    yield place, len(text.splitlines()), ADAPTER if place.startswith("gateway/adapters/") else MODULE
    yield from definitions(place + "::", ast.parse(text))


def definitions(prefix: str, node: ast.AST) -> Iterator[Measured]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            limit = CLASS if isinstance(child, ast.ClassDef) else FUNCTION
            yield prefix + child.name, (child.end_lineno or child.lineno) - child.lineno + 1, limit
            yield from definitions(f"{prefix}{child.name}.", child)
        else:
            yield from definitions(prefix, child)


def waivers() -> dict[str, str]:
    listed = tomllib.loads((ROOT / "tests" / "waivers.toml").read_text("utf-8")).get("size", [])
    return {waiver["place"]: waiver["reason"] for waiver in listed}


def excess() -> dict[str, str]:
    found = (row for path in sources() for row in measured(path))
    return {place: f"{lines} lines, {limit} allowed" for place, lines, limit in found if lines > limit}


def test_nothing_outgrows_its_limit_without_a_waiver() -> None:
    assert {place: size for place, size in excess().items() if place not in waivers()} == {}


def test_every_waiver_is_still_needed_and_says_why() -> None:
    assert sorted(set(waivers()) - set(excess())) == []
    assert [place for place, reason in waivers().items() if len(reason.split()) < 3] == []
