"""The envelope in which accounting systems push disclosures (MIS, 経営情報の開示), as JSON or XML: one definition.

    {"schema": "urn:hayame:mis-feed:1",
     "references": […], "company_name": …, "period_from": …, "period_to": …, "produced_at": …,
     "disclosure": {"feed_kind": "tb_monthly", "close_state": "closed", …},
     "payloads": [{"trial_balance": {…}}, …]}

A payload is a record of ours without what the envelope says for all of them. As XML each member is an element of its
name in the namespace that is the schema's name, a list is its element repeated, and what stands in ``missing`` is
``<missing at="/lines/0/closing_yen">masked</missing>``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gateway.schemas.identifiers import Reference
from gateway.schemas.records import FinancialStatement, Record, TrialBalance
from gateway.schemas.records.disclosure import Disclosure

NAME = "urn:hayame:mis-feed:1"
ROOT = "disclosed"
"""Name of the root element, as XML."""
MOST_PAYLOADS = 10

PAYLOADS: dict[str, type[Record]] = {"trial_balance": TrialBalance, "financial_statement": FinancialStatement}
FED: dict[str, str] = {"tb_monthly": "trial_balance", "fs_annual": "financial_statement"}
"""Kind of feed -> kind of its records; what is not here carries no figures."""

FROM_ENVELOPE = frozenset(
    {
        *("kind", "references", "company_name", "produced_at", "disclosure", "software"),
        *("period_from", "period_to", "fiscal_year_start", "fiscal_year_end"),
        *("close_state", "closed_on", "provisional", "provisional_reason"),
    }
)
"""Fields of a record that no payload states; a trial balance may state its fiscal year."""
_FISCAL_YEAR = frozenset({"fiscal_year_start", "fiscal_year_end"})


class Envelope(BaseModel):
    """What is said of all payloads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    references: Annotated[tuple[Reference, ...], Field(max_length=20)] = ()
    company_name: Annotated[str, Field(max_length=200)] | None = None
    period_from: date
    period_to: date
    produced_at: AwareDatetime | None = None
    disclosure: Disclosure


def not_of_payload(kind: str) -> frozenset[str]:
    """Fields of a record of this kind that its payload must leave to the envelope."""
    return FROM_ENVELOPE - _FISCAL_YEAR if kind == "trial_balance" else FROM_ENVELOPE


def fields_from(envelope: Envelope, kind: str) -> dict[str, Any]:
    """What the envelope says for a record of this kind, by field, in its JSON form."""
    said = envelope.model_dump(mode="json", exclude_none=True)
    first, last = said.pop("period_from"), said.pop("period_to")
    if kind == "financial_statement":
        return said | {"fiscal_year_start": first, "fiscal_year_end": last}
    disclosure = envelope.disclosure
    state: dict[str, Any] = {"close_state": "closed"}
    if disclosure.close_state == "provisional":
        state = {"close_state": "temp_closed", "provisional": True, "provisional_reason": "仮締め"}
    if disclosure.closed_on:
        state["closed_on"] = disclosure.closed_on.isoformat()
    return said | state | {"period_from": first, "period_to": last, "software": disclosure.system.product}


def feed_schema() -> dict[str, Any]:
    """The whole document as a JSON Schema; its XSD is made from this one."""
    schema = Envelope.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    payloads: dict[str, Any] = {}
    for kind, model in PAYLOADS.items():
        own = model.model_json_schema()
        definitions |= own.pop("$defs")
        left = not_of_payload(kind)
        own["properties"] = {name: one for name, one in own["properties"].items() if name not in left}
        own["required"] = [name for name in own["required"] if name not in left]
        definitions[own["title"]] = own
        payloads[kind] = {"$ref": f"#/$defs/{own['title']}"}
    payload = {"type": "object", "properties": payloads, "minProperties": 1, "maxProperties": 1}
    several = {
        "type": "array",
        "items": {**payload, "additionalProperties": False},
        "minItems": 1,
        "maxItems": MOST_PAYLOADS,
    }
    return {
        **schema,
        "title": "MisFeed",
        "properties": {"schema": {"const": NAME, "type": "string"}, **schema["properties"], "payloads": several},
        "required": ["schema", *schema["required"], "payloads"],
    }
