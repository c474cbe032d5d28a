"""The offline verifier: what an evidence file proves, checked with nothing but the file and the published keys.

Every check is made by itself and says what it found. A check that could not be made, because something it needs is
not in the file or did not hold, is ``unchecked`` and never counts as verified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from gateway.errors import ConfigurationError, EvidenceError
from gateway.schemas.findings import Finding
from gateway.schemas.identifiers import instant_text, parse_instant
from gateway.schemas.statement import Statement
from gateway.security.canonical import canonical, sha256_hex, strict_load
from gateway.security.checkpoints import Checkpoint, open_checkpoint, signed_by_log
from gateway.security.container import is_container, open_container
from gateway.security.cosignatures import Quorum
from gateway.security.evidence import Evidence, EvidenceLine, read_evidence, read_statement
from gateway.security.keys import KeyRing, PublicKey
from gateway.security.merkle import check_inclusion, leaf_hash, root
from gateway.security.profiles import document_in
from gateway.security.signing import open_receipt
from gateway.security.signing_keys import learned, says_the_truth
from gateway.security.timestamps import CLOCKS_APART, Authorities, check_token


class Told(NamedTuple):
    """What a check found, in both languages."""

    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its outcome."""

    name: str
    verdict: Literal["verified", "failed", "unchecked"]
    detail_ja: str
    detail_en: str


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, in order."""

    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing failed; what was not checked is listed as such."""
        return all(check.verdict != "failed" for check in self.checks)


