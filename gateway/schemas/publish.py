"""The record kinds and the MIS envelope as schemas, made from the models and published under ``openapi/schemas``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.schemas.mis_feed import NAME, ROOT, feed_schema
from gateway.schemas.records import KINDS
from gateway.schemas.xsd import xsd

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def published() -> dict[str, bytes]:
    """File name -> content of everything that is published here."""
    feed = feed_schema()
    return {
        **json_schemas(),
        "mis_feed.json": _written({"$schema": DIALECT, "$id": "mis_feed.json", **feed}),
        "mis_feed.xsd": xsd(feed, ROOT, NAME, frozenset({"schema"})),
    }


def json_schemas() -> dict[str, bytes]:
    """File name -> content of the schema of every record kind."""
    schemas = {}
    for kind, model in KINDS.items():
        schema = {"$schema": DIALECT, "$id": f"{kind}.json", **model.model_json_schema()}
        schema["required"] = ["kind", *schema["required"]]  # the models know their kind, a document must say it
        schemas[f"{kind}.json"] = _written(schema)
    return schemas


def _written(schema: Mapping[str, Any]) -> bytes:
    return json.dumps(schema, ensure_ascii=False, indent=2).encode() + b"\n"


def main(folder: Path) -> None:
    """Write them: ``python -m gateway.schemas.publish openapi/schemas``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in published().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
