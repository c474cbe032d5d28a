"""Text and headings of exported files: what is read, and what was damaged before it came here."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import date

import pytest

from gateway.errors import Unreadable
from gateway.formats.exports import Export, Parted, Row, period_of, tax_method_of, unit_of

NAMES = [
    "現金",
    "普通預金",
    "売掛金",
    "旅費交通費",
    "給料手当",
    "支払手数料",
    "ﾘｻｲｸﾙ預託金",
    "㈱髙﨑商店",
    "仮払金①",
    "地代家賃",
]


def exported(seed: int) -> str:
    draw = random.Random(seed)
    rows = [f"{draw.choice(NAMES)},{draw.randint(-9_999, 9_999_999)},{draw.choice(NAMES)}" for _ in range(20)]
    return "\r\n".join(["勘定科目,残高,摘要", *rows])


def why_not(raw: bytes) -> str | None:
    try:
        Export.of(raw)
    except Unreadable as refused:
        return refused.ja
    return None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_three_hundred_sound_files_are_never_called_damaged(encoding: str) -> None:
    for seed in range(300):
        assert Export.of(exported(seed).encode(encoding)).replaced == 0


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("utf-8", "cp932"), ("utf-8", "latin-1"), ("cp932", "latin-1"), ("cp932", "cp1252"), ("utf-8", "cp1252")],
)
@pytest.mark.parametrize("saved_as", ["utf-8", "utf-8-sig"])
def test_three_hundred_damaged_files_are_all_refused(right: str, wrong: str, saved_as: str) -> None:
    for seed in range(300):
        damaged = exported(seed).encode(right).decode(wrong, errors="replace").replace("\ufffd", "?")
        assert why_not(damaged.encode(saved_as)), seed


def test_characters_that_became_question_marks_are_refused_where_they_stand() -> None:
    with pytest.raises(Unreadable, match="replaced by"):
        Export.of(exported(1).encode("ascii", errors="replace"))


def test_an_end_of_file_mark_is_no_row_and_tabs_are_found_out() -> None:
    export = Export.of("科目\t残高\r\n現金\t1,000\r\n\x1a".encode("cp932"))
    assert [row.cells for row in export.rows] == [["科目", "残高"], ["現金", "1,000"]]


def test_foreign_characters_stay_and_are_counted() -> None:
    export = Export.of("科目,残高\r\n\ue000商店,1\r\n".encode("cp932"))
    assert (export.gaiji, export.rows[1].cells[0]) == ((1, 2), "\ue000商店")
    assert [row.own for row in export.rows] == export.raw.decode("cp932").splitlines()


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("自 令和7年4月1日 至 令和8年3月31日", (date(2025, 4, 1), date(2026, 3, 31))),
        ("2025/04/21～2025/05/20", (date(2025, 4, 21), date(2025, 5, 20))),
        ("集計期間：平成31年04月01日 令和元年05月31日", (date(2019, 4, 1), date(2019, 5, 31))),
        ("2024年2月度", (date(2024, 2, 1), date(2024, 2, 29))),
        ("試算表_2025-06", (date(2025, 6, 1), date(2025, 6, 30))),
        ("Ｒ７．４．１～Ｒ７．４．３０", (date(2025, 4, 1), date(2025, 4, 30))),
        ("処理日 2025年4月1日", None),
        ("2月30日まで 2025年2月30日 2025年3月1日", None),
        ("残高試算表", None),
    ],
)
def test_a_period_is_found_as_it_is_written_or_not_at_all(heading: str, expected: tuple[date, date] | None) -> None:
    assert period_of([heading]) == expected


def test_unit_and_tax_are_what_the_heading_says() -> None:
    assert [str(unit_of(text)) for text in ("単位：千円", "（百万円）", "単位 円", "残高試算表")] == [
        "thousand",
        "million",
        "yen",
        "yen",
    ]
    assert [tax_method_of(text) for text in ("税抜/税込：税込", "（税抜）", "")] == [
        "inclusive",
        "exclusive",
        "unknown",
    ]


class Heading(list[Row]):
    """Counts how often it is gone through."""

    times = 0

    def __iter__(self) -> Iterator[Row]:
        self.times += 1
        return super().__iter__()


def taken_apart(groups: int) -> tuple[Parted, Heading]:
    heading = Heading([Row(1, ["科目", "残高"], "科目,残高")])
    rows = [[Row(at, ["現金", str(at)], f"現金,{at}")] for at in range(2, 2 + groups)]
    return Parted(b"as received", "cp932", heading, rows), heading


def test_each_record_is_known_by_the_file_that_would_come_back_for_it_alone() -> None:
    parted, _ = taken_apart(3)
    alone = [b"".join(parted.returned([at])) for at in range(3)]
    assert alone[1] == "科目,残高\r\n現金,3\r\n".encode("cp932")
    assert list(parted.digests()) == [hashlib.sha256(one).hexdigest() for one in alone]


def test_a_heading_is_gone_through_once_however_many_records_stand_below_it() -> None:
    parted, heading = taken_apart(500)
    assert len(set(parted.digests())) == 500
    assert heading.times == 1


def test_what_is_refused_as_a_whole_comes_back_as_it_came_and_what_is_not_does_not_come_back() -> None:
    parted, _ = taken_apart(2)
    assert list(parted.returned([0, 1])) == [b"as received"]
    assert list(parted.returned([])) == []
    one, _ = taken_apart(1)
    assert list(one.digests()) == [hashlib.sha256(b"as received").hexdigest()]
