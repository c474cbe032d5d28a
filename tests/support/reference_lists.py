"""A folder of reference data about banks and firms that do not exist."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.reference import corporations, institutions, nta_files
from gateway.reference.lists import Lists

INSTITUTIONS = "institutions_2020-04-01_2026-12-31.csv"
HEAD = ",".join(institutions.COLUMNS)
BANKS = f"""{HEAD}
9991,,架空第一銀行,,,
9991,001,本店,,,
9991,011,東支店,,2026-03-31,012
9991,012,中央支店,2010-01-01,,
9991,013,新町支店,2026-04-01,,
9992,,架空第二銀行,,,
9993,,架空第三銀行,,2026-03-31,9995
9993,001,本店,,2026-03-31,9995101
9994,,架空第四信用金庫,,2025-09-30,9993
9995,,架空新銀行,2026-04-01,,
9995,101,第三本店,2026-04-01,,
9996,,架空第六信用組合,,2024-03-31,
"""
OPEN, WOUND_UP, MERGED, REVIVED, NOBODY = (
    "6999910000001",
    "5999910000002",
    "4999910000003",
    "3999910000004",
    "7999910000009",
)


def entry(number: str, process: str = "01", *, closed: str = "", cause: str = "", successor: str = "") -> str:
    """A line of the agency's CSV, with all that is looked at; the rest is empty."""
    cells = ["1", number, process, "0", "2026-11-24", "2026-11-20", '"架空の、""株式会社"""', *[""] * 23]
    cells[18], cells[19], cells[20], cells[22], cells[23], cells[29] = closed, cause, successor, "2015-10-05", "1", "0"
    return ",".join(cells)


FIRMS = (
    entry(OPEN),
    entry(WOUND_UP, "21", closed="2026-03-31", cause="01"),
    entry(MERGED, "21", closed="2026-03-31", cause="11", successor=OPEN),
    entry(REVIVED, "22"),
)


def published(folder: Path, name: str, entries: Iterable[str]) -> Path:
    """A file as the agency publishes it."""
    path = folder / name
    path.write_text("".join(f"{one}\n" for one in entries), "utf-8")
    return path


def compiled(folder: Path, *files: Path, kept: corporations.Corporations | None = None) -> corporations.Corporations:
    """The state after some files, written and opened."""
    [*_, last] = nta_files.apply(files, kept)
    return corporations.opened(last.write(folder))


def fill(folder: Path) -> None:
    """Put both lists into a folder."""
    (folder / INSTITUTIONS).write_text(BANKS, "utf-8")
    with TemporaryDirectory() as elsewhere:
        compiled(folder, published(Path(elsewhere), "00_zenkoku_all_20261124.csv", FIRMS))


@cache
def lists() -> Lists:
    """Both lists, opened."""
    with TemporaryDirectory() as name:
        fill(folder := Path(name))
        [firms] = folder.glob(corporations.PATTERN)
        return Lists(institutions.opened(folder / INSTITUTIONS), corporations.opened(firms))
