"""Rules over one 業況報告書, and the words for what is noticed while reading its form.

The view is the report itself. There is no clock here: whether a report is late is told by the date it carries.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

from gateway.formats.forms import templates
from gateway.formats.japanese_calendar import HalfYear
from gateway.rules.rule import Hit, Words, document_rule, reading_rule
from gateway.rules.sales_change import change_span, clear_direction, exact_span, stated_change
from gateway.schemas.findings import Severity
from gateway.schemas.identifiers import Scheme
from gateway.schemas.records import Correction, MonitoringReport

KIND = "monitoring_report"

_YEARLY_SCHEMES = frozenset({"bansou", "keieiryoku"})
_YEAR_DAYS = range(365, 367)
_OLDEST_ACCOUNTS = timedelta(days=548)
_PCT_TOLERANCE = 1
_UNIT_SLIP = 50
_MONTHS = 12

MOVED_LABEL = reading_rule(
    "F01",
    Severity.REFUSE,
    Words(
        ja="様式の項目「{field}」が決められたセルにありません（ほかを含め{count}項目）。",
        en="The form's label '{field}' is not in its cell ({count} labels in all).",
        remedy_ja="行や列を挿入・削除せず、配布された様式に記入し直してください。",
        remedy_en="Fill in the form as handed out, without inserting or deleting rows or columns.",
    ),
    "gateway",
)
OTHER_VERSION = reading_rule(
    "F02",
    Severity.WARN,
    Words(
        ja="様式の版（{found}）が現在の版（{expected}）と異なります。現在の版として読み取りました。",
        en="The form is of version {found}, the present one is {expected}. It was read as the present one.",
        remedy_ja="次回から最新の様式を使用してください。",
        remedy_en="Use the present form next time.",
    ),
    "domain note 5.2",
)


@document_rule(
    "V30",
    KIND,
    Severity.INFO,
    Words(
        ja="報告の期間か時期が決まりと異なります（{state}）。期間 {period}、報告日 {reported_on}、本来 {expected}",
        en="Period or time of the report is unusual ({state}): {period}, reported {reported_on}, rule {expected}.",
        remedy_ja="報告対象期間と報告日を確認してください。",
        remedy_en="Check the period and the date of the report.",
    ),
    "domain note 11, V30; domain note 5.1",
)
def reports_cover_a_half_year_and_come_in_its_window(report: MonitoringReport) -> Iterator[Hit]:
    """A report covers April to September or October to March, and is made in the two months that follow.

    *Because* corporations count the obligation by half years; yearly schemes (伴走支援型) report a fiscal year.
    *Accepts* 2025-04-01 to 2025-09-30, reported 2025-10-20; a whole year under a yearly scheme; a late correction.
    *Finds* the same reported 2025-12-05 or 2025-09-20 (information); 2025-04-01 to 2025-08-31 (a warning).
    *Remedy* correct the period, or the date; a late report is taken all the same.
    *Source* domain note 5.1.
    """
    half = HalfYear.of(report.period_from, report.period_to)
    reported_on = report.reported_on
    if half is None:
        if not _is_year_of_yearly_scheme(report):
            usual = _half_of(report.period_to)
            state, span = "半期ではない / no half year", (usual.starts_on, usual.ends_on)
            yield Hit("/period_to", _period_params(report, state, span), Severity.WARN)
    elif reported_on is not None and report.correction is Correction.ORIGINAL:
        opens_on, closes_on = half.window
        if not opens_on <= reported_on <= closes_on:
            state = "提出期間の前 / early" if reported_on < opens_on else "提出期間の後 / late"
            yield Hit("/reported_on", _period_params(report, state, half.window))


def _period_params(report: MonitoringReport, state: str, expected: tuple[date, date]) -> dict[str, str | int]:
    return {
        "state": state,
        "period": f"{report.period_from}〜{report.period_to}",
        "reported_on": str(report.reported_on or "―"),
        "expected": f"{expected[0]}〜{expected[1]}",
    }


def _is_year_of_yearly_scheme(report: MonitoringReport) -> bool:
    days = (report.period_to - report.period_from).days + 1
    return days in _YEAR_DAYS and not _YEARLY_SCHEMES.isdisjoint(report.scheme_families)


def _half_of(day: date) -> HalfYear:
    half: Literal[1, 2] = 1 if day.month in range(4, 10) else 2
    return HalfYear(day.year if day.month >= 4 else day.year - 1, half)


@document_rule(
    "V31",
    KIND,
    Severity.REFUSE,
    Words(
        ja="記載省略ができるのは法人だけです（事業形態: {found}）。",
        en="Only corporations may leave content out (legal form: {found}).",
        remedy_ja="個人事業者の場合は省略せずに記入してください。法人の場合は事業形態または法人番号を記入してください。",
        remedy_en="Fill in the content for a sole proprietor; for a corporation state its form or corporate number.",
    ),
    "domain note 11, V31; domain note 5.1",
)
def only_corporations_leave_content_out(report: MonitoringReport) -> Iterator[Hit]:
    """Content may be left out for a corporation only, never for a sole proprietor.

    *Because* the exemption rests on filed accounts with a balance sheet, which a sole proprietor need not have.
    *Accepts* a company, a medical corporation, an association; an unknown form with a corporate number.
    *Finds* a sole proprietor (refused); an unknown form without corporate number (a warning).
    *Remedy* fill in the content, or say which corporation it is.
    *Source* domain note 5.1 (SN4).
    """
    if not report.omission.claimed:
        return
    numbered = any(reference.scheme is Scheme.CORPORATE_NUMBER for reference in report.references)
    if report.entity_type == "sole_proprietor":
        yield Hit("/omission/claimed", {"found": "個人事業者 / sole proprietor"})
    elif report.entity_type in ("unknown", "other") and not numbered:
        yield Hit("/omission/claimed", {"found": "不明 / unknown"}, Severity.WARN)


@document_rule(
    "V32",
    KIND,
    Severity.REFUSE,
    Words(
        ja="記載省略の要件を確認できません（直前決算の償却前経常利益 {profit:,} 円、純資産 {net_assets:,} 円）。",
        en="The grounds for omission do not show (profit before depreciation {profit:,}, net assets {net_assets:,}).",
        remedy_ja="直前決算で両方がプラスの場合に限り省略できます。そうでない場合は内容を記入してください。",
        remedy_en="Both must be positive in the last accounts; otherwise fill in the content.",
    ),
    "domain note 11, V32; domain note 5.1",
)
def content_is_left_out_on_positive_accounts_only(report: MonitoringReport) -> Iterator[Hit]:
    """Content may be left out only where profit before depreciation and net assets of the last accounts are positive.

    *Because* the exemption is for firms that earn their repayments and are not insolvent.
    *Accepts* 償却前経常利益 5,000千円, 純資産 20,000千円.
    *Finds* 純資産 △1,000千円 (refused); no figures, or 0千円, which may be anything below one (a warning).
    *Remedy* fill in the content, or the figures of the last accounts.
    *Source* domain note 5.1 (SN4).
    """
    grounds = report.omission
    if not grounds.claimed:
        return
    figures = {
        "/omission/pre_dep_ordinary_profit_yen": grounds.pre_dep_ordinary_profit_yen,
        "/omission/net_assets_yen": grounds.net_assets_yen,
    }
    profit, net_assets = ("―" if figure is None else figure for figure in figures.values())
    spans = {pointer: exact_span(report, figure) for pointer, figure in figures.items()}
    failed = [pointer for pointer, span in spans.items() if span and span.high <= 0]
    unproven = [pointer for pointer, span in spans.items() if not span or span.low <= 0]
    if failed or unproven:
        severity = Severity.REFUSE if failed else Severity.WARN
        yield Hit((failed or unproven)[0], {"profit": profit, "net_assets": net_assets}, severity)


@document_rule(
    "V33",
    KIND,
    Severity.WARN,
    Words(
        ja="月商の増減傾向が、前年同月比 {change}% と合いません。",
        en="The stated trend of sales does not fit a change of {change} % on the year.",
        remedy_ja="増減傾向、直近月商、前年同月の月商を確認してください。",
        remedy_en="Check the trend and the two months' sales.",
    ),
    "domain note 11, V33",
)
def the_trend_of_sales_fits_the_figures(report: MonitoringReport) -> Iterator[Hit]:
    """Sales that changed by more than five percent on the year are not called otherwise.

    *Because* trend and figures are filled in by hand, and targeting reads the trend.
    *Accepts* 増加 with +3 %; 横ばい with -4 %; 不明 with anything.
    *Finds* 増加 with -18 %; 横ばい with +12 %.
    *Remedy* correct the trend or the figures.
    *Source* domain note 11, V33.
    """
    sales = report.performance
    direction = clear_direction(report)
    if direction and sales.sales_trend in ("up", "flat", "down") and sales.sales_trend != direction:
        yield Hit("/performance/sales_trend", {"change": f"{stated_change(report):+}"})


@document_rule(
    "V34",
    KIND,
    Severity.WARN,
    Words(
        ja="面談方法に訪問がありますが、訪問回数が0回です。",
        en="Visits are named as a method, but their number is 0.",
        remedy_ja="訪問回数または面談方法を確認してください。",
        remedy_en="Check the number of visits or the methods.",
    ),
    "domain note 11, V34",
)
def a_visit_is_counted(report: MonitoringReport) -> Iterator[Hit]:
    """Who names visits as a method made at least one.

    *Because* the number of visits is what a corporation may rely on when it asks how closely a firm is followed.
    *Accepts* 訪問 and 2; 電話 and 0; 訪問 and no number.
    *Finds* 訪問 and 0.
    *Remedy* correct the number or the methods.
    *Source* domain note 11, V34.
    """
    if report.contact.visit_count == 0 and "visit" in report.contact.methods:
        yield Hit("/contact/visit_count")


@document_rule(
    "M01",
    KIND,
    Severity.WARN,
    Words(
        ja="直近面談日（{last_on}）が報告日（{reported_on}）より後の日付です。",
        en="The last talk ({last_on}) is dated after the report ({reported_on}).",
        remedy_ja="どちらの日付が正しいか確認してください。",
        remedy_en="Check which of the dates is right.",
    ),
    "domain note 5.2",
)
def the_last_talk_is_before_the_report(report: MonitoringReport) -> Iterator[Hit]:
    """A report speaks of talks that were held.

    *Because* a date in the future is a slip of the year or the month, and freshness is counted from it.
    *Accepts* 面談 2025-09-12, 報告 2025-10-20; both on one day.
    *Finds* 面談 2026-09-12, 報告 2025-10-20.
    *Remedy* correct the date that is wrong.
    *Source* domain note 5.2 (直近面談日 ≤ submitted).
    """
    last_on, reported_on = report.contact.last_on, report.reported_on
    if last_on and reported_on and last_on > reported_on:
        yield Hit("/contact/last_on", {"last_on": str(last_on), "reported_on": str(reported_on)})


@document_rule(
    "M02",
    KIND,
    Severity.WARN,
    Words(
        ja="増減率 {stated}% が、直近月商と前年同月の月商からの計算（{computed}%）と合いません。",
        en="The stated change of {stated} % is not that of the two months' sales ({computed} %).",
        remedy_ja="増減率は空欄でもかまいません（計算されます）。月商の数字も確認してください。",
        remedy_en="The change may be left blank, it is computed; check the two months' sales.",
    ),
    "experience",
)
def the_stated_change_is_that_of_the_figures(report: MonitoringReport) -> Iterator[Hit]:
    """The percentage of change is that of the two months' sales, within one point.

    *Because* the percentage is copied from elsewhere, or its sign is lost.
    *Accepts* 直近 820千円, 前年 1,000千円, -18 %; sales so small that rounding explains the difference.
    *Finds* the same with +18 %.
    *Remedy* leave the percentage to the form's formula.
    *Source* experience.
    """
    stated, span = report.performance.sales_change_pct, change_span(report)
    if stated is None or span is None:
        return
    low, high = span
    if not low - _PCT_TOLERANCE <= stated <= high + _PCT_TOLERANCE:
        computed = stated_change(report)
        yield Hit("/performance/sales_change_pct", {"stated": f"{stated:+}", "computed": f"{computed:+}"})


@document_rule(
    "M03",
    KIND,
    Severity.INFO,
    Words(
        ja="「至急対応が必要」とされていますが、担当者の気づきが空欄です。",
        en="Support is called urgent, but no observation says why.",
        remedy_ja="何が起きているかを一言でも記入すると、協会が早く動けます。",
        remedy_en="A line on what is happening lets the corporation act sooner.",
    ),
    "domain note 1, item 10",
)
def urgency_is_explained(report: MonitoringReport) -> Iterator[Hit]:
    """Who calls for urgent support says what was seen.

    *Because* the hard part is not to detect but to approach: the corporation needs to know why now.
    *Accepts* 至急対応が必要 with an observation.
    *Finds* 至急対応が必要 without one.
    *Remedy* add a line.
    *Source* domain note 1, item 10.
    """
    if report.support.needed == "urgent" and not (report.observation or "").strip():
        yield Hit("/observation")


@document_rule(
    "M04",
    KIND,
    Severity.WARN,
    Words(
        ja="業況・資金繰り・返済状況がすべて空欄または「不明」です。",
        en="Business, cash and repayment are all blank or unknown.",
        remedy_ja="事業者に電話などで確認できる項目だけでも記入してください。",
        remedy_en="Fill in at least what a call to the firm can tell.",
    ),
    "domain note 1, item 7",
)
def a_report_says_something(report: MonitoringReport) -> Iterator[Hit]:
    """A report that does not claim omission says something about the firm.

    *Because* a form of unknowns fulfils the obligation and tells nobody anything.
    *Accepts* one figure, one state or one observation.
    *Finds* 不明 or blank throughout.
    *Remedy* ask the firm.
    *Source* experience; domain note 1, item 7.
    """
    sales, cash, repayment = report.performance, report.cash, report.repayment
    states = (sales.sales_trend, sales.profit_state, sales.orders_trend, cash.state, repayment.state)
    figures = (sales.monthly_sales_yen, sales.sales_change_pct, cash.deposits_yen, cash.months_left)
    silent = all(state in (None, "unknown") for state in states) and all(figure is None for figure in figures)
    if silent and not (report.omission.claimed or sales.results or report.issues or report.observation):
        yield Hit("")


@document_rule(
    "M05",
    KIND,
    Severity.WARN,
    Words(
        ja="直近月商 {monthly:,} 円は、収支実績の売上高 {period:,} 円とかけ離れています（単位の誤りの可能性）。",
        en="Monthly sales of {monthly:,} yen are far from a period's {period:,} yen: perhaps a slip of the unit.",
        remedy_ja="金額は千円単位です。円単位で記入していないか確認してください。",
        remedy_en="Amounts are in thousands of yen; check that none was written in yen.",
    ),
    "domain note 11, V28 (unit sanity)",
)
def sales_are_in_one_unit(report: MonitoringReport) -> Iterator[Hit]:
    """A month's sales and a period's sales are of one order of magnitude.

    *Because* a figure written in yen on a form in 千円 is a thousand times too large, and looks plausible alone.
    *Accepts* 月商 12,000千円, 年商 150,000千円.
    *Finds* 月商 12,000,000千円, 年商 150,000千円.
    *Remedy* write both in thousands of yen.
    *Source* domain note 11, V28.
    """
    monthly = report.performance.monthly_sales_yen or 0
    periods = [result.sales_yen for result in report.performance.results if result.sales_yen]
    if monthly <= 0 or not periods or periods[-1] <= 0:
        return
    yearly, period = monthly * _MONTHS, periods[-1]
    if yearly > period * _UNIT_SLIP or period > yearly * _UNIT_SLIP:
        yield Hit("/performance/monthly_sales_yen", {"monthly": monthly, "period": period})


@document_rule(
    "M06",
    KIND,
    Severity.WARN,
    Words(
        ja="記載省略の根拠とする決算期末（{found}）は、基準月末（{base}）の直前の決算ではないようです。",
        en="The fiscal year that ended on {found} does not seem to be the last before the base month's end ({base}).",
        remedy_ja="基準月末時点で直前の決算の数字を記入してください。",
        remedy_en="Give the figures of the last accounts at the base month's end.",
    ),
    "domain note 5.1",
)
def omission_rests_on_the_last_accounts(report: MonitoringReport) -> Iterator[Hit]:
    """The accounts that allow content to be left out are the last ones at the base month's end.

    *Because* old accounts say nothing about today, and later ones were not there at the base month.
    *Accepts* 決算 2025-03-31 for the half year to 2025-09-30; up to eighteen months old, since accounts take time.
    *Finds* 決算 2023-03-31, or 2025-12-31.
    *Remedy* use the last accounts.
    *Source* domain note 5.1 (SN4).
    """
    ended_on, base = report.omission.fiscal_year_end, report.period_to
    if report.omission.claimed and ended_on and not base - _OLDEST_ACCOUNTS <= ended_on <= base:
        yield Hit("/omission/fiscal_year_end", {"found": str(ended_on), "base": str(base)})


@document_rule(
    "M07",
    KIND,
    Severity.WARN,
    Words(
        ja="「{found}」は様式の選択肢にありません。",
        en="'{found}' is not among the choices of the form.",
        remedy_ja="次のいずれかを使用してください: {expected}",
        remedy_en="Use one of: {expected}",
    ),
    "domain note 5.2",
)
def listed_codes_are_those_of_the_form(report: MonitoringReport) -> Iterator[Hit]:
    """Issues, kinds of support and schemes are those of the form the report says it is.

    *Because* targeting selects by these codes; one it does not know selects nothing.
    *Accepts* ``sales``, ``succession``, ``zero_zero``; any code under a form we do not have.
    *Finds* ``uriage``.
    *Remedy* use the codes of the form; there is always ``other``.
    *Source* domain notes 3.5 and 5.2.
    """
    template = templates().get(report.template_id)
    if template is None:
        return
    listed = {
        "/issues/*": report.issues,
        "/support/kinds/*": report.support.kinds,
        "/scheme_families/*": report.scheme_families,
    }
    for field in template.fields:
        for number, code in enumerate(listed.get(field.pointer, ())):
            choices = template.choices[field.choices or ""]
            if code not in choices:
                expected = ", ".join(map(str, choices))
                yield Hit(field.pointer.replace("*", str(number)), {"found": code[:40], "expected": expected})
