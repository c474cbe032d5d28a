"""The keys of the logs: who follows from one to the next by its word, and what an ended one still proves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from gateway.errors import ConfigurationError, SignatureMismatch
from gateway.security import log_key_changes
from gateway.security.canonical import canonical
from gateway.security.checkpoints import log_origin, open_checkpoint, write_checkpoint
from gateway.security.keys import KeyRing, PublicKey, SigningKey
from gateway.security.log_key_changes import ANNOUNCED_FOR, FORGOTTEN_AFTER
from gateway.security.log_keys import SUCCESSION, LogKeys
from gateway.security.signing import sign_compact
from gateway.security.signing_keys import SigningKeys, announced, learned

NOON, MONTH, SECOND = datetime(2026, 5, 1, 12, tzinfo=UTC), timedelta(days=30), timedelta(seconds=1)
LOG, ROOT = log_origin("hayame.local", "13"), b"\1" * 32


@dataclass
class Clock:
    """A clock that is set by hand."""

    at: datetime = NOON

    def now(self) -> datetime:
        """The time it was set to."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> LogKeys:
    return LogKeys(tmp_path / "keys" / "gateway.pem", clock)


def kids(keys: KeyRing) -> list[str]:
    return [key.kid for key in keys]


def succeed(keys: LogKeys, clock: Clock) -> tuple[PublicKey, PublicKey]:
    """A succession, to just after its turn; the old key and the new one."""
    old, made = keys.current.public, log_key_changes.successor(keys, ANNOUNCED_FOR, MONTH)
    log_key_changes.put(keys, made)
    clock.at = made.turn.from_at
    return old, made.turn.public


def test_a_successor_is_published_at_once_signs_from_its_instant_and_for_a_while_both_do(
    keys: LogKeys, clock: Clock, tmp_path: Path
) -> None:
    elsewhere = LogKeys(tmp_path / "keys" / "gateway.pem", clock)
    first = elsewhere.current.kid
    made = log_key_changes.successor(keys, ANNOUNCED_FOR, MONTH)
    assert kids(elsewhere.ring) == [first]
    log_key_changes.put(keys, made)
    second = made.turn.public.kid
    for at, signing in (
        (NOON, [first]),
        (NOON + ANNOUNCED_FOR - SECOND, [first]),
        (NOON + ANNOUNCED_FOR, [second, first]),
        (NOON + ANNOUNCED_FOR + MONTH, [second]),
    ):
        clock.at = at
        assert kids(elsewhere.ring) == [first, second]
        assert [key.kid for key in elsewhere.signers] == signing
    assert [key.kid for key in LogKeys(tmp_path / "keys" / "gateway.pem", clock).signers] == [second]


def test_one_successor_comes_after_another(keys: LogKeys, clock: Clock) -> None:
    succeed(keys, clock)
    with pytest.raises(ConfigurationError):
        log_key_changes.successor(keys, ANNOUNCED_FOR, MONTH)
    clock.at += MONTH
    succeed(keys, clock)
    assert len(keys.ring) == 3


def test_who_knows_the_first_key_only_follows_from_word_to_word(keys: LogKeys, clock: Clock) -> None:
    first, second = succeed(keys, clock)
    both = write_checkpoint(LOG, 1, ROOT, *keys.signers)
    assert open_checkpoint(both, KeyRing([first])).signed_by == (first.kid,)
    assert open_checkpoint(both, keys.ring).signed_by == (second.kid, first.kid)
    clock.at += MONTH
    _, third = succeed(keys, clock)
    clock.at += MONTH
    alone = write_checkpoint(LOG, 2, ROOT, *keys.signers)
    with pytest.raises(SignatureMismatch):
        open_checkpoint(alone, KeyRing([first]))
    shown = keys.ring.jwks()["keys"]
    assert open_checkpoint(alone, learned(KeyRing([first]), shown)).signed_by == (third.kid,)
    assert kids(learned(KeyRing([first]), [shown[2]])) == [first.kid], "a link of the chain is missing"
    assert kids(learned(KeyRing([third]), shown)) == [third.kid], "nothing leads back"


def test_nobody_else_is_taken_for_a_successor(keys: LogKeys, clock: Clock) -> None:
    first, second = succeed(keys, clock)
    thief, own = SigningKey.generate(), KeyRing([first])
    said = {"jwk": thief.public.jwk(), "signs_from_at": "2026-05-01T12:00:00.000000Z"}
    receipts = announced(keys.signers[-1], SigningKey.generate().public, NOON)
    for shown in (
        replace(thief.public, succeeds=second.succeeds),
        replace(thief.public, succeeds=sign_compact(thief, canonical(said), SUCCESSION)),
        replace(thief.public, succeeds=sign_compact(keys.signers[-1], canonical(said), "hayame-key+jws")),
        replace(second, announced=second.succeeds),
        replace(second, kid="another"),
    ):
        assert kids(learned(own, [receipts.jwk(), shown.jwk()])) == [first.kid, receipts.kid]
    of_receipts = SigningKey.generate()
    word = sign_compact(of_receipts, canonical(said), SUCCESSION)
    known = KeyRing([first, announced(keys.signers[-1], of_receipts.public, NOON)])
    assert kids(learned(known, [replace(thief.public, succeeds=word).jwk()])) == kids(known)


