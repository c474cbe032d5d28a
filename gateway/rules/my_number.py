"""My Number (個人番号): found in texts, refused where it is called so, masked where it is not.

A corporation may not hold it and does not need it. Only texts and columns nobody mapped are searched, never typed
identifiers or money: of random twelve digits one in ten passes the check digit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from gateway.formats.identifiers import my_number_holds
from gateway.rules.rule import Hit, Words, document_rule
from gateway.rules.texts import with_texts
from gateway.rules.views import View, texts_in
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.identifiers import corporate_number_holds
from gateway.schemas.records import KINDS

_DIGIT = "[0-9０-９]"
_SEPARATOR = "[ \u3000\t.．・\\-‐‑‒–—―−－ーｰ]"
_CHAIN = re.compile(f"{_DIGIT}+(?:{_SEPARATOR}{{1,2}}{_DIGIT}+)*")
_GROUP = re.compile(f"{_DIGIT}+")
_LABEL = re.compile(r"個\s*人\s*番\s*号|マイ[\s・]*ナンバ|my[\s_\-]*n(?:umber|o\b)")
_NEAR = 40
_SHOWN = 2
_DIGITS = 12
_GROUP_SIZES = (12, 6, 4, 3)

Span = tuple[int, int]


def scan(texts: Iterable[tuple[str, str, str]]) -> list[Hit]:
    """Every My Number in these texts: refused with a label in or near the text, else a warning.

    Args:
        texts: JSON Pointer (or any address), what the field is called, and its text.

    Returns:
        Hits at the given addresses; their ``found`` is masked.
    """
    hits = []
    for pointer, label, text in texts:
        for start, end in _numbers(text):
            near = f"{label} {text[max(0, start - _NEAR) : start]} {text[end : end + _NEAR]}"
            severity = Severity.REFUSE if _is_label(near) else Severity.WARN
            hits.append(Hit(pointer, {"found": _masked(text[start:end])}, severity))
    return hits


def mask(text: str) -> str:
    """The text with all but the last two digits of every My Number replaced by asterisks.

    >>> mask("担当 1234-5678-9018 様"), mask("電話 03-1234-5678")
    ('担当 ****-****-**18 様', '電話 03-1234-5678')
    """
    for start, end in _numbers(text):
        text = text[:start] + _masked(text[start:end]) + text[end:]
    return text


def masked_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record in its JSON form with every My Number in its texts masked."""
    return with_texts(record, mask)


def masked_finding(finding: Finding) -> Finding:
    """The finding with every My Number in its params masked, since findings are sealed and shown."""
    params = {name: mask(value) if isinstance(value, str) else value for name, value in finding.params.items()}
    return finding if params == finding.params else finding.model_copy(update={"params": params})


def cleared(problems: Iterable[Finding]) -> Iterator[Finding]:
    """Findings made while reading, with every My Number in their params masked; where one stood, V06 says so as well.

    What could not be read is quoted to the clerk: an unknown column, an amount that is a sentence. It is text nobody
    mapped, so it is searched like text, under the label that the finding itself gives it.
    """
    for problem in problems:
        shown = masked_finding(problem)
        yield shown
        if shown is not problem:
            label = " ".join(filter(None, (problem.field, *map(str, problem.params.values()))))
            for hit in scan(("", label, value) for value in problem.params.values() if isinstance(value, str)):
                severity = hit.severity or Severity.WARN
                yield problem.model_copy(update={"code": "V06", "severity": severity, "params": dict(hit.params)})


def _is_label(text: str) -> bool:
    return bool(_LABEL.search(unicodedata.normalize("NFKC", text).casefold()))


def _masked(number: str) -> str:
    hidden = sum(1 for char in number if char.isdecimal()) - _SHOWN
    shown = []
    for char in number:
        is_hidden = char.isdecimal() and hidden > 0
        hidden -= is_hidden
        shown.append("*" if is_hidden else char)
    return "".join(shown)


def _numbers(text: str) -> Iterator[Span]:
    """Where My Numbers stand in a text, none overlapping another.

    Twelve digits are one group, or equal groups joined by one separator. A run of groups that does not divide into
    numbers of twelve digits is another number (利用者識別番号: four groups of four).
    """
    if len(text) < _DIGITS:
        return
    free = 0
    for chain in _CHAIN.finditer(text):
        groups = [(chain.start() + g.start(), chain.start() + g.end()) for g in _GROUP.finditer(chain[0])]
        for first, run in _runs(text, groups):
            count = _DIGITS // (run[0][1] - run[0][0])
            for start in range(0, len(run), count) if len(run) % count == 0 else ():
                before = groups[first + start - 1] if first + start else None
                members = run[start : start + count]
                if members[0][0] >= free and _is_my_number(text, members, before):
                    free = members[-1][1]
                    yield members[0][0], free


def _runs(text: str, groups: list[Span]) -> Iterator[tuple[int, list[Span]]]:
    """Groups of one size that one separator joins, with the number of the first; three of four digits in any case."""
    sizes = [end - start for start, end in groups]
    joints = [text[one[1] : other[0]] for one, other in pairwise(groups)]
    if len(set(sizes)) == 1 and sum(sizes) == _DIGITS:
        joints = joints[:1] * len(joints)
    first = 0
    while first < len(groups):
        last = first
        while last + 1 < len(groups) and sizes[last + 1] == sizes[first] and joints[last] == joints[first]:
            last += 1
        if sizes[first] in _GROUP_SIZES:
            yield first, groups[first : last + 1]
        first = max(last, first + 1)  # what ends one run may begin the next: 2024 1234-5678-9018


def _is_my_number(text: str, members: list[Span], before: Span | None) -> bool:
    """Whether groups carry the check digit, and are not a corporate number whose first digit stands apart."""
    digits = "".join(_plain(text[start:end]) for start, end in members)
    lead = _plain(text[slice(*before)]) if before else ""
    return my_number_holds(digits) and not (len(lead) == 1 and corporate_number_holds(lead + digits))


def _plain(digits: str) -> str:
    return unicodedata.normalize("NFKC", digits)


@document_rule(
    "V06",
    tuple(KINDS),
    Severity.WARN,
    Words(
        ja="個人番号（マイナンバー）と思われる番号があります（{found}）。",
        en="What seems to be a My Number stands here ({found}).",
        remedy_ja="個人番号を削除して、もう一度提出してください。協会は個人番号を必要としません。",
        remedy_en="Remove it and submit again. Corporations do not need it.",
    ),
    "domain note 11, V06; domain note 3.3",
)
def no_my_number_in_any_text(view: View) -> Iterator[Hit]:
    """No text holds a My Number: refused where it is labelled so, else taken in with the number masked.

    *Because* the law allows it to be kept for tax and social insurance only; a corporation may not even store it.
    *Accepts* 法人番号 7000012050002; 利用者識別番号 1234-5678-9012-3456; money, dates and typed numbers of any digits.
    *Finds* 「個人番号 1234-5678-9018」 (refused); 「担当 123456789018」 (a warning, masked in the line).
    *Remedy* remove the number and submit again.
    *Source* domain note 11, V06; 行政手続における特定の個人を識別するための番号の利用等に関する法律 20条.
    """
    yield from scan(texts_in(view))
