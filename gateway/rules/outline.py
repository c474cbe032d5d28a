"""Statements as trees: which rows a total adds up, as far as the document itself says so.

Three styles are met. In *footer* style (e-Tax, 弥生) titles open a group and its total closes it, one level deeper than
the title or level with it. In *header* style a total stands above the rows it adds up. In *postfix* style (freee) it
stands below them: the same tree, read backwards. Where the levels say nothing, a section may: a total adds up the rows
whose section bears its name. Where neither does, a total has no addends here, and nothing is guessed.

Amounts are intervals, held as two columns of lowest and highest exact values; a source that does not round has one
column twice. Some rows can be read in more than one way (a deduction printed with or without its minus, an account
followed by its breakdown); a total holds when any reading adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from gateway.rules.accounts import is_deduction, is_net_amount, stem

Bounds = Sequence[int | None]
"""One bound per row; None where the row has no amount."""

Span = tuple[int, int]
"""Lowest and highest exact value."""

READINGS_AT_MOST = 256


class Row(NamedTuple):
    """One row as the outline needs it."""

    name: str
    level: int | None
    section: str | None = None
    is_title: bool = False
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """A row that states a sum.

    Attributes:
        total: the row.
        addends: the rows it adds up.
        gross: a further row of which it counts the amount itself, not its breakdown.
        is_plain: each addend can be read in one way only, as it stands; then adding up is all there is to do.
    """

    total: int
    addends: Sequence[int]
    gross: int | None = None
    is_plain: bool = False


class Outline:
    """The tree of one statement's rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._levelled = all(row.level is not None for row in rows)
        self._footers = any(row.is_title for row in rows)
        headers = not any(row.is_total for row in rows) or (rows[0].is_total and not rows[-1].is_total)
        self._parent = [-1] * len(rows)
        self._children: list[list[int]] = [[] for _ in rows]
        self._roots: list[int] = []
        self._place = [0] * len(rows)
        if self._levelled:
            order = range(len(rows))
            self._grow(order if self._footers or headers else order[::-1])

    def _grow(self, order: range) -> None:
        above: list[int] = []
        for row in order:
            level = self.rows[row].level or 0
            while above and (self.rows[above[-1]].level or 0) >= level:
                above.pop()
            if above:
                self._parent[row] = above[-1]
            siblings = self._siblings(row)
            self._place[row] = len(siblings)
            siblings.append(row)
            above.append(row)

    def _siblings(self, row: int) -> list[int]:
        parent = self._parent[row]
        return self._roots if parent < 0 else self._children[parent]

    @cached_property
    def _by_section(self) -> dict[str, list[int]]:
        sections: dict[str, list[int]] = {}
        for number, row in enumerate(self.rows):
            if row.section and not row.is_total:
                sections.setdefault(stem(row.section), []).append(number)
        return sections

    def sums(self) -> Iterator[Sum]:
        """Every sum whose addends the document shows: totals, and accounts less their deductions (純額)."""
        netted: set[int] = set()
        for number, row in enumerate(self.rows):
            if row.is_total and (addends := self._addends(number)):
                yield Sum(number, addends, is_plain=all(map(self._is_plain, addends)))
            parent = self._parent[number]
            if is_net_amount(row.name) and parent >= 0 and not self.rows[parent].is_title and parent not in netted:
                netted.add(parent)
                yield Sum(number, self._children[parent][: self._place[number]], parent)

    def leaves(self) -> list[int]:
        """Rows that nothing else is a breakdown of."""
        return [n for n, row in enumerate(self.rows) if not (row.is_total or row.is_title or self._children[n])]

    def _addends(self, total: int) -> list[int]:
        if self._children[total]:
            return self._children[total]
        if self._levelled and self._footers:
            siblings, place = self._siblings(total), self._place[total]
            if place and self._closes(total, siblings[place - 1]):
                return [siblings[place - 1]]
            if siblings[-1] == total and place and self._ends(total, self._parent[total]):
                return siblings[:-1]
        return self._by_section.get(stem(self.rows[total].name), [])

    def _is_plain(self, addend: int) -> bool:
        row = self.rows[addend]
        return not row.is_title and row.is_total == bool(self._children[addend])

    def _ends(self, total: int, title: int) -> bool:
        """Whether a total sums up the group of a title: it bears the title's name, or none but 合計."""
        name = stem(self.rows[total].name)
        return title >= 0 and self.rows[title].is_title and name in ("", stem(self.rows[title].name))

    def _closes(self, total: int, title: int) -> bool:
        """Whether a total stands level with the title of the group it closes."""
        return bool(self._children[title]) and self._ends(total, title)

    def worth(self, stated: Sum, lows: Bounds, highs: Bounds) -> list[Span]:
        """What the addends of a sum may come to, the likeliest reading first; nothing where an amount is not known."""
        added = self._added(stated.addends, lows, highs)
        if stated.gross is None:
            return [*added, *self._added(self._shallowest(stated.addends), lows, highs)]
        gross = _span(stated.gross, lows, highs)
        return plus([gross], added) if gross else []

    def _shallowest(self, addends: Sequence[int]) -> list[int]:
        """Addends without the deeper ones, which may be sub-accounts (補助科目) printed below their account."""
        levels = [self.rows[addend].level or 0 for addend in addends]
        top = min(levels)
        return [addend for addend, level in zip(addends, levels, strict=True) if level == top]

    def _added(self, addends: Sequence[int], lows: Bounds, highs: Bounds) -> list[Span]:
        """What these rows may add up to.

        A total among them that repeats the rows just before it counts once; one that closes a title, instead of it.
        """
        settled: list[Span] = [(0, 0)]
        pending: list[Span] = [(0, 0)]
        for place, row in enumerate(addends):
            following = addends[place + 1] if place + 1 < len(addends) else None
            if following is not None and self.rows[following].is_total and self._closes(following, row):
                continue
            readings = self._readings(row, lows, highs)
            repeats = self.rows[row].is_total and not self._children[row] and any(map(_meets(pending), readings))
            if repeats and pending != [(0, 0)]:
                added = plus(plus(settled, pending), readings)
                settled, pending = [*plus(settled, readings), *added], [(0, 0)]
            else:
                pending = plus(pending, readings)
        return plus(settled, pending)

    def _readings(self, row: int, lows: Bounds, highs: Bounds) -> list[Span]:
        """What one row may contribute to the total above it."""
        own, children = _span(row, lows, highs), self._children[row]
        if self.rows[row].is_title:
            return self._of_group(row, lows, highs)
        if own is None:
            return []
        if children and not self.rows[row].is_total:
            return self._with_breakdown(own, children, lows, highs)
        return [own, (-own[1], -own[0])] if is_deduction(self.rows[row].name) else [own]

    def _of_group(self, title: int, lows: Bounds, highs: Bounds) -> list[Span]:
        """What the group of a title comes to: its total where it states one, else the sum of its rows."""
        children = self._children[title]
        last = children[-1] if children and self.rows[children[-1]].is_total else None
        if last is None or (len(children) > 1 and self._closes(last, children[-2])):
            return self._added(children, lows, highs)
        stated = _span(last, lows, highs)
        if self._ends(last, title):
            return [stated] if stated else []
        return [*([stated] if stated else []), *self._added(children, lows, highs)]

    def _with_breakdown(self, own: Span, children: list[int], lows: Bounds, highs: Bounds) -> list[Span]:
        """An account followed by deeper rows: its net amount, less its deductions, or itself and its breakdown."""
        nets = [child for child in children if is_net_amount(self.rows[child].name)]
        if nets:
            net = _span(nets[-1], lows, highs)
            return [] if net is None else [net]
        deeper = plus([own], self._added(children, lows, highs))
        deductions = all(is_deduction(self.rows[child].name) for child in children)
        return [*deeper, own] if deductions else [own, *deeper]


def _span(row: int, lows: Bounds, highs: Bounds) -> Span | None:
    low, high = lows[row], highs[row]
    return None if low is None or high is None else (low, high)


def plus(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Every sum of one and another; nothing where that would be more than anybody could mean."""
    if len(some) * len(others) > READINGS_AT_MOST:
        return []
    return list(dict.fromkeys((low + more, high + most) for low, high in some for more, most in others))


def _meets(readings: list[Span]) -> Callable[[Span], bool]:
    return lambda span: any(low <= span[1] and span[0] <= high for low, high in readings)