def test_an_ended_key_counts_up_to_where_each_log_stood_and_vouches_for_nobody(keys: LogKeys, clock: Clock) -> None:
    old = keys.current
    announced_key = log_key_changes.successor(keys, ANNOUNCED_FOR, MONTH)
    log_key_changes.put(keys, announced_key)
    clock.at += SECOND
    made = log_key_changes.replacement(keys, {"13": (2, 7)})
    log_key_changes.put(keys, made)
    assert [key.kid for key in keys.signers] == [made.turn.public.kid]
    assert kids(keys.ring) == [old.kid, made.turn.public.kid], "an announced key that had no turn never has one"
    published = KeyRing.parse(orjson.dumps(keys.ring.jwks()))
    for epoch, size, holds in ((1, 99, True), (2, 7, True), (2, 8, False), (3, 1, False)):
        note = write_checkpoint(log_origin("hayame.local", "13", epoch), size, ROOT, old)
        if holds:
            assert open_checkpoint(note, published).size == size
        else:
            with pytest.raises(SignatureMismatch):
                open_checkpoint(note, published)
        assert open_checkpoint(note, KeyRing([old.public])).size == size, "who was not told cannot know"
    with pytest.raises(SignatureMismatch):
        open_checkpoint(write_checkpoint(log_origin("hayame.local", "14100"), 1, ROOT, old), published)
    thief = announced(old, SigningKey.generate().public, NOON)
    assert kids(learned(published, [thief.jwk(), announced_key.turn.public.jwk()])) == kids(published)
    assert made.turn.public.succeeds is None, "a stolen key is not believed about its successor"
    assert kids(learned(KeyRing([old.public]), keys.ring.jwks()["keys"])) == [old.kid]


def test_a_bound_that_cannot_be_understood_is_no_key() -> None:
    jwk = SigningKey.generate().public.jwk()
    for bound in ("13", {"13": 7}, {"13": [1]}, {"13": ["1", "7"]}, {"13": [1, True]}, ["13"]):
        with pytest.raises(ConfigurationError):
            PublicKey.from_jwk(jwk | {"signs_until": bound})


def test_private_halves_go_when_their_time_is_over(keys: LogKeys, clock: Clock, tmp_path: Path) -> None:
    succeed(keys, clock)
    for later, files in ((MONTH + FORGOTTEN_AFTER - SECOND, 2), (SECOND, 1)):
        clock.at += later
        log_key_changes.forget(keys)
        held = [path for path in (tmp_path / "keys").rglob("*.*") if b"PRIVATE KEY" in path.read_bytes()]
        assert len(held) == files
    again = LogKeys(tmp_path / "keys" / "gateway.pem", clock)
    assert kids(again.ring) == kids(keys.ring)
    log_key_changes.put(again, log_key_changes.replacement(again, {}))
    log_key_changes.forget(again)
    assert sum(b"PRIVATE KEY" in path.read_bytes() for path in (tmp_path / "keys").rglob("*.*")) == 1


def test_where_the_key_is_lost_its_public_half_is_enough_to_go_on(clock: Clock, tmp_path: Path) -> None:
    lost = SigningKey.generate().public
    (tmp_path / "gateway.pem").write_bytes(lost.pem())
    keys = LogKeys(tmp_path / "gateway.pem", clock)
    with pytest.raises(ConfigurationError):
        _ = keys.current
    log_key_changes.put(keys, log_key_changes.replacement(keys, {"13": (1, 7)}))
    assert kids(keys.ring) == [lost.kid, keys.current.kid]


def test_receipts_follow_the_logs_key_unless_another_signs_them(keys: LogKeys, clock: Clock, tmp_path: Path) -> None:
    _, second = succeed(keys, clock)
    signing = SigningKeys(keys, tmp_path / "signing", clock)
    assert signing.current.kid == second.kid
    assert kids(signing.for_tokens())[-1] == second.kid
    own = signing.rotate(timedelta())
    clock.at = own.from_at
    assert SigningKeys(keys, tmp_path / "signing", clock).current.kid == own.public.kid
    clock.at += MONTH
    _, third = succeed(keys, clock)
    restarted = SigningKeys(keys, tmp_path / "signing", clock)
    assert restarted.current.kid == own.public.kid
    assert kids(learned(KeyRing([keys.turns()[0].public]), restarted.published().jwks()["keys"])) == [
        *kids(keys.ring),
        own.public.kid,
    ]
    assert kids(keys.ring)[-1] == third.kid
