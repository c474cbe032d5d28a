from __future__ import annotations

import json
from pathlib import Path

from gateway.schemas.publish import json_schemas, main, published
from gateway.schemas.records import KINDS

PUBLISHED = Path(__file__).resolve().parents[3] / "openapi" / "schemas"


def test_what_is_published_is_what_the_models_say() -> None:
    assert {path.name: path.read_bytes() for path in PUBLISHED.iterdir()} == published()


def test_every_kind_has_a_schema_that_asks_for_the_kind() -> None:
    schemas = {name: json.loads(content) for name, content in json_schemas().items()}
    assert sorted(schemas) == sorted(f"{kind}.json" for kind in KINDS)
    assert [name for name, schema in schemas.items() if "kind" not in schema["required"]] == []


def test_the_schemas_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    main(tmp_path / "schemas")
    assert {path.name: path.read_bytes() for path in (tmp_path / "schemas").iterdir()} == published()
