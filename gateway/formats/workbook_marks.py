"""Remarks written into a sender's own workbook: cells coloured, comments in Japanese, and a sheet that lists them all.

Nothing that was there is changed or lost: parts of the archive that need no remark are copied as they are, and what is
added can be told from the sender's own and is taken out before new remarks are written. A cell is coloured by a
conditional format, so that its own format stays; a cell that has a comment of the sender's keeps that one. A workbook
in the strict form of the standard gets no remarks.

Source: ECMA-376 part 1 (18.3.1.18 conditional formats, 18.7 comments) and part 4 (19.4 VML, which places comments).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from lxml import etree

from gateway.formats.sheet_xml import column_letters, column_of, row_of
from gateway.ports import Remark

LIST_SHEET = "指摘一覧"
AUTHOR = "早め Hayame"
TITLES = ("シート", "セル", "区分", "内容", "直し方")
WIDTHS = (24, 8, 8, 60, 60)
SEVERITIES = {"refuse": "差戻し", "warn": "注意", "info": "参考"}
COLOUR = "FFFFD966"

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_VML, _OFFICE, _EXCEL = (f"urn:schemas-microsoft-com:{name}" for name in ("vml", "office:office", "office:excel"))
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_OUR_FORMULA = 'N("hayame")=0'
_NOTHING_PRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_OURS_TO_READ = (KeyError, ValueError, etree.XMLSyntaxError, zipfile.BadZipFile)

_AFTER_DXFS = frozenset({"tableStyles", "colors", "extLst"})
_AFTER_DRAWING = frozenset({"legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems"})
_AFTER_DRAWING |= {"tableParts", "extLst"}
_AFTER_FORMATS = _AFTER_DRAWING | {"dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup"}
_AFTER_FORMATS |= {"headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors"}
_AFTER_FORMATS |= {"smartTags", "drawing", "legacyDrawing"}

_EMPTY_VML = f"""<xml xmlns:v="{_VML}" xmlns:o="{_OFFICE}" xmlns:x="{_EXCEL}">
<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>
<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">
<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype></xml>"""
_SHAPE = f"""<v:shape xmlns:v="{_VML}" xmlns:o="{_OFFICE}" xmlns:x="{_EXCEL}" id="hayame_{{cell}}"
type="#_x0000_t202" style="position:absolute;visibility:hidden;width:260pt;height:{{height}}pt" fillcolor="#ffffe1"
o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t"/><v:path o:connecttype="none"/>
<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"/></v:textbox><x:ClientData ObjectType="Note">
<x:MoveWithCells/><x:SizeWithCells/><x:AutoFill>False</x:AutoFill><x:Row>{{row}}</x:Row><x:Column>{{column}}</x:Column>
</x:ClientData></v:shape>"""


def with_remarks(workbook: bytes, remarks: Sequence[Remark]) -> bytes:
    """The workbook with remarks on its cells and a sheet 指摘一覧 behind its own; as it is where it cannot have any.

    Args:
        workbook: one that ``Workbook`` has read.
        remarks: what is to be said, in the order of the list.
    """
    try:
        return _remarked(workbook, remarks)
    except _NOT_OURS_TO_READ:
        return workbook


def _remarked(workbook: bytes, remarks: Sequence[Remark]) -> bytes:
    package = _Package(workbook)
    book = package.linked("", "officeDocument")
    if etree.QName(package.tree(book)).namespace != _MAIN:
        return workbook
    sheets = {sheet.get("name", ""): sheet for sheet in package.tree(book).iterfind("{*}sheets/{*}sheet")}
    dxf = _our_format(package.edit(package.linked(book, "styles")))
    for name, sheet in sheets.items():
        if name != LIST_SHEET:
            part = package.by_id(book, sheet.get(f"{{{_RELATED}}}id", ""))
            _mark_sheet(package, part, _by_cell(remarks, name), dxf)
    listed = sheets.get(LIST_SHEET)
    if listed is None:
        part = package.add(posixpath.join(posixpath.dirname(book), "worksheets/hayame.xml"), _SHEET_TYPE)
        link = package.link(book, "worksheet", part)
        number = max((int(sheet.get("sheetId", "0")) for sheet in sheets.values()), default=0) + 1
        within = package.edit(book).find("{*}sheets")
        if within is None:
            raise KeyError("sheets")
        etree.SubElement(
            within,
            f"{{{_MAIN}}}sheet",
            {"name": LIST_SHEET, "sheetId": str(number), f"{{{_RELATED}}}id": link},
        )
    else:
        package.edit(book)
        listed.attrib.pop("state", None)
        part = package.by_id(book, listed.get(f"{{{_RELATED}}}id", ""))
    package.put(part, _list_of(remarks))
    return package.written()


def _by_cell(remarks: Sequence[Remark], sheet: str) -> dict[str, str]:
    """What is said of each cell of a sheet."""
    said: dict[str, str] = {}
    for one in remarks:
        if one.place.sheet == sheet and one.place.cell:
            before = f"{said[one.place.cell]}\n" if one.place.cell in said else ""
            said[one.place.cell] = f"{before}{one.words}\n{one.remedy}".strip()
    return said


def _mark_sheet(package: _Package, part: str, said: Mapping[str, str], dxf: int) -> None:
    """Take our earlier marks off a sheet, and put these on; a sheet with neither is not touched."""
    if not said and _OUR_FORMULA.encode() not in package.raw(part).replace(b"&quot;", b'"'):
        return
    sheet, notes, drawing = package.edit(part), package.find_linked(part, "comments"), _drawing_of(package, part)
    for old in sheet.findall("{*}conditionalFormatting"):
        if any(formula.text == _OUR_FORMULA for formula in old.iterfind("{*}cfRule/{*}formula")):
            sheet.remove(old)
    if notes and drawing:
        _take_off_comments(package.edit(notes), package.edit(drawing))
    if not said:
        return
    priorities = (int(rule.get("priority", "0")) for rule in sheet.iterfind("{*}conditionalFormatting/{*}cfRule"))
    formatting = etree.Element(f"{{{_MAIN}}}conditionalFormatting", {"sqref": " ".join(said)})
    rule = {"type": "expression", "dxfId": str(dxf), "priority": str(max(priorities, default=0) + 1)}
    etree.SubElement(
        etree.SubElement(formatting, f"{{{_MAIN}}}cfRule", rule), f"{{{_MAIN}}}formula"
    ).text = _OUR_FORMULA
    _insert(sheet, formatting, _AFTER_FORMATS)
    if not notes:
        notes = package.add(package.free("xl/comments_hayame{}.xml"), _COMMENTS_TYPE)
        package.put(notes, _empty_comments())
        package.link(part, "comments", notes)
    if not drawing:
        drawing = package.add(package.free("xl/drawings/vmlDrawing_hayame{}.vml"), _VML_TYPE)
        package.put(drawing, etree.fromstring(_EMPTY_VML))
        link = package.link(part, "vmlDrawing", drawing)
        _insert(sheet, etree.Element(f"{{{_MAIN}}}legacyDrawing", {f"{{{_RELATED}}}id": link}), _AFTER_DRAWING)
    _put_on_comments(package.edit(notes), package.edit(drawing), said)


def _drawing_of(package: _Package, part: str) -> str:
    """The part that places a sheet's comments; empty where it has none."""
    named = package.tree(part).find("{*}legacyDrawing")
    return "" if named is None else package.by_id(part, named.get(f"{{{_RELATED}}}id", ""))


