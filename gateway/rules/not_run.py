"""Checks that are known and not run: what each would find, and what it would need. A code is never used otherwise."""

from __future__ import annotations

from typing import NamedTuple


class NotRun(NamedTuple):
    """A check of the domain note that no rule makes: the check, why it is not made, what would make it possible."""

    ja: str
    en: str
    because: str
    needs: str


NOT_RUN: dict[str, NotRun] = {}
"""Code -> check, for every one of domain note 11 that is not a rule: none is left."""
