"""Zstandard, one pair of contexts per thread: a context is faster kept than made, and must not be shared."""

from __future__ import annotations

import threading

import zstandard

LEVEL = 1  # of our lines it makes as little as 3 does, and is a fifth faster


class _Contexts(threading.local):
    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def compress(raw: bytes) -> bytes:
    """The bytes, smaller."""
    return _contexts.compressor.compress(raw)


def decompress(stored: bytes) -> bytes:
    """The bytes as they were."""
    return _contexts.decompressor.decompress(stored)
