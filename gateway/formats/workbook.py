"""Excel workbooks (.xlsx) read with a lid on: what a person typed, never a formula, a macro or a link followed.

A workbook is an archive of XML, and both may be made to explode. So nothing is believed: the archive's directory is
measured before it is opened, every part is fed in chunks to a parser that builds no tree, and rows, columns, elements
and characters are counted while they pass. Memory is bounded by ``Limits``, whatever the file says about itself.

Read are texts (shared and inline, without furigana), numbers, truth values, dates (by the cell's number format, in
either date system) and the stored results of formulas. Of a merged range only its first cell holds a value, as Excel
writes it. Files with macros, links to other files, a DOCTYPE or a password are ``Unreadable``, and the message says
what to do.

Source: ECMA-376 part 1 (SpreadsheetML) and part 2 (packages).
"""

from __future__ import annotations

import io
import os
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from gateway.formats.cells import Cell, Kind, format_kind, number_cell
from gateway.formats.sheet_xml import Bounded, Budget, CellReader, Collector, Limits, TextReader, index_of, refusal

__all__ = ["Cell", "Kind", "Limits", "Sheet", "Workbook", "looks_like_workbook", "showing_only"]

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END, _END_BYTES, _LOCATOR, _LOCATOR_BYTES, _COMMENT_BYTES = b"PK\x05\x06", 22, b"PK\x06\x07", 20, 65_535
_DIRECTORY_ENTRY_BYTES = 512
_ENCRYPTED = 0x1
_ACTIVE = ("vbaproject", "/externallinks/", "/macrosheets/", "/activex/")
_CHUNK = 64 * 1024
_TAB_SELECTED = re.compile(rb'(<(?:\w+:)?sheetView\b[^>]*?)\s+tabSelected="[^"]*"')

_BREAKS = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, NotImplementedError),
    *(KeyError, IndexError, ValueError, OverflowError, etree.XMLSyntaxError),
)
"""What zipfile, zlib and lxml raise on archives that are not what they claim."""


