"""Files exported by accounting programs: decoded with care, split into rows, and what their heading says about them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from gateway.errors import Unreadable
from gateway.formats.japanese_calendar import month_end, parse_date
from gateway.formats.text import REPLACEMENT, counted, decode, delimited_rows, narrow
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.place import Place
from gateway.schemas.records import Unit

TaxMethod = Literal["inclusive", "exclusive", "unknown"]

_GAIJI = re.compile("[\ue000-\uf8ff]")
_JAPANESE = re.compile("[\u3041-\u30fa\u4e00-\u9fff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]+")
_LOST = re.compile(r"(?:^|[,\"\t])\?{2,}")
_MISREADINGS = (
    ("cp932", "utf-8"),
    ("latin-1", "utf-8"),
    ("cp1252", "utf-8"),
    ("latin-1", "cp932"),
    ("cp1252", "cp932"),
)
_LINES_LOOKED_AT = 50
_LATIN_ENDS = "\u2200"
_YEARS = frozenset(range(1900, 2201))

_YEAR = r"(?:(?:令和|平成|昭和|[RrHhSs])\.?\s*(?:元|[0-9]{1,2})|[0-9]{4})"
_DAY = re.compile(rf"{_YEAR}(?:年\s*[0-9]{{1,2}}月\s*[0-9]{{1,2}}日|([./-])\s*[0-9]{{1,2}}\1\s*[0-9]{{1,2}})")
_MONTH = re.compile(rf"(?<![0-9])({_YEAR})(?:年\s*([0-9]{{1,2}})月|[./-]([0-9]{{1,2}}))(?![0-9]*[日./-])")
_UNIT = re.compile(r"(?:単位\s*[:/]?\s*|\()(千円|百万円|円)")
_UNITS = {"円": Unit.YEN, "千円": Unit.THOUSAND, "百万円": Unit.MILLION}
_TAX = re.compile("税(抜|込)")


class Row(NamedTuple):
    """One row of the source: its line, its cells, and its own text."""

    line: int
    cells: list[str]
    own: str


@dataclass(frozen=True, slots=True)
class Export:
    """One exported file.

    Attributes:
        raw: as received.
        encoding: in which it was read.
        replaced: how many places could not be read, here or wherever it was saved before, and hold U+FFFD.
        gaiji: how many characters are somebody's own (外字), and the line of the first.
        rows: all rows that are not empty; cells without outer spaces.
    """

    raw: bytes
    encoding: str
    replaced: int
    gaiji: tuple[int, int]
    rows: tuple[Row, ...]

    @staticmethod
    def of(raw: bytes) -> Export:
        """The file with its delimiter (comma or tab) found out; an end-of-file mark (0x1A) is no part of it.

        Raises:
            Unreadable: its text was damaged before it came here, or its quotes do not close.
        """
        decoded = decode(raw.rstrip(b"\x1a\x00"))
        refuse_mojibake(decoded.text)
        delimiter = "\t" if decoded.text.count("\t") > decoded.text.count(",") else ","
        rows = tuple(
            Row(line, [cell.strip() for cell in cells], own)
            for line, cells, own in counted(delimited_rows(decoded.text, delimiter))
            if own.strip(', "\t')
        )
        found = _GAIJI.search(decoded.text)
        first = decoded.text.count("\n", 0, found.start()) + 1 if found else 0
        gaiji = (len(_GAIJI.findall(decoded.text)), first)
        return Export(raw, decoded.encoding, decoded.text.count(REPLACEMENT), gaiji, rows)

    def findings(self) -> Iterator[Finding]:
        """What is to be said about its text: once, with the first record."""
        if self.replaced:
            yield Finding(code="V41", severity=Severity.WARN, record=0, params={"count": self.replaced})
        if self.gaiji[0]:
            place = Place(line=self.gaiji[1])
            yield Finding(code="V41G", severity=Severity.WARN, record=0, place=place, params={"count": self.gaiji[0]})


@dataclass(frozen=True, slots=True)
class Parted:
    """A file taken apart into records that stand below one heading.

    Attributes:
        raw: as received.
        encoding: in which it was read.
        heading: the rows that belong to every record.
        groups: each record's own rows, in the order of the records.
    """

    raw: bytes
    encoding: str
    heading: Sequence[Row]
    groups: Collection[Sequence[Row]]

    def digests(self) -> Iterator[str]:
        """SHA-256 in hexadecimal of what ``returned`` would give for each record alone.

        The heading, which may be long, is taken in once: a file of two million bytes may hold a hundred thousand
        records.
        """
        if len(self.groups) == 1:
            yield hashlib.sha256(self.raw).hexdigest()
            return
        start = hashlib.sha256(self._text(self.heading))
        for rows in self.groups:
            own = start.copy()
            own.update(self._text(rows))
            yield own.hexdigest()

    def returned(self, refused: Collection[int]) -> Iterator[bytes]:
        """The heading and the rows of the refused records, each as it stood; the file as it came if these are all."""
        if len(refused) == len(self.groups):
            yield self.raw
        elif refused:
            yield self._text(self.heading)
            yield self._text(row for ordinal, rows in enumerate(self.groups) if ordinal in refused for row in rows)

    def _text(self, rows: Iterable[Row]) -> bytes:
        return "".join(row.own + "\r\n" for row in sorted(rows)).encode(self.encoding, errors="replace")


def refuse_mojibake(text: str) -> None:
    """Refuse text that decodes but was once decoded wrongly and saved so (文字化け), or lost its characters to ``?``.

    Decided by undoing: text that becomes Japanese when each of its lines is put back into the wrong encoding and read
    in the right one was never meant as it stands. Real Japanese text does not survive that.

    Raises:
        Unreadable: with the line, and what it probably said where that can still be told.

    Source: domain note 6.8.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if not line.isascii()]
    if not lines:
        if lost := _LOST.search(text):
            raise _damaged("its Japanese characters were replaced by '?'", text.count("\n", 0, lost.start()) + 1)
        return
    looked_at = lines[:_LINES_LOOKED_AT]
    for wrong, right in _MISREADINGS:
        undone = [(number, meant) for number, line in looked_at if (meant := _undone(line.strip(), wrong, right))]
        if 2 * len(undone) > len(looked_at):
            raise _damaged(f"{right} was read as {wrong}", undone[0][0], undone[0][1])
    foreign = "".join(_NOT_ASCII.findall("".join(line for _, line in looked_at)))
    rare = sum(0xE3 <= sign.encode("cp932", "replace")[0] <= 0xE9 for sign in foreign)
    if 4 * rare > len(foreign):  # first bytes of kana and kanji in UTF-8 are those of rare kanji in CP932
        raise _damaged("utf-8 was read as cp932", looked_at[0][0])
    if not _JAPANESE.search(foreign) and 2 * sum(sign < _LATIN_ENDS for sign in foreign) > len(foreign):
        raise _damaged("it was read as Western European text", looked_at[0][0])


