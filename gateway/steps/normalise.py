"""Normalise: from the sender's record to a line in the one shape everybody reads.

In two halves. ``draft`` is pure: canonical accounts, canonical bytes, what the record is about. ``place`` and
``freeze`` need to know which firm is meant and what was said before; after ``freeze`` the bytes never change.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from gateway.formats.accounts import normalised_lines
from gateway.formats.local_benchmark import Boundaries, assess, load_boundaries
from gateway.registers.permits import asks_consent
from gateway.rules.my_number import masked_record
from gateway.rules.standing import standings
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.flows import flow_in, needs_consent
from gateway.schemas.identifiers import Reference, Scheme, instant_text, scoped
from gateway.schemas.line import CANONICAL, changed_values
from gateway.schemas.observed import ObservedDocument, ObservedRows
from gateway.schemas.place import Place
from gateway.schemas.records import KINDS, FinancialStatement, LocalBenchmark, TrialBalance
from gateway.schemas.records.repayment_columns import row_records
from gateway.schemas.submission import Draft, Guaranteed, Line, Submission, Version

MY_NUMBER_RULE = "V06"
FIRM_UNKNOWN, NO_CONSENT = "S01", "V40"
KEYED_BY_GUARANTEE = frozenset(kind for kind, model in KINDS.items() if model.is_keyed_by_guarantee)
CIRCUMSTANCES = {"produced_at", "known_at"}  # say when, not what: kept among the line's instants


def draft_document(
    observed: ObservedDocument, warnings: tuple[str, ...], boundaries: Boundaries | None = None
) -> Draft:
    """One accepted document as a draft: its accounts mapped, its indicators computed, unlabelled My Numbers masked.

    Args:
        observed: the document.
        warnings: codes of the findings it goes in with.
        boundaries: by which a local benchmark gets its points; None for the packaged ones.
    """
    record = observed.record
    content = record.model_dump(mode="json", exclude_none=True, exclude={"lines"} | CIRCUMSTANCES)
    if isinstance(record, TrialBalance | FinancialStatement):
        content["lines"], content["conservation"] = normalised_lines(record)
    elif isinstance(record, LocalBenchmark):
        content["assessed"] = assess(record, boundaries or load_boundaries())
    if MY_NUMBER_RULE in warnings:
        content = masked_record(content)
    encoded = orjson.dumps(content, option=CANONICAL)
    opening, closing = standings(record) if isinstance(record, TrialBalance) else (None, None)
    return Draft(
        ordinal=observed.ordinal,
        kind=record.kind,
        record=content,
        record_bytes=encoded,
        digest=hashlib.sha256(encoded).digest(),
        series=record.series,
        valid_from=record.valid_from,
        valid_on=record.valid_on,
        place=observed.place_of(""),
        row_digest=observed.digest,
        references=record.references,
        guarantee=record.placed_by,
        guarantees=record.checked_guarantees,
        recipient=vars(record).get("cgc_id"),
        institution=vars(record).get("bank_code"),
        event_on=record.valid_on,
        opening=opening,
        closing=closing,
        known_at=instant_text(record.known_at) if record.known_at else None,
        produced_at=instant_text(record.produced_at) if record.produced_at else None,
        correction=record.correction.value,
        correction_reason=record.correction_reason,
        warnings=warnings,
        observed=observed,
        beside=record.beside,
    )


def draft_rows(
    observed: ObservedRows, refused: Iterable[int], warnings: Mapping[int, tuple[str, ...]]
) -> Iterator[Draft]:
    """The accepted rows of a frame as drafts."""
    gone = set(refused)
    frame = observed.frame
    source = replace(observed, frame=frame.clear(), problems=())
    keys = zip(
        frame["ordinal"].to_list(),
        frame["line"].to_list(),
        frame["digest"].to_list(),
        frame["series"].to_list(),
        frame["valid_on"].to_list(),
        strict=True,
    )
    for (ordinal, line, row_digest, series, valid_on), content in zip(keys, row_records(frame), strict=True):
        if ordinal in gone:
            continue
        known_at, produced_at = content.pop("known_at", None), content.pop("produced_at", None)
        if MY_NUMBER_RULE in warnings.get(ordinal, ()):
            content = masked_record(content)
        encoded = orjson.dumps(content, option=CANONICAL)
        pointer = None if observed.pointer is None else f"{observed.pointer}/{ordinal}"
        yield Draft(
            ordinal=ordinal,
            kind=observed.kind,
            record=content,
            record_bytes=encoded,
            digest=hashlib.sha256(encoded).digest(),
            series=series,
            valid_from=valid_on,
            valid_on=valid_on,
            place=Place(line=line, pointer=pointer),
            row_digest=row_digest,
            guarantee=content["guarantee_no"],
            recipient=content.get("cgc_id"),
            institution=content.get("bank_code"),
            event_on=valid_on,
            amount_yen=content.get("balance_yen"),
            known_at=known_at,
            produced_at=produced_at,
            correction=content.get("correction", "original"),
            correction_reason=content.get("correction_reason"),
            warnings=warnings.get(ordinal, ()),
            observed=source,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What the registers say, as far as one group of submissions asks for it.

    Attributes:
        links: which firm a number names at a recipient.
        itself: ids of our own, which name a firm to everybody.
        guarantees: by recipient and number.
    """

    links: Mapping[tuple[str, Reference], str]
    itself: Mapping[Reference, str]
    guarantees: Mapping[tuple[str, str], Guaranteed]

    def party(self, reference: Reference, recipient: str, speaks_as: Sequence[str]) -> str | None:
        """The firm a number names for an institution (and what it succeeds) at a recipient; None if it names nobody."""
        if reference.scheme is not Scheme.GUARANTEE:
            return self.itself.get(reference) or self.links.get((recipient, reference))
        return self.guaranteed(reference.value, recipient, speaks_as) if reference.scope == recipient else None

    def guaranteed(self, number: str, recipient: str, speaks_as: Sequence[str]) -> str | None:
        """The firm of a recipient's guarantee; another institution's guarantee is as unknown as one that is none."""
        found = self.registered(number, recipient, speaks_as)
        return None if found is None else found.party

    def registered(self, number: str, recipient: str, speaks_as: Sequence[str]) -> Guaranteed | None:
        """What a recipient's register says of a guarantee to whoever holds it; nothing to others."""
        found = self.guarantees.get((recipient, number))
        return found if found is not None and found.institution in speaks_as else None


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A draft whose firm is not known (held) or is contradicted (refused): the finding, and the number it waits for."""

    finding: Finding
    waits_for: Reference | None = None


def place(draft: Draft, recipient: str, submission: Submission, known: Known) -> str | Unplaced:
    """The party a draft is about; never a guess.

    The sender's ``subject=``, the document's own numbers and the guarantee register must agree where they speak;
    where none of them speaks, or a guarantee is not registered for this institution, the record is held. It waits for
    a number of which ``Known.party`` knows nothing: what asks the same way later finds out whether that has changed.
    """
    speaks_as, named = submission.origin.speaks_as, {}
    if draft.guarantee is not None:
        guaranteed = known.guaranteed(draft.guarantee, recipient, speaks_as)
        if guaranteed is None:
            waits_for = Reference(scheme=Scheme.GUARANTEE, scope=recipient, value=draft.guarantee)
            return Unplaced(_finding("V05", Severity.HOLD, draft, {"reference": draft.guarantee}), waits_for)
        named[guaranteed] = draft.guarantee
    given = names_of(draft, recipient, submission)
    for reference in given:
        party = known.party(reference, recipient, speaks_as)
        if party is not None:
            named.setdefault(party, str(reference))
    if len(named) == 1:
        return next(iter(named))
    if named:
        first, second = list(named.values())[:2]
        return Unplaced(_finding("S02", Severity.REFUSE, draft, {"given": first, "found": second}))
    return _held_as(
        NO_CONSENT if asks_consent(submission.origin, [draft.kind]) else FIRM_UNKNOWN,
        draft,
        given,
        given[0] if given else None,
    )


def without_consent(draft: Draft, recipient: str, submission: Submission, party: str) -> Unplaced:
    """A draft that may not be disclosed without a consent of its firm, and there is none: held until there is.

    A sender whose flow rests on consents is told the same where the firm is not known at all: whether anybody knows it
    is not the sender's to learn.
    """
    waits_for = Reference(scheme=Scheme.PARTY, value=party)
    return _held_as(NO_CONSENT, draft, names_of(draft, recipient, submission), waits_for)


def _held_as(code: str, draft: Draft, given: Sequence[Reference], waits_for: Reference | None) -> Unplaced:
    label = str(given[0]) if given else "番号なし / no number"
    return Unplaced(_finding(code, Severity.HOLD, draft, {"reference": label}), waits_for)


def names_of(draft: Draft, recipient: str, submission: Submission) -> list[Reference]:
    """The numbers by which a record's firm is named: the sender's ``subject=`` first, then the document's own.

    Where the firm paired with its sender, the tenant alone names it: whether the document's own numbers agree with what
    others say of them would tell the sender which firms those others know.
    """
    given, origin = submission.request.subject, submission.origin
    named = ((given,) if given else ()) + draft.references
    if given is not None and given.scheme is Scheme.TENANT and needs_consent(flow_in(origin), [draft.kind]):
        named = (given,)
    institution = submission.request.held_as or origin.institution
    return [scoped(reference, origin.sender, institution, recipient) for reference in named]


def _finding(code: str, severity: Severity, draft: Draft, params: dict[str, str | int]) -> Finding:
    return Finding(code=code, severity=severity, record=draft.ordinal, place=draft.place, params=params)


def full_series(draft: Draft, institution: str, party: str) -> str:
    """What versions of one thing share: institution, firm (or guarantee) and the record's own series."""
    within = institution if draft.kind in KEYED_BY_GUARANTEE else f"{institution}/{party}"
    return f"{within}/{draft.series}"


