"""JSON read strictly: whatever two readers could understand differently is not read at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

from gateway.errors import Unreadable
from gateway.formats.identifiers import shown
from gateway.formats.text import UTF8_MARK
from gateway.schemas.place import Place

DEEPEST = 100
"""How many lists and objects may stand within each other; a parser's own limit would depend on who called it."""
MOST_VALUES = 250_000
"""How many values may stand in one JSON text: what takes two bytes there takes a hundred once it is read."""


class _Refused(ValueError):
    """Not JSON as RFC 8259 has it, though Python would read it; says why in English and Japanese."""


def check_values(raw: bytes) -> None:
    """That a text holds no more values than may be read at a time; counted generously, and fast.

    Raises:
        Unreadable: it holds more.
    """
    if len(raw) > MOST_VALUES and raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MOST_VALUES:
        raise Unreadable(
            f"One JSON text may hold {MOST_VALUES} values at most; send one record per line (NDJSON).",
            ja=f"1つのJSONに含められる値は {MOST_VALUES} 個までです。1行に1記録（NDJSON）で提出してください。",
        )


def strict_json(raw: bytes, line: int = 1) -> Any:
    """The value of a UTF-8 JSON text (a byte order mark is ignored).

    Stricter than most readers: a member named twice, ``NaN``, ``Infinity`` and endless nesting are refused, so that
    what we seal is what everybody else reads in the same bytes.

    Args:
        raw: one JSON text.
        line: number of the line it starts on, for places.

    Raises:
        Unreadable: with line and column wherever they are known.
    """
    check_values(raw)
    try:
        text = raw.removeprefix(UTF8_MARK).decode()
    except UnicodeDecodeError as error:
        before = raw.removeprefix(UTF8_MARK)[: error.start].decode()
        column = len(before) - before.rfind("\n")
        place = Place(line=line + before.count("\n"), column=column)
        raise _unreadable("there are bytes that are not UTF-8", "UTF-8でないバイトがあります", place) from error
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_constant)
    except json.JSONDecodeError as error:
        place = Place(line=line + error.lineno - 1, column=error.colno)
        raise _unreadable(error.msg, "文法に誤りがあります", place) from error
    except RecursionError:
        value = None
    except _Refused as error:
        raise _unreadable(error.args[0], error.args[1], _start(text, line)) from error
    except ValueError as error:  # Python's own refusal of integers with thousands of digits
        raise _unreadable("a number is too long", "数値が長すぎます", _start(text, line)) from error
    if text.count("[") + text.count("{") > DEEPEST and (value is None or _depth(value) > DEEPEST):
        raise _unreadable("it is nested too deeply", "入れ子が深すぎます", _start(text, line))
    return value


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [child for each in level for child in _children(each)]:
        depth += 1
    return depth


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _start(text: str, line: int) -> Place:
    """The line, where all of the text stands on it; else nothing is known."""
    return Place(line=None if "\n" in text.strip() else line)


def pointer_to(*tokens: object) -> str:
    """A JSON Pointer (RFC 6901) to where these member names and indexes lead.

    >>> pointer_to("lines", 0, "a/b")
    '/lines/0/a~1b'
    """
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = shown(Counter(name for name, _ in pairs).most_common(1)[0][0])
        raise _Refused(f"member '{twice}' is there twice", f"項目「{twice}」が重複しています")
    return members


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a JSON number", f"{name} は数値ではありません")


def _unreadable(en: str, ja: str, place: Place) -> Unreadable:
    return Unreadable(f"Not readable as JSON: {en}.", ja=f"JSONとして読み取れません。{ja}。", place=place)
