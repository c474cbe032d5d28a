"""The envelope of disclosures: both syntaxes say the same, and what does not fit comes back with its place."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from json_schema import misfits
from lxml import etree

from gateway.adapters.mis_feed import adapter
from gateway.errors import Unreadable
from gateway.ports import Hints
from gateway.schemas.mis_feed import NAME
from gateway.schemas.observed import Observed, ObservedDocument, Unplaced
from gateway.schemas.place import Place

ROOT = Path(__file__).resolve().parents[3]
GOLDEN, SCHEMAS = ROOT / "tests" / "golden" / "mis_feed", ROOT / "openapi" / "schemas"
XSD = etree.XMLSchema(etree.parse(SCHEMAS / "mis_feed.xsd"))
LINE = "<lines><source_name>現金</source_name><closing_yen>5</closing_yen></lines>"
SAID = (
    "<feed_kind>tb_monthly</feed_kind><close_state>closed</close_state><disclosed_on>2026-05-08</disclosed_on>"
    "<system><vendor>甲</vendor><product>乙</product></system>"
)


def xml(payload: str = LINE, said: str = SAID, inner: str = "", outer: str = "") -> bytes:
    head = f"<disclosed xmlns='{NAME}'{outer}><period_from>2026-04-01</period_from><period_to>2026-04-30</period_to>"
    body = f"<disclosure>{said}</disclosure>\n{inner}<payloads><trial_balance>{payload}</trial_balance></payloads>"
    return f"{head}{body}</disclosed>".encode()


def in_json(line: Any = None, **members: Any) -> bytes:
    disclosure = {"feed_kind": "tb_monthly", "close_state": "closed", "disclosed_on": "2026-05-08"}
    disclosure |= {"system": {"vendor": "甲", "product": "乙"}}
    payload = {"lines": [{"source_name": "現金", "closing_yen": 5} if line is None else line]}
    said = {"schema": NAME, "period_from": "2026-04-01", "period_to": "2026-04-30", "disclosure": disclosure}
    return json.dumps(said | {"payloads": [{"trial_balance": payload}]} | members).encode()


def read(raw: bytes) -> list[Observed]:
    return list(adapter.read(io.BytesIO(raw), Hints()))


def record(raw: bytes) -> Any:
    (seen,) = read(raw)
    assert isinstance(seen, ObservedDocument), seen.problems
    return seen.record


def faults(raw: bytes) -> list[tuple[Any, ...]]:
    return [(one.code, one.params["field"], one.place) for seen in read(raw) for one in seen.problems]


@pytest.mark.parametrize("pair", ["month", "statements"])
def test_both_syntaxes_give_equal_records(pair: str) -> None:
    in_xml, as_json = ((GOLDEN / f"{pair}_{form}" / f"input.{form}").read_bytes() for form in ("xml", "json"))
    records = [[seen.record for seen in read(raw) if isinstance(seen, ObservedDocument)] for raw in (in_xml, as_json)]
    assert records[0] == records[1] != []
    assert record(xml()) == record(in_json())


@pytest.mark.parametrize("case", ["month", "statements"])
def test_the_samples_are_as_the_published_schemas_have_them(case: str) -> None:
    XSD.assertValid(etree.parse(GOLDEN / f"{case}_xml" / "input.xml"))
    schema = json.loads((SCHEMAS / "mis_feed.json").read_bytes())
    document = json.loads((GOLDEN / f"{case}_json" / "input.json").read_bytes())
    assert list(misfits(document, schema, schema)) == []


@pytest.mark.parametrize("case", ["envelope_mistaken", "one_of_three", "unreadable_tax_return"])
def test_what_the_adapter_refuses_the_published_schema_refuses_too(case: str) -> None:
    assert not XSD.validate(etree.parse(GOLDEN / case / "input.xml"))


@pytest.mark.parametrize(
    ("state", "expected"), [("closed", ("closed", False, None)), ("provisional", ("temp_closed", True, "仮締め"))]
)
def test_what_is_not_closed_is_provisional(state: str, expected: tuple[Any, ...]) -> None:
    read = record(xml(said=SAID.replace(">closed<", f">{state}<")))
    assert (read.close_state, read.provisional, read.provisional_reason) == expected
    assert (read.disclosure.close_state, read.software) == (state, "乙")


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (xml(LINE.replace(">5<", ">5.0<")), ("R01", "lines/0/closing_yen", Place(line=2))),
        (xml(LINE.replace(">5<", ">９<")), ("R01", "lines/0/closing_yen", Place(line=2))),
        (xml(LINE.replace("closing_yen", "balance")), ("R01", "lines/0/balance", Place(line=2))),
        (xml(LINE.replace("<lines>", "<lines note='x'>")), ("R01", "lines/0/@note", Place(line=2))),
        (xml(LINE.replace("<lines>", "<lines>stray")), ("R01", "lines/0/#text", Place(line=2))),
        (xml(LINE.replace("現金", "<b>現金</b>")), ("R01", "lines/0/source_name", Place(line=2))),
        (xml(LINE.replace("現金", "")), ("R03", "lines/0/source_name", Place(line=2))),
        (xml(LINE + "<unit>yen</unit><unit>thousand</unit>"), ("R01", "unit", Place(line=2))),
        (xml(LINE + "<missing>masked</missing>"), ("R03", "missing/None", Place(line=2))),
        (xml(LINE + "<kind>trial_balance</kind>"), ("R01", "kind", Place(line=2))),
        (xml(inner="<payment/>"), ("R01", "payment", Place(line=2))),
        (xml(inner="<x:payloads xmlns:x='urn:other'/>"), ("R01", "?{urn:other}payloads", Place(line=2))),
        (xml(outer=" by='x'"), ("R01", "@by", Place(line=1))),
        (xml(said=SAID.replace(">closed<", ">done<")), ("R01", "disclosure/close_state", Place(line=1))),
        (in_json({"source_name": "現金", "closing_yen": "5"}), ("R01", "lines/0/closing_yen", None)),
        (in_json({"source_name": "現金", "closing_yen": 10**30}), ("R01", "lines/0/closing_yen", None)),
        (in_json({"closing_yen": 5}), ("R03", "lines/0/source_name", None)),
        (in_json(payloads=[]), ("R03", "payloads/0", None)),
        (in_json(payloads={}), ("R03", "payloads/0", None)),
        (in_json(payloads=[{"financial_statement": {}}]), ("R01", "payloads/0", None)),
        (in_json(payloads=[{"trial_balance": []}]), ("R01", "payloads/0", None)),
        (in_json(period_to="2026-02-30"), ("R01", "period_to", Place(pointer="/period_to"))),
        (in_json(note=1), ("R01", "note", Place(pointer="/note"))),
    ],
)
def test_nothing_that_does_not_fit_is_passed_over(raw: bytes, fault: tuple[str, str, Place | None]) -> None:
    code, field, place = fault
    [(found, named, where)] = faults(raw)
    assert (found, named) == (code, field)
    assert where == (place or Place(pointer=where.pointer))
    assert (where.pointer or "").endswith(field) if place is None else True


def test_a_signature_below_the_root_comments_and_a_byte_order_mark_are_no_part_of_what_is_said() -> None:
    signature = "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'><SignedInfo/></Signature>"
    plain = record(xml())
    assert record(xml(inner=signature)) == plain
    assert record(b"\xef\xbb\xbf" + xml(LINE.replace("現", "<!-- c -->現<?p i?>"))) == plain
    elsewhere = xml(LINE + signature)
    assert [field for _, field, _ in faults(elsewhere)] == ["?{http:~1~1www.w3.org~12000~109~1xmldsig#}Signature"]


@pytest.mark.parametrize("kind", ["tax_return", "attachments", "live_view_link"])
@pytest.mark.parametrize("form", [xml, in_json])
def test_what_carries_no_figures_is_refused_and_told_where_it_belongs(kind: str, form: Callable[[], bytes]) -> None:
    with pytest.raises(Unreadable, match=f"{kind} carries no figures.*evidence") as refused:
        read(form().replace(b"tb_monthly", kind.encode()))
    assert kind in refused.value.ja
    assert refused.value.place in (Place(line=1), Place(pointer="/disclosure/feed_kind"))


@pytest.mark.parametrize("form", ["xml", "json"])
def test_only_the_refused_payloads_go_back(form: str) -> None:
    raw = (GOLDEN / f"statements_{form}" / f"input.{form}").read_bytes()
    again = b"".join(adapter.returned(io.BytesIO(raw), {1}, Hints()))
    (kept,) = read(again)
    assert isinstance(kept, ObservedDocument)
    assert kept.record == [seen.record for seen in read(raw) if isinstance(seen, ObservedDocument)][1]
    assert b"Signature" not in again  # it was over all of them


def test_several_payloads_have_digests_of_their_own_alike_in_both_syntaxes() -> None:
    in_xml, as_json = (
        [
            seen.digest
            for seen in read((GOLDEN / f"statements_{form}" / f"input.{form}").read_bytes())  # type: ignore[union-attr]
        ]
        for form in ("xml", "json")
    )
    assert in_xml == as_json
    assert len(set(in_xml)) == 2


HOSTILE: dict[str, Callable[[], bytes]] = {
    "doctype": lambda: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + xml(),
    "million_elements": lambda: xml("<lines/>" * 1_000_000),
    "deep": lambda: xml("<a>" * 100_000 + "</a>" * 100_000),
    "deep_open": lambda: xml("<a>" * 400_000),
    "namespaces": lambda: xml(outer="".join(f" xmlns:n{n}='urn:{n}'" for n in range(1_000))),
    "attributes": lambda: xml(outer="".join(f" a{n}='{n}'" for n in range(200_000))),
    "utf16": lambda: b"\xff\xfe" + xml().decode().encode("utf-16-le"),
    "cp932": lambda: b"<?xml version='1.0' encoding='Shift_JIS'?>" + xml().decode().encode("cp932"),
    "entity": lambda: xml(LINE.replace("現金", "&nope;")),
    "other_root": lambda: xml().replace(b"disclosed", b"submitted"),
    "cut": lambda: xml()[:-20],
    "json_deep": lambda: in_json(note=0).replace(b'"note": 0', b'"note": ' + b"[" * 100_000 + b"]" * 100_000),
    "json_values": lambda: in_json(note=[0] * 1_000_000),
    "json_other": lambda: in_json(schema="urn:other"),
    "no_object": lambda: b"[]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_such_document_is_refused_in_bounded_time(name: str) -> None:
    raw, started = HOSTILE[name](), time.process_time()
    with pytest.raises(Unreadable) as refused:
        read(raw)
    assert time.process_time() - started < 5
    assert refused.value.ja != Unreadable.message_ja


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(lambda: xml(LINE.replace("現金", "金" * 1_700_000)), id="huge_text"),
        pytest.param(lambda: xml("<lines/>" * 200_000), id="empty_lines"),
        pytest.param(
            lambda: in_json(payloads=[{"trial_balance": {"lines": [{"a": 1}] * 4_000}}] * 10), id="json_faults"
        ),
        pytest.param(lambda: in_json({"source_name": "\ud800"}), id="surrogate"),
        pytest.param(lambda: xml("".join(f"<a{n}/>" for n in range(100_000))), id="unknown_elements"),
    ],
)
def test_what_is_far_too_much_of_something_is_refused_with_its_reasons_in_bounded_time(
    raw: Callable[[], bytes],
) -> None:
    document, started = raw(), time.process_time()
    seen = read(document)
    assert time.process_time() - started < 5
    assert all(isinstance(one, Unplaced) and one.problems for one in seen)
