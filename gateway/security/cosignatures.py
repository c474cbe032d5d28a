"""Cosignatures: a witness says that it saw a checkpoint, when, and that it continues what it had seen before.

They are further signature lines of the checkpoint's note. Lines by others than the witnesses one names are ignored;
a line by one of those must hold.

Source:
    c2sp.org/tlog-cosignature (cosignature/v1, Ed25519).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from gateway.errors import ConfigurationError, EvidenceError, SignatureMismatch
from gateway.security.canonical import b64, strict_b64url
from gateway.security.checkpoints import KEY_NAME, parted_note
from gateway.security.keys import ED25519, KeyRing, PublicKey, SigningKey

_TYPE = b"\4"
_ID_BYTES, _TIME_BYTES, _SIGNATURE_BYTES = 4, 8, 64
_MOST_SECONDS = 253_402_300_799  # the last second that a datetime can say


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody whose cosignatures one trusts: the name its lines go by, and its key."""

    name: str
    key: PublicKey


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A line that was found to hold: whose it is, when it was made by the witness's clock, the line itself."""

    witness: str
    at: datetime
    line: str


@dataclass(frozen=True, slots=True)
class Quorum:
    """Which witnesses one trusts, and how many of them must have seen a checkpoint.

    Raises:
        ConfigurationError: there are not so many, or one key goes by two names and would be counted twice.
    """

    witnesses: tuple[Witness, ...]
    least: int = 1

    def __post_init__(self) -> None:
        names = {one.name for one in self.witnesses}
        owners = {(one.name, _raw(one.key)) for one in self.witnesses}
        if len(owners) > len({key for _, key in owners}):  # what is signed does not say its maker's name
            raise ConfigurationError("two witnesses share one key", ja="複数の立会人に同じ鍵が指定されています。")
        if not 1 <= self.least <= len(names):
            raise ConfigurationError(
                f"{self.least} of {len(names)} witnesses cannot be asked for",
                ja=f"立会人 {len(names)} 者に対して必要数 {self.least} は指定できません。",
            )

    @property
    def names(self) -> list[str]:
        """The witnesses' names, each once."""
        return sorted({one.name for one in self.witnesses})

    def require(self, note: str) -> dict[str, datetime]:
        """Which of the witnesses cosigned a checkpoint, and when first.

        Raises:
            SignatureMismatch: a line said to be by one of them does not hold.
            EvidenceError: too few did, or it is not a signed note.
        """
        found: dict[str, datetime] = {}
        for one in find_cosignatures(note, self.witnesses):
            found[one.witness] = min(one.at, found.get(one.witness, one.at))
        if len(found) < self.least:
            raise EvidenceError(
                f"{len(found)} of the named witnesses cosigned the checkpoint, {self.least} are required",
                ja=f"指定された立会人の署名は {len(found)} 件です(必要数 {self.least} 件)。",
            )
        return found


def read_quorum(named: Iterable[str] | None, least: int = 0) -> Quorum:
    """The witnesses somebody trusts, each given as ``NAME=KEYFILE``; all of them are required unless fewer are said.

    Raises:
        ConfigurationError: one is not given like this, or its file holds no key that cosigns.
    """
    trusted = []
    for text in named or ():
        name, _, file = text.partition("=")
        if not (name and file):
            raise ConfigurationError("say NAME=KEYFILE of a witness", ja="立会人は NAME=KEYFILE の形で指定します。")
        trusted += [Witness(name, key) for key in KeyRing.parse(Path(file).read_bytes())]
    return Quorum(tuple(trusted), least or max(len({one.name for one in trusted}), 1))


def cosign(note: str, name: str, key: SigningKey, at: datetime) -> str:
    """The line by which a witness cosigns a checkpoint that it has verified, to be added at the end of the note.

    Raises:
        ConfigurationError: the key is not Ed25519, or the name cannot stand in a note.
        EvidenceError: it is not a signed note.
    """
    if not KEY_NAME.fullmatch(name):
        raise ConfigurationError("the name of a witness may hold no space and no plus sign")
    text, _ = parted_note(note)
    seconds = int(at.timestamp())
    stamped = seconds.to_bytes(_TIME_BYTES, "big") + key.sign(_message(text, seconds))
    return _line(name, cosigner_id(name, key.public), stamped)


def find_cosignatures(note: str, witnesses: Iterable[Witness]) -> list[Cosignature]:
    """The lines by which some witnesses cosigned a checkpoint, in order; lines by others are ignored.

    Raises:
        SignatureMismatch: a line said to be by one of them does not hold.
        EvidenceError: it is not a signed note.
    """
    text, signatures = parted_note(note)
    known = {(one.name, cosigner_id(one.name, one.key)): one.key for one in witnesses}
    found = []
    for name, hint, stamped in signatures:
        key = known.get((name, hint))
        if key is not None:
            found.append(Cosignature(name, _verified(text, stamped, key), _line(name, hint, stamped)))
    return found


def cosigner_id(name: str, key: PublicKey) -> bytes:
    """The four bytes by which a cosignature hints at its key; others than those of the same key's plain signatures.

    Raises:
        ConfigurationError: the key is not Ed25519.
    """
    return sha256(name.encode() + b"\n" + _TYPE + _raw(key)).digest()[:_ID_BYTES]


def _raw(key: PublicKey) -> bytes:
    if key.algorithm is not ED25519:
        raise ConfigurationError("checkpoints are cosigned with Ed25519", ja="立会署名には Ed25519 の鍵が必要です。")
    return strict_b64url(key.members["x"])


def _verified(text: str, stamped: bytes, key: PublicKey) -> datetime:
    seconds = int.from_bytes(stamped[:_TIME_BYTES], "big")
    if len(stamped) != _TIME_BYTES + _SIGNATURE_BYTES or seconds > _MOST_SECONDS:
        raise SignatureMismatch
    key.verify(stamped[_TIME_BYTES:], _message(text, seconds))
    return datetime.fromtimestamp(seconds, UTC)


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _line(name: str, hint: bytes, stamped: bytes) -> str:
    return f"\N{EM DASH} {name} {b64(hint + stamped)}\n"
