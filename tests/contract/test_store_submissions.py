"""What the store keeps of submissions: keys, raw bytes, findings, held records; and what is noted beside."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from stored import CIPHER, NOON, SECOND, held, kept, line, publish, published, submission, tenant

from gateway.schemas.findings import Finding, Severity
from gateway.schemas.identifiers import Reference, Scheme
from gateway.schemas.place import Place
from gateway.schemas.submission import RawCopy
from gateway.store import log, reads, submissions
from gateway.store.engine import Database
from gateway.store.migrate import migrate


def test_of_many_that_claim_one_key_at_once_one_gets_it(database: Database) -> None:
    start = threading.Barrier(8)

    def claim(number: int) -> bool:
        start.wait()
        with database.write() as session:
            return bool(submissions.claim_keys(session, [submission(f"s{number}", "april")]))

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim, range(8)))
    with database.read() as session:
        used = submissions.find_keys(session, [("bank-9991", "april")])["bank-9991", "april"]
    assert [f"s{number}" for number, got in enumerate(claimed) if got] == [used.submission]


def test_a_claim_that_was_rolled_back_leaves_the_key_free(database: Database) -> None:
    session = database.begin()
    submissions.claim_keys(session, [submission("s1", "april")])
    database.end(session)
    with database.write() as session:
        assert submissions.claim_keys(session, [submission("s2", "april")]) == {("bank-9991", "april")}


def test_keys_are_each_senders_own_and_forgotten_after_their_days(database: Database) -> None:
    asking = [submission("s1", "k"), submission("s2", "k", "bank-9992"), submission("s3")]
    with database.write() as session:
        assert submissions.claim_keys(session, asking) == {("bank-9991", "k"), ("bank-9992", "k")}
        assert submissions.claim_keys(session, [submission("s4")]) == set()
    with database.write() as session:
        submissions.forget_keys(session, NOON)
        assert len(submissions.find_keys(session, [("bank-9991", "k"), ("bank-9992", "k")])) == 2
        submissions.forget_keys(session, NOON + SECOND)
        assert submissions.find_keys(session, [("bank-9991", "k"), ("bank-9992", "k")]) == {}
        assert submissions.find_keys(session, []) == {}


def test_a_submission_comes_back_as_it_was_handed_over(database: Database) -> None:
    subject = Reference(scheme=Scheme.TENANT, scope="vendor", value="T-1")
    asked = submission(
        "s1", "key", subject=subject, recipients=("13", "14100"), received_on=("2026-05-01",), filename="償還.csv"
    )
    with database.write() as session:
        submissions.add_kept(session, [kept(asked, final=False)])
        submissions.finish_submission(session, "s1")
    with database.read() as session:
        assert submissions.find_submission(session, "s1", CIPHER) == replace(asked, fingerprint=b"")
        assert submissions.find_submission(session, "s2", CIPHER) is None
        plainly = replace(asked.request, subject=None, filename=None)
        assert submissions.find_submission(session, "s1") == replace(asked, fingerprint=b"", key=None, request=plainly)


def test_raw_bytes_are_kept_until_they_are_destroyed_and_then_only_why(database: Database) -> None:
    with database.write() as session:
        copies = [("s1", RawCopy("早め".encode() * 99, None, None)), ("s2", RawCopy(None, "s2", None))]
        kept = [submissions.keep(CIPHER.data_key(["13"]), submission(name), copy) for name, copy in copies]
        submissions.add_kept(session, kept)
    with database.write() as session:
        assert submissions.find_raw(session, CIPHER, "s1") == copies[0][1]
        assert submissions.find_raw(session, CIPHER, "s2") == copies[1][1]
        for name in ("s1", "s2"):
            submissions.destroy_raw(session, name, "my_number")
    with database.read() as session:
        assert {submissions.find_raw(session, CIPHER, name) for name in ("s1", "s2")} == {
            RawCopy(None, None, "my_number")
        }
        assert submissions.find_raw(session, CIPHER, "s3") is None


def test_findings_come_back_in_order_over_chunks_and_recipients(database: Database) -> None:
    found = [_finding(number) for number in range(5_002)]
    with database.write() as session:
        submissions.add_findings(session, submissions.finding_rows(CIPHER, "s1", "13", found))
        submissions.add_findings(session, submissions.finding_rows(CIPHER, "s1", "13", [_finding(9_999)], chunk=2))
        submissions.add_findings(session, submissions.finding_rows(CIPHER, "s1", "14100", [_finding(7)]))
    with database.read() as session:
        records = [one["record"] for one in submissions.load_findings(session, CIPHER, "s1", "13")]
        assert records == [*range(5_002), 9_999]
        assert [one["record"] for one in submissions.load_findings(session, CIPHER, "s1")] == [*records, 7]
        assert next(iter(submissions.load_findings(session, CIPHER, "s1"))) == found[0].model_dump(
            mode="json", exclude_none=True
        )


def test_held_records_are_seen_by_their_recipient_and_their_sender_until_released(database: Database) -> None:
    with database.write() as session:
        submissions.add_kept(session, [kept(submission("s1"))])
        publish(database, session, "s1", [])
        submissions.add_held(session, submissions.held_rows(CIPHER, "s1", "13", [held(2), held(0), held(5, "T-2")]))

    def seen(recipients: list[str], sender: str) -> list[int]:
        with database.read() as session:
            return [one.ordinal for one in submissions.find_held(session, CIPHER, recipients, sender)]

    assert seen(["13"], "nobody") == seen([], "bank-9991") == [0, 2, 5]
    assert seen(["14100"], "bank-9992") == []
    with database.write() as session:
        assert [w.ordinal for w in submissions.waiting_for(session, CIPHER, [tenant("T-1")])] == [0, 2]
        submissions.release_held(session, "s1", "13", [0, 2], by="s9")
    with database.read() as session:
        assert submissions.waiting_for(session, CIPHER, [tenant("T-1")]) == []
        assert submissions.held_ordinals(session, "s1") == [5]
    assert seen(["13"], "nobody") == [5]


def test_a_whole_tape_of_held_records_can_be_released_at_once(database: Database) -> None:
    ordinals = range(70_000)
    with database.write() as session:
        submissions.add_held(session, submissions.held_rows(CIPHER, "s1", "13", [*map(held, ordinals)]))
    with database.write() as session:
        submissions.release_held(session, "s1", "13", list(ordinals[1:]), by="s9")
    with database.read() as session:
        assert submissions.held_ordinals(session, "s1") == [0]


def _finding(record: int) -> Finding:
    return Finding(
        code="V13", severity=Severity.WARN, record=record, place=Place(line=record + 1), params={"found": "早め"}
    )


def test_read_marks_say_when_a_reader_had_first_come_so_far(database: Database) -> None:
    published(database, s1=[line("a")] * 4)
    marks = [
        {"recipient": "13", "reader": reader, "position": position, "read_at": NOON + at * SECOND}
        for reader, position, at in (("tool", 2, 5), ("clerk", 4, 3), ("tool", 2, 9))
    ]
    with database.write() as session:
        reads.note(session, [])
        reads.note(session, marks[:2])
        reads.note(session, marks[2:])
    with database.read() as session:
        instants = reads.instants(session, "13", 0, 4)
    assert [instants.of(position, "s1").get("read_at") for position in (0, 1, 2, 3)] == [NOON + 3 * SECOND] * 4


def test_a_publication_covers_every_position_before_its_checkpoint(database: Database) -> None:
    published(database, s1=[line("a")] * 2, s2=[line("b")])
    with database.write() as session:
        checkpoints = [
            {"recipient": "13", "tree_size": size, "next_position": position, "note": "note"}
            for size, position in ((1, 2), (2, 3))
        ]
        log.append(session, [], [], checkpoints)
        log.note_publication(session, [{"recipient": "13", "tree_size": 1, "published_at": NOON}])
    with database.read() as session:
        instants = reads.instants(session, "13", 0, 3)
    assert [
        instants.of(position, name).get("published_at") for position, name in ((0, "s1"), (1, "s1"), (2, "s2"))
    ] == [
        NOON,
        NOON,
        None,
    ]


def test_a_lost_note_leaves_the_publication_unknown_and_then_that_of_the_next_group(database: Database) -> None:
    published(database, s1=[line("a")], s2=[line("b")])

    def noted() -> list[object]:
        with database.read() as session:
            instants = reads.instants(session, "13", 0, 2)
        return [instants.of(position, name).get("published_at") for position, name in ((0, "s1"), (1, "s2"))]

    with database.write() as session:
        checkpoints = [{"recipient": "13", "tree_size": size, "next_position": size, "note": "note"} for size in (1, 2)]
        log.append(session, [], [], checkpoints)
    before = noted()
    with database.write() as session:
        log.note_publication(session, [{"recipient": "13", "tree_size": 2, "published_at": NOON}])
    assert (before, noted()) == ([None, None], [NOON, NOON])


def test_an_assertion_is_claimed_once_until_it_is_over(database: Database) -> None:
    def claim(jti: str) -> bool:
        with database.write() as session:
            return submissions.claim_assertion(session, "bank-9991", jti, NOON)

    assert [claim("j1"), claim("j1"), claim("j2")] == [True, False, True]
    with database.write() as session:
        submissions.forget_assertions(session, NOON + SECOND)
    assert claim("j1")


def test_a_proof_is_claimed_once_until_it_is_over_while_somebody_else_writes(database: Database) -> None:
    def claim(jti: str) -> bool:
        with database.brief.connect() as connection:
            return submissions.claim_assertion(connection, "dpop:a", jti, NOON)

    with database.write() as session:
        submissions.claim_assertion(session, "bank-9991", "j1", NOON)
        assert [claim("j1"), claim("j1"), claim("j2")] == [True, False, True]
        with database.brief.connect() as connection:
            submissions.forget_assertions(connection, NOON)
            assert not claim("j1")
            submissions.forget_assertions(connection, NOON + SECOND)
        assert claim("j1")


@pytest.mark.parametrize("torn", [b"x" * 5_000, b"SQLite format 3\0" + b"\xff" * 8_000, None])
def test_what_is_kept_briefly_is_made_anew_where_a_power_cut_tore_it(tmp_path: Path, torn: bytes | None) -> None:
    def claimed() -> list[bool]:
        database = Database(f"sqlite:///{tmp_path}/hayame.db")
        migrate(database)
        with database.brief.connect() as connection:
            won = [submissions.claim_assertion(connection, "dpop:a", f"j{one}", NOON) for one in range(400)]
        database.close()
        return won

    assert claimed() == [True] * 400
    assert claimed() == [False] * 400, "what is whole stays"
    file = tmp_path / "hayame.brief"
    if torn is None:
        whole = file.read_bytes()
        torn = whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2)
    file.write_bytes(torn)
    assert claimed() == [True] * 400


def test_of_those_who_claim_a_proof_at_once_one_gets_it(database: Database, database_url: str) -> None:
    other = Database(database_url)

    def claim(number: int) -> bool:
        with (other if number % 2 else database).brief.connect() as connection:
            return submissions.claim_assertion(connection, "dpop:a", f"j{number // 8}", NOON)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(claim, range(320)))
    other.close()
    assert [sum(won[start : start + 8]) for start in range(0, 320, 8)] == [1] * 40
