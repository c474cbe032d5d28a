from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from xml_signing import DS, EXCLUSIVE, Party, certified, party, sign

from gateway.errors import ConfigurationError, SignatureMismatch
from gateway.security.xml_signatures import Signed, certificate_der, open_signed, parse

DOCUMENT = '<report xmlns="urn:r" Id="r1"><firm>早目商店</firm><yen a="1">100</yen></report>'.encode()
EVIL = DOCUMENT.replace(b"100", b"999")
PARTIES = {
    "P-256": party(),
    "P-384": party(ec.generate_private_key(ec.SECP384R1())),
    "P-521": party(ec.generate_private_key(ec.SECP521R1())),
    "RSA": party(rsa.generate_private_key(65_537, 2_048)),
}
OURS = PARTIES["P-256"]


def opened(document: bytes, *registered: Party, at: datetime | None = None) -> Signed:
    return open_signed(document, [one.certificate for one in registered or [OURS]], at or datetime.now(UTC))


def refused(document: bytes, *registered: Party, match: str | None = None, at: datetime | None = None) -> None:
    with pytest.raises(SignatureMismatch, match=match):
        opened(document, *registered, at=at)


def without_key_info(document: bytes) -> bytes:
    return re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", document, flags=re.DOTALL)


def amount(signed: Signed) -> str | None:
    assert signed.content is not None
    return signed.content.findtext(".//{urn:r}yen")


@pytest.mark.parametrize("xades", [False, True], ids=["XML-DSig", "XAdES"])
@pytest.mark.parametrize("enveloping", [False, True], ids=["enveloped", "enveloping"])
@pytest.mark.parametrize("name", PARTIES)
def test_what_was_signed_as_a_whole_is_handed_on_and_nothing_else(name: str, enveloping: bool, xades: bool) -> None:
    by = PARTIES[name]
    found = opened(sign(DOCUMENT, by, enveloping=enveloping, xades=xades), by)
    assert (amount(found), found.certificate) == ("100", by.certificate)
    assert b"Signature" not in found.signed
    assert (found.signed_at is not None) == xades


@pytest.mark.parametrize(
    "method", ["RSA_SHA384", "RSA_SHA512", "SHA256_RSA_MGF1", "SHA384_RSA_MGF1", "SHA512_RSA_MGF1"]
)
def test_signatures_by_rsa_may_be_of_either_padding(method: str) -> None:
    by = PARTIES["RSA"]
    assert amount(opened(sign(DOCUMENT, by, signature_algorithm=method), by)) == "100"


@pytest.mark.parametrize(
    "method",
    [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        f"{EXCLUSIVE}WithComments",
    ],
)
def test_every_canonicalisation_of_the_standard_is_read(method: str) -> None:
    assert amount(opened(sign(DOCUMENT, OURS, c14n_algorithm=method))) == "100"


def test_no_changed_byte_goes_unnoticed() -> None:
    for xades in (False, True):
        good = sign(DOCUMENT, OURS, xades=xades)
        for old, new in ((b">100<", b">999<"), (b'a="1"', b'a="2"'), (b"</firm>", b" </firm>"), (b"urn:r", b"urn:s")):
            refused(good.replace(old, new))
        value = re.findall(rb"SignatureValue>(.{8})", good)[0]
        refused(good.replace(value, value.swapcase()))
    stated = sign(DOCUMENT, OURS, xades=True)
    refused(re.sub(rb"(<xades:SigningTime>)\d{4}", rb"\g<1>2000", stated))


def test_a_signature_by_another_party_is_refused_whatever_it_says_of_itself() -> None:
    other = party()
    refused(sign(DOCUMENT, other), match="not registered")
    bare = without_key_info(sign(DOCUMENT, other))
    refused(bare, match="does not verify")
    refused(sign(DOCUMENT, Party(other.key, OURS.certificate)), match="does not verify")


