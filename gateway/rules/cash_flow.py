"""Rules over one 資金繰り表: its sums, its chain of months, and the month in which cash runs out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from gateway.formats.money import Interval, interval
from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records.cash_flow_table import CashFlowTable, CashMonth
from gateway.schemas.records.header import MissingReason
from gateway.schemas.records.parts import Part

KIND = "cash_flow_table"
_SECTIONS = ("operating", "investing", "financing")
_PAID_OUT = frozenset({"equipment_out_yen", "repayment_guaranteed_yen", "repayment_proper_yen", "dividends_yen"})
_ZERO = Interval(0, 0)


class _Month:
    """One month of a table, its figures as what they may have been rounded from."""

    def __init__(self, table: CashFlowTable, at: int) -> None:
        self.table, self.at, self.month = table, at, table.months[at]

    def stated(self, name: str) -> Interval | None:
        """A figure of the month as printed."""
        figure: int | None = getattr(self.month, name)
        return None if figure is None else interval(figure, self.table.unit, self.table.rounding)

    def total(self, name: str, section: str) -> Interval | None:
        """A printed total, or the sum of its parts where none is printed."""
        return self.stated(name) or self.sum_of(section)

    def sum_of(self, section: str) -> Interval | None:
        """The sum of a section's parts; None unless each is stated, or said not to apply."""
        part: Part = getattr(self.month, section)
        spans = []
        for name in type(part).model_fields:
            figure: int | None = getattr(part, name)
            if figure is None:
                if not self._does_not_apply(f"{section}/{name}"):
                    return None
                continue
            span = interval(figure, self.table.unit, self.table.rounding)
            spans.append(-span if name in _PAID_OUT else span)
        return Interval.sum_of(spans)

    def net(self, section: str) -> Interval | None:
        """The net of a section as printed, or else as its parts have it."""
        return self.stated(f"{section}_net_yen") or self.computed_net(section)

    def computed_net(self, section: str) -> Interval | None:
        """The net of a section by what it is made of."""
        if section != "operating":
            return self.sum_of(section)
        came_in = self.total("operating_in_total_yen", "operating_in")
        went_out = self.total("operating_out_total_yen", "operating_out")
        return None if came_in is None or went_out is None else came_in - went_out

    def pointer(self, name: str) -> str:
        """Where a figure of the month stands in the record."""
        return f"/months/{self.at}/{name}"

    def _does_not_apply(self, path: str) -> bool:
        return self.table.missing.get(self.pointer(path)) is MissingReason.NOT_APPLICABLE


def _months(table: CashFlowTable) -> list[_Month]:
    return [_Month(table, at) for at in range(len(table.months))]


@document_rule(
    "C03",
    KIND,
    Severity.WARN,
    Words(
        ja="{month} の {total} が内訳の合計（{computed:,} 円）と合いません（記載 {stated:,} 円）。",
        en="{total} of {month} is not the sum of its parts ({computed:,} yen); stated are {stated:,}.",
        remedy_ja="内訳と合計を確認してください。内訳のない項目は「該当なし」としてください。",
        remedy_en="Check parts and total; say of a part that there is none that it does not apply.",
    ),
    "domain note 5.4",
)
def totals_are_those_of_their_parts(table: CashFlowTable) -> Iterator[Hit]:
    """A total or net of a month is that of its parts, where all of them are known.

    *Because* a line that was inserted below the sum is in no total, and the month looks better than it is.
    *Accepts* totals without parts; parts of which one is not stated; differences that rounding explains.
    *Finds* 経常収入 3,000千円 with 現金売上 1,000千円 and 売掛金回収 1,500千円, the rest said not to apply.
    *Remedy* correct the total or the parts.
    *Source* domain note 5.4.
    """
    for month in _months(table):
        for name, computed in _computed(month).items():
            stated = month.stated(name)
            if stated is not None and computed is not None and not stated.meets(computed):
                shown: dict[str, str | int] = {
                    "month": month.month.month,
                    "total": f"{KIND}.{name}",
                    "computed": computed.middle,
                }
                yield Hit(month.pointer(name), shown | {"stated": getattr(month.month, name)})


def _computed(month: _Month) -> Mapping[str, Interval | None]:
    totals = {f"operating_{way}_total_yen": month.sum_of(f"operating_{way}") for way in ("in", "out")}
    return totals | {f"{section}_net_yen": month.computed_net(section) for section in _SECTIONS}


@document_rule(
    "C04",
    KIND,
    Severity.WARN,
    Words(
        ja="{month} の月末残高（記載 {stated:,} 円）が、前月繰越と収支からの計算（{computed:,} 円）と合いません。",
        en="Cash at the end of {month} ({stated:,} yen) is not what opening cash and the nets give ({computed:,}).",
        remedy_ja="前月繰越、経常収支、設備等、財務収支を確認してください。",
        remedy_en="Check opening cash and the three nets.",
    ),
    "domain note 5.4",
)
def cash_at_the_end_follows_from_the_month(table: CashFlowTable) -> Iterator[Hit]:
    """Closing cash is opening cash with the operating, investing and financing net of the month.

    *Because* what does not add up was copied from several tables, and the shortage it shows may be none.
    *Accepts* 1,000 + 200 + 0 - 300 = 900 千円; differences that rounding explains; months with a net that is not known.
    *Finds* the same with 1,000 at the end.
    *Remedy* correct the figure that is wrong.
    *Source* domain note 5.4.
    """
    for month in _months(table):
        opening, closing = month.stated("opening_cash_yen"), month.stated("closing_cash_yen")
        nets = [net for section in _SECTIONS if (net := month.net(section)) is not None]
        if opening is None or closing is None or len(nets) < len(_SECTIONS):
            continue
        computed = Interval.sum_of([opening, *nets])
        if not computed.meets(closing):
            shown: dict[str, str | int] = {"month": month.month.month, "computed": computed.middle}
            yield Hit(month.pointer("closing_cash_yen"), shown | {"stated": month.month.closing_cash_yen or 0})


