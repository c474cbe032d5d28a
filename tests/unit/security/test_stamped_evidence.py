"""A time stamp in an evidence file: over its checkpoint, by an authority one trusts, not from before the receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import orjson
import pytest
from authority import Authority
from sealed_log import SealedLog

from gateway.errors import EvidenceError
from gateway.schemas.identifiers import instant_text
from gateway.security.canonical import b64
from gateway.security.checkpoints import key_id, open_checkpoint, signed_by_log
from gateway.security.evidence import Evidence, read_evidence, write_evidence
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.timestamps import Authorities, ask, open_reply
from gateway.security.verify import Check, verify_evidence


@cache
def authority() -> Authority:
    return Authority.fresh()


def trusted() -> Authorities:
    return Authorities((authority().root[0],))


def stamped(evidence: Evidence, about: str | None = None) -> Evidence:
    query = ask(signed_by_log(about or evidence.checkpoint).encode())
    stamp = open_reply(authority().reply(query.raw), query, trusted(), datetime.now(UTC))
    return evidence.model_copy(update={"timestamp": stamp.token})


def said(evidence: Evidence, keys: KeyRing, authorities: Authorities | None) -> Check:
    report = verify_evidence(write_evidence(evidence), keys, authorities=authorities)
    others = [check for check in report.checks if check.verdict == "failed" and check.name != "timestamp"]
    assert others == []
    return next(check for check in report.checks if check.name == "timestamp")


def test_a_stamped_checkpoint_proves_its_time_to_who_trusts_the_authority(log: SealedLog, keys: KeyRing) -> None:
    evidence = stamped(log.evidence(log.sealed[0]))
    assert said(evidence, keys, trusted()).verdict == "verified"
    assert said(evidence, keys, trusted()).detail_en.startswith("5 entries were there at ")
    assert said(evidence, keys, None).verdict == "unchecked"
    another = Authorities((Authority.fresh().root[0],))
    assert said(evidence, keys, another).verdict == "failed"


def test_what_is_not_stamped_yet_says_so(log: SealedLog, keys: KeyRing) -> None:
    check = said(log.evidence(log.sealed[0]), keys, trusted())
    assert (check.verdict, check.detail_en) == ("unchecked", "not stamped by a third party yet")


def test_the_stamp_of_another_checkpoint_proves_nothing(log: SealedLog, keys: KeyRing) -> None:
    earlier = log.checkpoint()
    log.add(b"later\n")
    assert said(stamped(log.evidence(log.sealed[0]), earlier), keys, trusted()).verdict == "failed"


def test_bytes_that_are_no_token_prove_nothing(log: SealedLog, keys: KeyRing) -> None:
    for token in (b"", b"\x30\x00", b"token"):
        evidence = log.evidence(log.sealed[0]).model_copy(update={"timestamp": token})
        assert said(evidence, keys, trusted()).verdict == "failed"


def test_a_receipt_that_claims_to_be_later_than_its_stamp_is_contradicted(key: SigningKey, keys: KeyRing) -> None:
    log = SealedLog(key)
    log.add(b"only\n", sealed_at=instant_text(datetime.now(UTC) + timedelta(minutes=10)))
    check = said(stamped(log.evidence(log.sealed[0])), keys, trusted())
    assert (check.verdict, check.detail_en) == ("failed", "the checkpoint was stamped before the receipt was sealed")


def test_a_stamp_stays_good_when_witnesses_add_their_signatures(
    log: SealedLog, keys: KeyRing, stranger: SigningKey
) -> None:
    evidence = stamped(log.evidence(log.sealed[0]))
    text = evidence.checkpoint.partition("\n\n")[0] + "\n"
    signature = b64(key_id("witness.example", stranger.public) + stranger.sign(text.encode()))
    cosigned = f"{evidence.checkpoint}\N{EM DASH} witness.example {signature}\n"
    assert signed_by_log(cosigned) == evidence.checkpoint
    assert open_checkpoint(cosigned, keys) == open_checkpoint(evidence.checkpoint, keys)
    assert said(evidence.model_copy(update={"checkpoint": cosigned}), keys, trusted()).verdict == "verified"


def test_a_stamp_over_an_unproven_checkpoint_is_not_looked_at(log: SealedLog, stranger: SigningKey) -> None:
    evidence = stamped(log.evidence(log.sealed[0]))
    report = verify_evidence(write_evidence(evidence), KeyRing([stranger.public]), authorities=trusted())
    assert next(check for check in report.checks if check.name == "timestamp").verdict == "unchecked"


def test_files_from_before_there_were_stamps_read_the_same(log: SealedLog) -> None:
    evidence = log.evidence(log.sealed[0])
    assert "timestamp" not in orjson.loads(write_evidence(evidence))
    assert read_evidence(write_evidence(stamped(evidence))).timestamp is not None


def test_an_empty_stamp_is_not_another_way_to_write_none(log: SealedLog) -> None:
    raw = write_evidence(stamped(log.evidence(log.sealed[0])))
    spelled = orjson.loads(raw)
    with pytest.raises(EvidenceError, match="canonical form"):
        read_evidence(orjson.dumps({**spelled, "timestamp": None}, option=orjson.OPT_SORT_KEYS))
