"""Settle: what a submission means, given who is who and what was said before.

The second half of *validate* and *normalise*, and the only part of the line that reads the database before the
commit. It reads one snapshot, remembers the feed position that snapshot reached (``known_position``) and which keys
it looked at; should one of them change before the commit, the committer lets it be settled again.

A share is one recipient's part of a submission; it goes through ``place`` → ``look_back`` → ``finish``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import orjson

from gateway.placed import Placed, Records, duplicate, follows, overtaken, record_of, seen_beside, standing_on
from gateway.registers.permits import Given, Permits, Versions, asks_consent, look_up, still_shown
from gateway.rules.pack import Pack
from gateway.schemas.findings import Counts, Finding, Severity
from gateway.schemas.identifiers import Reference, Scheme, japanese_date
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import KINDS
from gateway.schemas.statement import by_name
from gateway.schemas.submission import Draft, Guaranteed, Held, Line, Prepared, Settled, Submission, Version
from gateway.steps.normalise import (
    Earlier,
    Known,
    Unplaced,
    Whose,
    freeze,
    full_series,
    names_of,
    place,
    series_beside,
    without_consent,
)
from gateway.steps.validate import (
    Before,
    succeeded,
    validate_beside,
    validate_history,
    validate_origin,
    validate_registered,
    validate_rows_history,
)
from gateway.store import feed, links, log, registers
from gateway.store.engine import Session
from gateway.store.feed import Blocks

HISTORY_WINDOWS = {kind: model.looks_back for kind, model in KINDS.items()}
"""How far back a series is looked at: past the one before last of what is due quarterly, half-yearly, yearly."""


@dataclass(slots=True)
class Share:
    """One recipient's part of a submission while it is being settled.

    Attributes:
        recipients: all corporations the submission is for.
        only: ordinals to consider at all (a release of held records); None for everything.
        may_be_late: a job deals with it, perhaps long after it arrived; what its sender said since then stands.
        seen: keys of the documents met so far, shared by the parts of a large file.
        repeats: the same bytes were taken whole before, so all of it is ``unchanged``.
        unchanged: records whose content already stands.
        keys: (kind, series) looked at.
        consents: what firms had consented to, by our party id, as far as this was asked.
    """

    submission: Submission
    prepared: Prepared
    recipient: str
    recipients: tuple[str, ...]
    only: frozenset[int] | None = None
    may_be_late: bool = False
    repeats: bool = False
    seen: set[tuple[str, str, date]] = field(default_factory=set)
    placed: list[Placed] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)
    unchanged: int = 0
    known_position: int = 0
    consents: Given = field(default_factory=dict)
    _said_so: bool = False

    def drafts(self) -> Iterable[Draft]:
        """The drafts that concern this recipient."""
        if self.prepared.refused_whole or self.repeats:
            return []
        return [
            draft
            for draft in self.prepared.drafts
            if (draft.recipient or self.recipient) == self.recipient or draft.recipient not in self.recipients
            if self.only is None or draft.ordinal in self.only
        ]

    def asks(self) -> tuple[set[Reference], set[str]]:
        """The numbers by which this share names firms: for the links, and for the recipient's guarantees."""
        named: set[Reference] = set()
        guarantees: set[str] = set()
        for draft in self.drafts():
            named.update(names_of(draft, self.recipient, self.submission))
            if draft.guarantee is not None:
                guarantees.add(draft.guarantee)
            guarantees.update(draft.guarantees)
        references, numbers = _by_register(named, self.recipient)
        return references, guarantees | numbers

    def place(self, known: Known) -> None:
        """Say of each draft which firm it is about, or hold it, or refuse what speaks for others."""
        origin = self.submission.origin
        for draft in self.drafts():
            problem = validate_origin(draft, origin.speaks_as, self.recipients)
            if problem is not None:
                self._refuse(draft, problem)
                continue
            party = place(draft, self.recipient, self.submission, known)
            if isinstance(party, Unplaced):
                self._set_aside(draft, party)
                continue
            series = full_series(draft, origin.institution, party)
            inherited = [full_series(draft, one, party) for one in origin.succeeds or ()]
            key = (draft.kind, series, draft.valid_on)
            if isinstance(draft.observed, ObservedDocument):  # rows are looked at while they are read
                if key in self.seen:
                    self._refuse(draft, duplicate(draft))
                    continue
                self.seen.add(key)
            self.keys.update((draft.kind, one) for one in (series, *inherited))
            beside = series_beside(draft, origin.institution, party)
            if beside is not None:
                self.keys.add((draft.kind, beside))
            self.placed.append(
                Placed(draft, party, series, inherited, beside, guaranteed=self._registered(draft, known))
            )
            if draft.institution in (origin.succeeds or ()) and not self._said_so:
                self._said_so = True
                self.findings.append(succeeded(draft, origin.institution))

    def permit(self, given: Given, today: date) -> None:
        """Find for each placed draft that needs one the consent on which it rests, or hold it."""
        permits, kept = Permits(self.submission.origin, self.recipient, given, today), []
        self.consents = {one.party: given[one.party] for one in self.placed}
        for one in self.placed:
            if not permits.is_free(one.draft.kind):
                one.consent = permits.find(one.draft.kind, one.party)
                if one.consent is None:
                    self._set_aside(one.draft, without_consent(one.draft, self.recipient, self.submission, one.party))
                    continue
            kept.append(one)
        self.placed = kept

    def _registered(self, draft: Draft, known: Known) -> dict[str, Guaranteed]:
        speaks_as = self.submission.origin.speaks_as
        found = {number: known.registered(number, self.recipient, speaks_as) for number in draft.guarantees}
        return {number: guaranteed for number, guaranteed in found.items() if guaranteed is not None}

    def look_back(self, versions: Versions) -> None:
        """Find for each draft what stands for its key, and what its series said last before; drop what is unchanged."""
        kept = []
        self.taken = [one.draft.ordinal for one in self.placed] + sorted(self.refused)
        for one in self.placed:
            history = self._history(one, versions)
            one.current = standing_on(history, one.draft.valid_on)
            if one.current is not None and one.current.digest == one.draft.digest:
                self.unchanged += 1
                continue
            earlier = [v for v in history if v.valid_on < one.draft.valid_on]
            one.before = max(earlier, key=lambda v: (v.valid_on, v.position), default=None)
            if one.series_beside is not None:
                others = versions.get((self.recipient, one.draft.kind, one.series_beside), [])
                one.beside = standing_on(others, one.draft.valid_on)
            kept.append(one)
        self.placed = kept

    def _history(self, one: Placed, versions: Versions) -> list[Version]:
        """What was said of it, oldest position first, also by institutions that have become this one."""
        own = versions.get((self.recipient, one.draft.kind, one.series), [])
        earlier = [v for name in one.inherited for v in versions.get((self.recipient, one.draft.kind, name), ())]
        return sorted([*earlier, *own], key=lambda version: version.position) if earlier else own

    def give_way(self, arrivals: Mapping[str, datetime]) -> None:
        """Refuse what was overtaken: ``arrivals`` says when those submissions came that stand and are the sender's."""
        kept = []
        for one in self.placed:
            arrived = arrivals.get(one.current.submission) if one.current else None
            if one.current is None or arrived is None or arrived <= self.submission.received_at:
                kept.append(one)
            else:
                self._refuse(one.draft, overtaken(one.draft, one.current))
        self.placed = kept

    def wants(self, pack: Pack) -> list[Version]:
        """Earlier lines whose content is needed: superseded ones, and predecessors that a rule compares with."""
        superseded = [one.current for one in self.placed if one.current is not None]
        compared = [
            one.before
            for one in self.placed
            if one.before is not None
            and not one.goes_on
            and isinstance(one.draft.observed, ObservedDocument)
            and pack.history_rules(one.draft.kind)
        ]
        return superseded + compared + [one.beside for one in self.placed if one.beside is not None]

    def finish(self, pack: Pack, records: Records, now: datetime) -> Settled:
        """Run the rules over history and freeze the lines."""
        self._check_history(pack, records)
        lines = [self._freeze(one, records) for one in self.placed if one.draft.ordinal not in self.refused]
        prepared = self.prepared
        return Settled(
            submission=self.submission,
            recipient=self.recipient,
            adapter=prepared.adapter,
            lines=lines,
            held=self.held,
            findings=[*self._own_findings(), *self.findings],
            counts=Counts(
                accepted=len(lines),
                unchanged=prepared.records if self.repeats else self.unchanged,
                held=len(self.held),
                refused=0 if self.repeats else self._count_refused(),
            ),
            rules=(pack.version, prepared.rules, prepared.records, prepared.evaluations),
            kinds=tuple(sorted(prepared.kinds)),
            known_position=self.known_position,
            accepted_at=now,
            keys=self.keys,
            lists=by_name(prepared.lists),
            taken=self.taken,
            destroy_raw=prepared.destroy_raw,
            tape=prepared.tape,
            consents=self.consents,
        )

    def follow(self, last: Sequence[int]) -> None:
        """Say so where a bank's file does not follow those before, newest first; repairs of rows follow nothing."""
        tape = self.prepared.tape
        if tape is None or tape.sequence is None or not last or self.submission.request.fixes or self.only is not None:
            return
        newest, highest = last[0], max(last)  # they differ after a late file, and after numbers began anew
        if tape.sequence - 1 not in (newest, highest):
            expected = (highest if tape.sequence > highest else newest) + 1
            params: dict[str, str | int] = {"found": tape.sequence, "expected": expected}
            self.findings.append(Finding(code="V19", severity=Severity.WARN, params=params))

    def _check_history(self, pack: Pack, records: Records) -> None:
        latest: dict[str, Draft] = {}
        here = {(one.series, one.draft.valid_on): one.draft.record for one in self.placed if one.series_beside}
        found: list[Finding] = []
        rows: dict[str, list[tuple[Placed, Before | None]]] = {}
        for one in sorted(self.placed, key=lambda p: p.draft.valid_on):
            within = latest.get(one.series)
            latest[one.series] = one.draft
            if not isinstance(one.draft.observed, ObservedDocument):
                rows.setdefault(one.draft.kind, []).append((one, _before(one, within)))
                continue
            if within is not None:
                previous = None if follows(one.draft, within) else within.record
            else:
                previous = None if one.goes_on else record_of(one.before, records)
            found += validate_history(pack, one.draft, previous)
            if one.guaranteed:
                found += validate_registered(pack, one.draft, one.guaranteed)
            if one.series_beside is not None:
                found += validate_beside(pack, one.draft, seen_beside(one, here, records))
        for kind, pairs in rows.items():
            found += validate_rows_history(pack, kind, [one.draft for one, _ in pairs], [before for _, before in pairs])
        self._take(found)

    def _take(self, found: Sequence[Finding]) -> None:
        self.findings += found
        warned: dict[int, list[str]] = {}
        for finding in found:
            if finding.severity is Severity.REFUSE and finding.record is not None:
                self.refused.add(finding.record)
            elif finding.severity is Severity.WARN and finding.record is not None:
                warned.setdefault(finding.record, []).append(finding.code)
        for one in self.placed:
            if one.draft.ordinal in warned:
                one.draft.warnings = (*one.draft.warnings, *warned[one.draft.ordinal])

    def _freeze(self, one: Placed, records: Records) -> Line:
        before = record_of(one.current, records)
        # what is withheld is not told again by what supersedes it: as if nothing had changed
        earlier = Earlier(one.current, before or one.draft.record) if one.current else None
        return freeze(one.draft, Whose(one.series, one.party, one.consent), self.submission, earlier)

    def _refuse(self, draft: Draft, finding: Finding) -> None:
        self.findings.append(finding)
        self.refused.add(draft.ordinal)

    def _set_aside(self, draft: Draft, unplaced: Unplaced) -> None:
        self.findings.append(unplaced.finding)
        if unplaced.finding.severity is Severity.REFUSE:
            self.refused.add(draft.ordinal)
        else:
            code = unplaced.finding.code
            self.held.append(Held(draft.ordinal, draft.kind, code, draft.row_digest, unplaced.waits_for))

    def _own_findings(self) -> list[Finding]:
        """Findings of the document as a whole, and of the records that are this recipient's."""
        if len(self.recipients) == 1 and self.only is None:
            return self.prepared.findings
        mine = {draft.ordinal for draft in self.drafts()} | self._refused_before()
        return [f for f in self.prepared.findings if f.record in mine or (f.record is None and self.only is None)]

    def _refused_before(self) -> set[int]:
        first = self.recipients[0]
        refused = self.prepared.refused
        return {
            ordinal
            for ordinal, named in refused.items()
            if (named if named in self.recipients else first) == self.recipient
            if self.only is None or ordinal in self.only
        }

    def _count_refused(self) -> int:
        if self.prepared.refused_whole:
            return max(self.prepared.records, 1)
        return len(self._refused_before() | self.refused)


