from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, EvidenceError, SignatureMismatch
from gateway.security.canonical import b64
from gateway.security.checkpoints import (
    MOST_SIGNATURES,
    Checkpoint,
    key_id,
    log_origin,
    open_checkpoint,
    open_note,
    write_checkpoint,
)
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.merkle import EMPTY_ROOT, leaf_hash

ORIGIN = "hayame.example/recipients/13"
ROOT = leaf_hash(b"entry")
FIXED = SigningKey.generate()


def signed(text: str, key: SigningKey, name: str = ORIGIN) -> str:
    """Any text as a note."""
    return f"{text}\n— {name} {b64(key_id(name, key.public) + key.sign(text.encode()))}\n"


def line(name: str, content: bytes) -> str:
    return f"— {name} {b64(content)}\n"


def test_a_recipients_log_is_named_below_the_gateway() -> None:
    assert log_origin("hayame.example", "13") == ORIGIN


@pytest.mark.parametrize("name", ["", "my gateway", "a+b", "a\nb", "全角　空白"])
def test_a_gateway_whose_name_cannot_name_a_key_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        log_origin(name, "13")


def test_a_checkpoint_says_what_was_written(key: SigningKey, keys: KeyRing) -> None:
    assert open_checkpoint(write_checkpoint(ORIGIN, 7, ROOT, key), keys) == Checkpoint(ORIGIN, 7, ROOT)
    assert open_checkpoint(write_checkpoint(ORIGIN, 0, EMPTY_ROOT, key), keys).size == 0


def test_a_checkpoint_is_four_lines_and_a_signature(key: SigningKey) -> None:
    *text, signature, end = write_checkpoint(ORIGIN, 7, ROOT, key).split("\n")
    assert (text, end) == ([ORIGIN, "7", b64(ROOT), ""], "")
    assert signature.startswith(f"— {ORIGIN} ")


def test_only_ed25519_keys_sign_checkpoints() -> None:
    with pytest.raises(ConfigurationError):
        write_checkpoint(ORIGIN, 7, ROOT, SigningKey(ec.generate_private_key(ec.SECP256R1())))


def test_a_checkpoint_by_a_stranger_is_refused(stranger: SigningKey, keys: KeyRing) -> None:
    with pytest.raises(SignatureMismatch):
        open_checkpoint(write_checkpoint(ORIGIN, 7, ROOT, stranger), keys)


def test_a_signature_for_another_log_does_not_count(key: SigningKey, keys: KeyRing) -> None:
    text = f"{ORIGIN}\n7\n{b64(ROOT)}\n"
    with pytest.raises(SignatureMismatch):
        open_checkpoint(signed(text, key, "hayame.example/recipients/27"), keys)


def test_lines_by_unknown_keys_are_ignored(key: SigningKey, stranger: SigningKey, keys: KeyRing) -> None:
    witness = line("witness.example/w1", b"\1\2\3\4" + bytes(72))
    post_quantum = line(ORIGIN, b"\5\6\7\10" + bytes(2_420))
    namesake = line("other.example", key_id(ORIGIN, key.public) + bytes(64))
    note = write_checkpoint(ORIGIN, 7, ROOT, key) + witness + post_quantum + namesake
    assert open_checkpoint(note, keys).size == 7
    rotated = KeyRing([stranger.public, key.public, SigningKey(ec.generate_private_key(ec.SECP256R1())).public])
    assert open_checkpoint(note, rotated).size == 7


def test_one_false_signature_by_a_known_key_spoils_the_note(key: SigningKey, keys: KeyRing) -> None:
    false = line(ORIGIN, key_id(ORIGIN, key.public) + bytes(64))
    with pytest.raises(SignatureMismatch):
        open_checkpoint(write_checkpoint(ORIGIN, 7, ROOT, key) + false, keys)


def test_extension_lines_are_kept_as_they_are(key: SigningKey, keys: KeyRing) -> None:
    note = signed(f"{ORIGIN}\n7\n{b64(ROOT)}\nepoch 2\nfurther\n", key)
    assert open_checkpoint(note, keys).extension == ("epoch 2", "further")


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n",
        f"{ORIGIN}\n07\n{b64(ROOT)}\n",
        f"{ORIGIN}\n-7\n{b64(ROOT)}\n",
        f"{ORIGIN}\n+7\n{b64(ROOT)}\n",
        f"{ORIGIN}\n7 \n{b64(ROOT)}\n",
        f"{ORIGIN}\n７\n{b64(ROOT)}\n",
        f"{ORIGIN}\n\n{b64(ROOT)}\n",
        f"{ORIGIN}\n{10**19}\n{b64(ROOT)}\n",
        f"{ORIGIN}\n7\n{b64(ROOT)[:-1]}\n",
        f"{ORIGIN}\n7\n{b64(ROOT[:-1])}\n",
        f"{ORIGIN}\n7\n{b64(ROOT)} \n",
        f"{ORIGIN}\n7\n{ROOT.hex()}\n",
        f"{ORIGIN}\n7\n{b64(ROOT)}\n\nafter a blank line\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError):
        open_checkpoint(signed(text, FIXED), KeyRing([FIXED.public]))


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: "",
        lambda note: "\n\n",
        lambda note: note[:-1],
        lambda note: note + "\n",
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\n", "\r\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("— ", "—"),
        lambda note: note.replace("— hayame", "— ha+yame"),
        lambda note: note + "— name-only\n",
        lambda note: note + "— name !!!!\n",
        lambda note: note + "— name AAAAAA==\n",
        lambda note: note + "—  AAAAAAAA\n",
        lambda note: note + "free text\n",
        lambda note: note + line("w.example", b"\1\2\3\4\5") * MOST_SIGNATURES,
        lambda note: "\t" + note,
        lambda note: "\ud800" + note,
        lambda note: note + note,
        lambda note: note.replace(b64(ROOT), b64(leaf_hash(b"other"))),
        lambda note: note.replace("\n7\n", "\n8\n"),
        lambda note: note.replace(ORIGIN, "hayame.example/recipients/27"),
    ],
)
def test_a_damaged_note_is_refused(damage: object) -> None:
    note = write_checkpoint(ORIGIN, 7, ROOT, FIXED)
    with pytest.raises(EvidenceError):
        open_checkpoint(damage(note), KeyRing([FIXED.public]))  # type: ignore[operator]  # one of the lambdas above


def test_a_note_may_hold_blank_lines(key: SigningKey, keys: KeyRing) -> None:
    text = "two\n\nparagraphs\n"
    assert open_note(signed(text, key), ORIGIN, keys) == text


@given(st.data())
def test_no_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    note = write_checkpoint(ORIGIN, 7, ROOT, FIXED)
    at = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters().filter(lambda character: character != note[at]))
    with pytest.raises(EvidenceError):
        open_checkpoint(note[:at] + other + note[at + 1 :], KeyRing([FIXED.public]))
