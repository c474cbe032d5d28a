"""Server processes under measurement: started on a free loopback port, asked for their CPU time, always ended."""

from __future__ import annotations

import argparse
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
START_S, END_S = 60.0, 20.0
LOOK_S, IDLE_SHARE = 0.5, 0.1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds so far: a server's with its children, our own, the whole machine's; and when (monotonic)."""

    at: float
    server_s: float
    own_s: float
    machine_s: float

    def neighbours(self, earlier: Spent) -> float:
        """Cores that others kept busy since then: next to none, or the figures are not worth much."""
        ours = self.server_s - earlier.server_s + self.own_s - earlier.own_s
        return max(0.0, self.machine_s - earlier.machine_s - ours) / (self.at - earlier.at)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that accepts connections; ``tls`` is how to connect where it speaks TLS."""

    port: int
    process: subprocess.Popen[bytes]
    tls: ssl.SSLContext | None = None

    @property
    def base_url(self) -> str:
        """Its address, as requests are signed for it."""
        return f"{'https' if self.tls else 'http'}://{HOST}:{self.port}"

    def cpu_s(self) -> float:
        """CPU seconds that it and its children have used so far."""
        return sum(map(_cpu_s, _family(self.process.pid)))

    def spent(self) -> Spent:
        """What was spent up to now."""
        return Spent(time.monotonic(), self.cpu_s(), time.process_time(), _machine_s())

    def settle(self) -> None:
        """Wait until it and its children have started up and are idle, but not for ever."""
        deadline, before = time.monotonic() + START_S, -1.0
        while time.monotonic() < deadline and (now := self.cpu_s()) - before > IDLE_SHARE * LOOK_S:
            before = now
            time.sleep(LOOK_S)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    module: str, arguments: Sequence[str], port: int, settings: Mapping[str, str], tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """A server program, once it accepts connections; ended with the block, by force if it must be.

    Raises:
        RuntimeError: it ended by itself, or did not listen in time.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HAYAME_")}
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=clean | dict(settings), stdin=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(process, port)
        yield Server(port, process, tls)
    finally:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def serve(app: Any) -> None:
    """Serve a reference application the way the gateway is served: one worker, no access log."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    uvicorn.run(app, host=HOST, port=port, log_level="warning", access_log=False, timeout_keep_alive=75)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the server on port {port} did not start; exit status {process.poll()}")


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(member for child in children for member in _family(int(child)))]


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _machine_s() -> float:
    user, nice, system, _, _, interrupts, soft, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / TICKS_PER_S
