"""Disclosures that accounting systems push at the firm's request (MIS, 経営情報の開示): figures in an envelope.

Reads: JSON and XML of the envelope ``urn:hayame:mis-feed:1``; ``tb_monthly`` and ``fs_annual`` become trial balances
    and financial statements, one per payload, each with the whole ``disclosure``: close state, accountant, system,
    consent number, evidence.
Specification: ``openapi/schemas/mis_feed.json`` and ``mis_feed.xsd``, both made from ``gateway.schemas.mis_feed``.
Units and calendar: money is integer yen whatever ``unit`` says the source had; dates ISO 8601; instants with an offset.
Encoding: UTF-8; XML without DOCTYPE.
Known limits: ``tax_return``, ``attachments`` and ``live_view_link`` carry no figures and are refused; what they are
    proof of belongs into ``evidence`` of the figures, by its digest. An enveloped ``ds:Signature`` below the root is
    passed over: whom a document is from is proven by the submission (profile ``xml_signature``). Elements of XML may
    stand in any order; an empty one says nothing, and white space around a text is no part of it.

The digest of the only payload is that of the document; of several, that of the payload's canonical JSON (members
sorted, no white space), in either syntax. Both syntaxes give equal records. Unknown members refuse their payload, or,
in the envelope, all: then the whole document is one refused record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, BinaryIO

from lxml import etree
from pydantic import ValidationError

from gateway.errors import Unreadable
from gateway.formats.identifiers import shown
from gateway.formats.json_text import strict_json
from gateway.formats.schema_errors import MOST_REASONS, schema_findings, unreadable_value
from gateway.formats.text import UTF8_MARK, whole
from gateway.formats.xml_text import AsJson, parse_xml
from gateway.ports import Hints
from gateway.schemas.findings import Finding
from gateway.schemas.mis_feed import (
    FED,
    MOST_PAYLOADS,
    NAME,
    PAYLOADS,
    ROOT,
    Envelope,
    feed_schema,
    fields_from,
    not_of_payload,
)
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.xsd import DSIG

_URN = NAME.encode()


class MisFeed:
    """The adapter."""

    name = "mis_feed"
    version = "1"
    media_types = frozenset({"application/json", "application/xml", "text/xml"})
    kinds = frozenset(PAYLOADS)

    def recognises(self, head: bytes, filename: str | None) -> bool:
        """JSON or XML that names the envelope near its beginning."""
        return head.removeprefix(UTF8_MARK).lstrip()[:1] in (b"{", b"<") and _URN in head

    def read(self, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
        """The payloads, one after the other."""
        feed = _Feed.of(whole(source))
        envelope = _envelope(feed)
        if isinstance(envelope, ValidationError):
            yield Unplaced(0, sha256(feed.raw).hexdigest(), None, schema_findings(envelope, 0, feed.place_of))
            return
        _refuse_without_figures(envelope, feed)
        found = 0
        for ordinal in range(len(feed.payloads)):
            seen = _observed(feed, envelope, ordinal) if found <= MOST_REASONS else _too_faulty(feed, ordinal)
            found += len(seen.problems)
            yield seen

    def returned(self, source: BinaryIO, refused: Collection[int], hints: Hints) -> Iterator[bytes]:
        """The envelope with the refused payloads only; the document as it came if these are all."""
        raw = whole(source)
        feed = _Feed.of(raw)
        is_all = len(refused) == len(feed.payloads) or isinstance(_envelope(feed), ValidationError)
        if refused:
            yield raw if is_all else _narrowed(raw, refused)


adapter = MisFeed()


@dataclass(frozen=True, slots=True)
class _Feed:
    """The document as a JSON value, with the place of every pointer into it."""

    raw: bytes
    said: Mapping[str, Any]
    payloads: list[Any]
    place_of: Callable[[str], Place]

    @staticmethod
    def of(raw: bytes) -> _Feed:
        """Either syntax as the same value.

        Raises:
            Unreadable: it is neither, not of this schema, or without payloads.
        """
        text = raw.removeprefix(UTF8_MARK).lstrip()
        value: Any
        if text.startswith(b"<"):
            root = parse_xml(text if raw.startswith(UTF8_MARK) else raw)
            _expect(root.tag == f"{{{NAME}}}{ROOT}", Place(line=root.sourceline))
            read = AsJson(root, _schema(), NAME)
            value, place_of = read.value, read.place_of
        else:
            value, place_of = strict_json(raw), _json_place
            _expect(isinstance(value, dict) and value.pop("schema", None) == NAME, Place(pointer="/schema"))
        payloads = value.pop("payloads", None)
        if not isinstance(payloads, list) or not 0 < len(payloads) <= MOST_PAYLOADS:
            payloads = [None]  # said once what is wrong with the envelope, or that nothing is in it
        return _Feed(raw, value, payloads, place_of)

    def digest(self, ordinal: int) -> str:
        """SHA-256 of a payload's own bytes."""
        own = self.raw if len(self.payloads) == 1 else _canonical(self.payloads[ordinal])
        return sha256(own).hexdigest()