Elements = list[tuple[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook. ``part`` is its name within the archive."""

    name: str
    hidden: bool
    part: str


def looks_like_workbook(head: bytes) -> bool:
    """Whether a document's first bytes are those of an Excel file.

    Files with a password and those of before 2007 count too: their senders are helped by a message that says so.
    """
    return head.startswith(_OLE) or (head.startswith(_ZIP) and b"xl/" in head)


class Workbook:
    """An opened workbook: its sheets in their order, and the filled cells of each."""

    def __init__(self, source: BinaryIO, limits: Limits | None = None) -> None:
        """Open a workbook and read everything but its sheets.

        Args:
            source: seekable; must stay open while cells are read.
            limits: where to stop.

        Raises:
            Unreadable: no workbook, a damaged one, or one that is not taken.
        """
        self._limits = limits or Limits()
        self._budget = Budget(self._limits.elements, self._limits.characters)
        with _broken_is_unreadable():
            self._archive = _opened(source, self._limits)
            self.part = self._book_part()
            links = self._links(self.part)
            contents = self._collected(self.part, "sheet", "workbookPr")
            self.sheets = _worksheets(contents, links)
            self._epoch_1904 = any(each.get("date1904") in ("1", "true") for _, each in contents)
            styles = self._collected(_part(links, "styles"), "numFmt", "cellStyleXfs", "cellXfs", "xf")
            self._formats = _number_formats(styles)
            self._texts = self._shared_texts(links)

    def cells(self, sheet: Sheet) -> Iterator[tuple[str, Cell]]:
        """The filled cells of a sheet with their addresses (``C7``), in the order of the file.

        Raises:
            Unreadable: with the cell, where the trouble has one.
        """
        reader = CellReader(self._limits, self._budget, sheet.name, self._texts)
        with _broken_is_unreadable():
            for _ in self._fed(sheet.part, reader):
                for address, style, stored in reader.found:
                    cell = self._seen(style, stored)
                    if cell.text.strip() or cell.kind is Kind.UNCALCULATED:
                        yield address, cell
                reader.found.clear()

    def _seen(self, style: str, stored: Cell) -> Cell:
        if stored.kind is not Kind.NUMBER:
            return stored
        kind = self._formats[index_of(style)] if self._formats else Kind.NUMBER
        return number_cell(stored.text, kind, self._epoch_1904)

    def _book_part(self) -> str:
        for kind, part in self._links("").values():
            if kind == "officeDocument" and part.endswith(".xml"):
                return part
        raise refusal("broken")

    def _links(self, part: str) -> dict[str, tuple[str, str]]:
        folder, name = posixpath.split(part)
        listed = self._collected(posixpath.join(folder, "_rels", f"{name}.rels"), "Relationship")
        return {
            link["Id"]: (
                link["Type"].rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, link["Target"])).strip("/"),
            )
            for _, link in listed
        }

    def _shared_texts(self, links: Mapping[str, tuple[str, str]]) -> list[str]:
        reader = TextReader(self._limits, self._budget)
        for _ in self._fed(_part(links, "sharedStrings"), reader):
            pass
        return reader.texts

    def _collected(self, part: str, *names: str) -> Elements:
        collector = Collector(self._limits, self._budget, frozenset(names))
        for _ in self._fed(part, collector):
            pass
        return collector.found

    def _fed(self, part: str, target: Bounded) -> Iterator[None]:
        """Feed a part to its reader, pausing after each chunk; a part the workbook does not have is empty."""
        if not part:
            return
        # The stubs ask targets for comment() as well; lxml, which calls it only where there is one, does not.
        parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True)  # type: ignore[arg-type]  # above
        with self._archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                parser.feed(chunk)
                yield
        parser.close()
        yield


def _worksheets(contents: Elements, links: Mapping[str, tuple[str, str]]) -> tuple[Sheet, ...]:
    sheets = []
    for name, attributes in contents:
        if name == "sheet":
            kind, part = links[next((value for key, value in attributes.items() if key.endswith("}id")), "")]
            hidden = attributes.get("state", "visible") != "visible"
            if kind == "worksheet":
                sheets.append(Sheet(attributes["name"], hidden, part))
    if len({sheet.part for sheet in sheets}) < len(sheets) or len({sheet.name for sheet in sheets}) < len(sheets):
        raise refusal("broken")
    return tuple(sheets)


def _number_formats(styles: Elements) -> list[Kind]:
    codes: dict[str, str] = {}
    formats: list[Kind] = []
    family = ""
    for name, attributes in styles:
        if name == "numFmt":
            codes[attributes["numFmtId"]] = attributes["formatCode"]
        elif name != "xf":
            family = name
        elif family == "cellXfs":
            number = attributes.get("numFmtId", "0")
            formats.append(format_kind(index_of(number), codes.get(number)))
    return formats


def _part(links: Mapping[str, tuple[str, str]], kind: str) -> str:
    return next((part for found, part in links.values() if found == kind), "")


@contextmanager
def _broken_is_unreadable() -> Iterator[None]:
    try:
        yield
    except _BREAKS as broken:
        raise refusal("broken") from broken


def _opened(source: BinaryIO, limits: Limits) -> zipfile.ZipFile:
    source.seek(0)
    if source.read(len(_OLE)) == _OLE:
        raise refusal("locked")
    _measure_directory(source, limits)
    archive = zipfile.ZipFile(source)
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > limits.members or unpacked > min(limits.unpacked_bytes, packed * limits.ratio):
        raise refusal("large")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise refusal("locked")
    if any(member.header_offset < 0 for member in members) or len(set(archive.namelist())) < len(members):
        raise refusal("broken")
    if any(sign in member.filename.lower() for member in members for sign in _ACTIVE):
        raise refusal("active")
    return archive


def _measure_directory(source: BinaryIO, limits: Limits) -> None:
    """Refuse an archive whose directory alone would fill memory, before anything reads it.

    No form needs the 64-bit extension, in which the sizes measured here could be overruled.
    """
    size = source.seek(0, os.SEEK_END)
    source.seek(max(0, size - _END_BYTES - _COMMENT_BYTES - _LOCATOR_BYTES))
    tail = source.read()
    at = len(tail) - _END_BYTES
    if not (tail[-_END_BYTES:].startswith(_END) and tail.endswith(b"\0\0")):
        at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise refusal("broken")
    entries, directory = struct.unpack_from("<HI", tail, at + 10)
    extended = tail[max(0, at - _LOCATOR_BYTES) : at].startswith(_LOCATOR)
    if extended or entries > limits.members or directory > limits.members * _DIRECTORY_ENTRY_BYTES:
        raise refusal("large")


def showing_only(source: BinaryIO, names: Collection[str]) -> bytes:
    """The same workbook with every other sheet hidden, so that a person sees, and sends back, only these.

    Nothing else changes: formats, notes and whatever stands beside the form are the sender's and stay. Hidden sheets
    are not read, so sending the result again submits these sheets alone.

    Raises:
        Unreadable: as for ``Workbook``.
    """
    book = Workbook(source)
    hidden = {sheet.part for sheet in book.sheets if sheet.name not in names}
    out = io.BytesIO()
    with _broken_is_unreadable(), zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename == book.part:
                content = _shown(content, names)
            elif member.filename in hidden:
                content = _TAB_SELECTED.sub(rb"\1", content)
            new.writestr(member, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _shown(content: bytes, names: Collection[str]) -> bytes:
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    sheets = list(root.iterfind("{*}sheets/{*}sheet"))
    for sheet in sheets:
        if sheet.get("name") not in names and sheet.get("state") != "veryHidden":
            sheet.set("state", "hidden")
    first = next(index for index, sheet in enumerate(sheets) if sheet.get("name") in names)
    for view in root.iterfind("{*}bookViews/{*}workbookView"):
        view.set("activeTab", str(first))
        view.set("firstSheet", str(first))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
