"""Keys that take turns: which signs when, who knows, and what of it a stranger can prove."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError, NotAuthentic, SignatureMismatch
from gateway.security.checkpoints import open_checkpoint, write_checkpoint
from gateway.security.keys import KeyRing, PublicKey, SigningKey
from gateway.security.log_keys import LogKeys
from gateway.security.signing import kid_of, open_receipt, sign_receipt
from gateway.security.signing_keys import (
    ANNOUNCED_FOR,
    FORGOTTEN_AFTER,
    FRESH_S,
    TOKENS_AFTER,
    SigningKeys,
    announced,
    learned,
)
from gateway.security.tokens import ACCESS_TOKEN_LIFE, issue_access_token, read_access_token

NOON, ISSUER = datetime(2026, 5, 1, 12, tzinfo=UTC), "https://hayame.example"
LOG, SECOND = SigningKey.generate(), timedelta(seconds=1)


@dataclass
class Clock:
    """A clock that is set by hand."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


def started(folder: Path, clock: Clock) -> SigningKeys:
    """A process that starts now."""
    if not (folder / "keys" / "gateway.pem").exists():
        (folder / "keys").mkdir()
        LOG.save(folder / "keys" / "gateway.pem")
    return SigningKeys(LogKeys(folder / "keys" / "gateway.pem", clock), folder, clock)


def kids(keys: KeyRing) -> list[str]:
    return [key.kid for key in keys]


def test_a_key_is_published_a_day_before_it_signs_and_for_ever_after(tmp_path: Path) -> None:
    clock = Clock()
    made = started(tmp_path, clock).rotate(ANNOUNCED_FOR)
    assert made.from_at - NOON >= timedelta(hours=24)
    for at, signing in ((NOON, LOG.kid), (made.from_at - SECOND, LOG.kid), (made.from_at, made.public.kid)):
        clock.at = at
        restarted = started(tmp_path, clock)
        assert kids(restarted.published()) == [LOG.kid, made.public.kid]
        assert restarted.current.kid == signing
    clock.at += timedelta(days=4_000)
    assert kids(started(tmp_path, clock).published()) == [LOG.kid, made.public.kid]


def test_processes_that_run_agree_within_a_second_with_one_that_starts(tmp_path: Path) -> None:
    clock = Clock()
    running = [started(tmp_path, clock) for _ in range(3)]
    made = running[0].rotate(ANNOUNCED_FOR)
    clock.at = made.from_at
    time.sleep(FRESH_S)
    assert {one.current.kid for one in (*running, started(tmp_path, clock))} == {made.public.kid}


def test_a_rotation_that_was_cut_off_is_as_if_it_had_not_begun(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / ".4711.ab12cd34").write_bytes(SigningKey.generate().pem()[:40])
    keys = started(tmp_path, clock)
    assert (keys.current.kid, kids(keys.published())) == (LOG.kid, [LOG.kid])
    assert keys.rotate(ANNOUNCED_FOR).public.kid in kids(keys.published())


def test_one_key_at_a_time_waits_for_its_turn(tmp_path: Path) -> None:
    clock = Clock()
    keys = started(tmp_path, clock)
    made = keys.rotate(ANNOUNCED_FOR)
    with pytest.raises(ConfigurationError, match=made.public.kid):
        keys.rotate(ANNOUNCED_FOR)
    clock.at = made.from_at
    following = keys.rotate(ANNOUNCED_FOR)
    assert len(keys.published()) == 3
    instead = keys.rotate(timedelta())
    clock.at = instead.from_at
    assert started(tmp_path, clock).current.kid == instead.public.kid, "a stolen key is replaced without waiting"
    clock.at = following.from_at
    assert started(tmp_path, clock).current.kid == following.public.kid


def test_what_is_no_key_of_ours_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "gateway-copy.pem").write_bytes(SigningKey.generate().pem())
    with pytest.raises(ConfigurationError):
        started(tmp_path, Clock())


