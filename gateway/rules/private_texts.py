"""The rule over what people wrote: no account number, and no third person's name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gateway.formats.text import narrow
from gateway.rules.rule import Hit, Words, document_rule
from gateway.rules.texts import texts_of
from gateway.schemas.findings import Severity
from gateway.schemas.records import MonitoringReport, Record

NARRATIVES: Mapping[str, frozenset[str]] = {
    "field_note": frozenset({"note"}),
    "recommendation": frozenset({"note", "done_so_far"}),
    "support_record": frozenset({"note"}),
    "approach": frozenset({"note"}),
    "alignment": frozenset({"note"}),
    "plan_progress": frozenset({"goal", "action", "gap_reason", "countermeasure"}),
    "inquiry": frozenset({"question"}),
    "answer": frozenset({"reply", "text"}),
}
"""By record kind: the fields in which people write at length, at whatever depth they stand; reports are below."""

_KANJI = "\u4e00-\u9fff々"
_PRIVATE = {
    "口座番号 / bank account": re.compile(
        r"(?:口座(?:番号)?|普通(?:預金)?|当座(?:預金)?|貯蓄預金)[^0-9\n]{0,8}[0-9]{7}(?![0-9])"
        r"|記号[^0-9\n]{0,4}[0-9]{5}[^0-9\n]{1,8}(?:番号[^0-9\n]{0,4})?[0-9]{2,8}(?![0-9])"
    ),
    "第三者の氏名 / a third party's name": re.compile(
        "(?:妻|夫|配偶者|長男|次男|二男|三男|長女|次女|二女|三女|息子|娘|父|母|兄|弟|姉|妹|親族|知人|連帯保証人|保証人|従業員)"
        f"[のは、・:( ]?[{_KANJI}]{{1,3}} ?[{_KANJI}]{{1,3}}(?<![同皆多仕模一異神奥各有客])(?:氏|さん|様)"
    ),
}


@document_rule(
    "V35",
    ("monitoring_report", *NARRATIVES),
    Severity.WARN,
    Words(
        ja="自由記述に{found}と思われる記載があります。",
        en="A free text seems to hold personal details: {found}.",
        remedy_ja="報告に必要のない個人の情報は削除してください。",
        remedy_en="Remove personal details that the report does not need.",
    ),
    "domain note 11, V35; domain note 12",
)
def free_text_names_no_account_and_no_third_party(record: Record) -> Iterator[Hit]:
    """Free text holds no bank account and no name of a relative, guarantor or employee.

    *Because* consent covers the firm's figures, not other people; a My Number is looked for by rule V06.
    *Accepts* 「社長の長男が後継者候補」; 「前年比 1,234,567円の減収」; 「B社様からの受注減」.
    *Finds* 「普通 1234567」; 「長男の山田太郎氏」 (never quoted in the finding).
    *Remedy* remove it; the raw document stays with the sender's submission.
    *Source* domain note 12.
    """
    for pointer, text in _narratives(record):
        for found, pattern in _PRIVATE.items():
            if pattern.search(narrow(text)):
                yield Hit(pointer, {"found": found})


def _narratives(record: Record) -> Iterator[tuple[str, str]]:
    if isinstance(record, MonitoringReport):
        return _of_report(record)
    wanted = NARRATIVES[record.kind]
    texts = texts_of(record.model_dump(mode="json", exclude_none=True))
    return ((pointer, text) for pointer, _, text in texts if pointer.rpartition("/")[2] in wanted)


def _of_report(report: MonitoringReport) -> Iterator[tuple[str, str]]:
    texts: dict[str, str | None] = {
        "/observation": report.observation,
        "/performance/cause": report.performance.cause,
        "/plan/gap_reason": report.plan.gap_reason,
        "/plan/countermeasure": report.plan.countermeasure,
    }
    texts |= {f"/support/fi_actions/{number}": text for number, text in enumerate(report.support.fi_actions)}
    texts |= {f"/plan/items/{number}/action": item.action for number, item in enumerate(report.plan.items)}
    return ((pointer, text) for pointer, text in texts.items() if text)
