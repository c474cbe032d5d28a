from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_log import Sealed, SealedLog, key_of

from gateway.errors import EvidenceError
from gateway.schemas.findings import Counts
from gateway.security.canonical import b64, canonical
from gateway.security.checkpoints import write_checkpoint
from gateway.security.cosignatures import Quorum, Witness, cosign
from gateway.security.evidence import Evidence, EvidenceLine, read_evidence, write_evidence
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.merkle import leaf_hash, root
from gateway.security.signing import sign_receipt
from gateway.security.verify import PROOFS, Report, verify_evidence

NEVER_CHECKED_YET = {"timestamp", "witnesses"}
SEEN_AT = datetime(2026, 11, 23, tzinfo=UTC)


def verdicts(report: Report) -> dict[str, str]:
    return {check.name: check.verdict for check in report.checks}


def failed(report: Report) -> list[str]:
    return [check.name for check in report.checks if check.verdict == "failed"]


def unchecked(report: Report) -> set[str]:
    return {check.name for check in report.checks if check.verdict == "unchecked"}


def changed(evidence: Evidence, **changes: Any) -> bytes:
    """The evidence with some of its members changed."""
    return canonical({**evidence.model_dump(), **changes})


def with_line(evidence: Evidence, at: int, **changes: Any) -> bytes:
    lines = [each.model_dump() for each in evidence.lines]
    lines[at] |= changes
    return changed(evidence, lines=lines)


def test_evidence_for_a_whole_submission_holds(log: SealedLog, keys: KeyRing) -> None:
    report = verify_evidence(write_evidence(log.evidence(log.sealed[0])), keys)
    assert report.holds
    assert list(verdicts(report)) == ["file", *PROOFS]
    assert unchecked(report) == NEVER_CHECKED_YET | {"row_digests"}


def cosigned(evidence: Evidence, *names: str) -> bytes:
    """The evidence under a checkpoint that some witnesses cosigned, each with a key by its place in the alphabet."""
    lines = [cosign(evidence.checkpoint, name, key_of(ord(name)), SEEN_AT) for name in names]
    return changed(evidence, checkpoint=evidence.checkpoint + "".join(lines))


def trusted(names: str, least: int) -> Quorum:
    return Quorum(tuple(Witness(name, key_of(ord(name)).public) for name in names), least)


def test_evidence_under_a_cosigned_checkpoint_holds_for_whoever_demands_so_many_witnesses(
    log: SealedLog, keys: KeyRing
) -> None:
    bundle = cosigned(log.evidence(log.sealed[0]), "a", "b", "z")
    report = verify_evidence(bundle, keys, trusted("abc", 2))
    (said,) = [check for check in report.checks if check.name == "witnesses"]
    assert (report.holds, said.verdict) == (True, "verified")
    assert said.detail_en == "the head at 5 entries was seen by a 2026-11-23T00:00:00Z, b 2026-11-23T00:00:00Z"
    assert unchecked(report) == {"timestamp", "row_digests"}
    assert "witnesses" in unchecked(verify_evidence(bundle, keys))


def test_evidence_that_too_few_witnesses_saw_does_not_hold(log: SealedLog, keys: KeyRing) -> None:
    plain = write_evidence(log.evidence(log.sealed[0]))
    assert failed(verify_evidence(plain, keys, trusted("a", 1))) == ["witnesses"]
    one = cosigned(log.evidence(log.sealed[0]), "a", "z")
    assert failed(verify_evidence(one, keys, trusted("abc", 2))) == ["witnesses"]


def test_evidence_with_a_false_cosignature_does_not_hold_for_whoever_knows_the_witness(
    log: SealedLog, keys: KeyRing
) -> None:
    evidence, earlier = log.evidence(log.sealed[0]), log.checkpoint()
    log.add(b"later\n")
    line = cosign(log.checkpoint(), "a", key_of(ord("a")), SEEN_AT)
    bundle = changed(evidence, checkpoint=earlier + line)
    assert failed(verify_evidence(bundle, keys, trusted("ab", 1))) == ["witnesses"]
    assert verify_evidence(bundle, keys).holds


