from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import http_message_signatures as library
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519, RSA_PSS_SHA512
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import DigestMismatch, NotAuthentic
from gateway.security.canonical import b64
from gateway.security.http_signatures import (
    TAG,
    SignedRequest,
    content_digest,
    parse_content_digest,
    sign_request,
    signature_base,
    verify_request,
)
from gateway.security.keys import KeyRing, SigningKey

NOW = datetime(2026, 11, 22, 1, 2, 3, 500_000, tzinfo=UTC)
BODY = b'{"hello": "world"}'
ADDRESS = "https://hayame.example/v1/submissions?recipient=13"
HEADERS = {
    "authorization": "Bearer abc.def.ghi",
    "content-type": "application/json",
    "host": "hayame.example",
    "idempotency-key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
}
POST = SignedRequest("POST", ADDRESS, HEADERS, sha256(BODY).digest())
GET = SignedRequest("GET", ADDRESS, {"authorization": "Bearer abc.def.ghi"})
FIXED = SigningKey.generate()
RING = KeyRing([FIXED.public])
KINDS = [
    (FIXED, ED25519),
    (SigningKey(ec.generate_private_key(ec.SECP256R1())), ECDSA_P256_SHA256),
    (SigningKey(rsa.generate_private_key(65_537, 2_048)), RSA_PSS_SHA512),
]


def signed(request: SignedRequest = POST, key: SigningKey = FIXED, at: datetime = NOW) -> SignedRequest:
    return with_headers(request, sign_request(key, request, at))


def with_headers(request: SignedRequest, headers: Mapping[str, str | None]) -> SignedRequest:
    """The request with fields added, changed or (None) taken away."""
    kept = {name: value for name, value in {**request.headers, **headers}.items() if value is not None}
    return replace(request, headers=kept)


def stating(stated: str, request: SignedRequest = POST, covered: Mapping[str, str] | None = None) -> SignedRequest:
    """A request correctly signed over exactly the stated components and parameters."""
    request = with_headers(request, {"content-digest": content_digest(BODY)} if request.body_sha256 else {})
    known = {"@method": request.method, "@target-uri": request.target_uri, **request.headers, **(covered or {})}
    listed = stated[1 : stated.index(")")].split()
    values = [(part, known.get(part.partition(";")[0].strip('"'), "")) for part in listed]
    signature = b64(FIXED.sign_http(signature_base(values, stated)))
    return with_headers(request, {"signature-input": f"sig={stated}", "signature": f"sig=:{signature}:"})


ALL = '("@method" "@target-uri" "authorization" "content-digest" "content-type" "idempotency-key")'
CREATED = f";created={int(NOW.timestamp())}"
KEYID = f';keyid="{FIXED.kid}"'
TAGGED = f';tag="{TAG}"'
GOOD = ALL + CREATED + KEYID + TAGGED


def refusal(request: SignedRequest, keys: KeyRing = RING, now: datetime = NOW, max_age_s: int = 300) -> str:
    with pytest.raises(NotAuthentic) as caught:
        verify_request(request, keys, now, max_age_s)
    assert caught.value.message == "The request could not be authenticated."
    return caught.value.reason


@pytest.mark.parametrize(("key", "_"), KINDS, ids=["ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512"])
@pytest.mark.parametrize("request_", [POST, GET], ids=["POST", "GET"])
def test_a_signed_request_tells_who_signed_it_and_when(key: SigningKey, _: object, request_: SignedRequest) -> None:
    verified = verify_request(signed(request_, key), KeyRing([key.public]), NOW)
    assert verified == (key.kid, NOW.replace(microsecond=0), "hayame")


def test_the_header_fields_have_the_form_of_the_standard() -> None:
    fields = sign_request(FIXED, POST, NOW)
    assert list(fields) == ["content-digest", "signature-input", "signature"]
    assert fields["content-digest"] == "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
    assert fields["signature-input"] == f"hayame={GOOD}"
    assert sorted(sign_request(FIXED, GET, NOW)) == ["signature", "signature-input"]


class Message:
    """A request as the library takes it."""

    def __init__(self, request: SignedRequest) -> None:
        self.method, self.url, self.headers = request.method, request.target_uri, dict(request.headers)


class Resolver(library.HTTPSignatureKeyResolver):
    def __init__(self, key: SigningKey) -> None:
        self.key = key

    def resolve_public_key(self, key_id: str) -> Any:
        return self.key.public.pem() if key_id == self.key.kid else None

    def resolve_private_key(self, key_id: str) -> Any:
        return self.key.pem()


