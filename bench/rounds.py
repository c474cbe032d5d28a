"""One round of each kind: fresh servers on fresh folders, warmed up, measured, and the gateway's work proven."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from bench import load
from bench.figures import Latency
from bench.fixtures import READER, SENDER, Tape, World, signed_requests, trial_balances
from bench.hosts import Hosts
from bench.load import Answer
from bench.proof import Disproved, prove_feed, prove_submissions
from bench.servers import Server
from gateway.client import Client, Outcome
from mocks.tapes import CORPORATION

SEED = 20260331
CONNECTIONS, NAIVE_CONNECTIONS = 64, 16
NAIVE_FIRMS = 50
PHASE_S = 120.0
BULK_S, LOOK_S = 120.0, 0.05
DISCARDED_S = 1.0
PLAIN, CERTIFICATE, DPOP = "plain", "certificate", "dpop"
FEED = f"/v1/recipients/{CORPORATION}/feed"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is sent: requests to each server, those paced at a rate a second, rows of a tape.

    Before anything is measured, every firm (of N a few) sends its first month; so all that is measured has a month
    before it.
    """

    firms: int
    noop: int
    naive: int
    gateway: int
    rate: float
    paced: int
    rows: int


FULL = Sizes(firms=1_000, noop=20_000, naive=300, gateway=6_000, rate=200.0, paced=2_000, rows=100_000)
QUICK = Sizes(firms=200, noop=4_000, naive=60, gateway=1_000, rate=200.0, paced=800, rows=100_000)


@dataclass(frozen=True, slots=True)
class Throughput:
    """A closed loop: documents a second, server CPU per document (microseconds), response times.

    ``neighbours`` is how many cores others kept busy meanwhile.
    """

    per_s: float
    cpu_us: float
    response: Latency
    neighbours: float