def test_cosignatures_of_a_checkpoint_that_the_gateway_did_not_sign_prove_nothing(
    log: SealedLog, stranger: SigningKey
) -> None:
    bundle = cosigned(log.evidence(log.sealed[0]), "a")
    report = verify_evidence(bundle, KeyRing([stranger.public]), trusted("a", 1))
    assert not report.holds
    assert "witnesses" in unchecked(report)


@pytest.mark.parametrize("index", [0, 4, 10])
def test_evidence_for_one_line_holds_and_shows_no_other(log: SealedLog, keys: KeyRing, index: int) -> None:
    many = log.sealed[3]
    bundle = write_evidence(log.evidence(many, only=index))
    report = verify_evidence(bundle, keys)
    assert report.holds
    assert unchecked(report) == NEVER_CHECKED_YET | {"raw_digest", "findings_digest"}
    others = [at for at in range(11) if at != index]
    shown = orjson.loads(bundle)
    assert [at for at in others if b64(many.lines[at]) in bundle.decode()] == []
    assert [at for at in others if b64(many.document_rows[at]) in bundle.decode()] == []
    assert [line["index"] for line in shown["lines"]] == [index]


def test_evidence_for_a_refusal_holds(log: SealedLog, keys: KeyRing) -> None:
    report = verify_evidence(write_evidence(log.evidence(log.sealed[1])), keys)
    assert report.holds
    assert verdicts(report)["findings_digest"] == "verified"


def test_a_document_of_one_record_is_that_records_row(log: SealedLog, keys: KeyRing) -> None:
    report = verify_evidence(write_evidence(log.evidence(log.sealed[2])), keys)
    assert (report.holds, verdicts(report)["row_digests"]) == (True, "verified")


def test_evidence_with_a_withheld_line_still_holds(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[0])
    stub = evidence.lines[1].model_copy(update={"line": None, "withheld": "erased"})
    bundle = write_evidence(evidence.model_copy(update={"lines": (evidence.lines[0], stub, evidence.lines[2])}))
    report = verify_evidence(bundle, keys)
    assert report.holds
    assert next(check for check in report.checks if check.name == "line_encoding").detail_en == "2 shown, 1 withheld"


def test_what_was_not_checked_is_never_called_verified(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[0])
    report = verify_evidence(changed(evidence, raw=None, findings=None, keys=[]), keys)
    assert report.holds
    assert unchecked(report) == NEVER_CHECKED_YET | {"row_digests", "raw_digest", "findings_digest", "keys"}


def test_every_check_speaks_both_languages(log: SealedLog, keys: KeyRing) -> None:
    reports = [verify_evidence(bundle, keys) for bundle in (b"", write_evidence(log.evidence(log.sealed[0])))]
    assert [check for report in reports for check in report.checks if not (check.detail_en and check.detail_ja)] == []


def test_the_keys_in_the_file_are_not_trusted(log: SealedLog, stranger: SigningKey) -> None:
    bundle = write_evidence(log.evidence(log.sealed[0]))
    report = verify_evidence(bundle, KeyRing([stranger.public]))
    assert failed(report) == ["keys", "receipt_signature", "checkpoint_signature"]
    assert {"statement", "lines_root", "inclusion"} <= unchecked(report)


@pytest.mark.parametrize("said", [{"amg": "Ed25519"}, {"alg": None}, {"succeeds": "e30.e30.AA"}, {"announced": ""}])
def test_what_a_file_says_of_a_trusted_key_beyond_the_key_is_named(
    log: SealedLog, keys: KeyRing, said: dict[str, str | None]
) -> None:
    evidence = log.evidence(log.sealed[0])
    jwk = {name: value for name, value in {**evidence.keys[0], **said}.items() if value is not None}
    report = verify_evidence(write_evidence(evidence.model_copy(update={"keys": (jwk,)})), keys)
    assert failed(report) == ["keys"]


