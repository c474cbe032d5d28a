"""What a row's code and name say about it: its class, the total it states, the sides it may stand on."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from gateway.formats.accounts import is_total_code, is_total_name, map_account
from gateway.formats.text import match_key
from gateway.schemas.accounts import Side

PROFITS = ("gross_profit", "operating_profit", "ordinary_profit", "pretax_profit", "net_profit")
"""The results of a profit and loss statement, in their order; each follows from the one before."""

_ETAX_CODE = re.compile(r"[0-9]{2}([A-F][0-9]{6})((?:-[0-9]+)*)")
_NAME_OF_TOTAL = re.compile(r"の部|合計額?$|小計$|総計$|計$|及び|[()\[\]【】「」]")
_DEDUCTION = re.compile(
    "貸倒引当金|投資損失引当金|累計額|自己株式|事業主貸|値引|戻り高|戻し高|割戻|返品|振替高|期末.*[棚たタ]な?卸"
)
_EITHER_SIGN = re.compile(
    "剰余金|純損益|純利益|純損失|繰越利益|繰越損失|差額|評価・換算|事業主|元入金|過不足|諸口|資金複合|当座預金"
    "|繰延税金|仮受消費税|仮払消費税|未払消費税|未払法人税|本店|支店"
)
_SIDES: dict[str, Side] = {"A": "debit", "B": "credit", "C": "credit", "D": "credit", "E": "debit"}


ByAccount = Mapping[str, tuple[int, Mapping[str, Any]]]
"""Account -> the place of its line in the document, and the line's fields."""


def by_account(lines: Iterable[Mapping[str, Any]]) -> ByAccount:
    """Lines by what names their account: its code, or else its name; where lines share a code, code and name.

    Accounts that even so cannot be told apart are left out: nothing can be said of either.

    >>> by_account([{"source_code": "1", "source_name": "現金"}])["1"][0]
    0
    """
    rows = list(enumerate(lines))
    found = {line.get("source_code") or line["source_name"]: (number, line) for number, line in rows}
    if len(found) == len(rows):
        return found
    codes = Counter(line.get("source_code") for _, line in rows)
    named = [(_account(line, codes), (number, line)) for number, line in rows]
    times = Counter(account for account, _ in named)
    return {account: row for account, row in named if times[account] == 1}


def _account(line: Mapping[str, Any], codes: Counter[str | None]) -> str:
    code, name = line.get("source_code"), str(line["source_name"])
    return name if not code else code if codes[code] == 1 else f"{code} {name}"


@lru_cache(maxsize=65_536)
def general_code(code: str | None) -> str | None:
    """An e-Tax account code in the table of general industry (10), whatever the industry; None for other codes.

    A code with a branch number is the filer's own account and has no general form.

    >>> general_code("11A000020"), general_code("10A100010-1"), general_code("1110")
    ('10A000020', None, None)
    """
    found = _ETAX_CODE.fullmatch(code) if code else None
    return f"10{found[1]}" if found and not found[2] else None


@lru_cache(maxsize=65_536)
def etax_family(code: str | None) -> str:
    """The letter and digits of an e-Tax code, branch or not; empty for other codes.

    >>> etax_family("11E200720"), etax_family("10A100010-1")
    ('E200720', 'A100010')
    """
    found = _ETAX_CODE.fullmatch(code) if code else None
    return found[1] if found else ""


def side_of(code: str | None) -> Side | None:
    """The normal side of an account by the class of its e-Tax code, None where it says nothing."""
    return _SIDES.get(etax_family(code)[:1])


def statement_of(code: str | None) -> str | None:
    """The statement an e-Tax code belongs to, None where the code says nothing."""
    family = etax_family(code)
    return None if not family else "BS" if family[0] in "ABC" else "PL"


@lru_cache(maxsize=65_536)
def total_key(code: str | None, name: str, statement: str | None, is_total: bool) -> str | None:
    """The canonical account whose sum this row states: by code in any industry, else by name; None for other rows.

    Args:
        code: the row's own code.
        name: its name.
        statement: ``BS``, ``PL`` or ``CR`` where known; tells 当期純利益 of the two statements apart.
        is_total: whether the document says that it is a sum.

    >>> total_key("11A000020", "資産合計", "BS", False), total_key(None, "当期純利益", "PL", False)
    ('total_assets', 'net_profit')
    """
    general = general_code(code)
    if general is not None:
        return map_account(general, name).account_key if is_total_code(general) else None
    bare = stem(name)
    named = (map_account(None, spelt, None, statement) for spelt in (name, bare, f"{bare}合計"))
    key = next((mapped.account_key for mapped in named if mapped.how == "alias"), None)
    return key if is_total or key in PROFITS or is_total_name(name) else None


@lru_cache(maxsize=65_536)
def stem(name: str) -> str:
    """A name without what marks it as title or total, for telling that both speak of one group.

    >>> stem("流動資産合計") == stem("流動資産"), stem("資産の部") == stem("［資産の部合計］")
    (True, True)
    """
    return _NAME_OF_TOTAL.sub("", _NAME_OF_TOTAL.sub("", match_key(name)))


@lru_cache(maxsize=65_536)
def is_deduction(name: str) -> bool:
    """Whether an account reduces the group it stands in, so that its sign and side depend on who prints it."""
    return bool(_DEDUCTION.search(unicodedata.normalize("NFKC", name)))


@lru_cache(maxsize=65_536)
def may_be_negative(name: str) -> bool:
    """Whether a balance of this account is negative in the ordinary course: deductions, results, tax prepaid."""
    return is_deduction(name) or bool(_EITHER_SIGN.search(unicodedata.normalize("NFKC", name)))


def is_net_amount(name: str) -> bool:
    """Whether a row states an account less its deductions (純額)."""
    return "純額" in name
