"""The agency's files become a file that is looked up where it lies; whole or by differences, the same bytes."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest
from reference_lists import FIRMS, MERGED, NOBODY, OPEN, REVIVED, WOUND_UP, compiled, entry, published
from world import corporate_number

from gateway.errors import ConfigurationError
from gateway.reference.corporations import Closing, opened
from gateway.reference.nta_files import apply

WHOLE, DIFFERENCE = "00_zenkoku_all_20261030.csv", "diff_20261102.csv"


def test_a_number_is_found_with_how_its_register_was_closed(tmp_path: Path) -> None:
    firms = compiled(tmp_path, published(tmp_path, WHOLE, FIRMS))
    assert [firms.is_listed(number) for number in (OPEN, WOUND_UP, MERGED, REVIVED, NOBODY)] == [True] * 4 + [False]
    assert firms.find_closing(OPEN) is firms.find_closing(REVIVED) is firms.find_closing(NOBODY) is None
    assert firms.find_closing(WOUND_UP) == Closing(date(2026, 3, 31), "01", None)
    assert firms.find_closing(MERGED) == Closing(date(2026, 3, 31), "11", OPEN)


def test_a_list_stands_for_the_day_of_its_last_file_and_for_none_before_numbers_were_given(tmp_path: Path) -> None:
    files = published(tmp_path, WHOLE, FIRMS), published(tmp_path, DIFFERENCE, [entry(NOBODY)])
    firms = compiled(tmp_path, *files)
    days = (date(2015, 10, 4), date(2015, 10, 5), date(2026, 11, 2), date(2026, 11, 3))
    assert [firms.covers(day) for day in days] == [False, True, True, False]
    assert firms.source.name == "corporations_2026-11-02.numbers"


def test_a_difference_closes_opens_again_gives_and_takes_away(tmp_path: Path) -> None:
    changes = [
        entry(OPEN, "21", closed="2026-10-31", cause="21"),
        entry(WOUND_UP, "22"),
        entry(NOBODY),
        entry(REVIVED, "99"),
    ]
    kept = compiled(tmp_path, published(tmp_path, WHOLE, FIRMS))
    firms = compiled(tmp_path, published(tmp_path, DIFFERENCE, changes), kept=kept)
    assert firms.find_closing(OPEN) == Closing(date(2026, 10, 31), "21", None)
    assert firms.find_closing(WOUND_UP) is None
    assert (firms.is_listed(NOBODY), firms.is_listed(REVIVED), firms.is_listed(MERGED)) == (True, False, True)


def test_of_several_entries_of_a_number_the_newest_counts(tmp_path: Path) -> None:
    past = entry(OPEN, "21", closed="2026-10-31", cause="21").split(",")
    past[-7] = "0"  # corrected afterwards
    changes = [entry(OPEN, "12"), ",".join(past)]
    kept = compiled(tmp_path, published(tmp_path, WHOLE, FIRMS))
    firms = compiled(tmp_path, published(tmp_path, DIFFERENCE, changes), kept=kept)
    assert firms.find_closing(OPEN) is None


@pytest.mark.parametrize("seed", range(5))
def test_the_whole_file_of_a_day_and_differences_up_to_it_make_the_same_bytes(tmp_path: Path, seed: int) -> None:
    draw, state, files = random.Random(seed), {}, []
    for day in range(1, 7):
        today = {}
        for number in draw.sample(range(300), 60):
            closed = draw.random() < 0.3
            successor = corporate_number(draw.randrange(300)) if closed and draw.random() < 0.5 else ""
            named = corporate_number(number)
            today[named] = entry(
                named,
                "21" if closed else "12",
                **({"closed": f"2026-10-{day:02d}", "cause": "11"} if closed else {}),
                successor=successor,
            )  # type: ignore[arg-type]  # texts all
        gone = draw.sample(sorted(state), min(5, len(state)))
        today |= {number: entry(number, "99") for number in gone}
        state = {number: one for number, one in (state | today).items() if number not in gone}
        name = "00_zenkoku_all_20261101.csv" if day == 1 else f"diff_202611{day:02d}.csv"
        files.append(published(tmp_path, name, today.values()))
    kept = compiled(tmp_path, *files[:3])
    by_day = compiled(tmp_path, *draw.sample(files[3:], 3), kept=kept).source
    whole = published(tmp_path, "00_zenkoku_all_20261106.csv", draw.sample(sorted(state.values()), len(state)))
    assert compiled(tmp_path, whole).source == by_day


def test_a_difference_is_applied_once_and_after_what_it_changes(tmp_path: Path) -> None:
    kept = compiled(tmp_path, published(tmp_path, DIFFERENCE.replace("diff", "00_zenkoku_all"), FIRMS))
    for name in (DIFFERENCE, "diff_20261030.csv"):
        with pytest.raises(ConfigurationError, match=f"{name}: 2026-11-02"):
            list(apply([published(tmp_path, name, FIRMS)], kept))
    with pytest.raises(ConfigurationError, match="00_zenkoku_all_YYYYMMDD"):
        list(apply([published(tmp_path, DIFFERENCE, FIRMS)], None))


def test_working_days_without_a_difference_are_named(tmp_path: Path) -> None:
    files = published(tmp_path, WHOLE, FIRMS), published(tmp_path, "diff_20261104.csv", [entry(NOBODY)])
    assert [list(state.without) for state in apply(files, None)] == [[], [date(2026, 11, 2), date(2026, 11, 3)]]


@pytest.mark.parametrize("name", ["31_tottori_all_20261030.csv", "00_zenkoku_all_20261330.csv", "numbers.csv"])
def test_a_file_that_is_not_of_the_whole_country_or_of_no_day_is_not_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        list(apply([published(tmp_path, name, FIRMS)], None))


@pytest.mark.parametrize(
    "entries",
    [
        [],
        ["corporate_number,name"],
        [entry("123")],
        [entry("")],
        [entry(OPEN, "新規")],
        [entry(OPEN, closed="2026/03/31", cause="01")],
        [entry(OPEN, closed="2026-03-31", cause="01") + ",one more"],
    ],
)
def test_a_file_of_another_form_is_not_taken(tmp_path: Path, entries: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=WHOLE):
        list(apply([published(tmp_path, WHOLE, entries)], None))


@pytest.mark.parametrize("cut", [0, 10, 31, 32, 33, -1])
def test_a_compact_file_that_is_not_whole_is_not_taken(tmp_path: Path, cut: int) -> None:
    whole = (tmp_path / compiled(tmp_path, published(tmp_path, WHOLE, FIRMS)).source.name).read_bytes()
    path = tmp_path / "corporations_2026-11-01.numbers"
    path.write_bytes(whole[:cut])
    with pytest.raises(ConfigurationError, match="not whole"):
        opened(path)


def test_nothing_half_written_is_left_in_the_folder(tmp_path: Path) -> None:
    compiled(tmp_path, published(tmp_path, WHOLE, FIRMS))
    assert sorted(path.name for path in tmp_path.iterdir()) == [WHOLE, "corporations_2026-10-30.numbers"]
