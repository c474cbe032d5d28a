from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unreadable
from gateway.formats.text import Decoded, decode, delimited_rows, match_key, narrow
from gateway.schemas.place import Place

SAMPLES = Path(__file__).resolve().parents[3] / ".." / "shared" / "samples"
SPECTRUM = SAMPLES / "05_malicious" / "csv-spectrum"

FAMILY = [
    "青木",
    "石川",
    "上田",
    "遠藤",
    "岡本",
    "加藤",
    "木村",
    "小林",
    "佐藤",
    "鈴木",
    "高橋",
    "中村",
    "野口",
    "橋本",
    "松本",
    "山田",
    "渡辺",
]
TRADE = [
    "商店",
    "工業",
    "建設",
    "運輸",
    "食品",
    "製作所",
    "電機",
    "印刷",
    "サービス",
    "ホールディングス",
    "クリーニング",
]
ACCOUNTS = [
    "現金及び預金",
    "売掛金",
    "買掛金",
    "短期借入金",
    "売上高",
    "仕入高",
    "旅費交通費",
    "減価償却費",
    "ソフトウエア",
    "リース債務",
]


def _document(seed: int) -> str:
    draw = random.Random(seed)
    rows = [f"株式会社{draw.choice(FAMILY)}{draw.choice(TRADE)},令和{draw.randint(1, 7)}年3月期"]
    rows += [f"{draw.choice(ACCOUNTS)},{draw.randint(-9_999, 99_999_999)}" for _ in range(draw.randint(1, 30))]
    return "\r\n".join(rows)


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
def test_three_hundred_documents_in_each_encoding_are_all_read_right(encoding: str) -> None:
    documents = [_document(seed) for seed in range(300)]
    wrong = [text for text in documents if decode(text.encode(encoding)) != Decoded(text, encoding, 0)]
    assert wrong == []


def test_characters_only_windows_knows_are_read() -> None:
    assert decode("①㈱髙﨑～－".encode("cp932")) == Decoded("①㈱髙﨑～－", "cp932", 0)


def test_every_character_of_the_web_s_own_table_is_read_alike() -> None:
    folder = SAMPLES / "05_malicious" / "encoding-shift_jis"
    if not folder.exists():
        pytest.skip("the shared samples are not here")
    ours = decode((folder / "shift_jis_in.txt").read_bytes()).text.splitlines()
    theirs = (folder / "shift_jis_in_ref.txt").read_text("utf-8").splitlines()
    read = [(our, their) for our, their in zip(ours, theirs, strict=True) if "\ufffd" not in their]
    assert [pair for pair in read if pair[0] != pair[1]] == []
    assert len(read) > 5_000


def test_a_utf8_mark_decides_and_is_not_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbf" + "残高".encode()) == Decoded("残高", "utf-8-sig", 0)
    assert decode(b"\xef\xbb\xbf\xff").replaced == 1


def test_what_no_encoding_can_read_is_replaced_and_counted() -> None:
    broken = "残高,100\r\n".encode("cp932") + b"\x81\x20,\xa0\xff\x82"
    reading = decode(broken)
    assert (reading.encoding, reading.replaced) == ("cp932", reading.text.count("\ufffd"))
    assert reading.text.startswith("残高,100\r\n")
    assert reading.replaced > 0


@given(st.binary(max_size=200))
def test_any_bytes_are_some_text(raw: bytes) -> None:
    reading = decode(raw)
    assert reading.encoding in {"utf-8-sig", "utf-8", "cp932", "euc_jp"}
    assert reading.replaced <= len(raw)


@given(st.text())
def test_utf8_is_never_taken_for_anything_else(text: str) -> None:
    assert decode(text.encode()).text == text.removeprefix("\ufeff")


