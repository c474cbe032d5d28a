"""Rules over an application for a guarantee and the 取引状況 that comes with it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.formats.money import Interval, interval
from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records.guarantee_application import GuaranteeApplication

KIND = "guarantee_application"


@document_rule(
    "G01",
    KIND,
    Severity.WARN,
    Words(
        ja="保証期間の種類（{term_kind}）に対応する {field} が記載されていません。",
        en="The guarantee's term is said to go by {term_kind}, but {field} is not stated.",
        remedy_ja="期間保証は月数、期日保証は期日を記載してください。",
        remedy_en="State the months, or the day on which it falls due.",
    ),
    "domain note 4.2",
)
def the_term_is_stated_as_its_kind_asks(application: GuaranteeApplication) -> Iterator[Hit]:
    """A guarantee for a period states its months, one until a day states the day.

    *Because* what is asked for cannot be matched with what is paid out otherwise.
    *Accepts* 期間保証, 84か月; 期日保証, 2033-03-31; a kind that is not known.
    *Finds* 期間保証 without months; 期日保証 without its day.
    *Remedy* state it.
    *Source* domain note 4.2 (期間保証, 期日保証).
    """
    wanted = {"months": "term_months", "due_date": "due_on"}.get(application.term_kind)
    if wanted is not None and getattr(application, wanted) is None and f"/{wanted}" not in application.missing:
        yield Hit(f"/{wanted}", {"term_kind": f"{KIND}.term_kind.{application.term_kind}", "field": f"{KIND}.{wanted}"})


@document_rule(
    "G02",
    KIND,
    Severity.WARN,
    Words(
        ja="取引状況の合計（{stated:,} 円）が、各行の合計（{computed:,} 円）と合いません。",
        en="The total of the borrowings ({stated:,} yen) is not the sum of their rows ({computed:,}).",
        remedy_ja="行の漏れと、千円単位の端数を確認してください。",
        remedy_en="Check for a row that is missing, and how thousands were rounded.",
    ),
    "domain note 4.7",
)
def borrowings_add_up(application: GuaranteeApplication) -> Iterator[Hit]:
    """The total of the 取引状況 is the sum of its rows.

    *Because* a lender left out makes the share of guaranteed loans look larger than it is.
    *Accepts* 10,000 + 5,500 = 15,501 千円, which rounding explains; no total; no rows.
    *Finds* 10,000 + 5,500 = 25,500 千円.
    *Remedy* add the row, or correct the total.
    *Source* domain note 4.7.
    """
    position = application.transaction_position
    if position is None or position.total_yen is None or not position.rows:
        return
    computed = Interval.sum_of(interval(row.amount_yen, position.unit, position.rounding) for row in position.rows)
    if not computed.meets(interval(position.total_yen, position.unit, position.rounding)):
        shown = {"stated": position.total_yen, "computed": sum(row.amount_yen for row in position.rows)}
        yield Hit("/transaction_position/total_yen", shown)
