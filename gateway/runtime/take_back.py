"""Which lines of one recipient a withdrawal takes, and what of them was repeated elsewhere.

A later line that superseded a withdrawn one tells the values it changed: it goes too, and where it is the one that
stands, it is said again without them. Findings that compared a later record with a withdrawn one go as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import Erased, InvalidRequest
from gateway.schemas.line import CANONICAL
from gateway.schemas.statement import StoredStatement
from gateway.schemas.submission import Line
from gateway.schemas.withdrawal import RESTATED, among
from gateway.security.merkle import leaf_hash
from gateway.store import log, removal, submissions, withdrawals
from gateway.store.engine import Session
from gateway.store.feed import Blocks
from gateway.store.removal import Later, Part, Removal


@dataclass(slots=True)
class Taken:
    """Withdrawn positions by the submission they are of, lines to be said again, and submissions nothing is left of.

    A submission without positions lost findings only.
    """

    positions: dict[str, list[int]] = field(default_factory=dict)
    restated: list[Line] = field(default_factory=list)
    whole: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Takes back from one recipient, in one transaction, under the locked head of its log.

    Attributes:
        reason: what the stubs will say.
        comparing: codes of the rules that compare a record with an earlier one.
    """

    session: Session
    blocks: Blocks
    recipient: str
    reason: str
    comparing: Collection[str]

    def take(self, own: StoredStatement, lines: Sequence[int] | None) -> Taken | None:
        """Take lines of a statement back, or all and what else is known of it; None where that was done before.

        Raises:
            InvalidRequest: there is no such line.
        """
        done = withdrawals.find(self.session, own.submission, self.recipient)
        if any(one.whole for one in done):
            return None
        taken = Taken()
        parts = [removal.still_shown(self.session, self.recipient, one) for one in self._parts(own, lines, taken)]
        parts = [one for one in parts if one.numbers or one.submission in taken.whole]
        if not parts:
            return None
        parts += self._superseding(parts, taken)
        remover = Removal(self.session, self.blocks, self.recipient, self.reason, leaf_hash)
        _drop_comparisons(remover, parts, self.comparing, taken)
        for part in parts:
            ordinals = remover.remove(part)
            taken.positions.setdefault(part.submission, []).extend(part.positions())
            if part.submission in taken.whole:
                withdrawals.forget_rest(self.session, part.submission, self.recipient)
            else:
                _drop_findings(remover, part.submission, _is_about(ordinals))
        return taken

    def _parts(self, own: StoredStatement, lines: Sequence[int] | None, taken: Taken) -> Iterator[Part]:
        """The statement's own lines, those by which its held records were released, and those said again since."""
        if lines is not None and not all(0 <= number < own.count for number in lines):
            raise InvalidRequest(
                f"it has {own.count} lines, counted from 0", ja=f"行は {own.count} 件です(0から数えます)。"
            )
        statements = [own]
        if lines is None:
            releases = withdrawals.releases_of(self.session, own.submission)
            statements += [one for name in releases for one in self._statements(name)]
            taken.whole.update(one.submission for one in statements)
        for one in statements:
            numbers = range(one.count) if lines is None else sorted(set(lines))
            part = Part(one.submission, one.first_position, numbers, whole=lines is None)
            yield part
            yield from self._said_again(part)

    def _statements(self, submission: str) -> list[StoredStatement]:
        return [one for one in log.find_statements(self.session, submission) if one.recipient == self.recipient]

    def _said_again(self, part: Part) -> Iterator[Part]:
        """Lines of the gateway's own that say again what lines of a part had said."""
        end = part.first_position + max(part.numbers, default=-1) + 1
        wanted = set(part.positions())
        for earlier in withdrawals.find(self.session, part.submission, self.recipient):
            hidden = {p for first, count in among(earlier.positions, 0, end) for p in range(first, first + count)}
            for one in self._statements(earlier.statement) if hidden & wanted else ():
                bodies = self.blocks.load_lines(self.session, self.recipient, one.submission)
                replaced = {number: _replaced(body) for number, body in enumerate(bodies) if body}
                numbers = [number for number, position in replaced.items() if position in hidden & wanted]
                again = Part(one.submission, one.first_position, numbers, whole=False)
                yield again
                yield from self._said_again(again)

    def _superseding(self, parts: Sequence[Part], taken: Taken) -> list[Part]:
        """Lines that tell what a line of the parts had said; what of them stands is to be said again."""
        withdrawn = {position for part in parts for position in part.positions()}
        later = {
            one.version.position: one
            for part in parts
            for one in removal.find_superseding(self.session, self.blocks.cipher, self.recipient, part)
            if one.version.position not in withdrawn
        }
        bodies = self.blocks.load_versions(self.session, self.recipient, [one.version for one in later.values()])
        newest = {one.key: position for position, one in sorted(later.items())}
        found: dict[str, list[Later]] = {}
        for position, one in sorted(later.items()):
            body = orjson.loads(bodies[one.version.submission, one.version.number])
            if body["supersedes"] and body["supersedes"]["position"] in withdrawn:
                found.setdefault(one.version.submission, []).append(one)
                if newest[one.key] == position:
                    taken.restated.append(_again(one, body))
        return [_part_of(some) for some in found.values()]


def _drop_comparisons(remover: Removal, parts: Sequence[Part], comparing: Collection[str], taken: Taken) -> None:
    """Forget findings of later records that were compared with a line of the parts: they may tell its amounts."""
    compared: dict[str, set[int]] = {}
    for part in parts:
        for submission, numbers in removal.find_compared(remover.session, remover.recipient, part).items():
            compared.setdefault(submission, set()).update(numbers)
    for submission, numbers in compared.items():
        if submission in taken.whole or not _has_comparisons(remover, submission, comparing):
            continue
        ordinals = remover.ordinals_of(submission, numbers)
        if _drop_findings(remover, submission, _is_about(ordinals, comparing)):
            taken.positions.setdefault(submission, [])


def _is_about(ordinals: Collection[int], codes: Collection[str] | None = None) -> Callable[[dict[str, Any]], bool]:
    """Whether a finding is about one of some records; where codes are given, also by one of these rules."""
    return lambda one: one.get("record") in ordinals and (codes is None or one["code"] in codes)


def _has_comparisons(remover: Removal, submission: str, comparing: Collection[str]) -> bool:
    found = submissions.load_findings(remover.session, remover.blocks.cipher, submission, remover.recipient)
    with suppress(Erased):
        return any(one["code"] in comparing for one in found)
    return False


def _drop_findings(remover: Removal, submission: str, goes: Callable[[dict[str, Any]], bool]) -> int:
    return submissions.drop_findings(remover.session, remover.blocks.cipher, submission, remover.recipient, goes)


def _replaced(body: bytes) -> int | None:
    supersedes = orjson.loads(body)["supersedes"]
    return supersedes["position"] if supersedes and supersedes["reason"] == RESTATED else None


def _again(one: Later, body: dict[str, Any]) -> Line:
    """A line without what it told of the one before; in all else as it was."""
    version = one.version
    body["supersedes"] = {"position": version.position, "reason": RESTATED, "before": []}
    body["nonce"] = os.urandom(16).hex()
    said = orjson.dumps(body, option=CANONICAL)
    again = version.valid_on, version.digest, version.amount_yen, said, version.closing
    return Line(one.kind, body["key"]["series"], *again, body.get("consent"))


def _part_of(lines: Sequence[Later]) -> Part:
    first = lines[0].version
    numbers = [one.version.number for one in lines]
    return Part(first.submission, first.position - first.number, numbers, whole=False)
