"""The form of a rule.

A rule is one function under one of five decorators; its docstring is its published page, in this order: one sentence ·
*Because* · *Accepts* · *Finds* · *Remedy* · *Source*. Its code is stable and never used again for anything else.

- ``document_rule``: a generator over a view of one record (aggregates built once), yielding ``Hit``.
- ``history_rule``: the same, given the view and the record that stands before it in its series.
- ``beside_rule``: the same, given the view and the record that stands beside it: of the same firm and day, in the
  series that the record names as the one to be compared with.
- ``register_rule``: the same, given the view and what the recipient's register says of the guarantees that the record
  names and its institution holds (number -> ``Guaranteed``).
- ``row_rule``: returns one Polars expression, true where something is wrong, run alike over one row and millions. It
  may use the columns of the kind and, where ``needs_history``, ``prev_amount_yen`` and ``prev_valid_on``.
- ``listed_rule``: given a list of the operator's and one record, returns what it found; None where the list says
  nothing of it, and then it was not run. Rows are told apart only by the columns it looks at, and looked up once each.
- ``reading_rule``: no function: the words for what adapters, registers and the gateway itself report.

Message templates use ``{name}`` for params; a severity of a ``Hit`` overrides the rule's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from gateway.schemas.findings import Finding, Severity
from gateway.schemas.statement import Consulted

Form = Literal["reading", "document", "history", "beside", "register", "rows", "rows_history", "listed"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing a document rule found: where in the record (JSON Pointer) and with which figures."""

    pointer: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What people read: the finding and its remedy, in Japanese and English."""

    ja: str
    en: str
    remedy_ja: str
    remedy_en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One check, as data.

    Attributes:
        kinds: record kinds it concerns; empty for reading rules, which any kind may report.
        field: canonical column a row rule speaks of; its place is that column of the row.
        params: columns whose values fill the message of a row rule; those that a listed rule looks at.
        check: the function itself, None for reading rules.
        of: the list that a listed rule looks in.
    """

    code: str
    form: Form
    kinds: frozenset[str]
    severity: Severity
    words: Words
    source: str
    field: str | None = None
    params: tuple[str, ...] = ()
    check: Callable[..., Any] | None = None
    of: Literal["institutions", "corporations"] | None = None

    @property
    def page(self) -> str:
        """The rule's published page: its function's docstring, or its message where there is no function."""
        return (self.check.__doc__ if self.check else None) or self.words.en


REGISTRY: dict[str, Rule] = {}
"""Every declared rule by code, filled as the modules of this package are imported."""

DocumentCheck = Callable[[Any], Iterator[Hit]]
HistoryCheck = Callable[[Any, Any], Iterator[Hit]]
RowCheck = Callable[[], pl.Expr]
ListedCheck = Callable[[Any, Any], Sequence[Hit] | None]


def _declare(rule: Rule) -> None:
    if rule.code in REGISTRY:
        raise ValueError(f"rule code {rule.code} is declared twice")
    REGISTRY[rule.code] = rule


def document_rule(
    code: str, kind: str | tuple[str, ...], severity: Severity, words: Words, source: str
) -> Callable[[DocumentCheck], DocumentCheck]:
    """Declare a rule over one document."""

    def declare(check: DocumentCheck) -> DocumentCheck:
        _declare(Rule(code, "document", _kinds(kind), severity, words, source, check=check))
        return check

    return declare


def history_rule(
    code: str, kind: str | tuple[str, ...], severity: Severity, words: Words, source: str
) -> Callable[[HistoryCheck], HistoryCheck]:
    """Declare a rule over one document and the one before it in its series."""

    def declare(check: HistoryCheck) -> HistoryCheck:
        _declare(Rule(code, "history", _kinds(kind), severity, words, source, check=check))
        return check

    return declare


def beside_rule(
    code: str, kind: str | tuple[str, ...], severity: Severity, words: Words, source: str
) -> Callable[[HistoryCheck], HistoryCheck]:
    """Declare a rule over one document and the one that stands beside it."""

    def declare(check: HistoryCheck) -> HistoryCheck:
        _declare(Rule(code, "beside", _kinds(kind), severity, words, source, check=check))
        return check

    return declare


def register_rule(
    code: str, kind: str | tuple[str, ...], severity: Severity, words: Words, source: str
) -> Callable[[HistoryCheck], HistoryCheck]:
    """Declare a rule over one document and the guarantees it names, as the recipient's register has them."""

    def declare(check: HistoryCheck) -> HistoryCheck:
        _declare(Rule(code, "register", _kinds(kind), severity, words, source, check=check))
        return check

    return declare


@dataclass(frozen=True, slots=True)
class About:
    """What a row rule speaks of: the column it points at, and the columns whose values its message shows."""

    field: str
    params: tuple[str, ...] = ()
    needs_history: bool = False


def row_rule(  # noqa: PLR0913 - the same five as every rule, and what only rows have
    code: str, kind: str, severity: Severity, words: Words, source: str, *, about: About
) -> Callable[[RowCheck], RowCheck]:
    """Declare a rule over rows of many."""

    def declare(check: RowCheck) -> RowCheck:
        form: Form = "rows_history" if about.needs_history else "rows"
        _declare(Rule(code, form, _kinds(kind), severity, words, source, about.field, about.params, check))
        return check

    return declare


@dataclass(frozen=True, slots=True)
class Asked:
    """In which list a listed rule looks, and by which columns, of which the first is the one it points at in rows."""

    of: Literal["institutions", "corporations"]
    columns: tuple[str, ...] = ()


def listed_rule(  # noqa: PLR0913 - the same five as every rule, and what only those that look up have
    code: str, kind: str | tuple[str, ...], severity: Severity, words: Words, source: str, *, asked: Asked
) -> Callable[[ListedCheck], ListedCheck]:
    """Declare a rule that looks in a list of the operator's."""

    def declare(check: ListedCheck) -> ListedCheck:
        field = next(iter(asked.columns), None)
        _declare(Rule(code, "listed", _kinds(kind), severity, words, source, field, asked.columns, check, asked.of))
        return check

    return declare


@dataclass(slots=True)
class Looked:
    """What listed rules found, how many of them ran, over how many records in all, and where they looked."""

    findings: list[Finding] = field(default_factory=list)
    rules: int = 0
    evaluations: int = 0
    lists: set[Consulted] = field(default_factory=set)

    def count(self, records: int, source: Consulted) -> None:
        """That a rule ran over so many records."""
        if records:
            self.rules += 1
            self.evaluations += records
            self.lists.add(source)


def reading_rule(code: str, severity: Severity, words: Words, source: str) -> Rule:
    """Declare the words for something that is noticed while reading, resolving or sealing."""
    rule = Rule(code, "reading", frozenset(), severity, words, source)
    _declare(rule)
    return rule


def _kinds(kind: str | tuple[str, ...]) -> frozenset[str]:
    return frozenset((kind,) if isinstance(kind, str) else kind)