def test_a_line_by_somebody_else_is_named(log: SealedLog, keys: KeyRing) -> None:
    forged = log.sealed[0].lines[1].replace(b"1000", b"9000")
    evidence = log.evidence(log.sealed[0])
    assert failed(verify_evidence(with_line(evidence, 1, line=b64(forged)), keys)) == ["line_encoding"]
    both = with_line(evidence, 1, line=b64(forged), leaf=leaf_hash(forged).hex())
    assert failed(verify_evidence(both, keys)) == ["lines_root"]


def test_a_single_line_moved_to_another_place_is_named(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[3], only=4)
    assert failed(verify_evidence(with_line(evidence, 0, index=5), keys)) == ["lines_root"]
    assert failed(verify_evidence(with_line(evidence, 0, index=11), keys)) == ["positions", "lines_root"]


def test_a_single_line_without_proof_is_named(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[3], only=4)
    assert failed(verify_evidence(with_line(evidence, 0, path=None), keys)) == ["lines_root"]
    short = [node.hex() for node in evidence.lines[0].path or ()][:-1]
    assert failed(verify_evidence(with_line(evidence, 0, path=short), keys)) == ["lines_root"]


def test_a_row_of_somebody_else_is_named(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[3], only=4)
    assert failed(verify_evidence(with_line(evidence, 0, row=b64(b"row 5\n")), keys)) == ["row_digests"]


def test_rows_beside_some_lines_leave_the_others_unchecked(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[0])
    report = verify_evidence(with_line(evidence, 0, row=b64(b"first\n")), keys)
    assert (report.holds, verdicts(report)["row_digests"]) == (True, "unchecked")


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ([0, 1], ["lines_root"]),
        ([0, 0, 1, 2], ["positions", "lines_root"]),
        ([1, 0, 2], ["positions", "lines_root"]),
        ([], ["positions"]),
    ],
)
def test_missing_doubled_and_disordered_lines_are_named(
    log: SealedLog, keys: KeyRing, order: list[int], names: list[str]
) -> None:
    evidence = log.evidence(log.sealed[0])
    lines = [evidence.lines[index].model_dump() for index in order]
    assert failed(verify_evidence(changed(evidence, lines=lines), keys)) == names


def test_another_document_is_named(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[0])
    assert failed(verify_evidence(changed(evidence, raw=b64(b"another")), keys)) == ["raw_digest"]


def test_other_findings_are_named(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[0])
    for findings in (b"", b'{"code":"R09","severity":"warn"}\n', (evidence.findings or b"")[:-1]):
        assert failed(verify_evidence(changed(evidence, findings=b64(findings)), keys)) == ["findings_digest"]


def test_a_receipt_from_another_submission_is_named(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[0])
    report = verify_evidence(changed(evidence, receipt=log.sealed[3].receipt), keys)
    assert {"lines_root", "raw_digest", "findings_digest", "inclusion"} <= set(failed(report))


def test_an_old_checkpoint_or_another_logs_is_named(log: SealedLog, keys: KeyRing, key: SigningKey) -> None:
    evidence = log.evidence(log.sealed[0])
    other = SealedLog(key)
    other.add(b"x")
    assert failed(verify_evidence(changed(evidence, checkpoint=other.checkpoint()), keys)) == ["inclusion"]
    foreign = write_checkpoint("hayame.example/recipients/27", log.tree.size, log.tree.root(), key)
    assert failed(verify_evidence(changed(evidence, checkpoint=foreign), keys)) == ["checkpoint_origin"]
    rootless = write_checkpoint("/recipients/13", log.tree.size, log.tree.root(), key)
    assert failed(verify_evidence(changed(evidence, checkpoint=rootless), keys)) == ["checkpoint_origin"]
    fork = write_checkpoint("hayame.example/recipients/13", log.tree.size, root([leaf_hash(b"fork")]), key)
    assert failed(verify_evidence(changed(evidence, checkpoint=fork), keys)) == ["inclusion"]