@pytest.mark.parametrize(("key", "algorithm"), KINDS, ids=["ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512"])
def test_the_library_verifies_what_we_sign(key: SigningKey, algorithm: Any) -> None:
    verifier = library.HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=Resolver(key))
    message = Message(signed(POST, key, datetime.now(UTC)))
    (result,) = verifier.verify(message, expect_tag=TAG, body=BODY)
    assert list(result.covered_components)[:-1] == ALL[1:-1].split(" ")


@pytest.mark.parametrize(("key", "algorithm"), KINDS, ids=["ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512"])
@pytest.mark.parametrize("include_alg", [True, False])
def test_we_verify_what_the_library_signs(key: SigningKey, algorithm: Any, include_alg: bool) -> None:
    signer = library.HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Resolver(key))
    message = Message(with_headers(POST, {"date": "Sun, 22 Nov 2026 01:02:03 GMT"}))
    signer.sign(
        message,
        key_id=key.kid,
        created=NOW,
        expires=NOW + timedelta(seconds=60),
        nonce="n-0S6_WzA2Mj",
        label="bank",
        tag=TAG,
        include_alg=include_alg,
        covered_component_ids=("date", "idempotency-key", "@target-uri", "authorization", "@method", "content-type"),
        body=BODY,
    )
    sent = SignedRequest("POST", ADDRESS, {n.lower(): v for n, v in message.headers.items()}, POST.body_sha256)
    assert verify_request(sent, KeyRing([key.public]), NOW).label == "bank"


@pytest.mark.parametrize(
    "change",
    [
        lambda r: replace(r, method="PUT"),
        lambda r: replace(r, target_uri=ADDRESS.replace("13", "27")),
        lambda r: with_headers(r, {"authorization": "Bearer stolen"}),
        lambda r: with_headers(r, {"content-type": "text/csv"}),
        lambda r: with_headers(r, {"idempotency-key": '"another"'}),
        lambda r: with_headers(r, {"content-digest": content_digest(b"another")}),
    ],
)
def test_no_covered_part_can_be_changed(change: Any) -> None:
    assert refusal(change(signed())) == "the signature does not match"


def test_another_body_than_the_signed_one_is_a_digest_mismatch() -> None:
    with pytest.raises(DigestMismatch):
        verify_request(replace(signed(), body_sha256=sha256(b"another").digest()), RING, NOW)


def test_a_body_that_was_lost_is_a_digest_mismatch() -> None:
    with pytest.raises(DigestMismatch):
        verify_request(replace(signed(), body_sha256=None), RING, NOW)


def test_an_empty_body_may_have_a_digest() -> None:
    empty = signed(replace(GET, body_sha256=sha256(b"").digest()))
    assert verify_request(replace(empty, body_sha256=None), RING, NOW).keyid == FIXED.kid


@pytest.mark.parametrize("name", ["authorization", "content-digest", "content-type", "idempotency-key"])
def test_each_field_that_is_present_must_be_covered(name: str) -> None:
    assert refusal(stating(GOOD.replace(f' "{name}"', ""))) == f"not covered: {name}"


def test_a_dpop_proof_that_is_present_must_be_covered() -> None:
    assert refusal(with_headers(signed(), {"dpop": "proof"})) == "not covered: dpop"
    assert verify_request(signed(with_headers(POST, {"dpop": "proof"})), RING, NOW).keyid == FIXED.kid


@pytest.mark.parametrize("name", ["@method", "@target-uri"])
def test_method_and_address_must_always_be_covered(name: str) -> None:
    stated = ALL.replace(f'"{name}" ', "") + CREATED + KEYID + TAGGED
    assert refusal(stating(stated)) == f"not covered: {name}"
    assert "not covered" in refusal(stating(f"(){CREATED}{KEYID}{TAGGED}", GET))


def test_a_body_without_digest_is_refused() -> None:
    stated = ALL.replace(' "content-digest"', "") + CREATED + KEYID + TAGGED
    assert refusal(with_headers(stating(stated), {"content-digest": None})) == "not covered: content-digest"


@pytest.mark.parametrize(("seconds", "fresh"), [(-10, True), (-12, False), (0, True), (299, True), (302, False)])
def test_a_signature_is_good_for_five_minutes(seconds: int, fresh: bool) -> None:
    now = NOW + timedelta(seconds=seconds)
    if fresh:
        assert verify_request(signed(), RING, now).created_at == NOW.replace(microsecond=0)
    else:
        assert "seconds ago" in refusal(signed(), now=now)


