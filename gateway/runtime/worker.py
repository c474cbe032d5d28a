"""The worker: takes jobs from the table, one after the other, until it is stopped.

The table is the queue. A wake-up is a hint; without any the table is looked at every quarter of a second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.errors import BusyError, GatewayError
from gateway.pipeline import owners_of
from gateway.ports import Clock
from gateway.registers.mergers import Successions, as_of
from gateway.runtime.loader import Loader
from gateway.runtime.logs import kind_of
from gateway.schemas.identifiers import Channel, japanese_date
from gateway.schemas.submission import Submission
from gateway.store import jobs, registers, submissions
from gateway.store.engine import Database, Watch
from gateway.store.jobs import ATTEMPTS, LOST_WORKERS, Claimed

LOGGER = logging.getLogger("hayame.worker")
POLL_S = 0.05
LOOK_ANYWAY_S = 0.25


@dataclass(frozen=True, slots=True)
class Worker:
    """Claims jobs and does them; ``others`` are, by task, what does those that are no work on documents, by key."""

    database: Database
    loader: Loader
    clock: Clock
    idempotency_days: int
    others: Mapping[str, Callable[[str], object]]

    def run(self, stop: threading.Event) -> None:
        """Work until stopped."""
        watch = Watch(self.database)
        try:
            while not stop.is_set():
                if not self.work_once():
                    _idle(stop, watch)
        finally:
            watch.close()

    def work_once(self) -> bool:
        """Do the next job, if there is one. Looking comes first: a writer's turn is taken only where there is work."""
        with self.database.read() as session:
            if not jobs.any_due(session, self.clock.now()):
                return False
        with self.database.write() as session:
            job = jobs.claim(self.database, session, self.clock.now())
        if job is None:
            return False
        try:
            if job.attempts > LOST_WORKERS:
                raise BusyError(f"the worker was lost {LOST_WORKERS} times while it did this")
            self._do(job)
        except Exception as error:
            LOGGER.exception("job %s %s failed", job.task, job.key)
            self._failed(job, error)
            return True
        with self.database.write() as session:
            jobs.finish(session, job, self.clock.now())
            self.database.notify(session)
        return True

    def _do(self, job: Claimed) -> None:
        loader = replace(self.loader, keep=lambda session: jobs.extend(session, job, self.clock.now()))
        if job.task == "load":
            loader.load(job.key)
        elif job.task == "release":
            self._release(loader, job.key)
        elif job.task == "tidy":
            self._tidy()
        else:
            self.others[job.task](job.key)

    def _release(self, loader: Loader, key: str) -> None:
        """Publish what a submission's held records came to, by a statement of the gateway's own."""
        held_by, new = jobs.of_release(key)
        cipher = self.loader.blocks.cipher
        with self.database.read() as session:
            earlier = submissions.find_submission(session, held_by, cipher)
        owners = owners_of(earlier.request) if earlier else ()
        cipher.make_ready(owners)
        with self.database.write() as session:
            waiting = submissions.held_ordinals(session, held_by)
            if earlier is None or not waiting:
                return
            if submissions.find_submission(session, new) is None:
                release = _released(earlier, new, registers.load_successions(session), self.clock.now())
                submissions.add_kept(session, [submissions.keep(cipher.data_key(owners), release, None, final=False)])
        loader.load(new, frozenset(waiting))

    def _tidy(self) -> None:
        now = self.clock.now()
        with self.database.write() as session:
            submissions.forget_keys(session, now - timedelta(days=self.idempotency_days))
            submissions.forget_assertions(session, now)

    def _failed(self, job: Claimed, error: Exception) -> None:
        now = self.clock.now()
        reason = error.message if isinstance(error, GatewayError) else kind_of(error)
        with self.database.write() as session:
            if job.attempts >= ATTEMPTS:
                jobs.finish(session, job, now, reason)
            else:
                jobs.retry_later(session, job, now + timedelta(seconds=2**job.attempts), reason)


def _released(earlier: Submission, name: str, successions: Successions, now: datetime) -> Submission:
    """What publishes a submission's held records, for what its institution has become by now."""
    origin = as_of(successions, earlier.origin, japanese_date(now))
    held_as = earlier.origin.institution if origin != earlier.origin else None
    request = replace(earlier.request, releases=earlier.id, held_as=held_as, channel=Channel.GATEWAY, fixes=None)
    return replace(
        earlier, id=name, origin=origin.model_copy(update={"channel": Channel.GATEWAY}), request=request, key=None
    )


def _idle(stop: threading.Event, watch: Watch) -> None:
    waited = 0.0
    while not stop.wait(POLL_S) and waited < LOOK_ANYWAY_S and not watch.changed():
        waited += POLL_S
