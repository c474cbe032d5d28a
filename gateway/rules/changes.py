"""Rules over one 条件変更, the change before it, and what the register says of its guarantee."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from operator import gt, lt, ne
from typing import Any

from gateway.rules.rule import Hit, Words, document_rule, history_rule, register_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records import ConditionChange
from gateway.schemas.records.condition_change import EASING
from gateway.schemas.submission import Guaranteed

KIND = "condition_change"

_DAYS = 30
_SHOWN_BY: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
    ("term_extension", "maturity_on", lt),
    ("installment_reduction", "installment_yen", gt),
    ("rate_change", "interest_rate", ne),
    ("limit_change", "limit_yen", ne),
)
"""Kind of change, the term that shows it, and how before must stand to after."""
_STAGES = ("requested_on", "approved_on", "executed_on")


@document_rule(
    "V17",
    KIND,
    Severity.WARN,
    Words(
        ja="条件変更の実行日（{executed_on}）は承諾日（{approved_on}）から {days}日後です（期限 {limit}日）。",
        en="Executed on {executed_on}, {days} days after the approval of {approved_on} (allowed: {limit}).",
        remedy_ja="承諾日と実行日を確認し、期限を過ぎた場合は信用保証協会にご連絡ください。",
        remedy_en="Check both dates; if the period has passed, tell the corporation.",
    ),
    "domain note 11, V17; domain note 4.5 (約定書)",
)
def changes_are_executed_soon_after_approval(change: ConditionChange) -> Iterator[Hit]:
    """A change is executed within 30 days of its approval.

    *Because* the basic agreement asks for it; the corporation's consent is given for that time.
    *Accepts* approved 2027-02-15, executed 2027-03-17.
    *Finds* executed 2027-03-18.
    *Remedy* check both dates, tell the corporation.
    *Source* domain note 11, V17 and 4.5.
    """
    if change.approved_on and change.executed_on and (days := (change.executed_on - change.approved_on).days) > _DAYS:
        told = {"executed_on": str(change.executed_on), "approved_on": str(change.approved_on)}
        yield Hit("/executed_on", told | {"days": days, "limit": _DAYS})


@document_rule(
    "L10",
    KIND,
    Severity.WARN,
    Words(
        ja="日付の順序が正しくありません（{later} が {earlier} より前です）。",
        en="Dates are out of order ({later} is before {earlier}).",
        remedy_ja="申込日、承諾日、実行日を確認してください。",
        remedy_en="Check the days of request, approval and execution.",
    ),
    "gateway",
)
def a_change_is_requested_then_approved_then_executed(change: ConditionChange) -> Iterator[Hit]:
    """A change is requested first, then approved, then executed; on one day at the earliest.

    *Because* the days decide whether it was in time; two that changed places hide a delay.
    *Accepts* all on one day; any of them left out.
    *Finds* approved 2027-02-15, requested 2027-02-20; executed before either.
    *Remedy* check the days.
    *Source* gateway.
    """
    before: date | None = None
    for stage in _STAGES:
        day: date | None = getattr(change, stage)
        if day and before and day < before:
            yield Hit(f"/{stage}", {"earlier": str(before), "later": str(day)})
        before = max(filter(None, (before, day)), default=None)


@document_rule(
    "L11",
    KIND,
    Severity.WARN,
    Words(
        ja="返済緩和の区分と変更内容が合いません（期間延長・元金返済猶予・約定返済額の減額が返済緩和です）。",
        en="The mark of easing does not fit: longer terms, deferred principal and smaller instalments are one.",
        remedy_ja="返済緩和の区分と変更内容を確認してください。",
        remedy_en="Check the mark of easing and the kinds of change.",
    ),
    "domain note 4.5",
)
def easing_fits_the_kinds_of_change(change: ConditionChange) -> Iterator[Hit]:
    """A change is an easing exactly when it extends the term, defers principal or reduces instalments.

    *Because* the first easing is a signal of trouble; a wrong mark hides it, or raises it for nothing.
    *Accepts* ``is_easing`` with a longer term and another rate; not with another guarantor alone.
    *Finds* ``is_easing`` with another guarantor alone; a longer term without it.
    *Remedy* check both.
    *Source* domain note 4.5.
    """
    if change.is_easing != bool(EASING.intersection(change.change_kinds)):
        yield Hit("/is_easing")


@document_rule(
    "L12",
    KIND,
    Severity.WARN,
    Words(
        ja="変更前（{before}）と変更後（{after}）が、変更内容と合いません。",
        en="Before ({before}) and after ({after}) do not show the change that is named.",
        remedy_ja="変更内容と、変更前後の期日・約定返済額・利率・極度額を確認してください。",
        remedy_en="Check the kinds of change and the terms before and after.",
    ),
    "gateway",
)
def terms_change_as_the_change_says(change: ConditionChange) -> Iterator[Hit]:
    """Where both sides are stated, longer terms end later, smaller instalments are smaller, rates and limits differ.

    *Because* sides that changed places turn an easing into its opposite.
    *Accepts* 2033-04-15 before, 2036-04-15 after, under a longer term; a side that is not stated.
    *Finds* the same the other way round; the same rate on both sides under another rate.
    *Remedy* check kinds and terms.
    *Source* gateway.
    """
    for kind, name, holds in _SHOWN_BY:
        before, after = getattr(change.before, name), getattr(change.after, name)
        if kind in change.change_kinds and None not in (before, after) and not holds(before, after):
            yield Hit(f"/after/{name}", {"before": str(before), "after": str(after)})


@history_rule(
    "L13",
    KIND,
    Severity.WARN,
    Words(
        ja="変更回数 {found} は、前回の報告（{previous}回目）に続きません。",
        en="Change number {found} does not follow the one before it, which was number {previous}.",
        remedy_ja="変更回数を確認してください。報告していない条件変更があれば提出してください。",
        remedy_en="Check the number; hand in any change that was not reported.",
    ),
    "domain note 4.5",
)
def changes_are_counted_one_by_one(change: ConditionChange, previous: Mapping[str, Any]) -> Iterator[Hit]:
    """A change has the number of the one before it in a later stage, else the next.

    *Because* the number tells the first change from later ones, and a gap tells of one that nobody reported.
    *Accepts* 1 after 1 (approved, then executed); 2 after 1.
    *Finds* 1 after 2; 3 after 1; 1 after 1 when that was executed already.
    *Remedy* check the number.
    *Source* domain note 4.5.
    """
    found, before = change.sequence_no, previous.get("sequence_no")
    if found is None or not isinstance(before, int) or previous.get("correction") == "cancel":
        return
    is_done = previous.get("executed_on") is not None
    if found not in ((before + 1,) if is_done else (before, before + 1)):
        yield Hit("/sequence_no", {"found": found, "previous": before})


@register_rule(
    "L14",
    KIND,
    Severity.WARN,
    Words(
        ja="変更回数は {found} ですが、台帳では {changed_on} までに {count}回の条件変更があります。",
        en="It is said to be change number {found}, yet the register counts {count} up to {changed_on}.",
        remedy_ja="変更回数を確認してください。台帳の誤りは信用保証協会にお問い合わせください。",
        remedy_en="Check the number; if the register is wrong, ask the corporation.",
    ),
    "domain note 4.5; domain note 3.5",
)
def a_change_comes_after_those_registered(
    change: ConditionChange, guaranteed: Mapping[str, Guaranteed]
) -> Iterator[Hit]:
    """A change has a higher number than the changes that the register counts up to an earlier day.

    *Because* 1 means the first change ever. Registers lag: a lower count than the change's says nothing, nor does one
    that counts a change of that day or later, which may be this one.
    *Accepts* number 3 where the register counts 2 up to 2026-03-31; number 1 where it counts 1 up to that very day.
    *Finds* number 1 on 2027-02-26 where the register counts 1 up to 2026-03-31.
    *Remedy* check the number.
    *Source* domain note 4.5.
    """
    registered, found = guaranteed.get(change.guarantee_no), change.sequence_no
    if registered is None or found is None or registered.change_count is None or registered.last_changed_on is None:
        return
    first = min(filter(None, (change.requested_on, change.approved_on, change.executed_on)))
    if registered.last_changed_on < first and found <= registered.change_count:
        told: dict[str, str | int] = {"found": found, "count": registered.change_count}
        yield Hit("/sequence_no", told | {"changed_on": str(registered.last_changed_on)})