@cache
def _schema() -> dict[str, Any]:
    return feed_schema()


def _json_place(pointer: str) -> Place:
    return Place(pointer=pointer)


def _expect(holds: bool, place: Place) -> None:
    if not holds:
        raise Unreadable(f"It is no disclosure of {NAME}.", ja=f"{NAME} の開示データではありません。", place=place)


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode(errors="surrogatepass")


def _envelope(feed: _Feed) -> Envelope | ValidationError:
    try:
        return Envelope.model_validate_json(json.dumps(feed.said), strict=True)
    except ValidationError as refused:
        return refused


def _refuse_without_figures(envelope: Envelope, feed: _Feed) -> None:
    kind = envelope.disclosure.feed_kind
    if kind not in FED:
        raise Unreadable(
            f"A disclosure of kind {kind} carries no figures and is not taken yet. Name what it is proof of in the "
            "evidence of a tb_monthly or fs_annual disclosure, by its SHA-256.",
            ja=f"開示の種類 {kind} には数値がなく、まだ受け付けていません。tb_monthly か fs_annual の開示の "
            "evidence に、その書類の種類と SHA-256 を記載して提出してください。",
            place=feed.place_of("/disclosure/feed_kind"),
        )


def _observed(feed: _Feed, envelope: Envelope, ordinal: int) -> Observed:
    """One payload as a record, or everything that is wrong with it."""
    payload, pointer, digest = feed.payloads[ordinal], f"/payloads/{ordinal}", feed.digest(ordinal)
    kind = next(iter(payload)) if isinstance(payload, dict) and len(payload) == 1 else None
    wanted = FED[envelope.disclosure.feed_kind]
    if kind != wanted or not isinstance(payload[kind], dict):
        found = None if payload is None else kind or shown(payload)
        wrong = unreadable_value(pointer, found, wanted, ordinal, feed.place_of(pointer))
        return Unplaced(ordinal, digest, None, (wrong,))
    place_of = _Places(feed.place_of, f"{pointer}/{kind}", not_of_payload(kind))
    own, strays = payload[kind], tuple(_strays(payload[kind], kind, ordinal, feed.place_of, f"{pointer}/{kind}"))
    said = {name: value for name, value in own.items() if name not in place_of.outside}
    try:
        record = PAYLOADS[kind].model_validate_json(json.dumps(said | fields_from(envelope, kind)), strict=True)
    except ValidationError as refused:
        return Unplaced(ordinal, digest, kind, (*strays, *schema_findings(refused, ordinal, place_of.__getitem__)))
    if strays:
        return Unplaced(ordinal, digest, kind, strays)
    return ObservedDocument(record, ordinal, digest, place_of)


def _strays(
    own: Mapping[str, Any], kind: str, ordinal: int, place_of: Callable[[str], Place], pointer: str
) -> Iterator[Finding]:
    """What a payload says that its envelope says for all."""
    for name in sorted(own.keys() & not_of_payload(kind)):
        expected = "封筒側の項目 / said by the envelope"
        yield unreadable_value(f"/{name}", own[name], expected, ordinal, place_of(f"{pointer}/{name}"))


def _too_faulty(feed: _Feed, ordinal: int) -> Unplaced:
    pointer = f"/payloads/{ordinal}"
    expected = f"誤り {MOST_REASONS} 件以内の文書 / a document of {MOST_REASONS} faults at most"
    wrong = unreadable_value(pointer, f"> {MOST_REASONS}", expected, ordinal, feed.place_of(pointer))
    return Unplaced(ordinal, feed.digest(ordinal), None, (wrong,))


class _Places(Mapping[str, Place]):
    """Places of a record of which some fields stand in the envelope."""

    def __init__(self, place_of: Callable[[str], Place], pointer: str, outside: Collection[str]) -> None:
        self._place_of, self._pointer, self.outside = place_of, pointer, outside

    def __getitem__(self, pointer: str) -> Place:
        is_outside = pointer.split("/", 2)[1:2] and pointer.split("/", 2)[1] in self.outside
        return self._place_of(pointer if is_outside else self._pointer + pointer)

    def __contains__(self, pointer: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter([""])

    def __len__(self) -> int:
        return 1


def _narrowed(raw: bytes, refused: Collection[int]) -> bytes:
    text = raw.removeprefix(UTF8_MARK).lstrip()
    if not text.startswith(b"<"):
        value = strict_json(raw)
        value["payloads"] = [one for at, one in enumerate(value["payloads"]) if at in refused]
        return json.dumps(value, ensure_ascii=False, indent=1).encode(errors="surrogatepass") + b"\n"
    root = parse_xml(text if raw.startswith(UTF8_MARK) else raw)
    gone = [one for at, one in enumerate(root.iterfind(f"{{{NAME}}}payloads")) if at not in refused]
    for element in [*gone, *root.iterfind(f"{{{DSIG}}}Signature")]:  # it signed the whole
        root.remove(element)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
