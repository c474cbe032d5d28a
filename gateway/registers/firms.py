"""Firms (事業者): which numbers name them, which guarantees they have; what waited for these goes free (``releases``).

Whoever changes this register locks every log's head first. A commit group looks at the register again under its own
head: so either it sees the new number, or the record it holds is there to be released. Nothing stays held unseen.

Each corporation says for itself which firm a number names and what a firm became, and learns nothing of what others
say (``store/links.py``): it goes by its own word, and where it has none, by the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime

from gateway.errors import InvalidRequest, NotFound
from gateway.registers.changes import Registrar
from gateway.registers.releases import release_waiting
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme, japanese_date
from gateway.schemas.register_change import Authority
from gateway.security.canonical import canonical, sha256_hex
from gateway.store import links, log, registers
from gateway.store.engine import Database, Session
from gateway.store.links import Contested, Word


def say_who(
    registrar: Registrar, reference: Reference, same_as: Reference | None, name: str | None, by: tuple[str, datetime]
) -> tuple[str, Counter[str]]:
    """Let a number name the firm that ``same_as`` names, or a new firm; its party id, and how many records go free
    at each corporation.

    ``by`` is who says so, and when. Whether others say the same of the number, something else, or nothing, the answer
    is the same, and their words stand; where they differ, that is ``contested``.

    Raises:
        NotFound: nobody knows ``same_as``.
        InvalidRequest: the number names another firm by a word that this participant may see, or is a guarantee's.
    """
    only_links(reference, *([same_as] if same_as else []))
    with registrar.changing() as changing:
        session = changing.session
        log.lock_all_heads(registrar.database, session)
        party = _party(session, same_as or reference, name, by)
        if _link(session, reference, party, by):
            what = {"reference": reference.model_dump(mode="json"), "party": party}
            changing.say("linked", [by[0]], what, _on_request(by))
        itself = Reference(scheme=Scheme.PARTY, value=party)  # a consent may have waited for the number
        return party, release_waiting(registrar, session, [reference, itself], by[1])


def end_link(registrar: Registrar, reference: Reference, by: tuple[str, datetime]) -> str:
    """Let a number name no firm any more from today on, by whoever said it did; the party id it named.

    Nothing that was published is touched: firms are never merged, only numbers are linked, so each keeps its history,
    and the number can be linked anew, to the firm it named before or to another.

    Raises:
        NotFound: this participant never said so, or it is over.
    """
    with registrar.changing() as changing:
        log.lock_all_heads(registrar.database, changing.session)
        party = registers.end_link(changing.session, reference, by[0], japanese_date(by[1]))
        if party is None:
            raise NotFound("you have linked no such number", ja="その番号は紐付けられていません。")
        what = {"reference": reference.model_dump(mode="json"), "party": party}
        changing.say("unlinked", [by[0]], what, _on_request(by))
        return party


def say_became(
    registrar: Registrar, pair: tuple[Reference, Reference], since: date, by: tuple[str, datetime]
) -> tuple[str, str]:
    """A firm became another on a day (法人成り): the firms that a pair of numbers names. Their party ids.

    Neither loses anything, and no number moves with it: numbers are ended and linked anew by whoever said them.

    Raises:
        NotFound: nobody knows one of them.
        InvalidRequest: they are one firm, or one of them was the other before.
    """
    with registrar.changing() as changing:
        own = links.speaks_with(changing.session, by[0])
        found = registers.find_links(changing.session, pair, japanese_date(by[1]), own)
        if len(found) < len(set(pair)):
            raise NotFound("nobody knows that number", ja="その番号は登録されていません。")
        party, successor = found[pair[0]], found[pair[1]]
        later = {after for _, after, _ in registers.find_lineage(changing.session, successor, own)} - {successor}
        if party == successor or party in later:
            raise InvalidRequest("a firm does not become itself", ja="承継の前後が同じ事業者です。")
        registers.succeed_party(changing.session, party, successor, since, by)
        what = {"party": party, "successor": successor, "since": since.isoformat()}
        changing.say("succeeded", [by[0]], what, _on_request(by))
        return party, successor


def require_known(database: Database, recipient: str, references: Sequence[Reference], now: datetime) -> None:
    """That a corporation knows these numbers by itself; whether others do, it is not told.

    Raises:
        NotFound: it does not know one of them, or nobody does.
        InvalidRequest: one of them is a guarantee's.
    """
    only_links(*references)
    with database.read() as session:
        here = links.speakers(session, [recipient])[recipient]
        found = registers.find_links(session, references, japanese_date(now), here)
        if not all(one in found and registers.is_known_at(session, recipient, one, found[one]) for one in references):
            raise NotFound("nobody here knows that number", ja="その番号は登録されていません。")


def lineage_of(database: Database, recipient: str, party: str) -> list[tuple[str, str, date]]:
    """What a firm was before and what became of it, the oldest first: a firm, its successor, and since when.

    As far as a corporation said so itself; what others say of the firm it is not told.
    """
    with database.read() as session:
        return registers.find_lineage(session, party, links.speakers(session, [recipient])[recipient])


def contested(database: Database, now: datetime) -> list[Contested]:
    """Numbers that name different firms by different words: for the operator alone, who may see all of them."""
    with database.read() as session:
        return links.find_contested(session, japanese_date(now))


def register_guarantees(
    registrar: Registrar, recipient: str, entries: Sequence[GuaranteeEntry], by: tuple[str, datetime]
) -> int:
    """Take over guarantees, each in place of what was said of it before; firms not yet known are added.

    How many records held for this corporation go free.

    Raises:
        InvalidRequest: a firm is named by a guarantee.
    """
    only_links(*(entry.firm for entry in entries))
    told = b"".join(canonical(entry.model_dump(mode="json")) + b"\n" for entry in entries)
    with registrar.changing() as changing:
        database, session = registrar.database, changing.session
        log.lock_all_heads(database, session)
        parties = _parties(session, entries, by)
        rows = [
            entry.model_dump(exclude={"firm", "name"}) | {"recipient": recipient, "party": parties[entry.firm]}
            for entry in entries
        ]
        registers.put_guarantees(database, session, rows)
        what = {"recipient": recipient, "guarantees": len(entries), "guarantees_sha256": sha256_hex(told)}
        changing.say("registered", [by[0]], what, _on_request(by))
        owners = {
            Reference(scheme=Scheme.GUARANTEE, scope=recipient, value=entry.guarantee_no): entry.institution
            for entry in entries
        }
        return release_waiting(registrar, session, [*owners, *parties], by[1], owners)[recipient]


def _on_request(by: tuple[str, datetime]) -> Authority:
    return Authority(how="participant", by=(by[0],))


def only_links(*references: Reference) -> None:
    """A guarantee names its firm by the register of guarantees alone: a link knows no institution it is meant for."""
    if any(reference.scheme is Scheme.GUARANTEE for reference in references):
        raise InvalidRequest(
            "a guarantee number cannot be linked; register it with its firm under …/guarantees",
            ja="保証番号を紐付けに使うことはできません。…/guarantees で事業者とともに登録してください。",
        )


def _parties(session: Session, entries: Sequence[GuaranteeEntry], by: tuple[str, datetime]) -> dict[Reference, str]:
    """The firm of every entry, each by a word of its own; firms not yet known are added, each once."""
    names = {entry.firm: entry.name for entry in reversed(entries)}
    own, today = links.speaks_with(session, by[0]), japanese_date(by[1])
    words = links.find_words(session, names, today)
    parties = registers.find_links(session, names, today, own)
    unknown = [firm for firm in names if firm not in parties]
    parties |= dict(zip(unknown, registers.add_parties(session, [names[firm] for firm in unknown]), strict=True))
    unsaid = {firm: party for firm, party in parties.items() if not _has_said(words.get(firm, ()), own)}
    registers.add_links(session, unsaid, *by)
    return parties


def _party(session: Session, known: Reference, name: str | None, by: tuple[str, datetime]) -> str:
    own = links.speaks_with(session, by[0])
    found = registers.find_links(session, [known], japanese_date(by[1]), own).get(known)
    if found is not None:
        return found
    if name is None:
        raise NotFound("nobody knows that number", ja="その番号は登録されていません。")
    return registers.add_party(session, name)


def _link(session: Session, reference: Reference, party: str, by: tuple[str, datetime]) -> bool:
    """Link a number by a word of its own; whether there was none yet. Others' words do not count."""
    if reference.scheme is Scheme.PARTY:
        return False
    own = links.speaks_with(session, by[0])
    words = links.find_words(session, [reference], japanese_date(by[1])).get(reference, [])
    if any(word.by in own and word.party != party for word in words):
        raise InvalidRequest("that number names another firm", ja="その番号は別の事業者を指しています。")
    if _has_said(words, own):
        return False
    registers.link(session, reference, party, *by)
    session.flush()
    return True


def _has_said(words: Sequence[Word], own: Collection[str]) -> bool:
    return any(word.by in own for word in words)
