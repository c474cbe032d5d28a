from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path

import pytest
from certificates import Authority, der_of
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, NotAuthentic
from gateway.security.canonical import b64url
from gateway.security.certificates import Proxies, client_context, server_context, thumbprint, told_by_proxy
from gateway.security.keys import SigningKey


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def der(authority: Authority) -> bytes:
    return der_of(authority.certify("client"))


def told(raw: bytes) -> str:
    return f":{base64.b64encode(raw).decode()}:"


def test_what_a_proxy_tells_is_the_hash_of_the_certificate(der: bytes) -> None:
    expected = b64url(sha256(der).digest())
    assert (thumbprint(der), told_by_proxy(told(der)), told_by_proxy(f" {told(der)}\t")) == (expected,) * 3


def test_what_is_not_exactly_one_byte_sequence_is_refused(der: bytes) -> None:
    good, plain = told(der), base64.b64encode(der).decode()
    for field in (
        "",
        ":",
        "::",
        plain,
        f'"{plain}"',
        f":{plain}",
        f"{plain}:",
        f":{plain[:40]} {plain[40:]}:",
        f":{plain.rstrip('=')}===:",
        f":{base64.urlsafe_b64encode(der + b'>>>???').decode()}:",
        f"{good}, {good}",
        f"{good};chain=1",
        f"{good[:-1]}::",
        "token",
        "-----BEGIN CERTIFICATE-----",
        told(b"0" * 16_384),
    ):
        with pytest.raises(NotAuthentic):
            told_by_proxy(field)


def test_what_is_not_a_whole_certificate_is_refused(der: bytes) -> None:
    for raw in (b"not one", der[:-1], der + b"\0", b"\x30\x00", SigningKey.generate().pem(), der[4:]):
        with pytest.raises(NotAuthentic) as caught:
            told_by_proxy(told(raw))
        assert caught.value.reason == "Client-Cert does not hold a certificate"


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    with pytest.raises(NotAuthentic):
        told_by_proxy(text)


def test_proxies_are_addresses_and_networks() -> None:
    proxies = Proxies(" 10.1.2.3, 192.168.0.0/16,2001:db8::/32 ")
    assert proxies
    assert [one for one in ("10.1.2.3", "192.168.7.7", "2001:db8::9", "::ffff:10.1.2.3") if one not in proxies] == []
    others = ("10.1.2.4", "192.169.0.1", "::1", "2001:db9::1", "::ffff:10.1.2.4", "proxy", "", None)
    assert [one for one in others if one in proxies] == []


def test_nobody_is_a_proxy_unless_named() -> None:
    assert not Proxies()
    assert "127.0.0.1" not in Proxies()


@pytest.mark.parametrize("listed", ["proxy.example", "10.0.0.0/99", "10.0.0.1/8", "10.0.0.1;10.0.0.2", "*"])
def test_what_is_no_address_stops_the_start(listed: str) -> None:
    with pytest.raises(ConfigurationError, match="HAYAME_CERTIFICATE_PROXIES"):
        Proxies(listed)


def test_files_that_do_not_fit_stop_the_start(authority: Authority, tmp_path: Path) -> None:
    certificate, other = authority.certify("server"), tmp_path / "key.pem"
    SigningKey.generate().save(other)
    (tmp_path / "none.pem").write_text("nothing")
    server_context(certificate, None, authority.file)
    for files in (
        (tmp_path / "missing.pem", None, None),
        (authority.file, None, None),
        (certificate, other, None),
        (certificate, None, tmp_path / "none.pem"),
    ):
        with pytest.raises(ConfigurationError, match="HAYAME_TLS_CERTIFICATE"):
            server_context(*files)
    for ca, own in ((tmp_path / "none.pem", None), (authority.file, tmp_path / "missing.pem"), (None, other)):
        with pytest.raises(ConfigurationError, match="--ca, --certificate"):
            client_context(ca, own)