def _undone(line: str, wrong: str, right: str) -> str | None:
    """What a line says once a wrong decoding is undone, if that is Japanese; cells that were cut off may not undo."""
    try:
        meant = line.encode(wrong).decode(right)
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
    return meant if _JAPANESE.search(meant) else None


def _damaged(how: str, line: int, meant: str | None = None) -> Unreadable:
    probably = f" (it probably said '{meant[:20]}')" if meant else ""
    ja = f"（本来は「{meant[:20]}」と思われます）" if meant else ""
    return Unreadable(
        f"The text was damaged before it was sent: {how}{probably}. Export it again and send the file unopened.",
        ja=f"文字化けしています{ja}。会計ソフトから出力し直し、他のソフトで開いて保存せずに、そのまま提出してください。",
        place=Place(line=line),
    )


def period_of(texts: Iterable[str]) -> tuple[date, date] | None:
    """The period that a heading states: its first two dates (also of a 20日締め), else its one month; None without.

    >>> period_of(["集計期間：R.07/04/21", "～ R.07/05/20"]), period_of(["令和7年4月度"])
    ((datetime.date(2025, 4, 21), datetime.date(2025, 5, 20)), (datetime.date(2025, 4, 1), datetime.date(2025, 4, 30)))
    """
    heading = narrow(" ".join(texts))
    try:
        days = [parse_date(found[0]) for found in _DAY.finditer(heading)]
        if len(days) >= 2:
            return (days[0], days[1]) if {days[0].year, days[1].year} <= _YEARS else None
        if not days and (month := _MONTH.search(heading)):
            first = parse_date(f"{month[1]}年{month[2] or month[3]}月1日")
            return (first, month_end(first.year, first.month)) if first.year in _YEARS else None
    except ValueError:
        return None
    return None


def unit_of(heading: str) -> Unit:
    """The unit that a heading states (単位：千円); yen where it states none.

    >>> unit_of("残高試算表（単位：千円）")
    <Unit.THOUSAND: 'thousand'>
    """
    found = _UNIT.search(narrow(heading))
    return _UNITS[found[1]] if found else Unit.YEN


def tax_method_of(heading: str) -> TaxMethod:
    """Whether amounts are with or without consumption tax, as a heading states it; the last mention counts.

    >>> tax_method_of("税抜/税込：税抜"), tax_method_of("残高試算表")
    ('exclusive', 'unknown')
    """
    found = _TAX.findall(heading)
    return {"抜": "exclusive", "込": "inclusive"}[found[-1]] if found else "unknown"  # type: ignore[return-value]  # a literal
