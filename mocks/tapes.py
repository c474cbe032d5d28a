"""Repayment tapes of a bank that does not exist: loans month by month, written in any layout, with faults on request.

Deterministic by seed. Bank 9991 and its guarantee numbers (``13-0000001``) are nobody's.
"""

from __future__ import annotations

import math
import random
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from gateway.formats.layouts import SEQUENCE, Cell, Field, Fixed, Layout, load_layouts

BANK, CORPORATION = "9991", "13"
MARCH = date(2026, 3, 31)

Row = dict[str, Any]
"""One canonical repayment_status record: yen as integers, dates as ISO text."""

_PREFIXES = ("サクラ", "ヒカリ", "ミドリ", "アサヒ", "フジミ", "コトブキ", "ヤマト", "ミナト")
_TRADES = ("ショウジ", "コウギョウ", "ショクヒン", "ケンセツ", "ウンユ", "セイサクジョ")
_HALF_WIDTH = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)} | {
    unicodedata.normalize("NFKC", chr(code) + mark): chr(code) + mark
    for code in range(0xFF66, 0xFF9E)
    for mark in "ﾞﾟ"
    if len(unicodedata.normalize("NFKC", chr(code) + mark)) == 1
}
_FIXED_TEXTS = {"種別コード": "91", "コード区分": "0", "作成日": "080405"}
_DATES = {"yyyymmdd": "%Y%m%d", "yyyy/mm/dd": "%Y/%m/%d", "yyyy-mm-dd": "%Y-%m-%d", "any": "%Y/%m/%d"}


def loan_book(seed: int, loans: int, as_of: date = MARCH, cgc_id: str = CORPORATION) -> list[Row]:
    """Where every loan of a seeded portfolio stands at a month's end; consecutive months follow from each other.

    85 % term loans repaid in equal parts, 15 % revolving; about 2 % are in arrears. The same loan has the same
    place in every month.
    """
    draw = random.Random(seed)
    months = (as_of.year - 2026) * 12 + as_of.month - 3
    return [_loan(draw, number, months, as_of, cgc_id) for number in range(1, loans + 1)]


