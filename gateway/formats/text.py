"""Bytes that Japanese offices call text: which encoding they are in, how names compare, how CSV splits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gateway.errors import Unreadable
from gateway.schemas.place import Place

UTF8_MARK = b"\xef\xbb\xbf"
MOST_BYTES = 16 << 20
"""Of a document that has to be read in one piece, and of one line."""
MOST_ROWS = 50_000
"""Of a table that has to be read in one piece."""
LONGEST_NAME = 1_000
"""Characters; what is longer is no name of anything, and taking it apart might take minutes."""
REPLACEMENT = "\ufffd"

_HALF_WIDTH_KATAKANA = re.compile("[\uff61-\uff9f]")
_NARROW = {0xFF00 + low: 0x20 + low for low in range(0x01, 0x5F)} | {0x3000: 0x20}

_LINE = re.compile(r"([^\r\n]*)(?:\r\n|\n|\r|\Z)")
_NEWLINE = re.compile(r"\r\n|\n|\r")
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "'")
_PASSED_OVER = " \u3000\u00a0\ufeff\u200b\0\v\f"
"""What a spreadsheet may drop before it looks at a cell's first character."""

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_VARIANTS = (
    "髙高 﨑崎 嵜崎 斎斉 齋斉 齊斉 邊辺 邉辺 濵浜 濱浜 澤沢 嶋島 嶌島 德徳 惠恵 瀨瀬 "
    "曻昇 桒桑 栁柳 槗橋 眞真 圡土 𠮷吉 國国 櫻桜 廣広"
)
_FOLDED = (
    {ord(pair[0]): pair[1] for pair in _VARIANTS.split()}
    | dict.fromkeys(map(ord, _DASHES), "-")
    | {0x301C: "~", 0x2016: "\u2225"}
)
_IGNORED = re.compile("[\\s.,・･。、，．'’\u200b-\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_FORMS = (
    *("株式会社", "有限会社", "合同会社", "合資会社", "合名会社", "医療法人社団", "医療法人財団", "医療法人"),
    *("一般社団法人", "一般財団法人", "公益社団法人", "公益財団法人", "特定非営利活動法人", "npo法人"),
    *("社会福祉法人", "学校法人", "宗教法人", "カブシキガイシャ", "ユウゲンガイシャ"),
    *("(株)", "(有)", "(同)", "(資)", "(名)", "(医)", "(社)", "(財)", "(福)", "(学)", "(宗)", "(特非)"),
)
_LEADING = (*_FORMS, "(カ)", "(ユ)", "(ド)", "カブ)", "カ)", "ユ)", "ド)")
_TRAILING = (*_FORMS, "(カ)", "(ユ)", "(ド)", "(カブ", "(カ", "(ユ", "(ド")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the encoding it was read in, and how many places could not be read and hold U+FFFD."""

    text: str
    encoding: str
    replaced: int


def decode(raw: bytes) -> Decoded:
    """Text of unknown encoding, decided by what its bytes allow, never by locale.

    In order: a UTF-8 mark; strict UTF-8; of CP932 and EUC-JP those that decode at all, and of two the one that
    yields fewer half-width katakana (EUC-JP read as CP932 is full of them); else CP932 with what is unreadable
    replaced and counted. Plain ``shift_jis`` is never used: it lacks ①, ㈱ and 髙.

    Source: domain note 6.8.

    >>> decode("㈱髙島".encode("cp932"))
    Decoded(text='㈱髙島', encoding='cp932', replaced=0)
    """
    if raw.startswith(UTF8_MARK):
        text = raw[len(UTF8_MARK) :].decode("utf-8", errors="replace")
        return Decoded(text, "utf-8-sig", text.count(REPLACEMENT))
    for encodings in (("utf-8",), ("cp932", "euc_jp")):
        readings = [reading for encoding in encodings if (reading := _strictly(raw, encoding))]
        if readings:
            return min(readings, key=lambda reading: len(_HALF_WIDTH_KATAKANA.findall(reading.text)))
    text = raw.decode("cp932", errors="replace")
    return Decoded(text, "cp932", text.count(REPLACEMENT))


def _strictly(raw: bytes, encoding: str) -> Decoded | None:
    try:
        return Decoded(raw.decode(encoding), encoding, 0)
    except UnicodeDecodeError:
        return None


def narrow(text: str) -> str:
    """Full-width ASCII and the ideographic space as their ordinary selves; nothing else changes.

    Narrower than NFKC on purpose: NFKC reads ``1²`` as 12 and ``①`` as 1, which no figure or date may.

    >>> narrow("Ｒ６／３／３１　②")
    'R6/3/31 ②'
    """
    return text.translate(_NARROW)


def match_key(text: str) -> str:
    """A name reduced to what two spellings of it share; for comparison only, never for storage or display.

    NFKC and case are folded, variant kanji (髙 高) and dashes unified, the corporate form at either end, spaces
    and dots removed. A name that is nothing but a corporate form keeps it. Applying it twice changes nothing. What is
    longer than any name (``LONGEST_NAME``) is its own key.

    Source: domain note 6.8 and rule N07.

    >>> match_key("㈱髙橋 商店") == match_key("高橋商店（株）")
    True
    """
    if len(text) > LONGEST_NAME:
        return text
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    key = unicodedata.normalize("NFKC", _IGNORED.sub("", key.translate(_FOLDED)))
    while (shorter := _without_form(key)) != key:
        key = shorter
    return key


def _without_form(key: str) -> str:
    for form in _LEADING:
        if key.startswith(form) and len(key) > len(form):
            return key[len(form) :]
    for form in _TRAILING:
        if key.endswith(form) and len(key) > len(form):
            return key[: -len(form)]
    return key


Row = tuple[int, list[str], str]
"""The line it starts on, its cells, and its own text without the line end."""


def whole(source: BinaryIO) -> bytes:
    """All of a document that has to be read in one piece.

    Raises:
        Unreadable: it is larger than any such document.
    """
    raw = source.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise too_large_a_piece()
    return raw


def counted(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a table that has to be read in one piece.

    Raises:
        Unreadable: there are more than any such table has.
    """
    for count, row in enumerate(rows):
        if count == MOST_ROWS:
            raise Unreadable(
                f"A document of this format may have {MOST_ROWS} rows at most; send it in parts.",
                ja=f"この形式の文書は {MOST_ROWS} 行までです。分けて提出してください。",
                place=Place(line=row[0]),
            )
        yield row


