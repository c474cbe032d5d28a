"""XML signatures: XML-DSig and XAdES, verified against registered certificates, over the whole of a document.

A document has one signature: enveloped in its root, or around its one ``Object``. It has one reference to that, and for
XAdES one to the signed properties; a third may be to ``KeyInfo``. What a signature says about its own key is never
trusted, only held against the register. signxml does the cryptography; it would also take keyed hashes, references to a
part, a signature anywhere and digests of certificates by SHA-1, so what is allowed is decided here, before and after.
Only what was signed is handed on, as it was canonicalised. Time stamps in unsigned properties (XAdES-T) are not read.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from gateway.errors import ConfigurationError, SignatureMismatch

DS, XADES = "http://www.w3.org/2000/09/xmldsig#", "http://uri.etsi.org/01903/v1.3.2#"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
WEAK = "keys for XML signatures are RSA of 2,048 bits or more, P-256, P-384 or P-521"
MOST_BYTES = 16 << 20
MOST_ELEMENTS, MOST_ATTRIBUTES, MOST_PREFIXES = 50_000, 256, 64
MOST_WORK = 50_000_000  # elements x namespaces squared: what canonicalising costs; 900 and 49,000 take minutes

_NAMES = {"ds": DS, "xades": XADES}
_IDS = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_ENCODINGS = frozenset({"UTF-8", "ASCII", "US-ASCII", "ISO-8859-1"})  # in which a count of bytes means something
_ENVELOPED = SignatureConstructionMethod.enveloped.value
_BASE64 = f"{DS}base64"
_CANONICAL = frozenset(method.value for method in CanonicalizationMethod)
_DIGESTS: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    DigestAlgorithm.SHA256.value: hashes.SHA256,
    DigestAlgorithm.SHA384.value: hashes.SHA384,
    DigestAlgorithm.SHA512.value: hashes.SHA512,
}
_METHODS = frozenset(
    SignatureMethod[name.format(bits)]
    for name in ("ECDSA_SHA{}", "RSA_SHA{}", "SHA{}_RSA_MGF1")
    for bits in (256, 384, 512)
)
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_LEAST_RSA_BITS = 2_048
_ONE_AT_A_TIME = threading.Lock()  # libxml2 keeps the errors of a schema with the schema, and signxml has one for all


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed, and by whom.

    Attributes:
        content: the root without its signature, or the ``Object`` in the signature, from the bytes that were signed;
            None where these are no XML.
        signed: these bytes: canonical XML, or what an ``Object`` held in base64.
        certificate: of the signer; one of the registered.
        signed_at: when the signer says so (XAdES).
    """

    content: etree._Element | None
    signed: bytes
    certificate: x509.Certificate
    signed_at: datetime | None


def open_signed(document: bytes, registered: Iterable[x509.Certificate], at: datetime) -> Signed:
    """Verify the signature of a document by one of the registered certificates, which has to be valid at that time.

    Raises:
        SignatureMismatch: it is not signed, not as a whole, not by one of them, not with what counts as safe; or it is
            not XML that is read here (a DOCTYPE, more than so many elements).
    """
    root = parse(document)
    signature = _the_signature(root)
    data, properties, others = _references(root, signature)
    count = 1 + (properties is not None) + others
    certificate, results = _verified(document, _named(signature, registered), at, count)
    signed_at = None if properties is None else _signed_at(results[properties], certificate)
    return Signed(results[data].signed_xml, results[data].signed_data, certificate, signed_at)


