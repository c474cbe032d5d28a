"""Time stamps: what a trusted authority says is taken, and everything else is refused, however it is made up."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from authority import DAY, Authority, between, root, stamper
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

from gateway.errors import ConfigurationError, EvidenceError, PeerError, SignatureMismatch
from gateway.security.cms import DATA, write_signed
from gateway.security.der import SEQUENCE, integer, read, write
from gateway.security.timestamps import MOST_BYTES, TST_INFO, Authorities, Stamp, ask, check_token, open_reply
from mocks import timestamp_authority as program

MESSAGE = b"hayame.example/recipients/13\n3\nAAAA\n\n-- a checkpoint\n"
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@cache
def good() -> Authority:
    return Authority.fresh()


def trusted() -> Authorities:
    return Authorities((good().root[0],))


def now() -> datetime:
    return datetime.now(UTC)


def stamp(authority: Authority, message: bytes = MESSAGE) -> Stamp:
    query = ask(message)
    return open_reply(authority.reply(query.raw), query, trusted(), now())


def like_good(**changes: Any) -> Authority:
    return replace(good(), **changes)


def response(token: bytes) -> bytes:
    return write(SEQUENCE, write(SEQUENCE, integer(0)), token)


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> program.Authority:
    """The authority that runs openssl."""
    return program.Authority(tmp_path_factory.mktemp("authority"))


def by_openssl(folder: Path, token: bytes, message: bytes, trusted_pem: bytes) -> int:
    """What ``openssl ts -verify`` ends with."""
    for name, content in (("token", token), ("message", message), ("root.pem", trusted_pem)):
        (folder / name).write_bytes(content)
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "message", "-CAfile", "root.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def test_a_stamp_holds_and_names_its_instant(tmp_path: Path) -> None:
    stamped = stamp(good())
    assert abs(stamped.at - now()) < timedelta(minutes=1)
    assert check_token(stamped.token, MESSAGE, trusted()) == stamped.at
    assert by_openssl(tmp_path, stamped.token, MESSAGE, good().trusted_pem()) == 0


def test_it_is_over_these_bytes_and_no_others(tmp_path: Path) -> None:
    token = stamp(good()).token
    with pytest.raises(SignatureMismatch):
        check_token(token, MESSAGE + b"\n", trusted())
    assert by_openssl(tmp_path, token, MESSAGE + b"\n", good().trusted_pem()) != 0


@pytest.mark.parametrize("along", [(), ("root",), ("stamper", "root")], ids=["alone", "unsorted", "twice"])
def test_stamps_by_openssl_hold_also_with_certificates_out_of_order(
    openssl: program.Authority, tmp_path: Path, along: tuple[str, ...]
) -> None:
    openssl.send_along(*along)
    authorities, query = Authorities.load(openssl.root), ask(MESSAGE)
    reply = openssl.reply(query.raw)
    if along:
        with pytest.raises(ValueError, match="InvalidSetOrdering"):
            decode_timestamp_response(reply)
    stamped = open_reply(reply, query, authorities, now())
    assert by_openssl(tmp_path, stamped.token, MESSAGE, openssl.root.read_bytes()) == 0
    alone = VerifierBuilder(roots=list(authorities.roots)).build()
    assert alone.verify_message(decode_timestamp_response(response(stamped.token)), MESSAGE)


@pytest.mark.parametrize("fault", ["imprint", "nonce", "signature", "clock"])
def test_a_stamp_with_one_thing_wrong_is_refused(fault: str) -> None:
    with pytest.raises(SignatureMismatch):
        stamp(like_good(fault=fault))


def test_an_authority_that_rejects_gave_no_stamp() -> None:
    with pytest.raises(PeerError):
        stamp(like_good(fault="rejects"))


@pytest.mark.parametrize("fault", ["truncated", "huge"])
def test_what_is_no_reply_is_refused(fault: str) -> None:
    with pytest.raises(EvidenceError):
        stamp(like_good(fault=fault))


def test_the_answer_to_another_query_is_refused() -> None:
    before, query = ask(MESSAGE), ask(MESSAGE)
    with pytest.raises(SignatureMismatch):
        open_reply(good().reply(before.raw), query, trusted(), now())


def test_a_certificate_that_had_expired_when_it_stamped_is_refused() -> None:
    with pytest.raises(SignatureMismatch, match="certificate has expired"):
        stamp(like_good(own=stamper(good().root, ends=-DAY)))


@pytest.mark.parametrize(
    "purposes",
    [(), (SERVER,), (SERVER, STAMPING), (STAMPING, SERVER)],
    ids=["none", "server", "both", "both, reversed"],
)
def test_a_certificate_that_is_not_for_stamping_alone_is_refused(purposes: tuple[Any, ...]) -> None:
    with pytest.raises(SignatureMismatch, match="not one for time stamps"):
        stamp(like_good(own=stamper(good().root, purposes=purposes)))


def test_an_authority_nobody_trusts_is_refused_whatever_it_sends_along() -> None:
    for other in (root(), root("Another Root")):
        for along in ((), (other[0],), (other[0], good().root[0], good().own[0])):
            with pytest.raises(SignatureMismatch):
                stamp(Authority(other, stamper(other), along))


def test_a_certificate_between_root_and_signer_comes_along_or_is_configured() -> None:
    office = between(good().root)
    own, query = stamper(office), ask(MESSAGE)
    known = Authorities(trusted().roots, (office[0],))
    stamp(like_good(own=own, others=(office[0],)))
    assert open_reply(like_good(own=own).reply(query.raw), query, known, now())
    with pytest.raises(SignatureMismatch):
        open_reply(like_good(own=own).reply(query.raw), query, trusted(), now())


def test_a_certificate_that_comes_along_is_never_a_root() -> None:
    stranger = root("Another Root")
    office = between(stranger)
    with pytest.raises(SignatureMismatch):
        stamp(like_good(own=stamper(office), others=(office[0], stranger[0])))


@pytest.mark.parametrize("digest", ["sha1", "sha384"])
def test_authorities_that_name_their_certificate_by_another_hash_are_understood(tmp_path: Path, digest: str) -> None:
    authority, query = program.Authority(tmp_path), ask(MESSAGE)
    file = tmp_path / "authority.cnf"
    file.write_text(file.read_text().replace("ess_cert_id_alg = sha256", f"ess_cert_id_alg = {digest}"))
    assert open_reply(authority.reply(query.raw), query, Authorities.load(authority.root), now())


def test_a_weakly_hashed_token_is_refused(tmp_path: Path) -> None:
    authority, query = program.Authority(tmp_path), ask(MESSAGE)
    file = tmp_path / "authority.cnf"
    file.write_text(file.read_text().replace("signer_digest = sha256", "signer_digest = sha1"))
    with pytest.raises(EvidenceError, match="weakly hashed"):
        open_reply(authority.reply(query.raw), query, Authorities.load(authority.root), now())


def test_certificates_sent_along_besides_do_no_harm() -> None:
    stamp(like_good(others=(good().root[0], root()[0])))


def test_a_certificate_injected_beside_the_signers_does_not_lend_its_purpose() -> None:
    server = stamper(good().root, purposes=(SERVER,))
    for along in ((good().own[0],), (stamper(root(), serial=server[0].serial_number)[0],)):
        with pytest.raises(SignatureMismatch):
            stamp(like_good(own=server, others=along))


def test_a_namesake_beside_the_signers_certificate_is_refused_in_every_order() -> None:
    """Same issuer, same number, another key: which of the two is meant only the signed hash tells."""
    for _ in range(8):
        namesake = stamper(root(), serial=good().own[0].serial_number)
        with pytest.raises(SignatureMismatch, match="missing or another"):
            stamp(like_good(others=(namesake[0],)))


def test_a_token_without_its_signers_certificate_is_refused() -> None:
    token = stamp(good()).token
    outer = read(token).inner()
    parts = outer[1].inner()[0].inner()
    bare = write(SEQUENCE, outer[0].raw, write(0xA0, write(SEQUENCE, *(one.raw for one in parts if one.tag != 0xA0))))
    with pytest.raises(SignatureMismatch):
        check_token(bare, MESSAGE, trusted())


def test_a_signed_message_that_is_not_a_time_stamp_is_refused() -> None:
    for kind, content in ((DATA, MESSAGE), (TST_INFO, b"")):
        with pytest.raises(EvidenceError):
            check_token(write_signed(kind, content, good().own), MESSAGE, trusted())


def test_too_large_a_token_is_not_read_at_all() -> None:
    with pytest.raises(EvidenceError, match="too large"):
        check_token(bytes(MOST_BYTES + 1), MESSAGE, trusted())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(at=st.integers(min_value=0), byte=st.integers(0, 255), cut=st.booleans())
def test_a_token_that_was_touched_anywhere_never_proves_another_instant(at: int, byte: int, cut: bool) -> None:
    stamped = fixed()
    at %= len(stamped.token)
    touched = stamped.token[:at] if cut else stamped.token[:at] + bytes([byte]) + stamped.token[at + 1 :]
    try:
        assert check_token(touched, MESSAGE, trusted()) == stamped.at
    except EvidenceError:
        return
    assert not cut


@cache
def fixed() -> Stamp:
    return stamp(like_good(others=(good().root[0],)))


def test_a_file_without_a_root_is_no_trust(tmp_path: Path) -> None:
    file = tmp_path / "tsa.pem"
    for content in (None, b"", b"not PEM", program_stamper(tmp_path)):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigurationError, match="no root"):
            Authorities.load(file)


def program_stamper(folder: Path) -> bytes:
    (folder / "authority").mkdir()
    program.Authority(folder / "authority")
    return (folder / "authority" / "stamper.pem").read_bytes()


def test_the_library_alone_agrees_on_who_is_refused() -> None:
    """What we look at ourselves comes on top of what the library refuses, and does not replace it."""
    own = stamper(root())
    token = write_signed(TST_INFO, read_info(stamp(good()).token), own)
    with pytest.raises(VerificationError):
        VerifierBuilder(roots=[good().root[0]]).build().verify_message(
            decode_timestamp_response(response(token)), MESSAGE
        )


def read_info(token: bytes) -> bytes:
    content = read(token).inner()[1].inner()[0].inner()[2].inner()[1]
    return content.inner()[0].content
