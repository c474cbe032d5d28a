"""Rules over repayment rows (償還データ), and the words for what a tape as a whole may show.

Every rule is one Polars expression over the columns of ``repayment_status``, true where something is wrong. Amounts
in 千円 were rounded before we saw them, so each stands for all exact values it may come from, and a rule finds only
what no exact value could explain.
"""

from __future__ import annotations

import polars as pl

from gateway.rules.rows import high, low
from gateway.rules.rule import About, Words, reading_rule, row_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records.repayment_columns import KIND

TRAILER_DISAGREES = reading_rule(
    "V18",
    Severity.REFUSE,
    Words(
        ja="ファイルの「{field}」が合いません（記載 {found}、データ行からは {expected}）。"
        "ファイル全体を受け付けていません。",
        en="The file's {field} says {found}, its data records say {expected}. Nothing of the file was taken.",
        remedy_ja="ファイルが途中で切れていないか、件数と合計が正しいかを確認し、全体を再提出してください。",
        remedy_en="Check that the file is complete and count and sums are right, then send the whole file again.",
    ),
    "domain note 11, V18",
)
TRAILER_UNCHECKED = reading_rule(
    "V18S",
    Severity.WARN,
    Words(
        ja="読み取れない金額があるため、トレーラの「{field}」は照合していません。",
        en="The trailer's {field} was not compared, since an amount in it cannot be read.",
        remedy_ja="差し戻された行を直して再提出してください。",
        remedy_en="Correct and resend the rows that were returned.",
    ),
    "domain note 11, V18",
)
SEQUENCE_BROKEN = reading_rule(
    "V19",
    Severity.WARN,
    Words(
        ja="ファイル通番が {found} です（次は {expected} のはずです）。欠落または重複の可能性があります。",
        en="The file's sequence number is {found}, {expected} was due: a file may be missing or repeated.",
        remedy_ja="送っていないファイル、二度送ったファイルがないか確認してください。差戻し分の再提出（fixes=）は通番を消費しません。",
        remedy_en="Check whether a file was not sent, or was sent twice. A repair (fixes=) uses up no number.",
    ),
    "domain note 11, V19",
)
"""The next number is one more than that of the newest file that is the bank's own and was not refused whole; or one
more than the highest of late, so that an old file sent again does not put the next one in the wrong.

A file in which all is unchanged counts. A repair does not, whatever its header says (``returned`` writes the number
after that of the file it repairs, which the bank's own next file bears too): a bank's system numbers what it makes.
"""

_WORKING = ("performing", "rescheduled")
_CLOSED = ("paid_off", "subrogated", "cancelled")

_term_loan = ~pl.col("is_revolving")
_status = pl.col("status")
_balance = pl.col("balance_yen")
_months = pl.col("months_in_arrears")


@row_rule(
    "V10",
    KIND,
    Severity.REFUSE,
    Words(
        ja="残高が負の値です（{balance_yen:,}円）。",
        en="The balance is negative ({balance_yen:,} yen).",
        remedy_ja="基準日の正しい残高に直してください。過入金は残高に含めません。",
        remedy_en="State the balance as of the date; what was paid in excess is no part of it.",
    ),
    "domain note 11, V10",
    about=About("balance_yen", params=("balance_yen",)),
)
def balance_is_not_negative() -> pl.Expr:
    """A balance is zero or more.

    *Because* a loan that is repaid owes nothing; what was paid in excess is the firm's deposit.
    *Accepts* a balance of 0.
    *Finds* a balance of -1,000.
    *Remedy* state the balance as of the date.
    *Source* domain note 11, V10.
    """
    return _balance < 0


@row_rule(
    "V10P",
    KIND,
    Severity.REFUSE,
    Words(
        ja="残高（{balance_yen:,}円）が当初金額（{principal_yen:,}円）を超えています。",
        en="The balance ({balance_yen:,} yen) is higher than the principal ({principal_yen:,} yen).",
        remedy_ja="残高と当初金額を確認してください。極度貸付の場合は極度区分を「1」にしてください。",
        remedy_en="Check balance and principal; mark a revolving loan as such.",
    ),
    "domain note 11, V10",
    about=About("balance_yen", params=("balance_yen", "principal_yen")),
)
def balance_is_within_principal() -> pl.Expr:
    """The balance of a term loan is at most its principal.

    *Because* a term loan is only repaid; a revolving one may be drawn again.
    *Accepts* 10,000,000 of 12,000,000; any balance of a revolving loan.
    *Finds* 12,000,001 of 12,000,000.
    *Remedy* check both amounts, or mark the loan as revolving.
    *Source* domain note 11, V10.
    """
    return _term_loan & (low("balance_yen") > high("principal_yen"))


