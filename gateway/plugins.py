"""Adapters are plug-ins: any installed package may bring one under the entry-point group ``gateway.adapters``."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from gateway.errors import ConfigurationError
from gateway.ports import Adapter

GROUP = "gateway.adapters"


def load_adapters() -> dict[str, Adapter]:
    """Every installed adapter by name, in order of name.

    Raises:
        ConfigurationError: one cannot be loaded, calls itself otherwise than its entry point, or is there twice.
    """
    adapters: dict[str, Adapter] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in adapters:
            raise ConfigurationError(f"two installed packages bring an adapter named '{point.name}'")
        adapters[point.name] = _load(point)
    return adapters


def _load(point: EntryPoint) -> Adapter:
    try:
        adapter: Adapter = point.load()
    except (ImportError, AttributeError, SyntaxError) as broken:
        raise ConfigurationError(f"adapter '{point.name}' ({point.value}) cannot be loaded: {broken}") from broken
    if getattr(adapter, "name", None) != point.name:
        raise ConfigurationError(f"adapter '{point.name}' ({point.value}) does not bear that name")
    return adapter
