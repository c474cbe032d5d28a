"""A signed-in connection to a gateway: tokens, request signatures and retries are its business, not the caller's."""

from __future__ import annotations

import hashlib
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import quote

import httpx2
import orjson

from gateway.errors import GatewayError, PeerError
from gateway.security.checkpoints import is_known
from gateway.security.container import MEDIA_TYPE as CONTAINER
from gateway.security.dpop import Target, make_proof
from gateway.security.http_answers import ASK, ASKED, Answer, verify_answer
from gateway.security.http_signatures import SignedRequest, sign_request
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing import kid_of, open_receipt
from gateway.security.signing_keys import learned
from gateway.security.tokens import make_client_assertion

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN, SUBMISSIONS = "/oauth2/token", "/v1/submissions"
TRIES = 4
OUTCOMES = frozenset({200, 201, 202})
EARLY = timedelta(seconds=20)  # a token is renewed so long before it ends


class Refusal(GatewayError):
    """The gateway refused the request."""

    code = "client.refused"
    message_ja = "ゲートウェイが要求を受け付けませんでした。"

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(
            f"{status} {problem.get('title', '')}: {problem.get('detail', '')}", ja=problem.get("detail_ja")
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission. ``state`` is ``final``; after a 202 ``processing`` or, if that failed, ``stalled``.

    Attributes:
        status: the HTTP status it came with.
        body: everything the gateway said.
    """

    status: int
    body: Mapping[str, Any]

    @property
    def submission(self) -> str:
        """The submission's id."""
        return str(self.body["submission"])

    @property
    def state(self) -> str:
        """``final``, ``processing`` or ``stalled``."""
        return str(self.body["state"])

    @property
    def verdict(self) -> str | None:
        """The verdict, once final."""
        return self.body.get("verdict")

    @property
    def receipts(self) -> list[str]:
        """The receipts (compact JWS), one per recipient."""
        return [statement["receipt"] for statement in self.body.get("statements", ())]

    @property
    def counts(self) -> dict[str, int]:
        """Accepted, unchanged, held and refused records over all statements."""
        total = {"accepted": 0, "unchanged": 0, "held": 0, "refused": 0}
        for statement in self.body.get("statements", ()):
            for name in total:
                total[name] += statement["counts"][name]
        return total

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """The first hundred findings."""
        return list(self.body.get("findings", ()))


@dataclass
class Client:
    """One participant's connection to a gateway.

    Args:
        base_url: the gateway's published address; it is also its issuer identifier.
        client_id: the participant's id.
        key: its private key.
        timeout_s: seconds to wait for an answer (long polls add their own wait).
        bound: whether what it reads and sends goes with a token bound to its key (DPoP); without, a gateway issues
            one only to who connects with a certificate, unless it allows tokens that a thief could use.
        issued: asks another issuer, where the gateway has one, for a token bound to the key (``bound``), and says until
            when it is good.
        answers_by: the gateway's keys, by which every answer to a submission has to be signed; or none.
        tls: whom it trusts and with which certificate it connects, to which its tokens then are bound; if left out,
            what is trusted everywhere, and none.
    """

    base_url: str
    client_id: str
    key: SigningKey
    timeout_s: float = 60.0
    bound: bool = True
    tls: ssl.SSLContext | None = None
    issued: Callable[[bool], tuple[str, datetime]] | None = None
    answers_by: KeyRing | None = None
    _http: httpx2.Client = field(init=False, repr=False)
    _tokens: dict[bool, tuple[str, datetime]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.base_url = self.base_url.rstrip("/")
        self._http = httpx2.Client(
            base_url=self.base_url, timeout=self.timeout_s, trust_env=False, verify=self.tls or True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def token(self, *, bound: bool = True) -> str:
        """An access token that is good for a while yet: bound to the client's key, or to be sent as Bearer."""
        now = datetime.now(UTC)
        token, ends_at = self._tokens.get(bound, ("", now))
        if ends_at - EARLY < now and self.issued is not None:
            token, _ = self._tokens[bound] = self.issued(bound)
        elif ends_at - EARLY < now:
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": make_client_assertion(self.key, self.client_id, self.base_url, now),
            }
            proof = {"dpop": make_proof(self.key, Target("POST", self.base_url + TOKEN), now)} if bound else {}
            answer = checked(self._http.post(TOKEN, data=form, headers=proof)).json()
            token = str(answer["access_token"])
            self._tokens[bound] = (token, now + timedelta(seconds=answer["expires_in"]))
        return token

    def gateway_keys(self) -> KeyRing:
        """The gateway's public keys, fetched now. Keep your own copy where evidence matters."""
        return KeyRing.parse(checked(self._http.get("/.well-known/jwks.json")).content)

    def keys_for(self, receipts: Iterable[str], keys: KeyRing) -> KeyRing:
        """What verifies some receipts: one's own copy of the gateway's keys, and those that its log's key announced."""
        known = all(keys.find(kid_of(receipt)) for receipt in receipts)
        return keys if known else learned(keys, self.gateway_keys().jwks()["keys"])

    def keys_for_head(self, note: str, keys: KeyRing) -> KeyRing:
        """What verifies a checkpoint: one's own copy of the gateway's keys, and those that succeeded them."""
        return keys if is_known(note, keys) else learned(keys, self.gateway_keys().jwks()["keys"])

    def submit(
        self,
        document: bytes,
        *,
        key: str | None = None,
        filename: str | None = None,
        media_type: str = "application/octet-stream",
        prefer_async: bool = False,
        **asked: str | Sequence[str],
    ) -> Outcome:
        """Hand over a document.

        A lost answer is asked for again with the same Idempotency-Key, so nothing is ever taken twice.

        Args:
            document: its bytes, exactly as the sender's system made them.
            key: Idempotency-Key; a new one if left out. Give your own to be able to repeat after a crash.
            filename: name under which it was handed over.
            media_type: its media type.
            prefer_async: ask for 202 even where it could be dealt with at once.
            asked: ``recipient``, ``subject``, ``kind``, ``adapter``, ``on_behalf_of``, ``channel``, ``received_on``,
                ``fixes``, ``dry_run``; a parameter that may repeat takes several values.

        Raises:
            Refusal: the request could not be taken at all; a document refused for its content is an Outcome.
            PeerError: the gateway cannot be reached.
        """
        url = self._http.build_request("POST", SUBMISSIONS, params={k: v for k, v in asked.items() if v}).url
        headers = {
            "content-type": media_type,
            "idempotency-key": f'"{key or uuid.uuid4()}"',
            **({"content-disposition": f"attachment; filename*=UTF-8''{quote(filename)}"} if filename else {}),
            **({"prefer": "respond-async"} if prefer_async else {}),
        }
        answer = self._send_signed("POST", str(url), headers, document)
        return Outcome(answer.status_code, answer.json())

    def wait_for(self, submission: str, seconds: float = 120.0) -> Outcome:
        """Wait until a submission is final.

        Raises:
            PeerError: it still is not after so many seconds, or working it off was given up.
        """
        deadline, pause = time.monotonic() + seconds, 0.02
        while time.monotonic() < deadline:
            answer = self.get(f"/v1/submissions/{submission}")
            if answer.json()["state"] == "final":
                return Outcome(answer.status_code, answer.json())
            if answer.json()["state"] == "stalled":
                raise PeerError(answer.json()["detail"], ja=answer.json()["detail_ja"])
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        raise PeerError(f"submission {submission} is still being processed after {seconds} s")

    def submit_and_wait(self, document: bytes, **asked: Any) -> Outcome:
        """Hand over a document and wait until it is final, also where it is large; see ``submit``."""
        outcome = self.submit(document, **asked)
        return outcome if outcome.state == "final" else self.wait_for(outcome.submission)

    def findings(self, submission: str) -> list[Mapping[str, Any]]:
        """Everything that was found."""
        found: list[Mapping[str, Any]] = self.get(f"/v1/submissions/{submission}/findings").json()
        return found

    def returned(self, submission: str) -> bytes:
        """The refused records, in the layout in which they were sent."""
        return self.get(f"/v1/submissions/{submission}/returned").content

    def evidence(
        self,
        submission: str,
        *,
        recipient: str | None = None,
        line: int | None = None,
        quorum: int | None = None,
        container: bool = False,
    ) -> bytes:
        """The evidence of an outcome, or of one line of it: a file, or a signed container (ASiC-E).

        With ``quorum`` under a checkpoint that so many witnesses cosigned.
        """
        named = {"recipient": recipient, "line": line, "quorum": quorum}
        asked = {name: value for name, value in named.items() if value is not None}
        headers = {"accept": CONTAINER if container else "application/json"}
        return self.get(f"/v1/submissions/{submission}/evidence", asked, headers).content

    def held(self) -> list[Mapping[str, Any]]:
        """Records that wait to be placed."""
        waiting: list[Mapping[str, Any]] = self.get("/v1/held").json()
        return waiting

    def get(
        self, path: str, asked: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Read an address, signed in."""
        return self._patiently(lambda: self._http.get(path, params=asked, headers=self._headers("GET", path, headers)))

    def post(self, path: str, body: Any) -> httpx2.Response:
        """Send JSON to an address, signed in."""
        content, of = orjson.dumps(body), {"content-type": "application/json"}
        return self._patiently(lambda: self._http.post(path, content=content, headers=self._headers("POST", path, of)))

    def check_receipt(self, receipt: str, keys: KeyRing) -> Mapping[str, Any]:
        """The statement inside a receipt, once its signature is verified.

        Raises:
            SignatureMismatch: it is not signed by one of the keys.
        """
        statement: Mapping[str, Any] = orjson.loads(open_receipt(receipt, keys))
        return statement

    def _headers(self, method: str, path: str, more: Mapping[str, str] | None) -> dict[str, str]:
        token = self.token(bound=self.bound)
        if not self.bound:
            return {"authorization": f"Bearer {token}", **(more or {})}
        target = Target(method, self.base_url + path.partition("?")[0], token)
        proof = make_proof(self.key, target, datetime.now(UTC))
        return {"authorization": f"DPoP {token}", "dpop": proof, **(more or {})}

    def _send_signed(self, method: str, url: str, more: Mapping[str, str], body: bytes) -> httpx2.Response:
        digest = hashlib.sha256(body).digest()

        def send() -> httpx2.Response:
            headers = self._headers(method, SUBMISSIONS, more) | ({} if self.answers_by is None else {ASK: ASKED})
            headers |= sign_request(self.key, SignedRequest(method, url, headers, digest), datetime.now(UTC))
            answer = self._http.request(method, url, content=body, headers=headers)
            if self.answers_by is not None and (answer.status_code in OUTCOMES or b'"statements"' in answer.content):
                given = Answer(answer.status_code, answer.content, SignedRequest(method, url, headers))
                verify_answer(given, answer.headers, self.answers_by)
            return answer

        return self._patiently(send)

    def _patiently(self, send: Callable[[], httpx2.Response]) -> httpx2.Response:
        for attempt in range(TRIES):
            try:
                answer = send()
            except httpx2.TransportError as error:
                if attempt + 1 == TRIES:
                    raise PeerError(f"the gateway cannot be reached: {error}") from error
            else:
                if answer.status_code not in (429, 502, 503) or attempt + 1 == TRIES:
                    return checked(answer)
            time.sleep(0.2 * 2**attempt)
        raise PeerError


def checked(answer: httpx2.Response) -> httpx2.Response:
    """The answer, unless it is a refusal; a refused document with receipts is an answer."""
    if answer.status_code < 400:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if answer.status_code == 422 and "statements" in problem:
        return answer
    raise Refusal(answer.status_code, problem)