def test_a_damaged_log_proof_is_named(log: SealedLog, keys: KeyRing) -> None:
    evidence = log.evidence(log.sealed[0])
    path = [node.hex() for node in evidence.inclusion.path]
    for inclusion in ({"path": path[1:], "tree_size": 5}, {"path": path, "tree_size": 4}):
        assert failed(verify_evidence(changed(evidence, inclusion=inclusion), keys)) == ["inclusion"]


def test_another_recipient_is_named(log: SealedLog, keys: KeyRing) -> None:
    assert failed(verify_evidence(changed(log.evidence(log.sealed[0]), recipient="27"), keys)) == ["recipient"]


def test_a_key_that_is_only_in_the_file_is_named(log: SealedLog, keys: KeyRing, stranger: SigningKey) -> None:
    evidence = log.evidence(log.sealed[0])
    for named in ({}, stranger.public.jwk(), {**stranger.public.jwk(), "kid": log.key.kid}):
        assert failed(verify_evidence(changed(evidence, keys=[named]), keys)) == ["keys"]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"lines_root": "not a hash"}, ["lines_root"]),
        ({"lines_root": "00"}, ["lines_root"]),
        ({"leaf_index": -1}, ["positions", "inclusion"]),
        ({"known_position": -1}, ["positions"]),
        ({"known_position": 1}, ["positions"]),
        ({"count": 10**15}, ["lines_root"]),
        ({"recipient": "27"}, ["recipient", "checkpoint_origin"]),
    ],
)
def test_a_statement_that_contradicts_itself_is_named(
    key: SigningKey, keys: KeyRing, changes: dict[str, object], names: list[str]
) -> None:
    log = SealedLog(key)
    one = log.add(b"a\n", b"b\n", findings=b"", **changes)
    evidence = log.evidence(replace(one, statement=one.statement.model_copy(update={"leaf_index": 0})), only=1)
    assert failed(verify_evidence(write_evidence(evidence), keys)) == names


def test_a_receipt_that_is_no_statement_is_named(log: SealedLog, keys: KeyRing, key: SigningKey) -> None:
    evidence = log.evidence(log.sealed[0])
    statement = log.sealed[0].statement.canonical()
    for payload in (
        b"{}",
        b"[]",
        b"not json",
        canonical({**statement, "extra": 1}),
        canonical({**statement, "count": "3"}),
        canonical({**statement, "fixes": None}),
        canonical(statement) + b"\n",
    ):
        report = verify_evidence(changed(evidence, receipt=sign_receipt(key, payload)), keys)
        assert failed(report) == ["statement"]


@pytest.mark.parametrize("line", [b"[1]", b'"x"', b"not json", b'{"source":1}', b'{"source":{}}', b'{ "a":1}'])
def test_a_sealed_line_of_another_form_never_breaks_the_verifier(key: SigningKey, keys: KeyRing, line: bytes) -> None:
    log = SealedLog(key)
    sealed_root = root([leaf_hash(line)]).hex()
    one = log.add(b"x", lines_root=sealed_root, counts=Counts(accepted=1))
    evidence = log.evidence(Sealed(one.statement, one.receipt, [line], [b"x"], b""))
    report = verify_evidence(write_evidence(evidence), keys)
    assert verdicts(report)["row_digests"] != "verified"
    assert verdicts(report)["lines_root"] == "verified"


def test_a_finding_of_another_form_is_named(key: SigningKey, keys: KeyRing) -> None:
    for findings in (b'{"code":"R01"}\n', b'{ "code":"R01","severity":"warn"}\n', b"x\n"):
        log = SealedLog(key)
        evidence = log.evidence(log.add(b"x", findings=findings))
        assert not verify_evidence(write_evidence(evidence), keys).holds
        assert "findings_digest" in failed(verify_evidence(write_evidence(evidence), keys))


