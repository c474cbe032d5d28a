"""A document signed with XML-DSig or XAdES: in base64 within an XML document that is signed as a whole.

    <Submission xmlns="urn:hayame:submission:1">
      <Url>…</Url> <IdempotencyKey>…</IdempotencyKey> <SignedAt>…</SignedAt> <Document>…</Document>
      <Signature xmlns="http://www.w3.org/2000/09/xmldsig#">…</Signature>
    </Submission>

``Url`` is the absolute address it is sent to, ``SignedAt`` an RFC 3339 instant, ``Document`` any document in base64.
There is nothing else in it, neither comments nor attributes, so that what was signed and what is read are the same.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from cryptography import x509
from lxml import etree

from gateway.errors import SignatureMismatch
from gateway.security.xml_signatures import DS, open_signed, parse

NAMESPACE = "urn:hayame:submission:1"

_ROOT = f"{{{NAMESPACE}}}Submission"
_MEMBERS = [f"{{{NAMESPACE}}}{name}" for name in ("Url", "IdempotencyKey", "SignedAt", "Document")]


class Said(NamedTuple):
    """What a body says: what it is meant for, when it was signed, and the document."""

    url: str
    name: str
    signed_at: datetime
    document: bytes


def open_xml(body: bytes, registered: Iterable[x509.Certificate], at: datetime) -> Said:
    """What a body says that is signed by one of the registered certificates, as a whole.

    Raises:
        SignatureMismatch: it is not signed so, or of another form.
    """
    content = open_signed(body, registered, at).content
    said = None if content is None else _read(content)
    if said is None or said != _read(parse(body)):
        raise SignatureMismatch("what is signed is not what is in it")
    return said


def document_in(body: bytes) -> bytes:
    """The document in a body that was verified before.

    Raises:
        SignatureMismatch: it is of another form.
    """
    return _read(parse(body)).document


def _read(root: etree._Element) -> Said:
    members = [one for one in root if one.tag != f"{{{DS}}}Signature"]
    between = "".join([root.text or "", *(one.tail or "" for one in root)])
    if root.tag != _ROOT or root.attrib or [one.tag for one in members] != _MEMBERS or between.strip():
        raise SignatureMismatch("it is not a Submission of the known form")
    if any(len(one) or one.attrib for one in members):
        raise SignatureMismatch("a member of the Submission holds more than text")
    url, name, told, document = ((one.text or "").strip() for one in members)
    try:
        signed_at = datetime.fromisoformat(told)
        raw = base64.b64decode("".join(document.split()), validate=True)
    except ValueError as error:
        raise SignatureMismatch("SignedAt is not an instant, or Document not base64") from error
    if signed_at.tzinfo is None:
        raise SignatureMismatch("SignedAt is not an instant")
    return Said(url, name, signed_at, raw)
