"""Names and marks that a linter does not look for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from project_files import ROOT, project_files

SAYS_NOTHING = {"base", "common", "core", "data", "helpers", "info", "managers", "misc", "services", "utils"}
PATCHES = {"monkeypatch.setattr", "mock.patch", "mocker.patch"}

# Written so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile(r"/(?:wor[k]|roo[t]|tm[p]|farm|hom[e]/\w+|User[s]/\w+)/")
INDEX_HOSTS = re.compile(r"pypi\.or[g]|pythonhosted\.or[g]|registry\.npmj[s]|deb\.debian\.or[g]|archive\.ubuntu\.co[m]")
UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b|raise NotImplemented[E]rror|pytest\.mark\.xfai[l]")


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of every text file of the project."""
    for path in project_files():
        raw = (ROOT / path).read_bytes()
        if b"\0" not in raw:
            yield path.as_posix(), raw.decode("utf-8", "replace")


def found(pattern: re.Pattern[str], suffixes: tuple[str, ...] = ("",)) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts()
        if name.endswith(suffixes)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_module_is_named_after_nothing() -> None:
    modules = [path for room in ("gateway", "mocks") for path in sorted((ROOT / room).rglob("*.py"))]
    packages = {path.parent for path in modules}
    assert [str(m.relative_to(ROOT)) for m in [*modules, *packages] if m.stem.removesuffix("s") in stems()] == []


def stems() -> set[str]:
    return {word.removesuffix("s") for word in SAYS_NOTHING}


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, INDEX_HOSTS], ids=["machine paths", "index hosts"])
def test_no_file_names_the_machine_it_was_made_on(pattern: re.Pattern[str]) -> None:
    assert found(pattern) == []


def test_nothing_is_left_unfinished() -> None:
    assert found(UNFINISHED, (".py", ".md", ".toml", ".yaml", "Makefile", ".ci/run")) == []


def test_every_silenced_rule_says_why() -> None:
    silence = re.compile(r"#\s*noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?\s*$")
    assert found(silence, (".py",)) == []


def test_no_test_patches_our_own_modules() -> None:
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PATCHES
    ]
    assert calls == []
