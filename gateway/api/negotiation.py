"""Which of the forms we offer somebody wants, by their Accept (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from starlette.requests import Request

from gateway.errors import NotAcceptable

JSON, NDJSON = "application/json", "application/x-ndjson"
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")
_REMEMBERED = 256

Range = tuple[str, float]
"""A media range and its quality, 0 to 1."""


def form_of(request: Request, offered: tuple[str, ...]) -> str:
    """In which of the forms we offer to answer a request.

    Raises:
        NotAcceptable: in none of them.
    """
    return preferred(", ".join(request.headers.getlist("accept")), offered)


@lru_cache(_REMEMBERED)
def preferred(accept: str, offered: tuple[str, ...]) -> str:
    """The offered media type that is wanted most; ours come in the order in which we would rather send them.

    Of a type's ranges the most specific one counts, so that ``q=0`` for it is a no whatever ``*/*`` says. Where two
    types are wanted alike, the one that was named comes before the one that was not. No Accept wants anything;
    parameters other than ``q`` are passed over, and so is a range whose ``q`` is no quality.

    Raises:
        NotAcceptable: none of them; it names what is offered.

    >>> preferred("application/json;q=0, */*", ("application/json", "text/csv"))
    'text/csv'
    """
    ranges = (
        [one for text in accept.split(",") if (one := _range(text)) is not None] if accept.strip() else [("*/*", 1)]
    )
    wanted = [(_wish(media_type, ranges), media_type) for media_type in offered]
    (quality, _), best = max(wanted, key=lambda one: one[0])  # the first of equals
    if not quality:
        names = ", ".join(offered)
        raise NotAcceptable(f"this is served as {names}", ja=f"提供している形式は {names} です。")
    return best


def _range(text: str) -> Range | None:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((part[2:].strip() for part in parameters if part.startswith("q=")), "1")
    return (name, float(quality)) if _QUALITY.fullmatch(quality) else None


def _wish(media_type: str, ranges: Sequence[Range]) -> tuple[float, int]:
    """How much a type is wanted, and how specifically."""
    names = ("*/*", media_type.partition("/")[0] + "/*", media_type)
    specific, quality = max(
        ((names.index(name), quality) for name, quality in ranges if name in names), default=(0, 0.0)
    )
    return quality, specific
