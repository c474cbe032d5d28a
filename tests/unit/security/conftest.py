"""Keys and a small log, the same in every test of this folder."""

from __future__ import annotations

import pytest
from sealed_log import SealedLog, key_of

from gateway.security.keys import KeyRing, SigningKey


@pytest.fixture
def key() -> SigningKey:
    return key_of(1)


@pytest.fixture
def stranger() -> SigningKey:
    return key_of(2)


@pytest.fixture
def keys(key: SigningKey) -> KeyRing:
    return KeyRing([key.public])


@pytest.fixture
def log(key: SigningKey) -> SealedLog:
    """Five statements: three lines, a refusal, one line, many lines, a refusal."""
    log = SealedLog(key)
    log.add(b"first\n", b"second\n", b"third\n", findings=b'{"code":"R01","severity":"warn"}\n')
    log.add(findings=b'{"code":"R02","severity":"refuse"}\n')
    log.add(b"only\n")
    log.add(*[b"row %d\n" % number for number in range(11)])
    log.add()
    return log
