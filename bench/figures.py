"""Statistics, goals, and what machine the figures are from."""

from __future__ import annotations

import math
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

PACKAGES = ("fastapi", "uvicorn", "uvloop", "pydantic", "sqlmodel", "sqlalchemy", "cryptography", "polars")
SYNCS = 100


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is to be, at least or at most."""

    id: str
    relation: Literal[">=", "<="]
    target: float

    def holds(self, measured: float) -> bool:
        """Whether a figure reaches the goal; one that could not be measured (nan) does not."""
        return measured >= self.target if self.relation == ">=" else measured <= self.target

    def line(self, measured: float) -> str:
        """The goal's line in the report.

        >>> Goal("bulk_100k_s", "<=", 10).line(6.5432)
        'GOAL bulk_100k_s 6.543 <= 10 ok'
        """
        verdict = "ok" if self.holds(measured) else "short"
        return f"GOAL {self.id} {measured:.4g} {self.relation} {self.target:g} {verdict}"


@dataclass(frozen=True, slots=True)
class Latency:
    """Median and 99th percentile, in milliseconds."""

    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """From durations in seconds."""
        return cls(percentile(seconds, 0.50) * 1e3, percentile(seconds, 0.99) * 1e3)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed (nearest rank).

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def middle(values: Sequence[float]) -> float:
    """The median; nan of nothing."""
    return statistics.median(values) if values else math.nan


def machine() -> dict[str, str]:
    """What the figures depend on besides the code."""
    return {
        "cpu": f"{os.cpu_count()} x {_field('/proc/cpuinfo', 'model name')}",
        "memory": _field("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "fsync": f"{_sync_us():.0f} us (median of {SYNCS})",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")


def _sync_us() -> float:
    """How long this disk takes to make 4 KiB durable: with a true flush, group commit matters far more."""
    spent = []
    with tempfile.TemporaryFile() as file:
        for _ in range(SYNCS):
            file.write(b"x" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            spent.append(time.perf_counter() - started)
    return statistics.median(spent) * 1e6
