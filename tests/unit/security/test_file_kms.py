"""Key-encryption keys in files: made once, renewed, dropped, and never taken when damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.security.kms import FileKms

KEY = bytes(range(32))


def test_a_renewed_key_wraps_and_the_earlier_one_unwraps_until_it_is_dropped(tmp_path: Path) -> None:
    kms = FileKms(tmp_path / "storage")
    earlier = kms.wrap(KEY)
    kms.renew()
    later = FileKms(tmp_path / "storage").wrap(KEY)
    assert [kms.unwrap(*one) for one in (earlier, later)] == [KEY, KEY]
    assert [name[:5] for name in kms.names()] == ["0001-", "0002-"]
    kms.drop()
    assert kms.unwrap(*later) == KEY
    with pytest.raises(ConfigurationError, match="not there"):
        kms.unwrap(*earlier)


def test_a_damaged_key_file_is_refused(tmp_path: Path) -> None:
    kms = FileKms(tmp_path)
    name, wrapped = kms.wrap(KEY)
    (tmp_path / f"{name}.key").write_bytes(bytes(32))
    with pytest.raises(ConfigurationError, match="damaged"):
        kms.unwrap(name, wrapped)
