"""The record kinds as JSON Schemas, made from the models and published under ``openapi/schemas``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gateway.schemas.records import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, bytes]:
    """File name -> content of the schema of every record kind."""
    schemas = {}
    for kind, model in KINDS.items():
        schema = {"$schema": DIALECT, "$id": f"{kind}.json", **model.model_json_schema()}
        schema["required"] = ["kind", *schema["required"]]  # the models know their kind, a document must say it
        schemas[f"{kind}.json"] = json.dumps(schema, ensure_ascii=False, indent=2).encode() + b"\n"
    return schemas


def main(folder: Path) -> None:
    """Write them: ``python -m gateway.schemas.publish openapi/schemas``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in json_schemas().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
