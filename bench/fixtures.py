"""What the servers are given: a world they know, documents, signed requests, repayment tapes. All seeded.

Every request is a new record: a firm's trial balance for one month. All firms send their first month, then all their
second, and each month opens with what the one before closed with; so the rules over history have something to compare
and nothing to find.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson

from gateway.registers import enrolment
from gateway.schemas.identifiers import Reference, Scheme
from gateway.security.dpop import Target, make_proof
from gateway.security.http_signatures import SignedRequest, sign_request
from gateway.security.keys import KeyRing, SigningKey
from gateway.settings import Settings
from gateway.store import registers
from gateway.store.driver import add_rows
from gateway.store.register_tables import Guarantee
from gateway.wiring import build
from mocks.tapes import BANK, CORPORATION, Row, faulty_tape

SENDER, READER = "bank-bench", "tool-bench"
DOOR = "/v1/submissions"
TARGET = f"{DOOR}?recipient={CORPORATION}"
FIRST_MONTH = date(2023, 4, 1)
REFUSING = frozenset({"R01", "R03", "V10", "V10P"})
"""Faults of a row, whatever stands beside it, for which it is refused."""

DEBIT = """
    現金 小口現金 当座預金 普通預金 定期預金 受取手形 売掛金 電子記録債権 有価証券 商品 製品 原材料 仕掛品 貯蔵品 前渡金
    前払費用 短期貸付金 未収入金 立替金 仮払金 建物 機械及び装置 車両運搬具 土地 ソフトウエア 投資有価証券 長期貸付金
    保険積立金 仕入高 役員報酬 給料手当 法定福利費 福利厚生費 旅費交通費 通信費 水道光熱費 消耗品費 地代家賃 租税公課
    支払利息
"""
CREDIT = """
    支払手形 買掛金 電子記録債務 短期借入金 未払金 未払費用 未払法人税等 未払消費税等 前受金 預り金 仮受金 賞与引当金
    長期借入金 退職給付引当金 資本金 資本準備金 利益準備金 売上高 受取利息 雑収入
"""
ACCOUNTS = [(name, side) for names, side in ((DEBIT, "debit"), (CREDIT, "credit")) for name in names.split()]
"""The sixty accounts of every trial balance, each with its side."""


@dataclass(frozen=True, slots=True)
class World:
    """A data folder in which everybody is enrolled and linked, to be copied for every round.

    Attributes:
        folder: the data folder; nothing was submitted in it yet.
        corporate_numbers: the firms that are linked.
    """

    folder: Path
    sender: SigningKey
    reader: SigningKey
    corporate_numbers: tuple[str, ...]

    def copied_to(self, folder: Path) -> Path:
        """A fresh data folder."""
        return Path(shutil.copytree(self.folder, folder))


@dataclass(frozen=True, slots=True)
class Tape:
    """A repayment file and what must become of it: how many rows are accepted, how many refused."""

    name: str
    raw: bytes
    accepted: int
    refused: int


def corporate_number(number: int) -> str:
    """A 法人番号 with its right check digit.

    >>> corporate_number(12050002)
    '7000012050002'
    """
    digits = f"{number:012d}"
    weighed = sum(int(digit) * (1 if at % 2 == 0 else 2) for at, digit in enumerate(reversed(digits)))
    return f"{9 - weighed % 9}{digits}"


def make_world(folder: Path, firms: int, loans: Sequence[Row]) -> World:
    """Enrol a bank and a targeting tool, link the firms and register the loans' guarantees."""
    sender, reader = SigningKey.generate(), SigningKey.generate()
    numbers = tuple(corporate_number(990_000_000_000 + firm) for firm in range(firms))
    now = datetime.now(UTC)
    gateway = build(Settings(data_dir=folder))
    try:
        for name, kind, key, may in ((SENDER, "bank", sender, "submit"), (READER, "tool", reader, "read")):
            entry = enrolment.Entry(
                id=name,
                kind=kind,
                name=name,
                institution=BANK if kind == "bank" else None,
                keys=KeyRing([key.public]),
                may=enrolment.entitlements([f"{may}:{CORPORATION}"]),
            )
            enrolment.enrol(gateway.registrar, entry)
        with gateway.database.write() as session:
            parties = [registers.add_party(session, f"株式会社企業{number[-6:]}") for number in numbers]
            for number, party in zip(numbers, parties, strict=True):
                registers.link(session, Reference(scheme=Scheme.CORPORATE_NUMBER, value=number), party, READER, now)
            session.flush()
            add_rows(session, Guarantee, [_guarantee(row, parties[at % firms]) for at, row in enumerate(loans)])
    finally:
        gateway.database.close()
    return World(folder, sender, reader, numbers)