@pytest.mark.parametrize(
    "damage",
    [
        lambda evidence: b"",
        lambda evidence: b"{}",
        lambda evidence: b"[]",
        lambda evidence: write_evidence(evidence) + b"\n",
        lambda evidence: changed(evidence, hayame_evidence=2),
        lambda evidence: changed(evidence, extra=1),
        lambda evidence: changed(evidence, raw="QR=="),
        lambda evidence: changed(evidence, raw=5),
        lambda evidence: changed(evidence, lines=5),
        lambda evidence: with_line(evidence, 0, leaf=evidence.lines[0].leaf.hex().upper()),
        lambda evidence: with_line(evidence, 0, leaf="00"),
        lambda evidence: with_line(evidence, 0, leaf="zz"),
        lambda evidence: with_line(evidence, 0, leaf=None),
        lambda evidence: with_line(evidence, 0, index="0"),
        lambda evidence: with_line(evidence, 0, line=None),
        lambda evidence: with_line(evidence, 0, withheld="erased"),
        lambda evidence: with_line(evidence, 0, line=None, withheld="because"),
        lambda evidence: with_line(evidence, 0, line=None, withheld="erased", row=b64(b"first\n")),
        lambda evidence: canonical({k: v for k, v in evidence.model_dump().items() if k != "checkpoint"}),
        lambda evidence: canonical({k: v for k, v in evidence.model_dump().items() if k != "raw"}),
    ],
)
def test_a_file_of_another_form_is_refused_and_nothing_else_is_claimed(
    log: SealedLog, keys: KeyRing, damage: Any
) -> None:
    report = verify_evidence(damage(log.evidence(log.sealed[0])), keys)
    assert failed(report) == ["file"]
    assert unchecked(report) == set(PROOFS)


def test_a_refusal_to_read_shows_no_value_of_the_file(log: SealedLog) -> None:
    with pytest.raises(EvidenceError) as caught:
        read_evidence(changed(log.evidence(log.sealed[0]), checkpoint={"secret": 12_345}))
    assert "12345" not in caught.value.message + caught.value.ja


def test_evidence_is_read_as_it_was_written(log: SealedLog) -> None:
    evidence = log.evidence(log.sealed[0], only=1)
    assert read_evidence(write_evidence(evidence)) == evidence


def small_log() -> SealedLog:
    log = SealedLog(key_of(1))
    log.add(b"first\n", b"second\n", b"third\n", findings=b'{"code":"R01","severity":"warn"}\n')
    log.add(b"only\n")
    return log


SMALL = small_log()
TRUSTED = KeyRing([key_of(1).public])
STUB = EvidenceLine(index=0, line=None, leaf=leaf_hash(SMALL.sealed[1].lines[0]), withheld="retention")
BUNDLES = [
    write_evidence(SMALL.evidence(SMALL.sealed[0])),
    write_evidence(SMALL.evidence(SMALL.sealed[0], only=2)),
    write_evidence(SMALL.evidence(SMALL.sealed[1])),
    write_evidence(SMALL.evidence(SMALL.sealed[1]).model_copy(update={"lines": (STUB,)})),
]


@settings(max_examples=400)
@given(st.sampled_from(BUNDLES), st.data())
def test_no_changed_byte_goes_unnoticed(bundle: bytes, data: st.DataObject) -> None:
    damaged = bytearray(bundle)
    damaged[data.draw(st.integers(0, len(bundle) - 1))] ^= data.draw(st.integers(1, 255))
    report = verify_evidence(bytes(damaged), TRUSTED)
    assert not report.holds
    assert failed(report) != []


@given(st.sampled_from(BUNDLES), st.data())
def test_no_lost_byte_goes_unnoticed(bundle: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(bundle) - 1))
    end = data.draw(st.integers(start + 1, len(bundle)))
    assert not verify_evidence(bundle[:start] + bundle[end:], TRUSTED).holds


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_at_all_gives_a_report(raw: bytes) -> None:
    assert failed(verify_evidence(raw, TRUSTED)) == ["file"]
