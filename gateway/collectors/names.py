"""Names of files as people and programs give them: which are not meant for us, and what is safe to keep and show."""

from __future__ import annotations

import os
import unicodedata

LONGEST_NAME = 200  # bytes of UTF-8; with what is added beside it, a name stays below the 255 that file systems take
LONGEST_ENDING = 20
UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".opdownload", ".swp")
LEFT_ALONE = (".lock", ".writing", ".upload", ".lnk")
NOT_DOCUMENTS = frozenset({"thumbs.db", "desktop.ini"})
_NOT_IN_NAMES = frozenset('/\\:*?"<>|')


def is_meant(name: str) -> bool:
    """Whether a file of this name is handed over: not hidden, not a program's temporary file, not a folder's own."""
    lowered = name.lower()
    ending = os.path.splitext(lowered)[1]
    return not (
        lowered.startswith((".", "~$", "~"))
        or lowered.endswith("~")
        or ending in UNFINISHED
        or lowered in NOT_DOCUMENTS
    )


def safe_name(raw: str) -> str:
    """A name that every file system takes and no screen trips over; the same for names that look the same.

    Args:
        raw: as the system gave it; bytes that are no UTF-8 as surrogates.

    Returns:
        At most 200 bytes of UTF-8 in composed form, its ending kept, without control characters or marks of
        direction, not beginning or ending with a dot or space.
    """
    text = unicodedata.normalize("NFC", os.fsencode(raw).decode("utf-8", "replace"))
    plain = "".join("_" if unicodedata.category(c)[0] in "CZ" and c not in " \u3000" else c for c in text)
    plain = "".join("_" if c in _NOT_IN_NAMES else c for c in plain).strip(" .\u3000") or "_"
    stem, ending = os.path.splitext(plain)
    if len(ending.encode()) > LONGEST_ENDING:
        stem, ending = plain, ""
    room = LONGEST_NAME - len(ending.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + ending
