"""My Number is found in any spelling, never where another number is meant, and never shown."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.formats.identifiers import my_number_holds
from gateway.rules.my_number import cleared, mask, masked_finding, masked_record, scan
from gateway.schemas.findings import Finding, Severity
from gateway.schemas.identifiers import corporate_number_holds
from gateway.schemas.place import Place

VALID = "123456789018"


@st.composite
def my_numbers(draw: st.DrawFn) -> str:
    first = draw(st.text("0123456789", min_size=11, max_size=11))
    return next(first + last for last in "0123456789" if my_number_holds(first + last))


@st.composite
def corporate_numbers(draw: st.DrawFn) -> str:
    rest = draw(st.text("0123456789", min_size=12, max_size=12))
    return next(first + rest for first in "123456789" if corporate_number_holds(first + rest))


def grouped(digits: str, size: int, separator: str) -> str:
    return separator.join(digits[at : at + size] for at in range(0, len(digits), size))


WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@given(
    number=my_numbers(),
    size=st.sampled_from([12, 6, 4, 3]),
    separator=st.sampled_from(["-", " ", "　", "－", "ー", "・", " -"]),
    wide=st.booleans(),
    around=st.sampled_from([("", ""), ("山田 ", " 様"), ("R6.3.31 ", "。"), ("No.", "/控")]),
)
def test_every_spelling_is_found_and_masked(
    number: str, size: int, separator: str, wide: bool, around: tuple[str, str]
) -> None:
    spelt = grouped(number.translate(WIDE) if wide else number, size, separator)
    text = spelt.join(around)
    [hit] = scan([("/observation", "", text)])
    assert hit.severity is Severity.WARN
    masked = mask(text)
    assert masked == text.replace(spelt, str(hit.params["found"]))
    assert [char for char in str(hit.params["found"]) if char.isdecimal()] == list(spelt[-2:])
    assert scan([("", "", masked)]) == []


@given(number=corporate_numbers(), form=st.sampled_from(["{0}{1}", "{0} {1}", "{0}-{2}", "T{0}{1}", "T{0}-{2}"]))
def test_a_corporate_number_is_never_taken_for_one(number: str, form: str) -> None:
    text = form.format(number[0], number[1:], grouped(number[1:], 4, "-"))
    assert scan([("", "個人番号", text)]) == []


@given(number=my_numbers(), more=st.text("0123456789", min_size=4, max_size=4), before=st.booleans())
def test_an_e_tax_user_number_is_never_taken_for_one(number: str, more: str, before: bool) -> None:
    assume(more)
    digits = more + number if before else number + more
    assert scan([("", "個人番号", digits), ("", "個人番号", grouped(digits, 4, "-"))]) == []


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("個人番号", VALID),
        ("", f"個人番号 {VALID}"),
        ("", f"マイナンバー：{VALID}"),
        ("", f"ﾏｲﾅﾝﾊﾞｰ{VALID}"),
        ("", f"My Number {VALID}"),
        ("", f"mynumber={VALID}"),
        ("", f"{VALID}（マイナンバー）"),
        ("", f"個 人 番 号 {VALID}"),
    ],
)
def test_a_label_in_or_near_the_text_makes_it_grave(label: str, text: str) -> None:
    assert [hit.severity for hit in scan([("", label, text)])] == [Severity.REFUSE]


def test_two_numbers_in_one_text_are_two_hits() -> None:
    assert [hit.pointer for hit in scan([("/a", "", f"{VALID} 及び {VALID}"), ("/b", "", "なし")])] == ["/a", "/a"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("1234-5678-9018 1234-5678-9018", "****-****-**18 ****-****-**18"),
        ("1234 5678 9018 1234 5678 9018", "**** **** **18 **** **** **18"),
        ("2024 1234-5678-9018", "2024 ****-****-**18"),
        ("1234-5678 9018", "****-**** **18"),
        ("123456789018、123456789018", "**********18、**********18"),
        ("1234-5678-9018-1234", "1234-5678-9018-1234"),
        ("0123456789018", "0123456789018"),
    ],
)
def test_numbers_beside_others_are_told_apart(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_only_texts_of_a_record_are_masked() -> None:
    record = {
        "company_name": f"山田商店 {VALID}",
        "references": [{"scheme": "bank_customer", "value": VALID}],
        "lines": [{"source_code": VALID, "source_name": f"預り金 {VALID}", "closing_yen": int(VALID)}],
        "issues": [f"控 {VALID}", "なし"],
    }
    assert masked_record(record) == {
        "company_name": "山田商店 **********18",
        "references": [{"scheme": "bank_customer", "value": VALID}],
        "lines": [{"source_code": VALID, "source_name": "預り金 **********18", "closing_yen": int(VALID)}],
        "issues": ["控 **********18", "なし"],
    }


def test_findings_never_show_one() -> None:
    finding = Finding(code="V23", severity=Severity.WARN, params={"account": f"預り金 {VALID}", "found": 1})
    assert masked_finding(finding).params == {"account": "預り金 **********18", "found": 1}


def test_a_finding_without_one_is_left_as_it_is() -> None:
    finding = Finding(code="V23", severity=Severity.WARN, params={"account": "現金", "found": int(VALID)})
    assert masked_finding(finding) is finding


def test_what_could_not_be_read_is_searched_as_well() -> None:
    place = Place(line=3, column=2)
    quoted = {"field": "備考", "found": f"個人番号 {VALID}", "expected": "整数"}
    unreadable = Finding(code="R01", severity=Severity.REFUSE, record=1, place=place, params=quoted)
    shown, found = cleared([unreadable])
    assert shown.params == {"field": "備考", "found": "個人番号 **********18", "expected": "整数"}
    assert (found.code, found.severity, found.record, found.place) == ("V06", Severity.REFUSE, 1, place)
    assert found.params == {"found": "**********18"}


def test_the_name_of_a_column_is_a_label_too() -> None:
    unlabelled = Finding(code="R01", severity=Severity.WARN, params={"field": "備考", "found": VALID})
    labelled = Finding(code="R01", severity=Severity.WARN, params={"field": "マイナンバー", "found": VALID})
    assert [f.severity for f in cleared([unlabelled, labelled]) if f.code == "V06"] == [Severity.WARN, Severity.REFUSE]


def test_other_problems_pass_through_untouched() -> None:
    problem = Finding(code="R02", severity=Severity.WARN, params={"found": "備考"})
    assert [each is problem for each in cleared([problem])] == [True]
