"""Rules over a document and what the recipient's register says of the guarantees it names.

Registers lag and are incomplete: of what the register does not say, nothing is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.rules.rule import Hit, Words, register_rule
from gateway.schemas.findings import Severity
from gateway.schemas.records import MonitoringReport
from gateway.schemas.submission import Guaranteed

_NO_SCHEME = "other"
_SHOWN = 5


@register_rule(
    "V36",
    "monitoring_report",
    Severity.WARN,
    Words(
        ja="保証制度「{found}」は、報告期間（{period}）に、記載された保証（{guarantees}）のいずれでも有効ではありません。",
        en="The scheme '{found}' is in force for none of the guarantees named ({guarantees}) in the period ({period}).",
        remedy_ja="保証番号と保証制度を確認してください。台帳の誤りは信用保証協会にお問い合わせください。",
        remedy_en="Check the guarantee numbers and the scheme; if the register is wrong, ask the corporation.",
    ),
    "domain note 11, V36",
)
def schemes_are_in_force(report: MonitoringReport, guaranteed: Mapping[str, Guaranteed]) -> Iterator[Hit]:
    """A scheme that a report names is in force in its period for one of the guarantees it names.

    *Because* the scheme decides what is due, from when until when: a report under another one fulfils nothing.
    *Accepts* a scheme that is in force on one day of the period; any scheme as long as the register does not know one
    of the guarantees or its scheme, and any day where it knows no first or last one; その他.
    *Finds* ゼロゼロ融資 on a report whose only guarantee is one under 創業, or was under ゼロゼロ until the day before.
    *Remedy* correct the number or the scheme.
    *Source* domain notes 5.1 and 11, V36.
    """
    known = [guaranteed.get(number) for number in report.guarantee_nos]
    if not all(one is not None and one.scheme_family is not None for one in known):
        return
    numbers = ", ".join(report.guarantee_nos[:_SHOWN]) + (", …" if len(report.guarantee_nos) > _SHOWN else "")
    for place, scheme in enumerate(report.scheme_families):
        if scheme != _NO_SCHEME and not any(one and _in_force(one, scheme, report) for one in known):
            period = f"{report.period_from} – {report.period_to}"
            yield Hit(f"/scheme_families/{place}", {"found": scheme[:40], "guarantees": numbers, "period": period})


def _in_force(guaranteed: Guaranteed, scheme: str, report: MonitoringReport) -> bool:
    first, last = guaranteed.scheme_from or report.period_to, guaranteed.scheme_until or report.period_from
    return guaranteed.scheme_family == scheme and first <= report.period_to and last >= report.period_from
