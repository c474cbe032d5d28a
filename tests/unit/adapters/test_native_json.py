from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.native_json import adapter
from gateway.errors import Unreadable
from gateway.ports import ROWS_AT_ONCE, Hints
from gateway.schemas.observed import Observed, ObservedDocument, ObservedRows, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.records import TrialBalance
from gateway.schemas.records.repayment_columns import row_records

SUITE = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples" / "05_malicious"
BOOKS: dict[str, Any] = {
    "kind": "trial_balance",
    "period_from": "2024-04-01",
    "period_to": "2024-04-30",
    "lines": [{"source_name": "現金: 手許", "closing_yen": 100}],
}
LOAN: dict[str, Any] = {
    "kind": "repayment_status",
    "bank_code": "9991",
    "guarantee_no": "A-1",
    "as_of": "2024-04-30",
    "balance_yen": 5,
    "status": "performing",
}


def read(raw: bytes, kind: str | None = None) -> list[Observed]:
    return list(adapter.read(io.BytesIO(raw), Hints(kind=kind)))


def spelt(value: object, **layout: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **layout).encode()


def returned(raw: bytes, *refused: int) -> bytes:
    return b"".join(adapter.returned(io.BytesIO(raw), refused, Hints()))


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("raw", [spelt(BOOKS), spelt(BOOKS, indent=2), b"\xef\xbb\xbf\n" + spelt(BOOKS) + b"\r\n"])
def test_one_record_is_read_and_has_the_digest_of_its_document(raw: bytes) -> None:
    (observed,) = read(raw)
    assert isinstance(observed, ObservedDocument)
    assert observed.record == TrialBalance.model_validate_json(spelt(BOOKS))
    assert (observed.ordinal, observed.digest, observed.problems) == (0, sha256(raw), ())
    assert observed.place_of("/lines/0/closing_yen") == Place(pointer="/lines/0/closing_yen")


@given(st.permutations(list(BOOKS)), st.sampled_from([None, 1]), st.sampled_from([(",", ":"), (" , ", " : ")]))
def test_order_and_white_space_do_not_matter(names: list[str], indent: int | None, marks: tuple[str, str]) -> None:
    raw = spelt({name: BOOKS[name] for name in names}, indent=indent, separators=marks)
    (observed,) = read(raw)
    assert isinstance(observed, ObservedDocument)
    assert observed.record == TrialBalance.model_validate_json(spelt(BOOKS))


@given(st.integers(0, 300), st.sampled_from([b"", b" ", b"\n", b"\t "]), st.sampled_from(["software", "span", "lines"]))
def test_a_member_that_is_there_twice_is_never_read(at: int, gap: bytes, name: str) -> None:
    raw = spelt({**BOOKS, "software": "x", "span": "month"})
    commas = [index for index in range(len(raw)) if raw[index : index + 3] == b', "']
    member = b', "' + name.encode() + b'"' + gap + b":" + spelt(BOOKS["lines"] if name == "lines" else "month")
    place = commas[at % len(commas)]
    assert not any(isinstance(seen, ObservedDocument) for seen in _read_or_nothing(raw[:place] + member + raw[place:]))


def _read_or_nothing(raw: bytes) -> list[Observed]:
    try:
        return read(raw)
    except Unreadable:
        return []


def test_records_one_per_line_keep_their_own_line_and_digest() -> None:
    lines = [
        spelt(BOOKS),
        b"",
        spelt(LOAN),
        b"{broken",
        spelt({**BOOKS, "period_to": 5}),
        spelt({**LOAN, "fi_loan_no": "7"}),
    ]
    raw = b"\n".join(lines)
    books, broken, misfit, rows = read(raw)
    assert isinstance(books, ObservedDocument)
    assert isinstance(broken, Unplaced)
    assert isinstance(misfit, Unplaced)
    assert isinstance(rows, ObservedRows)
    assert (books.digest, broken.digest, misfit.digest) == (sha256(lines[0]), sha256(lines[3]), sha256(lines[4]))
    assert [broken.problems[0].place, misfit.problems[0].place] == [
        Place(line=4, column=2),
        Place(line=5, pointer="/period_to"),
    ]
    assert (broken.kind, misfit.kind) == (None, "trial_balance")
    assert rows.frame["ordinal"].to_list() == [1, 4]
    assert rows.frame["line"].to_list() == [3, 6]
    assert rows.frame["digest"].to_list() == [sha256(lines[2]), sha256(lines[5])]
    assert [record["guarantee_no"] for record in row_records(rows.frame)] == ["A-1", "A-1"]


def test_records_in_a_list_point_into_it() -> None:
    raw = spelt({"records": [BOOKS, {**BOOKS, "lines": [{}]}, LOAN]})
    books, misfit, rows = read(raw)
    assert isinstance(books, ObservedDocument)
    assert isinstance(misfit, Unplaced)
    assert isinstance(rows, ObservedRows)
    assert books.place_of("/lines/0") == Place(pointer="/records/0/lines/0")
    assert books.digest == sha256(spelt(BOOKS, sort_keys=True, separators=(",", ":")))
    assert [finding.place.pointer for finding in misfit.problems] == ["/records/1/lines/0/source_name"]
    assert (rows.pointer, rows.frame["ordinal"].to_list()) == ("/records", [2])


