"""Pairing codes: 95 random bits that a person types in, and a symbol by which a typing slip is told at once.

    H7QK2-9TDMA-X0V4R-ZB3NE      19 symbols by chance, the last follows from them

The last symbol is what a polynomial over GF(32) leaves (x⁵ + x² + 1, as CRC-5 has it; each symbol weighs another power
of x): one wrong symbol, or two that changed places anywhere, never go unnoticed. Crockford's own check symbols
(``*~$=U``) cannot be typed on a Japanese keypad. Of a code only the hash is kept: with 95 bits nobody finds it from
that, nor by trying.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

from gateway.errors import Mistyped
from gateway.security.words import plain_code

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is read as something else
LENGTH, GROUP = 20, 5
LONGEST = 64  # characters, with whatever people put between them
_DASHES = str.maketrans("", "", "‐‑‒–—―−ー－ｰ")


def new_code() -> str:
    """A code as people read it out."""
    by_chance = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    plain = by_chance + _check_symbol(by_chance)
    return "-".join(plain[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def read_code(typed: str) -> str:
    """A code without what people and keyboards add: full-width letters, small ones, dashes, blanks, O for 0.

    Raises:
        Mistyped: it is none, or a symbol of it is wrong.

    >>> read_code("０１２３４-56789 abcde_fghjt".replace("_", "ー"))
    '0123456789ABCDEFGHJT'
    """
    plain = plain_code(unicodedata.normalize("NFKC", typed).translate(_DASHES))
    if len(plain) != LENGTH or not set(plain) <= set(ALPHABET) or _check_symbol(plain[:-1]) != plain[-1]:
        raise Mistyped
    return plain


def hash_of(plain: str) -> bytes:
    """By what a code is kept and found: SHA-256."""
    return hashlib.sha256(f"hayame-pairing {plain}".encode()).digest()


def _check_symbol(symbols: str) -> str:
    left = 0
    for symbol in symbols:
        left = (left ^ ALPHABET.index(symbol)) << 1
        left ^= 0b100101 if left & 32 else 0
    return ALPHABET[left]
