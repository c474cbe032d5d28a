"""Several server processes over one database, and in front of them what an operator would put there: a plain proxy."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from world import World


class Balancer:
    """Takes connections at one address and hands them to the nodes in turn; ``used`` counts how many each one got."""

    def __init__(self, address: tuple[str, int], nodes: list[int]) -> None:
        self.used: Counter[int] = Counter()
        self._address, self._nodes, self._turn = address, nodes, count()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._listening.wait(10)

    def stop(self) -> None:
        """Drop all connections."""
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(10)

    def _run(self) -> None:
        self._serving = self._loop.create_task(self._serve())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._forward, *self._address)
        self._listening.set()
        async with server:
            await asyncio.Event().wait()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node = self._nodes[next(self._turn) % len(self._nodes)]
        self.used[node] += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", node)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@contextmanager
def running_nodes(folder: Path, database_url: str, nodes: int, **environment: str) -> Iterator[tuple[World, Balancer]]:
    """A world whose published address is that of a balancer in front of several server processes."""
    world = World(folder, database_url)
    ports = [_free_port() for _ in range(nodes)]
    settings = {
        "HAYAME_DATA_DIR": str(folder),
        "HAYAME_BASE_URL": world.base_url,
        "HAYAME_DATABASE_URL": database_url,
        **environment,
    }
    processes = [
        subprocess.Popen([sys.executable, "-m", "gateway", "serve", "--port", str(port)], env=os.environ | settings)
        for port in ports
    ]
    try:
        for port in ports:
            _wait_for(port)
        address = urlsplit(world.base_url)
        balancer = Balancer((str(address.hostname), int(address.port or 0)), ports)
        try:
            yield world, balancer
        finally:
            balancer.stop()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
        world.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("a node did not start")