@document_rule(
    "C05",
    KIND,
    Severity.WARN,
    Words(
        ja="{month} の前月繰越（{opening:,} 円）が、前月の月末残高（{closing:,} 円）と合いません。",
        en="Opening cash of {month} ({opening:,} yen) is not the closing cash of the month before ({closing:,}).",
        remedy_ja="前月の月末残高を翌月に繰り越してください。実績に直した月があれば、その後の月も直してください。",
        remedy_en="Carry closing cash over; after a month was replaced by actual figures, the following ones too.",
    ),
    "domain note 5.4",
)
def opening_cash_is_what_was_left(table: CashFlowTable) -> Iterator[Hit]:
    """A month opens with what the month before closed with.

    *Because* actual figures are typed over forecasts without carrying them on.
    *Accepts* a chain of equal figures; a gap between months (C06 says so); a figure that is not stated.
    *Finds* 4月 closing with 1,200千円, 5月 opening with 1,000千円.
    *Remedy* carry it over.
    *Source* domain note 5.4.
    """
    for before, month in pairwise(_months(table)):
        closing, opening = before.stated("closing_cash_yen"), month.stated("opening_cash_yen")
        if closing is None or opening is None or not _follows(before.month, month.month):
            continue
        if not closing.meets(opening):
            shown: dict[str, str | int] = {"month": month.month.month, "closing": before.month.closing_cash_yen or 0}
            yield Hit(month.pointer("opening_cash_yen"), shown | {"opening": month.month.opening_cash_yen or 0})


@document_rule(
    "C06",
    KIND,
    Severity.WARN,
    Words(
        ja="月の並びが正しくありません（{before} の次が {month}：{basis}）。",
        en="Months are out of order: {month} ({basis}) comes after {before}.",
        remedy_ja="月は古い順に1か月ずつ、実績の月を予定の月より前に並べてください。",
        remedy_en="One month after the other, the oldest first, actual ones before forecasts.",
    ),
    "domain note 5.4",
)
def months_follow_one_another(table: CashFlowTable) -> Iterator[Hit]:
    """Months follow one another without a gap, and no actual month comes after a forecast.

    *Because* a missing or doubled month breaks the chain of cash unseen.
    *Accepts* 2026-03 実績, 2026-04 実績, 2026-05 予定.
    *Finds* 2026-03 and then 2026-05; 2026-05 予定 and then 2026-06 実績.
    *Remedy* put them in order, and fill the gap.
    *Source* domain note 5.4.
    """
    for before, month in pairwise(_months(table)):
        is_late = month.month.basis == "actual" and before.month.basis == "forecast"
        if is_late or not _follows(before.month, month.month):
            shown = {
                "before": before.month.month,
                "month": month.month.month,
                "basis": f"{KIND}.basis.{month.month.basis}",
            }
            yield Hit(month.pointer("month"), shown)


@document_rule(
    "C07",
    KIND,
    Severity.INFO,
    Words(
        ja="{month} に資金が不足する見込みです（月末残高 {closing:,} 円、同月の経常支出 {spent:,} 円）。",
        en="Cash is expected to run short in {month}: {closing:,} yen at its end, {spent:,} going out in it.",
        remedy_ja="提出はこのままで結構です。早めに金融機関・協会へご相談ください。",
        remedy_en="Nothing needs to be corrected; talk to the bank or the corporation early.",
    ),
    "domain note 5.4",
)
def expected_cash_lasts_a_month(table: CashFlowTable) -> Iterator[Hit]:
    """The first expected month at whose end cash is below zero, or below what goes out in a month.

    *Because* this is the one thing a cash-flow table is made to show, and it is seen months before arrears.
    *Accepts* more than one month's outlay at the end of every expected month; actual months, whatever they show.
    *Finds* 8月 closing with 800千円 and 経常支出 of 1,100千円 (the first such month only).
    *Remedy* none is needed; whoever reads it acts early.
    *Source* domain note 5.4, minimum signal.
    """
    for month in _months(table):
        closing = month.stated("closing_cash_yen")
        if month.month.basis != "forecast" or closing is None:
            continue
        spent = month.total("operating_out_total_yen", "operating_out") or _ZERO
        if closing.high < max(spent.low, 0):
            shown: dict[str, str | int] = {
                "month": month.month.month,
                "closing": month.month.closing_cash_yen or 0,
                "spent": spent.middle,
            }
            yield Hit(month.pointer("closing_cash_yen"), shown)
            return


def _follows(before: CashMonth, month: CashMonth) -> bool:
    return _ordinal(month.month) == _ordinal(before.month) + 1


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])
