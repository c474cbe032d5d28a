"""Where key-encryption keys come from: files beside the signing key, or the operator's environment.

Either is 32 bytes behind ``ports.Kms``; what a key service would have to answer is no more than that. A key wraps
others by AES key wrap (RFC 3394). It is named by the first eight hex digits of the SHA-256 of what it is.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from gateway.errors import ConfigurationError

KEY = 32


class FileKms:
    """One file for each key, in a folder: ``0001-ab12cd34.key``. The highest number is current.

    Only their owner can read them. The folder is looked at anew each time, which is seldom: other processes make and
    drop keys too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> str:
        """Name of the newest key; the first is made when it is first asked for."""
        names = self.names()
        while not names:
            self._make(1)
            names = self.names()
        return names[-1]

    def wrap(self, key: bytes) -> tuple[str, bytes]:
        """A key wrapped by the current one, and its name."""
        name = self.current()
        return name, aes_key_wrap(self._read(name), key)

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The key as it was; see ``ports.Kms``."""
        return _unwrap(self._read(name), wrapped, name)

    def renew(self) -> None:
        """Make a new key, current from now on."""
        self._make(int(self.current().partition("-")[0]) + 1)

    def drop(self) -> None:
        """Overwrite and remove the files of every key but the current one."""
        for name in self.names()[:-1]:
            path = self._folder / f"{name}.key"
            with suppress(FileNotFoundError):
                with path.open("r+b") as file:
                    file.write(bytes(KEY))
                    file.flush()
                    os.fsync(file.fileno())
                path.unlink()

    def names(self) -> Sequence[str]:
        """Names of the keys that are there, the current one last."""
        return sorted(path.stem for path in self._folder.glob("*.key"))

    def _make(self, number: int) -> None:
        """A new key file, whole or not at all; of several processes that make one at once, one does."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine, key = self._folder / f".{os.getpid()}.{os.urandom(4).hex()}", os.urandom(KEY)
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        mine.rename(self._folder / f"{number:04d}-{_fingerprint(key)}.key")
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _read(self, name: str) -> bytes:
        try:
            key = (self._folder / f"{name}.key").read_bytes()
        except OSError as error:
            raise _missing(name) from error
        if len(key) != KEY or not name.endswith(_fingerprint(key)):
            raise ConfigurationError(f"the file of key-encryption key {name} is damaged")
        return key


class GivenKms:
    """Keys that the operator gives: base64, separated by spaces or commas, the current one first.

    Raises:
        ConfigurationError: none is given, or one is not 32 bytes in base64.
    """

    def __init__(self, given: str) -> None:
        try:
            keys = [base64.b64decode(one, validate=True) for one in given.replace(",", " ").split()]
        except binascii.Error as error:
            raise ConfigurationError("HAYAME_STORAGE_KEYS: a key is not base64") from error
        if not keys or any(len(key) != KEY for key in keys):
            raise ConfigurationError("HAYAME_STORAGE_KEYS: a key is 32 bytes, in base64")
        self._keys = {_fingerprint(key): key for key in keys}
        self._current = _fingerprint(keys[0])

    def current(self) -> str:
        """Name of the first key."""
        return self._current

    def wrap(self, key: bytes) -> tuple[str, bytes]:
        """A key wrapped by the first one, and its name."""
        return self._current, aes_key_wrap(self._keys[self._current], key)

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The key as it was; see ``ports.Kms``."""
        if name not in self._keys:
            raise _missing(name)
        return _unwrap(self._keys[name], wrapped, name)

    def renew(self) -> None:
        """Nothing: the operator puts a new key first."""

    def names(self) -> Sequence[str]:
        """Names of the keys that were given, the current one first."""
        return list(self._keys)

    def drop(self) -> None:
        """Nothing: the operator takes the others out."""


def _fingerprint(key: bytes) -> str:
    return sha256(b"hayame key-encryption key" + key).hexdigest()[:8]


def _unwrap(key: bytes, wrapped: bytes, name: str) -> bytes:
    try:
        return aes_key_unwrap(key, wrapped)
    except InvalidUnwrap as error:
        raise ConfigurationError(f"key-encryption key {name} did not wrap this") from error


def _missing(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"the key-encryption key {name} is not there: without it nothing stored can be read",
        ja=f"鍵暗号化鍵 {name} がありません。保存した内容を読み取れません。",
    )