def test_without_key_info_or_with_several_certificates_registered_the_right_one_is_found() -> None:
    bare = without_key_info(sign(DOCUMENT, OURS))
    others = [party(), PARTIES["RSA"]]
    assert opened(bare, *others, OURS).certificate == OURS.certificate
    assert opened(sign(DOCUMENT, OURS), *others, OURS).certificate == OURS.certificate


def test_a_certificate_has_to_be_valid_when_it_signs() -> None:
    over, early = party(days=(-9, -1)), party(days=(1, 9))
    now = datetime.now(UTC)
    for xades in (False, True):
        refused(sign(DOCUMENT, over, xades=xades), over)
        refused(sign(DOCUMENT, early, xades=xades), early)
    assert amount(opened(sign(DOCUMENT, over), over, at=now - timedelta(days=5))) == "100"
    refused(sign(DOCUMENT, over, xades=True), over, at=now - timedelta(days=5), match="not valid when it was signed")


def test_a_weak_key_is_refused() -> None:
    weak = (party(rsa.generate_private_key(65_537, 1_024)), party(ec.generate_private_key(ec.SECP224R1())))
    for one in weak:
        refused(sign(DOCUMENT, one), one, match="2,048")
        with pytest.raises(ConfigurationError, match="2,048"):
            certificate_der(one.pem)
    with pytest.raises(ConfigurationError, match="not a certificate"):
        certificate_der(b"-----BEGIN CERTIFICATE-----")
    assert certificate_der(certificate_der(OURS.pem)) == certificate_der(OURS.pem)


@pytest.mark.parametrize("digest", ["SHA224", "SHA3_224", "SHA3_256"])
def test_a_digest_that_is_not_of_the_list_is_refused(digest: str) -> None:
    from signxml.algorithms import DigestAlgorithm

    refused(sign(DOCUMENT, OURS, digest_algorithm=DigestAlgorithm[digest]), match="forbidden")


@pytest.mark.parametrize("method", ["ECDSA_SHA224", "ECDSA_SHA3_256"])
def test_a_signature_method_that_is_not_of_the_list_is_refused(method: str) -> None:
    refused(sign(DOCUMENT, OURS, signature_algorithm=method), match="forbidden")


def signed_anew(root: etree._Element, make: Callable[[bytes], bytes]) -> bytes:
    """A document whose digest is right, with a signature value made over its SignedInfo in some way."""
    info = root.find(f".//{{{DS}}}SignedInfo")
    value = root.find(f".//{{{DS}}}SignatureValue")
    assert info is not None
    assert value is not None
    value.text = b64encode(make(etree.tostring(info, method="c14n", exclusive=True))).decode()
    return etree.tostring(root)


@pytest.mark.parametrize("method", ["xmldsig-more#hmac-sha256", "xmldsig-more#hmac-sha512"])
def test_a_keyed_hash_with_the_certificate_as_its_key_is_refused(method: str) -> None:
    root = etree.fromstring(sign(DOCUMENT, OURS))
    stated = root.find(f".//{{{DS}}}SignatureMethod")
    assert stated is not None
    stated.set("Algorithm", f"http://www.w3.org/2001/04/{method}")
    digest = method[-6:]
    for key in (certificate_der(OURS.pem), OURS.pem, b64encode(certificate_der(OURS.pem))):
        forged = signed_anew(root, lambda info, key=key: hmac.digest(key, info, digest))
        refused(forged, match="forbidden")


def test_sha_1_is_refused_even_where_all_else_is_right() -> None:
    root = etree.fromstring(sign(DOCUMENT, OURS))
    method, value = root.find(f".//{{{DS}}}DigestMethod"), root.find(f".//{{{DS}}}DigestValue")
    assert method is not None
    assert value is not None
    method.set("Algorithm", f"{DS}sha1")
    value.text = b64encode(hashlib.sha1(etree.tostring(etree.fromstring(DOCUMENT), method="c14n")).digest()).decode()
    refused(signed_anew(root, lambda info: signature_of(info)), match="SHA1 forbidden")