def parse(document: bytes) -> etree._Element:
    """The root of an XML document of bounded size, without DOCTYPE.

    Raises:
        SignatureMismatch: it is not such a document.
    """
    if len(document) > MOST_BYTES:
        raise SignatureMismatch("the XML is too large")
    try:
        root = etree.fromstring(document, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SignatureMismatch("it is not XML", ja="XML として読み取れません。") from error
    told = root.getroottree().docinfo
    if told.internalDTD is not None or told.externalDTD is not None:
        raise SignatureMismatch("the XML has a DOCTYPE", ja="DOCTYPE を含む XML は受け付けません。")
    if (told.encoding or "UTF-8").upper() not in _ENCODINGS:
        raise SignatureMismatch("the XML is not in UTF-8", ja="XML の文字コードは UTF-8 としてください。")
    count, namespaces = 0, document.count(b"xmlns")
    for element in root.iter():
        attributes = len(element.attrib)
        count += 1 + attributes
        if (
            count * max(namespaces, 1) ** 2 > MOST_WORK
            or count > MOST_ELEMENTS
            or attributes > MOST_ATTRIBUTES
            or element.tag is etree.Entity
        ):
            raise SignatureMismatch("the XML has an entity, or too many elements, attributes or namespaces")
    return root


def certificate_of(der: bytes) -> x509.Certificate:
    """A certificate that was registered."""
    return x509.load_der_x509_certificate(der)


def certificate_der(text: bytes) -> bytes:
    """A certificate for signatures, given as PEM or DER, as DER.

    Raises:
        ConfigurationError: it is none, or its key is of a kind or size that is not accepted.
    """
    try:
        load = x509.load_pem_x509_certificate if text.startswith(b"-----BEGIN") else x509.load_der_x509_certificate
        certificate = load(text)
        strong = _is_strong(certificate)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError("it is not a certificate", ja="証明書として読み取れません。") from error
    if not strong:
        raise ConfigurationError(WEAK, ja="XML 署名の鍵は RSA 2,048 ビット以上、P-256、P-384、P-521 に限ります。")
    return _der(certificate)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)


def _is_strong(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _LEAST_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)


def _the_signature(root: etree._Element) -> etree._Element:
    """The one signature of a document: its root, or a child of its root."""
    found = list(root.iter(f"{{{DS}}}Signature"))
    if len(found) != 1 or not (found[0] is root or found[0].getparent() is root):
        raise SignatureMismatch("there is not one signature, as the root or in it", ja="署名が一つではありません。")
    return found[0]


def _references(root: etree._Element, signature: etree._Element) -> tuple[int, int | None, int]:
    """Which reference is to the document, which to the signed properties, and how many there are to KeyInfo."""
    properties, covered = _signed_properties(signature), _covered(root, signature)
    key_info = signature.find("ds:KeyInfo", _NAMES)
    meant: list[etree._Element] = []
    for reference in signature.findall("ds:SignedInfo/ds:Reference", _NAMES):
        target = _target(root, reference)
        transforms = [one.get("Algorithm") for one in reference.findall("ds:Transforms/ds:Transform", _NAMES)]
        enveloped = [_ENVELOPED] if target is root and root is not signature else []
        rest = transforms[len(enveloped) :]
        allowed = _CANONICAL | {_BASE64} if target.tag == f"{{{DS}}}Object" else _CANONICAL
        if transforms[: len(enveloped)] != enveloped or len(rest) > 1 or not allowed.issuperset(rest):
            raise SignatureMismatch("a transform is not one that is understood here")
        if (target is properties) != (reference.get("Type") == SIGNED_PROPERTIES):
            raise SignatureMismatch("the signed properties are not signed as such")
        meant.append(target)
    for one in signature.iter(f"{{{DS}}}Transform", f"{{{DS}}}CanonicalizationMethod"):
        prefixes = " ".join(inside.get("PrefixList", "") for inside in one).split()
        if len(prefixes) > MOST_PREFIXES:
            raise SignatureMismatch("too many prefixes")
    wanted = [one for one in (covered, properties) if one is not None]
    known = [*wanted, *([] if key_info is None else [key_info])]
    if (
        any(meant.count(one) != 1 for one in wanted)
        or any(one not in known for one in meant)
        or len(meant) > len(known)
    ):
        raise SignatureMismatch("what is signed is not the whole document", ja="文書全体への署名ではありません。")
    return meant.index(covered), None if properties is None else meant.index(properties), len(meant) - len(wanted)


def _target(root: etree._Element, reference: etree._Element) -> etree._Element:
    uri = reference.get("URI")
    if uri == "":
        return root
    name = uri[1:] if uri and uri[0] == "#" else None
    found = [one for one in root.iter("*") if name and name in {one.get(attribute) for attribute in _IDS}]
    if len(found) != 1:
        raise SignatureMismatch("a reference is not to one element of the document")
    return found[0]


