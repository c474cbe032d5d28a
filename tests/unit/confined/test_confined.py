"""A packed document may do to its reader what it likes: it costs its own refusal."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import planted
import psutil
import pytest

from gateway.confined.child import overwhelming
from gateway.confined.pool import MOST_BYTES, Confined, Pool
from gateway.errors import BusyError, Unreadable
from gateway.plugins import load_adapters
from gateway.ports import Hints

FORM = Path(__file__).parents[2] / "golden" / "monitoring_workbook" / "accepted" / "input.xlsx"
SECONDS = 2.0


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", planted.install(tmp_path_factory.mktemp("planted")))
        environment.setenv("HAYAME_STORAGE_KEYS", "secret")
        pool = Pool(SECONDS, children=1)
        yield pool
        pool.close()


@pytest.fixture
def adapter(pool: Pool) -> Confined:
    return Confined(planted.adapter, pool)


def said(adapter: Confined, does: str) -> str:
    """What the reader refuses a document with."""
    with pytest.raises(Unreadable) as refused:
        list(adapter.read(io.BytesIO(planted.document(does)), Hints()))
    return refused.value.message


TOO_MUCH = overwhelming().message


def test_what_a_child_reads_is_what_would_have_been_read_here(pool: Pool) -> None:
    direct = load_adapters()["monitoring_workbook"]
    through = Confined(direct, pool)
    body = FORM.read_bytes()
    assert list(through.read(io.BytesIO(body), Hints())) == list(direct.read(io.BytesIO(body), Hints()))
    found = b"".join(through.returned(io.BytesIO(body), {0}, Hints()))
    assert found == b"".join(direct.returned(io.BytesIO(body), {0}, Hints()))
    assert through.recognises(body, None)


def test_a_refusal_comes_with_its_place_and_both_its_languages(pool: Pool) -> None:
    adapter = Confined(load_adapters()["monitoring_workbook"], pool)
    with pytest.raises(Unreadable) as refused:
        list(adapter.read(io.BytesIO(b"PK\x03\x04 no archive at all"), Hints()))
    assert "ファイルが壊れて" in refused.value.ja
    assert refused.value.place is not None


@pytest.mark.parametrize("does", ["abort", "exit"])
def test_a_document_that_kills_its_reader_is_refused_and_the_next_one_is_read(adapter: Confined, does: str) -> None:
    assert said(adapter, does) == TOO_MUCH
    assert said(adapter, "tell").isdecimal()


def test_a_document_that_loops_is_refused_in_time_and_leaves_no_process(adapter: Confined) -> None:
    child, started = int(said(adapter, "tell")), time.monotonic()
    assert said(adapter, "loop") == TOO_MUCH
    assert time.monotonic() - started < SECONDS + 2
    assert not psutil.pid_exists(child)


def test_a_document_that_fills_memory_is_refused_before_it_hurts(adapter: Confined) -> None:
    assert said(adapter, "grow 2000") == TOO_MUCH
    assert said(adapter, "grow 20") == "20"


def test_a_reader_that_breaks_is_logged_by_place_without_a_word_of_the_document(
    adapter: Confined, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "hayame.confined"):
        assert said(adapter, "break 山田商店") == TOO_MUCH
    assert "RuntimeError" in caplog.text
    assert "planted.py" in caplog.text
    assert "山田商店" not in caplog.text


def test_what_killed_a_child_that_had_read_before_is_tried_once_more_by_a_fresh_one(
    adapter: Confined, tmp_path: Path
) -> None:
    said(adapter, "tell")
    assert said(adapter, f"ill {tmp_path / 'been'}") == "well"


def test_a_child_killed_while_idle_costs_no_document(adapter: Confined) -> None:
    child = int(said(adapter, "tell"))
    os.kill(child, signal.SIGKILL)
    assert int(said(adapter, "tell")) != child


def test_a_child_lives_on_over_many_documents_and_is_replaced_once_it_has_grown(adapter: Confined) -> None:
    child = said(adapter, "tell")
    assert said(adapter, "tell") == child
    assert said(adapter, "leak 60") == "leaked"
    assert said(adapter, "tell") != child


def test_a_child_knows_no_setting_of_ours(adapter: Confined) -> None:
    with pytest.raises(Unreadable) as refused:
        list(adapter.read(io.BytesIO(planted.document("tell")), Hints()))
    assert refused.value.ja == "none"


@pytest.mark.usefixtures("pool")  # its environment
def test_who_finds_no_child_free_is_asked_to_come_again() -> None:
    short = Pool(0.2, children=1)
    taken = threading.Thread(target=said, args=(Confined(planted.adapter, short), "sleep 30"))
    taken.start()
    try:
        while short.turns.free:
            time.sleep(0.01)
        with pytest.raises(BusyError):
            list(Confined(planted.adapter, short).read(io.BytesIO(planted.document("tell")), Hints()))
    finally:
        taken.join()
        short.close()


@pytest.mark.usefixtures("pool")  # its environment
def test_two_at_once_are_read_by_two_and_harm_each_other_in_nothing() -> None:
    both = Pool(20, children=2)
    adapter = Confined(planted.adapter, both)
    with ThreadPoolExecutor(2) as threads:
        outcomes = threads.map(lambda does: said(adapter, does), ["sleep 1.5", "abort", "sleep 0.1", "tell"])
        first, second, third, fourth = outcomes
    assert (first, second, third) == ("awake", TOO_MUCH, "awake")
    assert fourth.isdecimal()
    both.close()


def test_what_is_not_packed_is_read_here(pool: Pool) -> None:
    adapter = Confined(load_adapters()["native_json"], pool)
    with pytest.raises(Unreadable):
        list(adapter.read(io.BytesIO(b"{"), Hints()))
    assert list(adapter.returned(io.BytesIO(b'[{"kind":"x"}]'), set(), Hints())) is not None


def test_a_packed_document_larger_than_any_is_refused_unread(adapter: Confined) -> None:
    with pytest.raises(Unreadable, match=str(MOST_BYTES)):
        list(adapter.read(io.BytesIO(b"PK" + bytes(MOST_BYTES)), Hints()))


PARENT = """
import io, planted
from gateway.confined.pool import Confined, Pool
from gateway.ports import Hints
adapter = Confined(planted.adapter, Pool({seconds}))
try:
    list(adapter.read(io.BytesIO(planted.document("tell")), Hints()))
