"""Rules over one 貸付実行報告, by itself and beside what the register says of its guarantee."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from gateway.rules.rule import Hit, Words, document_rule, register_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records import LoanExecution
from gateway.schemas.submission import Guaranteed

KIND = "loan_execution"

_DAYS, _EXTENDED_DAYS = 30, 60
_OPEN_ENDED = frozenset({"overdraft", "discount"})
_WHOLE = 1


@register_rule(
    "V16",
    KIND,
    Severity.WARN,
    Words(
        ja="実行日（{executed_on}）は保証書日付（{issued_on}）から {days}日後です（期限 {limit}日）。",
        en="The loan was executed on {executed_on}, {days} days after the guarantee of {issued_on} (allowed: {limit}).",
        remedy_ja="実行日と保証書日付を確認してください。期限の延長を受けている場合は、信用保証協会にご連絡ください。",
        remedy_en="Check both dates. If the period was extended, tell the corporation.",
    ),
    "domain note 11, V16; domain note 4.1 (約定書)",
)
def loans_are_executed_soon_after_the_guarantee(
    execution: LoanExecution, guaranteed: Mapping[str, Guaranteed]
) -> Iterator[Hit]:
    """A loan is executed within 30 days of the letter of guarantee, or 60 where the corporation extended that.

    *Because* a guarantee that is not used in time lapses. The letter's date is the register's; where that does not say
    it, the report's own.
    *Accepts* 2026-05-02 on a letter of 2026-04-02; any day where nobody states the letter's date.
    *Finds* the day after (allowed: 30); 2026-06-02 (allowed: 60). A warning: how a lapse is dealt with is the
    corporation's to decide.
    *Remedy* check both dates; tell the corporation of an extension.
    *Source* domain note 11, V16 and 4.1.
    """
    issued_on = _issued_on(execution, guaranteed)
    days = (execution.executed_on - issued_on).days if issued_on else 0
    if days > _DAYS:
        limit = _EXTENDED_DAYS if days > _EXTENDED_DAYS else _DAYS
        told = {"executed_on": str(execution.executed_on), "issued_on": str(issued_on)}
        yield Hit("/executed_on", told | {"days": days, "limit": limit})


@register_rule(
    "L01",
    KIND,
    Severity.WARN,
    Words(
        ja="実行日（{executed_on}）が保証書日付（{issued_on}）より前です。",
        en="The loan was executed on {executed_on}, before the guarantee of {issued_on}.",
        remedy_ja="実行日と保証書日付を確認してください。",
        remedy_en="Check both dates.",
    ),
    "domain note 4.1 (約定書); gateway",
)
def loans_are_not_executed_before_the_guarantee(
    execution: LoanExecution, guaranteed: Mapping[str, Guaranteed]
) -> Iterator[Hit]:
    """A loan is not executed before the letter of guarantee.

    *Because* what was paid out before is the bank's own risk.
    *Accepts* the day of the letter.
    *Finds* the day before.
    *Remedy* check both dates.
    *Source* domain note 4.1.
    """
    issued_on = _issued_on(execution, guaranteed)
    if issued_on and execution.executed_on < issued_on:
        yield Hit("/executed_on", {"executed_on": str(execution.executed_on), "issued_on": str(issued_on)})


def _issued_on(execution: LoanExecution, guaranteed: Mapping[str, Guaranteed]) -> date | None:
    registered = guaranteed.get(execution.guarantee_no)
    return (registered and registered.issued_on) or execution.guaranteed_on


@document_rule(
    "L02",
    KIND,
    Severity.REFUSE,
    Words(
        ja="貸付金額が0円です。",
        en="The principal is zero.",
        remedy_ja="実行した金額を記入してください。取り消す場合は訂正区分を「取消」にしてください。",
        remedy_en="State what was paid out; to take a report back, say so in its correction.",
    ),
    "gateway",
)
def loans_have_a_principal(execution: LoanExecution) -> Iterator[Hit]:
    """A loan that was executed has a principal, unless the report is taken back.

    *Because* an execution of nothing is no loan; a guarantee would seem to be used that is not.
    *Accepts* 1 yen; 0 with correction ``cancel``.
    *Finds* 0.
    *Remedy* state the amount.
    *Source* gateway.
    """
    if execution.principal_yen == 0 and execution.correction != "cancel":
        yield Hit("/principal_yen")


@document_rule(
    "L03",
    KIND,
    Severity.REFUSE,
    Words(
        ja="期間（月数）も期日も記入されていません。",
        en="Neither the term in months nor the maturity is stated.",
        remedy_ja="期間（月数）または期日を記入してください。記入できない場合は missing に理由を示してください。",
        remedy_en="State one of them, or say in 'missing' why it is not known.",
    ),
    "domain note 4.2",
)
def loans_have_a_term(execution: LoanExecution) -> Iterator[Hit]:
    """A loan has a term in months or a day of maturity, or the report says why it states neither.

    *Because* a guarantee runs for months (期間保証) or to a day (期日保証), and what is due when follows from it.
    *Accepts* either of them; an overdraft without; none, with ``missing`` for ``/maturity_on``.
    *Finds* a loan on deed with neither.
    *Remedy* state one of them.
    *Source* domain note 4.2.
    """
    is_open = execution.repayment_method == "revolving" or execution.loan_type in _OPEN_ENDED
    explained = {"/term_months", "/maturity_on"} & execution.missing.keys()
    if execution.term_months is None and execution.maturity_on is None and not is_open and not explained:
        yield Hit("/maturity_on")


@document_rule(
    "L04",
    KIND,
    Severity.WARN,
    Words(
        ja="日付の順序が正しくありません（{earlier} の後に {later} となるはずです）。",
        en="Dates are out of order ({later} should come after {earlier}).",
        remedy_ja="実行日、初回元金返済日、期日を確認してください。",
        remedy_en="Check the days of execution, of the first principal due and of maturity.",
    ),
    "gateway",
)
def dates_of_a_loan_are_in_order(execution: LoanExecution) -> Iterator[Hit]:
    """Execution comes before the first principal due, and that not after maturity.

    *Because* obligations run from these days; two that changed places shift them by years.
    *Accepts* executed 2026-04-15, first due 2026-11-16, matured 2033-04-15; a single repayment due at maturity.
    *Finds* a maturity on the day of execution; a first principal due after maturity.
    *Remedy* check the days.
    *Source* gateway.
    """
    executed_on, first, last = execution.executed_on, execution.first_principal_due_on, execution.maturity_on
    if first is not None and first <= executed_on:
        yield Hit("/first_principal_due_on", {"earlier": str(executed_on), "later": str(first)})
    if last is not None and last <= executed_on:
        yield Hit("/maturity_on", {"earlier": str(executed_on), "later": str(last)})
    elif first is not None and last is not None and first > last:
        yield Hit("/maturity_on", {"earlier": str(first), "later": str(last)})


@document_rule(
    "L05",
    KIND,
    Severity.WARN,
    Words(
        ja="期間 {term_months}か月が、実行日 {executed_on} から期日 {maturity_on} までの月数 {months} と合いません。",
        en="A term of {term_months} months does not fit {executed_on} to {maturity_on} ({months} months).",
        remedy_ja="期間と期日を確認してください。",
        remedy_en="Check term and maturity.",
    ),
    "gateway",
)
def the_term_fits_the_maturity(execution: LoanExecution) -> Iterator[Hit]:
    """The term in months is that from execution to maturity, give or take one.

    *Because* a maturity that falls on a closed day moves, and banks count begun or full months; more is a slip.
    *Accepts* 84 months from 2026-04-15 to 2033-04-15, and to 2033-05-10.
    *Finds* 84 months to 2030-04-15.
    *Remedy* check both.
    *Source* gateway.
    """
    term, executed_on, maturity_on = execution.term_months, execution.executed_on, execution.maturity_on
    if term is None or maturity_on is None:
        return
    months = (maturity_on.year - executed_on.year) * 12 + maturity_on.month - executed_on.month
    if abs(months - term) > 1:
        told = {"term_months": term, "months": months}
        yield Hit("/term_months", told | {"executed_on": str(executed_on), "maturity_on": str(maturity_on)})


@document_rule(
    "L06",
    KIND,
    Severity.WARN,
    Words(
        ja="責任共有対象外（100%）ですが、保証割合が {ratio} です。",
        en="The loan is outside risk sharing (100 %), yet the share guaranteed is {ratio}.",
        remedy_ja="責任共有区分と保証割合を確認してください。",
        remedy_en="Check the sharing of risk and the share guaranteed.",
    ),
    "domain note 2 (責任共有制度)",
)
def what_is_not_shared_is_guaranteed_whole(execution: LoanExecution) -> Iterator[Hit]:
    """Outside risk sharing the whole loan is guaranteed.

    *Because* the two say the same; a bank under the contribution method (負担金方式) shares the risk although all is
    guaranteed, so nothing follows the other way.
    *Accepts* ``full_100`` with 1; ``shared_80`` with 0.8 or 1.
    *Finds* ``full_100`` with 0.8.
    *Remedy* check both.
    *Source* domain note 2.
    """
    ratio = execution.guarantee_ratio
    if execution.risk_share == "full_100" and ratio is not None and ratio < _WHOLE:
        yield Hit("/guarantee_ratio", {"ratio": str(ratio)})


@document_rule(
    "L07",
    KIND,
    Severity.WARN,
    Words(
        ja="借換対象保証番号に、この貸付自身の保証番号（{found}）があります。",
        en="The loan is said to refinance its own guarantee ({found}).",
        remedy_ja="借換の対象となった保証番号を記入してください。",
        remedy_en="Name the guarantees that were refinanced.",
    ),
    "gateway",
)
def a_loan_does_not_refinance_itself(execution: LoanExecution) -> Iterator[Hit]:
    """What a loan refinances are other guarantees than its own.

    *Because* whoever follows the chain of refinancing would go round in circles.
    *Accepts* 13-0000009 under 13-0000017.
    *Finds* 13-0000017 under 13-0000017.
    *Remedy* name the guarantees that were refinanced.
    *Source* gateway.
    """
    for at, number in enumerate(execution.refinanced_guarantee_nos):
        if number == execution.guarantee_no:
            yield Hit(f"/refinanced_guarantee_nos/{at}", {"found": number})
