"""Rules over the numbers by which a document names the firm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.formats.identifiers import invoice_number_digits
from gateway.formats.text import narrow
from gateway.rules.rule import Hit, Words, document_rule
from gateway.rules.views import View, record_of, texts_in
from gateway.schemas.findings import Severity
from gateway.schemas.identifiers import Scheme, corporate_number_holds
from gateway.schemas.records import KINDS, MonitoringReport, Record

_IN_TEXT = {
    Scheme.CORPORATE_NUMBER: re.compile(r"法人番号[^0-9A-Za-z]{0,5}([0-9]{13})(?![0-9])"),
    Scheme.INVOICE_NUMBER: re.compile(r"登録番号[^0-9A-Za-z]{0,5}(T[0-9]{10,15})(?![0-9])"),
}
_CORPORATE = frozenset({"corporation", "medical_corp", "npo"})


@document_rule(
    "V01",
    tuple(KINDS),
    Severity.REFUSE,
    Words(
        ja="法人番号 {found} の検査用数字が正しくありません。",
        en="Corporate number {found} does not carry its check digit.",
        remedy_ja="法人番号（13桁）を国税庁の公表サイトで確認してください。",
        remedy_en="Look the number up (13 digits) on the National Tax Agency's site.",
    ),
    "domain note 11, V01; 法人番号の指定等に関する省令",
)
def corporate_numbers_carry_their_check_digit(view: View) -> Iterator[Hit]:
    """A corporate number has thirteen digits, the first of which checks the rest.

    *Because* one wrong digit names another firm, or none, and the figures would go to it.
    *Accepts* 7000012050002.
    *Finds* 7000012050003 (refused); the same in a text after 「法人番号」 (a warning).
    *Remedy* look the number up and correct it.
    *Source* domain note 3.1; 法人番号の指定等に関する省令.
    """
    for number, value in _references(record_of(view), Scheme.CORPORATE_NUMBER):
        if not corporate_number_holds(value):
            yield Hit(f"/references/{number}/value", {"found": value})
    for pointer, value in _in_texts(view, Scheme.CORPORATE_NUMBER):
        if not corporate_number_holds(value):
            yield Hit(pointer, {"found": value}, Severity.WARN)


@document_rule(
    "V03",
    tuple(KINDS),
    Severity.REFUSE,
    Words(
        ja="適格請求書発行事業者の登録番号 {found} が正しくありません（{expected}）。",
        en="Invoice registration number {found} is not right ({expected}).",
        remedy_ja="登録番号は「T」と13桁の数字です。法人の場合、13桁は法人番号と同じです。",
        remedy_en="It is T and thirteen digits; a corporation's digits are its corporate number.",
    ),
    "domain note 11, V03",
)
def invoice_numbers_are_well_formed(view: View) -> Iterator[Hit]:
    """An invoice number is ``T`` and thirteen digits; a corporation's are its corporate number, a person's are free.

    *Because* it is the only public number of a sole proprietor, and a second way to name the wrong corporation.
    *Accepts* T7000012050002; any thirteen digits for a sole proprietor.
    *Finds* 7000012050002 or T700001205000 (refused); other digits than the stated corporate number (a warning).
    *Remedy* correct the number.
    *Source* domain note 3.2.
    """
    record = record_of(view)
    for number, value in _references(record, Scheme.INVOICE_NUMBER):
        corporate = next((value for _, value in _references(record, Scheme.CORPORATE_NUMBER)), None)
        is_corporate = corporate is not None or _says_it_is_corporate(record)
        pointer = f"/references/{number}/value"
        digits = invoice_number_digits(value)
        if digits is None:
            yield Hit(pointer, {"found": value, "expected": "T + 13 桁 / digits"})
        elif is_corporate and not corporate_number_holds(digits):
            yield Hit(pointer, {"found": value, "expected": f"T{corporate or ' + 法人番号 / corporate number'}"})
        elif corporate is not None and digits != corporate:
            yield Hit(pointer, {"found": value, "expected": f"T{corporate}"}, Severity.WARN)
    for pointer, value in _in_texts(view, Scheme.INVOICE_NUMBER):
        if invoice_number_digits(value) is None:
            yield Hit(pointer, {"found": value, "expected": "T + 13 桁 / digits"}, Severity.WARN)


def _says_it_is_corporate(record: Record) -> bool:
    return isinstance(record, MonitoringReport) and record.entity_type in _CORPORATE


def _references(record: Record, scheme: Scheme) -> Iterator[tuple[int, str]]:
    for number, reference in enumerate(record.references):
        if reference.scheme is scheme:
            yield number, narrow(reference.value)


def _in_texts(view: View, scheme: Scheme) -> Iterator[tuple[str, str]]:
    """Numbers that a text calls by their name."""
    for pointer, _, text in texts_in(view):
        for found in _IN_TEXT[scheme].finditer(narrow(text)):
            yield pointer, found[1]
