"""Withdraw a submission, or lines of it: stubs in their place, their bytes nowhere, and a line in the feed says so.

One transaction, under the locked heads of the logs concerned: either all of it happened or nothing. What no transaction
can undo (files, and what a database keeps of deleted rows) is done after it, by a job of the same transaction, so that
whoever dies in between leaves the rest to a worker.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.errors import BusyError, InvalidRequest, NotFound
from gateway.ports import Clock
from gateway.runtime.own_words import OURSELVES, OwnWord
from gateway.runtime.sealer import Sealer
from gateway.runtime.take_back import TakeBack, Taken
from gateway.schemas.identifiers import instant_text, new_id
from gateway.schemas.statement import StoredStatement
from gateway.schemas.submission import Settled, Submission
from gateway.schemas.withdrawal import WITHDRAWAL, Withdrawal, runs
from gateway.security.canonical import canonical
from gateway.store import feed, jobs, log, submissions, withdrawals
from gateway.store.engine import Database, Session
from gateway.store.feed import Blocks
from gateway.store.jobs import ANY_KIND, NewJob
from gateway.store.log import HeadState
from gateway.store.withdrawals import Withdrawn

ADAPTER = "withdrawal/1"
SHRED = "shred"
HEAD_OF_A_FILE = 4_096  # the data key of a file stands at its beginning


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be withdrawn, and why.

    Attributes:
        submission: whose lines.
        reason: what the stubs will say.
        by: who wants it; kept for the operator, not sealed.
        recipients: only for these; empty for all it had.
        lines: indexes in its statement; None for all, and what else is known of it.
    """

    submission: str
    reason: str
    by: str = ""
    recipients: tuple[str, ...] = ()
    lines: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Withdrawer:
    """Withdraws; ``comparing`` are the codes of the rules that compare a record with an earlier one."""

    database: Database
    blocks: Blocks
    sealer: Sealer
    clock: Clock
    raw_folder: Path
    comparing: frozenset[str]

    def withdraw(self, asked: Asked) -> list[Withdrawn]:
        """Withdraw what is asked, unless it is already; all that was ever withdrawn of the submission.

        Raises:
            NotFound: there is no such submission, or it had no such recipient.
            BusyError: it is still being worked off.
            InvalidRequest: it has no such line, or it is not clear whose lines are meant.
        """
        with self.database.read() as session:
            own, rows = _found(session, asked)
        recipients = [row.recipient for row in rows]
        self.blocks.cipher.make_ready(recipients)
        document = own.request.releases or own.id
        with self.database.write() as session:
            heads = log.lock_heads(self.database, session, recipients)
            family = {own.id, document, *withdrawals.releases_of(session, own.id)}
            sealed = [one for row in rows if (one := self._withdraw_from(session, asked, row, heads[row.recipient]))]
            changed = bool(sealed) or (not rows and _drop_unpublished(session, asked, self.clock.now()))
            if changed:
                withdrawals.forget_document(session, document)
                for name in family:
                    if withdrawals.is_gone(session, name):
                        withdrawals.forget_request(session, name)
                jobs.enqueue(session, _shredding(document, self.clock.now()))
        if changed:
            with self.database.write() as session:
                _note(session, sealed, self.clock.now())
            self.shred(document)
        with self.database.read() as session:
            return withdrawals.find(session, own.id)

    def shred(self, document: str, *, rewrite: bool = False) -> None:
        """Remove the file of a document that was withdrawn, and what the database keeps of deleted rows.

        Args:
            document: whose; its file may be gone already.
            rewrite: also what PostgreSQL keeps in unused parts of its pages; see ``Database.forget``.

        Raises:
            BusyError: somebody still reads what was there before; a job does the rest.
        """
        path = self.raw_folder / document
        with suppress(FileNotFoundError), path.open("r+b") as file:
            file.write(bytes(HEAD_OF_A_FILE))  # whoever finds its blocks on the disk finds no key to them
            file.flush()
            os.fsync(file.fileno())
        path.unlink(missing_ok=True)
        if not self.database.forget(rewrite=rewrite):
            raise BusyError("the database's own log is still being read; what was withdrawn leaves it later")

    def _withdraw_from(self, session: Session, asked: Asked, row: StoredStatement, head: HeadState) -> Settled | None:
        """Take back from one recipient and seal that it was; None where there was nothing left to take."""
        taking = TakeBack(session, self.blocks, row.recipient, asked.reason, self.comparing)
        taken = taking.take(row, asked.lines)
        if taken is None:
            return None
        now = self.clock.now()
        word = OwnWord(row.recipient, ADAPTER, _said(asked, taken, now), now)
        lines = [word.line(WITHDRAWAL, f"{WITHDRAWAL}/{asked.submission}"), *taken.restated]
        settled = word.seal(session, (self.blocks, self.sealer), lines, head)
        withdrawals.add(
            session,
            [
                Withdrawn(
                    one,
                    row.recipient,
                    settled.submission.id,
                    asked.reason,
                    one in taken.whole,
                    runs(positions),
                    asked.by,
                    now,
                )
                for one, positions in sorted(taken.positions.items())
            ],
        )
        return settled


def _found(session: Session, asked: Asked) -> tuple[Submission, list[StoredStatement]]:
    """The submission, and its statements for the recipients that are meant."""
    own = submissions.find_submission(session, asked.submission)
    rows = log.find_statements(session, asked.submission)
    stalled = own is not None and jobs.is_given_up(session, jobs.key_of(own.id, own.request.releases))
    if (
        own is None
        or own.origin.sender == OURSELVES
        or not {row.recipient for row in rows}.issuperset(asked.recipients)
    ):
        raise NotFound
    if not rows and not stalled:
        raise BusyError(
            "it is still being processed; withdraw it when that is done",
            ja="処理中です。完了後に取り下げてください。",
        )
    chosen = [row for row in rows if not asked.recipients or row.recipient in asked.recipients]
    if asked.lines is not None and len(chosen) != 1:
        raise InvalidRequest("name the one recipient whose lines are meant", ja="行の受領先を1つ指定してください。")
    return own, chosen


def _drop_unpublished(session: Session, asked: Asked, now: datetime) -> bool:
    """Forget what was never published, since working it off failed; whether it was there."""
    if withdrawals.find(session, asked.submission):
        return False
    feed.drop_stage(session, asked.submission)
    withdrawals.add(session, [Withdrawn(asked.submission, "", "", asked.reason, True, (), asked.by, now)])
    return True


def _note(session: Session, sealed: Sequence[Settled], now: datetime) -> None:
    """Note when it had become visible: who reads from then on gets stubs."""
    rows = [
        {"recipient": row.recipient, "tree_size": row.leaf_index + 1, "published_at": now}
        for one in sealed
        for row in log.find_statements(session, one.submission.id)
    ]
    log.note_publication(session, rows)


def _said(asked: Asked, taken: Taken, now: datetime) -> bytes:
    """What the gateway says of a withdrawal; it is its document, and its line's record."""
    positions = runs(position for some in taken.positions.values() for position in some)
    said = Withdrawal(
        submission=asked.submission,
        reason=asked.reason,
        whole=asked.submission in taken.whole,
        positions=positions,
        withdrawn_at=instant_text(now),
    )
    return canonical(said.model_dump(mode="json"))


def _shredding(document: str, now: datetime) -> NewJob:
    key = f"{SHRED}/{document}/{new_id()}"
    return NewJob(SHRED, key, key, ANY_KIND, now)


def document_of(key: str) -> str:
    """The document in the key of a job that shreds."""
    return key.split("/")[1]
