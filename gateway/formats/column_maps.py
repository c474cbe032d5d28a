"""Which column of a table is what: known labels as data, and maps that were learned by asking once.

A learned map is a YAML file in the data folder's ``column_maps/``, written by whoever can answer: the operator, or the
sender through him. It is read as soon as it is there::

    id: bugyo_tb
    title: 勘定奉行 残高試算表
    software: 勘定奉行                  # optional, as are unit and rounding
    columns:                           # label -> a field, or ignored; a label's second column is 残高#2
      科目コード: source_code
      科目名: source_name
      繰越: opening_yen
      残高: closing_yen
      前年比: ignored
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic import Field as Bounded

from gateway.errors import ConfigurationError
from gateway.formats.text import match_key
from gateway.schemas.records.header import Rounding, Unit

Role = Literal[
    "source_code",
    "source_name",
    "sub_account",
    "department",
    "statement",
    "opening_yen",
    "debit_yen",
    "credit_yen",
    "closing_yen",
    "ignored",
]
AMOUNTS: tuple[Role, ...] = ("opening_yen", "debit_yen", "credit_yen", "closing_yen")
NEEDED: frozenset[Role] = frozenset({"source_name", "closing_yen"})

_LIKELY = (("借", "debit_yen"), ("貸", "credit_yen"), ("首前繰", "opening_yen"), ("残末", "closing_yen"))
_UNIT = re.compile(r"[（(](?:千円|百万円|円)[)）]$")


class ColumnMap(BaseModel):
    """One program's labels, as they were learned.

    Attributes:
        columns: label -> what its column is; it fits a table that has all of these but the ignored.
        unit: of its amounts, where the file itself does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    software: Annotated[str, StringConstraints(max_length=200)] | None = None
    columns: dict[str, Role] = Bounded(min_length=2)
    unit: Unit | None = None
    rounding: Rounding | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> ColumnMap:
        roles = [role for role in self.columns.values() if role != "ignored"]
        if twice := sorted({role for role in roles if roles.count(role) > 1}):
            raise ValueError(f"two columns are {', '.join(twice)}")
        if absent := sorted(NEEDED - set(roles)):
            raise ValueError(f"no column is {', '.join(absent)}")
        return self

    @cached_property
    def by_key(self) -> dict[str, Role]:
        """Label as it is compared -> what its column is."""
        return {label_key(label): role for label, role in self.columns.items()}


def label_key(label: str) -> str:
    """A label as it is compared: without a unit behind it, in any width.

    >>> label_key("期末残高（千円）") == label_key("期末残高")
    True
    """
    return match_key(_UNIT.sub("", label.strip()))


def labels_of(cells: Sequence[str]) -> list[str]:
    """The labels of a row; one that was there before gets its number: 残高, 残高#2.

    >>> labels_of(["科目", "残高", "", "残高"])
    ['科目', '残高', '', '残高#2']
    """
    seen: dict[str, int] = {}
    labels = []
    for cell in cells:
        key = label_key(cell)
        seen[key] = seen.get(key, 0) + 1
        labels.append(f"{cell}#{seen[key]}" if key and seen[key] > 1 else cell)
    return labels


@cache
def known_labels() -> Mapping[str, str]:
    """Label as it is compared -> a role, or ``elsewhere`` where it belongs to another kind of table."""
    source = (files("gateway.schemas") / "data" / "columns" / "trial_balance.yaml").read_text("utf-8")
    content: dict[str, Any] = yaml.safe_load(source)
    roles = {**content["fields"], "ignored": content["ignored"], "elsewhere": content["elsewhere"]}
    return {label_key(label): role for role, labels in roles.items() for label in labels}


def load_column_maps(folders: Iterable[str]) -> tuple[ColumnMap, ...]:
    """The learned maps of these folders (``*.yaml``, by name); a folder that is not there has none.

    A file is read again when it changed, so that an answer counts from the next document on.

    Raises:
        ConfigurationError: a file cannot be read or does not hold together.
    """
    paths = [path for folder in folders for path in sorted(Path(folder).glob("*.yaml"))]
    try:
        return tuple(_load(path, path.stat().st_mtime_ns) for path in paths)
    except OSError as trouble:
        raise ConfigurationError(f"a column map cannot be read: {trouble}") from trouble


@lru_cache(maxsize=256)
def _load(path: Path, changed: int) -> ColumnMap:
    try:
        return ColumnMap.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (UnicodeDecodeError, yaml.YAMLError) as trouble:
        raise ConfigurationError(f"column map {path.name} cannot be read: {trouble}") from trouble
    except ValidationError as trouble:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'map'}: {one['msg']}" for one in trouble.errors())
        raise ConfigurationError(f"column map {path.name}: {wrong}") from trouble


def fitting(maps: Iterable[ColumnMap], labels: Sequence[str]) -> ColumnMap | None:
    """The learned map whose labels are all there; of several the one that explains most."""
    keys = {label_key(label) for label in labels if label}
    fit = [one for one in maps if {key for key, role in one.by_key.items() if role != "ignored"} <= keys]
    return max(fit, key=lambda one: len(keys & one.by_key.keys()), default=None)


def proposal(labels: Sequence[str], roles: Sequence[str | None], is_amount: Sequence[bool]) -> dict[str, str]:
    """A map to be confirmed: what is known, and for each other column the likeliest of what is still wanted.

    Args:
        labels: of the columns.
        roles: what is known of each.
        is_amount: whether the column's cells are amounts.
    """
    proposed = {label: role for label, role in zip(labels, roles, strict=True) if label and role}
    for label, role, numeric in zip(labels, roles, is_amount, strict=True):
        if label and not role:
            guess = _likely(label) if numeric else None
            proposed[label] = guess if guess and guess not in proposed.values() else "ignored"
    first = is_amount.index(True) if any(is_amount) else len(labels)
    unused = [n for n, label in enumerate(labels) if proposed.get(label) == "ignored"]
    for wanted, free in (
        ("closing_yen", [n for n in unused if is_amount[n]]),
        ("source_name", [n for n in unused if n < first]),  # accounts stand before their amounts
    ):
        if wanted not in proposed.values():
            proposed |= {labels[n]: wanted for n in free[-1:]}
    return {label: proposed[label] for label in labels if label}


def as_file(columns: Mapping[str, str]) -> str:
    """A map as the file it is saved in, whatever stands in its labels.

    >>> print(as_file({"科目": "source_name", "%": "ignored"}))
    id: my_trial_balance
    title: 残高試算表
    columns:
      科目: source_name
      '%': ignored
    """
    content = {"id": "my_trial_balance", "title": "残高試算表", "columns": dict(columns)}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).rstrip()


def _likely(label: str) -> str | None:
    return next((role for signs, role in _LIKELY if any(sign in label for sign in signs)), None)
