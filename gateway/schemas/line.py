"""A line: one normalised record in a recipient's feed. Its bytes are frozen once and served verbatim for ever.

A line is canonical JSON (sorted ASCII keys, integers, no floats):

    key         {"institution","series","valid_on"}: what later versions of the same thing share
    kind        record kind
    subject     our party id of the firm
    record      the canonical record; an absent value is not_provided unless record.missing says otherwise
    source      {"ordinal","place","digest"}: where it stands in the document, and the digest of its own bytes there
    valid       {"from","to"}: Japanese calendar dates
    instants    event_on, period_end_on, known_at, produced_at, sent_at, received_at: those known by then
    findings    codes of the warnings it went in with
    consent     id of the firm's consent that it rests on, where it rests on one
    supersedes  null, or {"position","reason","before"}: the earlier line, why, and the values that changed
    nonce       128 random bits, since digests of small values can be guessed

Position and later instants are not in it: position = the statement's first_position + index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

CANONICAL = orjson.OPT_SORT_KEYS

WITHDRAWN, EXPIRED = "consent_withdrawn", "consent_expired"
"""Why a line is withheld that rests on a consent which is over: its bytes stay, and are disclosed no more."""

RESTRICTED = "restricted"
"""Why a line is withheld whose kind is not for everybody who reads; others are shown it."""

WITHHELD_REASONS = frozenset({"erased", "retention", "misdirected", WITHDRAWN, EXPIRED, RESTRICTED})


def feed_row(position: int, submission: str, index: int, line: bytes) -> bytes:
    """One row of the feed as sent: the line's stored bytes inside their address.

    >>> feed_row(7, "s", 0, b'{"kind":"x"}')
    b'{"position":7,"submission":"s","index":0,"line":{"kind":"x"}}'
    """
    return b'{"position":%d,"submission":"%s","index":%d,"line":%s}' % (position, submission.encode(), index, line)


def withheld_row(position: int, leaf: str, reason: str) -> bytes:
    """The stub served where a line may no longer be shown: its leaf hash stays, so gaps and proofs still verify."""
    return orjson.dumps({"position": position, "leaf": leaf, "withheld": reason})


def changed_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The earlier values of all fields that differ, as ``{"at": pointer, "value": earlier value}``, in order.

    Rows of a statement or trial balance are compared account by account, named by code or else by name.
    A value that was absent is null.

    >>> changed_values({"balance_yen": 5, "x": 1}, {"balance_yen": 4, "x": 1})
    [{'at': '/balance_yen', 'value': 5}]
    """
    changed: list[dict[str, Any]] = []
    _compare("", before, after, changed)
    return changed


def _compare(pointer: str, before: Any, after: Any, changed: list[dict[str, Any]]) -> None:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            _compare(f"{pointer}/{name}", before.get(name), after.get(name), changed)
    elif _are_accounts(before) and _are_accounts(after):
        _compare(pointer, _by_account(before), _by_account(after), changed)
    else:
        changed.append({"at": pointer, "value": before})


def _are_accounts(rows: Any) -> bool:
    return (
        isinstance(rows, list) and bool(rows) and all(isinstance(row, Mapping) and "source_name" in row for row in rows)
    )


def _by_account(rows: list[Any]) -> dict[str, Any]:
    return {str(row.get("source_code") or row["source_name"]): row for row in rows}
