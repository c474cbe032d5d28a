"""The README keeps its word: its tour is typed as it stands and shows what it promises; its map is the house's."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from project_files import ROOT

README = (ROOT / "README.md").read_text("utf-8")
TOURS = {"README": README, "security": (ROOT / "docs" / "security-tour.md").read_text("utf-8")}
FENCE = re.compile(r"^```(bash|python) tour\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:8040"


def blocks(page: str) -> list[tuple[str, str]]:
    """A tour's blocks in order: language and text."""
    return [(found[1], found[2]) for found in FENCE.finditer(page)]


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def typed(page: str, folder: Path, address: str) -> str:
    """The blocks as one sitting at a shell; only the address is another, so that tests do not meet."""
    shell = []
    for language, text in blocks(page):
        text = text.replace(ADDRESS, address)
        if language == "python":
            (folder / "tour.py").write_text(text, "utf-8")
            text = "python tour.py\n"
        shell.append(text)
    return "".join(shell)


def seen(page: str, folder: Path) -> str:
    """Everything that appears on the screen of somebody who takes the tour in a folder."""
    address = free_address()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAYAME_")} | {
        "HAYAME_BASE_URL": f"http://{address}",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUTF8": "1",
    }
    sitting = subprocess.Popen(
        ["bash", "-c", typed(page, folder, address)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return sitting.communicate(timeout=280)[0].decode()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(sitting.pid, signal.SIGKILL)


def promised(page: str) -> re.Pattern[str]:
    """What the lines after ``# →`` say will appear; … stands for anything, alone on its line for any lines."""
    lines = [line for _, text in blocks(page) for line in re.findall(r"^# → (.*)$", text, re.MULTILINE)]
    patterns = [r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in lines]
    return re.compile("".join(patterns))


@pytest.mark.parametrize("tour", TOURS)
def test_the_tour_shows_what_it_promises(tour: str, tmp_path: Path) -> None:
    screen = seen(TOURS[tour], tmp_path)
    assert promised(TOURS[tour]).fullmatch(screen), screen


def test_the_first_lines_are_the_two_commands() -> None:
    commands = [line.split() for line in README.splitlines() if line.startswith("    ")][:2]
    assert [words[:2] for words in commands] == [["make", "demo"], ["make", "test"]]
    assert README.index("make demo") < README.index("## ")


def test_every_room_of_the_gateway_is_on_the_map() -> None:
    rooms = {path.name + "/" for path in (ROOT / "gateway").iterdir() if (path / "__init__.py").exists()}
    modules = {path.name for path in (ROOT / "gateway").glob("[!_]*.py")}
    for language in README.split("## 日本語"):
        assert sorted(one for one in rooms | modules if one not in language) == []


def test_both_languages_tell_the_whole() -> None:
    english, japanese = README.split("## 日本語")
    for part in (english, japanese):
        links = set(re.findall(r"\]\(([^)#]+)\)", part))
        assert {"CONTRIBUTING.md", "SECURITY.md", "docs/operations.md", "docs/lead-time.md"} <= links
        assert all(command in part for command in ("make demo", "make test"))
