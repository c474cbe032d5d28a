"""Regular work. Every process may fire; a firing only inserts a job under a key made of task and due time."""

from __future__ import annotations

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from gateway.ports import Clock
from gateway.store import jobs
from gateway.store.engine import Database
from gateway.store.jobs import ANY_KIND, NewJob

REGULAR = {
    "tidy": "17 * * * *",
    "expire": "0 15 * * *",
    "merge": "0 15 * * *",
    "announce": "7 * * * *",
    "chain": "37 * * * *",
}
"""Task -> when it is due (cron, UTC); a day in Japan begins at 15:00."""


def schedule(database: Database, clock: Clock) -> BackgroundScheduler:
    """A running scheduler for all regular work; the caller shuts it down."""
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
    for task, when in REGULAR.items():
        scheduler.add_job(_fire, CronTrigger.from_crontab(when, timezone="UTC"), args=(database, clock, task))
    scheduler.start()
    return scheduler


def _fire(database: Database, clock: Clock, task: str) -> None:
    now = clock.now()
    due = now.replace(minute=0, second=0, microsecond=0)
    with database.write() as session:
        jobs.enqueue(session, NewJob(task, f"{task}/{due.isoformat()}", task, ANY_KIND, now))
