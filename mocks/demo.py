"""The whole line on this machine, from a bank to a targeting tool: ``python -m mocks.demo [--input DIR] [--seed N]``.

Starts a real server on loopback with an empty data folder, enrols six participants with the ``hayame`` command line,
and starts each as a program of its own that talks HTTP with its own key. At the end it shows lead times, counts, and
the firms that the targeting tool would have somebody look at, held against what is true in the synthetic world.

The exit status is 0 only if everything that was expected happened and everything was verified. ``KEEP=1`` in the
environment leaves the server running and the files in place.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from gateway.client import Client
from gateway.errors import GatewayError
from gateway.security.keys import SigningKey
from mocks.folder import files_in
from mocks.institutions import write_list
from mocks.people import ON_TAPES, Portfolio, half_year_before, portfolio
from mocks.players import Participant, Player, Server, Stage
from mocks.program import Surprise, expect
from mocks.vendor import exports

REPORTS = 10
TARGETS_SHOWN = 8


PARTICIPANTS = (
    Participant("bank-9991", "bank", "架空第一銀行", "9991", ("submit:13",)),
    Participant("bank-9992", "bank", "架空第二銀行", "9992", ("submit:14100",)),
    Participant("vendor", "vendor", "架空会計ソフト", "", ()),
    Participant("cgc-13", "corporation", "架空の信用保証協会 13", "", ("read:13", "link:13", "pair:13")),
    Participant("cgc-14100", "corporation", "架空の信用保証協会 14100", "", ("read:14100", "link:14100")),
    Participant("tool", "tool", "架空ターゲティング", "", ("read:13", "read:14100")),
)


class World(NamedTuple):
    """Which synthetic world, and how much of each bank is in it."""

    seed: int
    as_of: date
    first_loans: int = 10_000
    second_loans: int = 400

    def portfolios(self) -> tuple[Portfolio, Portfolio]:
        """Both banks' guarantees."""
        return (
            portfolio(self.seed, "9991", "13", self.first_loans, self.as_of),
            portfolio(self.seed, "9992", "14100", self.second_loans, self.as_of),
        )

    def of_first(self, *more: str) -> tuple[str, ...]:
        """Arguments of a program that deals with the first bank's guarantees."""
        return self._arguments("9991", "13", self.first_loans, *more)

    def of_second(self, *more: str) -> tuple[str, ...]:
        """Arguments of a program that deals with the second bank's."""
        return self._arguments("9992", "14100", self.second_loans, *more)

    def _arguments(self, bank: str, recipient: str, loans: int, *more: str) -> tuple[str, ...]:
        named = {"seed": self.seed, "as-of": self.as_of, "bank": bank, "recipient": recipient, "loans": loans}
        return (*(text for name, value in named.items() for text in (f"--{name}", str(value))), *more)


def main() -> None:
    """Run the demo; the status is the truth."""
    parser = argparse.ArgumentParser(description="The whole line, from a bank to a targeting tool.")
    parser.add_argument("--input", type=Path, help="a folder of your own files, in place of the synthetic ones")
    parser.add_argument("--seed", type=int, default=1, help="which synthetic world")
    asked = parser.parse_args()
    if asked.input and not (asked.input.is_dir() and files_in(asked.input)):
        parser.error(f"{asked.input} is not a folder with files in it")
    keep = os.environ.get("KEEP", "") not in ("", "0")
    folder = Path(tempfile.mkdtemp(prefix="hayame-demo-"))
    try:
        perform(World(asked.seed, half_year_before(date.today())), asked.input, folder, keep)  # noqa: DTZ011 - a clerk's day
    except (Surprise, GatewayError, OSError) as problem:
        print(f"\n✗ {problem}\n  {folder}: logs and files", flush=True)
        sys.exit(1)
    if not keep:
        shutil.rmtree(folder)


def perform(world: World, own_files: Path | None, folder: Path, keep: bool) -> None:
    """The demo itself.

    Raises:
        Surprise: something was not as expected.
    """
    began = time.monotonic()
    if own_files:
        world = world._replace(first_loans=200, second_loans=100)
    with ExitStack() as cleaning:
        stage = Stage(folder, f"http://127.0.0.1:{_free_port()}", began)
        stage.say("demo", "サーバを起動し、参加者を登録 / starting a server on loopback, enrolling six participants")
        write_list(stage.reference, world.as_of)
        server = Server(stage, keep)
        cleaning.callback(server.close)
        stage.enrol(PARTICIPANTS)
        server.wait_until_ready()
        play(stage, world, own_files, cleaning)
        stage.say("demo", "全プログラム終了 / every program ended well")
        report(stage, world, own_files)
    print(f"\n{time.monotonic() - began:.1f} 秒で完了、すべて検証済み / done and everything verified")
    print(_where_to_look(stage, server, keep))


def play(stage: Stage, world: World, own_files: Path | None, cleaning: ExitStack) -> None:
    """Let everybody do their part: registers first, then the senders, the clerks' work lists, and the reader last."""

    def start(name: str, module: str, *arguments: str) -> Player:
        player = Player(stage, name, module, arguments)
        cleaning.callback(player.close)
        return player

    tool = start("tool", "mocks.targeting", "--recipients", "13", "14100")
    clerks = [
        start("cgc-13", "mocks.corporation", *world.of_first()),
        start("cgc-14100", "mocks.corporation", *world.of_second("--letters", "0")),
    ]
    for player in (*clerks, tool):
        player.wait_until_ready()
    if own_files:
        senders = [start("bank-9991", "mocks.folder", *world.of_first("--input", str(own_files.resolve())))]
    else:
        senders = [
            start("bank-9991", "mocks.bank", *world.of_first("--reports", str(REPORTS))),
            start("vendor", "mocks.vendor", *world.of_first()),
            start("bank-9992", "mocks.bank", *world.of_second("--layout", "guarantee_fixed200")),
        ]
    for players in (senders, clerks, [tool]):
        for player in players:
            player.finish()


