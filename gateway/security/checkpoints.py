"""Checkpoints: the signed head of a recipient's log, as a C2SP signed note that any transparency tool reads.

A note is text, a blank line, and signature lines. Lines by keys one does not know are ignored, so that witnesses and
later algorithms can add theirs; a line by a known key must hold.

Source:
    c2sp.org/signed-note, c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from gateway.errors import ConfigurationError, EvidenceError, SignatureMismatch
from gateway.security.canonical import b64, strict_b64, strict_b64url
from gateway.security.keys import ED25519, KeyRing, PublicKey, SigningKey

MOST_SIGNATURES = 100
KEY_NAME = re.compile(r"[^\s+]+")

_DASH = "\N{EM DASH} "
_ED25519_TYPE = b"\1"
_KEY_ID_BYTES = 4
_HASH_BYTES = 32
_ORIGIN = re.compile(r"([^\s+]+?)(?:/epoch-([1-9][0-9]{0,8}))?/recipients/([^\s+/]+)")
_TREE_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_UNFIT = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # control characters, and what is not UTF-8


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at one moment.

    Attributes:
        origin: which log.
        size: how many entries it has.
        root: RFC 6962 root over them.
        extension: further lines, opaque.
        signed_by: names of the known keys that signed it.
    """

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()
    signed_by: tuple[str, ...] = field(default=(), compare=False)


def log_origin(gateway: str, recipient: str, epoch: int = 1) -> str:
    """The name of a recipient's log, a schema-less address below the gateway's own name.

    A log that was rewound goes on under another name, since nobody may sign two histories under one. The epoch stands
    in front of the recipient, so that whoever looks at the end of the name still finds it there.

    Raises:
        ConfigurationError: the gateway's name would not do as the name of a key.

    >>> log_origin("hayame.example", "13")
    'hayame.example/recipients/13'
    >>> log_origin("hayame.example", "13", 2)
    'hayame.example/epoch-2/recipients/13'
    """
    if not KEY_NAME.fullmatch(gateway):
        raise ConfigurationError("the gateway's name may hold no space and no plus sign")
    return f"{gateway}{f'/epoch-{epoch}' if epoch > 1 else ''}/recipients/{recipient}"


def origin_parts(origin: str) -> tuple[str, int, str]:
    """Gateway, epoch and recipient of a log's name.

    Raises:
        EvidenceError: it is not such a name.

    >>> origin_parts("hayame.example/epoch-2/recipients/13")
    ('hayame.example', 2, '13')
    """
    parts = _ORIGIN.fullmatch(origin)
    if parts is None:
        raise EvidenceError("not the name of a recipient's log", ja="受領先のログの名前ではありません。")
    return parts[1], int(parts[2] or 1), parts[3]


def write_checkpoint(origin: str, size: int, root: bytes, *keys: SigningKey) -> str:
    """Sign the head of a log, by one key or, while one succeeds another, by both.

    Raises:
        ConfigurationError: a key is not Ed25519.
    """
    if any(key.algorithm is not ED25519 for key in keys):
        raise ConfigurationError("checkpoints are signed with Ed25519")
    text = f"{origin}\n{size}\n{b64(root)}\n"
    lines = (f"{_DASH}{origin} {b64(key_id(origin, key.public) + key.sign(text.encode()))}\n" for key in keys)
    return f"{text}\n{''.join(lines)}"


def open_checkpoint(note: str, keys: KeyRing) -> Checkpoint:
    """What a checkpoint says, once the log's own signature on it has been verified.

    Raises:
        SignatureMismatch: none of the keys signed it for its origin, or one that is said to have did not, or only keys
            did that were ended before.
        EvidenceError: it is not a checkpoint.
    """
    text, _ = parted_note(note)
    origin, *others = text[:-1].split("\n")
    signers = _signers(note, origin, keys)
    if len(others) < 2 or not all(others) or not _TREE_SIZE.fullmatch(others[0]):
        raise EvidenceError("the note is not a checkpoint", ja="チェックポイントの形式ではありません。")
    root = strict_b64(others[1])
    if len(root) != _HASH_BYTES:
        raise EvidenceError(
            "the checkpoint's root is not a SHA-256 hash", ja="チェックポイントのルートが正しくありません。"
        )
    size = int(others[0])
    count = tuple(key.kid for key in signers if _reaches(key, origin, size))
    if not count:
        raise SignatureMismatch(
            "the key that signed the checkpoint was ended before", ja="署名した鍵はそれ以前に失効しています。"
        )
    return Checkpoint(origin, size, root, tuple(others[2:]), count)


