"""Layouts as data: what is packaged loads, what does not hold together says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.errors import ConfigurationError
from gateway.formats.layouts import Layout, load_layouts

MINIMAL: dict[str, Any] = {
    "id": "test",
    "version": "1",
    "title": "試験",
    "recognition": {"head": "^D"},
    "form": {"style": "delimited", "labels": False},
    "data": {
        "leading": "D",
        "fields": [
            {"name": "銀行", "at": 2, "to": "bank_code", "type": "code"},
            {"name": "保証番号", "at": 3, "to": "guarantee_no", "type": "code"},
            {"name": "基準日", "at": 4, "to": "as_of", "type": "date"},
            {"name": "残高", "at": 5, "to": "balance_yen", "type": "amount"},
            {"name": "状態", "at": 6, "to": "status", "type": "enum", "codes": {"1": "performing"}},
        ],
    },
}
FIXED: dict[str, Any] = {
    "form": {"style": "fixed", "length": 60},
    "data": {
        "leading": "D",
        "fields": [
            field | {"at": 10 * number, "length": 10} for number, field in enumerate(MINIMAL["data"]["fields"], 1)
        ],
    },
}


def field(number: int, **change: Any) -> dict[str, Any]:
    """The data section with one field changed."""
    fields = [dict(each) for each in MINIMAL["data"]["fields"]]
    fields[number] = {name: value for name, value in (fields[number] | change).items() if value is not None}
    return {"data": {"leading": "D", "fields": fields}}


def more(**cell: Any) -> dict[str, Any]:
    """The data section with one field more."""
    return {"data": {"leading": "D", "fields": [*MINIMAL["data"]["fields"], {"at": 7, **cell}]}}


def fixed(number: int, **change: Any) -> dict[str, Any]:
    """The fixed-width form with one field changed."""
    fields = [dict(each) for each in FIXED["data"]["fields"]]
    fields[number] |= change
    return FIXED | {"data": {"leading": "D", "fields": fields}}


def write(folder: Path, name: str, **change: Any) -> tuple[str, ...]:
    """A folder with one layout file in it."""
    (folder / name).write_text(yaml.safe_dump(MINIMAL | change, allow_unicode=True), "utf-8")
    return (str(folder),)


def test_the_packaged_layouts_load_and_are_of_both_forms() -> None:
    assert {(layout.id, layout.form.style) for layout in load_layouts()} == {
        ("guarantee_csv", "delimited"),
        ("guarantee_fixed200", "fixed"),
    }


def test_layouts_of_further_folders_come_after_the_packaged(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", id="bank_b")
    folders = write(tmp_path, "a.yaml", id="bank_a")
    assert [layout.id for layout in load_layouts(folders)] == [
        *(layout.id for layout in load_layouts()),
        "bank_a",
        "bank_b",
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "With Space"}, "id:"),
        ({"encoding": "euc_jp"}, "encoding:"),
        ({"unit": "sen"}, "unit:"),
        ({"surprise": 1}, "surprise:"),
        ({"recognition": {}}, "a pattern for filename or head"),
        ({"recognition": {"head": "("}}, "recognition:"),
        ({"form": {"style": "delimited", "delimiter": "|"}}, "form"),
        (field(0, to=None), "nothing fills bank_code"),
        (field(0, to="guarantee_no"), "filled twice: guarantee_no"),
        (field(0, to="bank"), "銀行: repayment_status has no column 'bank'"),
        (field(0, to="sequence"), "type code does not go into column 'sequence'|no column 'sequence'"),
        (more(name="通番", to="sequence", type="integer"), "belongs to the header"),
        (field(2, type="amount"), "type amount does not go into column 'as_of'"),
        (field(3, codes={"1": "a"}), "codes belong to type enum"),
        (field(4, codes=None), "codes belong to type enum"),
        (field(4, codes={"1": "fine"}), "'fine' is no value of column 'status'"),
        (field(4, codes={"1": True}), "'True' is no value of column 'status'"),
        (more(name="極度", to="is_revolving", type="enum", codes={"1": "yes"}), "'yes' is no value of column"),
        (field(0, at=None), "needs its column"),
        (field(0, length=4), "only fixed-width fields have a length"),
        (field(0, at=0), "at:"),
        ({"header": {"fields": []}}, "a header needs the value it starts with"),
        ({"trailer": {"leading": "T", "totals": []}}, "totals:"),
        ({"trailer": {"leading": "T", "totals": [{"name": "計", "at": 2, "of": "principal_yen"}]}}, "principal_yen"),
        ({"trailer": {"leading": "T", "totals": [{"name": "計"}]}}, "needs its column"),
        (fixed(0, length=None), "needs its first byte"),
        (fixed(1, at=19), "保証番号: overlaps the field before it"),
        (fixed(4, length=12), "状態: ends after the record's 60 bytes"),
    ],
)
def test_a_layout_that_does_not_hold_together_says_where_and_why(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        load_layouts(write(tmp_path, "wrong.yaml", **change))
    assert caught.value.message.startswith("layout wrong.yaml: ")


def test_an_id_used_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="used twice: guarantee_csv"):
        load_layouts(write(tmp_path, "mine.yaml", id="guarantee_csv"))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere is not a folder"):
        load_layouts((str(tmp_path / "nowhere"),))


@pytest.mark.parametrize("raw", [b"id: [", b"\xff\xfe", b"- 1"])
def test_a_file_that_is_no_layout_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "broken.yaml").write_bytes(raw)
    with pytest.raises(ConfigurationError, match=r"layout broken\.yaml"):
        load_layouts((str(tmp_path),))


def test_a_layout_is_recognised_by_name_and_beginning_where_it_asks_for_both() -> None:
    both = Layout.model_validate(MINIMAL | {"recognition": {"filename": r"^pay", "head": "^D,"}})
    seen = [both.recognises(b"D,1", name) for name in ("pay1.txt", "other.txt", None)]
    assert (seen, both.recognises(b"X,1", "pay1.txt")) == ([True, False, False], False)


def test_a_mark_at_the_start_of_a_file_does_not_hide_its_beginning() -> None:
    layout = Layout.model_validate(MINIMAL | {"encoding": "utf-8", "recognition": {"head": r"\AD,"}})
    assert layout.recognises("\ufeffD,1".encode(), None)