def _before(one: Placed, within: Draft | None) -> Before | None:
    if within is not None:
        return Before(within.amount_yen, within.valid_on)
    return Before(one.before.amount_yen, one.before.valid_on) if one.before else None


def settle(session: Session, shares: Sequence[Share], blocks: Blocks, pack: Pack, now: datetime) -> list[Settled]:
    """Settle shares of one or many submissions against one snapshot; no two of them may touch one key."""
    heads = log.find_heads(session, {share.recipient for share in shares})
    known = _recall_registers(session, shares, now)
    asking = [share for share in shares if asks_consent(share.submission.origin, share.prepared.kinds)]
    for share in shares:
        share.known_position = heads[share.recipient].next_position
        share.place(known)
        if share.prepared.tape is not None:
            institution, tape = share.submission.origin.institution, share.prepared.tape.layout
            share.follow(log.last_sequences(session, share.recipient, institution, tape))
    if asking:
        given = look_up(session, (one.party for share in asking for one in share.placed))
        for share in asking:
            share.permit(given, japanese_date(now))
    versions = _recall_versions(session, shares, blocks)
    versions = still_shown(session, versions, japanese_date(now)) if asking else versions
    for share in shares:
        share.look_back(versions)
        if share.may_be_late:
            standing = {one.current.submission for one in share.placed if one.current is not None}
            merged = share.submission.request.held_as is not None  # then several senders speak for one institution
            sender = None if merged else share.submission.origin.sender
            share.give_way(log.find_arrivals(session, share.recipient, sender, standing))
    records = _recall_records(session, shares, blocks, pack)
    return [share.finish(pack, records[share.recipient], now) for share in shares]


