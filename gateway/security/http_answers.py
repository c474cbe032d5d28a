"""Signed answers: RFC 9421 over a response, bound to the request it answers (``;req``, section 2.4).

Covered are ``@status``, ``content-digest``, and of the request ``@method``, ``@target-uri`` and its signature, so that
no answer can be given for another's or for another document. There is one form of it; any other is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import SignatureMismatch
from gateway.security.canonical import b64, strict_b64
from gateway.security.http_signatures import (
    LABEL,
    SignedRequest,
    content_digest,
    signature_base,
    signature_of,
)
from gateway.security.keys import KeyRing, SigningKey

ASK = "accept-signature"
ASKED = f'{LABEL}=("@status" "content-digest" "@method";req "@target-uri";req "signature";req);tag="fapi-2-response"'
TAG = "fapi-2-response"

_STATED = re.compile(rf'\((.*)\);created=\d{{1,12}};keyid="([!#-\[\]-~]{{1,128}})";tag="{TAG}"')


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as far as its signature is concerned, and the request to which it was given."""

    status: int
    body: bytes
    request: SignedRequest


def sign_answer(key: SigningKey, answer: Answer, now: datetime) -> dict[str, str]:
    """The header fields that sign an answer: ``content-digest``, ``signature-input`` and ``signature``.

    Raises:
        ValueError: the request carries no signature of the profile.
    """
    values = _values(answer)
    stated = f'({" ".join(values)});created={int(now.timestamp())};keyid="{key.kid}";tag="{TAG}"'
    signature = key.sign_http(signature_base(values.items(), stated))
    return {
        "content-digest": values['"content-digest"'],
        "signature-input": f"{LABEL}={stated}",
        "signature": f"{LABEL}=:{b64(signature)}:",
    }


def verify_answer(answer: Answer, headers: Mapping[str, str], keys: KeyRing) -> str:
    """Prove that an answer was given to this request, with this content; the name of the key that signed it.

    Raises:
        SignatureMismatch: anything else.
    """
    values = _values(answer)
    stated = headers.get("signature-input", "").removeprefix(f"{LABEL}=")
    form = _STATED.fullmatch(stated)
    if form is None or form[1] != " ".join(values) or headers.get("content-digest") != values['"content-digest"']:
        raise SignatureMismatch("the answer is not signed as was asked", ja="応答に求めた署名がありません。")
    key = keys.find(form[2])
    if key is None:
        raise SignatureMismatch("the answer is signed by an unknown key", ja="応答が未知の鍵で署名されています。")
    signature = headers.get("signature", "").removeprefix(f"{LABEL}=:").removesuffix(":")
    key.verify_http(strict_b64(signature), signature_base(values.items(), stated))
    return key.kid


def _values(answer: Answer) -> dict[str, str]:
    label, signature = signature_of(answer.request.headers)
    return {
        '"@status"': str(answer.status),
        '"content-digest"': content_digest(answer.body),
        '"@method";req': answer.request.method,
        '"@target-uri";req': answer.request.target_uri,
        f'"signature";req;key="{label}"': f":{b64(signature)}:",
    }
