"""A gateway without doors: documents go along the real line in this process, at once or in the background."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from world import BANK, CORPORATION, VENDOR

from gateway.pipeline import Outcome, merged, prepare, queue
from gateway.ports import Adapter, Hints
from gateway.registers import enrolment
from gateway.registers.firms import register_guarantees
from gateway.runtime.committer import Committer, Tools
from gateway.runtime.wakeups import Wakeups
from gateway.runtime.worker import Worker
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme, new_id
from gateway.schemas.observed import Observed
from gateway.schemas.statement import Origin, Statement
from gateway.schemas.submission import Request, Submission
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing import open_receipt
from gateway.settings import Settings
from gateway.steps.receive import Received, receive
from gateway.store import log
from gateway.store.engine import Watch
from gateway.store.jobs import ANY_KIND
from gateway.wiring import build, worker

ROWS = 10_000


class Inside:
    """Bank 9991 and a vendor that speaks for it submit to corporation 13."""

    def __init__(self, folder: Path, database_url: str | None = None, reference_data: Path | None = None) -> None:
        self.gateway = build(Settings(data_dir=folder, database_url=database_url, reference_data=reference_data))
        self._watch = Watch(self.gateway.database)
        for name, kind in ((BANK, "bank"), (VENDOR, "vendor")):
            keys = KeyRing([SigningKey.generate().public])
            entry = enrolment.Entry(name, kind, name, "9991", keys, enrolment.entitlements(["submit:13"]))
            enrolment.enrol(self.gateway.registrar, entry)

    def close(self) -> None:
        """Give back the database."""
        self._watch.close()
        self.gateway.database.close()

    def register(self, loans: range) -> None:
        """Guarantees of some loans."""
        entries = [
            GuaranteeEntry(
                guarantee_no=f"13-{loan:07d}",
                institution="9991",
                firm=Reference(scheme=Scheme.CGC_CUSTOMER, scope="13", value=f"C{loan}"),
                name=f"第{loan}商店",
            )
            for loan in loans
        ]
        register_guarantees(self.gateway.registrar, "13", entries, (CORPORATION, self.gateway.clock.now()))

    def at_once(self, document: bytes, sender: str = BANK, flow: str | None = None, *to: str) -> Outcome:
        """Submit a small document, with a ``flow`` not for the bank; behind a large one it is queued as at the door."""
        submission, received = self._submission(document, sender, flow, *to), receive(document)
        prepared = merged(prepare(self.gateway.line, submission, io.BytesIO(document)))

        async def commit() -> Outcome:
            committer = self._committer()
            running = asyncio.create_task(committer.run())
            outcome = await committer.commit(submission, prepared, received, to or ("13",))
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            return outcome

        outcome = asyncio.run(commit())
        if outcome.must_queue:
            return replace(self._queue(submission, received), must_queue=True)
        return outcome

    def in_background(self, document: bytes, sender: str = BANK, flow: str | None = None) -> Outcome:
        """Submit a document as a large one; ``work`` deals with it."""
        return self._queue(self._submission(document, sender, flow), receive(document))

    def _queue(self, submission: Submission, received: Received) -> Outcome:
        return queue(self.gateway.database, self.gateway.blocks.cipher, submission, received, ANY_KIND)

    def worker(self, adapter: Adapter | None = None) -> Worker:
        """A worker, where wanted with an adapter of the test's own instead of the one of the same name."""
        made = worker(self.gateway)
        if adapter is None:
            return made
        line = replace(self.gateway.line, adapters={**self.gateway.line.adapters, adapter.name: adapter})
        return replace(made, loader=replace(made.loader, line=line))

    def head(self) -> tuple[int, int]:
        """The next leaf and the next position of the log."""
        with self.gateway.database.read() as session:
            head = log.find_heads(session, ["13"])["13"]
        return head.next_leaf, head.next_position

    def statements(self, first: int = 0) -> list[Statement]:
        """The statements of the log from a leaf on, in order."""
        keys = KeyRing([self.gateway.key.public])
        with self.gateway.database.read() as session:
            rows = log.statements_between(session, "13", first, first + ROWS)
        return [read_statement(open_receipt(row.receipt, keys)) for row in rows]

    def bodies(self, submission: str) -> list[bytes]:
        """The stored lines of a submission."""
        with self.gateway.database.read() as session:
            return self.gateway.blocks.load_lines(session, "13", submission)

    def lines(self, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """Position and content of every line of the feed from a position on."""
        with self.gateway.database.read() as session:
            rows = self.gateway.blocks.page(session, "13", after, ROWS).rows
        return [(position, orjson.loads(body)) for position, _, _, body in rows]

    def _submission(self, document: bytes, sender: str, flow: str | None = None, *to: str) -> Submission:
        received, now, name = receive(document), self.gateway.clock.now(), new_id()
        origin = Origin(sender=sender, institution="9991" if flow in (None, "bank") else sender, flow=flow)
        asked = Request(recipients=to or ("13",), adapter="native_json")
        return Submission(name, origin, asked, name, b"f" * 32, now, now, received.sha256.hex(), received.size)

    def _committer(self) -> Committer:
        of = self.gateway
        return Committer(
            Tools(of.database, of.blocks, of.line.pack, of.sealer, of.clock, Wakeups(self._watch, of.database)),
            of.settings.group_size,
            of.settings.idempotency_days,
        )


@dataclass
class Meanwhile:
    """An adapter with which something happens after a document was read, and what was read is staged; once."""

    adapter: Adapter
    act: Callable[[], object]
    readings: int = 0

    def __post_init__(self) -> None:
        self.name, self.version = self.adapter.name, self.adapter.version
        self.media_types, self.kinds = self.adapter.media_types, self.adapter.kinds

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """As the adapter itself."""
        return self.adapter.recognises(head, filename)

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """As the adapter itself; then, the first time, what happens meanwhile."""
        self.readings += 1
        yield from self.adapter.read(source, hints)
        if self.readings == 1:
            self.act()

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """As the adapter itself."""
        return self.adapter.returned(source, refused, hints)


def loan_rows(rows: dict[tuple[int, str], int], **more: Any) -> bytes:
    """Rows of revolving loans as JSON: (loan, date) -> balance."""
    return orjson.dumps(
        {
            "records": [
                {
                    "kind": "repayment_status",
                    "bank_code": "9991",
                    "guarantee_no": f"13-{loan:07d}",
                    "as_of": as_of,
                    "principal_yen": 10_000_000,
                    "balance_yen": balance,
                    "is_revolving": True,
                    "status": "performing",
                    **more,
                }
                for (loan, as_of), balance in rows.items()
            ]
        }
    )