def test_a_private_half_is_forgotten_when_its_turn_was_over_for_a_day_and_its_receipts_still_hold(
    tmp_path: Path,
) -> None:
    clock = Clock()
    keys = started(tmp_path, clock)
    first = keys.rotate(ANNOUNCED_FOR)
    clock.at = first.from_at
    receipt = sign_receipt(started(tmp_path, clock).current, b"{}")
    second = keys.rotate(ANNOUNCED_FOR)
    clock.at = second.from_at + FORGOTTEN_AFTER
    keys.rotate(ANNOUNCED_FOR)
    private = [path for path in sorted(tmp_path.glob("*.pem")) if b"PRIVATE" in path.read_bytes()]
    assert first.public.kid[:8] not in " ".join(path.name for path in private)
    assert len(private) == 2
    published = started(tmp_path, clock).published()
    assert kid_of(receipt) == first.public.kid
    assert open_receipt(receipt, published) == b"{}"


def test_a_token_by_the_key_before_is_good_as_long_as_it_lives_and_one_forged_later_is_not(tmp_path: Path) -> None:
    clock = Clock()
    keys = started(tmp_path, clock)
    token = issue_access_token(keys.current, ISSUER, "bank", ["read"], NOON)
    made = keys.rotate(timedelta())
    clock.at = NOON + ACCESS_TOKEN_LIFE - SECOND
    assert read_access_token(token, started(tmp_path, clock).for_tokens(), ISSUER, clock.at).client_id == "bank"
    clock.at = made.from_at + TOKENS_AFTER
    forged = issue_access_token(LOG, ISSUER, "bank", ["read"], clock.at)
    with pytest.raises(NotAuthentic):
        read_access_token(forged, started(tmp_path, clock).for_tokens(), ISSUER, clock.at)
    assert kids(started(tmp_path, clock).for_tokens()) == [made.public.kid]


def test_who_trusts_the_logs_key_learns_those_that_it_announced(tmp_path: Path) -> None:
    clock = Clock()
    keys = started(tmp_path, clock)
    made = keys.rotate(timedelta())
    clock.at = made.from_at
    receipt = sign_receipt(started(tmp_path, clock).current, b"{}")
    own = KeyRing([LOG.public])
    with pytest.raises(SignatureMismatch):
        open_receipt(receipt, own)
    assert open_receipt(receipt, learned(own, keys.published().jwks()["keys"])) == b"{}"


def test_nothing_else_is_learned(tmp_path: Path) -> None:
    thief, other = SigningKey.generate(), SigningKey.generate()
    signing = announced(LOG, thief.public, NOON)
    own = KeyRing([LOG.public, signing])
    good = announced(LOG, other.public, NOON).jwk()
    for shown in (
        other.public.jwk(),
        announced(other, other.public, NOON).jwk(),
        announced(thief, other.public, NOON).jwk(),
        announced(LOG, SigningKey.generate().public, NOON).jwk() | other.public.jwk(),
        good | {"announced": "x"},
        good | {"kid": "another"},
        good | {"d": "AAAA"},
        good | {"announced": sign_receipt(LOG, b"{}")},
        {},
    ):
        assert kids(learned(own, [shown])) == kids(own)
    assert kids(learned(own, [good])) == [*kids(own), other.kid]


def test_a_key_that_was_announced_signs_no_checkpoint() -> None:
    key = SigningKey.generate()
    note = write_checkpoint("hayame.local/recipients/13", 1, b"\0" * 32, key)
    assert open_checkpoint(note, KeyRing([key.public])).size == 1
    published = announced(LOG, key.public, NOON)
    assert PublicKey.from_jwk(published.jwk()) == published
    assert replace(published, announced=None) == key.public
    with pytest.raises(SignatureMismatch):
        open_checkpoint(note, KeyRing([LOG.public, published]))
