"""The locks say everything that is installed, to the byte, and nothing about where it was fetched."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import packages_distributions

from project_files import ROOT

BROUGHT_ALONG = {"pydantic-core", "sqlalchemy", "starlette"}  # the other halves of pydantic, sqlmodel and fastapi
LOADED_BY_NAME = {"python-multipart"}  # by fastapi, for forms
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def normal(requirement: str) -> str:
    """A distribution's name as the locks spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]).lower()


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Distribution -> its pinned version (with marker) and how many hashes it may have."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").replace("\\\n", "")
    rows = [line.split("--hash=sha256:") for line in text.splitlines() if line and not line.startswith("#")]
    pins = [(row[0].strip(), len(row) - 1) for row in rows]
    return {normal(pin): (pin, hashes) for pin, hashes in pins}


def test_every_pin_is_exact_and_hashed() -> None:
    pins = {**locked("runtime"), **locked("dev")}.values()
    assert [pin for pin, hashes in pins if "==" not in pin or not hashes] == []


def test_what_runs_is_what_is_tested() -> None:
    tested = locked("dev")
    assert {name: pin for name, pin in locked("runtime").items() if tested.get(name) != pin} == {}


def test_every_dependency_of_the_project_is_locked() -> None:
    project = PROJECT["project"]
    runtime = {*map(normal, project["dependencies"]), *map(normal, project["optional-dependencies"]["postgres"])}
    assert sorted(runtime - set(locked("runtime"))) == []
    assert sorted({*map(normal, PROJECT["dependency-groups"]["dev"])} - set(locked("dev"))) == []


def test_no_lock_names_where_packages_come_from() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert [lock.name for lock in locks if "://" in lock.read_text("utf-8")] == []


def test_what_the_product_imports_is_what_it_declares() -> None:
    declared = {*map(normal, PROJECT["project"]["dependencies"])}
    brings = {module: {*map(normal, names)} for module, names in packages_distributions().items()}
    used = {name for module in imported_modules() for name in brings.get(module, ())} - {"hayame"}
    assert sorted(used - declared - BROUGHT_ALONG) == []
    assert sorted(declared - used - LOADED_BY_NAME) == []


def imported_modules() -> set[str]:
    """The top-level names that gateway and mocks import."""
    trees = [
        ast.parse(path.read_text("utf-8")) for room in ("gateway", "mocks") for path in (ROOT / room).rglob("*.py")
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in plain | named}
