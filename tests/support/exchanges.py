"""One exchange of every kind with a running gateway. Run as a program, it records openapi/examples/answers from them.

PYTHONPATH=.:tests/support python tests/support/exchanges.py
"""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson
from agreed import agreed
from pairing import Pairs, agreement, enrol_pairs, terms
from world import BANK, CORPORATION, TOOL, VENDOR, WITNESS, World, corporate_number, guarantee, running, trial_balance

from gateway.client import Client, Outcome, Refusal
from gateway.registers import orders
from gateway.registers.invitations import Invite
from gateway.registers.orders import Invitation
from gateway.runtime.withdraw import Asked
from gateway.security.cosignatures import cosign
from gateway.security.keys import SigningKey
from gateway.security.words import INVITATION, REVOCATION, ROTATION, code_hash, say, show_possession

EXAMPLES = Path(__file__).resolve().parents[2] / "openapi" / "examples"
SAY_NOTHING = {"healthy.200.txt", "ready.200.txt"}  # not worth a file
NEW_BANK = "bank-9993"
FIRM, NEW_FIRM = corporate_number(17).encode(), corporate_number(9_017).encode()


def exchanges(world: World) -> dict[str, bytes]:
    """Every answer by ``<operation>.<status>.<suffix>``, after the documents of openapi/examples were submitted."""
    bank, tool = world.client(BANK), world.client(TOOL)
    documents = {path.name: path.read_bytes() for path in sorted((EXAMPLES / "documents").iterdir())}
    outcomes = {name: bank.submit(document, recipient="13", filename=name) for name, document in documents.items()}
    corrected = bank.submit(documents["trial_balance.json"].replace(b"220000", b"220010"), recipient="13")
    return {
        "submit.201.json": _body(corrected),
        **_submitting(world, bank, documents["trial_balance.json"]),
        **_looking_back(bank, corrected.submission),
        **_registering(world.client(CORPORATION)),
        **_reading(tool),
        **_covering(bank, tool),
        **_consenting(world.client(VENDOR)),
        **_witnessing(world),
        "evidence.200.json": tool.evidence(outcomes["repayment.csv"].submission, line=0),
        **_withdrawing(world, bank, corrected.submission),
        **_keys(world),
        **_inviting(world),
        **_pairing(enrol_pairs(world)),
        **_at_the_door(world),
        "signature_check.200.json": bank.post("/v1/signature-check", {"kind": "trial_balance"}).content,
    }


def _submitting(world: World, bank: Client, balance: bytes) -> dict[str, bytes]:
    """What is answered to a document besides 201; the one for later is of a firm that nobody knows yet."""
    later = bank.submit(balance.replace(FIRM, NEW_FIRM), recipient="13", prefer_async=True)
    bank.wait_for(later.submission)
    with_a_letter = balance.replace(b"180000", b'"18O000"')
    return {
        "submit.200.json": _body(bank.submit(with_a_letter, recipient="13", dry_run="true")),
        "submit.202.json": _body(later),
        "outcome.200.json": bank.get(f"/v1/submissions/{later.submission}").content,
        "submit.422.json": _body(bank.submit(with_a_letter, recipient="13", filename="残高試算表.json")),
        "held.200.json": world.client(CORPORATION).get("/v1/held").content,
    }


def _looking_back(bank: Client, submission: str) -> dict[str, bytes]:
    address = f"/v1/submissions/{submission}"
    return {
        "outcome.404.json": _refused(lambda: bank.get(address[:-1])),
        "findings.200.json": bank.get(f"{address}/findings").content,
        "findings.200.csv": bank.get(f"{address}/findings", headers={"accept": "text/csv"}).content,
        "findings.200.txt": bank.get(f"{address}/findings", headers={"accept": "text/plain"}).content,
    }


def _withdrawing(world: World, bank: Client, submission: str) -> dict[str, bytes]:
    world.gateway.withdrawer.withdraw(Asked(submission, "misdirected"))
    return {"raw.410.json": _refused(lambda: bank.get(f"/v1/submissions/{submission}/raw"))}


