"""Rules over one 代位弁済: its arithmetic and its days. Amounts in 千円 stand for all exact ones they may come from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from math import ceil, floor

from gateway.formats.money import Interval, interval
from gateway.rules.rule import Hit, Words, document_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records import Subrogation

KIND = "subrogation"

_MOST_DAMAGES_DAYS = 120
_COOLING_DAYS = 90
_CLAIM_YEARS = 2
_YEAR_DAYS = 365
_WHOLE = Decimal(1)


@document_rule(
    "L30",
    KIND,
    Severity.WARN,
    Words(
        ja="代位弁済額（{found:,}円）が、元金・利息・損害金から控除額を引き履行割合を掛けた額（{expected:,}円）と合いません。",
        en="{found:,} yen were paid; principal, interest and damages less deductions, by the ratio, are {expected:,}.",
        remedy_ja="元金、利息、損害金、控除額、履行割合と代位弁済額を確認してください。",
        remedy_en="Check the parts, the deductions, the ratio and what was paid.",
    ),
    "domain note 4.6",
)
def what_is_paid_follows_from_its_parts(claim: Subrogation) -> Iterator[Hit]:
    """What is paid is principal, interest and damages less deductions, times the ratio fulfilled, give or take a yen.

    *Because* nothing else is paid under a guarantee; a difference is a part that is missing or a wrong figure.
    *Accepts* (9,800,000 + 60,411 + 60,410 - 20,000) × 0.8 = 7,920,656; a ratio that is not stated counts as 1.
    *Finds* 7,936,656, from which nothing was deducted.
    *Remedy* check the parts.
    *Source* domain note 4.6.
    """
    if claim.paid_yen is None:
        return
    parts = Interval.sum_of(
        _exactly(claim, one) for one in (claim.principal_yen, claim.interest_yen, claim.damages_yen)
    )
    owed = parts - _exactly(claim, claim.deductions_yen or 0)
    ratio = _WHOLE if claim.fulfilled_ratio is None else claim.fulfilled_ratio
    expected = Interval(floor(owed.low * ratio), ceil(owed.high * ratio))
    if not _exactly(claim, claim.paid_yen).meets(expected):
        yield Hit("/paid_yen", {"found": claim.paid_yen, "expected": expected.middle})


@document_rule(
    "L31",
    KIND,
    Severity.WARN,
    Words(
        ja="損害金日数（{found}日）が {limit}日を超えています。",
        en="Damages are claimed for {found} days; {limit} are paid at most.",
        remedy_ja="損害金日数を確認してください。協会により60日または90日の場合もあります。",
        remedy_en="Check the days; some corporations pay for 60 or 90 only.",
    ),
    "domain note 4.6",
)
def damages_are_for_so_many_days_at_most(claim: Subrogation) -> Iterator[Hit]:
    """Default damages are claimed for 120 days at most.

    *Because* no corporation pays more; some pay for 60 or 90 days only, which is theirs to look at.
    *Accepts* 120 days.
    *Finds* 121 days.
    *Remedy* check the days.
    *Source* domain note 4.6.
    """
    if claim.damages_days is not None and claim.damages_days > _MOST_DAMAGES_DAYS:
        yield Hit("/damages_days", {"found": claim.damages_days, "limit": _MOST_DAMAGES_DAYS})


@document_rule(
    "L32",
    KIND,
    Severity.WARN,
    Words(
        ja="損害金（{found:,}円）が、元金に損害金利率と日数を掛けた額（{expected:,}円）を超えています。",
        en="Damages ({found:,} yen) are more than principal × rate × days ({expected:,} yen).",
        remedy_ja="元金、損害金、損害金利率、損害金日数を確認してください。",
        remedy_en="Check principal, damages, their rate and their days.",
    ),
    "domain note 4.6",
)
def damages_are_within_their_rate_and_days(claim: Subrogation) -> Iterator[Hit]:
    """Default damages are at most the principal times their rate, for their days of a year of 365.

    *Because* they are counted at the loan's rate; a higher sum is a penal rate, which no guarantee covers.
    *Accepts* 9,800,000 × 1.875 % × 120 ÷ 365 = 60,411, and less; any sum where rate or days are not stated.
    *Finds* 60,412.
    *Remedy* check them.
    *Source* domain note 4.6.
    """
    rate, days = claim.damages_rate, claim.damages_days
    if rate is None or days is None:
        return
    most = ceil(_exactly(claim, claim.principal_yen).high * rate / 100 * days / _YEAR_DAYS)
    if _exactly(claim, claim.damages_yen).low > most:
        yield Hit("/damages_yen", {"found": claim.damages_yen, "expected": most})


@document_rule(
    "L33",
    KIND,
    Severity.WARN,
    Words(
        ja="請求日（{claimed_on}）が、最終履行期限（{final_due_on}）から{days}日を経過した日（{first_on}）より前です。",
        en="Claimed on {claimed_on}; {days} days after the final due date {final_due_on} is {first_on}.",
        remedy_ja="最終履行期限と請求日を確認してください。期限前の請求が認められている場合はそのままで結構です。",
        remedy_en="Check both dates; where an earlier claim was allowed, leave it.",
    ),
    "domain note 4.6",
)
def claims_wait_for_the_cooling_period(claim: Subrogation) -> Iterator[Hit]:
    """A claim is made 90 days after the final due date at the earliest.

    *Because* in these days the bank is to collect, and the firm may still be helped.
    *Accepts* due 2028-09-15, claimed 2028-12-14.
    *Finds* claimed 2028-12-13.
    *Remedy* check both dates.
    *Source* domain note 4.6.
    """
    if claim.final_due_on is None:
        return
    first_on = date.fromordinal(min(claim.final_due_on.toordinal() + _COOLING_DAYS, date.max.toordinal()))
    if claim.claimed_on < first_on:
        told = {"claimed_on": str(claim.claimed_on), "final_due_on": str(claim.final_due_on)}
        yield Hit("/claimed_on", told | {"first_on": str(first_on), "days": _COOLING_DAYS})


@document_rule(
    "L34",
    KIND,
    Severity.WARN,
    Words(
        ja="請求日（{claimed_on}）が、最終履行期限（{final_due_on}）から{years}年を過ぎています。",
        en="Claimed on {claimed_on}, more than {years} years after the final due date {final_due_on}.",
        remedy_ja="最終履行期限と請求日を確認してください。",
        remedy_en="Check both dates.",
    ),
    "domain note 4.6",
)
def claims_are_made_within_two_years(claim: Subrogation) -> Iterator[Hit]:
    """A claim is made within two years of the final due date.

    *Because* it cannot be made later; the date that is wrong is mostly the final due date.
    *Accepts* due 2028-09-15, claimed 2030-09-15.
    *Finds* claimed 2030-09-16.
    *Remedy* check both dates.
    *Source* domain note 4.6.
    """
    due_on, claimed_on = claim.final_due_on, claim.claimed_on
    if due_on is None:
        return
    years = claimed_on.year - due_on.year
    is_past = (claimed_on.month, claimed_on.day) > (due_on.month, due_on.day)
    if years > _CLAIM_YEARS or (years == _CLAIM_YEARS and is_past):
        told = {"claimed_on": str(claimed_on), "final_due_on": str(due_on)}
        yield Hit("/claimed_on", told | {"years": _CLAIM_YEARS})


@document_rule(
    "L35",
    KIND,
    Severity.WARN,
    Words(
        ja="代位弁済日（{paid_on}）が請求日（{claimed_on}）より前です。",
        en="It was paid on {paid_on}, before it was claimed on {claimed_on}.",
        remedy_ja="請求日と代位弁済日を確認してください。",
        remedy_en="Check both dates.",
    ),
    "gateway",
)
def a_claim_is_paid_after_it_is_made(claim: Subrogation) -> Iterator[Hit]:
    """A claim is paid on the day it is made at the earliest.

    *Because* the time between is what banks wait for their money, and is watched.
    *Accepts* both on one day.
    *Finds* paid the day before.
    *Remedy* check both dates.
    *Source* gateway.
    """
    if claim.paid_on and claim.paid_on < claim.claimed_on:
        yield Hit("/paid_on", {"paid_on": str(claim.paid_on), "claimed_on": str(claim.claimed_on)})


def _exactly(claim: Subrogation, amount_yen: int) -> Interval:
    """What an amount may exactly be; a claim that rounds to its unit states nothing less than zero."""
    stated = interval(amount_yen, claim.unit, claim.rounding)
    return Interval(max(stated.low, 0), stated.high)
