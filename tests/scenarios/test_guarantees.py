"""A corporation imports its register of guarantees; what waited goes free, and reports are compared with it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result
from world import BANK, CORPORATION, OTHER_BANK, World, corporate_number, guarantee

from gateway.cli import app
from gateway.client import Refusal

HEADER = ("保証番号", "金融機関コード", "法人番号", "事業者名", "保証金額", "制度", "制度適用終了日", "備考")
AT = "/v1/recipients/13/guarantees"


def listed(folder: Path, rows: list[tuple[str, ...]], encoding: str = "cp932") -> Path:
    path = folder / "保証一覧.csv"
    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out).writerows([HEADER, *rows])
    return path


def row(number: int, institution: str = "9991", **more: str) -> tuple[str, ...]:
    cells = {"保証番号": guarantee(number), "金融機関コード": institution, "法人番号": corporate_number(number)}
    return tuple((cells | {"事業者名": f"㈱第{number}商店"} | more).get(name, "") for name in HEADER)


def bring(world: World, folder: Path, path: Path) -> Result:
    """Run the command as the corporation."""
    key = folder / "key.pem"
    if not key.exists():
        world.keys[CORPORATION].save(key)
    asked = [
        "guarantees",
        "import",
        path,
        "--recipient",
        13,
        "--url",
        world.base_url,
        "--as",
        CORPORATION,
        "--key",
        key,
    ]
    return CliRunner().invoke(app, list(map(str, asked)), catch_exceptions=False)


def report(*numbers: int, schemes: tuple[str, ...] = ("zero_zero",), bank: str = "9991", **more: Any) -> bytes:
    record = {
        "kind": "monitoring_report",
        "bank_code": bank,
        "guarantee_nos": [guarantee(number) for number in numbers],
        "scheme_families": list(schemes),
        "period_from": "2025-04-01",
        "period_to": "2025-09-30",
        "reported_on": "2025-10-20",
        "performance": {"sales_trend": "flat"},
        "cash": {"state": "normal"},
    }
    return json.dumps(record | more).encode()


def found(world: World, document: bytes, sender: str = BANK) -> list[dict[str, Any]]:
    """What V36 finds in a report."""
    outcome = world.client(sender).submit_and_wait(document, recipient="13")
    assert outcome.verdict in ("accepted", "accepted_with_findings")
    return [dict(one) for one in outcome.findings if one["code"] == "V36"]


def test_good_rows_are_registered_and_bad_ones_come_back_to_be_mended(world: World, tmp_path: Path) -> None:
    reader, bank = world.reader(), world.client(BANK)
    waiting = [bank.submit_and_wait(report(number), recipient="13") for number in (7_000, 7_001)]
    rows = [row(7_000), row(7_001, 保証金額="千円", 備考="=HYPERLINK(1)"), row(7_002, 法人番号="7000012050003")]
    said = bring(world, tmp_path, listed(tmp_path, rows))
    released = [line.submission for line in reader.fetch(wait=20)]
    back = tmp_path / "保証一覧.returned.csv"
    with back.open(encoding="cp932", newline="") as source:
        header, *returned = csv.reader(source)
    assert [one.verdict for one in waiting] == ["held", "held"]
    assert (said.exit_code, said.stdout) == (1, "登録 1 件、保留解除 1 件 / registered 1, released 1\n")
    assert "読み込まない列: 備考" in said.stderr
    assert len(released) == 1
    assert [one["submission"] for one in world.client(CORPORATION).held()] == [waiting[1].submission]
    assert header == [*HEADER, "理由 / reason"]
    assert returned == [
        [*rows[1][:-1], "'=HYPERLINK(1)", "5列「保証金額」: 円単位の金額ではありません / not an amount in yen"],
        [
            *rows[2],
            "3列「法人番号」: 法人番号（13桁）の検査用数字が合いません / its check digit does not hold",
        ],
    ]
    text = back.read_text("cp932").replace("千円", "5000").replace("7000012050003", corporate_number(7_002))
    back.write_text(text, "cp932", newline="")
    again = bring(world, tmp_path, back)
    assert (again.exit_code, again.stdout) == (0, "登録 2 件、保留解除 1 件 / registered 2, released 1\n")
    assert len(reader.fetch(wait=20)) == 1
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["保証一覧.csv", "保証一覧.returned.csv"]


def test_a_list_that_came_back_is_never_written_over(world: World, tmp_path: Path) -> None:
    path = listed(tmp_path, [row(7_010, institution="1")], "utf-8-sig")
    assert [bring(world, tmp_path, path).exit_code for _ in range(2)] == [1, 1]
    names = ["保証一覧.returned-2.csv", "保証一覧.returned.csv"]
    assert sorted(one.name for one in tmp_path.glob("*returned*")) == names


def test_a_report_under_a_scheme_that_was_over_is_found_when_it_comes(world: World, tmp_path: Path) -> None:
    over = row(7_020, 制度="ゼロゼロ融資", 制度適用終了日="R7.3.31")
    assert bring(world, tmp_path, listed(tmp_path, [over, row(7_021)])).exit_code == 0
    [one] = found(world, report(7_020))
    assert (one["severity"], one["field"]) == ("warn", "/scheme_families/0")
    assert (one["params"]["found"], one["params"]["guarantees"]) == ("zero_zero", guarantee(7_020))
    assert "有効ではありません" in one["message_ja"]
    earlier = report(7_020, period_from="2024-10-01", period_to="2025-03-31", reported_on="2025-04-20")
    assert found(world, earlier) == []
    assert found(world, report(7_020, 7_021)) == []  # of the second the register says no scheme
    reader = world.following()
    assert "V36" in reader.fetch()[-3].line["findings"]


def test_what_an_entry_leaves_out_is_not_known_any_more(world: World) -> None:
    clerk = world.client(CORPORATION)
    firm = {"scheme": "corporate_number", "value": corporate_number(7_030)}
    entry = {"guarantee_no": guarantee(7_030), "institution": "9991", "firm": firm, "name": "第7030商店"}
    clerk.post(AT, [entry | {"scheme_family": "founding", "guarantee_ratio_bp": 8_000, "has_proper_loan": False}])
    assert len(found(world, report(7_030))) == 1
    clerk.post(AT, [entry])
    assert found(world, report(7_030, observation="再報告")) == []


def test_nobody_learns_of_another_banks_guarantees_and_nonsense_is_refused(world: World) -> None:
    clerk = world.client(CORPORATION)
    firm = {"scheme": "corporate_number", "value": corporate_number(7_040)}
    entry = {"guarantee_no": guarantee(7_040), "institution": "9992", "firm": firm, "name": "第7040商店"}
    clerk.post(AT, [entry, entry | {"guarantee_no": guarantee(7_041), "institution": "9991", "scheme_family": "sn4"}])
    assert len(found(world, report(7_040, schemes=("sn4",), bank="9992"), OTHER_BANK)) == 0
    both = report(7_040, 7_041, schemes=("sn5",), bank="9992")
    assert found(world, both, OTHER_BANK) == []
    for wrong in ({"guarantee_ratio_bp": 10_001}, {"scheme_from": "2025-04-01", "scheme_until": "2025-03-31"}):
        with pytest.raises(Refusal) as refusal:
            clerk.post(AT, [entry | wrong])
        assert refusal.value.status == 400
