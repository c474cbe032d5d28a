"""A small world for tests: a real server process over a real database, and participants with keys of their own."""

from __future__ import annotations

import json
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import psutil
from agreed import consented
from commands import environment, started

from gateway.client import Client, Following
from gateway.registers import enrolment
from gateway.registers.firms import register_guarantees
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme
from gateway.security.dpop import Target, make_proof
from gateway.security.keys import KeyRing, SigningKey
from gateway.settings import Settings
from gateway.wiring import build

BANK, OTHER_BANK, VENDOR, TOOL, CORPORATION = "bank-9991", "bank-9992", "vendor-kaikei", "tool-13", "cgc-13"
WITNESS = "federation"
FIRMS = 40
PARTICIPANTS: tuple[tuple[str, str, str | None, list[str]], ...] = (
    (BANK, "bank", "9991", ["submit:13"]),
    (OTHER_BANK, "bank", "9992", ["submit:13", "submit:14100"]),
    (VENDOR, "vendor", None, ["submit:13"]),
    (TOOL, "tool", None, ["read:13"]),
    (CORPORATION, "corporation", None, ["read:13", "link:13", "witness:13"]),
    (WITNESS, "witness", None, ["witness:13"]),
)


def corporate_number(number: int) -> str:
    """A made-up corporate number whose check digit holds, in a range that no registry office has."""
    base = f"9999{number:08d}"
    total = sum(int(digit) * (1 if index % 2 == 0 else 2) for index, digit in enumerate(reversed(base)))
    return f"{9 - total % 9}{base}"


def firm(number: int) -> Reference:
    """A firm of this world by its number."""
    return Reference(scheme=Scheme.CORPORATE_NUMBER, value=corporate_number(number))


def guarantee(number: int) -> str:
    """The guarantee of a firm of this world."""
    return f"13-{number:07d}"


def trial_balance(firm: int, month: int, closing: int = 130, **more: Any) -> bytes:
    """A consistent little trial balance; ``closing`` other than 130 is a finding."""
    line = {
        "source_name": "現金",
        "source_code": "10A100020",
        "statement": "BS",
        "normal_side": "debit",
        "opening_yen": closing - 30,
        "debit_yen": 50,
        "credit_yen": 20,
        "closing_yen": closing,
    }
    record = {
        "kind": "trial_balance",
        "period_from": f"2026-{month:02d}-01",
        "period_to": f"2026-{month:02d}-28",
        "statements": ["BS"],
        "references": [{"scheme": "corporate_number", "value": corporate_number(firm)}],
        "lines": [line],
    }
    return json.dumps(record | more, ensure_ascii=False).encode()


@dataclass
class World:
    """A running gateway. ``kill`` and ``start`` may be called in turn; the data stay."""

    folder: Path
    database_url: str | None
    keys: dict[str, SigningKey] = field(default_factory=dict)
    process: ForkServerProcess | None = None
    environment: dict[str, str] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.base_url = f"{'https' if self.tls else 'http'}://127.0.0.1:{probe.getsockname()[1]}"
        self.settings = Settings(data_dir=self.folder, base_url=self.base_url, database_url=self.database_url)
        self.gateway = build(self.settings)
        for one in PARTICIPANTS:
            self.enrol(*one)
        self.register(range(FIRMS))
        consented(self.gateway.registrar, map(firm, range(FIRMS)), by=CORPORATION)

    def enrol(self, name: str, kind: str, institution: str | None, may: list[str]) -> None:
        """A participant with a fresh key."""
        self.keys[name] = SigningKey.generate()
        entry = enrolment.Entry(
            name, kind, name, institution, KeyRing([self.keys[name].public]), enrolment.entitlements(may)
        )
        enrolment.enrol(self.gateway.registrar, entry)

    def register(self, firms: range, institution: str = "9991") -> int:
        """Guarantees of some firms, as the corporation's register has them."""
        entries = [
            GuaranteeEntry(
                guarantee_no=guarantee(number),
                institution=institution,
                firm=firm(number),
                name=f"第{number}商店",
            )
            for number in firms
        ]
        return register_guarantees(self.gateway.registrar, "13", entries, (CORPORATION, self.gateway.clock.now()))

    def start(self) -> World:
        """Start the server and wait until all its processes answer: connections stay with the one that took them."""
        self.process = started(["serve"], environment(self) | self.environment)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.base_url}/readyz", timeout=1, context=self.tls):
                    if len(servers(self)) >= int(self.environment.get("HAYAME_PROCESSES", "1")):
                        return self
                time.sleep(0.02)
            except (URLError, ConnectionError, TimeoutError):
                if not self.process.is_alive():
                    break
                time.sleep(0.02)
        raise RuntimeError("the server did not start")

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.join()

    def halt(self) -> None:
        """Stop the server politely; the world stays."""
        if self.process is not None and self.process.is_alive():
            self.process.terminate()
            self.process.join(30)
            assert not self.process.is_alive()

    def stop(self) -> None:
        """Stop politely, for good."""
        for client in self.clients:
            client.close()
        self.halt()
        self.gateway.database.close()

    def client(self, name: str) -> Client:
        """A connection as one of the participants."""
        self.clients.append(Client(self.base_url, name, self.keys[name], tls=self.tls))
        return self.clients[-1]

    def reader(self) -> Following:
        """A reader of corporation 13's feed that has read everything so far."""
        reader = self.following()
        reader.fetch()
        return reader

    def following(self, name: str = TOOL, recipient: str = "13") -> Following:
        """A reader at the beginning of a feed."""
        client = self.client(name)
        return Following(client, recipient, KeyRing([self.gateway.key.public]), self.settings.log_name)


def shown(world: World, name: str, path: str, token: str = "", method: str = "POST") -> dict[str, str]:
    """The header fields by which a participant is let in at an address: a token, and a proof that it is its own."""
    token = token or world.client(name).token()
    target = Target(method, world.base_url + path.partition("?")[0], token)
    return {"authorization": f"DPoP {token}", "dpop": make_proof(world.keys[name], target, datetime.now(UTC))}


def servers(world: World) -> list[psutil.Process]:
    """The processes of a world that take connections at its address."""
    assert world.process is not None
    first, port = psutil.Process(world.process.pid), urlsplit(world.base_url).port
    return [
        one
        for one in (first, *first.children())
        if any(at.status == psutil.CONN_LISTEN and at.laddr.port == port for at in one.net_connections("tcp"))
    ]


@contextmanager
def running(
    folder: Path, database_url: str | None, tls: ssl.SSLContext | None = None, **environment: str
) -> Iterator[World]:
    """A world for the time of a block; with ``tls``, how its clients connect."""
    world = World(folder, database_url, environment=environment, tls=tls)
    try:
        yield world.start()
    finally:
        world.stop()
