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
    "V16": NotRun(
        "保証書の日付から30日(60日)以内に実行されている",
        "a loan is executed within 30 (60) days of the guarantee's date",
        "records of loan execution are not taken yet; the guarantee register may hold the date (`issued_on`)",
        "the record kind `loan_execution`",
    ),
    "V17": NotRun(
        "条件変更が承諾から30日以内に実行されている",
        "a change of conditions is executed within 30 days of its approval",
        "records of condition changes are not taken yet",
        "the record kind `condition_change` with both dates",
    ),
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
