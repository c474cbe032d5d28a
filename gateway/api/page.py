"""``/docs``: the description to read. No script, nothing from elsewhere: it opens in a closed network, too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from gateway.api.rates import Fields

PATH = "/docs"
STYLE = (
    "body{font:16px/1.6 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}h2{margin-top:2em}"
    "code{background:#eee;padding:0 .2em}td{vertical-align:top;padding:.2em 1em .2em 0}"
    "pre{white-space:pre-wrap;font:inherit}"
)
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
FIELDS: Fields = (
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
)


def page(api: Mapping[str, Any]) -> str:
    """The page of a description (OpenAPI 3.1)."""
    title = escape(api["info"]["title"])
    return "".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>',
            f"<h1>{title} {escape(api['info']['version'])}</h1><pre>{escape(api['info']['description'])}</pre>",
            '<p>For programs: <a href="/openapi.json">openapi.json</a></p>',
            *(
                part
                for path, methods in api["paths"].items()
                for method, told in methods.items()
                for part in _operation(f"{method.upper()} {path}", told)
            ),
            "</html>\n",
        ]
    )


def _operation(address: str, told: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{escape(address)}</code></h2><p><b>{escape(told['summary'])}</b></p>"
    yield f"<pre>{escape(told['description'])}</pre><table>"
    for one in told.get("parameters", ()):
        yield f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}<td>{escape(one['description'])}"
    for status, answer in told["responses"].items():
        yield f"<tr><td>{escape(str(status))}<td colspan=2>{escape(answer.get('description', ''))}"
    yield "</table>"
