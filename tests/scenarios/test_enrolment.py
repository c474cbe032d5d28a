"""Enrolling takes one command on each side; keys are replaced and revoked; every change is sealed and can be seen."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from commands import command, environment
from sqlalchemy import update
from typer.testing import CliRunner
from world import BANK, CORPORATION, OTHER_BANK, TOOL, VENDOR, World, shown, trial_balance

from gateway.cli import app
from gateway.client import Client, Refusal, own_keys
from gateway.errors import InvalidRequest, NotFound
from gateway.registers import codes, orders
from gateway.registers.codes import MOST_TRIES
from gateway.registers.invitations import Invite
from gateway.registers.orders import Delegate, EndKey, Enrol, Invitation
from gateway.schemas.register_change import OPERATOR
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.verify import verify_evidence
from gateway.security.words import APPROVAL, INVITATION, REVOCATION, ROTATION, code_hash, say, show_possession
from gateway.store.register_tables import Proposal


def invited(world: World, name: str, **more: Any) -> str:
    """A code for a new bank, or what ``more`` says."""
    asked = {"kind": "bank", "name": f"{name}銀行", "institution": name[-4:], "may": ("submit:13",)}
    invite = Invite(id=name, **(more if more.get("replaces") else asked | more))
    return orders.give(world.gateway.registrar, Invitation(invite=invite)).told


def enrolled(world: World, name: str, beginning: str = "") -> Client:
    key = next(key for key in iter(SigningKey.generate, None) if key.public.kid.startswith(beginning))
    own_keys.enrol(world.base_url, invited(world, name), key)
    world.keys[name] = key
    return world.client(name)


def changes(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/v1/participants/{client.client_id}").json()["changes"]
    return found


def refused(ask: Any) -> int:
    with pytest.raises(Refusal) as refusal:
        ask()
    return refusal.value.status


def said(world: World, *arguments: str) -> str:
    """What a command says, here or at a participant's: run in this process, which takes a fraction of the time."""
    told = CliRunner().invoke(app, list(arguments), env=environment(world), catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return told.stdout


def test_enrolling_a_bank_takes_one_command_on_each_side(world: World, tmp_path: Path) -> None:
    bank = ["bank-9701", "bank", "第一銀行", "--institution", "9701", "--may", "submit:13"]
    code = command(world, "participants", "invite", *bank).strip()
    there = str(tmp_path / "key.pem")
    told = command(world, "keys", "enrol", "--server", world.base_url, "--code", code.lower(), "--out", there)
    key = SigningKey.load(tmp_path / "key.pem")
    assert told.startswith(f"bank-9701 {key.kid} valid until ")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    with Client(world.base_url, "bank-9701", key) as client:
        outcome = client.submit(trial_balance(1, 3), recipient="13")
    assert outcome.status == 201


def test_a_code_and_the_key_never_lie_in_the_database(world: World) -> None:
    code = invited(world, "bank-9702")
    with world.gateway.database.read() as session:
        from gateway.store import invitations

        kept = invitations.find(session, code[:5] + code[6:9])
    assert kept is not None
    assert len(kept.secret_sha256) == 32
    assert code[9:].replace("-", "") not in kept.invited


def test_a_code_is_good_once_and_asked_again_with_the_same_key_is_answered_alike(world: World) -> None:
    code, key = invited(world, "bank-9703"), SigningKey.generate()
    first = own_keys.enrol(world.base_url, code, key)
    assert own_keys.enrol(world.base_url, code, key) == first
    assert refused(lambda: own_keys.enrol(world.base_url, code, SigningKey.generate())) == 401


def test_of_many_who_use_a_code_at_once_one_is_enrolled(world: World) -> None:
    code = invited(world, "bank-9704")

    def use(key: SigningKey) -> int:
        try:
            own_keys.enrol(world.base_url, code, key)
        except Refusal as refusal:
            return refusal.status
        return 201

    with ThreadPoolExecutor(MOST_TRIES) as pool:
        statuses = list(pool.map(use, [SigningKey.generate() for _ in range(MOST_TRIES)]))
    assert sorted(statuses) == [201] + [401] * (MOST_TRIES - 1)


def test_after_five_wrong_secrets_the_right_one_is_of_no_use(world: World) -> None:
    code, key = invited(world, "bank-9705"), SigningKey.generate()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert {refused(lambda: own_keys.enrol(world.base_url, wrong, key)) for _ in range(MOST_TRIES)} == {401}
    assert refused(lambda: own_keys.enrol(world.base_url, code, key)) == 401


def test_a_code_that_is_over_or_none_or_proven_by_another_key_is_refused_alike(world: World) -> None:
    key, now = SigningKey.generate(), datetime.now(UTC)
    code = invited(world, "bank-9706")
    bodies = [
        {"code": "AAAAA-BBBBB", "proof": show_possession(key, world.base_url, {"code": code_hash("AAAAABBBBB")}, now)},
        {"code": code, "proof": show_possession(key, world.base_url, {"code": code_hash("another")}, now)},
        {"code": code, "proof": show_possession(key, "https://other", {"code": code_hash(code)}, now)},
        {
            "code": code,
            "proof": show_possession(key, world.base_url, {"code": code_hash(code)}, now - timedelta(hours=1)),
        },
        {"code": code, "proof": say(key, ROTATION, world.base_url, {"code": code_hash(code)}, now)},
        {"code": code, "proof": "nonsense"},
    ]
    answers = [httpx2.post(f"{world.base_url}/v1/participants/enrolments", json=one, trust_env=False) for one in bodies]
    assert {(one.status_code, one.content) for one in answers} == {(401, answers[0].content)}
    late = datetime.now(UTC) + timedelta(hours=73)
    registrar = LateRegistrar(world, late)
    proof = show_possession(key, world.base_url, {"code": code_hash(code)}, late)
    with pytest.raises(codes.NotAuthentic):
        codes.redeem(registrar, code, proof, world.base_url, late)
    assert own_keys.enrol(world.base_url, code, key)["participant"] == "bank-9706"


class LateRegistrar:
    """The registrar of a world whose clock is ahead."""

    def __init__(self, world: World, now: datetime) -> None:
        self.now_ = now
        of = world.gateway
        from gateway.runtime.registrar import Registrar

        self.real = Registrar(of.database, of.blocks, of.sealer, self)
        self.database, self.changing = self.real.database, self.real.changing

    def now(self) -> datetime:
        return self.now_


def test_a_code_enrols_nobody_anew_who_is_enrolled(world: World) -> None:
    with pytest.raises(codes.InvalidRequest):
        invited(world, BANK)
    with pytest.raises(codes.InvalidRequest):
        invited(world, "bank-0000", replaces=True)


def test_a_lost_key_is_replaced_by_a_code_and_ends(world: World, tmp_path: Path) -> None:
    lost = enrolled(world, "bank-9707")
    code = said(world, "participants", "invite", "--replace", "bank-9707").strip()
    said(world, "keys", "enrol", "--url", world.base_url, "--code", code, "--out", str(tmp_path / "new.pem"))
    with Client(world.base_url, "bank-9707", SigningKey.load(tmp_path / "new.pem")) as client:
        assert client.submit(trial_balance(2, 3), recipient="13").status == 201
        shown = client.get("/v1/participants/bank-9707").json()
    assert [key["valid_now"] for key in shown["keys"]] == [False, True]
    with Client(world.base_url, "bank-9707", lost.key) as again:
        assert refused(again.token) == 401


def test_a_key_is_rotated_by_its_own_word_and_both_are_good_until_the_overlap_is_over(
    world: World, tmp_path: Path
) -> None:
    old = enrolled(world, "bank-9708")
    old.key.save(tmp_path / "old.pem")
    url = ["--url", world.base_url, "--as", "bank-9708"]
    said(
        world,
        "keys",
        "rotate",
        *url,
        "--key",
        str(tmp_path / "old.pem"),
        "--out",
        str(tmp_path / "new.pem"),
        "--overlap-hours",
        "1",
    )
    said(
        world,
        "keys",
        "rotate",
        *url,
        "--key",
        str(tmp_path / "old.pem"),
        "--out",
        str(tmp_path / "new.pem"),
        "--overlap-hours",
        "1",
    )
    new = SigningKey.load(tmp_path / "new.pem")
    with Client(world.base_url, "bank-9708", new) as client:
        assert client.submit(trial_balance(3, 3), recipient="13").status == 201
        assert old.submit(trial_balance(3, 4), recipient="13").status == 201
        shown = client.get("/v1/participants/bank-9708").json()
    ends = {key["kid"]: key["valid_until"] for key in shown["keys"]}
    assert ends[old.key.kid] < ends[new.kid]
    assert [one["said"]["change"] for one in shown["changes"]] == ["key_added", "enrolled", "invited"]
    assert shown["changes"][0]["said"]["what"]["replaced_ends_at"] == ends[old.key.kid]
    assert shown["changes"][0]["said"]["authority"]["how"] == "old_key"


def test_a_word_that_is_not_the_owners_rotates_nothing(world: World) -> None:
    bank, thief, now = enrolled(world, "bank-9709"), SigningKey.generate(), datetime.now(UTC)
    address = "/v1/participants/bank-9709/keys"
    claims = {"new_key": thief.kid, "overlap_hours": 0}
    shown = show_possession(thief, world.base_url, {"for": "bank-9709"}, now)
    words = [
        (say(thief, ROTATION, world.base_url, claims, now), shown),
        (say(world.keys[BANK], ROTATION, world.base_url, claims, now), shown),
        (say(bank.key, REVOCATION, world.base_url, claims, now), shown),
        (say(bank.key, ROTATION, "https://other", claims, now), shown),
        (say(bank.key, ROTATION, world.base_url, claims, now - timedelta(minutes=6)), shown),
        (say(bank.key, ROTATION, world.base_url, claims | {"new_key": "another"}, now), shown),
        (
            say(bank.key, ROTATION, world.base_url, claims, now),
            show_possession(thief, world.base_url, {"for": "another"}, now),
        ),
    ]
    for word, proof in words:
        assert refused(lambda w=word, p=proof: bank.post(address, {"word": w, "proof": p})) == 401
    assert refused(lambda: world.client(BANK).post(address, {"word": words[0][0], "proof": shown})) == 404
    good = say(bank.key, ROTATION, world.base_url, {"new_key": thief.kid, "overlap_hours": 745}, now)
    assert refused(lambda: bank.post(address, {"word": good, "proof": shown})) == 400
    assert len(bank.get("/v1/participants/bank-9709").json()["keys"]) == 1


def test_a_key_that_is_somebody_elses_can_be_registered_by_nobody(world: World) -> None:
    bank, other = enrolled(world, "bank-9710"), world.keys[BANK]
    assert refused(lambda: own_keys.rotate(bank, other, 1)) == 400
    assert refused(lambda: own_keys.enrol(world.base_url, invited(world, "bank-9711"), other)) == 400
    order = Enrol(id="bank-9712", kind="bank", name="x", keys=(other.public.jwk(),))
    with pytest.raises(orders.enrolment.InvalidRequest):
        orders.give(world.gateway.registrar, order)
    assert world.client(BANK).submit(trial_balance(4, 3), recipient="13").status == 201


def test_a_revoked_key_signs_nothing_more_and_what_it_signed_before_stays_good(world: World, tmp_path: Path) -> None:
    bank = enrolled(world, "bank-9713")
    outcome = bank.submit(trial_balance(5, 3), recipient="13")
    kept = bank.evidence(outcome.submission)
    spare = SigningKey.generate()
    own_keys.rotate(bank, spare, 24)
    assert own_keys.revoke(bank, bank.key.kid)["kid"] == bank.key.kid
    assert refused(lambda: bank.submit(trial_balance(5, 4), recipient="13")) == 401
    with Client(world.base_url, "bank-9713", bank.key) as again:
        assert refused(again.token) == 401
    with Client(world.base_url, "bank-9713", spare) as client:
        assert client.submit(trial_balance(5, 4), recipient="13").status == 201
        assert refused(lambda: own_keys.rotate(client, bank.key, 1)) == 400, "what was ended stays so"
    keys = KeyRing([world.gateway.key.public])
    assert verify_evidence(kept, keys).holds
    assert bank.check_receipt(outcome.receipts[0], keys)["origin"]["key"] == bank.key.kid


def test_the_operator_revokes_a_key_and_enrolling_it_again_does_not_bring_it_back(world: World, tmp_path: Path) -> None:
    bank = enrolled(world, "bank-9714", "-")
    assert said(world, "participants", "revoke-key", bank.key.kid) == f"ended {bank.key.kid} of bank-9714\n"
    (tmp_path / "key.jwk").write_bytes(orjson.dumps(bank.key.public.jwk()))
    again = ["bank-9714", "bank", "第七銀行", "--key", str(tmp_path / "key.jwk")]
    said(world, "participants", "enrol", *again)
    with Client(world.base_url, "bank-9714", bank.key) as client:
        assert refused(client.token) == 401


def test_each_change_can_be_seen_by_who_it_concerns_and_verified_offline(world: World) -> None:
    bank = enrolled(world, "bank-9715")
    order = Delegate(sender=VENDOR, institution="9715", since=datetime.now(UTC).date())
    orders.give(world.gateway.registrar, order)
    newest = changes(bank)[0]
    assert newest["said"]["change"] == "delegated"
    assert newest["said"]["concerns"] == ["bank-9715", VENDOR]
    assert newest["said"]["authority"] == OPERATOR.model_dump(mode="json")
    assert changes(world.client(VENDOR))[0] == newest
    evidence = bank.get(f"/v1/participants/bank-9715/changes/{newest['statement']}").content
    report = verify_evidence(evidence, KeyRing([world.gateway.key.public]))
    assert report.holds, report
    altered = evidence.replace(b'"tree_size":', b'"tree_size":1')
    assert not verify_evidence(altered, KeyRing([world.gateway.key.public])).holds
    others = f"/v1/participants/{TOOL}/changes/{newest['statement']}"
    assert refused(lambda: world.client(TOOL).get(others)) == 404
    assert refused(lambda: world.client(TOOL).get("/v1/participants/bank-9715")) == 404


def test_a_corporation_gives_codes_by_itself_for_who_reports_to_it_alone(world: World, tmp_path: Path) -> None:
    world.enrol("registrar-13", "corporation", None, ["enrol:13", "link:13"])
    clerk = world.client("registrar-13")
    clerk.key.save(tmp_path / "registrar.pem")
    me = ["--at", "13", "--url", world.base_url, "--as", "registrar-13", "--key", str(tmp_path / "registrar.pem")]
    new = ["bank-9720", "bank", "第二十銀行", "--institution", "9720", "--may", "submit:13"]
    first, second = SigningKey.generate(), SigningKey.generate()
    own_keys.enrol(world.base_url, said(world, "participants", "invite", *new, *me).strip(), first)
    code = said(world, "participants", "invite", "--replace", "bank-9720", *me).strip()
    own_keys.enrol(world.base_url, code, second)
    with Client(world.base_url, "bank-9720", second) as bank:
        assert bank.submit(trial_balance(7, 3), recipient="13").status == 201
        assert changes(bank)[1]["said"]["authority"]["by"] == ["registrar-13"]
    wrong: list[dict[str, Any]] = [
        {"id": "bank-9721", "kind": "bank", "may": ["submit:14100"]},
        {"id": "bank-9721", "kind": "bank", "may": ["link:13"]},
        {"id": "bank-9721", "kind": "administrator"},
        {"id": OTHER_BANK, "replaces": True},
        {"id": "nobody", "replaces": True},
        {"id": "bank-9721", "kind": "bank", "institution": "9992", "may": ["submit:13"]},
        {"id": "9992", "kind": "bank", "may": ["submit:13"]},
        {"id": "vendor-9721", "kind": "vendor", "institution": "9721", "may": ["submit:13"]},
    ]
    assert [refused(lambda one=one: own_keys.invite(clerk, "13", one)) for one in wrong] == [403] * len(wrong)
    good = {"id": "bank-9721", "kind": "bank", "may": ["submit:13"]}
    assert refused(lambda: own_keys.invite(clerk, "14100", good)) == 403
    assert refused(lambda: own_keys.invite(world.client(CORPORATION), "13", good)) == 403
    word = say(SigningKey.generate(), INVITATION, world.base_url, {"invites": good}, datetime.now(UTC))
    address = "/v1/recipients/13/invitations"
    assert refused(lambda: clerk.post(address, {"word": word})) == 401, "a token is not enough"
    word = say(clerk.key, INVITATION, world.base_url, {"invites": good}, datetime.now(UTC))
    clerk.post(address, {"word": word})
    assert refused(lambda: clerk.post(address, {"word": word})) == 401, "a word is good once"


def test_what_a_code_may_do_is_looked_at_again_when_it_is_used(world: World) -> None:
    world.enrol("registrar-14100", "corporation", None, ["enrol:14100"])
    clerk = world.client("registrar-14100")

    def lent(name: str, institution: str, **more: Any) -> str:
        new = {"kind": "bank", "name": name, "institution": institution, "may": ["submit:14100"]}
        return own_keys.invite(clerk, "14100", {"id": name} | (more or new))

    def used(code: str) -> int:
        return refused(lambda: own_keys.enrol(world.base_url, code, SigningKey.generate()))

    taken, spoken_for, lost, late = (lent(f"bank-973{at}", f"973{at}") for at in range(4))
    world.enrol("bank-9730", "bank", "9730", ["submit:27"])
    world.enrol("bank-9731-of-the-operator", "bank", "9731", ["submit:27"])
    assert (used(taken), used(spoken_for)) == (403, 403)

    own_keys.enrol(world.base_url, lost, SigningKey.generate())
    replacement = lent("bank-9732", "9732", replaces=True)
    world.enrol("bank-9732", "bank", "9732", ["submit:27"])
    assert used(replacement) == 403, "it has come to others meanwhile"

    orders.give(world.gateway.registrar, EndKey(kid=clerk.key.public.kid))
    assert used(late) == 401, "on whose word it was made is nobody's any more"
    operators = invited(world, "bank-9734")
    world.enrol("bank-9734", "bank", "9734", ["submit:27"])
    assert used(operators) == 400


def test_a_right_is_taken_back_and_a_participant_that_leaves_keeps_its_history_and_nothing_else(world: World) -> None:
    world.enrol("centre-9740", "bank", "9740", ["submit:13", "submit:27", "submit:14100"])
    given = Delegate(sender="centre-9740", institution="9991", since=datetime.now(UTC).date() - timedelta(days=9))
    orders.give(world.gateway.registrar, given)
    centre = world.client("centre-9740")
    assert centre.submit(trial_balance(7, 5), recipient="27").status == 201
    said(world, "participants", "take-back", "centre-9740", "submit:27", "submit:14100")
    world.gateway.participants.look_again()
    time.sleep(1.1)  # as long as a server may go by what it read last
    assert refused(lambda: centre.submit(trial_balance(7, 6), recipient="27")) == 403
    assert centre.submit(trial_balance(7, 7), recipient="13", on_behalf_of="9991").status == 201
    with pytest.raises(InvalidRequest):
        said(world, "participants", "take-back", "centre-9740", "submit:27")
    assert changes(centre)[0]["said"]["what"]["may_no_longer"] == ["submit:14100", "submit:27"]

    token = centre.token()
    said(world, "participants", "let-go", "centre-9740")
    assert changes(world.client(BANK))[0]["said"]["change"] == "left", "for whom it spoke is told"
    time.sleep(1.1)
    at = "/v1/participants/centre-9740"
    answer = httpx2.get(world.base_url + at, headers=shown(world, "centre-9740", at, token, "GET"), trust_env=False)
    assert (answer.json()["may"], answer.json()["kind"]) == ([], "former")
    assert [one["valid_now"] for one in answer.json()["keys"]] == [False]
    with Client(world.base_url, "centre-9740", centre.key) as late:
        assert refused(late.token) == 401
    assert refused(lambda: centre.submit(trial_balance(7, 8), recipient="13")) in (401, 403)
    world.enrol("centre-9740", "bank", "9740", ["submit:27"])
    assert world.client("centre-9740").submit(trial_balance(7, 9), recipient="27").status == 201
    assert refused(lambda: centre.submit(trial_balance(7, 10), recipient="27", on_behalf_of="9991")) in (401, 403)


def test_where_there_are_two_administrators_nothing_is_changed_without_both(world: World, tmp_path: Path) -> None:
    registrar = world.gateway.registrar
    bank = enrolled(world, "bank-9716")
    for name in ("alice", "bob"):
        world.keys[name] = SigningKey.generate()
        world.keys[name].save(tmp_path / f"{name}.pem")
        order = Enrol(id=name, kind="administrator", name=name, keys=(world.keys[name].public.jwk(),))
        assert orders.give(registrar, order).told == f"enrolled {name}"
    proposal = orders.give(registrar, EndKey(kid=bank.key.kid)).proposal
    assert bank.submit(trial_balance(6, 3), recipient="13").status == 201, "proposed is not done"
    now, digest = datetime.now(UTC), orders.digest_of(orders.ordered(registrar, proposal, datetime.now(UTC)))
    for key, approves in ((world.keys[BANK], digest), (world.keys["alice"], "another")):
        word = say(key, APPROVAL, world.base_url, {"approves": approves}, now)
        with pytest.raises(orders.NotAuthentic):
            orders.approve(registrar, proposal, "alice", word, world.base_url)
    by = ["participants", "approve", proposal, "--as"]
    for _ in range(2):
        assert proposal in said(world, *by, "alice", "--key", str(tmp_path / "alice.pem")), "one is not two"
    assert "alice" not in said(world, "participants", "list").split("bank-9716")[1].split("\n")[0]
    assert said(world, *by, "bob", "--key", str(tmp_path / "bob.pem")) == f"ended {bank.key.kid} of bank-9716\n"
    assert said(world, "participants", "proposals") == ""
    said(world, "participants", "cover", "9716", "13", "repayment_status", "event", "2026-04-01")
    (covering,) = orders.waiting(registrar, datetime.now(UTC))
    for name in ("alice", "bob"):
        told = said(world, "participants", "approve", covering, "--as", name, "--key", str(tmp_path / f"{name}.pem"))
    assert told == "9716 reports repayment_status to 13 as event from 2026-04-01\n"
    forgotten = orders.give(registrar, EndKey(kid=world.keys[BANK].kid)).proposal
    with world.gateway.database.write() as session:
        session.execute(update(Proposal).values(proposed_at=datetime.now(UTC) - orders.WAITS_FOR))
    with pytest.raises(NotFound, match="has lapsed"):
        said(world, "participants", "approve", forgotten, "--as", "alice", "--key", str(tmp_path / "alice.pem"))
    assert said(world, "participants", "proposals") == ""
    with Client(world.base_url, "bank-9716", bank.key) as client:
        assert refused(client.token) == 401
    code_for = orders.give(registrar, Invitation(invite=Invite(id="bank-9716", replaces=True))).proposal
    said(world, "participants", "approve", code_for, "--as", "alice", "--key", str(tmp_path / "alice.pem"))
    approved = ["participants", "approve", code_for, "--as", "bob", "--key", str(tmp_path / "bob.pem")]
    world.keys["bank-9716"] = SigningKey.generate()
    own_keys.enrol(world.base_url, said(world, *approved).strip(), world.keys["bank-9716"])
    seen = changes(world.client("bank-9716"))
    assert [one["said"]["change"] for one in seen[:4]] == ["key_added", "invited", "covered", "key_ended"]
    assert [one["said"]["authority"]["how"] for one in seen[:3]] == ["code", "administrators", "administrators"]
    assert seen[1]["said"]["authority"]["by"] == ["alice", "bob"]
    assert len(seen[1]["said"]["authority"]["words"]) == 2
