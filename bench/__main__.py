"""``python -m bench``: alternate references and gateway, print every round, then a line per goal.

A goal that is missed is a result, not a failure: the exit status is 0. It is 1 when a round could not prove its work.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import Goal, machine, middle
from bench.fixtures import make_world, tapes
from bench.hosts import Hosts
from bench.proof import Disproved
from bench.rounds import CERTIFICATE, DPOP, FULL, PLAIN, QUICK, SEED, Bench, Throughput
from gateway.errors import GatewayError
from mocks.tapes import loan_book

QUIET_P99_MS = 20.0
MOST_VOID = 10


@dataclass(slots=True)
class Report:
    """What was measured, round by round, and what came of the goals."""

    rounds: list[dict[str, Any]] = field(default_factory=list)
    goals: list[tuple[Goal, float]] = field(default_factory=list)

    def note(self, kind: str, **figures: Any) -> None:
        """Keep and show the figures of a round."""
        self.rounds.append({"kind": kind, **figures})
        print(kind, " ".join(f"{name}={_shown(value)}" for name, value in figures.items()), flush=True)

    def throughput(self, kind: str, one: Throughput) -> None:
        """Keep and show a closed loop."""
        latency = {"p50_ms": one.response.p50_ms, "p99_ms": one.response.p99_ms}
        self.note(kind, per_s=one.per_s, cpu_us=one.cpu_us, **latency, neighbours=one.neighbours)

    def all_of(self, kind: str, name: str) -> list[float]:
        """One figure of every round of a kind."""
        return [entry[name] for entry in self.rounds if entry["kind"] == kind]

    def goal(self, goal: Goal, measured: float) -> None:
        """Say how a goal was met."""
        self.goals.append((goal, measured))
        print(goal.line(measured), flush=True)


def throughput(bench: Bench, report: Report, rounds: int) -> None:
    """F, N and the gateway in turn; ratios are taken within a round, then their median."""
    for _ in range(rounds):
        noop, naive, ours = bench.noop(), bench.naive(), bench.gateway()
        for name, one in (("F", noop), ("N", naive), ("gateway", ours)):
            report.throughput(name, one)
        report.note(
            "ratio",
            vs_F=ours.per_s / noop.per_s,
            vs_N=ours.per_s / naive.per_s,
            cpu_F=noop.cpu_us / ours.cpu_us,
            cpu_N=naive.cpu_us / ours.cpu_us,
        )
    report.goal(Goal("throughput_vs_F", ">=", 0.15), middle(report.all_of("ratio", "vs_F")))
    report.goal(Goal("throughput_vs_N", ">=", 12), middle(report.all_of("ratio", "vs_N")))


def lead(bench: Bench, report: Report, rounds: int) -> None:
    """Lead times at a steady rate; a round in which even F was slow is void, since the machine was not quiet."""
    counted, void = 0, 0
    while counted < rounds and void <= MOST_VOID:
        control = bench.control()
        if control.p99_ms > QUIET_P99_MS:
            void += 1
            report.note("void", control_p99_ms=control.p99_ms)
            continue
        counted, measured = counted + 1, bench.lead()
        report.note(
            "lead",
            control_p99_ms=control.p99_ms,
            response_p50_ms=measured.response.p50_ms,
            response_p99_ms=measured.response.p99_ms,
            lead_p50_ms=measured.lead.p50_ms,
            lead_p99_ms=measured.lead.p99_ms,
            neighbours=measured.neighbours,
        )
    report.goal(Goal("lead_p99_ms_at_200", "<=", 50), middle(report.all_of("lead", "lead_p99_ms")))


def bulk(bench: Bench, report: Report, rounds: int) -> None:
    """The same repayment file clean, with 1 % of bad rows, and with nothing but bad rows."""
    clean, some, every = tapes(SEED, loan_book(SEED, bench.sizes.rows))
    for _ in range(rounds):
        clean_s, some_s, every_s = bench.bulk(clean), bench.bulk(some), bench.bulk(every)
        report.note("bulk", clean_s=clean_s, bad_1_percent_s=some_s, bad_100_percent_s=every_s, ratio=every_s / clean_s)
    report.goal(Goal("bulk_100k_s", "<=", 10), middle(report.all_of("bulk", "bad_1_percent_s")))
    report.goal(Goal("bulk_bad_ratio", "<=", 2), middle(report.all_of("bulk", "ratio")))


def security(bench: Bench, report: Report, rounds: int) -> None:
    """The gateway with plain tokens, with certificate-bound ones over TLS, and with DPoP-bound ones, in turn."""
    for _ in range(rounds):
        plain, certificate, dpop = (bench.gateway(way) for way in (PLAIN, CERTIFICATE, DPOP))
        for name, one in ((PLAIN, plain), (CERTIFICATE, certificate), (DPOP, dpop)):
            report.throughput(name, one)
        report.note(
            "bound", certificate_vs_plain=certificate.per_s / plain.per_s, dpop_vs_plain=dpop.per_s / plain.per_s
        )
    report.goal(Goal("certificate_bound_vs_plain", ">=", 0.85), middle(report.all_of("bound", "certificate_vs_plain")))
    print(f"beside it: dpop_bound_vs_plain {_shown(middle(report.all_of('bound', 'dpop_vs_plain')))}", flush=True)


PARTS: dict[str, Callable[[Bench, Report, int], None]] = {
    "throughput": throughput,
    "lead": lead,
    "bulk": bulk,
    "security": security,
}


def main() -> int:
    """Measure what was asked for."""
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    described, report = machine(), Report()
    described["gateway"] = f"{asked.processes} processes (HAYAME_PROCESSES); F and N are one each"
    described["tokens"] = "throughput and lead: plain ones (HAYAME_UNBOUND_TOKENS=true); security: each kind in turn"
    for name, text in described.items():
        print(f"{name}: {text}", flush=True)
    sizes = QUICK if asked.quick else FULL
    with tempfile.TemporaryDirectory(prefix="hayame-bench-") as scratch:
        rows = loan_book(SEED, sizes.rows) if "bulk" in asked.only else []
        world = make_world(Path(scratch) / "world", sizes.firms, rows)
        bench = Bench(Hosts(world, Path(scratch), asked.processes), sizes)
        for part in asked.only:
            try:
                PARTS[part](bench, report, asked.rounds)
            except (Disproved, GatewayError, OSError, RuntimeError) as error:
                print(f"{part}: {error or type(error).__name__}", file=sys.stderr)
                return 1
    if asked.json:
        asked.json.write_text(json.dumps(_results(described, report), ensure_ascii=False, indent=1) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each part (default 5)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="only these parts")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; figures are rough")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="of the gateway (default: cores)")
    parser.add_argument("--json", type=Path, help="also write the results to a file")
    return parser.parse_args()


def _results(described: dict[str, str], report: Report) -> dict[str, Any]:
    goals = [
        asdict(goal) | {"measured": None if math.isnan(measured) else measured, "holds": goal.holds(measured)}
        for goal, measured in report.goals
    ]
    return {"machine": described, "rounds": report.rounds, "goals": goals}


def _shown(value: float) -> str:
    return f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main())
