"""Evidence as a container (ASiC-E): one zip file that openssl verifies piece by piece, and ``hayame verify`` whole.

    mimetype                      application/vnd.etsi.asic-e+zip
    document                      the bytes as received, where who asked may have them
    receipt.jws                   the receipt
    checkpoint                    the signed head of the log, as the log signed it
    checkpoint.tst                a third party's time stamp over it (RFC 3161), once there is one
    evidence.json                 proofs, lines and findings: the evidence file, but for the document
    META-INF/ASiCManifest.xml     the digest of each of these
    META-INF/signature.p7s        a detached signature (CMS) over it, by a key that the gateway's key vouches for

Like every evidence it has one spelling: nothing is compressed, the order is fixed, and what would not be written byte
for byte the same is refused. So nothing can hide between the parts, or be listed and not be there.

Source:
    ETSI EN 319 162-1 V1.1.1, sections 4.4 and annex A; the signature carries the certificate's hash as CAdES asks.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.errors import EvidenceError, SignatureMismatch
from gateway.security.canonical import b64
from gateway.security.checkpoints import origin_parts, signed_by_log
from gateway.security.cms import DATA, read_signed, spelled, write_signed
from gateway.security.evidence import Evidence, read_evidence, write_evidence
from gateway.security.issuing import check_issued, one_time
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.signing_keys import learned

MEDIA_TYPE = "application/vnd.etsi.asic-e+zip"
MIMETYPE, DOCUMENT, RECEIPT, CHECKPOINT = "mimetype", "document", "receipt.jws", "checkpoint"
STAMP, EVIDENCE = "checkpoint.tst", "evidence.json"
MANIFEST, SIGNATURE = "META-INF/ASiCManifest.xml", "META-INF/signature.p7s"
PARTS = {
    DOCUMENT: "application/octet-stream",
    RECEIPT: "application/jose",
    CHECKPOINT: "text/plain",
    STAMP: "application/vnd.etsi.timestamp-token",
    EVIDENCE: "application/json",
}
"""The parts that are signed, in their order, and their media types."""

_NEEDED = {MIMETYPE, RECEIPT, CHECKPOINT, EVIDENCE, MANIFEST, SIGNATURE}
_LOCAL_HEADER = b"PK\x03\x04"


def is_container(raw: bytes) -> bool:
    """Whether bytes look like a container rather than an evidence file."""
    return raw.startswith(_LOCAL_HEADER)


def write_container(evidence: Evidence, key: SigningKey, now: datetime) -> bytes:
    """Put evidence into a container, signed by a fresh key that the gateway's own vouches for."""
    parts = _parts(evidence)
    manifest = _manifest(parts)
    name, _, _ = origin_parts(evidence.checkpoint.partition("\n")[0])
    signature = write_signed(DATA, manifest, one_time(key, name, now), detached=True)
    return _zipped({MIMETYPE: MEDIA_TYPE.encode(), **parts, MANIFEST: manifest, SIGNATURE: signature})


def open_container(raw: bytes, keys: KeyRing) -> Evidence:
    """The evidence in a container, once its form, its manifest and the signature over that are verified.

    What the evidence says is not proven by this.

    Raises:
        SignatureMismatch: the manifest is not signed, by another one, or was altered.
        EvidenceError: it is not a container, a part is missing or another one, or it is spelled otherwise.
    """
    found = _unzipped(raw)
    if missing := sorted(_NEEDED - found.keys()):
        told = ", ".join(missing)
        raise EvidenceError(f"missing from the container: {told}", ja=f"コンテナに含まれていません: {told}")
    if found[MIMETYPE] != MEDIA_TYPE.encode() or found.keys() - _NEEDED - PARTS.keys():
        raise EvidenceError("not an evidence container", ja="証拠コンテナの形式ではありません。")
    parts = {name: found[name] for name in PARTS if name in found}
    _check_manifest(found[MANIFEST], parts)
    _check_signature(found[SIGNATURE], found[MANIFEST], _with_named(keys, parts[EVIDENCE]))
    if _zipped({MIMETYPE: found[MIMETYPE], **parts, MANIFEST: found[MANIFEST], SIGNATURE: found[SIGNATURE]}) != raw:
        raise EvidenceError(
            "the container is spelled otherwise than it is written", ja="コンテナが正規形ではありません。"
        )
    evidence = read_evidence(parts[EVIDENCE]).model_copy(update={"raw": parts.get(DOCUMENT)})
    if unlike := sorted(name for name in PARTS if parts.get(name) != _parts(evidence).get(name)):
        told = ", ".join(unlike)
        raise EvidenceError(f"not those the evidence is about: {told}", ja=f"証拠の内容と一致しません: {told}")
    return evidence