def _guarantee(loan: Row, party: str) -> dict[str, object]:
    return {
        "recipient": loan["cgc_id"],
        "guarantee_no": loan["guarantee_no"],
        "institution": loan["bank_code"],
        "party": party,
        "principal_yen": loan["principal_yen"],
        "is_revolving": loan["is_revolving"],
    }


def trial_balances(seed: int, corporate_numbers: Sequence[str]) -> Iterator[bytes]:
    """Trial balances of 60 accounts (about 8 KB), month by month, without end."""
    draw = random.Random(seed)
    balances = [[draw.randrange(20_000_000, 90_000_000) for _ in ACCOUNTS] for _ in corporate_numbers]
    first = FIRST_MONTH
    while True:
        following = (first + timedelta(days=31)).replace(day=1)
        for number, standing in zip(corporate_numbers, balances, strict=True):
            yield _trial_balance(draw, number, (first, following - timedelta(days=1)), standing)
        first = following


def _trial_balance(draw: random.Random, number: str, period: tuple[date, date], standing: list[int]) -> bytes:
    """One month: each account is debited with what the next one is credited with; ``standing`` moves on."""
    amounts = [draw.randrange(100_000) for _ in ACCOUNTS]
    lines = []
    for at, (name, side) in enumerate(ACCOUNTS):
        opening, debit, credit = standing[at], amounts[at], amounts[at - 1]
        standing[at] += debit - credit if side == "debit" else credit - debit
        lines.append(
            {
                "source_name": name,
                "normal_side": side,
                "opening_yen": opening,
                "debit_yen": debit,
                "credit_yen": credit,
                "closing_yen": standing[at],
            }
        )
    return orjson.dumps(
        {
            "kind": "trial_balance",
            "references": [{"scheme": "corporate_number", "value": number}],
            "company_name": f"株式会社企業{number[-6:]}",
            "period_from": period[0],
            "period_to": period[1],
            "span": "month",
            "statements": ["BS", "PL"],
            "close_state": "closed",
            "software": "bench",
            "lines": lines,
        }
    )


def signed_requests(
    documents: Sequence[bytes], key: SigningKey, token: str, base_url: str, *, proven: bool = False
) -> list[bytes]:
    """Each document as a whole HTTP/1.1 request, signed now; good for five minutes, with a DPoP proof for one."""
    now = datetime.now(UTC)
    target = Target("POST", base_url + DOOR, token)

    def shown() -> dict[str, str]:
        if not proven:
            return {"authorization": f"Bearer {token}"}
        return {"authorization": f"DPoP {token}", "dpop": make_proof(key, target, now)}

    host = base_url.partition("://")[2]
    return [_request(document, key, shown(), (base_url, host), now) for document in documents]


def _request(document: bytes, key: SigningKey, shown: dict[str, str], address: tuple[str, str], now: datetime) -> bytes:
    digest = hashlib.sha256(document)
    headers = {
        **shown,
        "content-type": "application/json",
        "idempotency-key": f'"{digest.hexdigest()[:32]}"',
    }
    headers |= sign_request(key, SignedRequest("POST", address[0] + TARGET, headers, digest.digest()), now)
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {TARGET} HTTP/1.1\r\nhost: {address[1]}\r\n{fields}content-length: {len(document)}\r\n\r\n"
    return head.encode() + document


def tapes(seed: int, rows: list[Row]) -> list[Tape]:
    """The same month three times: clean, with 1 % of rows wrong in every way, and with every row refused."""
    some, every = faulty_tape(seed, rows, 0.01), faulty_tape(seed, rows, 1.0, REFUSING)
    count, refusing = len(rows), REFUSING | {"R04"}
    return [
        _tape("clean", some.clean, count, 0),
        _tape("1 % bad", some.faulty, count, sum(code in refusing for _, code in some.expected)),
        _tape("100 % bad", every.faulty, count, len(every.expected)),
    ]


def _tape(name: str, raw: bytes, rows: int, refused: int) -> Tape:
    return Tape(name, raw, rows - refused, refused)