def series_beside(draft: Draft, institution: str, party: str) -> str | None:
    """The full series in which the record that this one is compared with stands, if there is any."""
    return draft.beside and f"{institution}/{party}/{draft.beside}"


@dataclass(frozen=True, slots=True)
class Earlier:
    """The version that stands for the same key, and its record."""

    version: Version
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Whose:
    """The series and the firm that a record belongs to, and that firm's consent where it rests on one."""

    series: str
    party: str
    consent: str | None = None


def freeze(draft: Draft, whose: Whose, submission: Submission, earlier: Earlier | None) -> Line:
    """The line's bytes, once and for all; see ``schemas/line.py`` for what they hold."""
    origin = submission.origin
    body = {
        "key": {"institution": origin.institution, "series": whose.series, "valid_on": draft.valid_on},
        "kind": draft.kind,
        "subject": whose.party,
        "record": orjson.Fragment(draft.record_bytes),
        "source": {
            "ordinal": draft.ordinal,
            "place": draft.place.model_dump(exclude_none=True),
            "digest": draft.row_digest,
        },
        "valid": {"from": draft.valid_from, "to": draft.valid_on},
        "instants": _instants(draft, submission),
        "findings": draft.warnings,
        "supersedes": _supersedes(draft, earlier),
        "nonce": os.urandom(16).hex(),
    }
    if whose.consent is not None:
        body["consent"] = whose.consent
    return Line(
        draft.kind,
        whose.series,
        draft.valid_on,
        draft.digest,
        draft.amount_yen,
        orjson.dumps(body, option=CANONICAL),
        draft.closing,
        whose.consent,
    )


def _instants(draft: Draft, submission: Submission) -> dict[str, Any]:
    instants = {
        "event_on": draft.event_on,
        "period_end_on": draft.valid_on,
        "known_at": draft.known_at,
        "produced_at": draft.produced_at,
        "sent_at": _text(submission.sent_at),
        "received_at": _text(submission.received_at),
    }
    return {name: value for name, value in instants.items() if value is not None}


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)


def _supersedes(draft: Draft, earlier: Earlier | None) -> dict[str, Any] | None:
    if earlier is None:
        return None
    reason = draft.correction_reason or ("revision" if draft.correction == "original" else draft.correction)
    return {
        "position": earlier.version.position,
        "reason": reason,
        "before": changed_values(earlier.record, draft.record),
    }
