from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealed_log import ORIGIN, SealedLog, key_of, line_of

from gateway.errors import EntryMissing, EvidenceError, LogForked, SignatureMismatch
from gateway.schemas.line import withheld_row
from gateway.security.checkpoints import write_checkpoint
from gateway.security.completeness import FeedHead, Increment, verify_increment
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.merkle import consistency_path, leaf_hash, root

START = FeedHead(ORIGIN)


def test_a_reader_proves_a_feed_from_its_start(log: SealedLog, keys: KeyRing) -> None:
    head = verify_increment(START, log.increment(START), keys)
    assert head == FeedHead(ORIGIN, 15, 5, log.tree.root())


def test_a_reader_goes_on_from_what_it_has_proven(log: SealedLog, keys: KeyRing) -> None:
    head = START
    for number in range(6):
        head = verify_increment(head, log.increment(head), keys)
        assert (head.next_position, head.size, head.root) == (log.next_position, log.tree.size, log.tree.root())
        log.add(*[b"%d-%d" % (number, index) for index in range(number)])


def test_an_increment_needs_one_short_proof_however_long_the_history(key: SigningKey, keys: KeyRing) -> None:
    log = SealedLog(key)
    for number in range(300):
        log.add(b"%d" % number)
    head = verify_increment(START, log.increment(START), keys)
    log.add(b"new")
    increment = log.increment(head)
    assert (len(list(increment.receipts)), len(list(increment.rows))) == (1, 1)
    assert len(increment.consistency) <= 10
    assert verify_increment(head, increment, keys).size == 301


def test_nothing_new_is_proven_as_nothing_new(log: SealedLog, keys: KeyRing) -> None:
    head = verify_increment(START, log.increment(START), keys)
    assert verify_increment(head, log.increment(head), keys) == head
    for changes in ({"rows": [b"{}"]}, {"receipts": [log.sealed[-1].receipt]}):
        with pytest.raises(EntryMissing):
            verify_increment(head, log.changed(log.increment(head), **changes), keys)


def test_an_empty_log_is_proven(key: SigningKey, keys: KeyRing) -> None:
    log = SealedLog(key)
    assert verify_increment(START, log.increment(START), keys) == START


def test_rows_and_receipts_are_taken_one_by_one(log: SealedLog, keys: KeyRing) -> None:
    whole = log.increment(START)
    streamed = replace(whole, rows=(row for row in whole.rows), receipts=(each for each in whole.receipts))
    assert verify_increment(START, streamed, keys).next_position == 15


def test_withheld_lines_leave_the_proof_whole(log: SealedLog, keys: KeyRing) -> None:
    rows = log.rows()
    for position, one, index in ((1, 0, 1), (14, 3, 10)):
        rows[position] = withheld_row(position, leaf_hash(log.sealed[one].lines[index]).hex(), "erased")
    assert verify_increment(START, log.changed(log.increment(START), rows=rows), keys).next_position == 15