def test_the_age_that_is_accepted_can_be_set() -> None:
    assert verify_request(signed(), RING, NOW + timedelta(hours=1), max_age_s=3_601).keyid == FIXED.kid
    assert "seconds ago" in refusal(signed(), now=NOW + timedelta(seconds=5), max_age_s=3)


def test_an_expired_signature_is_refused() -> None:
    later = int(NOW.timestamp()) + 5
    request = stating(f"{ALL}{CREATED};expires={later}{KEYID}{TAGGED}")
    assert verify_request(request, RING, NOW + timedelta(seconds=5)).label == "sig"
    assert refusal(request, now=NOW + timedelta(seconds=6)) == "expired"


def test_an_unknown_key_is_refused(stranger: SigningKey) -> None:
    assert refusal(signed(key=stranger)) == "the key is not registered"


def test_the_algorithm_is_that_of_the_registered_key() -> None:
    assert verify_request(stating(f'{ALL};alg="ed25519"{CREATED}{KEYID}{TAGGED}'), RING, NOW).label == "sig"
    for other in ("hmac-sha256", "rsa-pss-sha512", "rsa-v1_5-sha256", ""):
        assert "alg" in refusal(stating(f'{ALL};alg="{other}"{CREATED}{KEYID}{TAGGED}'))


@pytest.mark.parametrize(
    "stated",
    [
        ALL,
        ALL + CREATED + KEYID,
        ALL + CREATED + TAGGED,
        ALL + KEYID + TAGGED,
        ALL + CREATED + KEYID + ';tag="fapi-2-response"',
        ALL + CREATED + KEYID + f";tag={TAG}",
        ALL + ';created="1795309323"' + KEYID + TAGGED,
        ALL + ";created=1795309323.5" + KEYID + TAGGED,
        ALL + ";created=-1795309323" + KEYID + TAGGED,
        ALL + ";created" + KEYID + TAGGED,
        ALL + CREATED + f";keyid={FIXED.kid}" + TAGGED,
        ALL + CREATED + f";keyid=:{FIXED.kid}:" + TAGGED,
        ALL + CREATED + KEYID + TAGGED + ";alg=ed25519",
        ALL + CREATED + KEYID + TAGGED + ';policy="all"',
        ALL + CREATED + CREATED + KEYID + TAGGED,
        ALL + CREATED + KEYID + KEYID + TAGGED,
        ALL + CREATED + KEYID + TAGGED + TAGGED,
        ALL.replace('"@method"', '"@method" "@method"') + CREATED + KEYID + TAGGED,
        ALL.replace('"@method"', '"@method";req') + CREATED + KEYID + TAGGED,
        ALL.replace('"content-digest"', '"content-digest";sf') + CREATED + KEYID + TAGGED,
        ALL.replace('"content-type"', '"Content-Type"') + CREATED + KEYID + TAGGED,
        ALL.replace('"@method"', '"@method" "@status"') + CREATED + KEYID + TAGGED,
        ALL.replace('"@method"', '"@method" "@authority"') + CREATED + KEYID + TAGGED,
        ALL.replace('"@method"', '"@method" "absent"') + CREATED + KEYID + TAGGED,
        ALL.replace('"@method"', '"@method" ""') + CREATED + KEYID + TAGGED,
        ALL.replace('"@method"', '"@method" "@signature-params"') + CREATED + KEYID + TAGGED,
        ALL.replace(" ", "  ", 1) + CREATED + KEYID + TAGGED,
        ALL.replace("(", "( ") + CREATED + KEYID + TAGGED,
        ALL + CREATED + KEYID + "; tag=" + TAG,
        ALL.replace(")", "") + CREATED + KEYID + TAGGED + ")",
        ALL + CREATED + KEYID + TAGGED + " ",
    ],
)
def test_what_the_profile_does_not_know_is_refused(stated: str) -> None:
    assert refusal(stating(stated)) != ""