def signature_of(info: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    assert isinstance(OURS.key, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(OURS.key.sign(info, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize(
    "transform",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        EXCLUSIVE,
        "urn:unknown",
    ],
)
def test_any_other_transform_is_refused(transform: str) -> None:
    root = etree.fromstring(sign(DOCUMENT, OURS))
    transforms = root.find(f".//{{{DS}}}Transforms")
    assert transforms is not None
    etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=transform)
    refused(signed_anew(root, signature_of), match="transform")


def parts(reference: str, xades: bool) -> tuple[etree._Element, etree._Element]:
    """A genuine document without its signature, and the signature."""
    signed = etree.fromstring(sign(DOCUMENT, OURS, xades=xades, **({"reference_uri": "r1"} if reference else {})))
    signature = signed.find(f"{{{DS}}}Signature")
    assert signature is not None
    assert amount(opened(etree.tostring(signed))) == "100"
    signed.remove(signature)
    return signed, signature


def element(document: bytes, *children: etree._Element, **attributes: str) -> etree._Element:
    root = etree.fromstring(document)
    for name, value in attributes.items():
        root.set(name, value)
    root.extend(deepcopy(child) for child in children)
    return root


def wrapped(kind: int, genuine: etree._Element, signature: etree._Element, evil_id: str) -> etree._Element:
    """The eight ways of signature wrapping known from SAML, and some more, for a document whose root is signed."""
    whole = element(etree.tostring(genuine), signature)
    evil = element(EVIL, Id=evil_id)
    holding = deepcopy(signature)
    etree.SubElement(holding, f"{{{DS}}}Object").append(deepcopy(genuine))
    box = etree.Element("{urn:r}extensions")
    box.append(deepcopy(genuine))
    around = etree.Element("{urn:r}envelope")
    ways: dict[int, Callable[[], list[etree._Element] | etree._Element]] = {
        1: lambda: element(etree.tostring(evil), holding),
        2: lambda: element(etree.tostring(evil), signature, genuine),
        3: lambda: [evil, whole],
        4: lambda: element(etree.tostring(evil), whole),
        5: lambda: element(etree.tostring(evil), signature, box),
        6: lambda: [whole, evil],
        7: lambda: element(etree.tostring(evil), box, signature),
        8: lambda: [evil, holding],
        9: lambda: [signature, evil, genuine],
        10: lambda: [genuine, evil, signature],
        11: lambda: element(etree.tostring(whole), evil),
        12: lambda: [whole],
    }
    made = ways[kind]()
    if isinstance(made, list):
        around.extend(deepcopy(one) for one in made)
        return around
    return made


@pytest.mark.parametrize("xades", [False, True], ids=["XML-DSig", "XAdES"])
@pytest.mark.parametrize("reference", ["", "#r1"], ids=["by the whole", "by its name"])
@pytest.mark.parametrize("kind", range(1, 13))
def test_a_signature_that_is_wrapped_is_refused(kind: int, reference: str, xades: bool) -> None:
    genuine, signature = parts(reference, xades)
    for evil_id in ("r1", "r2"):
        refused(etree.tostring(wrapped(kind, genuine, signature, evil_id)))


def test_two_signatures_are_refused() -> None:
    refused(sign(sign(DOCUMENT, OURS), OURS), match="not one signature")
    refused(DOCUMENT, match="not one signature")


def test_an_object_beside_what_is_signed_is_refused() -> None:
    for enveloping in (False, True):
        root = etree.fromstring(sign(DOCUMENT, OURS, enveloping=enveloping))
        signature = root if enveloping else root.find(f"{{{DS}}}Signature")
        assert signature is not None
        etree.SubElement(signature, f"{{{DS}}}Object").text = "unsigned"
        refused(etree.tostring(root), match="does not sign")


def test_a_part_of_a_document_is_not_the_document() -> None:
    document = b'<report xmlns="urn:r"><part Id="p">1</part><yen>100</yen></report>'
    refused(sign(document, OURS, reference_uri="p"))


def test_signed_properties_that_are_not_signed_or_are_anothers_are_refused() -> None:
    stated = sign(DOCUMENT, OURS, xades=True)
    plain = sign(DOCUMENT, OURS)
    (qualifying,) = re.findall(rb"<ds:Object>.*</ds:Object>", stated)
    qualifying = qualifying.replace(b"<ds:Object>", b'<ds:Object xmlns:xades="http://uri.etsi.org/01903/v1.3.2#">')
    refused(plain.replace(b"</ds:Signature>", qualifying + b"</ds:Signature>"), match="XAdES")
    refused(stated.replace(b'Target="#', b'Target="#other'), match="XAdES")
    other = certified(OURS.certificate.public_key(), OURS.key)
    substituted = Party(OURS.key, other)
    refused(sign(DOCUMENT, OURS, xades=True), substituted, match="not registered")


def test_comments_do_not_cut_what_is_read() -> None:
    cut = sign(DOCUMENT, OURS).replace(b">100<", b">10<!-- -->0<")
    assert amount(opened(cut)) == "100"


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!DOCTYPE r><r/>",
        b'<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>',
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
        b'<!DOCTYPE r [<!ENTITY % e SYSTEM "http://127.0.0.1:1/x">%e;]><r/>',
        b"<r>" + b"<a/>" * 50_000 + b"</r>",
        b"<r>" + b"<a b='c'/>" * 25_000 + b"</r>",
        b"<r " + b" ".join(b'a%d="1"' % n for n in range(257)) + b"/>",
        b"<r " + b" ".join(b'xmlns:n%d="urn:n"' % n for n in range(900)) + b">" + b"<a/>" * 61 + b"</r>",
        b"<r>" * 300 + b"</r>" * 300,
        b"<r>" + b"x" * (16 << 20) + b"</r>",
        '<?xml version="1.0" encoding="UTF-16"?><r/>'.encode("utf-16"),
        b"",
        b"{}",
        b"\x00",
        b"<r>&undefined;</r>",
    ],
    ids=range(15),
)
def test_xml_that_is_hostile_too_large_or_none_is_refused(hostile: bytes) -> None:
    with pytest.raises(SignatureMismatch):
        parse(hostile)