def _keys(world: World) -> dict[str, bytes]:
    """What a bank is answered that enrols by a code, replaces its key and revokes the new one."""
    address = f"{world.base_url}/v1/participants/enrolments"
    invite = Invite(id=NEW_BANK, kind="bank", name="見本銀行", institution="9993", may=("submit:13",))
    code = orders.give(world.gateway.registrar, Invitation(invite=invite)).told
    now, old, new = datetime.now(UTC), SigningKey.generate(), SigningKey.generate()
    asked = {"code": code, "proof": show_possession(old, world.base_url, {"code": code_hash(code)}, now)}
    enrolled = httpx2.post(address, json=asked, trust_env=False).content
    with Client(world.base_url, NEW_BANK, old) as bank:
        me = f"/v1/participants/{NEW_BANK}"
        words = {
            "word": say(old, ROTATION, world.base_url, {"new_key": new.kid, "overlap_hours": 24}, now),
            "proof": show_possession(new, world.base_url, {"for": NEW_BANK}, now),
        }
        rotated = bank.post(f"{me}/keys", words).content
        word = say(old, REVOCATION, world.base_url, {"revokes": new.kid}, now)
        revoked = bank.post(f"{me}/revocations", {"word": word}).content
        shown = bank.get(me).content
        newest = orjson.loads(shown)["changes"][0]["statement"]
        return {
            "enrol_by_code.201.json": enrolled,
            "enrol_by_code.401.json": httpx2.post(address, json=asked | {"code": "00000"}, trust_env=False).content,
            "rotate_key.201.json": rotated,
            "revoke_key.200.json": revoked,
            "participant.200.json": shown,
            "change_evidence.200.json": bank.get(f"{me}/changes/{newest}").content,
        }


def _inviting(world: World) -> dict[str, bytes]:
    world.enrol("cgc-13-registrar", "corporation", None, ["enrol:13"])
    clerk, invited = world.client("cgc-13-registrar"), {"id": "bank-9994", "kind": "bank", "may": ["submit:13"]}
    word = say(clerk.key, INVITATION, world.base_url, {"invites": invited}, datetime.now(UTC))
    return {"invite.201.json": clerk.post("/v1/recipients/13/invitations", {"word": word}).content}


def _pairing(pairs: Pairs) -> dict[str, bytes]:
    """What is answered about a pairing code, to who makes it and to the accounting software."""
    firm = {"scheme": "corporate_number", "value": FIRM.decode()}
    offer = {"firm": firm, "name": "株式会社みほん商店", "terms": terms("13", "9801").model_dump(mode="json")}
    offered, software, at = pairs.clerk.post("/v1/pairings", offer), pairs.software, "/v1/pairings"
    code = offered.json()["code"]
    shown = software.post(f"{at}/previews", {"code": code})
    agreed = agreement("T-17", shown.json()["text_sha256"]).model_dump(mode="json", exclude_none=True)
    balance = trial_balance(0, 4, references=[])
    return {
        "offer_pairing.201.json": offered.content,
        "preview_pairing.200.json": shown.content,
        "preview_pairing.400.json": _refused(lambda: software.post(f"{at}/previews", {"code": "H7QK2-9TDMA"})),
        "redeem_pairing.201.json": software.post(f"{at}/redemptions", {"code": code, "agreement": agreed}).content,
        "preview_pairing.404.json": _refused(lambda: software.post(f"{at}/previews", {"code": code})),
        "submit.403.json": _refused(lambda: software.submit(balance, subject="tenant:T-18")),
    }


def _registering(clerk: Client) -> dict[str, bytes]:
    firm = {"scheme": "corporate_number", "value": NEW_FIRM.decode()}
    entry = {"guarantee_no": guarantee(9_017), "institution": "9991", "firm": firm, "name": "有限会社みほん堂"}
    customer = {"scheme": "bank_customer", "scope": "9991", "value": "C-9017"}
    corporation = {"scheme": "corporate_number", "value": corporate_number(9_018)}
    clerk.post("/v1/recipients/13/links", {"reference": corporation, "name": "株式会社みほん堂"})
    became = {"predecessor": firm, "successor": corporation, "since": "2026-04-01"}
    return {
        "guarantees.201.json": clerk.post("/v1/recipients/13/guarantees", [entry]).content,
        "link.201.json": clerk.post("/v1/recipients/13/links", {"reference": customer, "same_as": firm}).content,
        "succeed.201.json": (succeeded := clerk.post("/v1/recipients/13/successions", became)).content,
        "lineage.200.json": clerk.get(f"/v1/recipients/13/subjects/{succeeded.json()['party']}/lineage").content,
        "unlink.200.json": clerk.post("/v1/recipients/13/links/end", {"reference": customer}).content,
    }


