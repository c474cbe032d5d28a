"""The XML inside a workbook, read as it passes: no tree, no entity, and everything counted against a limit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import Unreadable
from gateway.formats.cells import Cell, Kind, iso_date_cell
from gateway.schemas.place import Place


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a workbook may be; far above hundreds of forms, far below what hurts.

    Attributes:
        members: files in the archive.
        unpacked_bytes: of all of them.
        ratio: unpacked to packed.
        elements: of XML, in all parts together.
        rows: up to which a cell may be filled in.
        columns: likewise.
        cell_characters: in one cell.
        characters: in all cells together, each use of a shared text counted.
    """

    members: int = 500
    unpacked_bytes: int = 64 * 1024 * 1024
    ratio: int = 200
    elements: int = 1_000_000
    rows: int = 10_000
    columns: int = 256
    cell_characters: int = 32_767
    characters: int = 8_000_000


@dataclass(slots=True)
class Budget:
    """What one workbook may still use up."""

    elements: int
    characters: int


_REFUSALS = {
    "broken": (
        "This is not an Excel workbook (.xlsx), or it is damaged.",
        "Excelブック（.xlsx）として読み取れません。ファイルが壊れていないか確認してください。",
    ),
    "locked": (
        "The workbook has a password or is of an older format; save it as .xlsx without a password.",
        "パスワード付き、または旧形式のファイルです。パスワードを外し、.xlsx形式で保存してください。",
    ),
    "large": (
        "Unpacked, the workbook is larger than any form; keep the sheets of the form only.",
        "ブックが大きすぎます。様式のシートだけを残して保存してください。",
    ),
    "far": (
        "A cell far outside the form is filled in; delete the rows and columns outside the form.",
        "様式から遠く離れたセルに値があります。様式の外の行と列を削除してください。",
    ),
    "long": (
        "A cell holds more characters than a cell may.",
        "セルの文字数が上限を超えています。",
    ),
    "active": (
        "The workbook contains macros or links to other files; save it as .xlsx without them.",
        "マクロまたは他のファイルへのリンクがあります。外してから.xlsx形式で保存してください。",
    ),
}


def refusal(reason: str, place: Place | None = None) -> Unreadable:
    """Why a workbook is not read, in both languages, with what to do about it."""
    message, ja = _REFUSALS[reason]
    return Unreadable(message, ja=ja, place=place or Place())


class Bounded:
    """A parser target that counts elements and takes no DOCTYPE."""

    def __init__(self, limits: Limits, budget: Budget) -> None:
        self.limits, self.budget = limits, budget

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element opens."""
        self.budget.elements -= 1
        if self.budget.elements < 0:
            raise refusal("large")
        self.opened(tag.rpartition("}")[2], attributes)

    def end(self, tag: str) -> None:
        """An element closes."""
        self.closed(tag.rpartition("}")[2])

    def data(self, text: str) -> None:
        """Text passes."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """A DOCTYPE is where entities come from; no writer of workbooks needs one."""
        raise refusal("broken")

    def close(self) -> None:
        """The document ends."""

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element opens, named without its namespace (transitional and strict workbooks differ only there)."""

    def closed(self, name: str) -> None:
        """An element closes."""


class Collector(Bounded):
    """Keeps the attributes of some elements, in document order."""

    def __init__(self, limits: Limits, budget: Budget, names: frozenset[str]) -> None:
        super().__init__(limits, budget)
        self._names = names
        self.found: list[tuple[str, dict[str, str]]] = []

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Keep it if it is one of those asked for."""
        if name in self._names:
            self.found.append((name, dict(attributes)))


class TextReader(Bounded):
    """Joins the runs of a rich text and leaves its furigana (``rPh``) out."""

    def __init__(self, limits: Limits, budget: Budget) -> None:
        super().__init__(limits, budget)
        self.texts: list[str] = []
        self._pieces: list[str] | None = None
        self._length = 0
        self._furigana = False

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note where text that counts begins."""
        if name == "si":
            self._length = 0
            self.texts.append("")
        elif name == "rPh":
            self._furigana = True
        elif name == "t" and not self._furigana:
            self._pieces = []

    def data(self, text: str) -> None:
        """Keep text that counts."""
        if self._pieces is not None:
            self._length += len(text)
            if self._length > self.limits.cell_characters:
                raise refusal("long")
            self._pieces.append(text)

    def closed(self, name: str) -> None:
        """Add what was kept to its string."""
        if name == "rPh":
            self._furigana = False
        elif name == "t" and self._pieces is not None:
            self.texts[-1] += unescaped("".join(self._pieces))
            self._pieces = None