@pytest.mark.parametrize(
    "stub",
    [
        withheld_row(1, leaf_hash(b"other").hex(), "erased"),
        withheld_row(2, leaf_hash(line_of(1, b"second\n")).hex(), "erased"),
        withheld_row(1, leaf_hash(line_of(1, b"second\n")).hex(), "because"),
        withheld_row(1, leaf_hash(line_of(1, b"second\n")).hex().upper(), "erased"),
        withheld_row(1, "zz", "erased"),
        withheld_row(1, "", "erased"),
        b'{"position":1,"leaf":5,"withheld":"erased"}',
        b'{"position":1,"leaf":"00","withheld":["erased"]}',
        b'{"position":1,"withheld":"erased"}',
        b'["leaf"]',
        b"",
        b"{",
    ],
)
def test_a_false_stub_is_found_out(log: SealedLog, keys: KeyRing, stub: bytes) -> None:
    rows = log.rows()
    rows[1] = stub
    with pytest.raises(EntryMissing):
        verify_increment(START, log.changed(log.increment(START), rows=rows), keys)


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows: rows[1:],
        lambda rows: rows[:-1],
        lambda rows: rows[:5] + rows[6:],
        lambda rows: [*rows, rows[-1]],
        lambda rows: rows[:4] + rows[3:],
        lambda rows: [rows[1], rows[0], *rows[2:]],
        lambda rows: [rows[0].replace(b'"balance_yen":0', b'"balance_yen":1'), *rows[1:]],
        lambda rows: [rows[0][:-1] + b"]", *rows[1:]],
        lambda rows: [rows[0] + b"\n", *rows[1:]],
        lambda rows: [rows[0].replace(b'"position":0', b'"position":1'), *rows[1:]],
        lambda rows: [],
    ],
)
def test_withheld_altered_and_disordered_rows_are_found_out(
    log: SealedLog, keys: KeyRing, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    increment = log.changed(log.increment(START), rows=damage(log.rows()))
    with pytest.raises(EntryMissing):
        verify_increment(START, increment, keys)


@pytest.mark.parametrize("missing", range(5))
def test_a_withheld_receipt_is_found_out_refusals_too(log: SealedLog, keys: KeyRing, missing: int) -> None:
    kept = [one for one in log.sealed if one.statement.leaf_index != missing]
    rows = [row for row in log.rows() if log.sealed[missing].statement.submission.encode() not in row]
    increment = log.changed(log.increment(START), receipts=[one.receipt for one in kept], rows=rows)
    with pytest.raises(EntryMissing):
        verify_increment(START, increment, keys)


def test_a_receipt_that_is_not_in_the_log_is_found_out(log: SealedLog, keys: KeyRing) -> None:
    increment = log.increment(START)
    log.add(b"later")
    more = log.changed(increment, receipts=[one.receipt for one in log.sealed], rows=log.rows())
    with pytest.raises(EntryMissing):
        verify_increment(START, more, keys)


def test_two_statements_never_claim_one_position(key: SigningKey, keys: KeyRing) -> None:
    log = SealedLog(key)
    log.add(b"shown to one")
    log.add(b"shown to another", first_position=0)
    with pytest.raises(EntryMissing):
        verify_increment(START, log.increment(START), keys)


def test_a_rewritten_history_is_a_fork(log: SealedLog, keys: KeyRing, key: SigningKey) -> None:
    head = verify_increment(START, log.increment(START), keys)
    forged = SealedLog(key)
    forged.add(b"another past")
    for number in range(6):
        forged.add(b"%d" % number)
    increment = forged.increment(head)
    with pytest.raises(LogForked):
        verify_increment(head, increment, keys)


def test_a_rewound_log_is_a_fork(log: SealedLog, keys: KeyRing, key: SigningKey) -> None:
    head = verify_increment(START, log.increment(START), keys)
    rewound = write_checkpoint(ORIGIN, 3, root([b"\0" * 32] * 3), key)
    with pytest.raises(LogForked):
        verify_increment(head, Increment(rewound, [], [], []), keys)
    same_size = write_checkpoint(ORIGIN, 5, root([b"\0" * 32] * 5), key)
    with pytest.raises(LogForked):
        verify_increment(head, Increment(same_size, [], [], []), keys)


def test_a_damaged_consistency_proof_is_a_fork(log: SealedLog, keys: KeyRing) -> None:
    head = verify_increment(START, log.increment(START), keys)
    log.add(b"new")
    path = consistency_path(5, 6, log.node_at)
    for damaged in ([], path[1:], [*path, path[0]], [bytes(32), *path[1:]]):
        with pytest.raises(LogForked):
            verify_increment(head, log.changed(log.increment(head), consistency=damaged), keys)


def test_the_checkpoint_must_be_the_same_logs(log: SealedLog, keys: KeyRing) -> None:
    with pytest.raises(LogForked):
        verify_increment(FeedHead("hayame.example/recipients/27"), log.increment(START), keys)


def test_a_receipt_of_another_recipient_is_refused(key: SigningKey, keys: KeyRing) -> None:
    log = SealedLog(key)
    log.add(b"x", recipient="27")
    with pytest.raises(LogForked):
        verify_increment(START, log.increment(START), keys)


def test_signatures_by_strangers_are_refused(log: SealedLog, stranger: SigningKey) -> None:
    with pytest.raises(SignatureMismatch):
        verify_increment(START, log.increment(START), KeyRing([stranger.public]))


def test_a_receipt_by_a_stranger_is_refused(log: SealedLog, keys: KeyRing, stranger: SigningKey) -> None:
    other = SealedLog(stranger)
    one = other.add(b"first\n", b"second\n", b"third\n")
    increment = log.increment(START)
    with pytest.raises(SignatureMismatch):
        verify_increment(START, log.changed(increment, receipts=[one.receipt, *list(increment.receipts)[1:]]), keys)


def grown() -> SealedLog:
    log = SealedLog(key_of(1))
    for number in range(4):
        log.add(*[b"%d-%d" % (number, index) for index in range(number + 1)])
    return log


GROWN = grown()
TRUSTED = KeyRing([key_of(1).public])


@given(st.integers(0, 3), st.data())
def test_no_changed_byte_of_any_row_or_receipt_goes_unnoticed(since: int, data: st.DataObject) -> None:
    before = FeedHead(
        ORIGIN,
        sum(one.statement.count for one in GROWN.sealed[:since]),
        since,
        root([GROWN.nodes[0, index] for index in range(since)]),
    )
    increment = GROWN.increment(before)
    assert verify_increment(before, increment, TRUSTED).size == 4
    name = data.draw(st.sampled_from(["rows", "receipts"]))
    texts = [text if isinstance(text, bytes) else text.encode() for text in getattr(increment, name)]
    which = data.draw(st.integers(0, len(texts) - 1))
    damaged = bytearray(texts[which])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 127))
    texts[which] = bytes(damaged)
    changed: object = texts if name == "rows" else [text.decode("latin-1") for text in texts]
    with pytest.raises(EvidenceError):
        verify_increment(before, GROWN.changed(increment, **{name: changed}), TRUSTED)