def test_lines_that_another_parser_would_take_are_refused_alone() -> None:
    raw = (
        spelt(BOOKS)
        + b'\n{"kind":"trial_balance","company_name":"\\ud800"}\n{"kind":"trial_balance","lines":[],"lines":[]}'
    )
    books, surrogate, doubled = read(raw)
    assert isinstance(books, ObservedDocument)
    assert [finding.place.line for seen in (surrogate, doubled) for finding in seen.problems] == [2, 3]


def test_rows_come_in_frames_that_are_never_too_long() -> None:
    raw = (spelt(LOAN) + b"\n") * (ROWS_AT_ONCE + 3)
    frames = [seen.frame for seen in read(raw) if isinstance(seen, ObservedRows)]
    assert [frame.height for frame in frames] == [ROWS_AT_ONCE, 3]
    assert frames[1]["ordinal"].to_list() == [ROWS_AT_ONCE, ROWS_AT_ONCE + 1, ROWS_AT_ONCE + 2]


def test_what_a_row_cannot_carry_is_said() -> None:
    (rows,) = read(spelt({**LOAN, "missing": {"/principal_yen": "not_applicable"}}))
    assert [(finding.code, finding.params) for finding in rows.problems] == [("R02", {"found": "missing"})]


def test_a_record_without_kind_is_of_the_kind_the_sender_named() -> None:
    nameless = {name: value for name, value in BOOKS.items() if name != "kind"}
    (observed,) = read(spelt(nameless), kind="trial_balance")
    assert isinstance(observed, ObservedDocument)
    with pytest.raises(Unreadable, match="names its kind"):
        read(spelt(nameless))


def test_the_kind_of_the_record_itself_counts_not_one_within() -> None:
    raw = spelt({"missing": {"kind": "monitoring_report"}, **LOAN})
    (observed,) = read(raw.replace(b'"kind": "monitoring_report"', b'"kind":"monitoring_report"'))
    assert isinstance(observed, Unplaced)
    assert (observed.kind, [finding.field for finding in observed.problems]) == ("repayment_status", ["kind"])


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'\n\n{"kind": "trial_balance",\n oops}', Place(line=4, column=2)),
        (b"[]", Place(line=1)),
        (b'{"kind": "poem"}', Place(pointer="/kind")),
        (b'{"records": [], "more": 1}', Place(pointer="")),
        (b'{"records": [', Place(line=1, column=14)),
        (b"", Place(line=1, column=1)),
        (b'{"kind":"trial_balance","company_name":"\\ud800"}', Place(line=1)),
    ],
)
def test_a_document_that_is_no_record_is_unreadable(raw: bytes, place: Place) -> None:
    with pytest.raises(Unreadable) as refused:
        read(raw)
    assert refused.value.place == place


@pytest.mark.parametrize("value", ["100", 100.0, True])
def test_money_is_an_integer_and_nothing_like_it(value: object) -> None:
    (observed,) = read(spelt({**LOAN, "balance_yen": value}))
    assert isinstance(observed, Unplaced)
    assert [finding.field for finding in observed.problems] == ["balance_yen"]


def test_refused_records_come_back_in_the_form_they_came_in() -> None:
    lines = [spelt({**LOAN, "balance_yen": amount}) for amount in range(4)]
    assert returned(b"\r\n".join(lines), 1, 3) == lines[1] + b"\n" + lines[3] + b"\n"
    assert json.loads(returned(spelt({"records": [BOOKS, LOAN]}), 1)) == {"records": [LOAN]}
    assert returned(spelt(BOOKS, indent=1), 0) == spelt(BOOKS, indent=1)
    assert returned(spelt(BOOKS)) == b""


@pytest.mark.parametrize("depth", [10, 150, 300, 900, 960, 980, 990, 995, 5_000])
def test_nesting_without_end_breaks_nothing(depth: int) -> None:
    nest = b"[" * depth + b"]" * depth
    for raw in (
        b'{"kind":"trial_balance","lines":' + nest + b"}",
        b'{"records":[{"kind":"trial_balance","lines":' + nest + b"}]}",
        b'{"records":[{"kind":' + nest + b"}]}",
    ):
        assert not any(isinstance(seen, ObservedDocument) for seen in _read_or_nothing(raw))


def test_a_kind_that_is_no_name_is_no_kind() -> None:
    (observed,) = read(spelt({"records": [{"kind": ["trial_balance"]}]}))
    assert isinstance(observed, Unplaced)
    assert [(finding.code, finding.field) for finding in observed.problems] == [("R01", "kind")]


def test_only_our_own_json_is_recognised() -> None:
    assert adapter.recognises(b'\xef\xbb\xbf {"x": 1, "kind" : "trial_balance"', None)
    assert adapter.recognises(b'{"records": [', None)
    strangers = (b'{"kind": "poem"}', b'[{"kind": "trial_balance"}]', b'{"trial_bs": {}}', b"kind", b"")
    assert [head for head in strangers if adapter.recognises(head, None)] == []


def test_no_file_of_the_public_json_suite_is_a_record_or_breaks_the_adapter() -> None:
    sources = sorted(SUITE.rglob("test_parsing/*.json"))
    if not sources:
        pytest.skip("the shared samples are not here")
    assert [seen for source in sources for seen in _read_or_nothing(source.read_bytes())] == []
