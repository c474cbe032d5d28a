"""What was handed over lies readable nowhere; its keys are wrapped anew under load; a recipient's content is erased."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import orjson
import pytest
from commands import command
from sqlalchemy import MetaData, select, text
from world import BANK, CORPORATION, OTHER_BANK, TOOL, World, corporate_number, running, trial_balance

from gateway.client import Outcome, Refusal
from gateway.errors import ConfigurationError
from gateway.security.keys import KeyRing
from gateway.security.kms import FileKms
from gateway.security.verify import verify_evidence
from gateway.store import storage_keys
from gateway.wiring import build
from mocks import tapes

COMPANY, ACCOUNT, SOFTWARE = "ミホンショウカイ", "秘蔵現金", "早耳会計"
LARGE_ROWS = 1_500
KEY, FILE, LOAN, TENANT, UNKNOWN = "key-of-48151623", "ミホン商会.csv", "L481516234", "T-4815162342", "13-4815162"
AMOUNT = 876_543_210_000


@pytest.fixture
def closed_world(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A gateway that keeps what is above 64 KiB in files, and works off tapes of more than a thousand rows later."""
    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql")())
    settings = {"HAYAME_LARGE_RECORDS": "1000", "HAYAME_INLINE_RAW_BYTES": "65536"}
    with running(tmp_path, url, **settings) as world:
        world.register(range(LARGE_ROWS + 1))
        yield world


def books(firm: int, month: int = 4, closing: int = 130) -> bytes:
    return trial_balance(firm, month, closing, software=SOFTWARE).replace("現金".encode(), ACCOUNT.encode())


def wrong_books(firm: int) -> bytes:
    return books(firm).replace(b'"closing_yen": 130', b'"closing_yen": 999')


def tape(count: int) -> bytes:
    rows = [row | {"company_name": COMPANY} for row in tapes.loan_book(1, count, date(2026, 4, 30))]
    return tapes.write_tape("guarantee_csv", rows, 1)


def send(world: World, document: bytes, **asked: object) -> Outcome:
    return world.client(BANK).submit_and_wait(document, **({"recipient": "13"} | asked))


def rows(world: World) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, beside the table's name, as it lies there."""
    tables = MetaData()
    with world.gateway.database.read() as session:
        tables.reflect(session.connection())
        for table in tables.sorted_tables:
            for row in session.execute(select(table)):
                values = (bytes(value) if isinstance(value, bytes) else str(value).encode() for value in row)
                yield from ((table.name, value) for value in values)


def files(world: World) -> Iterator[bytes]:
    """Every byte of every file in the data folder: of SQLite also its write-ahead log."""
    yield from (path.read_bytes() for path in world.folder.rglob("*") if path.is_file())


def servers_files(world: World) -> Iterator[bytes]:
    """Every byte of PostgreSQL's own files, its write-ahead log among them; other tests write there too."""
    if not world.gateway.database.is_sqlite:
        with world.gateway.database.read() as session:
            folder = Path(session.connection().execute(text("SHOW data_directory")).scalar_one())
        yield from (path.read_bytes() for part in ("base/*/*", "pg_wal/0*") for path in folder.glob(part))


def as_stored(number: int) -> tuple[bytes, ...]:
    """How an amount lies readable: as text, or as the bytes of a column of SQLite or PostgreSQL."""
    return str(number).encode(), number.to_bytes(6, "big"), number.to_bytes(8, "little")


def test_names_that_were_handed_over_lie_readable_nowhere(closed_world: World) -> None:
    reader = closed_world.reader()
    documents = [books(1), wrong_books(2), tape(30), tape(LARGE_ROWS)]
    outcomes = [send(closed_world, one, filename="a.csv") for one in documents]
    lines = orjson.dumps([line.line for line in reader.fetch()])
    found = [closed_world.client(BANK).findings(one.submission) for one in outcomes]
    raws = [closed_world.client(BANK).get(f"/v1/submissions/{one.submission}/raw").content for one in outcomes]
    everything = [value for _, value in rows(closed_world)] + list(files(closed_world))
    assert raws == documents
    assert ACCOUNT.encode() in lines
    assert ACCOUNT.encode() in orjson.dumps(found)
    assert len(list((closed_world.folder / "raw").iterdir())) == 1
    for name in (COMPANY, ACCOUNT, SOFTWARE):
        for encoding in ("utf-8", "cp932"):
            assert [value for value in everything if name.encode(encoding) in value] == []
    assert [value for value in everything if b"\x28\xb5\x2f\xfd" in value and len(value) < 100_000] == []


