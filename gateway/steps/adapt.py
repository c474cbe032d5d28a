"""Adapt: choose the one adapter that reads this document, and let it read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from gateway.errors import UnknownFormat
from gateway.ports import Adapter, Hints
from gateway.schemas.observed import Observed

HEAD_BYTES = 65_536


def choose(adapters: Mapping[str, Adapter], head: bytes, hints: Hints, named: str | None) -> Adapter:
    """The adapter the sender named, or the only one that recognises the document.

    Raises:
        UnknownFormat: none does, more than one does, or the named one does not exist.
    """
    if named is not None:
        if named not in adapters:
            known = ", ".join(sorted(adapters))
            raise UnknownFormat(
                f"there is no adapter '{named}'; there are: {known}",
                ja=f"形式「{named}」はありません。指定できる形式: {known}",
            )
        return adapters[named]
    willing = [adapter for adapter in adapters.values() if adapter.recognises(head, hints.filename)]
    if len(willing) == 1:
        return willing[0]
    if not willing:
        raise UnknownFormat
    names = ", ".join(sorted(adapter.name for adapter in willing))
    raise UnknownFormat(
        f"more than one adapter recognises this document ({names}); name one with adapter=",
        ja=f"複数の形式に当てはまります（{names}）。adapter= で指定してください。",
    )


def adapt(adapter: Adapter, source: BinaryIO, hints: Hints) -> Iterator[Observed]:
    """What the document holds, record by record or frame by frame.

    Raises:
        Unreadable: while reading, with the place.
    """
    return adapter.read(source, hints)