def can_be_placed(
    session: Session, recipient: str, speaks_as: Sequence[str], numbers: Iterable[Reference | None], now: datetime
) -> bool:
    """Whether one of the numbers that held records of an institution wait for names a firm now, by ``place``'s rule."""
    # an id of our own names its firm from the beginning: what waits for that waits for a consent
    named = {number for number in numbers if number is not None and number.scheme is not Scheme.PARTY}
    references, guarantees = _by_register(named, recipient)
    known = _known(session, references, {recipient: guarantees}, now)
    return any(known.party(number, recipient, speaks_as) is not None for number in named)


def _by_register(named: Iterable[Reference], recipient: str) -> tuple[set[Reference], set[str]]:
    """Numbers by where they are looked up: links, or the recipient's guarantees (another recipient's: nowhere)."""
    references, guarantees = set(), set()
    for number in named:
        if number.scheme is not Scheme.GUARANTEE:
            references.add(number)
        elif number.scope == recipient:
            guarantees.add(number.value)
    return references, guarantees


def _recall_registers(session: Session, shares: Sequence[Share], now: datetime) -> Known:
    references: set[Reference] = set()
    guarantees: dict[str, set[str]] = {}
    for share in shares:
        named, numbers = share.asks()
        references |= named
        guarantees.setdefault(share.recipient, set()).update(numbers)
    return _known(session, references, guarantees, now)