def _take_off_comments(notes: Any, drawing: Any) -> None:
    authors = [author.text for author in notes.iterfind("{*}authors/{*}author")]
    for listed in notes.iterfind("{*}commentList"):
        for comment in listed.findall("{*}comment"):
            if authors[int(comment.get("authorId", "0"))] == AUTHOR:
                listed.remove(comment)
                _take_off_shape(drawing, comment.get("ref", ""))


def _take_off_shape(drawing: Any, cell: str) -> None:
    for shape in drawing.findall(f"{{{_VML}}}shape"):
        at = (shape.findtext(f".//{{{_EXCEL}}}Row"), shape.findtext(f".//{{{_EXCEL}}}Column"))
        if at == (str(row_of(cell) - 1), str(column_of(cell) - 1)):
            drawing.remove(shape)


def _put_on_comments(notes: Any, drawing: Any, said: Mapping[str, str]) -> None:
    authors, listed = notes.find("{*}authors"), notes.find("{*}commentList")
    if authors is None or listed is None:
        raise KeyError("authors")
    if AUTHOR not in (names := [author.text for author in authors]):
        etree.SubElement(authors, f"{{{_MAIN}}}author").text = AUTHOR
        names.append(AUTHOR)
    theirs = {comment.get("ref") for comment in listed}
    for cell in sorted(said.keys() - theirs, key=lambda address: (row_of(address), column_of(address))):
        text = _printable(said[cell])
        whose = {"ref": cell, "authorId": str(names.index(AUTHOR))}
        run = etree.SubElement(etree.SubElement(listed, f"{{{_MAIN}}}comment", whose), f"{{{_MAIN}}}text")
        etree.SubElement(run, f"{{{_MAIN}}}t", {"{http://www.w3.org/XML/1998/namespace}space": "preserve"}).text = text
        height = 20 + 15 * sum(1 + len(line) // 22 for line in text.split("\n"))
        shape = _SHAPE.format(cell=cell, height=height, row=row_of(cell) - 1, column=column_of(cell) - 1)
        drawing.append(etree.fromstring(shape))


def _empty_comments() -> Any:
    root = _root("comments", _MAIN)
    etree.SubElement(root, f"{{{_MAIN}}}authors")
    etree.SubElement(root, f"{{{_MAIN}}}commentList")
    return root


def _our_format(styles: Any) -> int:
    """The number of the differential format that colours a cell; it is added where it is not there."""
    formats = styles.find("{*}dxfs")
    if formats is None:
        formats = etree.Element(f"{{{_MAIN}}}dxfs")
        _insert(styles, formats, _AFTER_DXFS)
    for number, one in enumerate(formats):
        if [colour.get("rgb") for colour in one.iterfind("{*}fill/{*}patternFill/{*}bgColor")] == [COLOUR]:
            return number
    fill = etree.SubElement(etree.SubElement(formats, f"{{{_MAIN}}}dxf"), f"{{{_MAIN}}}fill")
    pattern = etree.SubElement(fill, f"{{{_MAIN}}}patternFill", {"patternType": "solid"})
    etree.SubElement(pattern, f"{{{_MAIN}}}bgColor", {"rgb": COLOUR})
    formats.set("count", str(len(formats)))
    return len(formats) - 1


def _insert(parent: Any, child: Any, before: frozenset[str]) -> None:
    """Put a child where the schema wants it: before the first of those that come after it."""
    for at, other in enumerate(parent):
        if isinstance(other.tag, str) and etree.QName(other).localname in before:
            parent.insert(at, child)
            return
    parent.append(child)


def _list_of(remarks: Sequence[Remark]) -> Any:
    """The sheet 指摘一覧: one remark a row, with a link to its cell."""
    root = _root("worksheet", _MAIN)
    columns = etree.SubElement(root, f"{{{_MAIN}}}cols")
    for at, width in enumerate(WIDTHS, start=1):
        size = {"min": str(at), "max": str(at), "width": str(width), "customWidth": "1"}
        etree.SubElement(columns, f"{{{_MAIN}}}col", size)
    rows = etree.SubElement(root, f"{{{_MAIN}}}sheetData")
    texts: list[Sequence[str]] = [(LIST_SHEET,), TITLES]
    texts += [
        (one.place.sheet or "", one.place.cell or "", SEVERITIES[one.severity], one.words, one.remedy)
        for one in remarks
    ]
    for number, cells in enumerate(texts, start=1):
        row = etree.SubElement(rows, f"{{{_MAIN}}}row", {"r": str(number)})
        for at, text in enumerate(cells, start=1):
            cell = {"r": f"{column_letters(at)}{number}", "t": "inlineStr"}
            said = etree.SubElement(etree.SubElement(row, f"{{{_MAIN}}}c", cell), f"{{{_MAIN}}}is")
            etree.SubElement(said, f"{{{_MAIN}}}t").text = _printable(text)
    links = etree.SubElement(root, f"{{{_MAIN}}}hyperlinks")
    for number, one in enumerate(remarks, start=3):
        if one.place.sheet and one.place.cell:
            quoted = one.place.sheet.replace("'", "''")
            there = {"ref": f"B{number}", "location": f"'{quoted}'!{one.place.cell}"}
            etree.SubElement(links, f"{{{_MAIN}}}hyperlink", there)
    if not len(links):
        root.remove(links)
    return root


def _root(name: str, namespace: str) -> Any:
    return etree.fromstring(f'<{name} xmlns="{namespace}"/>')


def _printable(text: str) -> str:
    return _NOTHING_PRINTED.sub("", text)


class _Package:
    """The archive: its parts as bytes, and as trees where they were asked for."""

    def __init__(self, workbook: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
            self._raw = {name: archive.read(name) for name in archive.namelist()}
        self._trees: dict[str, Any] = {}
        self._edited: set[str] = set()

    def raw(self, part: str) -> bytes:
        return self._raw[part]

    def edit(self, part: str) -> Any:
        """A part as a tree that is going to be changed."""
        self._edited.add(part)
        return self.tree(part)

    def tree(self, part: str) -> Any:
        """A part as a tree that is only looked at."""
        if part not in self._trees:
            parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
            self._trees[part] = etree.fromstring(self._raw[part], parser)
        return self._trees[part]

    def put(self, part: str, root: Any) -> None:
        self._edited.add(part)
        self._trees[part] = root

    def free(self, pattern: str) -> str:
        """A name that no part has."""
        return next(name for number in count(1) if (name := pattern.format(number)) not in self._raw)

    def add(self, part: str, content_type: str) -> str:
        """Make room for a new part of a type."""
        self._raw[part] = b""
        types = self.edit("[Content_Types].xml")
        etree.SubElement(types, f"{{{_TYPES}}}Override", {"PartName": f"/{part}", "ContentType": content_type})
        return part

    def link(self, part: str, kind: str, to: str) -> str:
        """Link a part to another; the link's id."""
        listed = self._links_of(part)
        if listed not in self._raw:
            self._raw[listed] = b""
            self.put(listed, _root("Relationships", _LINKS))
        root = self.edit(listed)
        taken = {link.get("Id") for link in root}
        name = next(name for number in count(1) if (name := f"rIdHayame{number}") not in taken)
        target = {"Id": name, "Type": f"{_RELATED}/{kind}", "Target": f"/{to}"}
        etree.SubElement(root, f"{{{_LINKS}}}Relationship", target)
        return name

    def find_linked(self, part: str, kind: str) -> str:
        """The part that one is linked to as a kind; empty where it is not."""
        return next((to for _, found, to in self._links(part) if found == kind), "")

    def linked(self, part: str, kind: str) -> str:
        """The same, which must be there."""
        return {found: to for _, found, to in self._links(part)}[kind]

    def by_id(self, part: str, link: str) -> str:
        """The part that a link leads to."""
        return {name: to for name, _, to in self._links(part)}[link]

    def _links_of(self, part: str) -> str:
        folder, name = posixpath.split(part)
        return posixpath.join(folder, "_rels", f"{name}.rels")

    def _links(self, part: str) -> Iterator[tuple[str, str, str]]:
        listed = self._links_of(part)
        for link in self.tree(listed) if listed in self._raw else ():
            to = posixpath.normpath(posixpath.join("/", posixpath.dirname(part), link.get("Target", ""))).strip("/")
            yield link.get("Id", ""), link.get("Type", "").rpartition("/")[2], to

    def written(self) -> bytes:
        """The archive anew."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for part, raw in self._raw.items():
                archive.writestr(part, self._content(part) if part in self._edited else raw)
        return out.getvalue()

    def _content(self, part: str) -> bytes:
        return bytes(etree.tostring(self._trees[part], xml_declaration=True, encoding="UTF-8", standalone=True))