def is_known(note: str, keys: KeyRing) -> bool:
    """Whether a note names one of some keys as a signer of its log's head; nothing is verified.

    Raises:
        EvidenceError: it is not a signed note.
    """
    text, _ = parted_note(note)
    return bool(_lines_by(note, text.partition("\n")[0], keys))


def _reaches(key: PublicKey, origin: str, size: int) -> bool:
    """Whether a key still counts for a log of that size; one that was ended counts up to where the log stood then."""
    if key.signs_until is None:
        return True
    _, epoch, recipient = origin_parts(origin)
    return (epoch, size) <= tuple(key.signs_until.get(recipient, (0, 0)))


def open_note(note: str, name: str, keys: KeyRing) -> str:
    """The text of a signed note, once every signature on it by the named party's known keys has been verified.

    Keys that were announced to sign receipts are not known here: who has stolen one signs no log.

    Raises:
        SignatureMismatch: there is none, or one does not hold.
        EvidenceError: it is not a signed note.
    """
    _signers(note, name, keys)
    return parted_note(note)[0]


def _signers(note: str, name: str, keys: KeyRing) -> Sequence[PublicKey]:
    text, mine = parted_note(note)[0], _lines_by(note, name, keys)
    if not mine:
        raise SignatureMismatch("none of the given keys signed the note", ja="ノートに既知の鍵の署名がありません。")
    for key, signature in mine:
        key.verify(signature, text.encode())
    return [key for key, _ in mine]


def _lines_by(note: str, name: str, keys: KeyRing) -> list[tuple[PublicKey, bytes]]:
    known = {key_id(name, key): key for key in keys if key.algorithm is ED25519 and key.announced is None}
    return [(known[hint], made) for signer, hint, made in parted_note(note)[1] if signer == name and hint in known]


def signed_by_log(note: str) -> str:
    """The note as the log itself signed it: with its own signature, which comes first, and no later one.

    This is what a time stamp is over, so that a stamp stays good when cosignatures are added.

    Raises:
        EvidenceError: it is not a signed note.
    """
    text, _ = parted_note(note)
    return f"{text}\n{note[len(text) + 1 :].partition(chr(10))[0]}\n"


def key_id(name: str, key: PublicKey) -> bytes:
    """The four bytes by which a signature line hints at an Ed25519 key."""
    return sha256(name.encode() + b"\n" + _ED25519_TYPE + strict_b64url(key.members["x"])).digest()[:_KEY_ID_BYTES]


def parted_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """A note's text with its final newline, and its signatures as (name, key id, signature); nothing is verified.

    Raises:
        EvidenceError: it is not a signed note.
    """
    text, blank, lines = note.rpartition("\n\n")
    if not (text and blank and lines.endswith("\n")) or _UNFIT.search(note):
        raise EvidenceError("not a signed note", ja="署名付きノートの形式ではありません。")
    signatures = lines[:-1].split("\n")
    if len(signatures) > MOST_SIGNATURES:
        raise EvidenceError("the note has too many signatures", ja="ノートの署名が多すぎます。")
    return text + "\n", [_signature(line) for line in signatures]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    signed = strict_b64(encoded)
    if not (line.startswith(_DASH) and KEY_NAME.fullmatch(name) and len(signed) > _KEY_ID_BYTES):
        raise EvidenceError("a signature line of the note is malformed", ja="ノートの署名行の形式が正しくありません。")
    return name, signed[:_KEY_ID_BYTES], signed[_KEY_ID_BYTES:]
