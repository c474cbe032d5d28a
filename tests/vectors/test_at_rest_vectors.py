"""The primitives of encryption at rest against their published vectors, and our own format against a pinned value."""

from __future__ import annotations

import base64

import pytest
from stored import Shelf

from gateway.errors import ConfigurationError
from gateway.ports import Spot, StoredKey
from gateway.runtime.clock import SystemClock
from gateway.security import at_rest
from gateway.security.at_rest import AtRest
from gateway.security.kms import GivenKms
from gateway.security.owner_keys import OwnerKeys

WRAPPING = bytes(range(32))
WRAPPED = bytes.fromhex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21")
PLAIN_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F")


def kms(*keys: bytes) -> GivenKms:
    return GivenKms(",".join(base64.b64encode(key).decode() for key in keys))


def test_keys_are_wrapped_as_rfc_3394_section_4_6_does() -> None:
    given = kms(WRAPPING)
    name, wrapped = given.wrap(PLAIN_KEY)
    assert wrapped == WRAPPED
    assert given.unwrap(name, WRAPPED) == PLAIN_KEY


def test_the_first_of_several_keys_wraps_and_all_of_them_unwrap() -> None:
    name, wrapped = kms(WRAPPING).wrap(PLAIN_KEY)
    both = kms(PLAIN_KEY, WRAPPING)
    assert (both.unwrap(name, wrapped), both.current() == name) == (PLAIN_KEY, False)
    with pytest.raises(ConfigurationError):
        kms(PLAIN_KEY).unwrap(name, wrapped)
    with pytest.raises(ConfigurationError):
        both.unwrap(both.current(), wrapped)


@pytest.mark.parametrize("given", ["", " , ", "not base64!", base64.b64encode(bytes(16)).decode()])
def test_keys_of_another_form_are_refused(given: str) -> None:
    with pytest.raises(ConfigurationError):
        GivenKms(given)


def test_values_are_sealed_as_the_specification_of_gcm_does_in_its_test_case_16() -> None:
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    bound = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    closed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    assert at_rest.AESGCM(key).encrypt(nonce, plain, bound) == closed
    assert at_rest.AESGCM(key).decrypt(nonce, closed, bound) == plain


SPOT = Spot("line_block", "payload", "01k0submission", "13", 2)
KEY = StoredKey(b"\x01" * 8, "13", 2026, kms(WRAPPING).current(), WRAPPED)


def test_a_value_closed_by_an_earlier_version_still_opens() -> None:
    shelf = Shelf()
    shelf.keys[KEY.id] = KEY
    assert AtRest(OwnerKeys(kms(WRAPPING), shelf, SystemClock())).open(SPOT, bytes.fromhex(PINNED)) == "早め".encode()


PINNED = (
    "0101010101010101010135b1cee9b64eee85306635fdc840dddafa0815e8fa33cde5f22b2d18b753"
    "4fae200540735350f6647bde024b0dfbaf5f4156d32b63344c1ebf7be3f553e464143407a5770404"
    "65197311"
)