@row_rule(
    "V11",
    KIND,
    Severity.WARN,
    Words(
        ja="残高が前回（{prev_valid_on}）の {prev_amount_yen:,}円から {balance_yen:,}円に増えています。",
        en="The balance rose from {prev_amount_yen:,} yen on {prev_valid_on} to {balance_yen:,} yen.",
        remedy_ja="訂正の場合は訂正区分と訂正理由を記入してください。極度貸付の場合は極度区分を確認してください。",
        remedy_en="If it is a correction, say so and why; check whether the loan is revolving.",
    ),
    "domain note 11, V11",
    about=About("balance_yen", params=("balance_yen", "prev_amount_yen", "prev_valid_on"), needs_history=True),
)
def balance_does_not_rise() -> pl.Expr:
    """The balance of a term loan does not rise, unless the row is a correction.

    *Because* a term loan is only repaid; a rise is a wrong figure or a cancelled repayment nobody announced.
    *Accepts* 10,000,000 after 10,100,000; a rise with correction ``replace``.
    *Finds* 10,100,000 after 10,000,000.
    *Remedy* say that it is a correction and why, or check the balance.
    *Source* domain note 11, V11.
    """
    original = pl.col("correction") == "original"
    later = pl.col("as_of") > pl.col("prev_valid_on")
    return _term_loan & original & later & (low("balance_yen") > high("prev_amount_yen"))


@row_rule(
    "V12",
    KIND,
    Severity.WARN,
    Words(
        ja="前回残高 {prev_amount_yen:,}円から当月元金入金額 {principal_paid_yen:,}円を引くと、"
        "残高 {balance_yen:,}円と合いません。",
        en="Last month's balance {prev_amount_yen:,} less payment {principal_paid_yen:,} is not {balance_yen:,}.",
        remedy_ja="当月元金入金額と残高を確認してください。取消や起算日の変更があれば訂正区分で示してください。",
        remedy_en="Check principal paid and balance; announce a cancelled or back-dated payment as a correction.",
    ),
    "domain note 11, V12",
    about=About(
        "principal_paid_yen", params=("principal_paid_yen", "balance_yen", "prev_amount_yen"), needs_history=True
    ),
)
def balance_follows_from_payment() -> pl.Expr:
    """Last month's balance less the principal paid is this month's balance.

    *Because* nothing else moves the balance of a term loan. Compared only from one month to the next: across a gap
    the payments in between are not known. The figure before is taken to be rounded like this one.
    *Accepts* 10,000,000 − 100,000 = 9,900,000; in 千円 cut off, a difference of 1.
    *Finds* 10,000,000 − 100,000 = 9,950,000.
    *Remedy* check both amounts.
    *Source* domain note 11, V12.
    """
    month = pl.col("as_of").dt.year() * 12 + pl.col("as_of").dt.month()
    month_before = pl.col("prev_valid_on").dt.year() * 12 + pl.col("prev_valid_on").dt.month()
    monthly = (pl.col("coverage_mode") != "event") & (month - month_before == 1) & (pl.col("correction") != "cancel")
    least = low("prev_amount_yen") - high("principal_paid_yen")
    most = high("prev_amount_yen") - low("principal_paid_yen")
    return _term_loan & monthly & ((least > high("balance_yen")) | (most < low("balance_yen")))


@row_rule(
    "V13",
    KIND,
    Severity.WARN,
    Words(
        ja="状態と残高（{balance_yen:,}円）が合いません。完済であれば残高は0円、残高が0円であれば状態は完済です。",
        en="The status does not fit a balance of {balance_yen:,} yen: paid off means zero, and zero paid off.",
        remedy_ja="完済かどうかを確認し、状態または残高を直してください。",
        remedy_en="Check whether the loan is paid off and correct status or balance.",
    ),
    "domain note 11, V13",
    about=About("status", params=("balance_yen",)),
)
def paid_off_means_zero() -> pl.Expr:
    """A term loan is paid off exactly when its balance is zero.

    *Because* a balance of 0 is how a bank reports 完済. A revolving loan stands at zero without being closed, and
    one taken over by the corporation or cancelled is at zero for another reason. 0 千円 may be a few yen.
    *Accepts* paid_off with 0; subrogated with 0; performing with 0 千円 cut off.
    *Finds* paid_off with 5,000; performing with 0.
    *Remedy* correct status or balance.
    *Source* domain note 11, V13 and 4.1.
    """
    still_owed = (_status == "paid_off") & (low("balance_yen") > 0)
    not_closed = ~_status.is_in(_CLOSED) & (_balance == 0) & (high("balance_yen") == 0)
    return _term_loan & (pl.col("correction") != "cancel") & (still_owed | not_closed)


