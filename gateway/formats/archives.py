"""Documents that are packed: what they hold is larger than they are, and how much larger is for their maker to say."""

from __future__ import annotations

_SIGNATURES = (
    b"PK",  # zip, and with it .xlsx, .docx, .ods, .jar
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # OLE: .xls, .doc, files with a password
    b"\x1f\x8b",  # gzip
    b"BZh",  # bzip2
    b"\xfd7zXZ\0",  # xz
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",  # zstd
    b"%PDF-",  # not an archive, but full of packed streams
)
LONGEST_SIGNATURE = max(map(len, _SIGNATURES))


def looks_packed(head: bytes) -> bool:
    r"""Whether a document that begins so has to be unpacked to be read.

    >>> looks_packed(b"PK\x03\x04"), looks_packed(b'{"kind": "trial_balance"}')
    (True, False)
    """
    return head.startswith(_SIGNATURES)
