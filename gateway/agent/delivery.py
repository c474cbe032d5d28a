"""Hands over one file, and lays what came of it beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from gateway.agent import words
from gateway.client import Client, Outcome, Refusal
from gateway.collectors.folder import ACCEPTED, RETURNED, Claim, Folder
from gateway.errors import EvidenceError, PeerError
from gateway.schemas.identifiers import japanese_date
from gateway.security.keys import KeyRing

PASSING = frozenset({401, 408, 425, 429})  # nothing is wrong with the document
KEPT_DAYS = 6.0  # the gateway keeps an Idempotency-Key for at least seven
LARGEST_BYTES = 1024 * 1024 * 1024
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Instructions:
    """With what files are handed over.

    Args:
        asked: parameters of a submission, as ``Client.submit`` takes them.
        keys: the gateway's published keys, from one's own copy, to verify every receipt by; or none.
        kept_days: for how long after a first try a file is sent again; less than the gateway keeps keys.
        follow_s: seconds for which what a large document comes to is waited for before others have their turn.
    """

    asked: Mapping[str, str | Sequence[str]]
    keys: KeyRing | None = None
    kept_days: float = KEPT_DAYS
    follow_s: float = 300.0


class Waiting(Exception):
    """A file has to wait.

    Args:
        said: why, in both languages.
        others: whether all others wait too, so that what was dropped first arrives first.
        failed: whether something went wrong, so that the next look comes later.
    """

    def __init__(self, said: tuple[str, str], *, others: bool, failed: bool = True) -> None:
        self.said, self.others, self.failed = said, others, failed
        super().__init__(said[1])


@dataclass(frozen=True, slots=True)
class Delivery:
    """Takes files to the gateway; what it is made of is the agent's."""

    client: Client
    folder: Folder
    instructions: Instructions
    say: Say

    def deliver(self, claim: Claim) -> None:
        """Bring a file as far as it goes now.

        Raises:
            Waiting: that is not to the end.
        """
        try:
            outcome = self._outcome(claim)
            if outcome is not None:
                self._keep(claim, outcome)
        except PeerError as error:
            known = "submission" in claim.note
            raise Waiting((error.ja, error.message), others=not known) from error
        except Refusal as refusal:
            said, known = words.problem_of(refusal), "submission" in claim.note
            passing = refusal.status in PASSING or refusal.status >= 500 or "code" not in refusal.problem
            if passing or known:
                raise Waiting(said, others=passing) from refusal
            self._set_aside(claim, said, words.DROPPED_AGAIN)
        except EvidenceError as error:
            raise Waiting((error.ja, error.message), others=True) from error
        except (ValueError, KeyError, TypeError) as error:  # somebody else answered, as in a network one must log in to
            raise Waiting(words.NOT_A_GATEWAY, others=True) from error

    def _outcome(self, claim: Claim) -> Outcome | None:
        """What a file came to, sent now or before; None where it was set aside without the gateway's word."""
        if "submission" not in claim.note:
            document = self._document(claim)
            if document is None:
                return None
            asked = dict(claim.note["asked"])
            outcome = self.client.submit(document, key=claim.note["key"], filename=claim.name, channel="agent", **asked)
            claim.remember(submission=outcome.submission)
            if outcome.state == "final":
                return outcome
        return self.client.wait_for(claim.note["submission"], self.instructions.follow_s)

    def _document(self, claim: Claim) -> bytes | None:
        """What is to be sent, once it is known to be what was sent before, and that it may be sent again."""
        now = datetime.now(UTC)
        if claim.document.stat().st_size > LARGEST_BYTES:
            self._set_aside(claim, words.TOO_LARGE, words.DROPPED_AGAIN)
            return None
        document, first = claim.read(), claim.note.get("first_sent_at")
        if document is None and first is None:
            raise Waiting(("書込みの完了を待っています", "still being written"), others=False, failed=False)
        digest = None if document is None else hashlib.sha256(document).hexdigest()
        if first is None:
            claim.remember(first_sent_at=now.isoformat(), sha256=digest)
        elif digest != claim.note["sha256"]:
            self._set_aside(claim, words.CHANGED, words.CHANGED)
            return None
        elif (now - datetime.fromisoformat(first)).total_seconds() > self.instructions.kept_days * 86_400:
            self._set_aside(claim, words.IN_DOUBT, words.IN_DOUBT)
            return None
        return document

    def _keep(self, claim: Claim, outcome: Outcome) -> None:
        """Lay receipt, findings and what came back beside the file, then move it all to where it belongs."""
        keys, refused = self.instructions.keys, outcome.counts["refused"]
        if keys is not None:
            trusted = self.client.keys_for(outcome.receipts, keys)
            for receipt in outcome.receipts:
                self.client.check_receipt(receipt, trusted)
        claim.put(beside(claim, "受領証.jws"), "\n".join([*outcome.receipts, ""]).encode())
        claim.put(beside(claim, "受領証.json"), orjson.dumps(outcome.body, option=orjson.OPT_INDENT_2))
        if outcome.body.get("findings_count"):
            for ending, form in (("指摘.txt", "text/plain"), ("指摘.csv", "text/csv")):
                claim.put(beside(claim, ending), _fetched(self.client, outcome, "/findings", form))
        if refused:
            claim.put(f"返戻-{claim.name}", _fetched(self.client, outcome, "/returned", "*/*"))
        said, todo = words.verdict_of(outcome), words.MENDED if refused else words.NOT_NEEDED
        told = words.details(outcome, keys is not None)
        claim.put(beside(claim, "結果.txt"), words.page(claim.name, said, todo, told))
        self._finish(claim, RETURNED if refused else ACCEPTED, said)

    def _set_aside(self, claim: Claim, said: tuple[str, str], todo: tuple[str, str]) -> None:
        claim.put(beside(claim, "結果.txt"), words.page(claim.name, said, todo))
        self._finish(claim, RETURNED, said)

    def _finish(self, claim: Claim, room: str, said: tuple[str, str]) -> None:
        month = japanese_date(datetime.now(UTC)).strftime("%Y-%m")
        kept = claim.finish(self.folder.path / room / month)
        self.say(f"{words.line(claim.name, said)} -> {kept.relative_to(self.folder.path)}")


def beside(claim: Claim, ending: str) -> str:
    """The name of what is laid beside a file."""
    return f"{claim.name}.{ending}"


def _fetched(client: Client, outcome: Outcome, what: str, form: str) -> bytes:
    address = f"/v1/submissions/{outcome.submission}{what}"
    try:
        return client.get(address, headers={"accept": form}).content
    except Refusal as refusal:
        if refusal.status != 410:
            raise
        return "取り下げられました / withdrawn\n".encode()
