"""Collect evidence: everything an outsider needs to verify one outcome offline, and no byte of anybody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import orjson

from gateway.errors import Erased, NotFound
from gateway.registers.history import said_in
from gateway.registers.permits import hidden_of
from gateway.schemas.line import RESTRICTED
from gateway.schemas.statement import StoredStatement
from gateway.security.canonical import canonical, sha256_hex
from gateway.security.evidence import Evidence, EvidenceLine, Inclusion
from gateway.security.merkle import inclusion_from_leaves, inclusion_path, leaf_hash
from gateway.security.profiles import document_in
from gateway.store import feed, log, stamps, submissions, withdrawals
from gateway.store.cosignatures import cosignature_lines, first_size_with
from gateway.store.engine import Database, Session
from gateway.store.feed import Blocks


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which evidence: of one line or (None) of all, and under a checkpoint that how many witnesses cosigned.

    Attributes:
        line: index of the one line wanted.
        quorum: how many witnesses must have cosigned the checkpoint; with 0 a stamped one is preferred, whoever did.
        today: the day on which consents have to hold; None for the sender, who is shown what it handed over.
        restricted: record kinds of which who asks is not shown the lines.
    """

    line: int | None = None
    quorum: int = 0
    today: date | None = None
    restricted: frozenset[str] = frozenset()


def collect(session: Session, blocks: Blocks, row: StoredStatement, wanted: Wanted, raw: bytes | None) -> Evidence:
    """The evidence of a statement: all its lines and, unless it was withdrawn from, findings; or one line.

    Unless witnesses are demanded, it is proven under the first checkpoint that a third party stamped after it was
    sealed, which says the most about when that was; under the newest one where none is stamped yet. The stamp of the
    checkpoint comes along where there is one.

    Args:
        session: a read session, so that proofs and checkpoint belong together.
        blocks: opens stored lines.
        row: the statement.
        wanted: which line, under which checkpoint.
        raw: the document's bytes, where who asks may see them.

    Raises:
        NotFound: the statement has no such line, or not so many witnesses cosigned a checkpoint over it yet.
    """
    only = wanted.line
    if only is not None and only >= row.count:
        raise NotFound
    tree_size, note = _checkpoint(session, row, wanted.quorum)
    path = inclusion_path(row.leaf_index, tree_size, log.node_reader(session, row.recipient))
    whole, withheld = only is None, _withheld(session, row, wanted.today)
    bodies = blocks.load_lines(session, row.recipient, row.submission)
    withheld = _restricted(bodies, wanted.restricted) | withheld
    told = not withheld and not withdrawals.find(session, row.submission, row.recipient)
    document = None if raw is None else _document(session, row, raw)
    return Evidence(
        recipient=row.recipient,
        receipt=row.receipt,
        lines=tuple(_lines(bodies, withheld, only, document)),
        inclusion=Inclusion(tree_size=tree_size, path=tuple(path)),
        checkpoint=note,
        raw=raw if whole else None,
        findings=_findings(session, blocks, row) if whole and told else None,
        timestamp=stamps.find_token(session, row.recipient, tree_size),
    )


def evidence_of_change(database: Database, blocks: Blocks, statement: str, participant: str) -> Evidence:
    """The evidence of a change of the registers, for a participant that it concerns; raises as ``said_in`` does."""
    with database.read() as session:
        said = said_in(session, blocks.cipher, statement, participant)
        return collect(session, blocks, log.find_statements(session, statement)[0], Wanted(), said)


def _checkpoint(session: Session, row: StoredStatement, quorum: int) -> tuple[int, str]:
    """Size and note, with its cosignatures, of the first checkpoint over a statement that so many witnesses saw.

    With none demanded, of the first that is stamped; while there is none, of the newest.
    """
    if quorum:
        size = first_size_with(session, row.recipient, row.leaf_index, quorum)
    else:
        stamped = stamps.find_covering(session, row.recipient, row.leaf_index)
        size = stamped.tree_size if stamped else None
    found = None if quorum and size is None else log.find_checkpoint(session, row.recipient, size)
    if found is None:
        raise NotFound("no such checkpoint is cosigned yet", ja="条件を満たす立会署名はまだありません。")
    return found[0], found[1] + cosignature_lines(session, row.recipient, found[0])


def _withheld(session: Session, row: StoredStatement, today: date | None) -> dict[int, tuple[bytes | None, str]]:
    """Which lines of a statement are not shown: by index their leaf, where the line itself is gone, and why."""
    withheld = feed.find_withheld(session, row.recipient, row.first_position, row.first_position + row.count)
    under = feed.find_under(session, row.recipient, [row.submission]) if today else []
    hidden = hidden_of(session, row.recipient, under, today) if today else {}
    found: dict[int, tuple[bytes | None, str]] = {index: (None, reason) for (_, index), reason in hidden.items()}
    return found | {position - row.first_position: why for position, why in withheld.items()}


def _restricted(bodies: Sequence[bytes], kinds: frozenset[str]) -> dict[int, tuple[bytes | None, str]]:
    """Which lines are of kinds that who asks is not shown."""
    if not kinds:
        return {}
    shut = (index for index, body in enumerate(bodies) if body and orjson.loads(body)["kind"] in kinds)
    return dict.fromkeys(shut, (None, RESTRICTED))


def _lines(
    bodies: Sequence[bytes],
    withheld: Mapping[int, tuple[bytes | None, str]],
    only: int | None,
    document: bytes | None,
) -> list[EvidenceLine]:
    leaves = [withheld.get(index, (None, ""))[0] or leaf_hash(body) for index, body in enumerate(bodies)]
    lines = []
    for index in range(len(bodies)) if only is None else [only]:
        reason = withheld[index][1] if index in withheld else None
        lines.append(
            EvidenceLine(
                index=index,
                line=None if reason else bodies[index],
                leaf=leaves[index],
                withheld=reason,
                path=None if only is None else tuple(inclusion_from_leaves(index, leaves)),
                row=None if only is None or document is None or reason else _own_bytes(bodies[index], document),
            )
        )
    return lines


def _document(session: Session, row: StoredStatement, raw: bytes) -> bytes:
    """The document in what was received."""
    own = submissions.find_submission(session, row.submission)
    return raw if own is None else document_in(own.origin.proof, raw)


def _own_bytes(line: bytes, document: bytes) -> bytes | None:
    """The bytes of the document that are this line's own: the whole of it, or the row its place names."""
    source = orjson.loads(line)["source"]
    number = source["place"].get("line")
    rows = document.splitlines() if number else []
    candidates = [document, *rows[number - 1 : number]] if number else [document]
    return next((one for one in candidates if sha256_hex(one) == source["digest"]), None)


def _findings(session: Session, blocks: Blocks, row: StoredStatement) -> bytes | None:
    """The findings as they were sealed: canonical, one per line; None once they are erased."""
    found = submissions.load_findings(session, blocks.cipher, row.submission, row.recipient)
    try:
        return b"".join(canonical(one) + b"\n" for one in found)
    except Erased:
        return None