@dataclass(frozen=True, slots=True)
class Lead:
    """An open loop: response times, and from the instant due until the line was in the reader's hands."""

    response: Latency
    lead: Latency
    neighbours: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs rounds, each on a fresh server."""

    hosts: Hosts
    sizes: Sizes

    @property
    def world(self) -> World:
        """Whom the gateway knows."""
        return self.hosts.world

    def noop(self) -> Throughput:
        """F, as fast as it can; what it is sent repeats, since it does not look at it."""
        with self.hosts.noop() as server:
            requests = self._requests(server, "none", self.sizes.firms, self.sizes.firms)
            load.run(load.closed_loop(server.port, requests, CONNECTIONS), PHASE_S)
            again = requests * (self.sizes.noop // len(requests))
            return _closed(server, again, CONNECTIONS)[0]

    def naive(self) -> Throughput:
        """N, as fast as it can."""
        with self.hosts.naive() as (server, token):
            requests = self._requests(server, token, NAIVE_FIRMS, NAIVE_FIRMS + self.sizes.naive)
            warming = load.run(load.closed_loop(server.port, requests[:NAIVE_FIRMS], NAIVE_CONNECTIONS), PHASE_S)
            figures, answers = _closed(server, requests[NAIVE_FIRMS:], NAIVE_CONNECTIONS)
            if any(answer.status != 201 for answer in warming + answers):
                raise Disproved("the naive reference refused a document")
            return figures

    def gateway(self, way: str = PLAIN) -> Throughput:
        """The gateway, as fast as it can, and everything it acknowledged proven.

        Args:
            way: whose the sender's token is: anybody's; over TLS of who connects with a certificate; of who proves its
                key with each request.
        """
        firms = self.sizes.firms
        with self.hosts.gateway(certified=way == CERTIFICATE) as server:
            token = self._token(server, bound=way == DPOP)
            requests = self._requests(server, token, firms, firms + self.sizes.gateway, proven=way == DPOP)
            warming = load.run(load.closed_loop(server.port, requests[:firms], CONNECTIONS, server.tls), PHASE_S)
            figures, answers = _closed(server, requests[firms:], CONNECTIONS)
            prove_submissions(server, self.world, warming + answers)
            return figures

    def control(self) -> Latency:
        """F at the rate at which lead times are measured: how quiet the machine is."""
        with self.hosts.noop() as server:
            requests = self._requests(server, "none", self.sizes.firms, self.sizes.paced // 2)
            answers = load.run(load.open_loop(server.port, requests, self.sizes.rate), PHASE_S)
            return Latency.of([answer.done - answer.due for answer in _counted(answers)])

    def lead(self) -> Lead:
        """The gateway at a steady rate, with a reader on long poll."""
        firms = self.sizes.firms
        with self.hosts.gateway() as server, Client(server.base_url, READER, self.world.reader) as tool:
            requests = self._requests(server, self._token(server), firms, firms + self.sizes.paced)
            warming = load.run(load.closed_loop(server.port, requests[:firms], CONNECTIONS), PHASE_S)
            server.settle()
            paced = _paced(server.port, requests[firms:], self.sizes.rate, (tool.token(bound=False), firms))
            before = server.spent()
            answers, seen = load.run(paced, PHASE_S)
            neighbours = server.spent().neighbours(before)
            prove_submissions(server, self.world, warming + answers)
            counted = _counted(answers)
            leads = [seen[str(answer.submission)] - answer.due for answer in counted]
            response = Latency.of([answer.done - answer.due for answer in counted])
            return Lead(response, Latency.of(leads), neighbours)

    def bulk(self, tape: Tape) -> float:
        """Seconds from handing over a repayment file until all its rows are visible, or returned."""
        with self.hosts.gateway() as server, Client(server.base_url, SENDER, self.world.sender) as bank:
            bank.token()
            started = time.monotonic()
            outcome = bank.submit(tape.raw, recipient=CORPORATION, filename="tape.csv")
            while outcome.state != "final" and time.monotonic() - started < BULK_S:
                time.sleep(LOOK_S)
                answer = bank.get(f"/v1/submissions/{outcome.submission}")
                outcome = Outcome(answer.status_code, answer.json())
            seconds = time.monotonic() - started
            if (outcome.counts["accepted"], outcome.counts["refused"]) != (tape.accepted, tape.refused):
                raise Disproved(f"{tape.name}: expected {tape.accepted} and {tape.refused}, got {outcome.counts}")
            with Client(server.base_url, READER, self.world.reader) as tool:
                lines = len(prove_feed(tool, tool.gateway_keys()))
            if lines != tape.accepted:
                raise Disproved(f"{tape.name}: {lines} lines on the feed, {tape.accepted} expected")
            return seconds

    def _token(self, server: Server, *, bound: bool = False) -> str:
        with Client(server.base_url, SENDER, self.world.sender, tls=server.tls) as bank:
            return bank.token(bound=bound)

    def _requests(self, server: Server, token: str, firms: int, many: int, *, proven: bool = False) -> list[bytes]:
        documents = islice(trial_balances(SEED, self.world.corporate_numbers[:firms]), many)
        return signed_requests(list(documents), self.world.sender, token, server.base_url, proven=proven)


def _closed(server: Server, requests: Sequence[bytes], connections: int) -> tuple[Throughput, list[Answer]]:
    before = server.spent()
    answers = load.run(load.closed_loop(server.port, requests, connections, server.tls), PHASE_S)
    after = server.spent()
    cpu_us = (after.server_s - before.server_s) / len(answers) * 1e6
    response = Latency.of([answer.done - answer.due for answer in answers])
    return Throughput(len(answers) / (after.at - before.at), cpu_us, response, after.neighbours(before)), answers


async def _paced(
    port: int, requests: Sequence[bytes], rate: float, reader: tuple[str, int]
) -> tuple[list[Answer], dict[str, float]]:
    """Send at a rate while a reader follows the feed from a position on."""
    token, start = reader
    following = asyncio.create_task(load.follow(port, (FEED, start), token, len(requests)))
    answers = await load.open_loop(port, requests, rate)
    return answers, await following


def _counted(answers: Sequence[Answer]) -> list[Answer]:
    """All but those of the first second."""
    return [answer for answer in answers if answer.due > answers[0].due + DISCARDED_S]
