"""Trial balances of any program: labels that are known, a question where they do not suffice, an answer that stays."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
import yaml
from exported import amounts, back, books, found, read

from gateway.adapters.mapped_tb_csv import adapter
from gateway.errors import ConfigurationError, Unreadable
from gateway.formats.accounts import normalised_lines
from gateway.formats.column_maps import ColumnMap, load_column_maps
from gateway.ports import Hints
from gateway.schemas.observed import ObservedDocument, Unplaced
from gateway.schemas.place import Place

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "mapped_tb_csv"
ANSWERED = Hints(column_maps=(str(Path(__file__).parent / "column_maps"),))


def sample(case: str) -> bytes:
    return (GOLDEN / case / "input.csv").read_bytes()


def asked(raw: bytes, hints: Hints = Hints()) -> Unreadable:  # noqa: B008 - frozen
    with pytest.raises(Unreadable) as question:
        read(adapter, raw, hints)
    return question.value


def test_a_consistent_trial_balance_has_no_findings_and_counts_each_account_once() -> None:
    assert [one.code for one in found(adapter, sample("bugyo_labels"))] == []
    [record] = books(adapter, sample("bugyo_labels"))
    assert list(amounts(record)) == ["現金", "普通預金", "売掛金", "買掛金", "資本金", "繰越利益剰余金"]
    assert normalised_lines(record)[1]["closing_yen"]["source"] == 330 + 5400 + 2300 + 1810 + 3000 + 3220
    assert record.columns["section"] == ("流動資産",) * 2 + (None, "流動資産") + (None,) * 8


def test_sub_accounts_beside_their_account_are_not_counted_and_those_without_it_are() -> None:
    [record] = books(adapter, sample("jobcan_thousands_sub_accounts"))
    assert [line["source_name"] for line in record.lines] == ["現金", "普通預金", "売掛金", "売上高", "売上総利益"]
    assert amounts(record)["普通預金"] == (5_000_000, 2_200_000, 1_800_000, 5_400_000)
    assert (record.tax_method, record.unit, record.statements) == ("inclusive", "thousand", ("BS", "PL"))


def test_departments_are_records_of_their_own_and_go_back_by_themselves() -> None:
    whole, tokyo = books(adapter, sample("tabs_departments"))
    assert (whole.department, tokyo.department) == (None, "東京")
    assert amounts(tokyo)["仮払金"] == (None, None, None, -5)
    assert {pointer: str(why) for pointer, why in tokyo.missing.items()} == {"/lines/1/debit_yen": "masked"}
    assert books(adapter, back(adapter, sample("tabs_departments"), 1)) == [tokyo]


def test_an_unknown_column_beside_all_that_is_needed_is_told_and_the_name_of_the_file_dates_it() -> None:
    hints = Hints(filename="試算表_2025-06.csv")
    assert [one.code for one in found(adapter, sample("drifted"), hints)] == ["R02"]
    [record] = books(adapter, sample("drifted"), hints)
    assert (record.period_from, record.period_to) == (date(2025, 6, 1), date(2025, 6, 30))


def test_labels_that_do_not_suffice_are_asked_once_and_the_answer_is_used_from_then_on(tmp_path: Path) -> None:
    raw, answers = sample("unreadable_question"), Hints(column_maps=(str(tmp_path / "column_maps"),))
    question = asked(raw, answers)
    assert question.place == Place(line=2)
    assert all(name in text for name in ("繰越", "当月末") for text in (question.message, question.ja))
    proposed = question.message.partition("\n")[2]
    (tmp_path / "column_maps").mkdir()
    (tmp_path / "column_maps" / "mine.yaml").write_text(proposed, "utf-8")
    [record] = books(adapter, raw, answers)
    assert amounts(record) == {"現金": (100, 50, 20, 130), "売掛金": (200, 0, 50, 150)}
    assert ColumnMap.model_validate(yaml.safe_load(proposed)).columns["当月末"] == "closing_yen"


def test_a_learned_map_goes_before_what_is_known_and_names_the_program() -> None:
    [record] = books(adapter, sample("unreadable_question"), ANSWERED)
    assert (record.software, amounts(record)["現金"]) == ("みほん会計", (100, 50, 20, 130))


def test_an_answer_that_is_changed_counts_from_the_next_document_on(tmp_path: Path) -> None:
    answer = tmp_path / "mine.yaml"
    answer.write_text("id: mine\ntitle: 一\ncolumns: {科目: source_name, 残: closing_yen}\n", "utf-8")
    assert [one.title for one in load_column_maps([str(tmp_path)])] == ["一"]
    answer.write_text("id: mine\ntitle: 二\ncolumns: {科目: source_name, 残: closing_yen}\n", "utf-8")
    os.utime(answer, (1, 1))
    assert [one.title for one in load_column_maps([str(tmp_path)])] == ["二"]


@pytest.mark.parametrize(
    "answer",
    [
        "columns: [",
        "id: x\ntitle: t\ncolumns: {科目: source_name}\n",
        "id: x\ntitle: t\ncolumns: {a: opening_yen, b: no}\n",
    ],
)
def test_a_broken_answer_refuses_the_document_and_names_the_file(tmp_path: Path, answer: str) -> None:
    (tmp_path / "mine.yaml").write_text(answer, "utf-8")
    assert "mine.yaml" in asked(sample("bugyo_labels"), Hints(column_maps=(str(tmp_path),))).message
    with pytest.raises(ConfigurationError, match=r"mine\.yaml"):
        load_column_maps([str(tmp_path)])


def test_without_any_period_it_is_refused_and_not_dated_by_guess() -> None:
    [unplaced] = read(adapter, sample("no_period"))
    assert isinstance(unplaced, Unplaced)


def test_an_amount_without_an_account_is_not_lost_in_silence() -> None:
    raw = sample("bugyo_labels").replace("121,売掛金".encode("cp932"), b"121,")
    [name] = [one for one in found(adapter, raw) if one.code == "R03"]
    assert (name.severity, name.place) == ("refuse", Place(line=10, column=2))


def test_each_value_knows_its_cell() -> None:
    [observed] = read(adapter, sample("bugyo_labels"))
    assert isinstance(observed, ObservedDocument)
    assert observed.place_of("/lines/0/closing_yen") == Place(line=7, column=6)


def test_a_journal_is_none_of_it() -> None:
    assert not adapter.recognises("日付,勘定科目,借方,貸方,残高\n2025/4/1,現金,1,0,1\n".encode(), None)


def test_a_row_too_wide_for_a_trial_balance_is_no_row_of_labels() -> None:
    wide = "勘定科目,残高" + ",構成比" * 300
    assert not adapter.recognises(f"{wide}\n現金,1\n".encode(), None)
    assert "no table of accounts" in asked(f"{wide}\n".encode()).message


def test_an_unnamed_sum_stands_in_the_statement_of_what_it_sums() -> None:
    [record] = books(adapter, sample("bugyo_labels"))
    assert {line["source_name"]: line["statement"] for line in record.lines}["現金・預金計"] == "BS"
    slipped = sample("bugyo_labels").replace("流動資産計,7300".encode("cp932"), "流動資産計,7301".encode("cp932"))
    assert [one.params["account"] for one in found(adapter, slipped) if one.code == "V20"] == ["流動資産計"]


def test_departments_have_digests_of_their_own_whatever_the_order_of_their_rows() -> None:
    observed = list(read(adapter, sample("tabs_departments")))
    assert len({one.digest for one in observed}) == len(observed) == 2


def test_a_proposed_map_is_a_map_whatever_stands_in_the_labels() -> None:
    raw = "Ledger_Account_Name_In_Full,期末の残,%,'a: b\n現金,5,1,x\n".encode()
    columns = ColumnMap.model_validate(yaml.safe_load(asked(raw).message.partition("\n")[2])).columns
    assert columns == {
        "Ledger_Account_Name_In_Full": "source_name",
        "%": "ignored",
        "'a: b": "ignored",
        "期末の残": "closing_yen",
    }
