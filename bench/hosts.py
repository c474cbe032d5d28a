"""The three servers, each started fresh on a folder of its own and left alone until it is idle."""

from __future__ import annotations

import json
import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench import servers
from bench.certificates import both_sides, make_certificate
from bench.fixtures import SENDER, World
from bench.servers import Server
from gateway.security.keys import SigningKey
from gateway.security.tokens import issue_access_token
from mocks.tapes import CORPORATION


@dataclass(frozen=True, slots=True)
class Hosts:
    """Starts servers that know one world; their folders are made in ``scratch``.

    F and N are one process each. The gateway answers with ``processes``: by default with as many as there are cores,
    as its operator would. CPU per document hardly depends on it, and says what the work itself costs.
    """

    world: World
    scratch: Path
    processes: int
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def noop(self) -> Iterator[Server]:
        """F."""
        port = servers.free_port()
        with servers.running("bench.noop", ["--port", str(port)], port, {}) as server:
            server.settle()
            yield server

    @contextmanager
    def naive(self) -> Iterator[tuple[Server, str]]:
        """N, and an access token for it; its tokens are issued elsewhere."""
        folder, port = self._folder(), servers.free_port()
        folder.mkdir()
        issuer, receipts, sender = SigningKey.generate(), SigningKey.generate(), self.world.sender
        base_url = f"http://{servers.HOST}:{port}"
        setup = {
            "base_url": base_url,
            "issuer": issuer.public.jwk(),
            "receipts": receipts.jose.as_dict(private=True),
            "sender": {
                "id": SENDER,
                "recipient": CORPORATION,
                "kid": sender.kid,
                "public_pem": sender.public.pem().decode(),
            },
            "corporate_numbers": self.world.corporate_numbers,
        }
        (folder / "setup.json").write_text(json.dumps(setup))
        with servers.running("bench.naive", ["--port", str(port)], port, {"NAIVE_DIR": str(folder)}) as server:
            server.settle()
            yield server, issue_access_token(issuer, base_url, SENDER, {"submit"}, datetime.now(UTC))

    @contextmanager
    def gateway(self, *, certified: bool = False) -> Iterator[Server]:
        """The gateway with every default but two; its worker is started too.

        It answers with so many processes, and takes plain tokens besides bound ones, so that throughput is that of the
        same work as before tokens were bound; which kind of token comes, the requests say. ``certified``: it speaks
        TLS and asks for client certificates.
        """
        folder, port = self.world.copied_to(self._folder()), servers.free_port()
        scheme, tls, settings = "http", None, {"HAYAME_UNBOUND_TOKENS": "true"}
        if certified:
            scheme, (tls, settings) = "https", self._certified(settings)
        settings |= {"HAYAME_DATA_DIR": str(folder), "HAYAME_BASE_URL": f"{scheme}://{servers.HOST}:{port}"}
        settings["HAYAME_PROCESSES"] = str(self.processes)
        with servers.running("gateway", ["serve"], port, settings, tls) as server:
            server.settle()
            yield server
        shutil.rmtree(folder)

    def _certified(self, settings: dict[str, str]) -> tuple[ssl.SSLContext, dict[str, str]]:
        file = self.scratch / "certificate.pem"
        if not file.exists():
            make_certificate(file, servers.HOST)
        return both_sides(file), settings | {"HAYAME_TLS_CERTIFICATE": str(file), "HAYAME_CLIENT_CA": str(file)}

    def _folder(self) -> Path:
        return self.scratch / str(next(self._numbers))
