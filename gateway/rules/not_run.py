"""Checks that are known and not run: what each would find, and what it would need. A code is never used otherwise."""

from __future__ import annotations

from typing import NamedTuple


class NotRun(NamedTuple):
    """A check of the domain note that no rule makes: the check, why it is not made, what would make it possible."""

    ja: str
    en: str
    because: str
    needs: str


NOT_RUN = {
    "V44": NotRun(
        "受信通知の日付が事業年度末以後で、法人名・事業年度が一致する",
        "a receipt notice of e-filing is dated after the term and names the same firm and term",
        "receipt notices are not taken yet",
        "an adapter that reads the notice beside its statement",
    ),
    "V45": NotRun(
        "証拠の保存期限(1,900日)が近く、写しが保存されていない",
        "evidence nears its limit of 1,900 days and no copy of it is kept",
        "evidence of e-filing is not taken yet",
        "the date of receipt of every notice, and a look at it each day",
    ),
}
"""Code -> check, for every one of domain note 11 that is not a rule."""
