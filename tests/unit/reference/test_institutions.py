"""The list of banks and branches: what its lines mean, and which lists are not taken at all."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
from reference_lists import BANKS, HEAD, INSTITUTIONS

from gateway.errors import ConfigurationError
from gateway.reference.institutions import Institutions, opened


def listed(folder: Path, text: str, name: str = INSTITUTIONS) -> Institutions:
    (folder / name).write_bytes(text.encode("utf-8"))
    return opened(folder / name)


def test_a_receipt_can_name_a_list_by_file_and_digest(tmp_path: Path) -> None:
    source = listed(tmp_path, BANKS).source
    assert (source.name, source.sha256) == (INSTITUTIONS, hashlib.sha256(BANKS.encode()).hexdigest())


def test_the_days_of_a_list_are_those_in_its_name_both_included(tmp_path: Path) -> None:
    banks = listed(tmp_path, BANKS)
    days = (date(2020, 3, 31), date(2020, 4, 1), date(2026, 12, 31), date(2027, 1, 1))
    assert [banks.covers(day) for day in days] == [False, True, True, False]


def test_a_list_written_by_a_spreadsheet_is_read_alike(tmp_path: Path) -> None:
    theirs = listed(tmp_path, "\ufeff" + BANKS.replace("\n", "\r\n"))
    assert theirs.times("9991011") == listed(tmp_path, BANKS).times("9991011") == "〜2026-03-31"


def test_a_code_may_be_in_use_twice(tmp_path: Path) -> None:
    banks = listed(tmp_path, f"{HEAD}\n9991,,旧,,2021-03-31,9992\n9992,,新,,,\n9991,,別,2026-04-01,,\n")
    days = (date(2021, 3, 31), date(2021, 4, 1), date(2026, 3, 31), date(2026, 4, 1))
    assert [banks.is_in_use("9991", day) for day in days] == [True, False, False, True]
    assert (banks.times("9991"), banks.successor("9991", days[1])) == ("〜2021-03-31, 2026-04-01〜", "9992")


def test_successors_that_name_each_other_end_nowhere(tmp_path: Path) -> None:
    banks = listed(tmp_path, f"{HEAD}\n9991,,甲,,2021-03-31,9992\n9992,,乙,,2022-03-31,9991\n")
    assert banks.successor("9991", date(2023, 1, 1)) is None


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("999,,桁不足,,,", ": 2: 999,,桁不足,,,"),
        ("9991,01,桁不足,,,", ": 2"),
        ("9991,,日付,2026/04/01,,", ": 2"),
        ("9991,,逆,2026-04-02,2026-04-01,", ": 2"),
        ("9991,,承継先,,2026-04-01,999", ": 2"),
        ("9991,001,承継先,,2026-04-01,9992", ": 2"),
        ("9991,,列不足,,", ": 2"),
        ('9991,,"引用符,,,', ": unexpected end of data"),
        ("9991,001,金融機関なし,,,", ": 9991-001: bank_code 9991"),
        ("", ": 2"),
    ],
)
def test_a_list_with_a_wrong_line_is_not_taken_and_the_line_is_named(tmp_path: Path, line: str, where: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        listed(tmp_path, f"{HEAD}\n{line}\n")
    assert caught.value.message.startswith(f"not a list of institutions: {INSTITUTIONS}{where}")
    assert INSTITUTIONS in caught.value.ja


def test_a_list_that_was_cut_off_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="institutions"):
        listed(tmp_path, BANKS[:-1])


def test_other_columns_or_another_encoding_are_not_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="bank_code,branch_code,name,valid_from,valid_to,successor_code"):
        listed(tmp_path, "bank,branch\n9991,\n")
    (tmp_path / INSTITUTIONS).write_bytes(BANKS.encode("cp932", "replace"))
    with pytest.raises(ConfigurationError, match="utf-8"):
        opened(tmp_path / INSTITUTIONS)


@pytest.mark.parametrize(
    "name",
    ["institutions_2026.csv", "institutions_2026-13-01_2026-12-31.csv", "institutions_2026-12-31_2020-04-01.csv"],
)
def test_a_list_that_does_not_say_its_days_is_not_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="YYYY-MM-DD"):
        listed(tmp_path, BANKS, name)
