"""Releases: records that were held go free when what they waited for came: a number, a guarantee, a merger.

Each release is a job for one submission, and says only what it can place by then: one too many says nothing. Nothing
stays held unseen. Whoever changes a register of firms locks every log's head first, and who commits what it holds
looks at that register again under its own head. A merger comes by itself with its day: who commits looks under its head
whether one has come (``look_again``), and the job of the merger sees what was committed before (``release_merged``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time

from gateway.ports import Cipher, Clock
from gateway.registers import mergers
from gateway.registers.changes import Registrar
from gateway.registers.mergers import Successions
from gateway.schemas.identifiers import JST, Reference, Scheme, japanese_date, new_id
from gateway.schemas.submission import Submission, Waiting
from gateway.store import jobs, log, registers, submissions
from gateway.store.engine import Database, Session
from gateway.store.jobs import ANY_KIND, NewJob

MERGE = "merge"
"""The task that releases what mergers made placeable."""


def release_waiting(
    registrar: Registrar,
    session: Session,
    references: Sequence[Reference],
    now: datetime,
    owners: Mapping[Reference, str] | None = None,
) -> Counter[str]:
    """Numbers name firms now, or guarantees are registered: let what waits be released; how many records, by recipient.

    One job for each submission that holds any of them, however many. ``owners`` says for which institution a guarantee
    is registered: what is held for that number of others, who have not become one with it, goes on waiting.
    """
    held: dict[str, list[Waiting]] = {}
    for row in submissions.waiting_for(session, registrar.cipher, references):
        held.setdefault(row.submission, []).append(row)
    successions = registers.load_successions(session) if held and owners else {}
    released: Counter[str] = Counter()
    for held_by in sorted(held):
        submission = submissions.find_submission(session, held_by)
        if submission is None:
            continue
        speaks_as = mergers.as_of(successions, submission.origin, japanese_date(now)).speaks_as
        free = Counter(row.recipient for row in held[held_by] if _goes_free(row, speaks_as, owners or {}))
        if free:
            _release(session, submission, now)
        released += free
    registrar.database.notify(session)
    return released


def _goes_free(row: Waiting, speaks_as: Sequence[str], owners: Mapping[Reference, str]) -> bool:
    if row.waits_for is None or row.waits_for not in owners:
        return True
    return owners[row.waits_for] in speaks_as and row.waits_for.scope == row.recipient


def plan_merger(session: Session, institution: str, since: date, now: datetime) -> None:
    """Have what a merger makes placeable released on its day: at once, if that is not ahead."""
    ahead = since > japanese_date(now)
    day = datetime.combine(since, time.min, JST).astimezone(UTC) if ahead else now
    jobs.enqueue(session, NewJob(MERGE, f"{institution}/{new_id()}", MERGE, ANY_KIND, day))


def release_merged(database: Database, cipher: Cipher, clock: Clock) -> int:
    """Release what is held of institutions that have merged and can be placed for what they have become.

    How many submissions these are. Done twice, the second time there is nothing left; cut off, it is done again.
    """
    with database.write() as session:  # whoever commits from now on sees every merger that is seen here
        log.lock_all_heads(database, session)
        now = clock.now()
        successions = registers.load_successions(session)
    concerned = mergers.merged(successions, japanese_date(now))
    with database.read() as session:
        holding = submissions.holding(session, sorted(concerned)) if concerned else []
        free = [one for one in holding if _can_go(session, cipher, one, (successions, now))]
    with database.write() as session:
        for submission in free:
            _release(session, submission, now)
        database.notify(session)
    return len(free)


def look_again(session: Session, holding: Iterable[Submission], now: datetime) -> None:
    """Release what is just being held of submissions whose institution has merged since they came, if it can be.

    Asked by who commits it, under the heads' lock. Whether it can be placed is found out by the release.
    """
    some = list(holding)
    successions = registers.load_successions(session) if some else {}
    for submission in some:
        origin = submission.origin
        if successions and mergers.as_of(successions, origin, japanese_date(now)).speaks_as != origin.speaks_as:
            _release(session, submission, now)


def _can_go(session: Session, cipher: Cipher, submission: Submission, known: tuple[Successions, datetime]) -> bool:
    """Whether a guarantee that one of its records waits for is registered for what its institution is by now."""
    speaks_as = mergers.as_of(known[0], submission.origin, japanese_date(known[1])).speaks_as
    for rows in submissions.waiting_in(session, cipher, submission.id):
        numbers: dict[str, set[str]] = {}
        for row in rows:
            number = row.waits_for
            if number is not None and number.scheme is Scheme.GUARANTEE and number.scope == row.recipient:
                numbers.setdefault(row.recipient, set()).add(number.value)
        for recipient, asked in numbers.items():
            found = registers.find_guarantees(session, recipient, sorted(asked))
            if any(one.institution in speaks_as for one in found.values()):
                return True
    return False


def _release(session: Session, submission: Submission, now: datetime) -> None:
    key = jobs.key_of(new_id(), submission.id)
    jobs.enqueue(session, NewJob("release", key, submission.origin.sender, ANY_KIND, now))
