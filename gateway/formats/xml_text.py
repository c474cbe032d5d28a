"""XML of people who are not to be trusted, and what its elements say as the members of a JSON value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from gateway.errors import Unreadable
from gateway.formats.json_text import pointer_to
from gateway.schemas.place import Place
from gateway.schemas.xsd import DSIG, Schema, resolved

MOST_TAGS = 500_000
"""Opening and closing tags of one document."""
MOST_NAMESPACES = 16
MOST_ATTRIBUTES = 32
"""Of one element; reading them takes time by their square."""

_ENCODINGS = {None, "UTF-8", "ASCII", "US-ASCII"}
_SPACE = " \t\r\n"
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


def parse_xml(raw: bytes) -> etree._Element:
    """The root of an XML document of bounded size in UTF-8, without DOCTYPE; comments are no part of it.

    Raises:
        Unreadable: it is not such a document; with line and column where they are known.
    """
    if raw.count(b"<") > MOST_TAGS or raw.count(b"xmlns") > MOST_NAMESPACES:
        raise _unreadable("it has too many elements or namespaces", "要素または名前空間の数が多すぎます")
    if b"<!DOCTYPE" in raw:
        line = raw[: raw.index(b"<!DOCTYPE")].count(b"\n") + 1
        raise _unreadable("a DOCTYPE is not allowed", "DOCTYPE は使用できません", Place(line=line))
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        place = Place(line=line or None, column=column or None)
        raise _unreadable(error.msg or "no XML", "文法に誤りがあります", place) from error
    told = root.getroottree().docinfo
    if told.internalDTD is not None or (told.encoding and told.encoding.upper()) not in _ENCODINGS:
        raise _unreadable("it is not in UTF-8", "文字コードは UTF-8 としてください", Place(line=1))
    for element in root.iter():
        if len(element.attrib) > MOST_ATTRIBUTES:
            place = Place(line=line_of(element))
            raise _unreadable("an element has too many attributes", "属性の数が多すぎる要素があります", place)
    return root


def line_of(element: etree._Element) -> int:
    """The line on which an element opens."""
    line: Any = element.sourceline
    return int(line or 1)


def _unreadable(en: str, ja: str, place: Place | None = None) -> Unreadable:
    return Unreadable(f"Not readable as XML: {en}.", ja=f"XMLとして読み取れません。{ja}。", place=place or Place())


class AsJson:
    """What a root element says as a JSON value, by a JSON Schema: lists, whole numbers and truth values as such.

    Nothing that stands in the document is passed over but a signature directly below the root and white space:
    attributes, text between elements and elements that the schema does not know become members that it refuses.

    Attributes:
        value: the value.
        lines: JSON Pointer within it -> line of the element.
    """

    def __init__(self, root: etree._Element, schema: Schema, namespace: str) -> None:
        self._definitions, self._prefix = schema["$defs"], f"{{{namespace}}}"
        self.lines: dict[str, int] = {"": 1}
        self.value = self._members(root, schema, "")

    def place_of(self, pointer: str) -> Place:
        """Where a pointer into the value stands, or else its nearest ancestor."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return Place(line=self.lines[pointer])

    def _members(self, element: etree._Element, schema: Schema, pointer: str) -> dict[str, Any]:
        members: dict[str, Any] = dict(self._strays(element, pointer))
        properties: Mapping[str, Any] = schema["properties"]
        for child in element:
            tag = str(child.tag)
            if not pointer and tag == f"{{{DSIG}}}Signature":
                continue
            name = tag.removeprefix(self._prefix) if tag.startswith(self._prefix) else f"?{tag}"
            own = resolved(properties.get(name, {}), self._definitions)
            if own.get("type") == "array":
                several = members.setdefault(name, [])
                several.append(
                    self._value(child, resolved(own["items"], self._definitions), pointer, name, len(several))
                )
            elif "additionalProperties" in own and "properties" not in own:
                self._keyed(child, members.setdefault(name, {}), pointer + pointer_to(name))
            else:
                said = self._value(child, own, pointer, name)
                members[name] = [members[name], said] if name in members else said
        return members

    def _value(self, element: etree._Element, schema: Schema, pointer: str, *tokens: object) -> Any:
        here = pointer + pointer_to(*tokens)
        if len(tokens) > 1:
            self.lines.setdefault(pointer + pointer_to(tokens[0]), line_of(element))
        self.lines[here] = line_of(element)
        if "properties" in schema:
            return self._members(element, schema, here)
        if len(element) or element.attrib:
            return {**dict(self._strays(element, here)), **{str(child.tag): "" for child in element}}
        text = (element.text or "").strip(_SPACE)
        if schema.get("type") == "integer" and _WHOLE.fullmatch(text):
            return int(text)
        if schema.get("type") == "boolean":
            return _TRUTH.get(text, text)
        return text or (None if schema else "")

    def _keyed(self, element: etree._Element, members: dict[str, Any], pointer: str) -> None:
        at, text = element.get("at"), (element.text or "").strip(_SPACE)
        here = pointer + pointer_to(at)
        self.lines[here] = line_of(element)
        is_plain = at is not None and set(element.attrib) == {"at"} and not len(element) and at not in members
        members[str(at)] = text if is_plain else None

    def _strays(self, element: etree._Element, pointer: str) -> Iterator[tuple[str, str]]:
        """What stands in an element that holds others, besides these."""
        between = "".join([element.text or "", *(child.tail or "" for child in element)]).strip(_SPACE)
        stray = {
            f"@{name}": value for name, value in map(_as_texts, element.attrib.items()) if name != _SCHEMA_LOCATION
        }
        for name, value in {**stray, **({"#text": between} if between else {})}.items():
            self.lines[pointer + pointer_to(name)] = line_of(element)
            yield name, value


def _as_texts(pair: tuple[Any, Any]) -> tuple[str, str]:
    return str(pair[0]), str(pair[1])
