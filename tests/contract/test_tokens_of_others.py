"""Access tokens of another issuer: which are accepted at the door, and when its keys are fetched anew."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from issuer import NAME, Issuer
from stored import NOON

from gateway.errors import NotAuthentic
from gateway.registers.participants import Participants
from gateway.runtime.issuers import FLOOR, KEPT_FOR, STALE_AFTER, TheirTokens
from gateway.security.canonical import b64url, canonical
from gateway.security.dpop import Target, make_proof
from gateway.security.keys import SigningKey
from gateway.security.signing import sign_compact, sign_under
from gateway.steps.authenticate import Door, Shown, Terms
from gateway.store import registers
from gateway.store.engine import Database
from gateway.store.registers import Enrolled

US, BANK = "https://hayame.example", "bank-9991"
KEY = SigningKey.generate()
CNF = {"jkt": KEY.kid}


@dataclass
class Clock:
    """A clock that is set by hand."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


@dataclass
class Here:
    """A door where the issuer's tokens are accepted, and the bank who comes with them."""

    door: Door
    clock: Clock
    issuer: Issuer

    def caller(self, token: str) -> frozenset[str]:
        """The scopes with which the bank is let in that sends a token with a proof by its key."""
        proof = make_proof(KEY, Target("GET", US + "/v1/held", token), self.clock.now())
        return self.door.caller(Shown("GET", US + "/v1/held", f"DPoP {token}", proof)).scopes

    def token(self, **claims: Any) -> str:
        return self.issuer.token(BANK, claims.pop("aud", US), self.clock.now(), **({"cnf": CNF} | claims))


@pytest.fixture
def here(database: Database, issuer: Issuer) -> Here:
    clock = Clock()
    keys: dict[str, tuple[str, datetime, datetime | None]] = {
        KEY.kid: (json.dumps(KEY.public.jwk()), clock.now(), None)
    }
    with database.write() as session:
        registers.enrol(session, Enrolled(BANK, "bank", BANK, "9991", keys, {("submit", "13")}), clock.now())
    theirs = TheirTokens(NAME, issuer.jwks_uri, clock)
    door = Door(Participants(database, clock), theirs, database, clock, Terms(US, 300, unbound_tokens=False))
    return Here(door, clock, issuer)


def test_a_token_of_the_issuer_for_us_lets_in_whose_it_is(here: Here) -> None:
    assert here.caller(here.token()) == {"submit", "read"}
    assert here.issuer.asked == 1


def by_hand(header: dict[str, Any], sign: Callable[[Here, bytes], bytes]) -> Callable[[Here], str]:
    """A token whose header and signature are made by hand."""

    def made(here: Here) -> str:
        claims = here.issuer.claims(BANK, US, here.clock.now(), cnf=CNF)
        said = (
            f"{b64url(canonical({'kid': here.issuer.key.kid, 'typ': 'at+jwt'} | header))}.{b64url(canonical(claims))}"
        )
        return f"{said}.{b64url(sign(here, said.encode()))}"

    return made


def of_another_type(here: Here) -> str:
    return sign_compact(here.issuer.key, canonical(here.issuer.claims(BANK, US, here.clock.now(), cnf=CNF)), "JWT")


def by_another_under_its_name(here: Here) -> str:
    header = {"alg": "Ed25519", "kid": here.issuer.key.kid, "typ": "at+jwt"}
    return sign_under(SigningKey.generate(), header, canonical(here.issuer.claims(BANK, US, here.clock.now(), cnf=CNF)))


def mac(here: Here, said: bytes) -> bytes:
    return hmac.digest(here.issuer.key.public.pem(), said, sha256)