def _loan(draw: random.Random, number: int, months: int, as_of: date, cgc_id: str) -> Row:
    principal = max(10, min(800, round(math.exp(draw.gauss(16.0, 0.8)) / 100_000))) * 100_000
    kind, trouble, drawn, behind = draw.random(), draw.random(), draw.randrange(10), draw.randrange(1, 12)
    term = draw.choice((60, 84, 120))
    parts_paid = draw.randrange(12, term // 2)
    part = -(-principal // term // 1_000) * 1_000
    late = behind + months if trouble < 0.02 else 0
    row: Row = {
        "cgc_id": cgc_id,
        "bank_code": BANK,
        "branch_code": f"{draw.randrange(1, 60):03d}",
        "guarantee_no": f"{cgc_id}-{number:07d}",
        "fi_loan_no": f"L{number:09d}",
        "company_name": f"{draw.choice(_PREFIXES)}{draw.choice(_TRADES)}{number}",
        "coverage_mode": "full_tape",
        "as_of": as_of.isoformat(),
        "principal_yen": principal,
        "is_revolving": kind > 0.85,
        "has_proper_loan": kind < 0.4,
        "months_in_arrears": 0,
        "principal_overdue_yen": 0,
        "interest_overdue_yen": 0,
        "status": "performing",
        "unit": "yen",
        "rounding": "none",
        "correction": "original",
    }
    if row["is_revolving"]:
        balance, paid = principal * drawn // 10, 0
    elif late > 0:
        balance, paid = principal - part * (parts_paid - behind), 0
        row |= _arrears(as_of, late, part)
    else:
        balance = max(0, principal - part * (parts_paid + months))
        paid = max(0, principal - part * (parts_paid + months - 1)) - balance
        row["status"] = "performing" if balance else "paid_off"
    row |= {"balance_yen": balance, "principal_paid_yen": paid, "interest_paid_yen": balance // 800}
    if row["status"] != "paid_off":
        row |= {"next_due_on": _shifted(as_of, 1).isoformat(), "scheduled_amount_yen": part}
    if row["status"] == "performing":
        row["last_paid_on"] = _shifted(as_of, 0).isoformat()
    return row


def _arrears(as_of: date, months: int, part: int) -> Row:
    return {
        "status": "arrears",
        "months_in_arrears": months,
        "arrears_since": _shifted(as_of, -months).isoformat(),
        "principal_overdue_yen": part * months,
        "interest_overdue_yen": part * months // 50,
    }


def _shifted(day: date, months: int) -> date:
    """The instalment day (27th) so many months away."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 27)


def write_tape(layout_id: str, rows: Sequence[Row], sequence: int, folders: tuple[str, ...] = ()) -> bytes:
    """Canonical rows as a file of one bank for one date, in a packaged layout or one of further folders."""
    layout = _layout(layout_id, folders)
    return _written(layout, rows, [_record_of(layout, _cells(layout, row)) for row in rows], sequence)


def first_line(layout_id: str) -> int:
    """The line of the first data record of a tape in this layout."""
    layout = _layout(layout_id, ())
    return 1 + (layout.header is not None) + (not isinstance(layout.form, Fixed) and layout.form.labels)


def _layout(layout_id: str, folders: tuple[str, ...]) -> Layout:
    return next(layout for layout in load_layouts(folders) if layout.id == layout_id)


def _cells(layout: Layout, row: Row) -> dict[str, str]:
    """The text of every field of a data record, by its label."""
    leading = {layout.data.fields[0].name: layout.data.leading or ""}
    return {field.name: _text(layout, field, row.get(field.to or "")) for field in layout.data.fields} | leading


def _text(layout: Layout, field: Field, value: Any) -> str:
    if value is None:
        return _FIXED_TEXTS.get(field.name, "")
    if field.codes is not None:
        return next(code for code, meaning in field.codes.items() if meaning == value)
    if field.type == "amount":
        return str(value // layout.unit.yen)
    if field.type == "timestamp":
        return datetime.fromisoformat(value).astimezone(ZoneInfo("Asia/Tokyo")).strftime("%Y%m%d%H%M%S")
    if field.type == "date":
        return _date_text(field, date.fromisoformat(value))
    return "".join(_HALF_WIDTH.get(letter, letter) for letter in value) if field.type == "kana" else str(value)


def _date_text(field: Field, day: date) -> str:
    if field.format != "era_yymmdd":
        return day.strftime(_DATES[field.format])
    return f"{day.year - (2018 if day >= date(2019, 5, 1) else 1988):02d}{day:%m%d}"


def _written(layout: Layout, rows: Sequence[Row], records: Sequence[bytes], sequence: int) -> bytes:
    return b"".join([*_opening(layout, rows[0], sequence), *records, *_closing(layout, rows)])


def _opening(layout: Layout, row: Row, sequence: int) -> Iterator[bytes]:
    if layout.header:
        said = {**row, SEQUENCE: sequence}
        texts = [(field, _text(layout, field, said.get(field.to or ""))) for field in layout.header.fields]
        yield _record(layout, layout.header.leading or "", texts)
    if not isinstance(layout.form, Fixed) and layout.form.labels:
        yield _line(layout, [field.name for field in layout.data.fields])


def _record_of(layout: Layout, cells: dict[str, str]) -> bytes:
    if isinstance(layout.form, Fixed):
        return _record(layout, layout.data.leading or "", [(field, cells[field.name]) for field in layout.data.fields])
    return _line(layout, list(cells.values()))


def _closing(layout: Layout, rows: Sequence[Row]) -> Iterator[bytes]:
    if layout.trailer:
        figures: list[tuple[Cell, str]] = []
        for total in layout.trailer.totals:
            summed = sum(row.get(total.of) or 0 for row in rows) // layout.unit.yen if total.of else len(rows)
            figures.append((total, str(summed)))
        yield _record(layout, layout.trailer.leading, figures)
    if layout.end:
        yield _record(layout, layout.end.leading, [])


def _record(layout: Layout, leading: str, texts: Sequence[tuple[Cell, str]]) -> bytes:
    if not isinstance(layout.form, Fixed):
        return _line(layout, [leading, *(text for _, text in texts)])
    record = bytearray(b" " * layout.form.length)
    for cell, text in texts:
        start, length = (cell.at or 1) - 1, cell.length or 0
        number = text.lstrip("-").isdigit() and getattr(cell, "type", "amount") in ("amount", "integer")
        raw = (text.zfill(length) if number else text).encode(layout.encoding)
        record[start : start + length] = raw[:length].ljust(length)
    record[: len(leading)] = leading.encode()
    return bytes(record) + (b"\r\n" if layout.form.separator == "line" else b"")


def _line(layout: Layout, texts: Sequence[str]) -> bytes:
    delimiter = "," if isinstance(layout.form, Fixed) else layout.form.delimiter
    quoted = (f'"{text}"' if delimiter in text else text for text in texts)
    return delimiter.join(quoted).encode(layout.encoding) + b"\r\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a bank's row goes wrong, and the code it is found by.

    Attributes:
        row: changes the canonical row, given the row before it in the file.
        cells: changes texts, by label; ``raw`` changes the written bytes.
        plain: only a performing term loan shows it; ``history``: only beside last month's tape.
    """

    code: str
    refuses: bool
    row: Callable[[Row, Row], Row] = lambda row, before: row
    cells: Callable[[Layout], dict[str, str]] = lambda layout: {}
    raw: Callable[[bytes], bytes] = lambda raw: raw
    plain: bool = True
    history: bool = False


def _with(**values: Any) -> Callable[[Row, Row], Row]:
    return lambda row, before: row | values


def _cell_of(column: str, text: str) -> Callable[[Layout], dict[str, str]]:
    return lambda layout: {layout.wanted[column].name: text}


def _day(row: Row, days: int) -> str:
    return (date.fromisoformat(row["as_of"]) + timedelta(days=days)).isoformat()


def _late(months: int, days: int) -> Callable[[Row, Row], Row]:
    return lambda row, before: (
        row
        | {
            "status": "arrears",
            "months_in_arrears": months,
            "arrears_since": _day(row, -days),
            "last_paid_on": None,
        }
    )


FAULTS: tuple[Fault, ...] = (
    Fault("R01", True, cells=_cell_of("balance_yen", "12O000"), plain=False),
    Fault("R01", True, cells=_cell_of("last_paid_on", "2613ZZ"), plain=False),
    Fault("R01", True, cells=_cell_of("status", "88"), plain=False),
    Fault("R01", True, cells=_cell_of("branch_code", "1O1"), plain=False),
    Fault("R01", True, cells=_cell_of("company_name", "＠"), raw=lambda raw: raw.replace(b"\x81\x97", b"\x81 ")),
    Fault("R01", True, raw=lambda raw: raw[:2] + b"," + raw[2:], plain=False),
    Fault("R03", True, cells=_cell_of("guarantee_no", ""), plain=False),
    Fault("R04", True, row=lambda row, before: row | {name: before[name] for name in ("guarantee_no", "fi_loan_no")}),
    Fault("V10", True, row=_with(balance_yen=-1_000)),
    Fault("V10P", True, row=lambda row, before: row | {"principal_yen": row["balance_yen"] - 1_000}),
    Fault("V13", False, row=_with(status="paid_off")),
    Fault("V14", False, row=lambda row, before: row | {"last_paid_on": _day(row, 3)}),
    Fault("V14N", False, row=lambda row, before: row | {"next_due_on": _day(row, -10)}),
    Fault("V15", False, row=_late(months=5, days=40)),
    Fault("V60", False, row=_with(status="cancelled")),
    Fault("V61", False, row=_late(months=0, days=3)),
    Fault("V62", False, row=_with(months_in_arrears=2)),
    Fault(
        "V63",
        False,
        row=lambda row, before: (
            row
            | {
                "status": "paid_off",
                "balance_yen": 0,
                "principal_paid_yen": row["principal_paid_yen"] + row["balance_yen"],
                "interest_overdue_yen": 3_000,
            }
        ),
    ),
    Fault(
        "V11",
        False,
        row=lambda row, before: (
            row | {"balance_yen": row["balance_yen"] + row["principal_paid_yen"] + 1_000, "principal_paid_yen": None}
        ),
        history=True,
    ),
    Fault(
        "V12",
        False,
        row=lambda row, before: row | {"principal_paid_yen": row["principal_paid_yen"] + 7},
        history=True,
    ),
)
"""Every cell error and every row rule that one bank's tape can break."""


class Sending(NamedTuple):
    """In which layout, and as which file of its feed, a tape is sent."""

    layout_id: str = "guarantee_csv"
    sequence: int = 1


FIRST = Sending()


class FaultyTape(NamedTuple):
    """A tape with faults and the same tape without: line by line the same loans.

    Attributes:
        expected: (line, code) of every fault, by line.
        rows: the clean rows; the one on line n is ``rows[n - first_line(layout_id)]``.
    """

    faulty: bytes
    clean: bytes
    expected: list[tuple[int, str]]
    rows: list[Row]


def faulty_tape(
    seed: int, rows: list[Row], fault_rate: float, codes: Collection[str] | None = None, sending: Sending = FIRST
) -> FaultyTape:
    """A tape in which a share of the rows is wrong, every kind of fault equally often where the loans allow it.

    Args:
        seed: which rows are wrong, and how.
        rows: a clean portfolio, for example ``loan_book(1, 10_000)``.
        fault_rate: share of wrong rows, 0 to 1.
        codes: only these faults; by default all that show without last month's tape.
        sending: layout and sequence number.
    """
    layout = _layout(sending.layout_id, ())
    faults = [fault for fault in FAULTS if (fault.code in codes if codes is not None else not fault.history)]
    clean = [_record_of(layout, _cells(layout, row)) for row in rows]
    chosen = random.Random(seed).sample(range(1, len(rows)), min(len(rows) - 1, round(len(rows) * fault_rate)))
    wrong, records, expected, used = list(rows), list(clean), [], dict.fromkeys(faults, 0)
    for index in sorted(chosen):
        before = rows[index - 1] if records[index - 1] is clean[index - 1] else None
        fitting = [fault for fault in faults if _shows(fault, rows[index], before)]
        if not fitting:
            continue
        fault = min(fitting, key=used.__getitem__)
        used[fault] += 1
        wrong[index] = fault.row(rows[index], before or {})
        records[index] = fault.raw(_record_of(layout, _cells(layout, wrong[index]) | fault.cells(layout)))
        expected.append((first_line(sending.layout_id) + index, fault.code))
    faulty = _written(layout, wrong, records, sending.sequence)
    return FaultyTape(faulty, _written(layout, rows, clean, sending.sequence), expected, rows)


def _shows(fault: Fault, row: Row, before: Row | None) -> bool:
    """Whether this row can be wrong in this way, and in no other way at once."""
    plain = row["status"] == "performing" and not row["is_revolving"]
    return (plain or not fault.plain) and (before is not None or fault.code != "R04")
