"""How a firm's monthly sales changed on the year, as far as rounded figures can tell."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from gateway.formats.money import Interval, interval
from gateway.schemas.records import MonitoringReport

_CLEAR_CHANGE = 5


def exact_span(report: MonitoringReport, figure_yen: int | None) -> Interval | None:
    """All amounts that a figure of the report may have been rounded from."""
    return None if figure_yen is None else interval(figure_yen, report.unit, report.rounding)


def stated_change(report: MonitoringReport) -> Decimal | None:
    """The change in percent by the two months' sales, or as the report states it where they are not both there."""
    sales = report.performance
    if sales.monthly_sales_yen is None or not sales.monthly_sales_prior_yen:
        return sales.sales_change_pct
    change = Decimal(100 * (sales.monthly_sales_yen - sales.monthly_sales_prior_yen)) / sales.monthly_sales_prior_yen
    return change.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def change_span(report: MonitoringReport) -> tuple[Decimal, Decimal] | None:
    """Least and greatest change in percent that the two months' figures allow; None where they allow no division."""
    sales = report.performance
    now, before = exact_span(report, sales.monthly_sales_yen), exact_span(report, sales.monthly_sales_prior_yen)
    if now is None or before is None or before.low <= 0:
        return None
    low, high = Decimal(max(now.low, 0)) / before.high, Decimal(now.high) / before.low
    return 100 * (low - 1), 100 * (high - 1)


def clear_direction(report: MonitoringReport) -> Literal["up", "down"] | None:
    """Up or down where sales changed by more than five percent, whatever the figures were rounded from.

    Where the two months' sales are not both there, the percentage that the report states decides.
    """
    span = change_span(report)
    if span is None:
        stated = report.performance.sales_change_pct
        figures = (report.performance.monthly_sales_yen, report.performance.monthly_sales_prior_yen)
        if stated is None or None not in figures:
            return None
        span = stated, stated
    low, high = span
    return "up" if low > _CLEAR_CHANGE else "down" if high < -_CLEAR_CHANGE else None
