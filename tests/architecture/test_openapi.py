"""The published description is whole, says what the gateway does, and its examples are examples of it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from exchanges import EXAMPLES, exchanges
from json_schema import misfits, resolved
from project_files import ROOT
from reference_pages import answer_content, operations
from world import World

from gateway.api.submissions import PARAMETERS
from gateway.pipeline import Line, merged, prepare
from gateway.plugins import load_adapters
from gateway.rules.pack import standard_pack
from gateway.schemas.identifiers import new_id
from gateway.schemas.records import KINDS
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Request, Submission
from gateway.security.keys import KeyRing
from gateway.security.verify import verify_evidence

API: dict[str, Any] = yaml.safe_load((ROOT / "openapi" / "gateway.yaml").read_text("utf-8"))
OPERATIONS = operations(API)
PUBLIC = {"enrol_by_code", "token", "metadata", "jwks", "api_catalog", "healthy", "ready"}
DOCUMENTS = sorted((EXAMPLES / "documents").iterdir())
NOW = datetime(2026, 5, 1, tzinfo=UTC)
ANSWERS = sorted((EXAMPLES / "answers").iterdir())


def walked(part: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(part, dict):
        yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from walked(one)


def words(text: str) -> int:
    return len(text.split())


def test_it_is_openapi_3_1_with_unique_operations() -> None:
    listed = [operation["operationId"] for path in API["paths"].values() for operation in path.values()]
    assert API["openapi"].startswith("3.1.")
    assert sorted(listed) == sorted(set(listed))
    assert {tag for one in OPERATIONS.values() for tag in one["tags"]} == {tag["name"] for tag in API["tags"]}


def test_it_reads_alike_in_both_versions_of_yaml() -> None:
    text = (ROOT / "openapi" / "gateway.yaml").read_text("utf-8")
    assert re.findall(r"^\s*(?:- |[\w$-]+: )[-+.]?0[0-9].*$", text, re.MULTILINE) == []


def test_every_reference_leads_to_a_component_and_every_component_is_used() -> None:
    referred = {one["$ref"] for one in walked(API) if isinstance(one.get("$ref"), str)}
    named = {f"#/components/{room}/{name}" for room in ("schemas", "responses") for name in API["components"][room]}
    assert {ref for ref in referred if not resolved(ref, API)} == set()
    assert referred == named


def test_every_operation_says_what_it_is_for_and_what_it_answers() -> None:
    terse = {name for name, one in OPERATIONS.items() if words(one["summary"]) < 2 or words(one["description"]) < 4}
    assert terse == set()
    assert {name for name, one in OPERATIONS.items() if min(one["responses"]) >= "3"} == set()
    assert {name for name, one in OPERATIONS.items() if "default" not in one["responses"]} == set()


def test_every_answer_is_described_and_every_error_is_a_problem_document() -> None:
    plain = {
        (name, status)
        for name, one in OPERATIONS.items()
        for status, answer in one["responses"].items()
        if not (answer.get("description") and (answer.get("content") or answer.get("$ref")))
    }
    assert plain == set()
    refusals = {
        (name, status, media_type)
        for name, one in OPERATIONS.items()
        for status, answer in one["responses"].items()
        if status >= "4" and "$ref" not in answer
        for media_type in answer["content"]
    }
    assert {one for one in refusals if one[2] != "application/problem+json"} == {
        ("token", "400", "application/json"),
        ("token", "401", "application/json"),
    }
    assert {tuple(one["content"]) for one in API["components"]["responses"].values()} == {("application/problem+json",)}


def test_every_parameter_is_described_and_every_path_names_its_own() -> None:
    silent = [
        (name, parameter["name"])
        for name, one in OPERATIONS.items()
        for parameter in one.get("parameters", ())
        if not (parameter.get("description") and parameter.get("schema"))
    ]
    assert silent == []
    for path, item in API["paths"].items():
        for one in item.values():
            named = {parameter["name"] for parameter in one.get("parameters", ()) if parameter["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


def test_what_submit_takes_is_what_is_described() -> None:
    described = {one["name"] for one in OPERATIONS["submit"]["parameters"] if one["in"] == "query"}
    assert described == PARAMETERS


def test_every_operation_says_how_to_sign_in_or_that_nobody_has_to() -> None:
    assert API["components"]["securitySchemes"].keys() == {"bearer", "dpop"}
    assert {name for name, one in OPERATIONS.items() if one["security"] == []} == PUBLIC
    for name in OPERATIONS.keys() - PUBLIC:
        ways = [(way, tuple(scopes)) for each in OPERATIONS[name]["security"] for way, scopes in each.items()]
        assert {scopes: {way for way, some in ways if some == scopes} for _, scopes in ways} == {
            scopes: {"bearer", "dpop"} for _, scopes in ways
        }


def test_every_example_is_linked_and_every_link_is_an_example() -> None:
    linked = {one["externalValue"] for one in walked(API) if "externalValue" in one}
    assert linked == {path.relative_to(EXAMPLES.parent).as_posix() for path in (*DOCUMENTS, *ANSWERS)}


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.suffix == ".json"], ids=lambda path: path.name)
def test_an_example_document_fits_the_schema_of_its_kind(path: Path) -> None:
    document = json.loads(path.read_bytes())
    schema = json.loads((EXAMPLES.parent / "schemas" / f"{document['kind']}.json").read_bytes())
    assert list(misfits(document, schema, schema)) == []


def test_there_is_an_example_document_of_every_kind_and_each_passes_every_rule() -> None:
    line, kinds = Line(load_adapters(), standard_pack()), set()
    for path in DOCUMENTS:
        request = Request(recipients=("13",), filename=path.name)
        submission = Submission(new_id(), Origin(sender="b", institution="9991"), request, None, b"", None, NOW, "", 0)
        prepared = merged(prepare(line, submission, io.BytesIO(path.read_bytes())))
        assert (path.name, prepared.findings, prepared.refused) == (path.name, [], {})
        kinds |= {draft.kind for draft in prepared.drafts}
    assert kinds == KINDS.keys()


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.name)
def test_an_example_answer_is_as_described(path: Path) -> None:
    assert list(departures(path.name, path.read_bytes())) == []


def test_the_example_of_evidence_holds_under_the_example_of_keys_and_not_after_a_change() -> None:
    evidence = (EXAMPLES / "answers" / "evidence.200.json").read_bytes()
    keys = KeyRing.parse((EXAMPLES / "answers" / "jwks.200.json").read_bytes())
    assert verify_evidence(evidence, keys).holds
    assert not verify_evidence(evidence.replace(b'"tree_size":', b'"tree_size":1'), keys).holds


def test_what_a_gateway_answers_is_as_described(world: World) -> None:
    given = exchanges(world)
    assert {
        name: list(departures(name, answer)) for name, answer in given.items() if any(departures(name, answer))
    } == {}
    answered = {name.partition(".")[0] for name in given}
    assert OPERATIONS.keys() - answered == {"returned"}  # bytes of the sender's own


def departures(name: str, answer: bytes) -> Iterator[str]:
    """Where an answer is not as described."""
    schema = answer_content(API, name).get("schema", {})
    if name.endswith("ndjson"):
        for line in answer.splitlines():
            yield from misfits(json.loads(line), schema, API)
    else:
        yield from misfits(json.loads(answer) if name.endswith("json") else answer.decode(), schema, API)
