"""Group commit: many small submissions, one transaction; nothing is answered before it is durable and visible.

    waiting ─ take a group ─ settle (one snapshot) ─╫─ lock heads ─ changed? ─ claim keys ─ seal ─ publish ─ COMMIT

Everything runs on the event loop except COMMIT itself (the fsync), which a thread waits for while the next requests
are being read. What cannot go with this group goes with the next: a second submission about the same record, one
behind it from the same sender, and one whose ground moved between its snapshot and the lock; that one not for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from gateway.errors import BusyError, KeyReused, NotAuthentic
from gateway.pipeline import Outcome
from gateway.ports import Clock, DataKey
from gateway.registers.permits import asks_consent, has_changed
from gateway.registers.releases import look_again
from gateway.rules.pack import Pack
from gateway.runtime.notes import Notes
from gateway.runtime.sealer import Ready, Sealer
from gateway.runtime.wakeups import Wakeups
from gateway.schemas.submission import MY_NUMBER, Prepared, RawCopy, Settled, Submission
from gateway.schemas.trail import Deed
from gateway.settle import Share, can_be_placed, settle
from gateway.steps.publish import packed
from gateway.steps.receive import Received
from gateway.steps.seal import Sealed, digest
from gateway.store import feed, jobs, log, registers, submissions
from gateway.store.engine import Database, Session
from gateway.store.feed import Blocks
from gateway.store.line_index import Index, Key
from gateway.store.log import HeadState
from gateway.store.submissions import Kept, Used

LOGGER = logging.getLogger("hayame.commit")
NOTES_WAIT_S, IDLE_S = 0.02, 0.2
"""How long notes wait for a group that takes them along; and how often it is looked whether there are any."""
LOOKS_BEFORE, LOOKS, QUIET_TURNS = 10, 100, 4
ROUNDS = 10
"""How often a work may be sent round again before its sender is asked to come back later."""

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Work:
    """A prepared submission waiting for its group.

    Attributes:
        key: under which its document is closed, and its lines where they have one recipient.
        rounds: how often it reached the lock in vain.
    """

    submission: Submission
    prepared: Prepared
    key: DataKey
    kept: Kept
    recipients: tuple[str, ...]
    done: asyncio.Future[Outcome]
    settled: list[Settled] = field(default_factory=list)
    rounds: int = 0

    @property
    def lane(self) -> str:
        """Submissions of one lane take effect in order of arrival."""
        return self.submission.origin.sender

    @property
    def name(self) -> tuple[str, str]:
        """Sender and Idempotency-Key."""
        return self.submission.origin.sender, self.submission.key or self.submission.id


@dataclass(frozen=True, slots=True)
class Tools:
    """What committing works with."""

    database: Database
    blocks: Blocks
    pack: Pack
    sealer: Sealer
    clock: Clock
    wakeups: Wakeups


class Committer:
    """Takes prepared submissions across the double bar, in groups."""

    def __init__(self, tools: Tools, group_size: int, key_days: int) -> None:
        self._tools, self._group_size = tools, group_size
        self._key_life = timedelta(days=key_days)
        self._waiting: deque[Work] = deque()
        self._arrived = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._notes = Notes()

    async def commit(
        self, submission: Submission, prepared: Prepared, received: Received, recipients: tuple[str, ...]
    ) -> Outcome:
        """Settle, seal and publish; see ``pipeline.Committer``."""
        cipher = self._tools.blocks.cipher
        if not cipher.is_ready(recipients):
            await asyncio.to_thread(cipher.make_ready, recipients)
        key = cipher.data_key(recipients)
        kept = submissions.keep(key, submission, _copy(prepared, received))
        work = Work(submission, prepared, key, kept, recipients, asyncio.get_running_loop().create_future())
        self._waiting.append(work)
        self._arrived.set()
        return await work.done

    def note_read(self, recipient: str, reader: str, position: int) -> None:
        """A reader asks for what comes from a position on, so it has read what came before."""
        self._notes.read(recipient, reader, position, self._tools.clock.now())

    def note_given(self, recipient: str, reader: str, lines: range, at: datetime) -> None:
        """A reader is given the lines of a range of positions; the instant is one before they were looked up."""
        self._notes.given(recipient, reader, lines, at)

    def note_refusal(self, refusal: Deed) -> None:
        """Somebody was refused at the door."""
        self._notes.refused(refusal)

    async def run(self) -> None:
        """Commit group after group until cancelled; notes go along, or by themselves when nothing else is going on."""
        while True:
            self._arrived.clear()
            await self._let_others_come()
            group, noted = self._take_group(), bool(self._notes)
            if group:
                await self._commit(group)
            elif not await self._somebody_comes(NOTES_WAIT_S if noted else IDLE_S) and noted:
                await self._write_notes()

    async def _somebody_comes(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):  # wait_for may swallow a cancellation
                await self._arrived.wait()
        return self._arrived.is_set()

    async def _let_others_come(self) -> None:
        """Whoever arrives while another process writes, or within a few turns of the loop, comes along: groups of 22.

        Without it they are of 16, and each costs the same look-ups and one COMMIT.
        """
        for _ in range(LOOKS_BEFORE):
            if not self._tools.database.writers.is_held():
                break
            await asyncio.sleep(0)
        quiet = waiting = 0
        while quiet < QUIET_TURNS and len(self._waiting) < self._group_size:
            quiet += len(self._waiting) == waiting
            waiting = len(self._waiting)
            await asyncio.sleep(0)

    def _take_group(self) -> list[Work]:
        """The next works in order of arrival; a second use of one key waits for the first to be decided."""
        group: list[Work] = []
        names: set[tuple[str, str]] = set()
        later: list[Work] = []
        while self._waiting and len(group) < self._group_size:
            work = self._waiting.popleft()
            if work.name in names:
                later.append(work)
                continue
            names.add(work.name)
            group.append(work)
        self._waiting.extendleft(reversed(later))
        return group

    async def _commit(self, group: list[Work]) -> None:
        try:
            await self._commit_together(group)
        except Exception as error:  # noqa: BLE001 - one poisoned submission must not take its neighbours along
            if len(group) == 1:
                _fail(group[0], error)
                return
            for work in group:
                if not work.done.done():
                    await self._commit([work])

    async def _commit_together(self, group: list[Work]) -> None:
        tools = self._tools
        with tools.database.read() as session:
            fresh = self._sort_out(session, group)
            chosen = self._settle(session, fresh)
        if not chosen:
            return
        ready = {id(one): _ready(tools.blocks, one, work.key) for work in chosen for one in work.settled}
        session = await self._begin()
        try:
            sealed = self._write(session, chosen, ready)
        except BaseException:
            tools.database.end(session)
            raise
        await self._make_durable(session)
        self._announce(chosen, sealed)

    def _sort_out(self, session: Session, group: Sequence[Work]) -> list[Work]:
        """Answer replays and reused keys at once, queue what is behind a large one; what is left goes on."""
        found = submissions.find_keys(session, [work.name for work in group if work.submission.key])
        busy = jobs.open_lanes(session, {work.submission.origin.sender for work in group})
        fresh = []
        for work in group:
            earlier = found.get(work.name)
            if earlier is not None:
                _answer_from(work, earlier)
            elif jobs.is_behind(work.submission.origin.sender, work.prepared.kinds, busy):
                work.done.set_result(Outcome(work.submission.id, must_queue=True))
            else:
                fresh.append(work)
        return fresh

    def _settle(self, session: Session, fresh: Sequence[Work]) -> list[Work]:
        """Settle them together; what touches a record that this group already writes goes with the next group."""
        tools, now = self._tools, self._tools.clock.now()
        digests = [name for work in fresh for name in _digests(work)]
        repeated = log.accepted_before(session, digests, now - self._key_life)
        shares = {id(work): _shares(work, repeated) for work in fresh}
        settled = iter(settle(session, [s for some in shares.values() for s in some], tools.blocks, tools.pack, now))
        for work in fresh:
            work.settled = [next(settled) for _ in shares[id(work)]]
        chosen, later = _without_overlap(fresh)
        self._put_back(later)
        return chosen

    def _write(self, session: Session, chosen: list[Work], ready: dict[int, Ready]) -> list[Sealed]:
        """Everything between BEGIN and COMMIT; works that must go round again are taken out of ``chosen``."""
        database = self._tools.database
        heads = log.lock_heads(database, session, {r for work in chosen for r in work.recipients})
        changed = _changed(session, self._tools.blocks.index, chosen, heads)
        moved = [work for work in chosen if _ground_moved(session, work, changed, self._tools.clock.now())]
        over = _with_ended_key(session, chosen, self._tools.clock.now())
        rest = [work for work in chosen if work not in moved and work not in over]
        claimed = submissions.claim_keys(session, [work.submission for work in rest])
        lost = [work for work in rest if work.submission.key is not None and work.name not in claimed]
        chosen[:] = [work for work in rest if work not in lost]
        self._put_back(_again([work for work in [*moved, *lost] if work not in over]))
        submissions.add_kept(session, [work.kept for work in chosen])
        holding = [work.submission for work in chosen if any(one.held for one in work.settled)]
        look_again(session, holding, self._tools.clock.now())
        self._notes.write(self._tools.database, session)
        return self._tools.sealer.seal_all(session, [ready[id(one)] for w in chosen for one in w.settled], heads)

    def _announce(self, chosen: Sequence[Work], sealed: Sequence[Sealed]) -> None:
        """It is durable and visible: say so, and note when."""
        now = self._tools.clock.now()
        newest = {one.statement.recipient: one.statement for one in sealed}
        for recipient, statement in newest.items():
            self._notes.published(recipient, statement.leaf_index + 1, now)
        by_submission: dict[str, list[Sealed]] = {}
        for one in sealed:
            by_submission.setdefault(one.statement.submission, []).append(one)
        for work in chosen:
            if not work.done.done():
                work.done.set_result(Outcome(work.submission.id, sealed=tuple(by_submission[work.submission.id])))
        self._tools.wakeups.wake({name: one.first_position + one.count for name, one in newest.items()})

    async def _begin(self) -> Session:
        """Open the write transaction; where another process writes just now, as soon as it is done.

        A thread that waits would get its turn while the loop is busy, and nobody could use it (two processes: 7 % fewer
        documents); so the loop looks for itself. A bulk load takes turn after turn: against it only queueing helps.
        """
        database = self._tools.database
        for _ in range(LOOKS):
            session = database.try_begin()
            if session is not None:
                return session
            await asyncio.sleep(0)
        opening = asyncio.get_running_loop().run_in_executor(self._disk, database.begin)
        try:
            return await _surely(opening)
        except asyncio.CancelledError:
            database.end(opening.result())
            raise

    async def _make_durable(self, session: Session) -> None:
        """COMMIT, in the thread, which also lets the next writer in: the loop may be busy."""
        loop = asyncio.get_running_loop()
        await _surely(loop.run_in_executor(self._disk, self._tools.database.commit, session))

    async def _write_notes(self) -> None:
        """Write what no group came to carry."""
        session = await self._begin()
        try:
            self._notes.write(self._tools.database, session)
        except BaseException:
            self._tools.database.end(session)
            raise
        await self._make_durable(session)

    def _put_back(self, works: Sequence[Work]) -> None:
        if works:
            self._waiting.extendleft(reversed(works))
            self._arrived.set()


async def _surely(future: asyncio.Future[T]) -> T:
    """The result of what a thread does; who is cancelled meanwhile, however often, is so only when it is done."""
    cancelled = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    result = future.result()
    if cancelled is not None:
        raise cancelled
    return result


def _ready(blocks: Blocks, settled: Settled, key: DataKey) -> Ready:
    return Ready(settled, digest(settled), packed(blocks, settled, key))


def _fail(work: Work, error: Exception) -> None:
    if not work.done.done():
        work.done.set_exception(error)


def _again(works: Sequence[Work]) -> list[Work]:
    """Those that may go round once more; a work whose ground never holds must not keep the loop busy for ever."""
    for work in works:
        work.rounds += 1
        if work.rounds >= ROUNDS:
            LOGGER.error("submission %s was sent round %d times and is given up", work.submission.id, work.rounds)
            _fail(
                work,
                BusyError(
                    "what this submission depends on keeps changing; nothing was taken, try again later",
                    ja="この提出が参照する記録が変わり続けているため、受け付けていません。しばらくしてから再試行してください。",
                ),
            )
    return [work for work in works if work.rounds < ROUNDS]


def _answer_from(work: Work, earlier: Used) -> None:
    if earlier.fingerprint == work.submission.fingerprint:
        work.done.set_result(Outcome(earlier.submission, replayed=True))
    else:
        work.done.set_exception(KeyReused())


def _digests(work: Work) -> list[tuple[str, str, bytes]]:
    raw = bytes.fromhex(work.submission.raw_sha256)
    return [(recipient, work.submission.origin.sender, raw) for recipient in work.recipients]


def _shares(work: Work, repeated: Collection[tuple[str, str, bytes]]) -> list[Share]:
    """What a work is to each recipient; what stands of the same bytes under a consent is looked at anew."""
    anew = asks_consent(work.submission.origin, work.prepared.kinds)
    return [
        Share(work.submission, work.prepared, recipient, work.recipients, repeats=not anew and name in repeated)
        for recipient, name in zip(work.recipients, _digests(work), strict=True)
    ]


def _without_overlap(works: Sequence[Work]) -> tuple[list[Work], list[Work]]:
    """Those no two of which touch one record, and the others; who follows a postponed one of its lane is postponed."""
    chosen, later = [], []
    touched: set[tuple[str, str, str]] = set()
    blocked: set[str] = set()
    for work in works:
        keys = {(one.recipient, kind, series) for one in work.settled for kind, series in one.keys}
        if work.lane in blocked or keys & touched:
            blocked.add(work.lane)
            later.append(work)
        else:
            touched |= keys
            chosen.append(work)
    return chosen, later


def _changed(
    session: Session, index: Index, works: Sequence[Work], heads: Mapping[str, HeadState]
) -> dict[str, set[Key]]:
    """What of all that a group looked at got a line, or may have lost one, between its snapshot and the lock."""
    changed: dict[str, set[Key]] = {}
    for recipient, head in heads.items():
        looked = [one for work in works for one in work.settled if one.recipient == recipient]
        known = min(one.known_position for one in looked)
        if head.next_position > known:
            keys = set().union(*(one.keys for one in looked))
            withdrawn = feed.withdrawn_since(session, recipient, known)
            changed[recipient] = keys if withdrawn else index.changed_since(session, recipient, list(keys), known)
    return changed


def _ground_moved(session: Session, work: Work, changed: Mapping[str, set[Key]], now: datetime) -> bool:
    """Whether what it rests on changed between its snapshot and the lock.

    A record it looked at got a line, one it holds could be placed, or a firm consented to something, or no more.
    """
    speaks_as = work.submission.origin.speaks_as
    return any(
        (one.held and can_be_placed(session, one.recipient, speaks_as, {h.waits_for for h in one.held}, now))
        or not one.keys.isdisjoint(changed.get(one.recipient, ()))
        or has_changed(session, one.consents)
        for one in work.settled
    )


def _with_ended_key(session: Session, works: Sequence[Work], now: datetime) -> list[Work]:
    """Works, now failed, whose signature's key has ended since it was looked at, in whichever process it was ended."""
    named = {work.submission.origin.key for work in works}
    ended = registers.ended_keys(session, sorted(key for key in named if key is not None), now)
    over = [work for work in works if work.submission.origin.key in ended]
    for work in over:
        _fail(work, NotAuthentic("the key has ended meanwhile"))
    return over


def _copy(prepared: Prepared, received: Received) -> RawCopy:
    """What is kept of the document; one that holds a labelled My Number is never kept at all."""
    return RawCopy(None, None, MY_NUMBER) if prepared.destroy_raw else received.copy()
