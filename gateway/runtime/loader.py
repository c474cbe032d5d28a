"""Loads what takes longer than a request: large documents, what waits behind them, and releases of held records.

A document is read in parts. Each part is settled and *staged*: lines, index rows, findings and held records are
written in short transactions while nobody can see them. At the end one short transaction seals the statement, and with
it everything becomes visible. A load that dies is thrown away and begun again; one whose ground moved (a line was
published meanwhile for a record it had looked at) likewise. No two workers stage one document: every transaction of a
load begins by making sure that its job is still its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from gateway.errors import BusyError, NotFound
from gateway.pipeline import Line, in_batches, prepare
from gateway.ports import Clock
from gateway.registers.participants import Participants
from gateway.registers.permits import has_changed
from gateway.registers.releases import look_again
from gateway.runtime.sealer import Ready, Sealer
from gateway.schemas.consent import Kept
from gateway.schemas.findings import Counts
from gateway.schemas.identifiers import Reference
from gateway.schemas.statement import Consulted, by_name
from gateway.schemas.submission import MY_NUMBER, WITHDRAWN, Held, Prepared, Settled, Submission
from gateway.schemas.withdrawal import WITHDRAWAL
from gateway.security.merkle import leaf_hash, root
from gateway.security.profiles import document_of
from gateway.settle import Share, can_be_placed, settle
from gateway.steps.normalise import NO_CONSENT
from gateway.steps.publish import Packed
from gateway.steps.seal import Digests, Sealed, canonical_finding
from gateway.store import feed, log, submissions
from gateway.store.engine import ROWS_PER_TRANSACTION, Database, Session, look_at_growth
from gateway.store.feed import Blocks

ATTEMPTS = 3


@dataclass(slots=True)
class Stage:
    """What is staged so far for one recipient; ``looked_at`` are hashes: millions of keys are too many to keep."""

    recipient: str
    known_position: int
    seen: set[tuple[str, str, date]] = field(default_factory=set)
    looked_at: set[int] = field(default_factory=set)
    leaves: list[bytes] = field(default_factory=list)
    findings_hash: Any = field(default_factory=hashlib.sha256)
    findings: int = 0
    chunks: int = 0
    tally: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "unchanged": 0, "held": 0, "refused": 0})
    taken: list[int] = field(default_factory=list)
    waits_for: set[Reference | None] = field(default_factory=set)
    consents: dict[str, Sequence[Kept]] = field(default_factory=dict)
    still_held: list[Held] = field(default_factory=list)
    last: Settled | None = None


@dataclass(slots=True)
class Reading:
    """What was read so far of one document, over all its parts."""

    records: int = 0
    rules: int = 0
    evaluations: int = 0
    lists: set[Consulted] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    refused_whole: bool = False
    destroy_raw: bool = False

    def add(self, part: Prepared) -> None:
        """Count a part."""
        self.records += part.records
        self.rules = max(self.rules, part.rules)
        self.evaluations += part.evaluations
        self.lists |= part.lists
        self.kinds |= part.kinds
        self.refused_whole |= part.refused_whole
        self.destroy_raw |= part.destroy_raw


def _alone(_: Session) -> None:
    """Nobody else could be loading the same."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Everything that loading needs; ``keep`` raises in a transaction of a load that another worker took over."""

    database: Database
    blocks: Blocks
    line: Line
    participants: Participants
    sealer: Sealer
    clock: Clock
    raw_folder: Path
    keep: Callable[[Session], None] = _alone

    def load(self, submission_id: str, only: frozenset[int] | None = None) -> None:
        """Load a submission that is durable but not yet published; does nothing if it is published already.

        Args:
            submission_id: the submission.
            only: ordinals to consider (a release), or None for all.

        Raises:
            BusyError: the ground kept moving, or another worker took over; try again later.
        """
        with self.database.read() as session:
            submission = submissions.find_submission(session, submission_id, self.blocks.cipher)
            done = bool(log.find_statements(session, submission_id))
        if submission is None:
            raise NotFound
        for _ in range(ATTEMPTS):
            if done or self._load_once(submission, only):
                self._remove_destroyed(submission)
                return
        raise BusyError

    @contextmanager
    def _write(self) -> Iterator[Session]:
        """A write transaction of a load that is still ours."""
        with self.database.write() as session:
            self.keep(session)
            yield session

    def _remove_destroyed(self, submission: Submission) -> None:
        """Remove the file of a document that may not be kept: once that is sealed, so that a crash loses neither."""
        with self.database.read() as session:
            raw = submissions.find_raw(session, self.blocks.cipher, submission.id)
        if raw is not None and raw.destroyed is not None:
            (self.raw_folder / submission.id).unlink(missing_ok=True)
            self.database.forget()

    def _load_once(self, submission: Submission, only: frozenset[int] | None) -> bool:
        with self._write() as session:
            feed.drop_stage(session, submission.id)
        stages: dict[str, Stage] = {}
        reading = Reading()
        with self._open(submission) as source:
            for part in in_batches(prepare(self.line, submission, source)):
                reading.add(part)
                for share in self._shares(submission, part, stages, only):
                    self._stage(share, stages)
        return self._publish(submission, stages, reading)

    def _open(self, submission: Submission) -> BinaryIO:
        with self.database.read() as session:
            name = submission.request.releases or submission.id
            raw = submissions.open_raw(session, self.blocks.cipher, self.raw_folder, name)
        return document_of(submission.origin.proof, raw)

    def _shares(
        self, submission: Submission, part: Prepared, stages: dict[str, Stage], only: frozenset[int] | None
    ) -> Iterator[Share]:
        sender = self.participants.find(submission.origin.sender)
        entitled = sorted(sender.recipients("submit")) if sender else []
        recipients = submission.request.recipients or tuple(entitled)
        named = {draft.recipient for draft in part.drafts} | set(part.refused.values())
        found = [recipient for recipient in recipients if recipient in named]
        concerned = recipients if submission.request.recipients else found or recipients[:1]
        for recipient in concerned:
            if recipient not in stages:
                with self.database.read() as session:
                    position = log.find_heads(session, [recipient])[recipient].next_position
                stages[recipient] = Stage(recipient, position)
            seen = stages[recipient].seen
            yield Share(submission, part, recipient, recipients, only=only, may_be_late=True, seen=seen)

    def _stage(self, share: Share, stages: dict[str, Stage]) -> None:
        """Settle a part and write what it came to, invisibly."""
        stage = stages[share.recipient]
        with self.database.read() as session:
            settled = settle(session, [share], self.blocks, self.line.pack, self.clock.now())[0]
        first, where = len(stage.leaves), (settled.submission.id, settled.recipient)
        cipher = self.blocks.cipher
        cipher.make_ready([stage.recipient])
        index = sorted(self.blocks.index.rows(*where, settled.lines, first), key=_place_in_index)
        for start in range(0, len(settled.lines), ROWS_PER_TRANSACTION):
            some = slice(start, start + ROWS_PER_TRANSACTION)
            blocks = list(self.blocks.rows(*where, settled.lines[some], first + start))
            with self._write() as session:
                feed.add_lines(session, blocks, index[some])
        rows = submissions.finding_rows(cipher, *where, settled.findings, stage.chunks)
        held = submissions.held_rows(cipher, *where, _still_held(settled))
        with self._write() as session:
            submissions.add_findings(session, rows)
            submissions.add_held(session, held)
        looked_at = list(settled.keys)
        names = self.blocks.index.names(stage.recipient, looked_at)
        stage.looked_at.update(hash((kind, name)) for (kind, _), name in zip(looked_at, names, strict=True))
        _count(stage, settled, len(rows))

    def _publish(self, submission: Submission, stages: dict[str, Stage], reading: Reading) -> bool:
        """Seal what is staged; False if the ground moved meanwhile."""
        ready = [self._ready(stage, reading) for stage in stages.values() if _says_something(submission, stage)]
        with self._write() as session:
            heads = log.lock_heads(self.database, session, list(stages))
            if self._is_withdrawn(session, submission):
                feed.drop_stage(session, submission.id)
                submissions.finish_submission(session, submission.id)
                return True
            if any(self._moved(session, stage, heads[stage.recipient].next_position) for stage in stages.values()):
                return False
            if any(self._could_place(session, submission, stage) for stage in stages.values()):
                return False
            if any(has_changed(session, stage.consents) for stage in stages.values()):
                return False
            if reading.refused_whole:
                feed.drop_stage(session, submission.id, findings=False)
            sealed = self.sealer.seal_all(session, ready, heads)
            self._finish(session, submission, stages, reading)
            if any(one.settled.counts.held for one in ready) and submission.request.releases is None:
                look_again(session, [submission], self.clock.now())
        self._note(sealed)
        return True

    def _is_withdrawn(self, session: Session, submission: Submission) -> bool:
        """Whether what was read was withdrawn meanwhile."""
        return submissions.why_destroyed(session, submission.request.releases or submission.id) == WITHDRAWN

    def _moved(self, session: Session, stage: Stage, next_position: int) -> bool:
        """Whether a record this load looked at got a line since, or may have lost one."""
        if next_position == stage.known_position:
            return False
        changed = self.blocks.index.since(session, stage.recipient, stage.known_position)
        return any(one[0] == WITHDRAWAL or hash(one) in stage.looked_at for one in changed)

    def _could_place(self, session: Session, submission: Submission, stage: Stage) -> bool:
        """Whether a number that a record staged as held waits for was registered meanwhile."""
        speaks_as = submission.origin.speaks_as
        return can_be_placed(session, stage.recipient, speaks_as, stage.waits_for, self.clock.now())

    def _ready(self, stage: Stage, reading: Reading) -> Ready:
        settled = stage.last
        if settled is None:
            raise ValueError("a stage without any part")
        settled.lines, settled.held, settled.findings = [], [], []
        settled.kinds = tuple(sorted(reading.kinds))
        settled.rules = (self.line.pack.version, reading.rules, reading.records, reading.evaluations)
        settled.lists = by_name(reading.lists)
        settled.known_position = stage.known_position
        settled.accepted_at = self.clock.now()
        settled.counts = Counts(**stage.tally)
        leaves = stage.leaves
        if reading.refused_whole:
            settled.counts, leaves = Counts(refused=max(reading.records, 1)), []
        digests = Digests(root(leaves).hex(), len(leaves), stage.findings_hash.hexdigest(), stage.findings)
        return Ready(settled, digests, Packed())

    def _finish(self, session: Session, submission: Submission, stages: dict[str, Stage], reading: Reading) -> None:
        submissions.finish_submission(session, submission.id)
        if reading.destroy_raw:
            submissions.destroy_raw(session, submission.id, MY_NUMBER)
        if submission.request.releases is not None:
            for stage in stages.values():
                held_by = submission.request.releases, stage.recipient
                submissions.release_held(session, *held_by, stage.taken, submission.id)
                submissions.hold_on(session, self.blocks.cipher, *held_by, stage.still_held)

    def _note(self, sealed: Sequence[Sealed]) -> None:
        now = self.clock.now()
        rows = [
            {"recipient": s.statement.recipient, "tree_size": s.statement.leaf_index + 1, "published_at": now}
            for s in sealed
        ]
        with self.database.write() as session:
            log.note_publication(session, rows)
            if sum(s.statement.count for s in sealed) > ROWS_PER_TRANSACTION:
                look_at_growth(self.database, session)


def _still_held(settled: Settled) -> list[Held]:
    """Records to put into the work list; what a release cannot place yet is in it already."""
    return [] if settled.submission.request.releases else settled.held


def _count(stage: Stage, settled: Settled, chunks: int) -> None:
    stage.leaves += [leaf_hash(line.body) for line in settled.lines]
    for finding in settled.findings:
        stage.findings_hash.update(canonical_finding(finding) + b"\n")
    stage.findings += len(settled.findings)
    stage.chunks += chunks
    for name, count in settled.counts.model_dump().items():
        stage.tally[name] += count
    stage.taken += settled.taken
    stage.waits_for.update(held.waits_for for held in _still_held(settled))
    stage.consents.update(settled.consents)
    if settled.submission.request.releases is not None:
        stage.still_held += [one for one in settled.held if one.code == NO_CONSENT]
    stage.last = settled


def _place_in_index(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """Entries are written in the order of the index, so that a page of it is not written again and again."""
    return entry["kind"], entry["series"]


def _says_something(submission: Submission, stage: Stage) -> bool:
    """A release that could place nothing after all says nothing."""
    return submission.request.releases is None or bool(stage.taken)