def report(stage: Stage, world: World, own_files: Path | None) -> None:
    """Show what came of it, and check it against what was expected."""
    read: list[dict[str, Any]] = orjson.loads((stage.out / "targeting.json").read_bytes())
    _show_lead_times(stage, read)
    lines = {one["recipient"]: Counter(one["lines"]) for one in read}
    sealed = {receipt for one in read for receipt in one["receipts"]}
    given = [receipt for path in stage.out.glob("*.receipts") for receipt in path.read_text("ascii").split()]
    expect([receipt for receipt in given if receipt not in sealed], [], "receipts that are no leaf of a proven log")
    total = sum(counter.total() for counter in lines.values())
    print(f"\n配信行 {total:,} 行、位置の欠落なし / lines on the feeds, positions without gap, each proven")
    print(
        f"受領証 {len(given):,} 通を検証、すべて証明済みログの葉 / receipts verified, every one a leaf of a proven log"
    )
    print(f"証拠 {sum(len(one['evidence']) for one in read)} 件をオフラインで検証 / evidence files verified offline")
    _show_targets(read)
    if not own_files:
        _check_truth(read, lines, world)


def _show_lead_times(stage: Stage, read: list[dict[str, Any]]) -> None:
    print("\nリードタイム / lead times (p50 | p90)")
    print(f"{'to':<6}{'kind':<21}{'lines':>7}  {'received→published':>20}  {'published→read':>20}  {'event→read':>19}")
    with Client(stage.url, "tool", SigningKey.load(stage.keys / "tool.pem")) as client:
        for one in read:
            address = f"/v1/recipients/{one['recipient']}/lead-times"
            summary = client.get(address, {"limit": 100_000}).json()["summary"]
            for kind, stages in summary.items():
                count = f"{stages['received_to_published']['count']:,}"
                ours = (_seconds(stages[name]) for name in ("received_to_published", "published_to_read"))
                print(f"{one['recipient']:<6}{kind:<21}{count:>7}  {'  '.join(ours)}  {_days(stages['event_to_read'])}")


def _seconds(figures: dict[str, float]) -> str:
    return f"{figures['p50']:>7.3f} s | {figures['p90']:>6.3f} s"


def _days(figures: dict[str, float]) -> str:
    return f"{figures['p50'] / 86_400:>6.1f} d | {figures['p90'] / 86_400:>6.1f} d"


def _show_targets(read: list[dict[str, Any]]) -> None:
    targets = [(one["recipient"], target) for one in read for target in one["targets"]]
    print(f"\n確認すべき事業者 {len(targets)} 先 / firms to look at")
    for recipient, target in sorted(targets, key=lambda one: -len(one[1]["reasons"]))[:TARGETS_SHOWN]:
        print(f"  {recipient} {target['name'] or target['subject']}")
        for reason in target["reasons"]:
            print(f"     {reason['signal']} {reason['ja']} / {reason['en']}  (position {reason['position']})")
    if len(targets) > TARGETS_SHOWN:
        print(f"  … 他 {len(targets) - TARGETS_SHOWN} 先 / and {len(targets) - TARGETS_SHOWN} more")


def _check_truth(read: list[dict[str, Any]], lines: dict[str, Counter[str]], world: World) -> None:
    """Every line that was due is there, and the firms listed are those that are in trouble.

    Raises:
        Surprise: they are not.
    """
    first, second = world.portfolios()
    books = Counter(
        "trial_balance" if "trial" in name else "financial_statement"
        for f in first.booked
        for name, _ in exports(first, f)
    )
    due = Counter(repayment_status=len(first.rows) + 1, monitoring_report=min(REPORTS, len(first.followed))) + books
    expect(lines["13"], due, "lines of 13")
    expect(lines["14100"], Counter(repayment_status=len(second.rows) + 1), "lines of 14100")
    truth = first.in_trouble() | second.in_trouble(*ON_TAPES)
    listed = {target["name"] for one in read for target in one["targets"]}
    hits, others = len(truth & listed), len(listed - truth)
    print(f"事実との照合: 問題のある {len(truth)} 先中 {hits} 先を検出、誤検出 {others} 先", end="")
    print(f" / held against the truth: {hits} of {len(truth)} firms in trouble listed, {others} others")
    expect((sorted(truth - listed), sorted(listed - truth)), ([], []), "firms missed, firms listed wrongly")


def _where_to_look(stage: Stage, server: Server, keep: bool) -> str:
    addresses = (
        f"{stage.url}/docs                              API の説明 / the API described",
        f"{stage.url}/.well-known/jwks.json             公開鍵 / the published keys",
        f"{stage.url}/v1/recipients/13/feed?after=0     配信 / the feed (signed in)",
        f"{stage.url}/v1/recipients/13/log/checkpoint   ログ署名 / the signed head of the log",
        f"{stage.url}/v1/recipients/13/lead-times       リードタイム / lead times",
        *([f"hayame verify {stage.out}/evidence-….json --key {stage.out}/gateway.jwks"] if keep else []),
    )
    state = f"サーバは動作中、停止は kill {server.pid}" if keep else "KEEP=1 でサーバを残します"
    also = f"the server runs on; stop it with kill {server.pid}" if keep else "KEEP=1 leaves the server running"
    return "\n".join((f"さらに見るには / to look further ({state} / {also})", *(f"  {one}" for one in addresses)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