except Exception as told:
    print(told, flush=True)
list(adapter.read(io.BytesIO(planted.document("{does}")), Hints()))
"""


@pytest.mark.parametrize("does", ["sleep 60", "loop"])
def test_a_child_ends_with_its_parent_however_that_dies(tmp_path: Path, does: str) -> None:
    environment = os.environ | {"PYTHONPATH": planted.install(tmp_path)}
    program = PARENT.format(seconds=1, does=does)
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(timeout=20)


@pytest.mark.usefixtures("pool")  # its environment
def test_a_sender_of_small_documents_gets_its_turn_before_those_that_loop_of_another() -> None:
    one = Pool(1.0, within=60, children=1)
    adapter = Confined(planted.adapter, one)

    def read(sender: str, does: str) -> str:
        with pytest.raises(Unreadable) as refused:
            list(adapter.read(io.BytesIO(planted.document(does)), Hints(institution=sender)))
        order.append(sender)
        return refused.value.message

    order: list[str] = []
    with ThreadPoolExecutor(8) as threads:
        loops = [threads.submit(read, "9991", "loop") for _ in range(5)]
        while one.turns.free:
            time.sleep(0.01)
        assert threads.submit(read, "9992", "tell").result().isdecimal()
        assert {each.result() for each in loops} == {TOO_MUCH}
    one.close()
    assert order.index("9992") <= 2  # behind what was being read, and at most one that came before it
