"""The authority for tests, as a program: what it stamps is verified by the library and by openssl."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from rfc3161_client import TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response

from gateway.security.cms import in_order
from gateway.security.der import SEQUENCE, read, write

ROOT = Path(__file__).resolve().parents[3]
MESSAGE = b"what is to be stamped"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Its address, as it says it."""
    command = [sys.executable, "-m", "mocks.timestamp_authority", "--port", "0", "--certificates", tmp_path / "tsa.pem"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        yield program.stdout.readline().split()[2].rstrip(",")
        program.stdin.close()
        assert program.wait(30) == 0


def answered(url: str, query: bytes) -> bytes:
    request = urllib.request.Request(url, query, {"content-type": "application/timestamp-query"})
    with urllib.request.urlopen(request) as answer:
        reply: bytes = answer.read()
    return reply


def test_what_it_stamps_the_library_verifies(url: str, tmp_path: Path) -> None:
    query = TimestampRequestBuilder(MESSAGE).build()
    outer = read(answered(url, query.as_bytes())).inner()
    sorted_ = write(SEQUENCE, outer[0].raw, in_order(outer[1].raw))
    [root] = x509.load_pem_x509_certificates((tmp_path / "tsa.pem").read_bytes())
    verifier = VerifierBuilder.from_request(query).add_root_certificate(root).build()
    assert verifier.verify_message(decode_timestamp_response(sorted_), MESSAGE)


def test_what_it_stamps_openssl_verifies(url: str, tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(MESSAGE)
    run = ["openssl", "ts", "-query", "-data", "message", "-sha256", "-cert", "-out", "query"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "reply").write_bytes(answered(url, (tmp_path / "query").read_bytes()))
    run = ["openssl", "ts", "-verify", "-queryfile", "query", "-in", "reply", "-CAfile", "tsa.pem"]
    subprocess.run(run, cwd=tmp_path, check=True, capture_output=True)
