"""Rules over one filed financial statement, and the words for what is noticed while reading one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gateway.formats.money import Interval
from gateway.rules.accounts import ByAccount, by_account
from gateway.rules.rule import Hit, Words, document_rule, reading_rule
from gateway.rules.sheet import Sheet
from gateway.rules.texts import holds_long_number
from gateway.schemas.findings import Severity
from gateway.schemas.records import FinancialStatement

KIND = "financial_statement"

_YEAR_DAYS = 365
_TOLERATED_DAYS = 15

ENCODING = reading_rule(
    "V41",
    Severity.WARN,
    Words(
        ja="読み取れない文字が{count}か所あり、「�」に置き換えました。",
        en="{count} characters could not be read and stand as U+FFFD.",
        remedy_ja="外字を使わないか、UTF-8 で出力してください。原本はそのまま保管しています。",
        remedy_en="Avoid private characters, or export as UTF-8. The raw document is kept as it is.",
    ),
    "domain note 11, V41",
)
OTHER_STATEMENT = reading_rule(
    "V42",
    Severity.REFUSE,
    Words(
        ja="ファイル名の財務諸表の種類（{expected}）と内容（{found}）が一致しません。",
        en="The file's name says statement {expected}, its content {found}.",
        remedy_ja="ファイル名と、1行目（A）の財務諸表の種類を確認してください。",
        remedy_en="Check the file's name and the statement type in its first line (A).",
    ),
    "domain note 11, V42; HOT010 file names",
)
BROKEN_LAYOUT = reading_rule(
    "V43",
    Severity.REFUSE,
    Words(
        ja="e-Tax の CSV 様式に合わない行があります（{problem}: {found}）。",
        en="A line departs from e-Tax's CSV layout ({problem}: {found}).",
        remedy_ja="階層番号は1つずつ増やし、勘定科目コードは重複させず、金額にカンマを入れないでください。",
        remedy_en="Let levels grow by one, use each account code once, and write amounts without commas.",
    ),
    "domain note 11, V43; HOT010 record layout",
)


@dataclass(frozen=True)
class Filed:
    """A financial statement as the rules look at it."""

    record: FinancialStatement

    @cached_property
    def sheet(self) -> Sheet:
        """Its rows and columns."""
        return Sheet.of_statement(self.record)

    @cached_property
    def has_long_number(self) -> bool:
        """Whether any text holds twelve digits or more."""
        record = self.record
        rows = record.columns["source_name"] + record.columns["text"]
        disclosed = record.disclosure.texts if record.disclosure else ()
        return holds_long_number((record.company_name, record.correction_reason, record.term_label, *disclosed, *rows))

    @cached_property
    def accounts(self) -> ByAccount:
        """The lines by account, to be compared with an earlier document."""
        return by_account(self.record.lines)

    @property
    def has_totals(self) -> bool:
        """Filed statements state their totals."""
        return True

    @property
    def is_balanceable(self) -> bool:
        """A balance sheet has two sides, other statements do not."""
        return self.record.statement_type == "BS"

    @property
    def imbalance(self) -> Severity:
        """What was approved by the shareholders balances, or was copied wrongly."""
        return Severity.REFUSE

    def sides(self) -> tuple[Interval, Interval] | None:
        """Only totals state the sides of a filed statement."""
        return None


@document_rule(
    "V27",
    KIND,
    Severity.WARN,
    Words(
        ja="事業年度（{term_from}～{term_to}、{days}日）が12か月ではありません。",
        en="The term ({term_from} to {term_to}, {days} days) is not twelve months.",
        remedy_ja="事業年度の開始日と終了日を確認してください。決算期の変更や設立初年度であれば、そのままで構いません。",
        remedy_en="Check the first and last day of the term. Leave it if the firm is new or changed its closing date.",
    ),
    "domain note 11, V27",
)
def a_term_is_twelve_months(view: Filed) -> Iterator[Hit]:
    """A term has twelve months, give or take half a month; one that ends before it begins is refused.

    *Because* ratios over a shorter or longer term cannot be compared, and a wrong date files it in a wrong place.
    *Accepts* 2023-04-01 to 2024-03-31; 2023-03-21 to 2024-03-20.
    *Finds* 2023-10-01 to 2024-03-31 (a warning); 2024-03-31 to 2023-04-01 (refused).
    *Remedy* correct the dates; nothing to do for a first term or a changed closing date.
    *Source* domain note 11, V27; 会社計算規則 59条.
    """
    first, last = view.record.fiscal_year_start, view.record.fiscal_year_end
    days = (last - first).days + 1
    if abs(days - _YEAR_DAYS) > _TOLERATED_DAYS:
        params: dict[str, str | int] = {"term_from": first.isoformat(), "term_to": last.isoformat(), "days": days}
        yield Hit("/fiscal_year_end", params, Severity.REFUSE if days < 1 else Severity.WARN)
