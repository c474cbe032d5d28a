"""What the accounts of a trial balance stand at, in a digest: equal digests spare the look at the month before.

Nearly every month opens with exactly what the month before closed with. Then no rule over history has anything to
find, and the earlier document need not be fetched, opened and read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import compress
from typing import Any

import orjson

from gateway.schemas.records import TrialBalance

_DAY = timedelta(days=1)


def standings(record: TrialBalance) -> tuple[bytes | None, bytes | None]:
    """What a trial balance opens with, and what it closes with."""
    columns = record.columns
    names = [code or name for code, name in zip(columns["source_code"], columns["source_name"], strict=True)]
    return _standing(names, columns["opening_yen"]), _standing(names, columns["closing_yen"])


def closing_of(lines: Sequence[Mapping[str, Any]]) -> bytes | None:
    """What a trial balance in its JSON form closed with."""
    return _standing(names_of(lines), [line.get("closing_yen") for line in lines])


def names_of(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """What names the account of each line: its code, or else its name."""
    return [line.get("source_code") or line["source_name"] for line in lines]


def follows_on(opening: bytes | None, first: date, closing: bytes | None, last: date) -> bool:
    """Whether a document opens, the day after another's last, with exactly what that one closed with."""
    return opening is not None and opening == closing and first == last + _DAY


def _standing(names: Sequence[str], amounts: Sequence[int | None]) -> bytes | None:
    """Sixteen bytes that two documents share only if they agree in every account that stands at anything.

    None where two accounts have one name: then nothing can be said of either.

    >>> _standing(["現金", "売掛金"], [130, 0]) == _standing(["現金"], [130])
    True
    """
    if len(set(names)) < len(names):
        return None
    told = [*compress(names, amounts)], [*compress(amounts, amounts)]
    return hashlib.blake2b(orjson.dumps(told), digest_size=16).digest()