class CellReader(Bounded):
    """Gathers the cells of one sheet in ``found``: address, style and what is stored; the caller empties it."""

    def __init__(self, limits: Limits, budget: Budget, sheet: str, texts: list[str]) -> None:
        super().__init__(limits, budget)
        self.found: list[tuple[str, str, Cell]] = []
        self._sheet = sheet
        self._texts = texts
        self._row = 0
        self._address, self._type, self._style = "", "n", "0"
        self._pieces: list[str] | None = None
        self._stored: list[str] = []
        self._length = 0
        self._formula = self._furigana = False

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Note the cell and where its value begins."""
        if name == "c":
            self._address = attributes.get("r") or self._next_address()
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._stored, self._length, self._formula, self._pieces = [], 0, False, None
        elif name == "v" or (name == "t" and not self._furigana):
            self._pieces = []
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._furigana = True
        elif name == "row":
            self._row, self._address = int(attributes.get("r") or self._row + 1), ""

    def data(self, text: str) -> None:
        """Keep the value's characters."""
        if self._pieces is not None:
            self._length += len(text)
            if self._length > self.limits.cell_characters:
                raise refusal("long", Place(sheet=self._sheet, cell=self._address))
            self._pieces.append(text)

    def closed(self, name: str) -> None:
        """Hand over the cell if it holds anything."""
        if name in ("v", "t") and self._pieces is not None:
            self._stored += self._pieces
            self._pieces = None
        elif name == "rPh":
            self._furigana = False
        elif name == "c":
            cell = self._cell("".join(self._stored))
            if cell is not None:
                self._check(cell)
                self.found.append((self._address, self._style, cell))

    def _cell(self, stored: str) -> Cell | None:
        if not stored:
            calculated = not self._formula or self._type == "str"
            return None if calculated else Cell(Kind.UNCALCULATED, "")
        if self._type == "s":
            return Cell(Kind.TEXT, self._texts[index_of(stored)])
        if self._type == "b":
            return Cell(Kind.FLAG, "true" if stored == "1" else "false")
        if self._type == "d":
            return iso_date_cell(stored)
        if self._type in ("n", "e"):
            return Cell(Kind.NUMBER if self._type == "n" else Kind.ERROR, stored)
        return Cell(Kind.TEXT, unescaped(stored))

    def _next_address(self) -> str:
        column = column_of(self._address) if self._address else 0
        row = row_of(self._address) if self._address else self._row
        return f"{column_letters(column + 1)}{row}"

    def _check(self, cell: Cell) -> None:
        self.budget.characters -= len(cell.text)
        if self.budget.characters < 0:
            raise refusal("large", Place(sheet=self._sheet, cell=self._address))
        if column_of(self._address) > self.limits.columns or row_of(self._address) > self.limits.rows:
            raise refusal("far", Place(sheet=self._sheet, cell=self._address))


_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def column_of(address: str) -> int:
    """The column of an address, from 1.

    >>> column_of("C7"), column_of("AA1")
    (3, 27)
    """
    column = 0
    for letter in _parts(address)[0]:
        column = column * 26 + ord(letter) - 64
    return column


def row_of(address: str) -> int:
    """The row of an address, from 1."""
    return int(_parts(address)[1])


def _parts(address: str) -> tuple[str, str]:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise refusal("broken")
    return found[1], found[2]


def index_of(stored: str) -> int:
    """A stored index into a table of the workbook; what is none is damage."""
    if not (stored.isascii() and stored.isdigit()):
        raise refusal("broken")
    return int(stored)


def column_letters(column: int) -> str:
    """A column, counted from 1, by its letters.

    >>> column_letters(3), column_letters(27)
    ('C', 'AA')
    """
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def unescaped(text: str) -> str:
    r"""Text with Excel's ``_x000D_`` escapes resolved and line ends as ``\n``; control characters are dropped.

    >>> unescaped("上期_x000D_\n下期_x0000_")
    '上期\n下期'
    """
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
    return _CONTROLS.sub("", plain.replace("\r\n", "\n").replace("\r", "\n"))
