"""The page of the record kinds, made from their models: docs/record-kinds.md."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gateway.schemas.records import KINDS
from gateway.schemas.records.header import RecordBase

HEAD = """
# Record kinds · 記録の種類

What can be said to a corporation, kind by kind. The exact form of each is its JSON Schema in
[openapi/schemas](../openapi/schemas), with an example in [openapi/examples/documents](../openapi/examples/documents);
[native_json](adapters.md#native_json) takes it as it is, one record, many, or one per line. What a record does not know
it leaves out, and says in `missing` why (`{"/maturity_on": "withheld"}`). Money is whole yen.

## Adding a kind

Five places, and no code that runs elsewhere:

1. `gateway/schemas/records/<kind>.py`: one frozen model on `RecordBase`, or on `GuaranteedLoan` if it is about one
   guarantee. Each field is `Annotated[type, Label("日本語", "English", CODES)]`; what people write is `Short` or
   `Narrative`, and so searched for My Numbers. The model says its business key (`series`, `valid_on`, `valid_from`),
   how far back its series is read (`looks_back`), whether the guarantee alone is the key (`is_keyed_by_guarantee`), by
   which guarantee the firm is found (`placed_by`: held until that is registered) and about which the rules ask the
   register (`checked_guarantees`). A later record with the same key supersedes the earlier; `correction` says why.
2. `gateway/schemas/records/__init__.py`: its name in `Record`, which is the table of kinds.
3. `gateway/schemas/data/retention.yaml` and `flows.yaml`: how long it is kept; what it holds and what for.
4. `openapi/examples/documents/<kind>.json`: one example that every rule passes; the cases of rules begin from it. The
   same file is `tests/golden/native_json/<kind>/input.json`, with a `SOURCE.md`.
5. One line in the [changelog](../CHANGELOG.md).

Schema, golden record and pages follow: `make docs`, `python -m gateway.schemas.publish openapi/schemas`,
`make golden ADAPTER=native_json`. Rules over check digits, lists of banks and firms, and My Numbers run over a new kind
at once; its own are functions in `gateway/rules`.
"""


COMMON = """## Every record

What records of every kind may say, the name of their `kind` besides. In every table, **bold** is what must be said.
"""


def kinds_md(made: str) -> str:
    """The page of all kinds."""
    common = COMMON + "\n" + _table(RecordBase.model_json_schema(), set())
    return "\n\n".join([made + HEAD.rstrip(), common, *(_page(kind) for kind in sorted(KINDS))]) + "\n"


def _page(kind: str) -> str:
    schema = KINDS[kind].model_json_schema()
    doc, table = str(schema["description"]).replace("``", "`"), _table(schema, set(RecordBase.model_fields))
    return f"## {kind}\n\n{doc}" + (f"\n\n{table}" if table else "")


def _table(schema: Mapping[str, Any], without: Collection[str]) -> str:
    rows = [
        f"| `{name}` | {shown['ja']} | {shown['en']} | {values} |"
        for name, shown, values in _fields(schema, schema, "")
        if name not in without
    ]
    return "\n".join(["| field | 日本語 | English | values |", "|---|---|---|---|", *rows]) if rows else ""


def _fields(
    schema: Mapping[str, Any], whole: Mapping[str, Any], above: str
) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """Address, names and values of every field that has names, in the order of the model."""
    for name, field in schema["properties"].items():
        form = "**{}**" if name in schema.get("required", ()) else "{}"
        label = {language: form.format(text) for language, text in field.get("x-label", {}).items()}
        if label:
            codes = field.get("x-codes", {})
            yield (
                above + name,
                label,
                "<br>".join(f"`{code}` {said['ja']} · {said['en']}" for code, said in codes.items()),
            )
        inner, many = _inner(field, whole)
        if inner is not None and name != "references":
            yield from _fields(inner, whole, f"{above}{name}{'[]' if many else ''}.")


def _inner(field: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, bool]:
    """The schema of what stands within a field, if that is a section or a list of them."""
    for form in (field, *field.get("anyOf", ())):
        many = form.get("type") == "array"
        target = (form.get("items", {}) if many else form).get("$ref", "").rpartition("/")[2]
        if "properties" in (found := whole.get("$defs", {}).get(target, {})):
            return found, many
    return None, False
