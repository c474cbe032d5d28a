"""An identity provider of somebody else: issues access tokens (RFC 9068) and publishes its keys over HTTP."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gateway.security.canonical import canonical
from gateway.security.keys import SigningKey
from gateway.security.signing import sign_compact

NAME = "https://login.example/realms/banks"


class Issuer(ThreadingHTTPServer):
    """Answers any address with its key set; ``asked`` counts how often, ``well`` says whether it does at all."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key, self.asked, self.well = SigningKey.generate(), 0, True
        self.published: list[dict[str, Any]] = [self.key.public.jwk()]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def jwks_uri(self) -> str:
        """Where its keys are."""
        return f"http://127.0.0.1:{self.server_address[1]}/certs"

    def rotate(self) -> None:
        """Sign by another key from now on; the one before stays published."""
        self.key = SigningKey.generate()
        self.published = [self.key.public.jwk(), *self.published]

    def token(self, client: str, audience: object, at: datetime | None = None, **claims: Any) -> str:
        """An access token for five minutes; a claim may be another, or (None) missing."""
        return sign_compact(self.key, canonical(self.claims(client, audience, at, **claims)), "at+jwt")

    def claims(self, client: str, audience: object, at: datetime | None = None, **claims: Any) -> dict[str, Any]:
        """What such a token says."""
        now = at or datetime.now(UTC)
        instants = {"iat": int(now.timestamp()), "exp": int((now + timedelta(minutes=5)).timestamp())}
        said = {"iss": NAME, "aud": audience, "client_id": client, "sub": client, "jti": "1", "scope": "submit read"}
        return {name: value for name, value in (said | instants | claims).items() if value is not None}

    def close(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_GET(self) -> None:
        """The key set, unless it is out of order."""
        self.server.asked += 1
        body = json.dumps({"keys": self.server.published}).encode()
        self.send_response(200 if self.server.well else 500)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