WRONG: dict[str, Callable[[Here], str]] = {
    "for another": lambda here: here.token(aud="https://other.example"),
    "for several": lambda here: here.token(aud=[US]),
    "for nobody": lambda here: here.token(aud=None),
    "by another issuer": lambda here: here.token(iss="https://evil.example"),
    "by us": lambda here: here.token(iss=US),
    "expired": lambda here: here.token(exp=int(here.clock.now().timestamp())),
    "for a week": lambda here: here.token(exp=int((here.clock.now() + timedelta(days=7)).timestamp())),
    "bound to nobody": lambda here: here.token(cnf=None),
    "bound to another": lambda here: here.token(cnf={"jkt": SigningKey.generate().kid}),
    "bound in another way": lambda here: here.token(cnf={"kid": KEY.kid}),
    "of a client that is not named": lambda here: here.token(client_id=None),
    "of a client that is not enrolled": lambda here: here.token(client_id="bank-0000"),
    "of another type": of_another_type,
    "by another key under its name": by_another_under_its_name,
    "not signed": by_hand({"alg": "none"}, lambda _, __: b""),
    "signed with a secret that everybody knows": by_hand({"alg": "HS256"}, mac),
    "signed as another algorithm": by_hand({"alg": "ES256"}, lambda here, said: here.issuer.key.sign(said)),
    "naming no key": by_hand({"kid": 7, "alg": "Ed25519"}, lambda here, said: here.issuer.key.sign(said)),
}


def test_no_other_token_does(here: Here) -> None:
    for name, made in WRONG.items():
        with pytest.raises(NotAuthentic):
            raise AssertionError(f"{name}: {here.caller(made(here))}")
    assert here.caller(here.token()) == {"submit", "read"}


def test_a_rotated_key_is_fetched_when_its_first_token_comes_and_the_one_before_stays_good(here: Here) -> None:
    before = here.token()
    here.caller(before)
    here.issuer.rotate()
    here.clock.at += FLOOR
    assert here.caller(here.token()) == {"submit", "read"}
    assert here.caller(before) == {"submit", "read"}
    assert here.issuer.asked == 2


def test_made_up_keys_cost_the_issuer_one_question_in_half_a_minute(here: Here) -> None:
    here.caller(here.token())
    for _ in range(200):
        forged = sign_compact(SigningKey.generate(), canonical(here.issuer.claims(BANK, US, cnf=CNF)), "at+jwt")
        with pytest.raises(NotAuthentic):
            here.caller(forged)
    assert here.issuer.asked == 1
    here.clock.at += FLOOR
    for _ in range(2):
        with pytest.raises(NotAuthentic):
            here.caller(forged)
    assert here.issuer.asked == 2


def keys_in(theirs: TheirTokens, kid: str) -> int:
    return len(theirs.keys(kid))


def test_keys_are_looked_at_again_after_ten_minutes_and_a_withdrawn_one_is_gone(issuer: Issuer) -> None:
    clock = Clock()
    theirs, old = TheirTokens(NAME, issuer.jwks_uri, clock), issuer.key
    assert keys_in(theirs, old.kid) == 1
    issuer.rotate()
    issuer.published.pop()
    clock.at += KEPT_FOR
    assert (theirs.keys(old.kid).find(old.kid), issuer.asked) == (None, 2)


def test_while_the_issuer_is_away_its_keys_stay_good_for_a_day(issuer: Issuer) -> None:
    clock = Clock()
    theirs, kid = TheirTokens(NAME, issuer.jwks_uri, clock), issuer.key.kid
    assert keys_in(theirs, kid) == 1
    issuer.well = False
    clock.at += STALE_AFTER - FLOOR
    assert keys_in(theirs, kid) == 1
    clock.at += FLOOR
    assert keys_in(theirs, kid) == 0
    issuer.well = True
    clock.at += FLOOR
    assert keys_in(theirs, kid) == 1
    issuer.close()


def test_of_a_key_set_those_are_taken_that_sign_as_is_accepted_here(tmp_path: Path) -> None:
    file, good = tmp_path / "keys.json", SigningKey.generate()
    weak = SigningKey(rsa.generate_private_key(65537, 2048)).public.jwk()
    others = [
        weak | {"alg": "RS256"},
        weak | {"use": "enc", "alg": "RSA-OAEP"},
        {"kty": "oct", "k": "AAAA", "kid": "secret"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        good.public.jwk() | {"d": "AAAA", "kid": "private"},
        "key",
    ]
    theirs = TheirTokens(NAME, str(file), Clock())
    assert keys_in(theirs, good.kid) == 0
    file.write_bytes(orjson.dumps({"keys": [*others, good.public.jwk()]}))
    theirs = TheirTokens(NAME, str(file), Clock())
    assert [key.kid for key in theirs.keys(good.kid)] == [good.kid]
    for nonsense in (b"", b"[]", b'{"keys": 1}', b'{"keys": [1]}'):
        file.write_bytes(nonsense)
        assert keys_in(TheirTokens(NAME, str(file), Clock()), good.kid) == 0
