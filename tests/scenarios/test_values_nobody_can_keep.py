"""Every value of every address, replaced by what breaks parsers and databases: refused or taken, no fault of ours."""

from __future__ import annotations

import copy
import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
import orjson
import pytest
import yaml
from exchanges import EXAMPLES
from world import BANK, CORPORATION, World, corporate_number, trial_balance

from gateway.client import Refusal
from gateway.schemas.access import load_access
from gateway.security.dpop import Target, make_proof
from gateway.security.http_signatures import SignedRequest, sign_request
from gateway.security.tokens import ACCESS_TOKEN_LIFE, AccessToken, Binding, write_access_token
from gateway.security.words import INVITATION, REVOCATION, say

API: dict[str, Any] = yaml.safe_load((EXAMPLES.parent / "gateway.yaml").read_text("utf-8"))
FIRM = {"scheme": "corporate_number", "value": corporate_number(3)}
CLIENT = {"scheme": "bank_customer", "scope": "9991", "value": "C-1"}
BODIES: dict[str, Any] = {
    "/v1/recipients/13/links": {"reference": CLIENT, "same_as": FIRM},
    "/v1/recipients/13/links/end": {"reference": CLIENT},
    "/v1/recipients/13/successions": {"predecessor": FIRM, "successor": CLIENT, "since": "2026-04-01"},
    "/v1/recipients/13/guarantees": [
        {"guarantee_no": "13-1", "institution": "9991", "firm": FIRM, "name": "商店", "principal_yen": 1}
    ],
    "/v1/recipients/13/coverage": {
        "kind": "repayment_status",
        "form": "full_tape",
        "since": "2026-04-01",
        "baseline_on": "2026-03-31",
    },
    "/v1/recipients/13/log/cosignatures": {"note": "hayame.local/13\n0\n\n"},
    "/v1/participants/enrolments": {"code": "0", "proof": "0"},
    f"/v1/participants/{CORPORATION}/keys": {"word": "0", "proof": "0"},
    f"/v1/participants/{CORPORATION}/revocations": {"word": "0"},
}
NASTY: tuple[Any, ...] = (
    *("\0", "a\0b", "x" * 100_000, "\x1b[31m", "\u202e", "9" * 5_000, "", "1e400", "../../etc/passwd", "' OR 1=1 --"),
    *(2**63, -(2**63) - 1, 10**30, 1.5, 1e308, True, None, [], {}, [[]], {"a": "\0"}),
)
HALF = b'"\\ud800"'  # of a surrogate pair: JSON can say it, UTF-8 cannot
IN_AN_ADDRESS = ("%00", "a%00b", "%ff", "%ed%a0%80", str(2**63), "-1", "1e400", "x" * 8_000, "%E2%80%AE", "..%2f..", "")


class Asking:
    """Asks as the corporation or a bank, with a token of its own."""

    def __init__(self, world: World, http: httpx2.Client) -> None:
        self.world, self.http = world, http
        actions = frozenset(load_access().actions)
        expires = datetime.now(UTC) + ACCESS_TOKEN_LIFE
        self.tokens = {
            who: write_access_token(
                world.gateway.key,
                world.base_url,
                AccessToken(who, actions, expires, Binding(jkt=world.keys[who].kid)),
            )
            for who in (BANK, CORPORATION)
        }

    def fields(self, who: str, method: str, path: str) -> dict[str, str]:
        target = Target(method, self.world.base_url + path.partition("?")[0], self.tokens[who])
        proof = make_proof(self.world.keys[who], target, datetime.now(UTC))
        return {"authorization": f"DPoP {self.tokens[who]}", "dpop": proof, "content-type": "application/json"}

    def status(self, who: str, method: str, path: str, body: bytes = b"") -> int:
        answer = self.http.request(method, path, content=body, headers=self.fields(who, method, path))
        return int(answer.status_code)

    def submit(self, document: bytes, query: str = "", **fields: str) -> int:
        path = f"/v1/submissions?recipient=13{query}"
        headers = self.fields(BANK, "POST", path) | {"idempotency-key": f'"{uuid.uuid4()}"'} | fields
        url = self.world.base_url + path
        signed = SignedRequest("POST", url, headers, hashlib.sha256(document).digest())
        headers |= sign_request(self.world.keys[BANK], signed, datetime.now(UTC))
        return int(self.http.post(url, content=document, headers=headers).status_code)


@pytest.fixture(scope="module")
def asking(world: World) -> Iterator[Asking]:
    with httpx2.Client(base_url=world.base_url, trust_env=False, timeout=60) as http:
        yield Asking(world, http)


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a body: members, and what holds them."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield from leaves(child, (*at, name))


def replaced(body: Any, at: tuple[Any, ...], value: bytes) -> bytes:
    """A body as JSON with something else in one place."""
    if not at:
        return value
    body = copy.deepcopy(body)
    place = body
    for name in at[:-1]:
        place = place[name]
    place[at[-1]] = "HERE"
    return orjson.dumps(body).replace(b'"HERE"', value)


