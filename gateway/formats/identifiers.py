"""Numbers that name people, loans and firms, as documents print them."""

from __future__ import annotations

import re
import unicodedata

from gateway.formats.text import narrow

_DASHES = re.compile("[\u2010-\u2015\u2212ー]")
_LOOKED_AT = 1_000
_TWELVE_DIGITS = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_INVOICE = re.compile(r"T([0-9]{13})")


def my_number_holds(digits: str) -> bool:
    """Whether twelve digits carry the check digit of a 個人番号 (My Number).

    One in ten of random numbers does: never alone a proof that a My Number is there.

    Source: check digit ordinance of the My Number act; domain note 3.3.

    >>> my_number_holds("123456789018"), my_number_holds("123456789012")
    (True, False)
    """
    if not (len(digits) == 12 and digits.isascii() and digits.isdigit()):
        return False
    weighted = sum(int(digit) * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(digits[:11]), start=1))
    remainder = weighted % 11
    return int(digits[11]) == (0 if remainder <= 1 else 11 - remainder)


def normal_number(text: str) -> str:
    """A guarantee or loan number in the one spelling we compare: NFKC, upper case, one kind of dash, no outer spaces.

    >>> normal_number(" ａ１２ー３４ ")
    'A12-34'
    """
    upper = unicodedata.normalize("NFKC", text).upper()
    return _DASHES.sub("-", unicodedata.normalize("NFKC", upper)).strip()


def invoice_number_digits(text: str) -> str | None:
    """The 13 digits of a qualified invoice issuer's number (``T`` and 13 digits, dashes allowed), else None.

    A sole proprietor's digits carry no corporate check digit, so none is asked for.

    Source: domain note 3.2.

    >>> invoice_number_digits("Ｔ7-0000-1205-0002"), invoice_number_digits("7000012050002")
    ('7000012050002', None)
    """
    found = _INVOICE.fullmatch(_DASHES.sub("-", narrow(text)).replace("-", "").strip().upper())
    return found[1] if found else None


def shown(value: object, longest: int = 40) -> str:
    """A value as a finding may quote it: one short line, and nothing in it that could be a My Number.

    >>> shown("番号 123456789018"), shown("x" * 50)
    ('番号 ************', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…')
    """
    line = " ".join(str(value)[:_LOOKED_AT].split())
    safe = _TWELVE_DIGITS.sub(lambda found: "*" * 12 if my_number_holds(found[0]) else found[0], line)
    return safe if len(safe) <= longest else safe[: longest - 1] + "…"