def _with_named(keys: KeyRing, evidence: bytes) -> KeyRing:
    """The keys one trusts, and those named in the evidence that they vouch for; what is not evidence is told later."""
    try:
        return learned(keys, read_evidence(evidence).keys)
    except EvidenceError:
        return keys


def _parts(evidence: Evidence) -> dict[str, bytes]:
    held = {
        DOCUMENT: evidence.raw,
        RECEIPT: evidence.receipt.encode(),
        CHECKPOINT: signed_by_log(evidence.checkpoint).encode(),
        STAMP: evidence.timestamp,
        EVIDENCE: write_evidence(evidence.model_copy(update={"raw": None})),
    }
    return {name: content for name, content in held.items() if content is not None}


def _manifest(parts: Mapping[str, bytes]) -> bytes:
    references = "".join(_reference(name, content) for name, content in parts.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"'
        ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n'
        f'<asic:SigReference URI="{SIGNATURE}" MimeType="application/x-pkcs7-signature"/>\n'
        f"{references}</asic:ASiCManifest>\n"
    ).encode()


def _reference(name: str, content: bytes) -> str:
    return (
        f"<asic:DataObjectReference URI={quoteattr(name)} MimeType={quoteattr(PARTS[name])}>"
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        f"<ds:DigestValue>{b64(sha256(content).digest())}</ds:DigestValue>"
        "</asic:DataObjectReference>\n"
    )


def _check_manifest(manifest: bytes, parts: Mapping[str, bytes]) -> None:
    unlisted = [name for name, content in parts.items() if _reference(name, content).encode() not in manifest]
    if unlisted:
        told = ", ".join(unlisted)
        raise EvidenceError(f"not as the manifest lists them: {told}", ja=f"マニフェストと一致しません: {told}")
    if manifest != _manifest(parts):
        raise EvidenceError(
            "the manifest lists something that is not there", ja="マニフェストにあるファイルが含まれていません。"
        )


def _check_signature(signature: bytes, manifest: bytes, keys: KeyRing) -> None:
    signed = read_signed(signature)
    if signed.content_type != DATA or spelled(signed) != signature or signed.content is not None:
        raise EvidenceError("not a detached signature", ja="分離署名の形式ではありません。")
    signed.check_content(manifest)
    signer = signed.signer()
    try:
        check_issued(signer, keys)
        public = signer.public_key()
        if not isinstance(public, EllipticCurvePublicKey):
            raise SignatureMismatch
        public.verify(signed.signature, signed.to_verify, ECDSA(SHA256()))
    except (InvalidSignature, ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
        raise SignatureMismatch(
            "the manifest's signature does not hold", ja="マニフェストの署名が一致しません。"
        ) from error


def _zipped(members: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, content)
    return written.getvalue()


def _unzipped(raw: bytes) -> dict[str, bytes]:
    """The members; none may be compressed, so that none is larger than the file, and none stands twice."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            if len(set(names)) < len(names) or any(m.compress_type or m.flag_bits & 1 for m in members):
                raise EvidenceError(
                    "the container is spelled otherwise than it is written", ja="コンテナが正規形ではありません。"
                )
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise EvidenceError("not a zip file", ja="zip ファイルとして読み取れません。") from error
