"""A time-stamping authority (RFC 3161): the openssl of this machine behind an HTTP address, for tests and trials.

python -m mocks.timestamp_authority --certificates tsa.pem [--port 8050]

Its root and the certificate it stamps with are made at its start.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mocks.program import say, told_to_stop

DAYS = "3650"
CONFIG = """\
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamper]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_cert = {folder}/stamper.pem
signer_key = {folder}/stamper.key
certs = {folder}/chain.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.55555.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """What stamps; everything it has is in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._one = folder, threading.Lock()
        (folder / "authority.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01")
        self._key("root")
        self._openssl("req", "-x509", *self._new("root", "ca"), "-key", "root.key", "-out", "root.pem")
        self._key("stamper")
        signer = ("-CA", "root.pem", "-CAkey", "root.key", "-key", "stamper.key", "-out", "stamper.pem")
        self._openssl("req", "-x509", *self._new("stamper", "stamper"), *signer)
        self.send_along("root")

    @property
    def root(self) -> Path:
        """What who trusts it keeps (PEM)."""
        return self._folder / "root.pem"

    def send_along(self, *names: str) -> None:
        """Which certificates besides the stamper's come with a token, in this order."""
        together = b"".join((self._folder / f"{name}.pem").read_bytes() for name in names)
        (self._folder / "chain.pem").write_bytes(together)

    def reply(self, query: bytes) -> bytes:
        """The answer to a query; one at a time, since the serial number is a file."""
        with self._one:
            (self._folder / "query").write_bytes(query)
            self._openssl("ts", "-reply", "-config", "authority.cnf", "-queryfile", "query", "-out", "reply")
            return (self._folder / "reply").read_bytes()

    def _key(self, name: str) -> None:
        curve = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self._openssl("genpkey", *curve, "-out", f"{name}.key")

    def _new(self, name: str, kind: str) -> tuple[str, ...]:
        return ("-config", "authority.cnf", "-extensions", kind, "-subj", f"/CN=Mihon {name}", "-days", DAYS)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)  # noqa: S603, S607 - a program of this machine, our arguments


class Door(ThreadingHTTPServer):
    """An authority's address; ``asked`` counts the queries.

    Args:
        reply: the answer to a query; empty for an authority that is out of order.
        port: where; 0 for any that is free.
        pace_s: pause between two bytes of an answer.
    """

    daemon_threads = True

    def __init__(self, reply: Callable[[bytes], bytes], port: int = 0, pace_s: float = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.reply, self.pace_s, self.asked = reply, pace_s, 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def close(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Door
    timeout = 10

    def do_POST(self) -> None:
        """Answer one query."""
        self.server.asked += 1
        reply = self.server.reply(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200 if reply else 503)
        self.send_header("content-type", "application/timestamp-reply")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        try:
            self._send(reply)
        except OSError:
            self.close_connection = True  # who asked has had enough

    def _send(self, reply: bytes) -> None:
        if not self.server.pace_s:
            self.wfile.write(reply)
            return
        for at in range(len(reply)):
            self.wfile.write(reply[at : at + 1])
            time.sleep(self.server.pace_s)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Stamp until standard input closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8050)
    parser.add_argument("--certificates", type=Path, required=True, help="where to write its root (PEM)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        asked.certificates.write_bytes(authority.root.read_bytes())
        door = Door(authority.reply, asked.port)
        say(f"stamping at {door.url}, trusted by {asked.certificates}")
        told_to_stop().wait()
        door.close()


if __name__ == "__main__":
    main()
