"""Evidence containers: openssl and our verifier take them, and nothing that was taken out, put in or changed passes."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from authority import Authority
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from sealed_log import SealedLog, key_of

from gateway.errors import EvidenceError
from gateway.security.canonical import b64, strict_b64
from gateway.security.checkpoints import signed_by_log
from gateway.security.cms import DATA, write_signed
from gateway.security.container import (
    CHECKPOINT,
    DOCUMENT,
    EVIDENCE,
    MANIFEST,
    MEDIA_TYPE,
    MIMETYPE,
    RECEIPT,
    SIGNATURE,
    STAMP,
    open_container,
    write_container,
)
from gateway.security.cosignatures import Quorum, Witness, cosign
from gateway.security.evidence import Evidence, write_evidence
from gateway.security.issuing import issuer_pem, one_time
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.timestamps import Authorities, ask, open_reply
from gateway.security.verify import Report, verify_evidence

NAME, NOW = "hayame.example", datetime.now(UTC) - timedelta(minutes=10)  # imported long before it runs
KEY, STRANGER = key_of(1), key_of(2)
KEYS = KeyRing([KEY.public])
ASIC, DSIG = "{http://uri.etsi.org/02918/v1.2.1#}", "{http://www.w3.org/2000/09/xmldsig#}"
Members = dict[str, bytes]


@cache
def authority() -> Authority:
    return Authority.fresh()


def trusted() -> Authorities:
    return Authorities((authority().root[0],))


@cache
def evidence() -> Evidence:
    """A stamped outcome of three lines, with its document."""
    log = SealedLog(KEY)
    log.add(b"first\n", b"second\n", b"third\n", findings=b'{"code":"R01","severity":"warn"}\n')
    log.add(b"only\n")
    found = log.evidence(log.sealed[0])
    query = ask(signed_by_log(found.checkpoint).encode())
    stamp = open_reply(authority().reply(query.raw), query, trusted(), datetime.now(UTC))
    return found.model_copy(update={"timestamp": stamp.token})


@cache
def container() -> bytes:
    return write_container(evidence(), KEY, NOW)


def members(raw: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(held: Members) -> bytes:
    """As the product writes it, whatever the members are."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in held.items():
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, content)
    return written.getvalue()


def examined(raw: bytes) -> Report:
    return verify_evidence(raw, KEYS, authorities=trusted())


def why(raw: bytes) -> str:
    """Why a container is refused before anything in it is looked at."""
    report = examined(raw)
    assert not report.holds
    assert {check.verdict for check in report.checks[1:]} == {"unchecked"}
    with pytest.raises(EvidenceError):
        open_container(raw, KEYS)
    return report.checks[0].detail_en


def manifest_of(held: Members) -> bytes:
    """A manifest that lists members as they are now."""
    text = members(container())[MANIFEST].decode()
    for name, content in members(container()).items():
        if name in held and name not in (MANIFEST, SIGNATURE, MIMETYPE):
            text = text.replace(b64(sha256(content).digest()), b64(sha256(held[name]).digest()))
    return text.encode()


def signed(manifest: bytes, key: SigningKey = KEY) -> bytes:
    return write_signed(DATA, manifest, one_time(key, NAME, NOW), detached=True)


def signed_anew(held: Members, key: SigningKey = KEY) -> bytes:
    """Members with a manifest and a signature made for them: by the gateway's own key, as only it could."""
    manifest = manifest_of(held)
    return zipped(held | {MANIFEST: manifest, SIGNATURE: signed(manifest, key)})


def test_a_container_holds_and_is_all_there_is(tmp_path: Path) -> None:
    report = examined(container())
    assert report.holds
    verdicts = {check.name: check.verdict for check in report.checks}
    assert verdicts | {"witnesses": "verified", "row_digests": "verified"} == dict.fromkeys(verdicts, "verified")
    assert list(members(container())) == [MIMETYPE, DOCUMENT, RECEIPT, CHECKPOINT, STAMP, EVIDENCE, MANIFEST, SIGNATURE]
    assert open_container(container(), KEYS) == evidence()
    assert zipped(members(container())) == container()


