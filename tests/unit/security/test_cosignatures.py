from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from sealed_log import ORIGIN, key_of

from gateway.errors import ConfigurationError, EvidenceError, SignatureMismatch
from gateway.security.canonical import b64, strict_b64
from gateway.security.checkpoints import key_id, open_checkpoint, write_checkpoint
from gateway.security.cosignatures import Quorum, Witness, cosign, cosigner_id, find_cosignatures
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.merkle import leaf_hash

GATEWAY, FIRST, SECOND = key_of(1), key_of(2), key_of(3)
NOTE = write_checkpoint(ORIGIN, 7, leaf_hash(b"entry"), GATEWAY)
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
LINE = cosign(NOTE, "cgc-13", FIRST, AT)
ONE, OTHER = Witness("cgc-13", FIRST.public), Witness("federation", SECOND.public)


def line(name: str, content: bytes) -> str:
    return f"— {name} {b64(content)}\n"


def verified(note: str) -> None:
    """What a reader does who demands a cosignature."""
    open_checkpoint(note, KeyRing([GATEWAY.public]))
    Quorum((ONE,)).require(note)


def test_a_cosigned_checkpoint_names_its_witness_and_when() -> None:
    (found,) = find_cosignatures(NOTE + LINE, [ONE, OTHER])
    assert (found.witness, found.at, found.line) == ("cgc-13", AT, LINE)
    assert open_checkpoint(NOTE + LINE, KeyRing([GATEWAY.public])).size == 7


def test_lines_by_unknown_keys_are_ignored_also_longer_ones_as_of_later_algorithms() -> None:
    post_quantum = line("cgc-13", b"\6\6\6\6" + bytes(8 + 2_420))
    namesake = cosign(NOTE, "cgc-13", SECOND, AT)
    assert len(find_cosignatures(NOTE + post_quantum + namesake + LINE, [ONE])) == 1
    assert find_cosignatures(NOTE + LINE, []) == []


def test_a_plain_signature_by_the_same_key_is_no_cosignature() -> None:
    text = NOTE.partition("\n\n")[0] + "\n"
    plain = line("cgc-13", key_id("cgc-13", FIRST.public) + FIRST.sign(text.encode()))
    assert find_cosignatures(NOTE + plain, [ONE]) == []
    assert cosigner_id("cgc-13", FIRST.public) != key_id("cgc-13", FIRST.public)


@pytest.mark.parametrize(
    "stamped",
    [
        bytes(1),
        bytes(71),
        bytes(72),
        bytes(73),
        b"\xff" * 72,
        FIRST.sign(b"cosignature/v1\n"),
        int(AT.timestamp()).to_bytes(8, "big") + SECOND.sign(b"anything"),
    ],
    ids=["a byte", "too short", "nothing", "too long", "beyond all time", "no time", "another key"],
)
def test_a_malformed_line_of_a_trusted_witness_is_refused(stamped: bytes) -> None:
    false = line("cgc-13", cosigner_id("cgc-13", FIRST.public) + stamped)
    with pytest.raises(SignatureMismatch):
        find_cosignatures(NOTE + false, [ONE])
    with pytest.raises(SignatureMismatch):
        find_cosignatures(NOTE + LINE + false, [ONE])


def test_a_cosignature_of_another_checkpoint_does_not_hold() -> None:
    other = write_checkpoint(ORIGIN, 7, leaf_hash(b"another history"), GATEWAY)
    with pytest.raises(SignatureMismatch):
        find_cosignatures(other + LINE, [ONE])


def test_a_quorum_counts_witnesses_and_not_lines() -> None:
    later = cosign(NOTE, "cgc-13", FIRST, AT + timedelta(hours=1))
    quorum = Quorum((ONE, OTHER), 2)
    with pytest.raises(EvidenceError, match="1 of the named witnesses cosigned the checkpoint, 2 are required"):
        quorum.require(NOTE + later + LINE)
    both = NOTE + later + LINE + cosign(NOTE, "federation", SECOND, AT)
    assert quorum.require(both) == {"cgc-13": AT, "federation": AT}
    assert quorum.names == ["cgc-13", "federation"]


def test_a_witness_whose_key_was_exchanged_counts_once() -> None:
    exchanged = Quorum((ONE, Witness("cgc-13", SECOND.public)))
    assert exchanged.require(NOTE + LINE + cosign(NOTE, "cgc-13", SECOND, AT)) == {"cgc-13": AT}
    with pytest.raises(ConfigurationError):
        Quorum(exchanged.witnesses, 2)


@pytest.mark.parametrize("least", [-1, 0, 2])
def test_a_quorum_that_cannot_be_asked_for_is_refused(least: int) -> None:
    with pytest.raises(ConfigurationError):
        Quorum((ONE,), least)


def test_one_key_under_two_names_is_not_two_witnesses() -> None:
    with pytest.raises(ConfigurationError, match="share one key"):
        Quorum((ONE, Witness("federation", FIRST.public)), 2)


def test_only_ed25519_keys_cosign_and_under_names_that_fit_a_note() -> None:
    other_kind = SigningKey(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ConfigurationError):
        cosign(NOTE, "cgc-13", other_kind, AT)
    with pytest.raises(ConfigurationError):
        Quorum((Witness("cgc-13", other_kind.public),))
    with pytest.raises(ConfigurationError):
        cosign(NOTE, "cgc 13", FIRST, AT)


def test_only_a_signed_note_is_cosigned() -> None:
    with pytest.raises(EvidenceError):
        cosign(NOTE.partition("\n\n")[0] + "\n", "cgc-13", FIRST, AT)


@given(st.data())
def test_no_flipped_bit_of_a_cosignature_goes_unnoticed(data: st.DataObject) -> None:
    signed = bytearray(strict_b64(LINE.rstrip("\n").rpartition(" ")[2]))
    bit = data.draw(st.integers(0, len(signed) * 8 - 1))
    signed[bit // 8] ^= 1 << bit % 8
    note = NOTE + line("cgc-13", bytes(signed))
    with pytest.raises(EvidenceError):
        Quorum((ONE,)).require(note)
    if bit >= 32:  # beyond the hint at the key, by which a line is a stranger's
        with pytest.raises(SignatureMismatch):
            find_cosignatures(note, [ONE])


@given(st.data())
def test_no_changed_character_of_a_cosigned_note_goes_unnoticed(data: st.DataObject) -> None:
    note = NOTE + LINE
    at = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters().filter(lambda character: character != note[at]))
    changed = note[:at] + other + note[at + 1 :]
    with pytest.raises(EvidenceError):
        verified(changed)
