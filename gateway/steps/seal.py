"""Seal: the outcome becomes a statement, the statement a signed receipt, the receipt a leaf of the recipient's log.

Pure: the committer calls it with the head it has locked and writes what it returns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson

from gateway.schemas.findings import Finding, Verdict
from gateway.schemas.flows import strictest
from gateway.schemas.identifiers import instant_text
from gateway.schemas.line import CANONICAL
from gateway.schemas.statement import RulesRun, Statement
from gateway.schemas.submission import Settled
from gateway.security.keys import SigningKey
from gateway.security.merkle import Peaks, leaf_hash, root
from gateway.security.signing import sign_receipt


@dataclass(frozen=True, slots=True)
class Position:
    """Where a log stands when a statement is sealed into it; ``peaks`` is its tree, which grows by one leaf."""

    next_leaf: int
    next_position: int
    sealed_at: datetime
    peaks: Peaks


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed statement: its receipt, and the tree nodes (level, number, hash) that its leaf adds."""

    settled: Settled
    statement: Statement
    receipt: str
    nodes: list[tuple[int, int, bytes]]
    sealed_at: datetime


def findings_digest(findings: Iterable[Finding]) -> str:
    """SHA-256 (hex) over the canonical findings, one per line, as they are served."""
    digest = hashlib.sha256()
    for finding in findings:
        digest.update(canonical_finding(finding) + b"\n")
    return digest.hexdigest()


def canonical_finding(finding: Finding) -> bytes:
    """One finding as it is sealed and served."""
    return orjson.dumps(finding.model_dump(mode="json", exclude_none=True), option=CANONICAL)


def lines_root(bodies: Iterable[bytes]) -> str:
    """RFC 6962 root (hex) over frozen lines."""
    return root([leaf_hash(body) for body in bodies]).hex()


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a statement's lines and findings, computed before any lock."""

    lines_root: str
    lines: int
    findings_sha256: str
    findings: int


def digest(settled: Settled) -> Digests:
    """The digests of what is in memory."""
    return Digests(
        lines_root(line.body for line in settled.lines),
        len(settled.lines),
        findings_digest(settled.findings),
        len(settled.findings),
    )


def seal(settled: Settled, digests: Digests, at: Position, now: datetime, key: SigningKey) -> Sealed:
    """Seal one statement at the head of its log; ``sealed_at`` never runs backwards within a log."""
    sealed_at = max(now, at.sealed_at)
    statement = _statement(settled, digests, at, sealed_at)
    payload = orjson.dumps(statement.canonical(), option=CANONICAL)
    leaf = leaf_hash(payload)
    nodes = [(0, at.next_leaf, leaf), *at.peaks.append(leaf)]
    return Sealed(settled, statement, sign_receipt(key, payload), nodes, sealed_at)


def _statement(settled: Settled, digests: Digests, at: Position, sealed_at: datetime) -> Statement:
    submission, (pack, rules, records, evaluations) = settled.submission, settled.rules
    return Statement(
        submission=submission.id,
        recipient=settled.recipient,
        origin=submission.origin,
        raw_sha256=submission.raw_sha256,
        raw_bytes=submission.raw_bytes,
        adapter=settled.adapter,
        rules=RulesRun(
            pack=pack, rules=rules, records=records, evaluations=evaluations, lists=tuple(settled.lists) or None
        ),
        verdict=Verdict.ACCEPTED if settled.reopens else settled.counts.verdict(digests.findings > 0),
        counts=settled.counts,
        kinds=settled.kinds,
        findings_sha256=digests.findings_sha256,
        findings_count=digests.findings,
        leaf_index=at.next_leaf,
        first_position=at.next_position,
        count=digests.lines,
        lines_root=digests.lines_root,
        known_position=settled.known_position,
        received_at=instant_text(submission.received_at),
        accepted_at=instant_text(settled.accepted_at),
        sealed_at=instant_text(sealed_at),
        fixes=submission.request.fixes,
        releases=submission.request.releases,
        reopens=settled.reopens,
        basis=None if submission.origin.flow is None else strictest(submission.origin.flow, settled.kinds),
    )
