"""Lists of the operator's: what is read of the folder and when, and that the receipt names what judged."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Inside
from reference_lists import BANKS, INSTITUTIONS, NOBODY, compiled, entry, fill, published
from world import trial_balance

from gateway.errors import ConfigurationError
from gateway.reference.lists import NO_LISTS
from gateway.runtime.shelf import Shelf
from gateway.schemas.records.repayment_columns import KIND
from gateway.schemas.statement import Consulted, Statement

NEWER = "institutions_2020-04-01_2027-03-31.csv"
LOAN = {
    "kind": "repayment_status",
    "cgc_id": "13",
    "bank_code": "9991",
    "branch_code": "001",
    "guarantee_no": "13-0000001",
    "as_of": "2026-03-31",
    "balance_yen": 1_000_000,
    "status": "performing",
}


def names(shelf: Shelf) -> list[str]:
    return [one.source.name for one in (shelf.lists().institutions, shelf.lists().corporations) if one is not None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path)
    return tmp_path


def test_without_a_folder_there_is_no_list_and_nothing_to_tell() -> None:
    shelf = Shelf(None)
    shelf.look()
    assert (shelf.lists(), shelf.told()) == (NO_LISTS, "")
    with shelf.looking():
        pass


def test_a_folder_that_is_not_there_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="HAYAME_REFERENCE_DATA"):
        Shelf(tmp_path / "elsewhere")


def test_the_list_that_goes_furthest_is_read_and_a_newer_one_takes_its_place(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.look()
    assert names(shelf) == [INSTITUTIONS, "corporations_2026-11-24.numbers"]
    assert shelf.told() == f"reference data: {INSTITUTIONS}; corporations_2026-11-24.numbers\n"
    (folder / NEWER).write_text(BANKS, "utf-8")
    compiled(folder, published(folder, "diff_20261125.csv", [entry(NOBODY)]), kept=shelf.lists().corporations)
    shelf.look()
    assert names(shelf) == [NEWER, "corporations_2026-11-25.numbers"]


def test_what_has_not_changed_is_not_read_again(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.look()
    before = shelf.lists()
    shelf.look()
    assert shelf.lists().institutions is before.institutions
    assert shelf.lists().corporations is before.corporations


def test_a_file_that_was_corrected_under_its_name_is_read_again(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.look()
    before = shelf.lists().institutions
    (folder / "new").write_text(BANKS.replace("9996", "9990"), "utf-8")
    (folder / "new").replace(folder / INSTITUTIONS)
    shelf.look()
    assert shelf.lists().institutions is not before


def test_a_broken_new_file_changes_nothing_and_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(folder)
    shelf.look()
    before = shelf.lists()
    (folder / NEWER).write_text(BANKS + "999,,", "utf-8")
    (folder / "corporations_2026-11-25.numbers").write_bytes(b"HAYAMECN")
    for _ in range(2):
        shelf.look()
    assert shelf.lists().institutions is before.institutions
    assert shelf.lists().corporations is before.corporations
    assert shelf.told().endswith(f"; not read: {NEWER}; not read: corporations_2026-11-25.numbers\n")
    assert len(caplog.records) == 2  # once for each file, not at each look


def test_a_list_broken_in_its_place_leaves_the_one_that_was_read(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.look()
    before = shelf.lists().institutions
    (folder / INSTITUTIONS).write_text("?", "utf-8")
    shelf.look()
    assert shelf.lists().institutions is before
    (folder / INSTITUTIONS).write_text(BANKS, "utf-8")
    shelf.look()
    assert shelf.lists().institutions is not before
    assert "not read" not in shelf.told()


def test_at_the_start_an_older_list_serves_where_the_newest_is_broken(folder: Path) -> None:
    (folder / NEWER).write_text("?", "utf-8")
    shelf = Shelf(folder)
    shelf.look()
    assert names(shelf)[0] == INSTITUTIONS


def test_a_list_that_is_taken_away_is_gone(folder: Path) -> None:
    shelf = Shelf(folder)
    shelf.look()
    (folder / INSTITUTIONS).unlink()
    shelf.look()
    assert names(shelf) == ["corporations_2026-11-24.numbers"]
    for file in folder.iterdir():
        file.unlink()
    shelf.look()
    assert (shelf.lists(), shelf.told()) == (NO_LISTS, "reference data: none\n")


def test_the_folder_is_looked_at_beside_the_requests(folder: Path) -> None:
    shelf = Shelf(folder)
    with shelf.looking():
        assert names(shelf) == [INSTITUTIONS, "corporations_2026-11-24.numbers"]  # before the first request
        assert "reference-data" in {thread.name for thread in threading.enumerate()}


@pytest.fixture(scope="module")
def lists_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fill(folder := tmp_path_factory.mktemp("lists"))
    return folder


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory, lists_folder: Path) -> Iterator[Inside]:
    inside = Inside(tmp_path_factory.mktemp("gateway"), reference_data=lists_folder)
    inside.register(range(50))
    inside.gateway.shelf.look()
    yield inside
    inside.close()


def outcome(inside: Inside, document: bytes, in_background: bool = False) -> Statement:
    """The statement about a document."""
    leaf, _ = inside.head()
    if in_background:
        inside.in_background(document)
        while inside.worker().work_once():
            pass
    else:
        inside.at_once(document)
    [statement] = inside.statements(leaf)
    return statement


def loans(*more: dict[str, object]) -> bytes:
    """Rows as JSON."""
    return json.dumps({"records": [LOAN | one for one in more]}).encode()


def consulted(folder: Path, pattern: str) -> tuple[Consulted, ...]:
    """The list, as a receipt names it."""
    [path] = folder.glob(pattern)
    return (Consulted(name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()),)


@pytest.mark.parametrize("in_background", [False, True])
def test_the_receipt_names_the_list_and_counts_the_rows_of_which_it_speaks(
    inside: Inside, lists_folder: Path, in_background: bool
) -> None:
    ours = len(inside.gateway.line.pack.row_rules(KIND, history=False))
    first = 20 if in_background else 1
    numbers = [{"guarantee_no": f"13-{first + at:07d}"} for at in range(3)]
    covered, later, before = numbers[0], numbers[1] | {"branch_code": "999"}, numbers[2] | {"as_of": "2020-03-31"}
    statement = outcome(inside, loans(covered, later, before), in_background)
    ran = statement.rules
    assert (ran.rules, ran.records, ran.evaluations) == (ours + 2, 3, 3 * ours + 2 * 2)
    assert ran.lists == consulted(lists_folder, "institutions_*.csv")
    assert (statement.counts.accepted, statement.findings_count) == (3, 1)


def test_a_receipt_about_other_days_names_no_list_and_counts_no_rule_more(inside: Inside) -> None:
    ours = len(inside.gateway.line.pack.row_rules(KIND, history=False))
    ran = outcome(inside, loans({"guarantee_no": "13-0000005", "as_of": "2020-03-31", "branch_code": "999"})).rules
    assert (ran.rules, ran.evaluations, ran.lists) == (ours, ours, None)
    assert "lists" not in ran.model_dump(exclude_none=True)


def test_a_document_is_looked_up_in_the_list_that_knows_of_firms(inside: Inside, lists_folder: Path) -> None:
    ours = len(inside.gateway.line.pack.document_rules("trial_balance"))
    statement = outcome(inside, trial_balance(7, 10))
    assert statement.rules.lists == consulted(lists_folder, "corporations_*.numbers")
    assert (statement.rules.rules, statement.findings_count) == (ours + 2, 2)  # nobody has the number, and so no firm
