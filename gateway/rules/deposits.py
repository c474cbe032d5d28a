"""Rules over what a bank says of a month of a firm's deposits."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.formats.money import Interval, interval
from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records.account_activity import AccountActivity

KIND = "account_activity"


@document_rule(
    "C01",
    KIND,
    Severity.WARN,
    Words(
        ja="月中の最低残高（{minimum:,} 円）が {other}（{figure:,} 円）を上回っています。",
        en="The month's lowest balance ({minimum:,} yen) is above its {other} ({figure:,} yen).",
        remedy_ja="最低残高・平均残高・月末残高の欄を取り違えていないか確認してください。",
        remedy_en="Check whether lowest, average and final balance were mixed up.",
    ),
    "arithmetic",
)
def no_balance_is_below_the_lowest(activity: AccountActivity) -> Iterator[Hit]:
    """The lowest balance of a month is not above its average nor above the balance at its end.

    *Because* columns of a bank's extract are mixed up, and the lowest balance is what a shortage is told from.
    *Accepts* 最低 100万円, 平均 250万円, 月末 180万円; all equal; a rounded figure that may be the same.
    *Finds* 最低 300万円, 平均 250万円.
    *Remedy* correct the column.
    *Source* arithmetic: a mean, and any one of the days, is at least the minimum.
    """
    lowest = _span(activity, activity.minimum_yen)
    for name in ("average_yen", "end_yen"):
        figure = getattr(activity, name)
        other = _span(activity, figure)
        if lowest is not None and other is not None and lowest.low > other.high:
            yield Hit(
                "/minimum_yen", {"minimum": activity.minimum_yen or 0, "other": f"{KIND}.{name}", "figure": figure}
            )


@document_rule(
    "C02",
    KIND,
    Severity.WARN,
    Words(
        ja="月初残高と入金・出金から計算した月末残高（{computed:,} 円）が、記載の {stated:,} 円と合いません。",
        en="Opening balance, in and out give {computed:,} yen at the month's end, not {stated:,}.",
        remedy_ja="対象口座の範囲（月中の開設・解約を含む）と入出金の合計を確認してください。",
        remedy_en="Check which accounts are in it (opened or closed in the month too) and the totals.",
    ),
    "arithmetic",
)
def in_and_out_lead_from_opening_to_end(activity: AccountActivity) -> Iterator[Hit]:
    """What was there, and came in, less what went out, is what is there at the end.

    *Because* an account left out of one of the four figures makes inflows look like a loss of sales.
    *Accepts* 1,000千円 + 5,000千円 - 4,500千円 = 1,500千円; differences that rounding explains; any figure not stated.
    *Finds* the same with 1,300千円.
    *Remedy* state all four of the same accounts.
    *Source* arithmetic.
    """
    opening, inflow = _span(activity, activity.opening_yen), _span(activity, activity.inflow_yen)
    outflow, end = _span(activity, activity.outflow_yen), _span(activity, activity.end_yen)
    if opening is None or inflow is None or outflow is None or end is None:
        return
    computed = opening + inflow - outflow
    if not computed.meets(end):
        yield Hit("/end_yen", {"computed": computed.middle, "stated": activity.end_yen or 0})


def _span(activity: AccountActivity, figure_yen: int | None) -> Interval | None:
    return None if figure_yen is None else interval(figure_yen, activity.unit, activity.rounding)