def test_full_width_ascii_becomes_narrow_and_nothing_else_does() -> None:
    assert narrow("（１，２３４）　△②²") == "(1,234) △②²"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("株式会社髙橋商店", "高橋商店㈱"),
        ("（有）山﨑・工業", "山崎工業(有)"),
        ("ｶ)ﾔﾏﾀﾞ ﾃﾞﾝｷ", "ヤマダデンキ"),
        ("合同会社ABC", "ａｂｃ"),
        ("現金･預金", "現金・預金"),
        ("渡邊製作所", "渡邉　製作所"),
        ("ア～ト", "ア〜ト"),
    ],
)
def test_two_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert match_key(one) == match_key(other)


def test_a_name_that_is_only_a_corporate_form_keeps_it() -> None:
    assert match_key("株式会社") == "株式会社"


def test_different_names_keep_different_keys() -> None:
    assert match_key("売掛金") != match_key("買掛金")
    assert match_key("株式会社山田") != match_key("株式会社山口")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_a_key_of_a_key_is_the_same_key(name: str) -> None:
    assert match_key(match_key(name)) == match_key(name)


@given(st.text(alphabet="株式会社()カユブ㈱有限髙高ｶﾞ・ -", max_size=16))
def test_a_key_of_a_key_is_the_same_key_for_names_made_of_forms(name: str) -> None:
    assert match_key(match_key(name)) == match_key(name)


def test_rows_say_on_which_line_they_start_and_what_they_are() -> None:
    text = 'a,"two\r\nlines",b\r\n\r\nc,d\re\n'
    assert list(delimited_rows(text)) == [
        (1, ["a", "two\r\nlines", "b"], 'a,"two\r\nlines",b'),
        (3, [""], ""),
        (4, ["c", "d"], "c,d"),
        (5, ["e"], "e"),
    ]


def test_doubled_quotes_are_one_and_a_quote_inside_a_plain_cell_is_itself() -> None:
    assert [cells for _, cells, _ in delimited_rows('"a""b",5"\n"",x')] == [['a"b', '5"'], ["", "x"]]


def test_tabs_and_empty_last_cells_are_kept() -> None:
    assert [cells for _, cells, _ in delimited_rows('a\t"b,c"\t\n', "\t")] == [["a", "b,c", ""]]


def test_only_real_line_ends_end_a_line() -> None:
    assert [cells for _, cells, _ in delimited_rows("a\x0b,b\u2028,c\x85\n")] == [["a\x0b", "b\u2028", "c\x85"]]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('a,b\nc,"d', Place(line=2, column=2)),
        ('a,"b" ,c', Place(line=1, column=2)),
        ('"x\ny","z', Place(line=2, column=2)),
    ],
)
def test_a_broken_quote_is_unreadable_and_says_where(text: str, place: Place) -> None:
    with pytest.raises(Unreadable) as refused:
        list(delimited_rows(text))
    assert refused.value.place == place


ROWS = st.lists(st.lists(st.text(alphabet='ab,"\r\n 表', max_size=6), min_size=1, max_size=4), max_size=6)


@given(ROWS)
def test_what_a_csv_writer_wrote_is_what_is_read(rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)
    assert [cells for _, cells, _ in delimited_rows(written.getvalue())] == rows


@given(st.text(alphabet='ab,"\r\n', max_size=30))
def test_own_texts_and_line_ends_together_are_the_whole_text(text: str) -> None:
    try:
        rows = list(delimited_rows(text))
    except Unreadable:
        return
    at = 0
    for _, _, own in rows:
        assert text.startswith(own, at)
        at += len(own)
        at += 2 if text.startswith("\r\n", at) else 1
    assert at - len(text) in {0, 1}  # one too many where the last row has no line end


def test_the_public_csv_spectrum_is_read_as_its_authors_say() -> None:
    if not SPECTRUM.exists():
        pytest.skip("the shared samples are not here")
    for source in sorted(SPECTRUM.rglob("*.csv")):
        expected = json.loads((SPECTRUM / "json" / f"{source.stem}.json").read_text("utf-8"))
        header, *rows = [cells for _, cells, own in delimited_rows(source.read_bytes().decode("utf-8")) if own]
        assert [dict(zip(header, row, strict=True)) for row in rows] == expected, source.name
