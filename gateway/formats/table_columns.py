"""Which row of an exported table holds its labels and which column is what: known, learned, or to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway.errors import ConfigurationError, Unreadable
from gateway.formats.column_maps import (
    AMOUNTS,
    NEEDED,
    ColumnMap,
    as_file,
    fitting,
    known_labels,
    label_key,
    labels_of,
    load_column_maps,
    proposal,
)
from gateway.formats.exports import Export, Row
from gateway.formats.identifiers import shown
from gateway.formats.money import parse_amount
from gateway.schemas.place import Place

HEADING_ROWS = 30
MOST_COLUMNS = 200
"""Of a row of labels; what is wider is no trial balance."""
LONGEST_LABEL = 60
MOST_SHOWN = 50


def columns_of(export: Export, folders: Iterable[str]) -> tuple[int, list[str | None], ColumnMap | None]:
    """Which row holds the labels, what each column is, and the learned map that says so, if one does.

    Raises:
        Unreadable: it has to be asked, or a learned map is broken.
    """
    try:
        maps = load_column_maps(folders)
    except ConfigurationError as broken:
        raise Unreadable(
            f"{broken.message}; whoever keeps this gateway must mend it.",
            ja=f"列の対応表に誤りがあります（{broken.message}）。ゲートウェイの管理者に連絡してください。",
        ) from broken
    for at, row in enumerate(export.rows[:HEADING_ROWS] if maps else ()):
        if len(row.cells) <= MOST_COLUMNS and (learned := fitting(maps, labels_of(row.cells))):
            return at, roles_of(row, learned), learned
    header = header_row(export.rows)
    if header is None:
        raise _question(export, _widest(export.rows))
    roles = roles_of(export.rows[header])
    if _is_in_doubt(export, header, roles):
        raise _question(export, header)
    return header, roles, None


def cell_of(row: Row, at: int | None) -> str:
    """The cell of a column; empty where the row ends before it, or there is no such column."""
    return row.cells[at] if at is not None and at < len(row.cells) else ""


def roles_of(row: Row, learned: ColumnMap | None = None) -> list[str | None]:
    """What each column is by its label, as a learned map says or as is known; None where nobody knows."""
    known: Mapping[str, str] = learned.by_key if learned else known_labels()
    labels = labels_of(row.cells) if learned else row.cells
    return [known.get(label_key(label)) if label else "ignored" for label in labels]


def header_row(rows: Sequence[Row]) -> int | None:
    """Which of the first rows holds the labels of a trial balance; None where none does."""
    for at, row in enumerate(rows[:HEADING_ROWS]):
        roles = roles_of(row) if len(row.cells) <= MOST_COLUMNS else []
        if "elsewhere" in roles:
            return None
        if "source_name" in roles and any(amount in roles for amount in AMOUNTS):
            return at
    return None


def _is_in_doubt(export: Export, header: int, roles: Sequence[str | None]) -> bool:
    """Whether labels do not say enough: a column is missing, is there twice, or may be an amount that is not known."""
    said = [role for role in roles if role and role != "ignored"]
    if len(said) != len(set(said)) or not set(said) >= NEEDED:
        return True
    wanted = set(AMOUNTS) - set(said)
    numeric = _amount_columns(export, header)
    return bool(wanted) and any(role is None and numeric[at] for at, role in enumerate(roles))


def _amount_columns(export: Export, header: int) -> list[bool]:
    """For each column whether the cells below its label are amounts, as far as they are filled."""
    columns = []
    for at in range(len(export.rows[header].cells)):
        filled = [cell for row in export.rows[header + 1 : header + 201] if (cell := cell_of(row, at))]
        columns.append(bool(filled) and 2 * sum(map(_is_amount, filled)) > len(filled))
    return columns


def _is_amount(text: str) -> bool:
    try:
        return parse_amount(text) is not None
    except ValueError:
        return False


def _widest(rows: Sequence[Row]) -> int:
    """The first of the rows with most cells filled: its labels, where nothing else tells."""
    counts = [len(row.cells) <= MOST_COLUMNS and sum(map(bool, row.cells)) for row in rows[:HEADING_ROWS]]
    return counts.index(max(counts)) if any(counts) else -1


def _question(export: Export, header: int) -> Unreadable:
    """The question to be answered once, with a map that only needs to be confirmed."""
    if header < 0:
        return Unreadable("It is no table of accounts.", ja="科目の表ではありません。", place=Place(line=1))
    row = export.rows[header]
    labels, roles = labels_of(row.cells), roles_of(row)
    said = [role for role in roles if role not in (None, "ignored")]
    sure = [None if role in (None, "elsewhere") or said.count(role) > 1 else role for role in roles]
    proposed = proposal(labels, sure, _amount_columns(export, header))
    unknown = [label for label, role in zip(labels, sure, strict=True) if label and role is None]
    names = "、".join(shown(label, 20) for label in unknown[:12]) or "—"
    suggested = as_file({shown(label, LONGEST_LABEL): role for label, role in list(proposed.items())[:MOST_SHOWN]})
    return Unreadable(
        f"Which column is what? Not known: {names}. Once the map below is confirmed or corrected and saved as "
        f"column_maps/NAME.yaml in the gateway's data folder, this layout is read without asking:\n{suggested}",
        ja=f"どの列が何を表すか分かりません（{names}）。次の対応表を確認・修正し、ゲートウェイのデータフォルダの "
        f"column_maps/名前.yaml に保存すると、以後この様式は自動で読み取ります:\n{suggested}",
        place=Place(line=row.line),
    )
