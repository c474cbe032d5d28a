"""Completeness: that a reader was given every line of a feed, unaltered and in order, and that history only grew.

A reader keeps a ``FeedHead``: how far the feed is proven, and the log's head at that point. The next increment is
proven by one consistency proof (logarithmic), the receipts appended since, each once, and the rows they seal. From
the proof come the older tree's peaks; the receipts are appended to them, and the result must be the signed root. So
no receipt can be left out, none shown that is not in the log, and nobody can be shown another history than others.

A log that was rewound goes on under a later epoch's name. Whoever had not read beyond the point it was rewound to
follows: the proof still holds, and a receipt of the gateway's own must say that and why the name changed.

Rows and receipts are consumed one by one: memory does not grow with the increment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from gateway.errors import EntryMissing, LogForked
from gateway.schemas.line import WITHHELD_REASONS, feed_row, withheld_row
from gateway.schemas.statement import Statement
from gateway.security.checkpoints import open_checkpoint, origin_parts
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing
from gateway.security.merkle import EMPTY_ROOT, Peaks, check_consistency, leaf_hash, peaks_before
from gateway.security.signing import open_receipt


@dataclass(frozen=True, slots=True)
class FeedHead:
    """How far a reader has proven a feed; what it keeps between two increments.

    Attributes:
        origin: the log's name, as in its checkpoints.
        next_position: position of the first row not yet proven.
        size: entries of the log that were proven.
        root: the log's root at that size.
    """

    origin: str
    next_position: int = 0
    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Increment:
    """What was fetched since the last proven head.

    Attributes:
        checkpoint: the log's signed head up to which to prove.
        consistency: proof from the last proven size to that of the checkpoint.
        receipts: all receipts in between, refusals included, in order of their leaves.
        rows: all feed rows in between, unfiltered, in order of position, byte for byte as served.
    """

    checkpoint: str
    consistency: Sequence[bytes]
    receipts: Iterable[str]
    rows: Iterable[bytes]


def verify_increment(before: FeedHead, increment: Increment, keys: KeyRing) -> FeedHead:
    """Prove that rows and receipts are exactly what was added to the log since.

    Returns:
        The new head to keep.

    Raises:
        SignatureMismatch: checkpoint or receipt is not signed by one of the keys.
        LogForked: the log does not continue the one that was proven before, or is another recipient's.
        EntryMissing: a row or a receipt is missing, altered, out of place, or not in the log.
        EvidenceError: something is not of the form it should have.
    """
    checkpoint = open_checkpoint(increment.checkpoint, keys)
    check_same_log(before.origin, checkpoint.origin)
    check_consistency(before.size, before.root, checkpoint.size, checkpoint.root, increment.consistency)
    if (checkpoint.origin, checkpoint.size) == (before.origin, before.size):
        return _unchanged(before, increment)
    peaks = peaks_before(before.size, before.root, checkpoint.size, increment.consistency)
    rows = iter(increment.rows)
    position, origin = before.next_position, before.origin
    for receipt in increment.receipts:
        payload = open_receipt(receipt, keys)
        statement = read_statement(payload)
        _check_place(statement, before.origin, peaks.size, position)
        _check_rows(statement, rows)
        peaks.append(leaf_hash(payload))
        origin = statement.reopens.opens if statement.reopens else origin
        position += statement.count
    if next(rows, None) is not None:
        raise EntryMissing(
            f"row {position} is sealed by no receipt", ja=f"位置 {position} の行を封じた受領証がありません。"
        )
    if (peaks.size, peaks.root()) != (checkpoint.size, checkpoint.root):
        raise EntryMissing(
            "the receipts do not lead to the checkpoint", ja="受領証からチェックポイントに到達しません。"
        )
    if origin != checkpoint.origin:
        raise LogForked(
            "the log goes by a name under which no entry reopens it",
            ja="ログの再開を示す記録がないまま名前が変わっています。",
        )
    return FeedHead(origin, position, checkpoint.size, checkpoint.root)


def check_same_log(before: str, now: str) -> None:
    """That a log is the same one, or a later epoch of it: one that was rewound goes on under another name.

    Raises:
        LogForked: it is another log, or an earlier epoch.
    """
    if now == before:
        return
    gateway, epoch, recipient = origin_parts(now)
    if (gateway, recipient) != origin_parts(before)[::2] or epoch < origin_parts(before)[1]:
        raise LogForked("the checkpoint is that of another log", ja="別のログのチェックポイントです。")


def _unchanged(before: FeedHead, increment: Increment) -> FeedHead:
    if any(True for _ in increment.receipts) or any(True for _ in increment.rows):
        raise EntryMissing(
            "nothing was added to the log, yet there is something to read", ja="ログに追加がないのに行があります。"
        )
    return before


def _check_place(statement: Statement, origin: str, leaf_index: int, position: int) -> None:
    """A statement stands where the one before it ended, so that two can never claim one position."""
    if not origin.endswith(f"/recipients/{statement.recipient}"):
        raise LogForked("the receipt is that of another recipient", ja="別の受領先の受領証です。")
    if (statement.leaf_index, statement.first_position) != (leaf_index, position):
        raise EntryMissing(
            f"expected entry {leaf_index} at position {position}, got entry {statement.leaf_index} at "
            f"{statement.first_position}",
            ja=f"記録 {leaf_index}(位置 {position})の受領証がありません。",
        )


def _check_rows(statement: Statement, rows: Iterator[bytes]) -> None:
    tree = Peaks()
    for index in range(statement.count):
        row = next(rows, None)
        if row is None:
            raise EntryMissing(
                f"row {statement.first_position + index} is missing",
                ja=f"位置 {statement.first_position + index} の行がありません。",
            )
        tree.append(_leaf(row, statement, index))
    if tree.root().hex() != statement.lines_root:
        raise EntryMissing(
            f"the rows of submission {statement.submission} are not those its receipt seals",
            ja=f"提出 {statement.submission} の行が受領証と一致しません。",
        )


def _leaf(row: bytes, statement: Statement, index: int) -> bytes:
    """The leaf hash of a row: of the line within it, or the one a withheld line leaves behind."""
    position = statement.first_position + index
    head = feed_row(position, statement.submission, index, b"")[:-1]
    if row.startswith(head) and row.endswith(b"}"):
        return leaf_hash(row[len(head) : -1])
    try:
        stub = orjson.loads(row)
        leaf, reason = bytes.fromhex(stub["leaf"]), stub["withheld"]
        stands = reason in WITHHELD_REASONS and row == withheld_row(position, leaf.hex(), reason)
    except (ValueError, KeyError, TypeError) as error:
        raise EntryMissing(
            f"row {position} is not a feed row", ja=f"位置 {position} は配信行ではありません。"
        ) from error
    if not stands:
        raise EntryMissing(f"row {position} is out of place or altered", ja=f"位置 {position} の行が正しくありません。")
    return leaf
