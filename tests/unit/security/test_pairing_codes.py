"""A pairing code says by itself that it is mistyped, however it is written."""

from __future__ import annotations

import pytest

from gateway.errors import Mistyped
from gateway.security.pairing_codes import ALPHABET, LENGTH, hash_of, new_code, read_code


def is_taken(typed: str) -> bool:
    try:
        read_code(typed)
    except Mistyped:
        return False
    return True


def test_codes_are_long_and_never_alike() -> None:
    made = {new_code() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {tuple(map(len, one.split("-"))) for one in made} == {(5, 5, 5, 5)}
    assert set("".join(made)) <= {*ALPHABET, "-"}
    assert len(ALPHABET) ** (LENGTH - 1) == 2**95


def test_every_wrong_symbol_at_every_place_is_noticed() -> None:
    plain = read_code(new_code())
    wrong = [
        plain[:at] + symbol + plain[at + 1 :] for at in range(LENGTH) for symbol in ALPHABET if symbol != plain[at]
    ]
    assert len(wrong) == LENGTH * 31
    assert [one for one in wrong if is_taken(one)] == []


def test_any_two_symbols_that_changed_places_are_noticed() -> None:
    plain = read_code(new_code())
    for first in range(LENGTH):
        for second in range(first):
            swapped = list(plain)
            swapped[first], swapped[second] = swapped[second], swapped[first]
            assert is_taken("".join(swapped)) == (plain[first] == plain[second])


@pytest.mark.parametrize("wrong", ["", "0", "ABCDE-FGHJK-MNPQR-STVW", "U" * 20, "０" * 64, "商店" * 10, "-" * 20])
def test_what_is_no_code_is_not_tried(wrong: str) -> None:
    assert not is_taken(wrong)


def test_it_is_read_as_people_and_their_keyboards_write_it() -> None:
    code = new_code()
    plain = read_code(code)
    wide = code.translate({ord(one): ord(one) + 0xFEE0 for one in code if one != "-"})
    for written in (code.lower(), code.replace("-", " "), code.replace("-", "ー"), wide, wide.replace("-", "−"), plain):
        assert read_code(written) == plain
    for kept, typed in (("0", "O"), ("1", "I"), ("1", "l")):
        assert read_code(code.replace(kept, typed)) == plain


def test_what_is_kept_of_a_code_is_a_hash() -> None:
    plain = read_code(new_code())
    assert len(hash_of(plain)) == 32
    assert plain.encode() not in hash_of(plain)