@pytest.mark.parametrize(
    "fields",
    [
        {"signature": None},
        {"signature-input": None},
        {"signature": ""},
        {"signature": "hayame=::"},
        {"signature": "hayame=:AAAA:"},
        {"signature": "other=:AAAA:"},
        {"signature": "hayame=AAAA"},
        {"signature": 'hayame="AAAA"'},
        {"signature": "hayame=:AAA:"},
        {"signature": "hayame=:AB==:"},
        {"signature": "hayame=:!!!!:"},
        {"signature": "hayame=:AAAA:;a=1"},
        {"signature-input": "hayame"},
        {"signature-input": "hayame=1"},
        {"signature-input": 'hayame="()"'},
        {"signature-input": f"other={GOOD}"},
        {"signature-input": f"hayame={GOOD},"},
        {"signature-input": f"hayame={GOOD}, "},
        {"signature-input": f",hayame={GOOD}"},
        {"signature-input": f"hayame={GOOD} x"},
        {"signature-input": f"hayame={GOOD}, hayame={GOOD}"},
        {"signature-input": f"Hayame={GOOD}"},
        {"signature-input": f"hayame={GOOD.replace(FIXED.kid, '鍵')}"},
        {"signature-input": "hayame=(" + '"a" ' * 2_000},
    ],
)
def test_malformed_signature_fields_are_refused(fields: dict[str, str | None]) -> None:
    assert refusal(with_headers(signed(), fields)) != ""


def test_the_signature_of_the_profile_is_found_among_others() -> None:
    request = signed()
    proxy = '("@authority" "x";bs;key="a" "@query-param";name="Pet");created=1;n=-1.5;t=a/b;b=:AA==:;f=?0;keyid="p"'
    together = with_headers(
        request,
        {
            "signature-input": f"proxy={proxy} ,\t{request.headers['signature-input']}",
            "signature": f"{request.headers['signature']},proxy=:AAAA:",
        },
    )
    assert verify_request(together, RING, NOW).label == "hayame"


def test_two_signatures_of_the_profile_are_one_too_many() -> None:
    twice = with_headers(
        signed(),
        {
            "signature-input": f"a={GOOD}, b={GOOD}",
            "signature": "a=:AAAA:, b=:AAAA:",
        },
    )
    assert refusal(twice) == f'there must be one signature with tag="{TAG}"'


@pytest.mark.parametrize("value", ["a\nb", "a\r\n b", "a\0b", "é", "鍵", "a\x7fb"])
def test_a_value_that_could_fake_a_line_of_the_base_is_not_signed(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        sign_request(FIXED, with_headers(POST, {"content-type": value}), NOW)
    assert "control character" in refusal(with_headers(signed(), {"content-type": value}))


def test_space_around_a_value_is_not_part_of_it() -> None:
    padded = with_headers(signed(), {"content-type": " application/json\t"})
    assert verify_request(padded, RING, NOW).keyid == FIXED.kid


def test_the_signature_base_is_lines_of_name_and_value() -> None:
    base = signature_base([('"@method"', "GET"), ('"@query-param";name="Pet"', "dog")], '("@method");created=1')
    assert base == b'"@method": GET\n"@query-param";name="Pet": dog\n"@signature-params": ("@method");created=1'


@pytest.mark.parametrize(
    "field",
    [
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "sha-512=:AAAA:, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:,unixsum=:AAAA:",
    ],
)
def test_the_sha_256_of_a_content_digest_is_found(field: str) -> None:
    assert parse_content_digest(field) == sha256(BODY).digest()


@pytest.mark.parametrize(
    "field",
    [
        "",
        "sha-512=:AAAA:",
        "SHA-256=:AAAA:",
        "sha-256=AAAA",
        "sha-256=:AAAA",
        "sha-256=:AAA:",
        "sha-256=:AB==:",
        "sha-256=:AAAA:, sha-256=:AAAA:",
        "sha-256=:AAAA:;q=1",
        "sha-256=:AAAA: sha-512=:AAAA:",
        "sha-256:AAAA",
        "円",
    ],
)
def test_a_content_digest_without_readable_sha_256_is_refused(field: str) -> None:
    with pytest.raises(DigestMismatch):
        parse_content_digest(field)


def test_the_digest_is_plain_base64() -> None:
    expected = base64.b64encode(sha256(b"body").digest()).decode()
    assert content_digest(b"body") == f"sha-256=:{expected}:"


@given(st.sampled_from(["signature", "signature-input", "content-digest"]), st.data())
def test_no_changed_character_of_the_signature_fields_goes_unnoticed(name: str, data: st.DataObject) -> None:
    request = signed()
    field = request.headers[name]
    at = data.draw(st.integers(0, len(field) - 1))
    other = data.draw(st.characters(max_codepoint=255).filter(lambda character: character != field[at]))
    changed = field[:at] + other + field[at + 1 :]
    with pytest.raises(NotAuthentic):
        verify_request(with_headers(request, {name: changed}), RING, NOW)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=40))
def test_anything_in_the_signature_fields_is_refused_and_never_a_crash(
    stated: str, signature: str, digest: str
) -> None:
    fields = {"signature-input": stated, "signature": signature, "content-digest": digest}
    assert refusal(with_headers(POST, fields)) != ""