def too_large_a_piece() -> Unreadable:
    """Why a document, or a line of one, is not read, in both languages."""
    return Unreadable(
        f"A document of this format, or one line of it, may have {MOST_BYTES} bytes at most; send it in parts.",
        ja=f"この形式の文書、またはその1行は {MOST_BYTES} バイトまでです。分けて提出してください。",
    )


def delimited_rows(text: str, delimiter: str = ",") -> Iterator[Row]:
    r"""Rows of delimited text, each with the line it starts on, its cells and its own text without the line end.

    Lines end in CRLF, LF or CR, mixed or not. A cell that starts with a quote is quoted as in RFC 4180 and may
    hold delimiters and line ends; a quote inside an unquoted cell is an ordinary character. An empty line is a row
    of one empty cell.

    Raises:
        Unreadable: a quote is never closed, or something follows the closing quote; with line and column.

    >>> list(delimited_rows('a,b\r\n"x, y",2'))
    [(1, ['a', 'b'], 'a,b'), (2, ['x, y', '2'], '"x, y",2')]
    """
    at, line, size = 0, 1, len(text)
    while at < size:
        whole = _LINE.match(text, at)
        assert whole is not None  # noqa: S101 - the pattern matches the empty string
        own = whole[1]
        if '"' not in own:
            yield line, own.split(delimiter), own
            at, line = whole.end(), line + 1
        else:
            cells, end = _quoted_row(text, at, delimiter, line)
            own = text[at:end]
            yield line, cells, own
            line += len(_NEWLINE.findall(own)) + 1
            newline = _NEWLINE.match(text, end)
            at = newline.end() if newline else end


def _quoted_row(text: str, at: int, delimiter: str, line: int) -> tuple[list[str], int]:
    cells: list[str] = []
    bare = re.compile(f"[^{re.escape(delimiter)}\r\n]*")
    while True:
        place = Place(line=line, column=len(cells) + 1)
        if text.startswith('"', at):
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                raise Unreadable("A quote is opened and never closed.", ja="引用符が閉じられていません。", place=place)
            cells.append(quoted[1].replace('""', '"'))
            line += len(_NEWLINE.findall(quoted[1]))
            at = quoted.end()
        else:
            plain = bare.match(text, at)
            assert plain is not None  # noqa: S101 - the pattern matches the empty string
            cells.append(plain[0])
            at = plain.end()
        if text.startswith(delimiter, at):
            at += len(delimiter)
        elif at >= len(text) or text[at] in "\r\n":
            return cells, at
        else:
            raise Unreadable("Text follows a closing quote.", ja="閉じ引用符の後に文字があります。", place=place)


def harmless(cell: str | int) -> str | int:
    """A cell that no spreadsheet takes for a formula. Who takes away one ``'`` at the beginning has what it was.

    >>> harmless("=1+1"), harmless(-1), harmless("'it"), harmless("残高")
    ("'=1+1", -1, "''it", '残高')
    """
    if isinstance(cell, str) and cell.lstrip(_PASSED_OVER).startswith(_BEGINS_A_FORMULA):
        return f"'{cell}"
    return cell


def as_it_was(cell: str) -> str:
    """What a cell said before it was made harmless.

    >>> as_it_was("'=1+1"), as_it_was("残高")
    ('=1+1', '残高')
    """
    return cell.removeprefix("'")


def whole_document(source: BinaryIO, refused: Collection[int]) -> Iterator[bytes]:
    """What goes back to a sender whose document is one record: the document as it came, if that record is refused."""
    while refused and (piece := source.read(65_536)):
        yield piece
