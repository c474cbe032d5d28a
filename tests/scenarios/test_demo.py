"""The demo as a newcomer runs it: as a program, judged by its status and by what it shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import psutil
import pytest

from gateway.client import Client
from gateway.security.keys import SigningKey
from mocks.ledgers import books, filed_statements, trial_balance_csv
from mocks.people import portfolio

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, module: str, *arguments: str, keep: str = "") -> tuple[int, str]:
    """Status and output of a program that keeps its temporary files in a folder of its own."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder), "PYTHONUTF8": "1", "KEEP": keep},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    return done.returncode, done.stdout


def shown(output: str) -> list[tuple[str, str, str]]:
    """Recipient, kind and number of lines of every row of the table of lead times."""
    return re.findall(r"^(\d+) +(\w+) +([\d,]+)  +[\d.]+ s \|", output, re.MULTILINE)


@contextmanager
def kept_server(output: str) -> Iterator[tuple[psutil.Process, list[str]]]:
    """The server that a demo left running, and the addresses it told; ended at last, whatever a test finds."""
    [number] = re.findall(r"stop it with kill (\d+)", output)
    server = psutil.Process(int(number))
    try:
        yield server, re.findall(r"^  (http://\S+)", output, re.MULTILINE)
    finally:
        with suppress(psutil.NoSuchProcess):
            server.kill()


def answers(addresses: list[str], folder: Path) -> dict[str, int]:
    """With which status each address answers the targeting tool, whose key the demo kept."""
    [key] = folder.glob("*/keys/tool.pem")
    base = addresses[0].removesuffix("/docs")
    with Client(base, "tool", SigningKey.load(key)) as tool:
        return {address: tool.get(address.removeprefix(base)).status_code for address in addresses}


@pytest.mark.slow
def test_one_command_carries_documents_from_banks_to_a_targeting_tool_and_proves_it(tmp_path: Path) -> None:
    status, output = run(tmp_path / "temporary", "mocks.demo")
    assert status == 0, output
    assert shown(output) == [
        ("13", "financial_statement", "10"),
        ("13", "monitoring_report", "10"),
        ("13", "repayment_status", "10,001"),
        ("13", "trial_balance", "72"),
        ("14100", "repayment_status", "401"),
    ]
    assert "償還データ 10,000 行を提出 → 受理 9,900・差戻し 100" in output
    assert re.search(r"V04B \d+ 件.*支店コード 9992-017 は、.* の時点では使われていません", output)
    assert "98 通を検証、すべて証明済みログの葉" in output
    assert re.search(r"(\d+) of \1 firms in trouble listed, 0 others", output)
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
def test_own_files_are_shown_with_verdict_and_places_and_with_keep_the_server_runs_on_until_it_is_ended(
    tmp_path: Path,
) -> None:
    own = tmp_path / "書類"
    own.mkdir()
    kept = portfolio(3, "9991", "13", 500, date(2026, 3, 31))
    ledger = books(kept.followed[0], kept.as_of)
    april, may = (trial_balance_csv(month) for month in ledger.months[-2:])
    (own / "04.csv").write_bytes(april)
    (own / "05.csv").write_bytes(may.replace(b"10A100280,0,0", b"10A100280,7,0"))
    (own / "06.json").write_bytes(b'{"kind": "trial_balance",')
    (own / "HOT010_3.0_BS_10.csv").write_bytes(filed_statements(ledger)["HOT010_3.0_BS_10.csv"])
    status, output = run(tmp_path / "temporary", "mocks.demo", "--input", str(own), keep="1")
    with kept_server(output) as (server, addresses):
        assert status == 0, output
        assert answers(addresses, tmp_path / "temporary") == dict.fromkeys(addresses, 200)
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) in (0, None)
    verdicts = dict(re.findall(r"│ (\S+): (\w+) \(.*receipt verified", output))
    assert verdicts == {
        "04.csv": "accepted",
        "05.csv": "accepted_with_findings",
        "06.json": "refused",
        "HOT010_3.0_BS_10.csv": "accepted",
    }
    assert re.search(r"\[warn\] V23 4行 7列 「商品」", output)
    assert re.search(r"\[refuse\] R00 1行 26列", output)
    assert shown(output) == [("13", "financial_statement", "1"), ("13", "trial_balance", "2")]


def test_a_folder_without_files_is_said_so_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, output = run(tmp_path / "temporary", "mocks.demo", "--input", str(tmp_path / "empty"))
    assert (status, "is not a folder with files in it" in output) == (2, True)


@pytest.mark.parametrize("program", ["bank", "corporation", "folder", "mis", "targeting", "vendor"])
def test_a_program_that_is_surprised_does_not_end_well(tmp_path: Path, program: str) -> None:
    nowhere = ["somebody", "--url", "http://127.0.0.1:9", "--keys", str(tmp_path), "--out", str(tmp_path)]
    more = ["--input", str(tmp_path)] if program == "folder" else []
    status, output = run(tmp_path / "temporary", f"mocks.{program}", *nowhere, *more)
    assert (status, output.startswith("✗ the key file")) == (1, True)