def _reading(tool: Client) -> dict[str, bytes]:
    at = "/v1/recipients/13"

    def read(path: str, accept: str = "*/*", **asked: Any) -> bytes:
        return tool.get(f"{at}/{path}", asked, {"accept": accept}).content

    tool.get(f"{at}/feed", {"after": 1})
    return {
        "feed.200.json": read("feed", "application/json", limit=1),
        "feed.200.ndjson": read("feed", after=7, limit=1),
        "feed.200.cloudevents.json": read("feed", "application/cloudevents-batch+json", limit=1),
        "feed.400.json": _refused(lambda: read("feed", limit=0)),
        "feed.406.json": _refused(lambda: read("feed", "application/xml")),
        "feed.403.json": _refused(lambda: tool.get("/v1/recipients/14/feed")),
        "timestamp.200.json": read("log/timestamp"),
        "receipts.200.txt": read("log/receipts", limit=1),
        "inclusion.200.json": read("log/proofs/inclusion", leaf=2, size=5),
        "consistency.200.json": read("log/proofs/consistency", first=3, second=5),
        "lead_times.200.json": read("lead-times", limit=1, rows=True),
    }


def _covering(bank: Client, tool: Client) -> dict[str, bytes]:
    at = "/v1/recipients/13/coverage"
    tapes = {"kind": "repayment_status", "form": "full_tape", "since": "2026-04-01", "baseline_on": "2026-03-31"}
    return {
        "declare_coverage.201.json": bank.post(at, tapes).content,
        "coverage.200.json": tool.get(at).content,
    }


def _consenting(vendor: Client) -> dict[str, bytes]:
    consent = agreed(valid_to=date(2027, 3, 31)).model_dump(mode="json", exclude_none=True)
    given = vendor.post("/v1/consents", {"firm": {"scheme": "tenant", "value": "T-17"}, "consent": consent})
    listed = orjson.loads(vendor.get("/v1/consents").content)
    withdrawn = vendor.post(f"/v1/consents/{given.json()['id']}/withdrawal", {})
    return {
        "give_consent.201.json": given.content,
        "consents.200.json": orjson.dumps(listed),
        "withdraw_consent.200.json": withdrawn.content,
    }


def _witnessing(world: World) -> dict[str, bytes]:
    at, witness = "/v1/recipients/13/log", world.client(WITNESS)
    note = witness.get(f"{at}/checkpoint").text
    cosigned = note + cosign(note, WITNESS, world.keys[WITNESS], datetime(2026, 5, 1, tzinfo=UTC))
    return {
        "cosign.201.json": witness.post(f"{at}/cosignatures", {"note": cosigned}).content,
        "cosign.400.json": _refused(lambda: witness.post(f"{at}/cosignatures", {"note": note})),
        "cosignatures.200.json": witness.get(f"{at}/cosignatures").content,
        "checkpoint.200.txt": witness.get(f"{at}/checkpoint", {"quorum": 1}).content,
        "checkpoint.404.json": _refused(lambda: witness.get(f"{at}/checkpoint", {"quorum": 2})),
    }


def _at_the_door(world: World) -> dict[str, bytes]:
    """What is answered to somebody who is not signed in; nothing that could be used is recorded."""
    with httpx2.Client(base_url=world.base_url, trust_env=False) as stranger:
        found = {
            "metadata.200.json": "/.well-known/oauth-authorization-server",
            "jwks.200.json": "/.well-known/jwks.json",
            "api_catalog.200.json": "/.well-known/api-catalog",
            "healthy.200.txt": "/healthz",
            "ready.200.txt": "/readyz",
            "feed.401.json": "/v1/recipients/13/feed",
        }
        answers = {name: stranger.get(path).content for name, path in found.items()}
    with Client(world.base_url, BANK, SigningKey.generate()) as impostor:
        return answers | {"token.401.json": _refused(impostor.token)}


def _body(outcome: Outcome) -> bytes:
    return orjson.dumps(outcome.body)


def _refused(ask: Any) -> bytes:
    try:
        ask()
    except Refusal as refusal:
        return orjson.dumps(refusal.problem)
    raise AssertionError("this should have been refused")


def record(folder: Path) -> None:
    """Write the answers of a gateway of its own into a folder, JSON laid out for people; evidence stays as it is."""
    with tempfile.TemporaryDirectory() as data, running(Path(data), None) as world:
        for name, answer in exchanges(world).items():
            if name in SAY_NOTHING:
                continue
            laid_out = name.endswith("json") and "evidence." not in name and "ndjson" not in name
            shown = orjson.dumps(orjson.loads(answer), option=orjson.OPT_INDENT_2) + b"\n" if laid_out else answer
            (folder / name).write_bytes(shown.replace(world.base_url.encode(), b"https://gateway.example"))


if __name__ == "__main__":
    record(EXAMPLES / "answers")