class _CannotCheck(Exception):
    """A check cannot be made with what is there."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.en)
        self.told = told


@dataclass(slots=True)
class _Case:
    """What is examined, and what has been proven of it so far."""

    evidence: Evidence
    known: KeyRing
    keys: KeyRing
    quorum: Quorum | None = None
    authorities: Authorities | None = None
    payload: bytes | None = None
    sealed: Statement | None = None
    signed: Checkpoint | None = None

    @property
    def statement(self) -> Statement:
        """The statement, once the receipt's signature and form are proven."""
        if self.sealed is None:
            raise _CannotCheck(Told("the receipt is not proven", "受領証が検証されていません。"))
        return self.sealed

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint, once its signature is proven."""
        if self.signed is None:
            raise _CannotCheck(Told("the checkpoint is not proven", "チェックポイントが検証されていません。"))
        return self.signed


Proof = Callable[[_Case], Told]


def verify_evidence(
    bundle: bytes, keys: KeyRing, quorum: Quorum | None = None, authorities: Authorities | None = None
) -> Report:
    """Examine an evidence file or container. Never raises for what is in it: if broken, the report does not hold.

    Args:
        bundle: the file's bytes.
        keys: the keys one trusts, from the key file; those inside the evidence only if a log's key among these
            announced them.
        quorum: the witnesses one trusts, and how many of them must have cosigned the checkpoint.
        authorities: the time-stamping authorities one trusts; without any, time stamps are not checked.
    """
    contained = is_container(bundle)
    try:
        evidence = open_container(bundle, keys) if contained else read_evidence(bundle)
        case = _Case(evidence, keys, learned(keys, evidence.keys), quorum, authorities)
    except EvidenceError as error:
        unread = Told("the file could not be read", "ファイルを読み取れませんでした。")
        others = [_check(name, "unchecked", unread) for name in PROOFS]
        return Report((_check("file", "failed", Told(error.message, error.ja)), *others))
    read = Told("canonical, and of the expected form", "正規形であり、形式も正しいです。")
    if contained:
        read = Told("a signed container, whole and in canonical form", "署名付きコンテナは完全であり、正規形です。")
    return Report((_check("file", "verified", read), *(_made(name, proof, case) for name, proof in PROOFS.items())))


def _made(name: str, proof: Proof, case: _Case) -> Check:
    try:
        return _check(name, "verified", proof(case))
    except _CannotCheck as missing:
        return _check(name, "unchecked", missing.told)
    except EvidenceError as error:
        return _check(name, "failed", Told(error.message, error.ja))


def _check(name: str, verdict: Literal["verified", "failed", "unchecked"], told: Told) -> Check:
    return Check(name, verdict, detail_ja=told.ja, detail_en=told.en)


def _keys(case: _Case) -> Told:
    """The keys the file names are trusted, or announced by a trusted one: nobody is led to trust others."""
    if not case.evidence.keys:
        raise _CannotCheck(Told("the file names no keys", "鍵が記載されていません。"))
    for named in case.evidence.keys:
        trusted, said = case.keys.find(str(named.get("kid"))), _named(named)
        if trusted is None or said.jwk() != named or not says_the_truth(said, trusted, case.keys):
            raise EvidenceError(
                "the file names a key that the key file does not hold", ja="鍵ファイルにない鍵が記載されています。"
            )
    return Told(
        "every key named is one of the key file, or announced by one of it",
        "記載された鍵はすべて鍵ファイルにあるか、その鍵で予告されています。",
    )


def _named(jwk: Mapping[str, Any]) -> PublicKey:
    try:
        return PublicKey.from_jwk(jwk)
    except ConfigurationError as error:
        raise EvidenceError(
            "the file names something that is no key", ja="鍵ではないものが記載されています。"
        ) from error


def _receipt_signature(case: _Case) -> Told:
    case.payload = open_receipt(case.evidence.receipt, case.keys)
    return Told("signed by a trusted key", "信頼できる鍵で署名されています。")


def _statement(case: _Case) -> Told:
    if case.payload is None:
        raise _CannotCheck(Told("the receipt is not proven", "受領証が検証されていません。"))
    case.sealed = read_statement(case.payload)
    return Told(
        f"submission {case.sealed.submission}, {case.sealed.verdict.value}",
        f"提出 {case.sealed.submission}({case.sealed.verdict.value})",
    )


def _recipient(case: _Case) -> Told:
    if case.evidence.recipient != case.statement.recipient:
        raise EvidenceError("the receipt is for another recipient", ja="受領証の受領先が異なります。")
    return Told(f"recipient {case.statement.recipient}", f"受領先 {case.statement.recipient}")


def _line_encoding(case: _Case) -> Told:
    """Each line shown is canonical and has its leaf hash; of one that is withheld only the hash is there."""
    shown = 0
    for each in case.evidence.lines:
        if each.line is None:
            continue
        shown += 1
        if not isinstance(strict_load(each.line), dict) or leaf_hash(each.line) != each.leaf:
            raise EvidenceError(
                f"line {each.index} is not what its hash says", ja=f"行 {each.index} がハッシュと一致しません。"
            )
    withheld = len(case.evidence.lines) - shown
    return Told(f"{shown} shown, {withheld} withheld", f"開示 {shown} 行、非開示 {withheld} 行")


def _positions(case: _Case) -> Told:
    """Each line is one of those the statement counts, none stands twice, and the statement's own numbers fit."""
    statement, indexes = case.statement, [each.index for each in case.evidence.lines]
    within = all(0 <= index < statement.count for index in indexes)
    if not within or indexes != sorted(set(indexes)) or (statement.count and not indexes):
        raise EvidenceError(
            "lines are missing, doubled or out of order", ja="行の欠落、重複または順序の誤りがあります。"
        )
    if min(statement.leaf_index, statement.known_position, statement.first_position - statement.known_position) < 0:
        raise EvidenceError("the statement's positions contradict each other", ja="証明書の位置が矛盾しています。")
    shown = ", ".join(str(statement.first_position + index) for index in indexes[:3])
    more = " …" if len(indexes) > 3 else ""
    return Told(
        f"{len(indexes)} of {statement.count} lines: {shown}{more}",
        f"{statement.count} 行中 {len(indexes)} 行: {shown}{more}",
    )