@row_rule(
    "V14",
    KIND,
    Severity.WARN,
    Words(
        ja="最終入金日（{last_paid_on}）が基準日（{as_of}）より後です。",
        en="The last payment ({last_paid_on}) is later than the date of the report ({as_of}).",
        remedy_ja="最終入金日と基準日を確認してください。",
        remedy_en="Check both dates.",
    ),
    "domain note 11, V14",
    about=About("last_paid_on", params=("last_paid_on", "as_of")),
)
def last_payment_is_past() -> pl.Expr:
    """The last payment is not later than the date the row speaks of.

    *Because* a tape as of a day cannot know the days after it.
    *Accepts* paid on 2026-03-31 as of 2026-03-31.
    *Finds* paid on 2026-04-03 as of 2026-03-31.
    *Remedy* check both dates.
    *Source* domain note 11, V14.
    """
    return pl.col("last_paid_on") > pl.col("as_of")


@row_rule(
    "V14N",
    KIND,
    Severity.WARN,
    Words(
        ja="次回約定日（{next_due_on}）が基準日（{as_of}）以前ですが、延滞になっていません。",
        en="The next due date ({next_due_on}) is not after the date of the report ({as_of}), yet there are no arrears.",
        remedy_ja="次回約定日を確認してください。入金がなかった場合は延滞として報告してください。",
        remedy_en="Check the next due date; report arrears if the instalment was not paid.",
    ),
    "domain note 11, V14",
    about=About("next_due_on", params=("next_due_on", "as_of")),
)
def next_payment_is_ahead() -> pl.Expr:
    """The next due date lies after the date the row speaks of, unless the loan is in arrears or closed.

    *Because* an instalment that fell due is paid or in arrears. One that falls due on a weekend or between 31 December
    and 3 January is debited on the next business day and so may still be ahead; public holidays are not known here.
    *Accepts* due 2026-04-27 as of 2026-03-31; due Saturday 2026-02-28 as of that day.
    *Finds* due 2026-03-25 as of 2026-03-31, performing.
    *Remedy* check the date, or report the arrears.
    *Source* domain note 11, V14 and 4.3.
    """
    due_on = pl.col("next_due_on")
    month, day = due_on.dt.month(), due_on.dt.day()
    days = due_on.cast(pl.Int32)
    open_again = days + pl.when((month == 12) & (day == 31)).then(4).when((month == 1) & (day <= 3)).then(
        4 - day
    ).otherwise(0)
    weekday = (open_again + 3) % 7
    debited = open_again + pl.when(weekday >= 5).then(7 - weekday).otherwise(0)
    return _status.is_in(_WORKING) & (_months.fill_null(0) == 0) & (debited <= pl.col("as_of").cast(pl.Int32))


@row_rule(
    "V15",
    KIND,
    Severity.WARN,
    Words(
        ja="延滞月数（{months_in_arrears}か月）が、延滞開始日（{arrears_since}）から基準日（{as_of}）までの月数と合いません。",
        en="{months_in_arrears} months in arrears do not fit arrears since {arrears_since}, as of {as_of}.",
        remedy_ja="延滞月数と延滞開始日を確認してください。",
        remedy_en="Check the months in arrears and the day they began.",
    ),
    "domain note 11, V15",
    about=About("months_in_arrears", params=("months_in_arrears", "arrears_since", "as_of")),
)
def arrears_months_fit_their_start() -> pl.Expr:
    """The months in arrears are those since the arrears began, give or take one.

    *Because* banks count begun months, full months or missed instalments, which differ by at most one.
    *Accepts* 2 months since 2026-01-25 as of 2026-03-31; 3 months too.
    *Finds* 5 months since 2026-01-25 as of 2026-03-31.
    *Remedy* check both.
    *Source* domain note 11, V15.
    """
    since, as_of = pl.col("arrears_since"), pl.col("as_of")
    calendar = (as_of.dt.year() - since.dt.year()) * 12 + as_of.dt.month() - since.dt.month()
    full = calendar - (as_of.dt.day() < since.dt.day()).cast(pl.Int32)
    return (_months - full).abs() > 1


