"""Evidence: all that an outsider needs to verify one outcome offline, as one file of canonical JSON.

    hayame_evidence  1
    recipient        whose log it is about
    receipt          the JWS; its payload is the statement, and the leaf
    lines            index, line, leaf, withheld, path and row of each line shown: all of them, or just one
    inclusion        tree_size and path: the receipt's leaf in the log
    checkpoint       the signed head of the log of that size, with the cosignatures of its witnesses
    raw              the document as received, or null
    findings         the findings as served, one canonical JSON object per line, or null
    timestamp        a token (RFC 3161) over the checkpoint as the log signed it; left out where there is none yet
    keys             public keys beyond the first: successors of the log's key, each vouched for by the one before, and
                     the key that signed the receipt, where that is another one

Evidence for one line holds no byte of another's: the line comes with its path to ``lines_root`` and, where the
adapter can tell it, with the bytes of its own row. Bytes are base64, hashes lower-case hex; what is absent is null,
but for the time stamp: files that were written before there were any read the same.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from gateway.errors import EvidenceError
from gateway.schemas.line import WITHHELD_REASONS
from gateway.schemas.statement import Statement
from gateway.security.canonical import b64, canonical, strict_b64, strict_load

_HASH_BYTES = 32


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return strict_b64(value)
        except EvidenceError as error:
            raise ValueError(error.message) from error
    raise ValueError("expected base64")


def _hash(value: object) -> bytes:
    raw = bytes.fromhex(value) if isinstance(value, str) else value
    if not (isinstance(raw, bytes) and len(raw) == _HASH_BYTES):
        raise ValueError("expected a SHA-256 hash in hex")
    return raw


Base64 = Annotated[bytes, PlainValidator(_bytes), PlainSerializer(b64)]
Hash = Annotated[bytes, PlainValidator(_hash), PlainSerializer(bytes.hex)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EvidenceLine(_Part):
    """One line: its bytes, or the reason for which they are withheld; its leaf hash stays in either case.

    ``path`` leads from the leaf to ``lines_root``; it may be left out where all lines are given. ``row`` is the
    row's own bytes in the sender's document, whose digest the line carries.
    """

    index: int
    line: Base64 | None
    leaf: Hash
    withheld: str | None = None
    path: tuple[Hash, ...] | None = None
    row: Base64 | None = None

    @model_validator(mode="after")
    def _shown_or_withheld(self) -> EvidenceLine:
        if (self.line is None) == (self.withheld is None) or self.withheld not in {None, *WITHHELD_REASONS}:
            raise ValueError("a line is either shown, or withheld for one of the known reasons")
        if self.line is None and self.row is not None:
            raise ValueError("a withheld line shows no row")
        return self


class Inclusion(_Part):
    """Where the receipt's leaf is proven to be: in the tree of that size."""

    tree_size: int
    path: tuple[Hash, ...]


class Evidence(_Part):
    """The whole file."""

    hayame_evidence: Literal[1] = 1
    recipient: str
    receipt: str
    lines: tuple[EvidenceLine, ...]
    inclusion: Inclusion
    checkpoint: str
    raw: Base64 | None = None
    findings: Base64 | None = None
    keys: tuple[dict[str, Any], ...] = ()
    timestamp: Base64 | None = None

    @model_serializer(mode="wrap")
    def _without_absent_stamp(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        members: dict[str, Any] = plain(self)
        if members["timestamp"] is None:
            del members["timestamp"]
        return members


def write_evidence(evidence: Evidence) -> bytes:
    """The file's bytes."""
    return canonical(evidence.model_dump())


def read_evidence(raw: bytes) -> Evidence:
    """Read an evidence file; what it says is not proven by this.

    Raises:
        EvidenceError: it is not one, or not spelled the one way in which it is written.
    """
    try:
        evidence = Evidence.model_validate(strict_load(raw))
    except ValidationError as error:
        raise EvidenceError(
            f"not an evidence file: {_where(error)}", ja=f"証拠ファイルの形式ではありません: {_where(error)}"
        ) from error
    if write_evidence(evidence) != raw:
        raise EvidenceError("the evidence file is not in canonical form", ja="証拠ファイルが正規形で書かれていません。")
    return evidence


def read_statement(payload: bytes) -> Statement:
    """The statement that a receipt's payload is, strictly: its canonical bytes and nothing else.

    Raises:
        EvidenceError: it is not a statement, or would be spelled differently.
    """
    try:
        statement = Statement.model_validate(strict_load(payload))
    except ValidationError as error:
        raise EvidenceError(
            f"not a statement: {_where(error)}", ja=f"証明書の形式ではありません: {_where(error)}"
        ) from error
    if canonical(statement.canonical()) != payload:
        raise EvidenceError("the statement is not in canonical form", ja="証明書が正規形で書かれていません。")
    return statement


def _where(error: ValidationError) -> str:
    """The first place that does not fit, without the value found there."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    return f"{'.'.join(str(step) for step in first['loc'])} ({first['msg']})"