@pytest.mark.parametrize(
    "changes",
    [
        (rb"<ds:SignatureValue>[^<]*<", b"<ds:SignatureValue><"),
        (rb"<ds:SignatureValue>[^<]*<", b"<ds:SignatureValue>AAAA<"),
        (rb"<ds:DigestValue>[^<]*<", b"<ds:DigestValue><"),
        (rb"<ds:SignedInfo>.*</ds:SignedInfo>", b""),
        (rb"<ds:Reference .*</ds:Reference>", b""),
        (rb'URI="[^"]*"', b'URI="http://127.0.0.1:1/x"'),
        (rb'URI="[^"]*"', b'URI="#xpointer(/)"'),
        (rb'URI="[^"]*"', b""),
        (rb"<ds:X509Certificate>[^<]*<", b"<ds:X509Certificate>!<"),
        (rb"<ds:SignatureMethod Algorithm=\"[^\"]*\"", b'<ds:SignatureMethod Algorithm="urn:none"'),
        (rb"<ds:CanonicalizationMethod Algorithm=\"[^\"]*\"", b'<ds:CanonicalizationMethod Algorithm="urn:none"'),
    ],
    ids=range(11),
)
def test_a_signature_that_is_broken_is_refused_and_nothing_else_happens(changes: tuple[bytes, bytes]) -> None:
    for xades in (False, True):
        broken = re.sub(*changes, sign(DOCUMENT, OURS, xades=xades), flags=re.DOTALL)
        refused(broken)


def test_more_prefixes_than_anybody_needs_are_refused() -> None:
    root: Any = etree.fromstring(sign(DOCUMENT, OURS, inclusive_ns_prefixes=["a"]))
    for one in root.iter(f"{{{EXCLUSIVE}}}InclusiveNamespaces"):
        one.set("PrefixList", " ".join(f"p{number}" for number in range(65)))
    refused(etree.tostring(root), match="prefixes")
