"""A small sealed log: what the gateway would have written, built with nothing but the proof code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.schemas.findings import Counts, Verdict
from gateway.schemas.line import feed_row
from gateway.schemas.statement import Origin, RulesRun, Statement
from gateway.security.canonical import canonical, sha256_hex
from gateway.security.checkpoints import log_origin, write_checkpoint
from gateway.security.completeness import FeedHead, Increment
from gateway.security.evidence import Evidence, EvidenceLine, Inclusion
from gateway.security.keys import SigningKey
from gateway.security.merkle import (
    Peaks,
    consistency_path,
    inclusion_from_leaves,
    inclusion_path,
    leaf_hash,
    root,
)
from gateway.security.signing import sign_receipt

ORIGIN = log_origin("hayame.example", "13")


@dataclass(frozen=True)
class Sealed:
    """One submission as sealed, with everything that went in."""

    statement: Statement
    receipt: str
    lines: list[bytes]
    document_rows: list[bytes]
    findings: bytes

    @property
    def raw(self) -> bytes:
        return b"".join(self.document_rows)


@dataclass
class SealedLog:
    """One recipient's log."""

    key: SigningKey
    tree: Peaks = field(default_factory=Peaks)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    sealed: list[Sealed] = field(default_factory=list)
    next_position: int = 0

    def add(self, *document_rows: bytes, findings: bytes = b"", **changes: object) -> Sealed:
        """Seal a submission of which each row became a line."""
        lines = [line_of(index, row) for index, row in enumerate(document_rows)]
        raw = b"".join(document_rows)
        statement = Statement(
            submission=f"019a0000-0000-7000-8000-{self.tree.size:012d}",
            recipient="13",
            origin=Origin(sender="bank-1", institution="0001"),
            raw_sha256=sha256_hex(raw),
            raw_bytes=len(raw),
            adapter="native_json/1",
            rules=RulesRun(pack="2026.1", rules=3, records=len(lines), evaluations=3 * len(lines)),
            verdict=Verdict.ACCEPTED if lines else Verdict.REFUSED,
            counts=Counts(accepted=len(lines), refused=0 if lines else 1),
            kinds=("repayment_status",),
            findings_sha256=sha256_hex(findings),
            findings_count=findings.count(b"\n"),
            leaf_index=self.tree.size,
            first_position=self.next_position,
            count=len(lines),
            lines_root=root([leaf_hash(line) for line in lines]).hex(),
            known_position=self.next_position,
            received_at="2026-11-22T01:02:03.000000Z",
            accepted_at="2026-11-22T01:02:03.100000Z",
            sealed_at="2026-11-22T01:02:03.200000Z",
        ).model_copy(update=changes)
        payload = canonical(statement.canonical())
        leaf = leaf_hash(payload)
        self.nodes[0, self.tree.size] = leaf
        self.nodes.update({(level, index): node for level, index, node in self.tree.append(leaf)})
        self.next_position += len(lines)
        one = Sealed(statement, sign_receipt(self.key, payload), lines, list(document_rows), findings)
        self.sealed.append(one)
        return one

    def node_at(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def checkpoint(self) -> str:
        return write_checkpoint(ORIGIN, self.tree.size, self.tree.root(), self.key)

    def evidence(self, one: Sealed, *, only: int | None = None) -> Evidence:
        """Evidence for a whole submission, or for one of its lines."""
        leaves = [leaf_hash(line) for line in one.lines]
        shown = [
            EvidenceLine(index=index, line=line, leaf=leaves[index])
            if only is None
            else EvidenceLine(
                index=index,
                line=line,
                leaf=leaves[index],
                path=tuple(inclusion_from_leaves(index, leaves)),
                row=one.document_rows[index],
            )
            for index, line in enumerate(one.lines)
            if only in (None, index)
        ]
        path = inclusion_path(one.statement.leaf_index, self.tree.size, self.node_at)
        return Evidence(
            recipient="13",
            receipt=one.receipt,
            lines=tuple(shown),
            inclusion=Inclusion(tree_size=self.tree.size, path=tuple(path)),
            checkpoint=self.checkpoint(),
            raw=one.raw if only is None else None,
            findings=one.findings if only is None else None,
            keys=(self.key.public.jwk(),),
        )

    def rows(self, since: int = 0) -> list[bytes]:
        """The feed from the statement of leaf ``since`` on."""
        return [
            feed_row(one.statement.first_position + index, one.statement.submission, index, line)
            for one in self.sealed[since:]
            for index, line in enumerate(one.lines)
        ]

    def increment(self, before: FeedHead) -> Increment:
        return Increment(
            checkpoint=self.checkpoint(),
            consistency=consistency_path(before.size, self.tree.size, self.node_at),
            receipts=[one.receipt for one in self.sealed[before.size :]],
            rows=self.rows(before.size),
        )

    def changed(self, increment: Increment, **changes: object) -> Increment:
        return replace(increment, **changes)  # type: ignore[arg-type]  # names are checked by replace itself


def line_of(index: int, row: bytes) -> bytes:
    """A line made from a row of a document."""
    return canonical(
        {
            "kind": "repayment_status",
            "nonce": sha256_hex(row)[:32],
            "record": {"balance_yen": 1_000 * index, "name": "株式会社早目"},
            "source": {"adapter": "native_json/1", "digest": sha256_hex(row), "ordinal": index},
        }
    )


def key_of(seed: int) -> SigningKey:
    """The same Ed25519 key for the same seed, always."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))
