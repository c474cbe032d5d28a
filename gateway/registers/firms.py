"""Firms (事業者): which numbers name them, which guarantees they have, and what these let go that waited for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import InvalidRequest, NotFound
from gateway.schemas.identifiers import Reference, Scheme, japanese_date, new_id
from gateway.store import jobs, registers, submissions
from gateway.store.engine import Database, Session
from gateway.store.jobs import ANY_KIND, NewJob


class GuaranteeEntry(BaseModel):
    """One guarantee as the corporation's register has it; its firm by any number, and by name where it is new."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guarantee_no: str = Field(min_length=1, max_length=32)
    institution: str = Field(min_length=1, max_length=64)
    firm: Reference
    name: str = Field(max_length=200)
    principal_yen: int | None = None
    is_revolving: bool = False


def say_who(
    database: Database, reference: Reference, same_as: Reference | None, name: str | None, by: tuple[str, datetime]
) -> tuple[str, int]:
    """Let a number name the firm that ``same_as`` names, or a new firm; its party id, and how many records go free.

    ``by`` is who says so, and when.

    Raises:
        NotFound: nobody knows ``same_as``.
        InvalidRequest: the number names another firm already.
    """
    with database.write() as session:
        party = _party(session, same_as or reference, name, by)
        _link(session, reference, party, by)
        return party, release_waiting(database, session, reference, by[1])


def register_guarantees(
    database: Database, recipient: str, entries: Sequence[GuaranteeEntry], by: tuple[str, datetime]
) -> int:
    """Take over guarantees; firms not yet known are added. How many held records this lets go."""
    released = 0
    with database.write() as session:
        for entry in entries:
            party = _party(session, entry.firm, entry.name, by)
            _link(session, entry.firm, party, by)
            row = entry.model_dump(include={"guarantee_no", "institution", "principal_yen", "is_revolving"})
            registers.put_guarantee(session, row | {"recipient": recipient, "party": party})
            number = Reference(scheme=Scheme.GUARANTEE, scope=recipient, value=entry.guarantee_no)
            released += release_waiting(database, session, number, by[1])
            released += release_waiting(database, session, entry.firm, by[1])
    return released


def _party(session: Session, known: Reference, name: str | None, by: tuple[str, datetime]) -> str:
    found = registers.find_links(session, [known], japanese_date(by[1])).get(known)
    if found is not None:
        return found
    if name is None:
        raise NotFound("nobody knows that number", ja="その番号は登録されていません。")
    return registers.add_party(session, name)


def _link(session: Session, reference: Reference, party: str, by: tuple[str, datetime]) -> None:
    found = registers.find_links(session, [reference], japanese_date(by[1])).get(reference)
    if found not in (None, party):
        raise InvalidRequest("that number names another firm", ja="その番号は別の事業者を指しています。")
    if found is None and reference.scheme is not Scheme.PARTY:
        registers.link(session, reference, party, *by)
        session.flush()


def release_waiting(database: Database, session: Session, reference: Reference, now: datetime) -> int:
    """A number names a firm now, or a guarantee is registered: let what waits for it be released; how many records."""
    rows = submissions.waiting_for(session, reference)
    for held_by in sorted({row.submission for row in rows}):
        submission = submissions.find_submission(session, held_by)
        lane = submission.origin.sender if submission is not None else held_by
        jobs.enqueue(database, session, NewJob("release", f"{held_by}/{new_id()}", lane, ANY_KIND, now))
    database.notify(session)
    return len(rows)
