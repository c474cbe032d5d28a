"""The adapter in docs/writing-an-adapter.md is one: the kit says so."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project_files import ROOT

from gateway.plugins import load_adapters
from gateway.ports import Adapter, Hints
from gateway.testing import check_adapter, write_expected

GUIDE = (ROOT / "docs" / "writing-an-adapter.md").read_text("utf-8")
NAME = "soroban_trial_csv"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Adapter]:
    path = tmp_path / f"{NAME}.py"
    path.write_text(block("python"), "utf-8")
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.adapter
    del sys.modules[NAME]


def test_the_example_conforms(example: Adapter, tmp_path: Path) -> None:
    for case, text in {"october": block("csv"), "no_month": "そろばん会計,株式会社みほん\n"}.items():
        folder = tmp_path / "golden" / case
        folder.mkdir(parents=True)
        (folder / "input.csv").write_bytes(text.encode("cp932"))
        (folder / "SOURCE.md").write_text("Made up for the guide.\n", "utf-8")
    write_expected(example, tmp_path / "golden")
    check_adapter(example, tmp_path / "golden", load_adapters().values())


def test_the_example_reads_what_the_guide_shows(example: Adapter) -> None:
    [october] = example.read(io.BytesIO(block("csv").encode("cp932")), Hints())
    lines = [(line["source_name"], line.get("credit_yen"), line.get("closing_yen")) for line in october.record.lines]
    assert lines == [("現金", 30_000, 140_000), ("買掛金", -5_000, 65_000)]
    assert (october.record.company_name, october.record.period_to.isoformat()) == ("株式会社みほん", "2025-10-31")
    assert str(october.place_of("/lines/1/credit_yen")) == "3行 4列"


def test_an_adapter_takes_no_more_than_sixty_lines_of_code() -> None:
    code = re.sub(r'^""".*?"""\n', "", block("python"), flags=re.DOTALL)
    assert len(code.strip().splitlines()) <= 60
    assert f'{NAME} = "gateway.adapters.{NAME}:adapter"' in block("toml")
