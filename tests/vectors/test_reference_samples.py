"""Lists as they are really published: a prefecture's corporate numbers, and the codes of a bank and its branches."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from sample_files import samples

from gateway.errors import ConfigurationError
from gateway.reference import corporations, institutions, nta_files
from gateway.reference.corporations import Closing

NUMBERS = ("03_reference_jp", "houjin-bangou", "31_tottori_test_20240329.csv")


def test_the_agencys_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "00_zenkoku_all_20240329.csv"
    path.write_bytes(samples(*NUMBERS).read_bytes())
    [state] = nta_files.apply([path], None)
    firms = corporations.opened(state.write(tmp_path))
    numbers = [line.split(",")[1] for line in path.read_text("utf-8").splitlines()]
    assert (firms.day, state.state.height) == (date(2024, 3, 29), len(set(numbers)))
    assert all(map(firms.is_listed, numbers))
    assert firms.find_closing("1280001002413") == Closing(date(2018, 1, 5), "01", None)
    assert firms.find_closing("1000013050238") is None


def test_a_prefectures_file_is_not_taken_for_the_whole_country() -> None:
    with pytest.raises(ConfigurationError, match="31_tottori_test"):
        list(nta_files.apply([samples(*NUMBERS)], None))


def test_a_published_list_of_codes_becomes_one_that_is_complete_for_its_day(tmp_path: Path) -> None:
    banks = json.loads(samples("03_reference_jp", "zengin-bank-codes", "banks.json").read_bytes())
    branches = json.loads(samples("03_reference_jp", "zengin-bank-codes", "branches-0001.json").read_bytes())
    rows = [f"{code},,{bank['name']},,," for code, bank in banks.items()]
    rows += [f"0001,{code},{branch['name']},,," for code, branch in branches.items()]
    path = tmp_path / "institutions_2026-05-25_2026-05-25.csv"
    path.write_text("\n".join([",".join(institutions.COLUMNS), *rows, ""]), "utf-8")
    listed, day = institutions.opened(path), date(2026, 5, 25)
    assert [listed.is_in_use(code, day) for code in ("0001", "0001001", "0001002", "9991")] == [
        True,
        True,
        False,
        False,
    ]
    assert (listed.knows_branches_of("0001"), listed.knows_branches_of("0005")) == (True, False)
    assert not listed.covers(date(2026, 5, 26))