def _known(session: Session, references: set[Reference], guarantees: Mapping[str, set[str]], now: datetime) -> Known:
    found = {
        (recipient, number): guaranteed
        for recipient, numbers in guarantees.items()
        for number, guaranteed in registers.find_guarantees(session, recipient, sorted(numbers)).items()
    }
    words = links.find_words(session, references, japanese_date(now))
    own = links.speakers(session, guarantees) if any(map(links.is_contested, words.values())) else {}
    named = {
        (recipient, number): party
        for number, said in words.items()
        for recipient in guarantees
        if (party := links.chosen(said, own.get(recipient, ()))) is not None
    }
    return Known(named, links.known_parties(session, references), found)


def _recall_versions(session: Session, shares: Sequence[Share], blocks: Blocks) -> Versions:
    wanted: dict[tuple[str, str], list[Placed]] = {}
    for share in shares:
        for one in share.placed:
            wanted.setdefault((share.recipient, one.draft.kind), []).append(one)
    found: dict[tuple[str, str, str], list[Version]] = {}
    for (recipient, kind), placed in wanted.items():
        first = min(one.draft.valid_on for one in placed).toordinal()
        since = date.fromordinal(max(first - HISTORY_WINDOWS[kind].days, date.min.toordinal()))
        series = list(
            {name for one in placed for name in (one.series, *one.inherited, one.series_beside) if name is not None}
        )
        for name, history in blocks.index.find_versions(session, recipient, kind, series, since).items():
            found[recipient, kind, name] = history
    return found


def _recall_records(session: Session, shares: Sequence[Share], blocks: Blocks, pack: Pack) -> dict[str, Records]:
    wanted: dict[str, list[Version]] = {}
    for share in shares:
        wanted.setdefault(share.recipient, []).extend(share.wants(pack))
    return {
        recipient: {
            where: orjson.loads(body)["record"]
            for where, body in blocks.load_versions(session, recipient, _shown(session, recipient, versions)).items()
        }
        for recipient, versions in wanted.items()
    }


def _shown(session: Session, recipient: str, versions: list[Version]) -> list[Version]:
    """Those that are not withheld."""
    positions = [version.position for version in versions]
    hidden = feed.find_withheld(session, recipient, min(positions), max(positions) + 1) if positions else {}
    return [version for version in versions if version.position not in hidden]
