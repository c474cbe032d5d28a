"""Every adapter that is installed here does what every adapter must, on its own samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.plugins import load_adapters
from gateway.testing import check_adapter

ADAPTERS = load_adapters()
GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_installed_adapter_conforms(name: str) -> None:
    check_adapter(ADAPTERS[name], GOLDEN / name, ADAPTERS.values())


def test_there_are_no_samples_of_adapters_that_are_not_installed() -> None:
    assert sorted(folder.name for folder in GOLDEN.iterdir() if folder.name not in ADAPTERS) == []
