"""Validate: run the rule pack over what was read; everything wrong is found, nothing stops at the first.

Also compared here: each record's own institution and recipient with what the submission may speak for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from gateway.reference.lists import Lists
from gateway.rules.my_number import cleared
from gateway.rules.pack import Pack, check_beside, check_document, check_history, check_listed, check_register
from gateway.rules.rows import RepeatedKeys, evaluate_rows, look_up_rows, my_numbers
from gateway.rules.rule import Looked
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.observed import Observed, ObservedDocument, ObservedRows
from gateway.schemas.records.repayment_columns import frame_of
from gateway.schemas.submission import Draft, Guaranteed


@dataclass(slots=True)
class Checked:
    """What a check of one observation found, and how much work it was; ``looked`` is the part that needed lists."""

    findings: list[Finding] = field(default_factory=list)
    records: int = 0
    own_rules: int = 0
    looked: Looked = field(default_factory=Looked)

    @property
    def rules(self) -> int:
        """How many rules ran."""
        return self.own_rules + self.looked.rules

    @property
    def evaluations(self) -> int:
        """Rules × records; of rules that look in lists, the records of which these say something."""
        return self.own_rules * self.records + self.looked.evaluations

    def refused(self) -> set[int]:
        """Ordinals of records that go back."""
        return {f.record for f in self.findings if f.severity is Severity.REFUSE and f.record is not None}

    def warnings(self) -> dict[int, tuple[str, ...]]:
        """Codes by record, of what records go in with."""
        codes: dict[int, tuple[str, ...]] = {}
        for finding in self.findings:
            if finding.record is not None and finding.severity is Severity.WARN:
                codes[finding.record] = (*codes.get(finding.record, ()), finding.code)
        return codes


def validate(pack: Pack, observed: Observed, repeated: RepeatedKeys, lists: Lists) -> Checked:
    """Run every rule that concerns what was observed and needs no history; ``repeated`` remembers the file's keys."""
    if isinstance(observed, ObservedDocument):
        looked = check_listed(pack, observed, lists)
        found = [*cleared(observed.problems), *check_document(pack, observed), *looked.findings]
        return Checked(found, 1, len(pack.document_rules(observed.record.kind)), looked)
    if isinstance(observed, ObservedRows):
        rules = pack.row_rules(observed.kind, history=False)
        looked = look_up_rows(observed, pack.listed_rules(observed.kind), lists)
        found = [*cleared(observed.problems), *evaluate_rows(observed, rules), *my_numbers(observed)]
        found += [*looked.findings, *repeated.findings(observed)]
        return Checked(found, observed.frame.height, len(rules), looked)
    return Checked(list(cleared(observed.problems)), 1, 0)


def validate_origin(draft: Draft, speaks_as: Sequence[str], recipients: Sequence[str]) -> Finding | None:
    """Whether a record speaks for another institution, or belongs to another corporation, than its submission.

    ``speaks_as`` are the submission's institution and those that have become it.
    """
    if draft.institution is not None and draft.institution not in speaks_as:
        return _refusal("A02", draft, found=draft.institution, expected=speaks_as[0])
    if draft.recipient is not None and draft.recipient not in recipients:
        return _refusal("A01", draft, found=draft.recipient, expected=", ".join(recipients))
    return None


def succeeded(draft: Draft, institution: str) -> Finding:
    """That a record names an institution which has become that of its submission, and is taken as that one's."""
    params: dict[str, str | int] = {"found": str(draft.institution), "expected": institution}
    return Finding(code="A03", severity=Severity.INFO, params=params)


def _refusal(code: str, draft: Draft, **params: str | int) -> Finding:
    return Finding(code=code, severity=Severity.REFUSE, record=draft.ordinal, place=draft.place, params=params)


def validate_history(pack: Pack, draft: Draft, previous: Mapping[str, Any] | None) -> list[Finding]:
    """Compare a document with the one before it in its series."""
    return check_history(pack, draft.observed, previous) if isinstance(draft.observed, ObservedDocument) else []


def validate_beside(pack: Pack, draft: Draft, other: Mapping[str, Any] | None) -> list[Finding]:
    """Compare a document with the one that stands beside it."""
    return check_beside(pack, draft.observed, other) if isinstance(draft.observed, ObservedDocument) else []


def validate_registered(pack: Pack, draft: Draft, guaranteed: Mapping[str, Guaranteed]) -> list[Finding]:
    """Compare a document with what the recipient's register says of the guarantees it names."""
    return check_register(pack, draft.observed, guaranteed) if isinstance(draft.observed, ObservedDocument) else []


@dataclass(frozen=True, slots=True)
class Before:
    """What the rows of a series said last: the amount, and as of when."""

    amount_yen: int | None
    valid_on: Any


def validate_rows_history(
    pack: Pack, kind: str, drafts: Sequence[Draft], before: Iterable[Before | None]
) -> list[Finding]:
    """Compare rows with what their series said last, all at once."""
    rules = pack.row_rules(kind, history=True)
    if not rules or not drafts:
        return []
    earlier = list(before)
    frame = frame_of([draft.record for draft in drafts]).with_columns(
        pl.Series("ordinal", [draft.ordinal for draft in drafts], pl.Int64),
        pl.Series("line", [draft.place.line for draft in drafts], pl.Int64),
        pl.Series("prev_amount_yen", [b.amount_yen if b else None for b in earlier], pl.Int64),
        pl.Series("prev_valid_on", [b.valid_on if b else None for b in earlier], pl.Date),
    )
    source = drafts[0].observed
    if not isinstance(source, ObservedRows):
        raise TypeError("rows are compared with rows")
    return evaluate_rows(replace(source, frame=frame), rules)
