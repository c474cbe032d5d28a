"""From a sender's accounts to the canonical chart, and the proof that no yen is lost on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import compress, repeat
from operator import itemgetter, not_
from typing import Any, Literal, NamedTuple

from gateway.errors import NotConserved
from gateway.formats.text import match_key
from gateway.schemas.accounts import Account, Side, chart
from gateway.schemas.records import Columns, FinancialStatement, TrialBalance

How = Literal["code", "vendor", "alias", "section", "unmapped"]
Conservation = dict[str, dict[str, int]]

BALANCES = ("opening_yen", "debit_yen", "credit_yen", "closing_yen")
_LONGEST_CODE = 40
_REMEMBERED = 700  # characters; what is longer may be somebody's way to fill memory
_STATEMENTS = {"BS": "BS", "PL": "PL", "SC": "CR"}


class Mapped(NamedTuple):
    """The canonical account, if there is one, and by what it was found."""

    account_key: str | None
    how: How


UNMAPPED = Mapped(None, "unmapped")


@dataclass(frozen=True, slots=True)
class _Index:
    codes: dict[str, str]
    code_prefixes: dict[str, str]
    totals: frozenset[str]
    names: dict[str, tuple[Account, ...]]
    family_prefixes: dict[str, str]
    sections: dict[str, str]
    vendors: dict[str, dict[str, str]]


@cache
def _index() -> _Index:
    known = chart()
    codes: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    names: dict[str, tuple[Account, ...]] = {}
    totals: set[str] = set()
    for account in known.accounts.values():
        for code in (*account.etax, *account.etax_total):
            table = prefixes if code.endswith("*") else codes
            table[code.removesuffix("*")] = account.key
        totals |= {*account.etax_total, *(account.etax if account.total else ())}
        for name in dict.fromkeys(map(match_key, (account.ja, *account.aliases))):
            names[name] = (*names.get(name, ()), account)
    return _Index(
        codes=codes,
        code_prefixes=prefixes,
        totals=frozenset(totals),
        names=names,
        family_prefixes={family.prefix: family.key for family in known.families if family.prefix},
        sections={match_key(name): family.key for family in known.families for name in family.sections},
        vendors={
            match_key(product): {match_key(name): key for name, key in renamed.items()}
            for product, renamed in known.vendors.items()
        },
    )


def map_account(
    code: str | None, name: str, section: str | None = None, statement: str | None = None, vendor: str | None = None
) -> Mapped:
    """The canonical account of one of the sender's.

    Tried in this order: the e-Tax code; a name that is particular to the product; a name of the chart's, as long as
    code and section do not contradict it; the family of the code, or the section the account stands in; else it is
    unmapped.

    Args:
        code: an NTA account code, with or without branch number; any other code is as good as none.
        name: the account's name.
        section: name of the section it stands in.
        statement: ``BS``, ``PL`` or ``CR`` where known.
        vendor: the product the document comes from.

    Source: domain notes 6.5, 6.6 and N08.

    >>> map_account("10A100060", "受取手形"), map_account(None, "リース債務", "固定負債").account_key
    (Mapped(account_key='notes_receivable', how='code'), 'lease_noncurrent')
    """
    short = len(name) + len(code or "") + len(section or "") <= _REMEMBERED
    return (_mapped if short else _mapped.__wrapped__)(code, name, section, statement, vendor)


@lru_cache(maxsize=65_536)
def _mapped(code: str | None, name: str, section: str | None, statement: str | None, vendor: str | None) -> Mapped:
    index = _index()
    if code and (key := index.codes.get(code) or _longest(index.code_prefixes, code)):
        return Mapped(key, "code")
    named = match_key(name)
    if vendor and (key := index.vendors.get(match_key(vendor), {}).get(named)):
        return Mapped(key, "vendor")
    family = _longest(index.family_prefixes, code) if code else None
    stands_in = index.sections.get(match_key(section)) if section else None
    if account := _of_that_name(index.names.get(named, ()), family, stands_in, statement):
        return Mapped(account.key, "alias")
    place = family or stands_in or ("manufacturing_cost_other" if statement == "CR" else None)
    return Mapped(place, "section") if place else UNMAPPED


def is_total_code(code: str | None) -> bool:
    """Whether an e-Tax code stands for a sum, so that its amount is already in other rows."""
    return code in _index().totals


def is_total_name(name: str) -> bool:
    """Whether a row of this name is a sum: it says so (合計, 小計), or all the chart's accounts of that name are."""
    accounts = _index().names.get(match_key(name), ())
    return name.rstrip().endswith(("合計", "小計", "総計")) or (bool(accounts) and all(a.total for a in accounts))


