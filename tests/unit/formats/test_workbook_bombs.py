"""Files made to hurt: refused before they do, whatever they say about themselves."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.errors import Unreadable
from gateway.formats.workbook import Limits, Workbook

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples" / "05_malicious"
FOLDERS = ("xlsx-calamine", "xlsx-excelize", "xlsx-poi", "zip-commons-compress")
MIB = 1024 * 1024
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(sheet: bytes, compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    links = '<Relationships><Relationship Id="{}" Type="{}/{}" Target="{}"/></Relationships>'
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as packed:
        packed.writestr("_rels/.rels", links.format("a", REL, "officeDocument", "xl/workbook.xml"))
        packed.writestr("xl/_rels/workbook.xml.rels", links.format("s", REL, "worksheet", "sheet.xml"))
        packed.writestr("xl/workbook.xml", f'<w xmlns:r="{REL}"><sheet name="A" r:id="s"/></w>')
        packed.writestr("xl/sheet.xml", sheet)
    return written


@contextmanager
def cheaply(seconds: float = 1.0, peak: int = 8 * MIB) -> Iterator[None]:
    """Fails where what is inside takes long or much memory."""
    tracemalloc.start()
    started = time.process_time()
    try:
        yield
        took, most = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (took < seconds, most < peak) == (True, True), f"{took:.2f} s, {most:,} bytes"


def read(source: io.BytesIO, limits: Limits | None = None) -> int:
    book = Workbook(source, limits)
    return sum(1 for sheet in book.sheets for _ in book.cells(sheet))


def test_a_zip_bomb_is_refused_before_anything_is_unpacked() -> None:
    bomb = workbook(b" " * (80 * MIB))
    with cheaply(), pytest.raises(Unreadable, match="larger than any form"):
        read(bomb)


def test_a_small_archive_that_unpacks_to_very_much_more_is_refused() -> None:
    bomb = workbook(b" " * (8 * MIB))
    with cheaply(), pytest.raises(Unreadable, match="larger than any form"):
        read(bomb)


def test_a_sparse_sheet_of_two_cells_is_refused_at_the_second() -> None:
    sheet = b'<s><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></s>'
    with cheaply(seconds=0.05), pytest.raises(Unreadable, match="far outside the form"):
        read(workbook(sheet))


def test_millions_of_elements_are_counted_and_never_held() -> None:
    sheet = b"<s>" + b'<x y="1"/>' * 200_000 + b"</s>"
    with cheaply(seconds=5), pytest.raises(Unreadable, match="larger than any form"):
        read(workbook(sheet, zipfile.ZIP_STORED), Limits(elements=100_000))


def test_a_sheet_of_a_hundred_thousand_cells_needs_no_more_memory_than_one_chunk() -> None:
    rows = b"".join(
        b'<row r="%d">' % row + b"".join(b'<c r="%c%d"><v>%d</v></c>' % (65 + n, row, n) for n in range(20)) + b"</row>"
        for row in range(1, 5_001)
    )
    source = workbook(b"<s>" + rows + b"</s>")
    with cheaply(seconds=30):
        assert read(source) == 100_000


def test_one_part_named_as_many_sheets_is_refused() -> None:
    written = workbook(b"<s/>")
    with zipfile.ZipFile(written) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    sheets = "".join(f'<sheet name="{number}" r:id="s"/>' for number in range(2))
    parts["xl/workbook.xml"] = f'<w xmlns:r="{REL}">{sheets}</w>'.encode()
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    with pytest.raises(Unreadable, match="damaged"):
        read(again)


def test_a_sheet_nested_without_end_is_refused() -> None:
    with cheaply(), pytest.raises(Unreadable, match="damaged"):
        read(workbook(b"<s>" * 100_000, zipfile.ZIP_STORED))


def test_a_directory_of_many_members_is_refused_before_it_is_read() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for number in range(2_000):
            packed.writestr(f"{number:0200d}", b"")
    with cheaply(seconds=0.1), pytest.raises(Unreadable, match="larger than any form"):
        read(written)


def test_a_directory_that_lies_about_its_members_is_measured_by_its_bytes() -> None:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for number in range(2_000):
            packed.writestr(f"{number:0200d}", b"")
    raw = bytearray(written.getvalue())
    struct.pack_into("<HH", raw, len(raw) - 14, 1, 1)
    with cheaply(seconds=0.1), pytest.raises(Unreadable, match="larger than any form"):
        read(io.BytesIO(bytes(raw)))


def test_an_archive_in_the_64_bit_extension_is_refused() -> None:
    written = workbook(b"<s/>")
    raw = written.getvalue()
    end = raw.rindex(b"PK\x05\x06")
    extended = raw[:end] + struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1) + raw[end:]
    with pytest.raises(Unreadable, match="larger than any form"):
        read(io.BytesIO(extended))


def test_a_member_that_is_encrypted_is_answered_like_a_password() -> None:
    raw = bytearray(workbook(b"<s/>").getvalue())
    entry = raw.index(b"PK\x01\x02")
    raw[entry + 8] |= 1
    with pytest.raises(Unreadable, match="password"):
        read(io.BytesIO(bytes(raw)))


def test_two_members_of_one_name_are_refused() -> None:
    written = workbook(b"<s/>")
    with zipfile.ZipFile(written, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("xl/sheet.xml", b"<s/>")
    with pytest.raises(Unreadable, match="damaged"):
        read(written)


def test_a_member_that_unpacks_to_more_than_it_says_is_refused() -> None:
    raw = bytearray(workbook(b"<s>" + b" " * 5_000 + b"</s>").getvalue())
    entry = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<I", raw, entry + 24, 100)
    with pytest.raises(Unreadable, match="damaged"):
        read(io.BytesIO(bytes(raw)))


def strangers() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((SAMPLES / folder).glob("*")) if path.is_file()]


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples of others are not part of the project")
@pytest.mark.parametrize("path", strangers(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_that_broke_other_readers_give_cells_or_unreadable_at_once(path: Path) -> None:
    with cheaply(seconds=2, peak=16 * MIB), suppress(Unreadable):
        assert read(io.BytesIO(path.read_bytes())) >= 0
