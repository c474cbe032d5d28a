"""An XML Schema made from a JSON Schema, for documents whose elements are its members.

An object is a sequence of elements, one where it holds just one of several; a list is its element repeated; members of
free name carry theirs in the attribute ``at``. What XML Schema cannot say of a text (a pattern over control characters,
which XML has none of) is left to the reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

XS = "http://www.w3.org/2001/XMLSchema"
DSIG = "http://www.w3.org/2000/09/xmldsig#"

_SIMPLE = {"string": "xs:string", "integer": "xs:integer", "boolean": "xs:boolean"}
_FORMATS = {"date": "xs:date", "date-time": "xs:dateTime"}
_FACETS = {"minLength": "minLength", "maxLength": "maxLength", "minimum": "minInclusive", "maximum": "maxInclusive"}

Schema = Mapping[str, Any]


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """What a schema means where it refers to a definition, or allows null beside it."""
    if "anyOf" in schema:
        return resolved(next(one for one in schema["anyOf"] if one.get("type") != "null"), definitions)
    if "$ref" in schema:
        return resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return schema


def xsd(schema: Schema, root: str, namespace: str, leave_out: frozenset[str] = frozenset()) -> bytes:
    """The XML Schema of documents with one root element, which may be signed.

    Args:
        schema: of an object.
        root: name of its element.
        namespace: of all elements.
        leave_out: members of the root that no element says.
    """
    top = etree.Element(
        _xs("schema"),
        {"targetNamespace": namespace, "elementFormDefault": "qualified"},
        nsmap={"xs": XS, None: namespace},  # type: ignore[dict-item]  # the stubs forget the default namespace
    )
    writer = _Writer(schema["$defs"])
    shown = {name: one for name, one in schema["properties"].items() if name not in leave_out}
    element = etree.SubElement(top, _xs("element"), {"name": root})
    sequence = writer.members(element, {**schema, "properties": shown})
    etree.SubElement(
        sequence, _xs("any"), {"namespace": DSIG, "processContents": "skip", "minOccurs": "0", "maxOccurs": "1"}
    )
    for name in sorted(writer.definitions):
        writer.named(top, name)
    etree.indent(top)
    return etree.tostring(top, xml_declaration=True, encoding="UTF-8") + b"\n"


def _xs(name: str) -> str:
    return f"{{{XS}}}{name}"


class _Writer:
    def __init__(self, definitions: Schema) -> None:
        self.definitions = definitions

    def named(self, top: etree._Element, name: str) -> None:
        """One definition as a type of its own."""
        schema = self.definitions[name]
        if "properties" in schema:
            self.members(top, schema, name)
        else:
            self._simple(top, schema).set("name", name)

    def members(self, parent: etree._Element, schema: Schema, name: str | None = None) -> etree._Element:
        """An object's type below its element, or as a type with a name; the sequence of its members."""
        complex_type = etree.SubElement(parent, _xs("complexType"), {"name": name} if name else {})
        group = "choice" if schema.get("maxProperties") == 1 else "sequence"
        sequence = etree.SubElement(complex_type, _xs(group))
        for member, own in schema["properties"].items():
            self._element(sequence, member, own, member in schema.get("required", ()) or group == "choice")
        return sequence

    def _element(self, parent: etree._Element, name: str, schema: Schema, is_required: bool) -> None:
        meant = schema if "$ref" in schema else resolved({"anyOf": schema.get("anyOf", [schema])}, {})
        element = etree.SubElement(parent, _xs("element"), {"name": name, "minOccurs": "1" if is_required else "0"})
        if meant.get("type") == "array":
            element.set("minOccurs", str(meant.get("minItems", 0)))
            element.set("maxOccurs", str(meant.get("maxItems", "unbounded")))
            meant = meant["items"]
        elif "additionalProperties" in meant and "properties" not in meant:
            element.set("maxOccurs", "unbounded")
            self._keyed(element, meant["additionalProperties"])
            return
        if "$ref" in meant:
            element.set("type", meant["$ref"].rpartition("/")[2])
        elif "properties" in meant:
            self.members(element, meant)
        else:
            self._simple(element, meant)

    def _keyed(self, element: etree._Element, schema: Schema) -> None:
        content = etree.SubElement(etree.SubElement(element, _xs("complexType")), _xs("simpleContent"))
        base = schema["$ref"].rpartition("/")[2]
        extension = etree.SubElement(content, _xs("extension"), {"base": base})
        etree.SubElement(extension, _xs("attribute"), {"name": "at", "type": "xs:string", "use": "required"})

    def _simple(self, parent: etree._Element, schema: Schema) -> etree._Element:
        base = _FORMATS.get(schema.get("format", ""), _SIMPLE[schema["type"]])
        simple = etree.SubElement(parent, _xs("simpleType"))
        restriction = etree.SubElement(simple, _xs("restriction"), {"base": base})
        for value in schema.get("enum", [schema["const"]] if "const" in schema else []):
            etree.SubElement(restriction, _xs("enumeration"), {"value": str(value)})
        pattern = schema.get("pattern", "")
        if pattern and "\\x" not in pattern:
            etree.SubElement(restriction, _xs("pattern"), {"value": pattern.removeprefix("^").removesuffix("$")})
        for name, facet in _FACETS.items():
            if name in schema:
                etree.SubElement(restriction, _xs(facet), {"value": str(schema[name])})
        return simple
