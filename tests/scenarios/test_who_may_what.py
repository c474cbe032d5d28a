"""The table of roles and actions, walked cell by cell: every address, every role, one's own things and another's."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import orjson
import pytest
import yaml
from agreed import agreed
from exchanges import EXAMPLES
from pairing import TEXT, agreement, terms
from world import World, corporate_number, guarantee, running, trial_balance

from gateway.errors import InvalidRequest
from gateway.registers.orders import Delegate, give
from gateway.schemas.access import Address, Of, load_access, load_address
from gateway.security.canonical import sha256_hex
from gateway.security.cosignatures import cosign
from gateway.security.http_signatures import SignedRequest, sign_request
from gateway.security.keys import SigningKey
from gateway.security.tokens import issue_access_token, make_client_assertion
from gateway.security.words import INVITATION, REVOCATION, ROTATION, code_hash, say, show_possession
from gateway.store import registers
from gateway.store.registers import Enrolled

API: dict[str, Any] = yaml.safe_load((EXAMPLES.parent / "gateway.yaml").read_text("utf-8"))
ACCESS = load_access()
OWN, ANOTHERS = "13", "14100"
STRANGER, FORMER, CLIMBER = "bank-of-others", "office-of-2020", "tool-that-would"
ANSWERED = {Of.RECIPIENT: 403, Of.SUBMISSION: 404, Of.CONSENT: 404, Of.INSTITUTION: 403, Of.REPAIRED: 400}
"""What is answered to who asks for another's."""


def consent(recipient: str) -> dict[str, Any]:
    """What a participant records: that a firm agreed."""
    said = agreed(recipients=[recipient]).model_dump(mode="json", exclude_none=True)
    return {"firm": {"scheme": "corporate_number", "value": corporate_number(1)}, "consent": said}


@dataclass
class Asking:
    """A running gateway, with what it takes to make a call succeed there: numbers, codes, words, keys."""

    world: World
    http: httpx2.Client

    def token(self, who: str, scopes: frozenset[str] | None = None) -> str:
        """An access token, with all scopes or some."""
        mine = sorted(ACCESS.actions if scopes is None else scopes)
        return issue_access_token(self.world.gateway.key, self.world.base_url, who, mine, datetime.now(UTC))

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """What somebody is told who may ask."""
        answer = self.http.request(method, path, json=body, headers={"authorization": f"Bearer {self.token(who)}"})
        return answer.raise_for_status().json()

    def linked(self) -> dict[str, str]:
        """A number that the corporation just linked."""
        reference = {"scheme": "bank_customer", "scope": "9991", "value": f"C-{uuid.uuid4()}"}
        self.ask("corporation", "POST", f"/v1/recipients/{OWN}/links", {"reference": reference, "name": "ある商店"})
        return reference

    def consented(self, who: str) -> str:
        """A consent that somebody has just recorded, or, where they cannot, that nobody has."""
        if who != STRANGER and not ACCESS.roles.get(who, frozenset()) & {"submit", "link"}:
            return str(uuid.uuid4())
        return str(self.ask(who, "POST", "/v1/consents", consent(ANOTHERS if who == STRANGER else OWN))["id"])

    def changed(self, who: str) -> str:
        """A change that concerns somebody."""
        return str(self.ask(who, "GET", f"/v1/participants/{who}")["changes"][0]["statement"])

    def invites(self, who: str) -> str:
        """Somebody's word to invite a bank."""
        name = f"bank-{uuid.uuid4()}"
        invited = {"id": name, "kind": "bank", "name": name, "institution": name, "may": [f"submit:{OWN}"]}
        return say(self.world.keys[who], INVITATION, self.world.base_url, {"invites": invited}, datetime.now(UTC))

    def redeems(self) -> bytes:
        """A code of the corporation's, with a key made for it."""
        path, asked = f"/v1/recipients/{OWN}/invitations", {"word": self.invites("corporation")}
        code, key, now = self.ask("corporation", "POST", path, asked)["code"], SigningKey.generate(), datetime.now(UTC)
        proof = show_possession(key, self.world.base_url, {"code": code_hash(code)}, now)
        return orjson.dumps({"code": code, "proof": proof})

    def offers(self) -> dict[str, Any]:
        """A pairing code to be made for a firm."""
        firm = {"scheme": "corporate_number", "value": corporate_number(7_001)}
        return {"firm": firm, "name": "第七千一商店", "terms": terms(OWN).model_dump(mode="json")}

    def pairs(self) -> dict[str, Any]:
        """A pairing code of the corporation's, and that a firm agreed to what it offers."""
        code = self.ask("corporation", "POST", "/v1/pairings", self.offers())["code"]
        agreed = agreement(str(uuid.uuid4()), sha256_hex(TEXT.encode()))
        return {"code": code, "agreement": agreed.model_dump(mode="json", exclude_none=True)}

    def rotates(self, who: str) -> tuple[dict[str, str], str]:
        """Somebody's words for another key, and that key's name."""
        key, now, base = SigningKey.generate(), datetime.now(UTC), self.world.base_url
        claims = {"new_key": key.kid, "overlap_hours": 24}
        word = say(self.world.keys[who], ROTATION, base, claims, now)
        return {"word": word, "proof": show_possession(key, base, {"for": who}, now)}, key.kid

    def rotated(self, who: str) -> str:
        """A key that somebody has just got."""
        words, kid = self.rotates(who)
        self.ask(who, "POST", f"/v1/participants/{who}/keys", words)
        return kid


