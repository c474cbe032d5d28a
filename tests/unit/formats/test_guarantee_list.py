"""A corporation's list of guarantees: every spelling in use is read, and whatever is wrong is named in its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.errors import ConfigurationError, Unreadable
from gateway.formats.guarantee_list import REASON, Columns, GuaranteeList, Row, load_columns
from gateway.schemas.guarantees import GuaranteeEntry
from gateway.schemas.identifiers import Reference, Scheme

NEEDED = "保証番号,金融機関コード,法人番号,事業者名"
FIRM = "7000012050002"
ROW = f"13-1,0134,{FIRM},㈱髙島"


def read(folder: Path, text: str, encoding: str = "utf-8", columns: Columns | None = None) -> list[Row]:
    path = folder / "list.csv"
    path.write_bytes(text.encode(encoding))
    return list(GuaranteeList(path, columns or load_columns()).rows())


def entry(**more: Any) -> GuaranteeEntry:
    firm = Reference(scheme=Scheme.CORPORATE_NUMBER, value=FIRM)
    return GuaranteeEntry(**({"guarantee_no": "13-1", "institution": "0134", "firm": firm, "name": "㈱髙島"} | more))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_list_of_what_is_needed_says_nothing_more(tmp_path: Path, encoding: str, end: str) -> None:
    [row] = read(tmp_path, end.join([NEEDED, ROW, ""]), encoding)
    assert (row.line, row.entry) == (2, entry())
    assert row.entry is not None
    assert set(row.entry.model_dump(exclude_none=True)) == {"guarantee_no", "institution", "firm", "name"}


@pytest.mark.parametrize(
    ("heading", "cell", "said"),
    [
        ("保証金額", "￥", None),
        ("保証金額", '"12,000,000"', {"principal_yen": 12_000_000}),
        ("貸付金額", "１２０００", {"principal_yen": 12_000}),
        ("保証金額", "0", {"principal_yen": 0}),
        ("保証金額", "-", None),
        ("保証金額", "△5", None),
        ("保証金額", "12.5", None),
        ("根保証", "有", {"is_revolving": True}),
        ("根保証", "0", {"is_revolving": False}),
        ("プロパー融資", "なし", {"has_proper_loan": False}),
        ("プロパー融資", "True", {"has_proper_loan": True}),
        ("プロパー融資", "不明", None),
        ("保証書日付", "R7.3.31", {"issued_on": date(2025, 3, 31)}),
        ("実行日", "2025/4/1", {"executed_on": date(2025, 4, 1)}),
        ("期日", "20350331", {"maturity_on": date(2035, 3, 31)}),
        ("初回元金返済日", "令和7年6月30日", {"first_principal_due_on": date(2025, 6, 30)}),
        ("期日", "2025/2/30", None),
        ("保証割合", "80", {"guarantee_ratio_bp": 8_000}),
        ("保証割合", "８０．２５％", {"guarantee_ratio_bp": 8_025}),
        ("保証割合", "66.666", None),
        ("保証割合", "100.01", None),
        ("保証割合", "NaN", None),
        ("制度コード", "=A1", {"scheme_code": "=A1"}),
        ("制度", "ゼロゼロ融資", {"scheme_family": "zero_zero"}),
        ("制度", "sn4", {"scheme_family": "sn4"}),
        ("制度", "ぜろぜろ", None),
        ("条件変更回数", "2", {"change_count": 2}),
        ("条件変更回数", "0", {"change_count": 0}),
        ("条件変更回数", "2回", None),
        ("直近条件変更日", "H31.4.30", {"last_changed_on": date(2019, 4, 30)}),
        ("直近条件変更内容", "元金据置", {"last_change_kind": "principal_moratorium"}),
        ("guarantee_ratio_bp", "80", {"guarantee_ratio_bp": 8_000}),
        ("備考", "なんでも", {}),
    ],
)
def test_a_cell_is_read_exactly_or_comes_back_with_its_column(
    tmp_path: Path, heading: str, cell: str, said: dict[str, Any] | None
) -> None:
    [row] = read(tmp_path, f"{NEEDED},{heading}\n{ROW},{cell}\n")
    if said is not None:
        assert (row.entry, row.problems) == (entry(**said), ())
    else:
        assert row.entry is None
        assert [(one.column, one.heading) for one in row.problems] == [(5, heading)]
        assert f"5列「{heading}」" in str(row.problems[0])


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        (f",0134,{FIRM},商店", [1]),
        (f"13-1,134,{FIRM},商店", [2]),
        ("13-1,0134,7000012050003,商店", [3]),
        ("13-1,0134,,商店", [None]),
        (f"13-1,0134,{FIRM}, ", [4]),
        (f"13-1,0134,{FIRM}", [None]),
        (f"13-1,0134,{FIRM},商店,", [None]),
        (f"{'1' * 33},,1,{'商' * 201}", [1, 3, 4, 2]),
    ],
)
def test_everything_wrong_with_a_row_is_told_at_once(tmp_path: Path, row: str, columns: list[int | None]) -> None:
    [found] = read(tmp_path, f"{NEEDED}\n{row}\n")
    assert [one.column for one in found.problems] == columns
    assert all(not one.ja.isascii() and one.en.isascii() for one in found.problems)


def test_a_firm_is_named_by_the_first_number_that_is_filled_in(tmp_path: Path) -> None:
    header = "保証番号,金融機関コード,顧客番号,登録番号,法人番号,事業者名"
    rows = [f"1,9991,C-1,T1234567890123,{FIRM},甲", "2,9991,C-2,Ｔ1234-5678-90123,,乙", "3,9991,C-3,,,丙"]
    found = read(tmp_path, "\n".join([header, *rows]))
    assert [(one.entry.firm.scheme.value, one.entry.firm.value) for one in found if one.entry] == [
        ("corporate_number", FIRM),
        ("invoice_number", "T1234567890123"),
        ("cgc_customer", "C-3"),
    ]


def test_rows_keep_the_line_on_which_they_begin_and_a_second_one_of_a_number_comes_back(tmp_path: Path) -> None:
    text = f'{NEEDED}\n\n13-1,0134,{FIRM},"髙島\n商店"\n,,,\nＡ－２,0134,{FIRM},乙\na-2,0134,{FIRM},丙\n'
    found = read(tmp_path, text)
    assert [(row.line, row.entry and row.entry.guarantee_no) for row in found] == [(3, "13-1"), (6, "A-2"), (7, None)]
    assert [str(one) for one in found[2].problems] == ["1列「保証番号」: 6行目と同じ番号です / the number of line 6"]


@pytest.mark.parametrize(
    "more", ["制度適用開始日,制度適用終了日|2025/4/1,2025/3/31", "条件変更回数,直近条件変更日|0,2025/3/31"]
)
def test_a_row_that_contradicts_itself_comes_back(tmp_path: Path, more: str) -> None:
    headings, cells = more.split("|")
    [row] = read(tmp_path, f"{NEEDED},{headings}\n{ROW},{cells}\n")
    assert (row.entry, [one.column for one in row.problems]) == (None, [None])


def test_rows_that_came_back_are_read_as_they_were_before_they_were_made_harmless(tmp_path: Path) -> None:
    [row] = read(tmp_path, f"{NEEDED},{REASON}\n13-1,0134,{FIRM},'=SUM(A1),'=理由\n")
    assert row.cells == ["13-1", "0134", FIRM, "=SUM(A1)"]
    [own] = read(tmp_path, f"{NEEDED}\n13-1,0134,{FIRM},'=SUM(A1)\n")
    assert own.entry is not None
    assert own.entry.name == "'=SUM(A1)"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"", 1),
        ("保証番号,金融機関コード,事業者名\n".encode(), 1),
        (f"{NEEDED},名称\n".encode(), 1),
        (f"{NEEDED}\n{ROW}\n".encode() + b"\xff\xff", 3),
        (f'{NEEDED}\n{ROW}\n"13-2,0134\n'.encode(), 3),
    ],
)
def test_a_list_that_cannot_be_read_says_where(tmp_path: Path, text: bytes, place: int) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(text)
    with pytest.raises(Unreadable) as refused:
        list(GuaranteeList(path, load_columns()).rows())
    assert refused.value.place is not None
    assert refused.value.place.line == place
    assert not refused.value.ja.isascii()


def test_a_corporation_says_how_its_own_list_calls_things(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    headings = {
        "guarantee_no": ["番号"],
        "institution": ["銀行"],
        "cgc_customer": ["先"],
        "name": ["名"],
        "scheme_code": ["制"],
    }
    own.write_text(yaml.safe_dump({"headings": headings, "schemes": {"Z1": "zero_zero"}}, allow_unicode=True), "utf-8")
    found = read(tmp_path, "番号,銀行,先,名,制\n1,9991,C1,甲,Z1\n2,9991,C2,乙,Z2\n", columns=load_columns(own))
    assert [(row.entry.scheme_code, row.entry.scheme_family) for row in found if row.entry] == [
        ("Z1", "zero_zero"),
        ("Z2", None),
    ]
    own.write_text("headings: {colour: [色]}", "utf-8")
    with pytest.raises(ConfigurationError, match="colour"):
        load_columns(own)


def test_the_packaged_words_are_those_that_an_entry_and_the_form_know() -> None:
    packaged = load_columns()
    form = Path(__file__).parents[3] / "gateway/schemas/data/forms/monitoring_report.yaml"
    choices = yaml.safe_load(form.read_text("utf-8"))["choices"]["scheme_family"]
    assert packaged.words["scheme_family"] == {ja: family for family, ja in choices.items()}
    for kind in packaged.words["last_change_kind"].values():
        assert entry(last_change_kind=kind).last_change_kind == kind