@row_rule(
    "V60",
    KIND,
    Severity.WARN,
    Words(
        ja="状態「取消」と訂正区分「取消」の一方だけが記入されています。",
        en="Status and correction disagree: a loan is cancelled in one of them only.",
        remedy_ja="貸付または記録を取り消す場合は、状態と訂正区分の両方を「取消」にしてください。",
        remedy_en="To cancel, set both status and correction to cancelled.",
    ),
    "gateway",
    about=About("status"),
)
def cancelling_says_so_twice() -> pl.Expr:
    """A row is cancelled by status and correction alike.

    *Because* one without the other leaves open whether the record or the loan is withdrawn.
    *Accepts* status ``cancelled`` with correction ``cancel``.
    *Finds* status ``cancelled`` with correction ``original``.
    *Remedy* set both.
    *Source* gateway.
    """
    return (_status == "cancelled") != (pl.col("correction") == "cancel")


@row_rule(
    "V61",
    KIND,
    Severity.WARN,
    Words(
        ja="状態が延滞ですが、延滞月数が0で、延滞元金・延滞利息もありません。",
        en="The loan is said to be in arrears, yet with zero months and nothing overdue.",
        remedy_ja="延滞月数または延滞額を記入するか、状態を確認してください。",
        remedy_en="State the months or the amounts overdue, or check the status.",
    ),
    "gateway",
    about=About("months_in_arrears"),
)
def arrears_have_substance() -> pl.Expr:
    """A loan in arrears has months or amounts in arrears.

    *Because* zero months can be a few days late, but then something is overdue.
    *Accepts* arrears with 0 months and 120,000 overdue.
    *Finds* arrears with 0 months and nothing overdue.
    *Remedy* state them, or check the status.
    *Source* gateway.
    """
    return (_status == "arrears") & (_months == 0) & ~_is_overdue()


@row_rule(
    "V62",
    KIND,
    Severity.WARN,
    Words(
        ja="状態が正常または完済ですが、延滞月数が {months_in_arrears}か月です。",
        en="The loan is said to perform or to be paid off, yet is {months_in_arrears} months in arrears.",
        remedy_ja="状態と延滞月数を確認してください。",
        remedy_en="Check status and months in arrears.",
    ),
    "gateway",
    about=About("months_in_arrears", params=("months_in_arrears",)),
)
def performing_has_no_arrears() -> pl.Expr:
    """A loan that performs or is paid off has no months in arrears.

    *Because* arrears that the status hides are seen too late by whoever selects by status.
    *Accepts* performing with 0 months.
    *Finds* performing with 2 months.
    *Remedy* check both.
    *Source* gateway.
    """
    return _status.is_in(("performing", "paid_off")) & (_months > 0)


@row_rule(
    "V63",
    KIND,
    Severity.WARN,
    Words(
        ja="状態が完済ですが、延滞元金または延滞利息が残っています。",
        en="The loan is said to be paid off, yet principal or interest is overdue.",
        remedy_ja="完済かどうかを確認し、延滞額または状態を直してください。",
        remedy_en="Check whether it is paid off and correct the amounts or the status.",
    ),
    "gateway",
    about=About("principal_overdue_yen"),
)
def paid_off_owes_nothing() -> pl.Expr:
    """A loan that is paid off has nothing overdue.

    *Because* a guarantee ends with the whole debt, interest included.
    *Accepts* paid_off with 0 overdue.
    *Finds* paid_off with 30,000 interest overdue.
    *Remedy* correct amounts or status.
    *Source* gateway.
    """
    return (_status == "paid_off") & _is_overdue()


@row_rule(
    "V64",
    KIND,
    Severity.REFUSE,
    Words(
        ja="入金ごとの報告（event）ですが、入金日がありません。",
        en="A report of a single payment (event) has no date of payment.",
        remedy_ja="入金日を記入してください。",
        remedy_en="State the date of payment.",
    ),
    "gateway",
    about=About("paid_on"),
)
def payment_has_its_date() -> pl.Expr:
    """A payment reported as it happens has the day it was made.

    *Because* the day is what the report is about, and by which it is filed.
    *Accepts* event with paid_on 2026-03-27; a tape without.
    *Finds* event without paid_on.
    *Remedy* state the date.
    *Source* domain note 4.1.
    """
    return (pl.col("coverage_mode") == "event") & pl.col("paid_on").is_null()


def _is_overdue() -> pl.Expr:
    return (pl.col("principal_overdue_yen").fill_null(0) > 0) | (pl.col("interest_overdue_yen").fill_null(0) > 0)
