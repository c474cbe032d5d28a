"""What was disclosed of a firm: derived from its lines and from what readers were given; nothing is written twice.

For who has to show a firm to whom its data went (個人情報保護法 arts. 29, 30, 33): who handed over what kind of
record, on what basis, which reader of which corporation was given it, and when first. What was withdrawn is told with
its withdrawal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache, partial

import orjson
from sqlalchemy import select as columns
from sqlmodel import Session

from gateway.schemas.consent import Basis
from gateway.schemas.flows import load_flows
from gateway.schemas.identifiers import JST, japanese_date
from gateway.schemas.submission import Submission
from gateway.schemas.withdrawal import Runs, runs
from gateway.store import consents
from gateway.store.driver import table_of
from gateway.store.feed import Blocks, line_spot, unpacked
from gateway.store.submissions import find_submission
from gateway.store.tables import LineBlock, StatementRow
from gateway.store.withdrawals import who_had

BLOCKS_AT_ONCE = 64

_BLOCK, _STATEMENT = table_of(LineBlock).c, table_of(StatementRow).c
_BLOCKS = columns(
    _BLOCK.recipient,
    _BLOCK.kind,
    _STATEMENT.sender,
    _BLOCK.submission,
    _BLOCK.first_index,
    _BLOCK.count,
    _BLOCK.payload,
    _BLOCK.consent,
    _STATEMENT.first_position,
).where(_BLOCK.submission == _STATEMENT.submission, _BLOCK.recipient == _STATEMENT.recipient)


@dataclass(frozen=True, slots=True)
class Disclosed:
    """That a reader of a corporation was given records of a kind that a sender had handed over.

    Attributes:
        recipient: the corporation in whose feed they are.
        kind: what was disclosed.
        sender: who handed it over.
        basis: what that rests on: contract, law or consent; None for what was taken before flows were named.
        under: the id of the consent, or the text of the application form agreed to with the contract, where one is.
        reader: who was given it; None where nobody was yet.
        positions: where in the feed.
        at: when the reader first was given one of them.
    """

    recipient: str
    kind: str
    sender: str
    basis: Basis | None
    under: str | None
    reader: str | None
    positions: Runs
    at: datetime | None


@dataclass(frozen=True, slots=True)
class _Rests:
    """What lines have in common that are told together."""

    recipient: str
    kind: str
    sender: str
    basis: Basis | None
    under: str | None


def of_party(session: Session, blocks: Blocks, party: str) -> Iterator[Disclosed]:
    """Everything disclosed of a firm, by corporation, kind, sender and basis. Opens every line there is: for operators.

    Of lines under a consent only what was given while it held: stubs disclose nothing.
    """
    found = _lines(session, blocks, party)
    over = _over(session, {one.under for one in found if one.basis is Basis.CONSENT and one.under is not None})
    for one, positions in sorted(found.items(), key=lambda pair: [str(getattr(pair[0], name)) for name in _ORDER]):
        told, places = (one.recipient, one.kind, one.sender, one.basis, one.under), runs(positions)
        readers = who_had(session, one.recipient, places, over.get(one.under or ""))
        if not readers:
            yield Disclosed(*told, None, places, None)
        for reader in readers:
            yield Disclosed(*told, reader.reader, reader.positions, reader.at)


_ORDER = ("recipient", "kind", "sender", "basis", "under")


def _over(session: Session, ids: Iterable[str]) -> dict[str, datetime]:
    """Since when consents are over, or will be: by themselves or under what renewed them."""
    ends: dict[str, datetime] = {}
    for id, kept in consents.goes_on_as(session, ids).items():
        until = kept.consent.valid_to
        if kept.withdrawn_at is not None:
            ends[id] = kept.withdrawn_at
        elif until is not None:
            ends[id] = datetime.combine(until, time.max, JST)
    return ends


def _lines(session: Session, blocks: Blocks, party: str) -> dict[_Rests, set[int]]:
    """Positions of a firm's lines, by what they rest on; what is withheld is no line."""
    name = party.encode()
    found: dict[_Rests, set[int]] = {}
    submitted = cache(partial(find_submission, session))
    rows = session.execute(_BLOCKS.execution_options(yield_per=BLOCKS_AT_ONCE))
    for recipient, kind, sender, submission, first, count, payload, consent, position in rows:
        bodies = unpacked(blocks, line_spot(submission, recipient, first), payload, count)
        numbers = [n for n, body in enumerate(bodies, first) if name in body and orjson.loads(body)["subject"] == party]
        if numbers:
            rests = _Rests(recipient, kind, sender, *_basis(kind, consent, submitted(submission)))
            found.setdefault(rests, set()).update(position + number for number in numbers)
    return found


def _basis(kind: str, consent: str | None, submission: Submission | None) -> tuple[Basis | None, str | None]:
    """What a line rests on: its consent, or what its flow does, with the text that was in use when it came."""
    if consent is not None:
        return Basis.CONSENT, consent
    if submission is None or submission.origin.flow is None:
        return None, None
    flow = load_flows().flows[submission.origin.flow]
    form = flow.form(japanese_date(submission.received_at))
    return flow.rests_on(kind), form.text_version if form else None
