"""RFC 9449 (DPoP): two published proofs, the thumbprint of their key (section 6.1) and the hash of a token (section 7).

And RFC 7638: the example of section 3.1.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import NotAuthentic
from gateway.security.dpop import Target, read_proof, token_hash
from gateway.security.keys import PublicKey

KEY = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
FOR_A_TOKEN = (
    KEY + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu"
    "IiwiaWF0IjoxNTYyMjYyNjE2fQ"
    ".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
FOR_A_RESOURCE = (
    KEY + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90"
    "ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9"
    ".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
RESOURCE = Target("GET", "https://resource.example.org/protectedresource", TOKEN)
RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4"
    "n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
    "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awap"
    "JzKnqDKgw",
    "e": "AQAB",
}


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def test_the_proof_for_a_token_holds() -> None:
    proof = read_proof(FOR_A_TOKEN, Target("POST", "https://server.example.com/token"), at(1_562_262_616))
    assert (proof.jkt, proof.jti) == (THUMBPRINT, "-BwC3ESc6acc2lTc")
    assert proof.expires_at == at(1_562_262_676)


def test_the_proof_for_a_resource_holds() -> None:
    proof = read_proof(FOR_A_RESOURCE, RESOURCE, at(1_562_262_620))
    assert (proof.jkt, proof.jti) == (THUMBPRINT, "e1j3V_bKic8-LAEB")
    assert token_hash(TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_the_published_proofs_hold_for_nothing_else() -> None:
    for target in (
        Target("POST", RESOURCE.uri, TOKEN),
        Target("GET", RESOURCE.uri + "s", TOKEN),
        Target("GET", RESOURCE.uri, TOKEN + "V"),
    ):
        with pytest.raises(NotAuthentic):
            read_proof(FOR_A_RESOURCE, target, at(1_562_262_620))
    for seconds in (60, -11):
        with pytest.raises(NotAuthentic):
            read_proof(FOR_A_RESOURCE, RESOURCE, at(1_562_262_618) + timedelta(seconds=seconds))
    with pytest.raises(NotAuthentic):
        read_proof(FOR_A_RESOURCE[:-2] + "A", RESOURCE, at(1_562_262_620))


def test_the_thumbprint_of_rfc_7638() -> None:
    assert PublicKey.from_jwk(RFC_7638).kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