def _covered(root: etree._Element, signature: etree._Element) -> etree._Element:
    """What has to be signed: the root around the signature, or the one Object in it that is not about it."""
    objects = [
        one for one in signature.findall("ds:Object", _NAMES) if one.find("xades:QualifyingProperties", _NAMES) is None
    ]
    if signature is not root and not objects:
        return root
    if signature is root and len(objects) == 1:
        return objects[0]
    raise SignatureMismatch("the signature holds what it does not sign")


def _signed_properties(signature: etree._Element) -> etree._Element | None:
    found = signature.findall(".//xades:QualifyingProperties", _NAMES)
    if not found:
        return None
    properties = found[0].find("xades:SignedProperties", _NAMES)
    named = signature.get("Id")
    holders = [one for one in signature.findall("ds:Object", _NAMES) if list(one) == found]
    if properties is None or len(holders) != 1 or not named or found[0].get("Target") != f"#{named}":
        raise SignatureMismatch("its XAdES properties are not about this signature")
    return properties


def _named(signature: etree._Element, registered: Iterable[x509.Certificate]) -> Sequence[x509.Certificate]:
    """The registered certificates that may have signed: those that KeyInfo holds where it holds any."""
    try:
        told = {
            base64.b64decode("".join((one.text or "").split()), validate=True)
            for one in signature.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", _NAMES)
        }
    except ValueError as error:
        raise SignatureMismatch("KeyInfo holds what is not a certificate") from error
    known = [one for one in registered if not told or _der(one) in told]
    if not known:
        raise SignatureMismatch("its certificate is not registered", ja="登録されていない証明書による署名です。")
    strong = [one for one in known if _is_strong(one)]
    if not strong:
        raise SignatureMismatch(WEAK)
    return strong


def _verified(
    document: bytes, certificates: Sequence[x509.Certificate], at: datetime, references: int
) -> tuple[x509.Certificate, list[VerifyResult]]:
    """By whom, and what signxml says was signed, by reference."""
    config = SignatureConfiguration(
        location="./",
        expect_references=references,
        signature_methods=_METHODS,
        digest_algorithms=frozenset(map(DigestAlgorithm, _DIGESTS)),
        verification_time=at,
    )
    causes = []
    for one in certificates:
        try:
            with _ONE_AT_A_TIME:
                found = XMLVerifier().verify(document, x509_cert=one, expect_config=config, parser=_parser())
        except Exception as error:  # noqa: BLE001 - whatever it stumbles over in what a stranger sent is a refusal
            causes.append(f"{type(error).__name__}: {error}")
        else:
            return one, found if isinstance(found, list) else [found]
    raise SignatureMismatch(f"it does not verify: {'; '.join(causes)}", ja="登録された証明書で署名を検証できません。")


def _signed_at(properties: VerifyResult, certificate: x509.Certificate) -> datetime | None:
    """When the signed properties say it was signed; they have to name the certificate by a digest that counts."""
    said = properties.signed_xml
    about = None if said is None else said.find("xades:SignedSignatureProperties", _NAMES)
    if about is None:
        raise SignatureMismatch("the signed properties are empty")
    tags = ("xades:SigningCertificate", "xades:SigningCertificateV2")
    named = [one for tag in tags for one in about.findall(f"{tag}/xades:Cert/xades:CertDigest", _NAMES)]
    if len([one for tag in tags for one in about.findall(tag, _NAMES)]) != 1 or not named:
        raise SignatureMismatch("the signed properties do not name one certificate")
    method, value = named[0].find("ds:DigestMethod", _NAMES), named[0].findtext("ds:DigestValue", "", _NAMES)
    algorithm = _DIGESTS.get("" if method is None else method.get("Algorithm", ""))
    if algorithm is None or _plain("".join(value.split())) != certificate.fingerprint(algorithm()):
        raise SignatureMismatch("the signed properties name another certificate")
    told = about.findtext("xades:SigningTime", None, _NAMES)
    if told is None:
        return None
    try:
        at = datetime.fromisoformat(told.strip())
    except ValueError as error:
        raise SignatureMismatch("SigningTime is not a time") from error
    at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise SignatureMismatch("its certificate was not valid when it was signed")
    return at


def _plain(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SignatureMismatch("a digest is not base64") from error