@dataclass
class Walk(Asking):
    """A gateway with one participant of each role that may everything its role can at corporation 13."""

    submitted: dict[str, str] = field(default_factory=dict)

    def call(
        self, address: Address, who: str, token: str | None, foreign: bool = False, form: str | None = None
    ) -> httpx2.Response:
        """Ask as somebody, for one's own or (by the path, or by a parameter) another's."""
        method, _, path = address.call.partition(" ")
        path = path.replace("{recipient}", ANOTHERS if foreign and form is None else OWN)
        path = path.replace("{submission}", self.of(who, foreign and form is None)).replace("{me}", who)
        path = path.replace("{subject}", str(uuid.uuid4()))
        path = path.replace("{consent}", self.consented(STRANGER if foreign else who)) if "{consent}" in path else path
        path = path.replace("{statement}", self.changed(who)) if "{statement}" in path else path
        params, body = self.sample(address.name, who, path)
        if form is not None:
            params |= self.form(form, who, foreign)
        url = str(httpx2.URL(self.world.base_url + path, params=params))
        headers = {"content-type": "application/json", "idempotency-key": f'"{uuid.uuid4()}"'}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        if address.name == "token":
            headers["content-type"] = "application/x-www-form-urlencoded"
        if address.name == "submit" and token:
            digest = hashlib.sha256(body or b"").digest()
            signed = SignedRequest(method, url, headers, digest)
            headers |= sign_request(self.world.keys[who], signed, datetime.now(UTC))
        return self.http.request(method, url, content=body, headers=headers)

    def of(self, who: str, foreign: bool) -> str:
        """A submission that is one's own, or that one may read; or neither."""
        return self.submitted[STRANGER] if foreign else self.submitted.get(who, self.submitted["bank"])

    def form(self, name: str, who: str, foreign: bool) -> dict[str, str]:
        """What a parameter asks for."""
        return {
            "recipient": {name: ANOTHERS if foreign else OWN},
            "on_behalf_of": {name: "9992" if foreign else "9991"},
            "fixes": {name: self.of(who, foreign)},
        }[name]

    def sample(self, operation: str, who: str, path: str) -> tuple[dict[str, Any], bytes | None]:
        """What makes a call succeed: query and body. An operation that is not here has to be added."""
        key, base = self.world.keys[who], self.world.base_url
        firm = {"scheme": "corporate_number", "value": corporate_number(7_000)}
        entry = {"guarantee_no": guarantee(7_000), "institution": "9991", "firm": firm, "name": "第七千商店"}
        customer = {"scheme": "bank_customer", "scope": "9991", "value": f"C-{uuid.uuid4()}"}
        bodies: dict[str, Any] = {
            "submit": lambda: trial_balance(1, 4),
            "guarantees": lambda: orjson.dumps([entry]),
            "link": lambda: orjson.dumps({"reference": customer, "name": "ある商店"}),
            "unlink": lambda: orjson.dumps({"reference": self.linked()}),
            "succeed": lambda: orjson.dumps(
                {"predecessor": self.linked(), "successor": self.linked(), "since": "2026-04-01"}
            ),
            "declare_coverage": lambda: orjson.dumps(
                {"kind": "repayment_status", "form": "full_tape", "since": "2026-04-01"}
            ),
            "invite": lambda: orjson.dumps({"word": self.invites(who)}),
            "offer_pairing": lambda: orjson.dumps(self.offers()),
            "preview_pairing": lambda: orjson.dumps({"code": self.pairs()["code"]}),
            "redeem_pairing": lambda: orjson.dumps(self.pairs()),
            "enrol_by_code": self.redeems,
            "rotate_key": lambda: orjson.dumps(self.rotates(who)[0]),
            "revoke_key": lambda: orjson.dumps(
                {"word": say(key, REVOCATION, base, {"revokes": self.rotated(who)}, datetime.now(UTC))}
            ),
            "cosign": lambda: orjson.dumps({"note": self.cosigned(who, path)}),
            "signature_check": lambda: b"{}",
            "give_consent": lambda: orjson.dumps(consent(OWN)),
            "token": lambda: str(
                httpx2.QueryParams(
                    grant_type="client_credentials",
                    client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    client_assertion=make_client_assertion(key, who, base, datetime.now(UTC)),
                )
            ).encode(),
        }
        params: dict[str, dict[str, Any]] = {
            "submit": {"recipient": OWN},
            "inclusion": {"leaf": 0, "size": 1},
            "consistency": {"first": 1, "second": 1},
        }
        return dict(params.get(operation, {})), bodies[operation]() if operation in bodies else None

    def cosigned(self, who: str, path: str) -> str:
        recipient = path.split("/")[3]
        token = self.token("witness" if recipient == OWN else "witness-of-others")
        asked = {"authorization": f"Bearer {token}"}
        note = self.http.get(f"/v1/recipients/{recipient}/log/checkpoint", headers=asked).text
        return note + cosign(note, who, self.world.keys[who], datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with running(tmp_path_factory.mktemp("walk"), None, HAYAME_UNBOUND_TOKENS="true") as world:
        for role, actions in ACCESS.roles.items():
            world.enrol(role, role, "9991", [f"{action}:{OWN}" for action in sorted(actions)])
        world.enrol(STRANGER, "bank", "9992", [f"submit:{ANOTHERS}"])
        world.enrol("witness-of-others", "witness", None, [f"witness:{ANOTHERS}"])
        world.enrol(FORMER, "office", None, [f"submit:{OWN}"])
        over = {"since": date(2020, 1, 1), "until": date(2020, 12, 31)}
        give(world.gateway.registrar, Delegate(sender=FORMER, institution="9991", **over))
        world.enrol(CLIMBER, "tool", None, [])
        with world.gateway.database.write() as session:
            everything = {(action, OWN) for action in ACCESS.actions}
            registers.enrol(session, Enrolled(CLIMBER, "tool", "", "", entitlements=everything), datetime.now(UTC))
        with httpx2.Client(base_url=world.base_url, trust_env=False) as http:
            made = Walk(world, http)
            for role in [*ACCESS.roles, STRANGER]:
                if role == STRANGER or "submit" in ACCESS.roles[role]:
                    to = ANOTHERS if role == STRANGER else OWN
                    made.submitted[role] = world.client(role).submit(trial_balance(1, 4), recipient=to).submission
            yield made


def cells() -> Iterator[tuple[Address, str | None, Of]]:
    """Every address as it is, and with each parameter that asks for something of somebody's."""
    for address in ACCESS.addresses:
        yield address, None, address.of
        yield from ((address, form, of) for form, of in address.forms.items())


def opens(address: Address, actions: frozenset[str]) -> bool:
    return not address.by or bool(actions.intersection(address.by))


def test_the_table_has_every_address_of_the_description_and_no_other() -> None:
    described = {
        (operation["operationId"], f"{method.upper()} {path}")
        for path, ways in API["paths"].items()
        for method, operation in ways.items()
    }
    assert {(one.name, one.call) for one in ACCESS.addresses} == described
    for one in ACCESS.addresses:
        assert one.of is not Of.RECIPIENT or "{recipient}" in one.call
        assert ("{submission}" in one.call) == (one.of is Of.SUBMISSION)
        assert ("{consent}" in one.call) == (one.of is Of.CONSENT)


def test_the_table_has_every_parameter_that_names_somebody_or_something_of_theirs() -> None:
    telling = re.compile(r"recipient|sender|institution|participant|submission|subject|on_behalf_of|fixes")
    asked = {
        (operation["operationId"], one["name"])
        for ways in API["paths"].values()
        for operation in ways.values()
        for one in operation.get("parameters", ())
        if one["in"] == "query" and telling.search(one["name"])
    }
    tabled = {(one.name, form) for one in ACCESS.addresses for form in one.forms}
    assert asked - tabled == {("submit", "subject")}  # says whose figures these are; asks for nothing of anybody's


def test_every_cell_of_the_table_is_as_the_server_answers(walk: Walk) -> None:
    wrong, walked = {}, 0
    for address, form, of in cells():
        for role, actions in ACCESS.roles.items():
            token = None if address.by is None else walk.token(role)
            for foreign in (False, True) if of is not Of.CALLER else (False,):
                answer = walk.call(address, role, token, foreign, form)
                status = answer.status_code
                wanted = 403 if not opens(address, actions) else ANSWERED[of] if foreign else "let in"
                walked += 1
                if (status != wanted) if isinstance(wanted, int) else status >= 300:
                    wrong[address.name, form, role, "another's" if foreign else "own"] = (status, wanted, answer.text)
    assert wrong == {}
    assert walked > 200


def test_nobody_is_let_in_without_a_token_where_the_table_names_an_action_or_a_caller(walk: Walk) -> None:
    statuses = {one.name: walk.call(one, "bank", None).status_code for one in ACCESS.addresses if one.by is not None}
    assert statuses == dict.fromkeys(statuses, 401)


def test_a_token_without_the_scope_opens_nothing_whatever_the_register_allows(walk: Walk) -> None:
    for address in ACCESS.addresses:
        if address.by:
            token = walk.token("corporation", ACCESS.actions.difference(address.by))
            assert (address.name, walk.call(address, "corporation", token).status_code) == (address.name, 403)


def test_with_either_scope_only_that_half_is_seen_of_what_both_open(walk: Walk) -> None:
    """A corporation that also hands in: evidence of a bank's submission is for who reads, held records likewise."""
    evidence, of_bank = load_address("evidence"), f"/v1/submissions/{walk.submitted['bank']}/evidence"
    assert evidence.by == ("submit", "read")
    statuses = {}
    for scope in ("read", "submit"):
        asked = {"authorization": f"Bearer {walk.token('corporation', frozenset({scope}))}"}
        statuses[scope] = walk.http.get(of_bank, headers=asked).status_code
    assert statuses == {"read": 200, "submit": 404}


def test_what_anothers_answer_says_is_what_one_says_that_is_not_there(walk: Walk) -> None:
    absent = str(uuid.uuid4())
    for address in ACCESS.addresses:
        if address.of is not Of.SUBMISSION:
            continue
        asked = {"authorization": f"Bearer {walk.token('vendor')}"}
        path = address.call.partition(" ")[2]
        answers = [
            walk.http.get(path.replace("{submission}", one), headers=asked)
            for one in (walk.submitted[STRANGER], walk.submitted["bank"], absent, "nonsense")
        ]
        assert len({(one.status_code, one.content) for one in answers}) == 1


def test_a_role_is_not_enrolled_for_what_it_can_never_do(walk: Walk) -> None:
    for role, actions in ACCESS.roles.items():
        for beyond in ACCESS.actions - actions:
            with pytest.raises(InvalidRequest, match="may not"):
                walk.world.enrol(f"too-much-{role}", role, None, [f"{beyond}:{OWN}"])


def test_what_the_register_says_beyond_the_role_counts_for_nothing(walk: Walk) -> None:
    statuses = {
        one.name: walk.call(one, CLIMBER, walk.token(CLIMBER)).status_code for one in ACCESS.addresses if one.by
    }
    allowed = {name for name, status in statuses.items() if status < 300}
    assert allowed == {one.name for one in ACCESS.addresses if "read" in (one.by or ())}


def test_who_spoke_for_another_does_so_no_longer_once_that_is_over(walk: Walk) -> None:
    answer = walk.call(load_address("submit"), FORMER, walk.token(FORMER), form="on_behalf_of")
    assert answer.status_code == 403
