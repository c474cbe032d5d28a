"""Coverage: what an institution's reports hold, so that nobody reads what is missing as fine.

Where nothing is declared, or for the time before, what is missing means nothing. A baseline says as of when all that
stood was handed over: before it, or without one, nobody can say that something happened for the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from gateway.errors import InvalidRequest
from gateway.registers.changes import Changing, Registrar
from gateway.schemas.identifiers import CGC_IDS, japanese_date
from gateway.schemas.records import KINDS
from gateway.schemas.register_change import Authority
from gateway.store import coverage, registers
from gateway.store.coverage import Declared
from gateway.store.engine import Database


class Form(StrEnum):
    """What is reported."""

    FULL_TAPE = "full_tape"  # 全件: everything there is, each time
    EVENT = "event"  # 異動: whatever happens
    EXCEPTION = "exception"  # 例外: only what goes wrong


class Absence(StrEnum):
    """What it means that something is not reported."""

    GAP = "gap"  # it should be there: a report is missing
    NOTHING_HAPPENED = "nothing_happened"
    NO_EXCEPTION = "no_exception"
    UNKNOWN = "unknown"  # nothing can be said


MEANS = {
    Form.FULL_TAPE: Absence.GAP,
    Form.EVENT: Absence.NOTHING_HAPPENED,
    Form.EXCEPTION: Absence.NO_EXCEPTION,
}


class Declaration(BaseModel):
    """What an institution's reports of a kind hold, since when; and its baseline, if all that stood was handed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    form: Form
    since: date
    baseline_on: date | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """How to read what an institution does not say of a kind; ``declared`` is None where it never declared anything."""

    institution: str
    kind: str
    absence: Absence
    declared: Declared | None

    @property
    def is_in_force(self) -> bool:
        """Whether something is declared, and for a day that has come."""
        return self.absence is not Absence.UNKNOWN


def declare(registrar: Registrar, whose: tuple[str, str], declaration: Declaration, by: str) -> None:
    """Declare the coverage of an institution's reports to a recipient (``whose``), on the word of who speaks for it.

    Raises:
        InvalidRequest: there is no such kind, or the baseline is later than the day from which it is declared.
    """
    with registrar.changing() as changing:
        put(registrar.database, changing, whose, declaration, Authority(how="participant", by=(by,)))


def put(
    database: Database, changing: Changing, whose: tuple[str, str], declaration: Declaration, by: Authority
) -> None:
    """The same within a change that is under way; whoever speaks for the institution is told.

    Raises:
        InvalidRequest: as above.
    """
    institution, recipient = whose
    late = declaration.baseline_on is not None and declaration.baseline_on > declaration.since
    if declaration.kind not in KINDS or recipient not in CGC_IDS or late:
        raise InvalidRequest(
            "name a corporation, a record kind, and a baseline that is not after since",
            ja="協会、記録の種類と、since 以前の baseline_on を指定してください。",
        )
    declared = Declared(
        institution=institution,
        recipient=recipient,
        kind=declaration.kind,
        form=declaration.form.value,
        since=declaration.since,
        baseline_on=declaration.baseline_on,
        declared_by=by.by[0],
        declared_at=changing.now,
    )
    coverage.put(database, changing.session, declared)
    everyone = registers.load_participants(changing.session).values()
    speakers = [one.id for one in everyone if one.institution == institution or institution in one.delegations]
    what = {"institution": institution, "recipient": recipient} | declaration.model_dump(mode="json")
    changing.say("covered", [*by.by, *speakers], what, by)


def covered(database: Database, recipient: str, now: datetime) -> list[Covered]:
    """How to read silence: of every institution that may submit to a recipient or has declared, and every kind."""
    with database.read() as session:
        declared = {(one.institution, one.kind): one for one in coverage.find(session, recipient)}
        everyone = registers.load_participants(session).values()
    reporting = {
        institution
        for one in everyone
        if ("submit", recipient) in one.entitlements
        for institution in ({one.institution} if one.kind == "bank" else set()) | set(one.delegations)
    }
    institutions = sorted(reporting | {institution for institution, _ in declared})
    today = japanese_date(now)
    return [
        Covered(
            institution, kind, _absence(declared.get((institution, kind)), today), declared.get((institution, kind))
        )
        for institution in institutions
        for kind in sorted(KINDS)
    ]


def _absence(declared: Declared | None, today: date) -> Absence:
    if declared is None or declared.since > today:
        return Absence.UNKNOWN
    return MEANS[Form(declared.form)]