def _lines_root(case: _Case) -> Told:
    """All lines together have the sealed root, or each line shown leads to it by its own path."""
    statement, lines = case.statement, case.evidence.lines
    whole = len(lines) == statement.count and all(each.index == at for at, each in enumerate(lines))
    if whole and root([each.leaf for each in lines]).hex() != statement.lines_root:
        raise EvidenceError("the lines are not those the receipt seals", ja="行が受領証の封印と一致しません。")
    for each in lines:
        if each.path is not None:
            check_inclusion(each.leaf, each.index, statement.count, each.path, _sealed_root(statement))
        elif not whole:
            raise EvidenceError(f"line {each.index} comes without a proof", ja=f"行 {each.index} の証明がありません。")
    if whole:
        return Told("all lines are there and sealed by the receipt", "全行がそろい、受領証に封じられています。")
    return Told("each line shown is sealed by the receipt", "示された行は受領証に封じられています。")


def _sealed_root(statement: Statement) -> bytes:
    try:
        return bytes.fromhex(statement.lines_root)
    except ValueError as error:
        raise EvidenceError("lines_root is not a hash", ja="lines_root がハッシュではありません。") from error


def _row_digests(case: _Case) -> Told:
    """Each line was made from the row it names: the row's own bytes, or a document that is one record as a whole."""
    lines = case.evidence.lines
    raw = case.evidence.raw if case.statement.counts.records == 1 else None
    single = None if raw is None else document_in(case.statement.origin.proof, raw)
    matched = sum(_row_matches(each, single) for each in lines)
    if not lines or matched < len(lines):
        told = (
            f"{matched} of {len(lines)} rows are in the file",
            f"元データがあるのは {len(lines)} 行中 {matched} 行です。",
        )
        raise _CannotCheck(Told(*told))
    return Told("each line names the digest of its row", "各行のダイジェストが元データと一致します。")


def _row_matches(each: EvidenceLine, single: bytes | None) -> bool:
    """Whether a line's source digest was matched with bytes in the file; a row beside the line must match."""
    digest = None if each.line is None else _source_digest(strict_load(each.line))
    if each.row is not None and sha256_hex(each.row) != digest:
        raise EvidenceError(
            f"line {each.index} was made from another row", ja=f"行 {each.index} の元データが異なります。"
        )
    return each.row is not None or (single is not None and sha256_hex(single) == digest)


def _source_digest(line: Any) -> object:
    source = line.get("source") if isinstance(line, dict) else None
    return source.get("digest") if isinstance(source, dict) else None


def _raw(case: _Case) -> Told:
    raw = case.evidence.raw
    if raw is None:
        raise _CannotCheck(Told("the document is not in the file", "受信した文書が含まれていません。"))
    if (sha256_hex(raw), len(raw)) != (case.statement.raw_sha256, case.statement.raw_bytes):
        raise EvidenceError("the document is not the one that was received", ja="文書が受信したものと異なります。")
    return Told(f"{len(raw)} bytes, as received", f"受信した {len(raw)} バイトと一致します。")


def _findings(case: _Case) -> Told:
    findings = case.evidence.findings
    if findings is None:
        raise _CannotCheck(Told("the findings are not in the file", "指摘が含まれていません。"))
    *lines, rest = findings.split(b"\n")
    if sha256_hex(findings) != case.statement.findings_sha256 or rest or len(lines) != case.statement.findings_count:
        raise EvidenceError("the findings are not those that were sealed", ja="指摘が封じられたものと異なります。")
    for line in lines:
        _finding(strict_load(line))
    return Told(f"{len(lines)} findings, as sealed", f"指摘 {len(lines)} 件、封印と一致します。")


def _finding(value: Any) -> Finding:
    try:
        return Finding.model_validate(value)
    except ValidationError as error:
        raise EvidenceError("a finding is not of the expected form", ja="指摘の形式が正しくありません。") from error