def normal_side(account_key: str | None, line: Mapping[str, Any]) -> Side | None:
    """The side on which an account's amounts are positive in its source.

    The side on which closing follows from opening and movements, where only one does; else that of the canonical
    account. A source may print a deduction (値引, 累計額) on either side, so its own figures have the first word.

    Args:
        account_key: the canonical account, if there is one.
        line: the four amounts by field name, yen.
    """
    opening, debit, credit, closing = (line.get(name) for name in BALANCES)
    if opening is not None and debit is not None and credit is not None and debit != credit:
        if closing == opening + debit - credit:
            return "debit"
        if closing == opening - debit + credit:
            return "credit"
    return chart().accounts[account_key].side if account_key else None


def _longest(prefixes: dict[str, str], code: str) -> str | None:
    for length in range(min(len(code), _LONGEST_CODE), 2, -1):
        if key := prefixes.get(code[:length]):
            return key
    return None


def _of_that_name(
    accounts: Sequence[Account], family: str | None, stands_in: str | None, statement: str | None
) -> Account | None:
    """The account meant by a name: the one beside the code's family or in the section, else the first of the statement.

    A code says more than a name. In profit and loss the section does too (a gain may be ordinary or extraordinary); in
    the balance sheet it does not (debt stays debt wherever it is shown).
    """
    place = family or stands_in
    if place:
        statement = statement or chart().accounts[place].statement
        if beside := [account for account in accounts if _beside(account, place)]:
            return beside[0]
        if family or statement != "BS":
            return None
    fitting = [account for account in accounts if statement in {None, account.statement}]
    return fitting[0] if fitting else None


def _beside(account: Account, place: str) -> bool:
    other = chart().accounts[place]
    return account.key in {place, other.parent} or account.parent in {other.key, other.parent} - {None}


def normalised_lines(record: TrialBalance | FinancialStatement) -> tuple[list[dict[str, Any]], Conservation]:
    """Every line with its canonical account, and what became of the money.

    A line keeps all it said (absent values are left out) and gains ``mapping`` (how it was mapped) and, where there
    is one, ``account_key``. A total is mapped by its own code or name only: what it is a section of says nothing about
    it. Titles and texts of a statement are not accounts and gain neither.

    Returns:
        The lines in their order, and per amount column, over all lines that are not totals, the sum that was mapped,
        the sum that was not, and the sum counted in the source itself: the first two make the third.

    Raises:
        NotConserved: they do not; then this module is at fault, and nothing may be sealed.
    """
    if isinstance(record, TrialBalance):
        return _of_trial_balance(record)
    return _of_statement(record)


def _of_trial_balance(record: TrialBalance) -> tuple[list[dict[str, Any]], Conservation]:
    rows = record.table.rows()
    named = (record.columns[name] for name in ("source_code", "source_name", "section", "statement"))
    for row, mapped in zip(rows, map(_mapped, *named, repeat(record.software)), strict=True):
        _note(row, mapped)
    return rows, conserved(record.columns, rows, BALANCES)


def _of_statement(record: FinancialStatement) -> tuple[list[dict[str, Any]], Conservation]:
    rows = record.table.rows()
    statement = _STATEMENTS.get(record.statement_type)
    for row, section in _with_sections(rows):
        if row["row"] == "amount":
            code, name = row.get("source_code"), row["source_name"]
            _note(row, map_account(code, name, section, statement) if statement else UNMAPPED)
    return rows, conserved(record.columns, rows, ("amount_yen",))


def _note(row: dict[str, Any], mapped: Mapped) -> None:
    key, how = mapped if mapped.how != "section" or not row["is_total"] else UNMAPPED
    row["mapping"] = how
    if key is not None:
        row["account_key"] = key


def _with_sections(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Each row with the nearest title above it in the tree."""
    titles: list[tuple[int, str]] = []
    for row in rows:
        while titles and titles[-1][0] >= row["level"]:
            titles.pop()
        yield row, titles[-1][1] if titles else None
        if row["row"] == "title":
            titles.append((row["level"], row["source_name"]))


def conserved(source: Columns, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Conservation:
    """Per amount column what was mapped, what was not, and what the source holds, proven to be equal.

    Args:
        source: the columns as read, before anything was mapped.
        rows: the mapped rows.
        columns: which columns hold amounts.

    Raises:
        NotConserved: mapped and unmapped do not make the source, to the yen.
    """
    counted = list(map(not_, source["is_total"]))
    mapped = [row for row in rows if "account_key" in row and not row["is_total"]]
    unmapped = [row for row in rows if "account_key" not in row and not row["is_total"]]
    conservation = {
        column: {
            "mapped": _sum(mapped, column),
            "unmapped": _sum(unmapped, column),
            "source": sum(filter(None, compress(source[column], counted))),
        }
        for column in columns
    }
    for sums in conservation.values():
        if sums["mapped"] + sums["unmapped"] != sums["source"]:
            raise NotConserved
    return conservation


def _sum(rows: list[dict[str, Any]], column: str) -> int:
    try:
        return sum(map(itemgetter(column), rows))
    except KeyError:  # some row states no amount there
        return sum([row[column] for row in rows if column in row])
