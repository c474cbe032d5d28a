"""Files that hold keys: written whole or not at all, and readable by their owner only."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file durably (mode 0600), or replace it; whoever reads it meanwhile finds one or the other."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mine = path.parent / f".{os.getpid()}.{os.urandom(4).hex()}"
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    mine.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
