"""Permits: whether a record may be disclosed at all, and under which consent of its firm.

Only flows that rest on consents (``schemas/flows.py``) are looked at: when something is handed over, and again when it
is asked for. What is handed over without a consent waits for one; what is asked for without one is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from gateway.schemas.consent import Basis, Kept, chosen
from gateway.schemas.flows import basis_of, flow_in, needs_consent, wanted
from gateway.schemas.line import EXPIRED, RESTRICTED, WITHDRAWN
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Version
from gateway.security.merkle import leaf_hash
from gateway.store import consents, feed
from gateway.store.engine import Session
from gateway.store.feed import Page, Under

Given = Mapping[str, Sequence[Kept]]
"""What firms consented to, by our party id."""

Versions = Mapping[tuple[str, str, str], list[Version]]
"""Published versions by (recipient, kind, series), oldest position first."""


@dataclass(frozen=True, slots=True)
class Permits:
    """What an origin's records may rest on at a recipient, on a day."""

    origin: Origin
    recipient: str
    given: Given
    today: date

    def is_free(self, kind: str) -> bool:
        """Whether records of a kind rest on something else than consents."""
        return basis_of(flow_in(self.origin), kind) is not Basis.CONSENT

    def find(self, kind: str, party: str) -> str | None:
        """The consent of a firm under which a record of a kind may be disclosed."""
        asked = wanted(kind, self.recipient, self.origin.sender)
        found = chosen(self.given.get(party, ()), asked, self.today)
        return found.id if found else None


def asks_consent(origin: Origin, kinds: Iterable[str]) -> bool:
    """Whether any of some record kinds of an origin may be disclosed only under a consent."""
    return needs_consent(flow_in(origin), kinds)


def look_up(session: Session, parties: Iterable[str]) -> Given:
    """What firms consented to: one look-up for a whole commit group."""
    wanted_of = set(parties)
    found = consents.of_parties(session, wanted_of)
    return {party: found.get(party, []) for party in wanted_of}


def has_changed(session: Session, given: Given) -> bool:
    """Whether firms consented since to something, or to something no more."""
    return bool(given) and look_up(session, given) != given


def still_shown(session: Session, versions: Versions, today: date) -> Versions:
    """Versions without those that are not shown any more: as if they had never been, as where a line was withdrawn."""
    shown: dict[tuple[str, str, str], list[Version]] = {}
    by_recipient: dict[str, list[Version]] = {}
    for (recipient, _, _), some in versions.items():
        by_recipient.setdefault(recipient, []).extend(some)
    hidden = {
        recipient: hidden_of(
            session, recipient, feed.find_under(session, recipient, [one.submission for one in some]), today
        )
        for recipient, some in by_recipient.items()
    }
    for key, some in versions.items():
        gone = hidden[key[0]]
        shown[key] = [one for one in some if (one.submission, one.number) not in gone]
    return shown


def shown(session: Session, recipient: str, page: Page, today: date) -> Page:
    """A page as it may be shown on a day: with stubs for what rests on a consent that is over."""
    hidden = hidden_of(session, recipient, page.under, today)
    stubs = {
        position: (leaf_hash(body), hidden[submission, index])
        for position, submission, index, body in page.rows
        if body and (submission, index) in hidden
    }
    return replace(page, withheld=stubs | page.withheld) if stubs else page


def without_kinds(session: Session, recipient: str, page: Page, kinds: frozenset[str]) -> Page:
    """A page with stubs for lines of some kinds; what nobody is shown stays withheld for its own reason."""
    shut = feed.find_of_kinds(session, recipient, page.rows[0][0], page.next_position, kinds) if page.rows else ()
    stubs = {position: (leaf_hash(body), RESTRICTED) for position, _, _, body in page.rows if body and position in shut}
    return replace(page, withheld=stubs | page.withheld)


def around(positions: range, unseen: Iterable[int]) -> Iterator[range]:
    """A range without some of its positions, as ranges.

    >>> list(around(range(3, 9), [5, 8]))
    [range(3, 5), range(6, 8)]
    """
    start = positions.start
    for position in sorted(unseen):
        if start < position:
            yield range(start, position)
        start = position + 1
    if start < positions.stop:
        yield range(start, positions.stop)


def hidden_of(session: Session, recipient: str, under: Sequence[Under], today: date) -> dict[tuple[str, int], str]:
    """Lines that rest on a consent that is over: (submission, index) and why they are not shown."""
    if not under:
        return {}
    standing = consents.goes_on_as(session, {one.consent for one in under})
    found: dict[tuple[str, int], str] = {}
    for one in under:
        kept = standing.get(one.consent)
        if kept is not None and kept.holds(today) and kept.consent.covers(wanted(one.kind, recipient, None)):
            continue
        reason = EXPIRED if kept is None or kept.withdrawn_at is None else WITHDRAWN
        found |= {(one.submission, index): reason for index in range(one.first_index, one.first_index + one.count)}
    return found
