"""A database put back to an earlier state is noticed, signs nothing, and goes on only under a new name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Inside, loan_rows
from putting_back import put_back, saved
from sqlalchemy import text

from gateway.errors import ConfigurationError, InvalidRequest, LogForked, LogSuspended
from gateway.runtime.reopen import reopen
from gateway.schemas.line import feed_row
from gateway.security.checkpoints import open_checkpoint
from gateway.security.completeness import FeedHead, Increment, verify_increment
from gateway.security.evidence import read_statement
from gateway.security.keys import KeyRing
from gateway.security.merkle import consistency_path
from gateway.security.signing import open_receipt
from gateway.store import log

ORIGIN, SECOND, THIRD = (f"hayame.local{epoch}/recipients/13" for epoch in ("", "/epoch-2", "/epoch-3"))


@pytest.fixture
def opened(tmp_path: Path, database_url: str | None) -> Iterator[Inside]:
    made = Inside(tmp_path, database_url)
    made.register(range(9))
    yield made
    made.close()


def submit(inside: Inside, *loans: int) -> None:
    for loan in loans:
        inside.at_once(loan_rows({(loan, "2026-04-30"): 1_000 + loan}))
    inside.gateway.kept.keep()


def increment(inside: Inside, before: FeedHead) -> FeedHead:
    """What a reader fetches and proves."""
    keys = KeyRing([inside.gateway.key.public])
    with inside.gateway.database.read() as session:
        found = log.find_checkpoint(session, "13")
        assert found is not None
        size, note = found
        path = consistency_path(before.size, size, log.node_reader(session, "13"))
        receipts = [row.receipt for row in log.statements_between(session, "13", before.size, size)]
        page = inside.gateway.blocks.page(session, "13", before.next_position, 100)
    rows = [feed_row(*row) for row in page.rows]
    return verify_increment(before, Increment(note, path, receipts, rows), keys)


def test_a_log_that_grew_is_left_alone(opened: Inside) -> None:
    submit(opened, 1, 2)
    submit(opened, 3)
    assert opened.gateway.kept.found_wrong() == {}
    with pytest.raises(InvalidRequest):
        reopen(opened.gateway.sealer, opened.gateway.kept, opened.gateway.blocks.cipher, "13")


def test_a_rewound_log_is_noticed_at_start_and_nothing_is_signed(
    opened: Inside, tmp_path: Path, database_url: str | None
) -> None:
    submit(opened, 1)
    earlier = saved(opened.gateway.database)
    submit(opened, 2)
    put_back(opened.gateway.database, earlier)
    started = Inside(tmp_path, database_url)
    assert started.gateway.kept.found_wrong()["13"][0].size == 2
    with pytest.raises(LogSuspended):
        started.at_once(loan_rows({(3, "2026-04-30"): 5}))
    with pytest.raises(LogSuspended):
        started.gateway.kept.require(["13"])
    started.gateway.kept.require(["14100"])
    assert started.head()[0] == 1
    started.close()


def test_a_failover_under_a_running_process_is_noticed_before_anything_is_signed(opened: Inside) -> None:
    submit(opened, 1)
    earlier = saved(opened.gateway.database)
    submit(opened, 2)
    put_back(opened.gateway.database, earlier)
    with pytest.raises(LogSuspended):
        opened.at_once(loan_rows({(3, "2026-04-30"): 5}))
    assert opened.head()[0] == 1


@pytest.mark.parametrize("others", [(4,), (4, 5)], ids=["as long as before", "longer than before"])
def test_a_log_that_went_another_way_is_noticed(opened: Inside, tmp_path: Path, others: tuple[int, ...]) -> None:
    kept = opened.gateway.settings.kept_heads / "13.checkpoint"
    submit(opened, 1)
    earlier, first = saved(opened.gateway.database), kept.read_text()
    submit(opened, 2)
    signed = kept.read_text()
    put_back(opened.gateway.database, earlier)
    kept.write_text(first)
    elsewhere = Inside(tmp_path, opened.gateway.settings.database_url)
    submit(elsewhere, *others)
    kept.write_text(signed)
    elsewhere.gateway.kept.look()
    assert "not those that were signed" in elsewhere.gateway.kept.found_wrong()["13"][1]
    elsewhere.close()


def test_a_reopened_log_goes_on_under_a_new_name_and_its_readers_follow(opened: Inside) -> None:
    gateway = opened.gateway
    submit(opened, 1)
    careful = increment(opened, FeedHead(ORIGIN))
    earlier = saved(opened.gateway.database)
    submit(opened, 2)
    eager = increment(opened, careful)
    put_back(opened.gateway.database, earlier)
    gateway.kept.look()
    said = reopen(gateway.sealer, gateway.kept, gateway.blocks.cipher, "13")
    assert (said.origin, said.size, said.root, said.opens) == (ORIGIN, 2, eager.root.hex(), SECOND)
    assert gateway.kept.found_wrong() == {}
    submit(opened, 3)
    assert [one.reopens for one in opened.statements()] == [None, said, None]
    assert increment(opened, careful).origin == increment(opened, FeedHead(ORIGIN)).origin == SECOND
    assert increment(opened, FeedHead(SECOND)).size == 3
    with pytest.raises(LogForked):
        increment(opened, eager)


def test_a_log_rewound_to_before_its_reopening_gets_yet_another_name(opened: Inside) -> None:
    gateway = opened.gateway
    submit(opened, 1)
    earlier = saved(opened.gateway.database)
    submit(opened, 2)
    for origin in (SECOND, THIRD):
        put_back(opened.gateway.database, earlier)
        gateway.kept.look()
        assert reopen(gateway.sealer, gateway.kept, gateway.blocks.cipher, "13").opens == origin
    submit(opened, 3)
    assert increment(opened, FeedHead(ORIGIN)).origin == THIRD


def test_a_new_name_without_an_entry_that_says_why_is_not_followed(opened: Inside) -> None:
    submit(opened, 1)
    with opened.gateway.database.write() as session:
        session.execute(text("UPDATE head SET epoch = 2"))
    submit(opened, 2)
    with pytest.raises(LogForked, match="no entry reopens"):
        increment(opened, FeedHead(ORIGIN))


def test_a_file_that_this_gateway_did_not_sign_stops_the_start(opened: Inside) -> None:
    submit(opened, 1)
    file = opened.gateway.settings.kept_heads / "13.checkpoint"
    assert open_checkpoint(file.read_text(), KeyRing([opened.gateway.key.public])).size == 1
    file.write_text(file.read_text().replace("\n1\n", "\n2\n"))
    with pytest.raises(ConfigurationError, match="is not a checkpoint that this gateway signed"):
        opened.gateway.kept.look()


def test_the_reopening_is_sealed_as_the_gateways_own_word(opened: Inside) -> None:
    submit(opened, 1)
    earlier = saved(opened.gateway.database)
    submit(opened, 2)
    put_back(opened.gateway.database, earlier)
    reopen(opened.gateway.sealer, opened.gateway.kept, opened.gateway.blocks.cipher, "13")
    with opened.gateway.database.read() as session:
        receipt = log.statements_between(session, "13", 1, 1)[0].receipt
    statement = read_statement(open_receipt(receipt, KeyRing([opened.gateway.key.public])))
    assert (statement.origin.sender, statement.count, statement.verdict) == ("gateway", 0, "accepted")
