"""Rules over a ローカルベンチマーク: that its terms are in order and its own results are those of its figures."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from gateway.formats.local_benchmark import compute, shown, span
from gateway.formats.money import interval
from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records.local_benchmark import LocalBenchmark

KIND = "local_benchmark"


@document_rule(
    "B01",
    KIND,
    Severity.WARN,
    Words(
        ja="決算期の並びが正しくありません（{before} の次が {after}）。",
        en="Terms are out of order: {after} comes after {before}.",
        remedy_ja="決算期は古い順に並べてください。最後の期が判定の対象になります。",
        remedy_en="Put them in order, the oldest first; the last one is the one that is judged.",
    ),
    "domain note 8.1",
)
def terms_are_in_order(benchmark: LocalBenchmark) -> Iterator[Hit]:
    """Terms come in order, the oldest first.

    *Because* the last one is judged; in the sheet's own order, the newest first, that would be the oldest.
    *Accepts* 2024-03-31, 2025-03-31, 2026-03-31.
    *Finds* 2026-03-31 and then 2025-03-31; a term that is there twice.
    *Remedy* put them in order.
    *Source* domain note 8.1.
    """
    for at, (before, after) in enumerate(pairwise(benchmark.terms), start=1):
        if after.fiscal_year_end <= before.fiscal_year_end:
            named = {"before": str(before.fiscal_year_end), "after": str(after.fiscal_year_end)}
            yield Hit(f"/terms/{at}/fiscal_year_end", named)


@document_rule(
    "B02",
    KIND,
    Severity.WARN,
    Words(
        ja="前期の売上高（{stated:,} 円）が、前の期の売上高（{sales:,} 円）と合いません。",
        en="The prior term's sales ({stated:,} yen) are not those of the term before ({sales:,} yen).",
        remedy_ja="どちらの期の売上高が正しいか確認してください。",
        remedy_en="Check which of the two is right.",
    ),
    "domain note 8.1",
)
def prior_sales_are_those_of_the_term_before(benchmark: LocalBenchmark) -> Iterator[Hit]:
    """The prior term's sales are the sales of the term before, where both are stated.

    *Because* growth is computed from them, and a term that was skipped makes growth of two years look like one.
    *Accepts* equal figures; figures that rounding explains; only one of them.
    *Finds* 前期売上高 95,000千円 where the term before has 90,000千円.
    *Remedy* correct the figure that is wrong.
    *Source* domain note 8.1.
    """
    for at, (before, after) in enumerate(pairwise(benchmark.terms), start=1):
        sales, stated = before.sales_yen, after.prior_sales_yen
        if sales is None or stated is None:
            continue
        spans = [interval(each, benchmark.unit, benchmark.rounding) for each in (sales, stated)]
        if not spans[0].meets(spans[1]):
            yield Hit(f"/terms/{at}/prior_sales_yen", {"stated": stated, "sales": sales})


@document_rule(
    "B03",
    KIND,
    Severity.WARN,
    Words(
        ja="指標 {indicator} の値（{stated}）が、計算した値（{computed}）と合いません。",
        en="The indicator {indicator} is stated as {stated}; its figures give {computed}.",
        remedy_ja="指標は提出不要です（計算されます）。元の数字と、シートの版を確認してください。",
        remedy_en="Indicators need not be sent, they are computed; check the figures and the version of the sheet.",
    ),
    "domain note 8.1",
)
def stated_indicators_are_those_of_the_figures(benchmark: LocalBenchmark) -> Iterator[Hit]:
    """An indicator that a sheet states is, to the decimals it states, the one computed from its figures.

    *Because* sheets differ in what they count as debt or as employees, and a reader has to know which one it was.
    *Accepts* 0.052 where the figures, or what they were rounded from, give 0.05249; one that cannot be computed.
    *Finds* 0.52 where they give 0.0525.
    *Remedy* leave the indicator out, or correct the figures.
    *Source* domain note 8.1.
    """
    for at, said in enumerate(benchmark.stated):
        last = benchmark.terms[-1]
        computed = compute(said.indicator, last).value
        within = span(said.indicator, last, benchmark.unit, benchmark.rounding)
        if said.value is None or computed is None or within is None:
            continue
        stated, spare = Fraction(said.value), Fraction(_last_place(said.value))
        if not within[0] - spare <= stated <= within[1] + spare:
            named = {
                "indicator": f"{KIND}.indicator.{said.indicator}",
                "stated": str(said.value),
                "computed": str(shown(computed)),
            }
            yield Hit(f"/stated/{at}/value", named)


def _last_place(value: Decimal) -> Decimal:
    """One unit of the last decimal that is stated.

    >>> str(_last_place(Decimal("1.250")))
    '0.001'
    """
    return Decimal(1).scaleb(min(int(value.as_tuple().exponent), 0))
