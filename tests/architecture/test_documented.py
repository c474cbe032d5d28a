"""What can be met from outside is described for those who meet it: errors, settings, steps, words."""

from __future__ import annotations

import inspect
import re

from project_files import ROOT

from gateway import errors, pipeline
from gateway.client.client import Refusal
from gateway.settings import PREFIX, Settings

DOCS = ROOT / "docs"
STEPS = ["receive", "authenticate", "adapt", "validate", "normalise", "seal", "publish", "measure"]


def tree(error: type[errors.GatewayError] = errors.GatewayError) -> list[type[errors.GatewayError]]:
    return [error, *(each for child in error.__subclasses__() for each in tree(child))]


def first_cells(page: str, columns: int) -> list[tuple[str, ...]]:
    """The first cells of every table row that starts with a `code`."""
    rows = [
        line.strip("|").split("|") for line in (DOCS / page).read_text("utf-8").splitlines() if line.startswith("| `")
    ]
    return [tuple(cell.strip().strip("`") for cell in row[:columns]) for row in rows]


def test_every_error_code_is_documented_with_what_a_program_should_do() -> None:
    assert sorted(first_cells("errors.md", 2)) == sorted({(error.code, error.retry) for error in {*tree(), Refusal}})


def test_every_error_speaks_both_languages() -> None:
    silent = [error for error in tree() if not error.__doc__ or not re.search(r"[぀-ヿ一-鿿]", error.message_ja)]
    assert silent == []


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {name: shown for name, shown in first_cells("operations.md", 2) if name.startswith(PREFIX)}
    assert documented == {PREFIX + name.upper(): as_set(field.default) for name, field in Settings.model_fields.items()}


def test_every_setting_changes_something() -> None:
    readers = [(ROOT / "gateway" / name).read_text("utf-8") for name in ("settings.py", "wiring.py", "cli/serving.py")]
    read = {name for text in readers for name in re.findall(r"\b(?:settings|self)\.(\w+)", text)}
    assert sorted(Settings.model_fields.keys() - read) == []


def as_set(default: object) -> str:
    """A default as an operator would write it."""
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def test_the_picture_of_the_line_is_the_same_in_readme_and_pipeline() -> None:
    picture = inspect.cleandoc(pipeline.__doc__ or "").split("\n\n")[1]
    drawn = "\n".join(line.strip() for line in (ROOT / "README.md").read_text("utf-8").splitlines())
    assert [line.strip() for line in picture.splitlines() if line.strip() not in drawn] == []


def test_the_picture_of_the_line_shows_every_step_in_its_order() -> None:
    picture = inspect.cleandoc(pipeline.__doc__ or "").split("\n\n")[1].splitlines()[0]
    assert [word for word in re.findall(r"[a-z]+", picture) if word not in {"bytes", "feed"}] == STEPS
    assert sorted(path.stem for path in (ROOT / "gateway" / "steps").glob("[!_]*.py")) == sorted(STEPS)


def test_every_page_is_reachable_and_every_link_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    ]
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []
    linked = {(page.parent / target).resolve() for page, target in links} | {ROOT / "README.md"}
    assert sorted(page.name for page in pages if not {page, page.parent} & linked) == []


def test_decisions_are_numbered_without_gaps_and_fit_half_a_page() -> None:
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    assert [page.name[:4] for page in decisions] == [f"{number:04d}" for number in range(1, len(decisions) + 1)]
    assert [page.name for page in decisions if len(page.read_text("utf-8").split()) > 350] == []
