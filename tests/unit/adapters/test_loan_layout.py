"""Files of executions and changes: what is read, what is found wrong, what goes back, what the line makes of it."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.adapters.loan_layout import adapter
from gateway.errors import ConfigurationError, Unreadable
from gateway.formats.layout_columns import IN_FILES, fillable
from gateway.formats.layouts import load_layouts
from gateway.pipeline import Line, merged, prepare
from gateway.plugins import load_adapters
from gateway.ports import Hints
from gateway.rules.pack import standard_pack
from gateway.schemas.observed import Observed, ObservedDocument, Tape, Unplaced
from gateway.schemas.place import Place
from gateway.schemas.statement import Origin
from gateway.schemas.submission import Prepared, Request, Submission

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "loan_layout"
EXECUTIONS = (GOLDEN / "execution_csv" / "input.csv").read_bytes()
CHANGES = (GOLDEN / "change_fixed200" / "input.txt").read_bytes()
NOTHING = Hints()


def read(raw: bytes, hints: Hints = NOTHING) -> list[Observed]:
    return list(adapter.read(io.BytesIO(raw), hints))


def documents(raw: bytes, hints: Hints = NOTHING) -> list[ObservedDocument]:
    return [one for one in read(raw, hints) if isinstance(one, ObservedDocument)]


def prepared(raw: bytes, name: str) -> Prepared:
    """What the line makes of a document before it looks at any register."""
    request = Request(recipients=("13",), filename=name)
    now = datetime(2026, 4, 15, tzinfo=UTC)
    origin = Origin(sender="b", institution="9991")
    submission = Submission("0" * 32, origin, request, None, b"", None, now, "", len(raw))
    return merged(prepare(Line(load_adapters(), standard_pack()), submission, io.BytesIO(raw)))


def back(raw: bytes, *refused: int) -> list[bytes]:
    return b"".join(adapter.returned(io.BytesIO(raw), refused, NOTHING)).split(b"\r\n")


def test_every_value_has_the_place_of_its_cell() -> None:
    first, second = documents(EXECUTIONS)
    assert first.place_of("/executed_on") == Place(line=3, column=7)
    assert first.place_of("/refinanced_guarantee_nos/1") == Place(line=3, column=21)  # the second cell is empty
    assert second.place_of("/maturity_on") == Place(line=4)
    assert documents(CHANGES)[0].place_of("/after/interest_rate") == Place(line=2, column=129)


def test_a_rate_without_its_point_is_the_rate_with_it() -> None:
    rates = [one.record.model_dump(mode="json")["after"]["interest_rate"] for one in documents(CHANGES)]
    assert rates == ["1.8750", "2.1000"]


def test_a_row_is_the_same_record_as_the_document_that_says_the_same() -> None:
    document = documents(EXECUTIONS)[0].record.model_dump(mode="json", exclude_none=True)
    as_json = prepared(json.dumps(document).encode(), "one.json")
    in_file = prepared(EXECUTIONS, "input.csv")
    assert in_file.drafts[0].record_bytes == as_json.drafts[0].record_bytes
    assert in_file.drafts[0].guarantee == "13-0000017"
    assert in_file.kinds == {"loan_execution"}


def test_a_file_has_the_number_of_its_header() -> None:
    assert prepared(EXECUTIONS, "input.csv").tape == Tape("loan_execution_csv/1", 7)


def test_a_trailer_that_does_not_hold_refuses_the_file() -> None:
    wrong = prepared(EXECUTIONS.replace(b"\r\n8,2,", b"\r\n8,3,"), "input.csv")
    assert wrong.refused_whole
    assert [one.code for one in wrong.findings] == ["V18"]
    assert not prepared(EXECUTIONS, "input.csv").refused_whole


def test_an_empty_place_of_a_list_is_left_out_and_an_empty_list_is_missed() -> None:
    assert [one.record.model_dump()["change_kinds"] for one in documents(CHANGES)] == [
        ("term_extension", "installment_reduction"),
        ("rate_change",),
    ]
    [gone] = [one for one in read(CHANGES.replace(b"0103  1", b"      1")) if isinstance(one, Unplaced)]
    assert [(one.code, one.place) for one in gone.problems] == [("R03", Place(line=2))]


def test_what_the_record_would_not_take_is_named_as_the_layout_names_it() -> None:
    [wrong] = [one for one in read(EXECUTIONS.replace(b",3000000,", b",-3,")) if isinstance(one, Unplaced)]
    [problem] = wrong.problems
    assert (problem.code, problem.place, problem.params["field"]) == ("R01", Place(line=4, column=8), "貸付金額")


def test_refused_rows_go_back_in_a_file_of_their_own_with_count_sum_and_number_made_anew() -> None:
    lines = EXECUTIONS.split(b"\r\n")
    assert back(EXECUTIONS, 1) == [lines[0].replace(b",7,", b",8,"), lines[1], lines[3], b"8,1,3000000", b"9", b""]
    fixed = CHANGES.split(b"\r\n")
    assert back(CHANGES, 0)[1:3] == [fixed[1], fixed[3].replace(b"00000002", b"00000001")]
    assert back(EXECUTIONS) == [b""]


def test_repayment_tapes_are_left_to_their_adapter_and_the_other_way_round() -> None:
    tape = (GOLDEN.parent / "repayment_layout" / "csv_month_end" / "input.csv").read_bytes()
    assert not adapter.recognises(tape, "input.csv")
    assert not load_adapters()["repayment_layout"].recognises(EXECUTIONS, "input.csv")
    with pytest.raises(Unreadable):
        read(tape)


@pytest.mark.parametrize("kind", sorted(IN_FILES))
def test_the_columns_of_a_kind_follow_from_its_record(kind: str) -> None:
    columns = fillable(kind)
    assert {"bank_code", "guarantee_no"} <= columns.required
    assert columns.required <= columns.types.keys()
    assert columns.codes["correction"] == {"original", "replace", "cancel"}


def layout(folder: Path, fields: Sequence[dict[str, Any]], **change: Any) -> tuple[str, ...]:
    """A folder with a layout of claims in it."""
    said = {
        "id": "claims",
        "version": "1",
        "kind": "subrogation",
        "title": "代位弁済",
        "encoding": "utf-8",
        "recognition": {"head": "^D,"},
        "form": {"style": "delimited", "labels": False},
        "data": {"leading": "D", "fields": fields},
    }
    (folder / "claims.yaml").write_text(yaml.safe_dump(said | change, allow_unicode=True), "utf-8")
    return (str(folder),)


CLAIM: list[dict[str, Any]] = [
    {"name": "銀行", "at": 2, "to": "bank_code", "type": "code"},
    {"name": "保証番号", "at": 3, "to": "guarantee_no", "type": "code"},
    {"name": "請求日", "at": 4, "to": "claimed_on", "type": "date"},
    {"name": "元金", "at": 5, "to": "principal_yen", "type": "amount"},
    {"name": "利息", "at": 6, "to": "interest_yen", "type": "amount"},
    {"name": "損害金", "at": 7, "to": "damages_yen", "type": "amount"},
]


def test_a_layout_of_a_folder_may_describe_claims_too(tmp_path: Path) -> None:
    [claim] = documents(b"D,9991,13-1,2029-01-22,9800,60,0\n", Hints(layouts=layout(tmp_path, CLAIM, unit="thousand")))
    said = claim.record.model_dump()
    assert (said["kind"], said["claimed_on"], said["principal_yen"]) == ("subrogation", date(2029, 1, 22), 9_800_000)


@pytest.mark.parametrize(
    ("fields", "change", "complaint"),
    [
        (CLAIM, {"kind": "trial_balance"}, "no layout describes files of kind 'trial_balance'"),
        (CLAIM[:-1], {}, "nothing fills damages_yen"),
        ([*CLAIM, {"name": "残高", "at": 8, "to": "balance_yen", "type": "amount"}], {}, "subrogation has no column"),
        ([*CLAIM, {"name": "率", "at": 8, "to": "damages_rate", "type": "amount"}], {}, "type amount does not go into"),
        (CLAIM, {"kind": "condition_change"}, "condition_change has no column 'claimed_on'"),
        (CLAIM[:2], {"kind": "condition_change"}, "nothing fills change_kinds, is_easing"),
    ],
)
def test_a_layout_that_does_not_fit_its_kind_says_where_and_why(
    tmp_path: Path, fields: list[dict[str, Any]], change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load_layouts(layout(tmp_path, fields, **change), IN_FILES)