def test_amounts_and_numbers_lie_readable_only_where_it_is_said_that_they_do(closed_world: World) -> None:
    loan = tapes.loan_book(5, 1, date(2026, 4, 30))[0]
    loan |= {"status": "performing", "principal_yen": AMOUNT, "balance_yen": AMOUNT, "fi_loan_no": LOAN}
    document = tapes.write_tape("guarantee_csv", [loan, loan | {"guarantee_no": UNKNOWN}], 1)
    outcome = send(closed_world, document, key=KEY, filename=FILE)
    firm = trial_balance(3, 4, references=[])
    waiting = send(closed_world, firm, subject=f"tenant:{TENANT}", filename=FILE)
    held = closed_world.client(CORPORATION).held()
    everything = [*rows(closed_world)]

    def tables_with(name: str) -> set[str]:
        return {table for table, value in everything if name.encode() in value}

    assert (outcome.counts["accepted"], outcome.counts["held"], waiting.counts["held"]) == (1, 1, 1)
    assert {one["waits_for"]["value"] for one in held} == {UNKNOWN, TENANT}
    said = {name: tables_with(name) for name in (KEY, loan["guarantee_no"], corporate_number(1))}
    registers = {loan["guarantee_no"]: {"guarantee"}, corporate_number(1): {"link", "consent"}}
    assert said == {KEY: {"idempotency_key"}} | registers
    sought = [name.encode() for name in (UNKNOWN, LOAN, TENANT, FILE)] + [*as_stored(AMOUNT)]
    lying = [value for _, value in everything] + [*files(closed_world), *servers_files(closed_world)]
    assert [name for name in sought if any(name in value for value in lying)] == []


def test_the_key_that_wraps_keys_is_its_owners_only(closed_world: World) -> None:
    send(closed_world, books(1))
    files = list((closed_world.folder / "keys" / "storage").glob("*.key"))
    assert [(path.stat().st_mode & 0o777, path.stat().st_size) for path in files] == [(0o600, 32)]


def test_keys_are_wrapped_anew_while_documents_come_and_nothing_is_lost(closed_world: World) -> None:
    reader, sent, stop = closed_world.reader(), [], threading.Event()

    def load() -> None:
        for firm in range(40):
            if stop.is_set():
                return
            sent.append(send(closed_world, books(firm)).verdict)

    writer = threading.Thread(target=load)
    writer.start()
    said = [command(closed_world, "keys", "rotate-storage") for _ in range(2)]
    stop.set()
    writer.join()
    send(closed_world, books(1, month=6))
    assert {"refused"}.isdisjoint(sent)
    assert len(reader.fetch()) == len(sent) + 1
    names = list(FileKms(closed_world.folder / "keys" / "storage").names())
    assert [name[:5] for name in names] == ["0003-"]
    assert said[1].split()[-1] == names[0]
    closed_world.kill()
    assert len(closed_world.start().following().fetch()) == len(sent) + 1


def test_who_is_killed_while_wrapping_anew_loses_nothing_and_begins_again(closed_world: World) -> None:
    send(closed_world, books(1))
    storage = closed_world.gateway.storage
    first = storage.kms.current()
    storage.kms.renew()
    with closed_world.gateway.database.write() as session:
        wrapped = storage_keys.rewrap(closed_world.gateway.database, session, storage.kms, 1)
    assert (wrapped, first in storage.kms.names()) == (1, True)
    closed_world.kill()
    assert len(closed_world.start().following().fetch()) == 1
    command(closed_world, "keys", "rotate-storage")
    assert [name[:5] for name in storage.kms.names()] == ["0003-"]
    assert len(closed_world.following().fetch()) == 1


def test_a_gateway_does_not_start_without_the_key_that_wraps_its_keys(closed_world: World) -> None:
    send(closed_world, books(1))
    for path in (closed_world.folder / "keys" / "storage").glob("*.key"):
        path.rename(path.with_suffix(".away"))
    with pytest.raises(ConfigurationError, match="missing"):
        build(closed_world.settings)


def test_a_recipients_content_is_erased_and_every_proof_still_holds(closed_world: World) -> None:
    reader = closed_world.reader()
    outcomes = [send(closed_world, one) for one in (books(1), wrong_books(2), tape(LARGE_ROWS))]
    before = reader.fetch()
    other = closed_world.client(OTHER_BANK).submit(books(3), recipient="14100")
    assert command(closed_world, "keys", "destroy", "--recipient", "13", "--yes").split()[1] == str(len(before))
    lines = closed_world.following().fetch()
    assert {(line.line, line.withheld) for line in lines} == {(None, "erased")}
    assert [line.position for line in lines] == [line.position for line in before]
    bank, keys = closed_world.client(BANK), KeyRing([closed_world.gateway.key.public])
    for outcome in outcomes:
        for name in (BANK, TOOL):
            report = verify_evidence(closed_world.client(name).evidence(outcome.submission), keys)
            verdicts = {check.name: check.verdict for check in report.checks}
            assert report.holds
            assert {verdicts[one] for one in ("lines_root", "inclusion", "checkpoint_signature")} == {"verified"}
        with pytest.raises(Refusal) as refused:
            bank.get(f"/v1/submissions/{outcome.submission}/raw")
        assert (refused.value.status, refused.value.problem["code"]) == (404, "content.erased")
        assert bank.wait_for(outcome.submission).receipts == outcome.receipts
    assert list((closed_world.folder / "raw").iterdir()) == []
    others = closed_world.client(OTHER_BANK)
    assert others.get(f"/v1/submissions/{other.submission}/raw").content == books(3)


def test_what_comes_after_an_erasure_is_closed_with_a_new_key_and_served(closed_world: World) -> None:
    send(closed_world, books(1))
    command(closed_world, "keys", "destroy", "--recipient", "13", "--yes")
    send(closed_world, books(1, closing=140))
    lines = closed_world.following().fetch()
    assert [line.withheld for line in lines] == ["erased", None]
    assert lines[1].line["record"]["lines"][0]["closing_yen"] == 140
