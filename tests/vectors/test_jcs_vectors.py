"""The JSON Canonicalization Scheme's own test data (github.com/cyberphone/json-canonicalization, Apache-2.0).

Two files lie outside our profile (floats, member names that are not ASCII); of them it is shown that they are refused.
"""

from __future__ import annotations

import json

import pytest
from sample_files import samples

from gateway.errors import EvidenceError
from gateway.security.canonical import canonical, check_profile, strict_load


@pytest.mark.parametrize("name", ["arrays", "structures"])
def test_what_is_within_the_profile_has_the_published_bytes(name: str) -> None:
    folder = samples("04_crypto_protocol", "jcs-rfc8785")
    value = json.loads((folder / "input" / f"{name}.json").read_bytes(), parse_float=lambda text: int(float(text)))
    published = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text("ascii"))
    assert canonical(value) == published == (folder / "output" / f"{name}.json").read_bytes()
    assert strict_load(published) == value


@pytest.mark.parametrize("name", ["french", "values"])
def test_what_is_outside_the_profile_is_refused(name: str) -> None:
    folder = samples("04_crypto_protocol", "jcs-rfc8785")
    with pytest.raises(EvidenceError):
        strict_load((folder / "output" / f"{name}.json").read_bytes())
    with pytest.raises(EvidenceError):
        check_profile(json.loads((folder / "input" / f"{name}.json").read_bytes()))
