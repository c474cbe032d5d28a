"""Which files are the project's."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE_HERE = {".git", ".venv", "__pycache__", "build", "data", "demo-data", ".work"}
MADE_HERE |= {".hypothesis", ".mypy_cache", ".ruff_cache", ".import_linter_cache"}


def project_files() -> list[Path]:
    """Every file that is, or is about to be, part of the project, relative to its root.

    Git knows; where there is no git (an unpacked archive), everything counts that was not made by running it.
    """
    try:
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        found = [Path(name) for name in listed if name]
    except (FileNotFoundError, subprocess.CalledProcessError):
        found = [path.relative_to(ROOT) for path in sorted(ROOT.rglob("*"))]
        found = [path for path in found if not made_here(path)]
    return [path for path in found if (ROOT / path).is_file()]


def made_here(path: Path) -> bool:
    """Whether a file came into being by running the project."""
    top = path.parts[0] in MADE_HERE
    return top or any(part in MADE_HERE - {"data"} or part.endswith(".egg-info") for part in path.parts)
