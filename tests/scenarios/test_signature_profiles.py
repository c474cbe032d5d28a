"""Each participant proves its submissions in the one way it is registered with, and the receipt says which."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from certificates import Authority
from commands import command
from world import BANK, World, corporate_number, trial_balance
from xml_signing import Party, party, sign, submission_xml

from gateway.client import Client
from gateway.errors import EvidenceError, InvalidRequest, NotFound
from gateway.registers import enrolment, orders
from gateway.schemas.identifiers import SignatureProfile
from gateway.security.dpop import Target, make_proof
from gateway.security.http_signatures import content_digest
from gateway.security.jws_bodies import sign_beside, sign_body
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.profiles import document_in
from gateway.security.signing import open_receipt, sign_under
from gateway.security.verify import verify_evidence

JWS, MTLS, XML = "jws-bank", "mtls-bank", "xml-bank"
SIGNER, OLD = party(), party(days=(-9, -1))
FIRMS = count(100)


def let_prove(world: World, name: str, profile: SignatureProfile, certificates: Iterable[bytes] = ()) -> None:
    pems = tuple(pem.decode() for pem in certificates)
    orders.give(world.gateway.registrar, orders.Profile(id=name, profile=profile, certificates=pems))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def mine(authority: Authority) -> Path:
    return authority.certify("bank")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[World]:
    settings = {"HAYAME_TLS_CERTIFICATE": str(authority.certify("server")), "HAYAME_CLIENT_CA": str(authority.file)}
    world = World(tmp_path_factory.mktemp("profiles"), None, environment=settings, tls=authority.trusted())
    for name, institution, profile in (
        (JWS, "9993", SignatureProfile.JWS_BODY),
        (MTLS, "9994", SignatureProfile.MTLS_ONLY),
        (XML, "9995", SignatureProfile.XML_SIGNATURE),
    ):
        world.enrol(name, "bank", institution, ["submit:13"])
        certificates = [SIGNER.pem, OLD.pem] if name == XML else []
        let_prove(world, name, profile, certificates)
    try:
        yield world.start()
    finally:
        world.stop()


@dataclass
class Sending:
    """One document on its way, with whatever goes along; what it is signed for may differ from where it is sent."""

    world: World
    name: str
    tls: ssl.SSLContext | None
    document: bytes = field(default_factory=lambda: trial_balance(next(FIRMS), 4))
    key: str = "k"
    asked: str = "recipient=13"
    bound: bool = True

    def __post_init__(self) -> None:
        self.client = Client(self.world.base_url, self.name, self.world.keys[self.name], bound=self.bound, tls=self.tls)
        self.world.clients.append(self.client)
        self.key = f"{self.key}-{next(FIRMS)}"

    @property
    def url(self) -> str:
        return f"{self.world.base_url}/v1/submissions?{self.asked}"

    def body(self, by: SigningKey | None = None, **other: Any) -> bytes:
        said = {"document": self.document, "url": self.url, "name": self.key, "now": datetime.now(UTC)} | other
        return sign_body(by or self.world.keys[self.name], **said).encode()

    def xml(self, by: Party = SIGNER, **other: Any) -> bytes:
        said = {"document": self.document, "url": self.url, "name": self.key, "at": datetime.now(UTC)} | other
        xades = said.pop("xades", False)
        return sign(submission_xml(**said), by, xades=xades)

    def send(self, body: bytes, **more: str) -> httpx2.Response:
        token, key = self.client.token(bound=self.bound), self.world.keys[self.name]
        proof = make_proof(key, Target("POST", self.url.partition("?")[0], token), datetime.now(UTC))
        headers = {
            "authorization": f"{'DPoP' if self.bound else 'Bearer'} {token}",
            "dpop": proof if self.bound else "",
            "content-digest": content_digest(body),
            "idempotency-key": f'"{self.key}"',
            **more,
        }
        with httpx2.Client(verify=self.tls or False, trust_env=False) as connection:
            return connection.post(
                self.url, content=body, headers={name: value for name, value in headers.items() if value}
            )


def origin(world: World, answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    receipt = answer.json()["statements"][0]["receipt"]
    said: dict[str, Any] = orjson.loads(open_receipt(receipt, KeyRing([world.gateway.key.public])))["origin"]
    return said


def proven(world: World, evidence: bytes) -> set[str]:
    """What is verified of evidence that holds."""
    report = verify_evidence(evidence, KeyRing([world.gateway.key.public]))
    assert report.holds
    return {one.name for one in report.checks if one.verdict == "verified"}


def test_a_request_signature_is_what_is_asked_for_by_default(world: World) -> None:
    outcome = world.client(BANK).submit(trial_balance(next(FIRMS), 4), recipient="13")
    keys = KeyRing([world.gateway.key.public])
    assert orjson.loads(open_receipt(outcome.receipts[0], keys))["origin"]["proof"] == "http_signature"


def test_a_document_within_a_jws_is_taken_and_all_that_is_read_from_it_is_the_document(
    world: World, authority: Authority
) -> None:
    sending = Sending(world, JWS, authority.trusted())
    body = sending.body()
    answer = sending.send(body)
    assert origin(world, answer)["proof"] == "jws_body"
    assert answer.json()["statements"][0]["counts"]["accepted"] + answer.json()["statements"][0]["counts"]["held"] == 1
    name = answer.json()["submission"]
    assert sending.client.get(f"/v1/submissions/{name}/raw").content == body
    assert "raw_digest" in proven(world, sending.client.evidence(name))


def test_a_held_document_within_a_jws_is_released_from_it(world: World, authority: Authority) -> None:
    unknown = trial_balance(8_001, 4)
    sending = Sending(world, JWS, authority.trusted(), unknown)
    answer = sending.send(sending.body())
    assert answer.json()["statements"][0]["counts"]["held"] == 1
    clerk = world.client("cgc-13")
    firm = {"scheme": "corporate_number", "value": corporate_number(8_001)}
    reader = world.reader()
    clerk.post(
        "/v1/recipients/13/guarantees",
        [{"guarantee_no": "13-0008001", "institution": "9993", "firm": firm, "name": "第8001商店"}],
    )
    lines = reader.fetch(wait=20)
    assert [one.line and one.line["record"]["period_to"] for one in lines] == ["2026-04-28"]
    sending = Sending(world, JWS, authority.trusted(), trial_balance(8_001, 5))
    name = sending.send(sending.body()).json()["submission"]
    assert proven(world, sending.client.evidence(name)) >= {"raw_digest", "row_digests"}
    assert "row_digests" in proven(world, sending.client.evidence(name, line=0))


def test_a_document_beside_its_jws_is_taken_encoded_or_not(world: World, authority: Authority) -> None:
    sending = Sending(world, JWS, authority.trusted())
    key, now = world.keys[JWS], datetime.now(UTC)
    plain = sign_beside(key, sending.document, sending.url, sending.key, now)
    answer = sending.send(sending.document, **{"x-jws-signature": plain})
    assert origin(world, answer)["proof"] == "jws_body"
    header, _, signature = sending.body(now=now).decode().split(".")
    again = sending.send(sending.document, **{"x-jws-signature": f"{header}..{signature}"})
    assert again.headers["idempotent-replayed"] == "true"


def test_a_document_signed_anew_is_the_same_document(world: World, authority: Authority) -> None:
    sending = Sending(world, JWS, authority.trusted())
    now = datetime.now(UTC)
    first, again = (sending.send(sending.body(now=at)) for at in (now, now - timedelta(seconds=9)))
    assert (again.status_code, again.json()) == (201, first.json())
    assert sending.send(sending.body(document=trial_balance(next(FIRMS), 5))).json()["code"] == "submission.key_reused"


def test_what_a_jws_was_signed_for_is_what_it_is_good_for(world: World, authority: Authority) -> None:
    sending = Sending(world, JWS, authority.trusted())
    key, now = world.keys[JWS], datetime.now(UTC)
    header = {"alg": "Ed25519", "kid": key.kid, "typ": "hayame-submission+jws", "url": sending.url}
    header |= {"iat": int(now.timestamp()), "jti": sending.key}

    def under(**other: Any) -> bytes:
        changed = {name: value for name, value in (header | other).items() if value is not None}
        return sign_under(key, changed, sending.document).encode()

    good = under()
    head, payload, signature = good.split(b".")
    bad = {
        "another recipient": under(url=sending.url.replace("recipient=13", "recipient=14")),
        "another key": under(jti="another"),
        "another purpose": under(typ="client-authentication+jwt"),
        "no time": under(iat=None),
        "an old one": under(iat=header["iat"] - 301),
        "one of the future": under(iat=header["iat"] + 60),
        "a time that is none": under(iat=True),
        "an extension": under(crit=["exp"], exp=1),
        "a list of extensions that is empty": under(crit=[]),
        "another algorithm": under(alg="ES256"),
        "none at all": under(alg="none"),
        "a key of its own": under(kid="x", jwk=SigningKey.generate().public.jwk()),
        "somebody else": sending.body(world.keys[BANK]),
        "another payload": b".".join((head, payload[:-4] + b"AAAA", signature)),
        "no signature": b".".join((head, payload, b"")),
        "no jws": sending.document,
    }
    assert {name: sending.send(body).status_code for name, body in bad.items()} == dict.fromkeys(bad, 401)
    assert sending.send(good, **{"content-digest": content_digest(b"other")}).status_code == 400
    assert sending.send(good, **{"content-digest": ""}).status_code == 400
    assert sending.send(good).status_code == 201


def test_too_large_a_body_is_not_signed_as_a_whole(world: World, authority: Authority) -> None:
    sending = Sending(world, JWS, authority.trusted(), bytes(9 << 20))
    assert (sending.send(sending.document).status_code, sending.send(b"x" * (9 << 20)).status_code) == (413, 413)


def test_a_certificate_is_enough_where_that_is_registered_and_only_with_a_token_bound_to_it(
    world: World, authority: Authority, mine: Path
) -> None:
    sending = Sending(world, MTLS, authority.trusted(mine), bound=False)
    said = origin(world, sending.send(sending.document))
    assert (said["proof"], said["sender"], said["institution"]) == ("mtls_only", MTLS, "9994")
    assert sending.send(sending.document, **{"content-digest": ""}).status_code == 400
    assert sending.send(sending.document, **{"content-digest": content_digest(b"other")}).status_code == 400
    stolen = {"authorization": f"Bearer {sending.client.token(bound=False)}", "dpop": ""}
    for certificate in (None, authority.certify("thief")):
        thief = Sending(world, MTLS, authority.trusted(certificate))
        assert thief.send(thief.document, **stolen).status_code == 401
    bare = Sending(world, MTLS, authority.trusted())
    assert bare.send(bare.document).status_code == 401


@pytest.mark.parametrize("xades", [False, True], ids=["XML-DSig", "XAdES"])
def test_a_document_within_signed_xml_is_taken_and_all_that_is_read_from_it_is_the_document(
    world: World, authority: Authority, xades: bool
) -> None:
    sending = Sending(world, XML, authority.trusted())
    body = sending.xml(xades=xades)
    answer = sending.send(body)
    assert origin(world, answer)["proof"] == "xml_signature"
    name = answer.json()["submission"]
    assert sending.client.get(f"/v1/submissions/{name}/raw").content == body
    assert "raw_digest" in proven(world, sending.client.evidence(name))
    assert sending.send(sending.xml(xades=not xades)).headers["idempotent-replayed"] == "true"


def test_refused_rows_come_back_out_of_signed_xml(world: World, authority: Authority) -> None:
    wrong = trial_balance(next(FIRMS), 4).replace(b'"credit_yen": 20', b'"credit_yen": "2O"')
    sending = Sending(world, XML, authority.trusted(), wrong)
    answer = sending.send(sending.xml())
    assert answer.status_code == 422
    assert sending.client.returned(answer.json()["submission"]) == wrong


def test_what_xml_was_signed_for_is_what_it_is_good_for(world: World, authority: Authority) -> None:
    sending = Sending(world, XML, authority.trusted())
    now = datetime.now(UTC)
    good = sending.xml()
    unsigned = submission_xml(sending.document, sending.url, sending.key, now)
    twice = unsigned.replace(b"</Submission>", b"<Document>AAAA</Document></Submission>")
    bad = {
        "another recipient": sending.xml(url=sending.url.replace("13", "14")),
        "another key": sending.xml(name="another"),
        "an old one": sending.xml(at=now - timedelta(seconds=301)),
        "one of the future": sending.xml(at=now + timedelta(seconds=60)),
        "a time of no place": sending.xml(at="2026-05-01T00:00:00"),
        "no time": sending.xml(at="yesterday"),
        "somebody else": sending.xml(party()),
        "a certificate that is over": sending.xml(OLD),
        "another document": good.replace(b"<Document>", b"<Document>AAAA"),
        "a comment in it": good.replace(b"<Document>", b"<Document>AAAA<!-- -->"),
        "no signature": unsigned,
        "two documents": sign(twice, SIGNER),
        "something else": sign(b"<Submission/>", SIGNER),
        "a doctype": b"<!DOCTYPE Submission>" + good,
        "no xml": sending.document,
        "a jws": sending.body(),
    }
    assert {name: sending.send(body).status_code for name, body in bad.items()} == dict.fromkeys(bad, 401)
    assert sending.send(good, **{"content-digest": ""}).status_code == 400
    assert sending.send(good).status_code == 201


def test_certificates_are_for_who_signs_xml(world: World) -> None:
    for profile, certificates in ((SignatureProfile.XML_SIGNATURE, []), (SignatureProfile.JWS_BODY, [SIGNER.pem])):
        with pytest.raises(InvalidRequest):
            let_prove(world, BANK, profile, certificates)
    with pytest.raises(NotFound):
        let_prove(world, "nobody", SignatureProfile.JWS_BODY)


def test_the_operator_sets_a_profile_by_command(world: World, tmp_path: Path) -> None:
    world.enrol("new-bank", "bank", "9996", ["submit:13"])
    (tmp_path / "cert.pem").write_bytes(SIGNER.pem)
    command(world, "participants", "profile", "new-bank", "xml_signature", "--certificate", str(tmp_path / "cert.pem"))
    found = {one.id: (one.profile.value, len(one.certificates)) for one in enrolment.everybody(world.gateway.database)}
    assert (found[BANK], found["new-bank"]) == (("http_signature", 0), ("xml_signature", 1))


def test_nobody_gets_in_by_a_weaker_way_than_the_registered_one(world: World, authority: Authority, mine: Path) -> None:
    with_certificate = authority.trusted(mine)
    for name in (BANK, JWS, XML):
        sending = Sending(world, name, with_certificate)
        assert sending.send(sending.document).status_code == 401
    sending = Sending(world, BANK, with_certificate)
    assert sending.send(sending.body()).status_code == 401


def test_a_body_that_only_looks_like_a_jws_is_nobodys_document() -> None:
    with pytest.raises(EvidenceError):
        document_in(SignatureProfile.JWS_BODY, b"a.b.c")
