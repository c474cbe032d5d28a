from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import islice

from bench.fixtures import ACCOUNTS, DOOR, TARGET, corporate_number, signed_requests, tapes, trial_balances
from gateway.rules.pack import check_document, check_history, standard_pack
from gateway.schemas.identifiers import corporate_number_holds
from gateway.schemas.observed import ObservedDocument
from gateway.schemas.records import TrialBalance
from gateway.security.dpop import Target, read_proof
from gateway.security.http_signatures import SignedRequest, verify_request
from gateway.security.keys import KeyRing, SigningKey
from mocks.tapes import loan_book

NUMBERS = tuple(corporate_number(990_000_000_000 + firm) for firm in range(3))
ADDRESS = "http://127.0.0.1:8040"


def documents(count: int) -> list[bytes]:
    return list(islice(trial_balances(7, NUMBERS), count))


def test_the_same_seed_gives_the_same_documents_and_no_two_are_equal() -> None:
    assert documents(9) == documents(9)
    assert len(set(documents(9))) == 9


def test_the_firms_are_numbered_as_corporations_are() -> None:
    assert all(map(corporate_number_holds, NUMBERS))


def test_a_trial_balance_has_sixty_accounts_in_about_eight_kilobytes() -> None:
    assert len(dict(ACCOUNTS)) == 60
    assert all(7_500 < len(document) < 9_000 for document in documents(9))


def test_the_rules_find_nothing_in_the_documents_nor_between_one_month_and_the_next() -> None:
    records = [TrialBalance.model_validate_json(document, strict=True) for document in documents(9)]
    pack = standard_pack()
    found = [finding for record in records for finding in check_document(pack, ObservedDocument(record, 0, ""))]
    for before, after in zip(records, records[len(NUMBERS) :], strict=False):
        found += check_history(pack, ObservedDocument(after, 0, ""), before.model_dump(mode="json"))
    assert found == []


def test_a_prebuilt_request_carries_a_signature_that_holds() -> None:
    key, [document] = SigningKey.generate(), documents(1)
    [request] = signed_requests([document], key, "a.b.c", ADDRESS)
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    signed = SignedRequest("POST", ADDRESS + TARGET, headers, hashlib.sha256(body).digest())
    verified = verify_request(signed, KeyRing([key.public]), datetime.now(UTC))
    assert (first, body, verified.keyid) == (f"POST {TARGET} HTTP/1.1", document, key.kid)
    assert headers["content-length"] == str(len(document))


def test_a_prebuilt_request_with_a_bound_token_carries_a_proof_that_its_signature_covers() -> None:
    key, made = SigningKey.generate(), documents(2)
    requests = signed_requests(made, key, "a.b.c", ADDRESS, proven=True)
    used = set()
    for request, document in zip(requests, made, strict=True):
        _, *fields = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        headers = dict(field.split(": ", 1) for field in fields)
        signed = SignedRequest("POST", ADDRESS + TARGET, headers, hashlib.sha256(document).digest())
        assert verify_request(signed, KeyRing([key.public]), datetime.now(UTC)).keyid == key.kid
        proof = read_proof(headers["dpop"], Target("POST", ADDRESS + DOOR, "a.b.c"), datetime.now(UTC))
        assert (proof.jkt, headers["authorization"]) == (key.kid, "DPoP a.b.c")
        used.add(proof.jti)
    assert len(used) == 2


def test_the_three_tapes_have_the_same_rows_and_say_how_many_are_refused() -> None:
    rows = loan_book(1, 400)
    clean, some, every = tapes(1, rows)
    assert (clean.accepted, clean.refused) == (400, 0)
    assert 0 < some.refused <= 4
    assert every.refused == 399
    assert {tape.accepted + tape.refused for tape in (clean, some, every)} == {400}