def _checkpoint_signature(case: _Case) -> Told:
    case.signed = open_checkpoint(case.evidence.checkpoint, case.keys)
    size, by = case.signed.size, ", ".join(case.signed.signed_by)
    late = [kid for kid in case.signed.signed_by if case.known.find(kid) is None]
    more = ("", "") if not late else (", which succeeds a key of the key file", "(鍵ファイルの鍵の後継)")
    return Told(f"the log's head at {size} entries, by {by}{more[0]}", f"記録 {size} 件時点のログ署名 {by}{more[1]}")


def _checkpoint_origin(case: _Case) -> Told:
    gateway, _, recipient = case.checkpoint.origin.rpartition("/recipients/")
    if not gateway or recipient != case.statement.recipient:
        raise EvidenceError("the checkpoint is that of another log", ja="別のログのチェックポイントです。")
    return Told(f"log {case.checkpoint.origin}", f"ログ {case.checkpoint.origin}")


def _inclusion(case: _Case) -> Told:
    statement, checkpoint, inclusion = case.statement, case.checkpoint, case.evidence.inclusion
    if inclusion.tree_size != checkpoint.size:
        raise EvidenceError(
            "the proof is for another size than the checkpoint's", ja="証明とチェックポイントの件数が異なります。"
        )
    leaf = leaf_hash(canonical(statement.canonical()))
    check_inclusion(leaf, statement.leaf_index, inclusion.tree_size, inclusion.path, checkpoint.root)
    return Told(
        f"entry {statement.leaf_index} of {checkpoint.size}", f"記録 {checkpoint.size} 件中の {statement.leaf_index} 番"
    )


def _timestamp(case: _Case) -> Told:
    """A trusted authority saw the checkpoint, and not before what the receipt says of its own time."""
    token = case.evidence.timestamp
    if token is None:
        raise _CannotCheck(Told("not stamped by a third party yet", "第三者のタイムスタンプはまだ付与されていません。"))
    if case.authorities is None:
        raise _CannotCheck(
            Told("no authority's certificates were given", "タイムスタンプ局の証明書が指定されていません。")
        )
    signed = case.checkpoint, signed_by_log(case.evidence.checkpoint)
    at = check_token(token, signed[1].encode(), case.authorities)
    if parse_instant(case.statement.sealed_at) > at + CLOCKS_APART:
        raise EvidenceError(
            "the checkpoint was stamped before the receipt was sealed", ja="タイムスタンプが受領証の封印より前です。"
        )
    return Told(
        f"{signed[0].size} entries were there at {instant_text(at)}",
        f"{instant_text(at)} に {signed[0].size} 件の記録が存在しました。",
    )


def _witnesses(case: _Case) -> Told:
    """So many of the witnesses that one trusts saw this head of the log: it is the history that others were shown."""
    if case.quorum is None:
        raise _CannotCheck(Told("no witness was named", "立会人が指定されていません。"))
    size = case.checkpoint.size
    seen = case.quorum.require(case.evidence.checkpoint)
    told = ", ".join(f"{name} {at:%Y-%m-%dT%H:%M:%SZ}" for name, at in sorted(seen.items()))
    return Told(f"the head at {size} entries was seen by {told}", f"記録 {size} 件時点のログ署名の立会人: {told}")


PROOFS: dict[str, Proof] = {
    "keys": _keys,
    "receipt_signature": _receipt_signature,
    "statement": _statement,
    "recipient": _recipient,
    "line_encoding": _line_encoding,
    "positions": _positions,
    "lines_root": _lines_root,
    "row_digests": _row_digests,
    "raw_digest": _raw,
    "findings_digest": _findings,
    "checkpoint_signature": _checkpoint_signature,
    "checkpoint_origin": _checkpoint_origin,
    "inclusion": _inclusion,
    "timestamp": _timestamp,
    "witnesses": _witnesses,
}
"""The checks by name, in the order in which they build on each other."""