def test_it_says_what_it_is_in_its_first_bytes() -> None:
    assert container()[30:38] + container()[38 : 38 + len(MEDIA_TYPE)] == b"mimetype" + MEDIA_TYPE.encode()


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What somebody without our program has: the files, and the gateway's and the authority's certificates."""
    for name, content in members(container()).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "gateway.pem").write_text(issuer_pem(KEY, NAME))
    (tmp_path / "stranger.pem").write_text(issuer_pem(STRANGER, NAME))
    (tmp_path / "tsa.pem").write_bytes(authority().root[0].public_bytes(Encoding.PEM))
    return tmp_path


def openssl(folder: Path, command: str) -> int:
    return subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True, check=False).returncode


CMS = f"cms -verify -binary -inform DER -in {SIGNATURE} -content {MANIFEST} -CAfile %s -out verified"
TS = f"ts -verify -token_in -in {STAMP} -data {CHECKPOINT} -CAfile tsa.pem"


def test_openssl_accepts_signature_time_stamp_and_every_digest(unpacked: Path) -> None:
    assert openssl(unpacked, CMS % "gateway.pem") == 0
    assert openssl(unpacked, TS) == 0
    listed = etree.fromstring((unpacked / MANIFEST).read_bytes()).iter(f"{ASIC}DataObjectReference")
    digests = {str(one.get("URI")): strict_b64(one.findtext(f"{DSIG}DigestValue") or "") for one in listed}
    assert digests == {
        name: sha256((unpacked / name).read_bytes()).digest()
        for name in (DOCUMENT, RECEIPT, CHECKPOINT, STAMP, EVIDENCE)
    }


def test_openssl_refuses_what_was_altered_or_is_by_somebody_else(unpacked: Path) -> None:
    assert openssl(unpacked, CMS % "stranger.pem") != 0
    (unpacked / MANIFEST).write_bytes((unpacked / MANIFEST).read_bytes() + b"\n")
    assert openssl(unpacked, CMS % "gateway.pem") != 0
    (unpacked / CHECKPOINT).write_bytes(b"another")
    assert openssl(unpacked, TS) != 0


@pytest.mark.parametrize("name", [MIMETYPE, RECEIPT, CHECKPOINT, EVIDENCE, MANIFEST, SIGNATURE])
def test_a_container_with_a_needed_part_missing_is_refused(name: str) -> None:
    held = members(container())
    del held[name]
    assert why(zipped(held)) == f"missing from the container: {name}"


@pytest.mark.parametrize("name", [DOCUMENT, STAMP])
def test_a_container_with_a_listed_part_missing_is_refused(name: str) -> None:
    held = members(container())
    del held[name]
    assert why(zipped(held)) == "the manifest lists something that is not there"


@pytest.mark.parametrize("name", [DOCUMENT, RECEIPT, CHECKPOINT, STAMP, EVIDENCE])
def test_a_part_with_other_bytes_is_refused(name: str) -> None:
    held = members(container())
    held[name] = held[name][:-1] + bytes([held[name][-1] ^ 1])
    assert why(zipped(held)) == f"not as the manifest lists them: {name}"


@pytest.mark.parametrize("name", [DOCUMENT, RECEIPT, CHECKPOINT, STAMP, EVIDENCE])
def test_a_part_with_other_bytes_and_a_manifest_to_match_is_not_signed(name: str) -> None:
    held = members(container())
    held[name] = held[name][:-1] + bytes([held[name][-1] ^ 1])
    assert why(zipped(held | {MANIFEST: manifest_of(held)})) == "the signature is over other bytes"


def test_a_part_that_nobody_listed_is_refused() -> None:
    assert why(zipped(members(container()) | {"more": b"more"})) == "not an evidence container"
    listed = members(container())[MANIFEST].replace(f'URI="{DOCUMENT}"'.encode(), b'URI="another"')
    assert why(zipped(members(container()) | {MANIFEST: listed})) == f"not as the manifest lists them: {DOCUMENT}"


def test_a_container_signed_by_somebody_else_is_refused() -> None:
    assert why(signed_anew(members(container()), STRANGER)) == "the certificate was not issued by a key of the key file"


def test_a_signature_by_another_key_under_the_right_certificate_is_refused() -> None:
    certificate, _ = one_time(KEY, NAME, NOW)
    _, another = one_time(KEY, NAME, NOW)
    held = members(container())
    forged = write_signed(DATA, held[MANIFEST], (certificate, another), detached=True)
    assert why(zipped(held | {SIGNATURE: forged})) == "the manifest's signature does not hold"


def test_the_signature_of_another_container_is_refused() -> None:
    other = write_container(evidence().model_copy(update={"raw": None}), KEY, NOW)
    held = members(container()) | {SIGNATURE: members(other)[SIGNATURE]}
    assert why(zipped(held)) == "the signature is over other bytes"


def test_a_signature_that_is_none_or_holds_its_own_content_is_refused() -> None:
    held = members(container())
    attached = write_signed(DATA, held[MANIFEST], one_time(KEY, NAME, NOW))
    assert why(zipped(held | {SIGNATURE: attached})) == "not a detached signature"
    assert why(zipped(held | {SIGNATURE: b""})) == "not DER of the expected form"
    assert why(zipped(held | {SIGNATURE: held[STAMP]})) == "not a detached signature"


@pytest.mark.parametrize("name", [RECEIPT, CHECKPOINT, STAMP])
def test_a_part_that_is_not_the_one_the_evidence_is_about_is_refused_even_where_it_is_signed(name: str) -> None:
    held = members(container())
    held[name] = held[name][:-1] + bytes([held[name][-1] ^ 1])
    assert why(signed_anew(held)) == f"not those the evidence is about: {name}"


def _without_chain() -> Evidence:
    inclusion = evidence().inclusion
    return evidence().model_copy(update={"inclusion": inclusion.model_copy(update={"path": ()})})


def _other_chain() -> Evidence:
    inclusion = evidence().inclusion
    return evidence().model_copy(update={"inclusion": inclusion.model_copy(update={"path": (bytes(32),)})})


def _other_document() -> Evidence:
    return evidence().model_copy(update={"raw": b"another"})


def _stamp_of_another() -> Evidence:
    query = ask(b"another checkpoint")
    stamp = open_reply(authority().reply(query.raw), query, trusted(), datetime.now(UTC))
    return evidence().model_copy(update={"timestamp": stamp.token})


@pytest.mark.parametrize(
    ("make", "failed"),
    [
        (_without_chain, "inclusion"),
        (_other_chain, "inclusion"),
        (_other_document, "raw_digest"),
        (_stamp_of_another, "timestamp"),
    ],
)
def test_a_signed_container_whose_chain_is_missing_or_over_other_bytes_is_refused(
    make: Callable[[], Evidence], failed: str
) -> None:
    report = examined(write_container(make(), KEY, NOW))
    assert [check.name for check in report.checks if check.verdict == "failed"] == [failed]


def test_a_container_not_stamped_yet_holds_and_says_so() -> None:
    report = examined(write_container(evidence().model_copy(update={"timestamp": None}), KEY, NOW))
    assert report.holds
    [check] = [check for check in report.checks if check.name == "timestamp"]
    assert (check.verdict, check.detail_en) == ("unchecked", "not stamped by a third party yet")


def test_cosignatures_come_along_in_a_container_and_leave_the_stamp_as_it_was() -> None:
    note, witness = evidence().checkpoint, key_of(3)
    cosigned = note + cosign(note, "witness", witness, NOW)
    raw = write_container(evidence().model_copy(update={"checkpoint": cosigned}), KEY, NOW)
    assert members(raw)[CHECKPOINT] == note.encode()
    report = verify_evidence(raw, KEYS, Quorum((Witness("witness", witness.public),)), trusted())
    verdicts = {check.name: check.verdict for check in report.checks}
    assert (report.holds, verdicts["witnesses"], verdicts["timestamp"]) == (True, "verified", "verified")


def test_a_container_has_one_spelling() -> None:
    held = members(container())
    respelled = [
        zipped(dict(sorted(held.items()))),
        container() + b"\0",
        b"PK\x03\x04" + container(),
        _compressed(held),
        _doubled(held),
    ]
    for raw in respelled:
        assert not examined(raw).holds


def _compressed(held: Members) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    return written.getvalue()


def _doubled(held: Members) -> bytes:
    written = io.BytesIO(zipped(held))
    with zipfile.ZipFile(written, "a") as archive:
        archive.writestr(zipfile.ZipInfo("docvment"), b"another")
    return written.getvalue().replace(b"docvment", b"document")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    damaged = bytearray(container())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    assert not examined(bytes(damaged)).holds


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_lost_byte_goes_unnoticed(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(container()) - 1))
    assert not examined(container()[:start] + container()[data.draw(st.integers(start + 1, len(container()))) :]).holds


def test_the_issuers_certificate_is_always_the_same() -> None:
    assert issuer_pem(KEY, NAME) == issuer_pem(key_of(1), NAME)
    assert write_evidence(evidence()) == write_evidence(open_container(container(), KEYS))