def spelt(value: Any) -> bytes:
    return str(value).encode() if isinstance(value, int) and not isinstance(value, bool) else orjson.dumps(value)


def test_no_value_in_any_body_is_a_fault_of_ours(asking: Asking) -> None:
    faults, asked = [], 0
    for path, body in BODIES.items():
        who = BANK if path.endswith("coverage") else CORPORATION
        for at in leaves(body):
            for value in (*map(spelt, NASTY), HALF):
                status, asked = asking.status(who, "POST", path, replaced(body, at, value)), asked + 1
                if status >= 500:
                    faults.append((path, at, value[:20]))
        for whole in (b"", b"{", b"\xff", b"[" * 50_000, b'{"a":' * 50_000, b"9" * 5_000, b"NaN", b"\xff\xfe[\0"):
            if asking.status(who, "POST", path, whole) >= 500:
                faults.append((path, (), whole[:20]))
    assert faults == []
    assert asked > 500


def test_no_value_in_any_address_is_a_fault_of_ours(asking: Asking) -> None:
    faults, asked = [], 0
    for path, ways in API["paths"].items():
        if "get" not in ways:
            continue
        plain = path.replace("{recipient}", "13").replace("{me}", CORPORATION)
        for parameter in ways["get"].get("parameters", ()):
            for value in IN_AN_ADDRESS:
                name, query = parameter["name"], ""
                if parameter["in"] == "path":
                    filled = path.replace("{" + name + "}", value)
                    filled = filled.replace("{recipient}", "13").replace("{me}", CORPORATION)
                else:
                    filled, query = plain, f"?{name}={value}"
                    others = [one for one in ways["get"]["parameters"] if one.get("required") and one["in"] == "query"]
                    query += "".join(f"&{one['name']}=1" for one in others if one["name"] != name)
                filled = filled.replace("{submission}", str(uuid.UUID(int=1))).replace("{subject}", "x")
                filled = filled.replace("{statement}", "x") + query
                for who in (BANK, CORPORATION):
                    status, asked = asking.status(who, "GET", filled), asked + 1
                    if status >= 500:
                        faults.append((filled[:80], who))
    assert faults == []
    assert asked > 500


def test_no_value_that_names_a_firm_in_a_document_is_a_fault_of_ours(asking: Asking) -> None:
    faults = []
    for scheme in ("tenant", "bank_customer", "guarantee", "cgc_customer", "party", "corporate_number"):
        for member in ("value", "scope"):
            for value in (*map(spelt, ("\0", "a\0b", "x" * 100_000, "\x1b", "\u202e", 2**63, None)), HALF):
                reference = replaced({"scheme": scheme, "scope": "9991", "value": "1"}, (member,), value)
                document = trial_balance(3, 4, references=["HERE"]).replace(b'"HERE"', reference)
                if asking.submit(document) >= 500:
                    faults.append((scheme, member, value[:20]))
    for parameter in (
        "subject=tenant:",
        "subject=party:",
        "subject=bank_customer:1:",
        "kind=",
        "on_behalf_of=",
        "fixes=",
    ):
        for value in ("%00", "a%00b", "%ed%a0%80", quote("\u202e"), "x" * 8_000):
            if asking.submit(trial_balance(3, 4), f"&{parameter}{value}") >= 500:
                faults.append((parameter, "", value[:20].encode()))
    for name in ("a%00b.json", "%ED%A0%80.csv", "x" * 5_000):
        if asking.submit(trial_balance(3, 4), **{"content-disposition": f"attachment; filename*=UTF-8''{name}"}) >= 500:
            faults.append(("filename", "", name[:20].encode()))
    assert faults == []
    assert asking.submit(trial_balance(3, 5)) == 201


def test_no_value_in_a_signed_word_is_a_fault_of_ours(world: World) -> None:
    world.enrol("cgc-13-registrar", "corporation", None, ["enrol:13"])
    registrar, now = world.client("cgc-13-registrar"), datetime.now(UTC)
    invited = {"id": "bank-new", "kind": "bank", "name": "新", "institution": "9", "may": ["submit:13"]}
    words = [
        (INVITATION, {"invites": invited | {name: value}}, "/v1/recipients/13/invitations")
        for name in invited
        for value in ("a\0b", "x" * 10_000, 2**52, None, [], ["\0"], {})
    ]
    me = "/v1/participants/cgc-13-registrar/revocations"
    words += [(REVOCATION, {"revokes": value}, me) for value in ("a\0b", "x" * 10_000, 1, None, [])]
    statuses = set()
    for kind, claims, path in words:
        word = say(registrar.key, kind, world.base_url, claims, now)
        try:
            statuses.add(registrar.post(path, {"word": word}).status_code)
        except Refusal as refused:
            statuses.add(refused.status)
    assert statuses
    assert max(statuses) < 500
