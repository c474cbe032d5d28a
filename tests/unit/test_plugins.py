from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.plugins import load_adapters
from gateway.ports import Adapter

OURS = ["etax_hot010_csv", "freee_trial_json", "ledger_tb_csv", "native_json"]


def _install(folder: Path, name: str, target: str) -> None:
    """A package as an installer leaves it: its metadata on the path."""
    about = folder / f"brought_{name}-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: brought-{name}\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[gateway.adapters]\n{name} = {target}\n")


def test_our_own_adapters_are_loaded_by_name() -> None:
    adapters = load_adapters()
    assert [name for name in adapters if name in OURS] == OURS
    assert list(adapters) == sorted(adapters)
    assert all(adapter.name == name for name, adapter in adapters.items())


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("gone", "no_such_module:adapter", "adapter 'gone' .* cannot be loaded"),
        ("empty", "gateway.errors:adapter", "adapter 'empty' .* cannot be loaded"),
        ("other", "gateway.adapters.native_json:adapter", "adapter 'other' .* does not bear that name"),
        ("native_json", "gateway.adapters.native_json:adapter", "two installed packages bring .* 'native_json'"),
    ],
)
def test_a_broken_plug_in_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, target: str, message: str
) -> None:
    _install(tmp_path, name, target)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=message):
        load_adapters()


def test_an_adapter_of_another_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brought.py").write_text("class Adapter:\n    name = 'brought'\n\nadapter = Adapter()\n")
    _install(tmp_path, "brought", "brought:adapter")
    monkeypatch.syspath_prepend(str(tmp_path))
    found: dict[str, Adapter] = load_adapters()
    assert found["brought"].name == "brought"
