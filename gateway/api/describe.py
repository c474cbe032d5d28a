"""The words of the published description (OpenAPI): what each address is for, what it answers, who may ask.

The framework knows addresses and parameters; what it cannot know, since answers are put together from stored bytes, is
said here. ``make docs`` writes the whole to openapi/gateway.yaml; a running gateway serves it at /openapi.json.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from gateway.api import answers, pairing_answers
from gateway.schemas.access import Address, load_address
from gateway.schemas.identifiers import Channel
from gateway.schemas.records import KINDS

ABOUT = """\
Banks and accounting vendors give credit guarantee corporations (信用保証協会) validated, signed data; corporations read
it by position and can prove that nothing was withheld or altered.

- **Sign in**: `POST /oauth2/token` with `private_key_jwt`; a token is good for five minutes.
- **Submit**: sign each submission (RFC 9421) with the same key, and keep the receipt.
- **Read**: follow the feed from position 0, and hold it against receipts and checkpoint.

Amounts are whole yen, instants RFC 3339 in UTC, dates those of the Japanese calendar. Answers are UTF-8. Record kinds
are described in `openapi/schemas`, findings in `docs/rules.md`, problems in `docs/errors.md`.
"""

TAGS = [
    {"name": "submissions", "description": "Hand over documents, and see what came of them · 提出と結果"},
    {"name": "recipients", "description": "What a corporation and its tools read and verify · 配信と検証"},
    {"name": "registers", "description": "Which number names which firm · 名寄せと保証の登録"},
    {"name": "pairings", "description": "A firm agrees in its accounting software, by a code · ペアリングコード"},
    {"name": "consents", "description": "What firms agreed may be disclosed · 同意"},
    {"name": "participants", "description": "Your own keys and rights, and how they changed · 参加者と鍵"},
    {"name": "tokens", "description": "Signing in, and our public keys · 認証と公開鍵"},
    {"name": "operations", "description": "Is it well? · 稼働状況"},
]
HEAD: dict[str, Any] = {
    "title": "Hayame",
    "summary": "Timely, validated and verifiable data for credit guarantee corporations",
    "description": ABOUT,
    "openapi_tags": TAGS,
    "license_info": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    "default_response_class": Response,
    "generate_unique_id_function": lambda route: route.name,
}
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token of `POST /oauth2/token`. What an address asks for (`submit`, `read`, `link`, "
    "`witness`, `enrol`, `pair`, `redeem`) must be in the token's scope, and in the register for the recipient "
    "concerned; an accounting vendor or tax accountant's office may `submit` where firms agreed that paired with it.",
}

DPOP = {
    "type": "http",
    "scheme": "dpop",
    "description": "A token that was asked for with a `DPoP` proof (RFC 9449), and with each request a new proof by "
    "the same key, its `ath` being that of the token.",
}

Recipient = Annotated[
    str, Path(description="The corporation: one of 51, by prefecture or city code", examples=["13", "14100"])
]
SubmissionId = Annotated[str, Path(description="The submission, as its outcome names it")]

SCHEMAS = "#/components/schemas/"
Content = dict[str, dict[str, Any]]
"""What an answer holds, by media type."""

Said = dict[int | str, dict[str, Any]]
"""What is answered, by status; the first is what usually happens."""


class DescribedApp(FastAPI):
    """The framework's application, with our answers and our way of signing in added to its description."""

    def openapi(self) -> dict[str, Any]:
        """The description (OpenAPI 3.1), made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            components = described["components"]
            components["schemas"] = dict(sorted((components["schemas"] | _shapes()).items()))
            components["responses"] = {name: _says(text, PROBLEM) for name, text in PROBLEMS.items()}
            components["securitySchemes"] = {"bearer": BEARER, "dpop": DPOP}
            for path in described["paths"].values():
                for operation in path.values():
                    operation["security"] = _security(load_address(operation["operationId"]))
        return super().openapi()


def _shapes() -> dict[str, Any]:
    """The schema of every answer, by name."""
    rooms = (answers, pairing_answers)
    mine = [one for room in rooms for one in vars(room).values() if getattr(one, "__module__", "") == room.__name__]
    _, made = models_json_schema(
        [(one, "serialization") for one in mine if one is not answers.Answer], ref_template=SCHEMAS + "{model}"
    )
    shapes: dict[str, Any] = made["$defs"]
    return shapes


def _json(*shapes: type[BaseModel], media_type: str = "application/json") -> Content:
    return {media_type: {"schema": _schema(*shapes)}}


def _schema(*shapes: type[BaseModel]) -> dict[str, Any]:
    named = [{"$ref": SCHEMAS + shape.__name__} for shape in shapes]
    return named[0] if len(named) == 1 else {"anyOf": named}


def _list(shape: type[BaseModel], media_type: str = "application/json") -> Content:
    return {media_type: {"schema": {"type": "array", "items": _schema(shape)}}}


def _text(media_type: str = "text/plain") -> Content:
    return {media_type: {"schema": {"type": "string"}}}


PROBLEM = _json(answers.Problem, media_type="application/problem+json")
ANY_JSON: Content = {"application/json": {"schema": {"type": "object"}}}
CONTAINER: Content = {"application/vnd.etsi.asic-e+zip": {}}
BYTES: Content = {"application/octet-stream": {}}

PROBLEMS = {
    "Invalid": "A parameter, header or body is not of its form",
    "Unauthenticated": "There is no token, or it does not hold",
    "NotEntitled": "Not entitled to this",
    "Absent": "There is no such thing, or none that you may see: the answer is the same",
    "Gone": "It was withdrawn; nothing of it is left",
    "Other": "Any other problem",
}
"""Problem responses that many addresses share, by the name they have among the components."""


def _says(text: str, content: Content) -> dict[str, Any]:
    return {"description": text, "content": content}


def _shared(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/responses/{name}", "description": PROBLEMS[name]}


ABSENT: Said = {404: _shared("Absent")}
LEFT: Said = {**ABSENT, 410: _shared("Gone")}
FORMS: Said = {406: _says("Accept allows none of these; the answer names them", PROBLEM)}
OTHER: Said = {"default": _shared("Other")}
REFUSALS: Said = {400: _shared("Invalid"), 401: _shared("Unauthenticated"), 403: _shared("NotEntitled"), **OTHER}


def _public(summary: str, said: Said) -> dict[str, Any]:
    """What a route is told that asks for no token."""
    return _told(summary, said | OTHER)


def _for(summary: str, said: Said) -> dict[str, Any]:
    """What a route is told whose caller has to be let in; whom it lets in, the table of roles and actions says."""
    return _told(summary, said | REFUSALS)


def _told(summary: str, said: Said) -> dict[str, Any]:
    usual = next(iter(said))
    return {
        "summary": summary,
        "status_code": usual,
        "response_description": said[usual]["description"],
        "responses": said,
        "openapi_extra": {},
    }


def _security(address: Address) -> list[dict[str, list[str]]]:
    """How to be let in at an address: with a token, in either form, for any one of the actions that open it."""
    if address.by is None:
        return []
    scopes = [[action] for action in address.by] or [[]]
    return [{name: some} for some in scopes for name in ("bearer", "dpop")]


def _asked(name: str, text: str, schema: dict[str, Any] | None = None, place: str = "query") -> dict[str, Any]:
    """A parameter of ``submit``, which reads raw bytes, so that the framework knows nothing of them."""
    schema = schema or {"type": "string"}
    return {"name": name, "in": place, "required": False, "description": text, "schema": schema}


def _signed(name: str, text: str, example: str) -> dict[str, Any]:
    return _asked(name, text, {"type": "string", "examples": [example]}, "header") | {"required": True}


def _proof(name: str, text: str, example: str) -> dict[str, Any]:
    return _signed(name, text, example) | {"required": False}


SUBMIT = _for(
    "Submit a document",
    {
        201: _says("Accepted, held or unchanged: final receipts", _json(answers.FinalOutcome)),
        200: _says("With `dry_run=true`: what would be found; nothing is kept", _json(answers.DryRun)),
        202: _says(
            "Taken and durable, being processed: a signed acknowledgement; of a repeat, how far it is",
            _json(answers.Processing, answers.Stalled),
        ),
        413: _says("More bytes than the gateway takes", PROBLEM),
        422: _says(
            "Refused as a whole, with receipts and findings; or the Idempotency-Key was used for another document",
            _json(answers.RefusedOutcome, answers.Problem, media_type="application/problem+json"),
        ),
    },
)
SUBMIT["openapi_extra"] |= {
    "parameters": [
        _asked(
            "recipient",
            "The corporation it is for; may repeat; may be left out where the records name it, or where `subject` is a "
            "tenant: then it goes to those to which its firm agreed that entered a pairing code",
            {"type": "array", "items": {"type": "string", "pattern": r"^(\d{2}|\d{5})$", "examples": ["13"]}},
        ),
        _asked(
            "subject",
            "Whose figures these are, where the document does not say: a corporate or invoice number, or "
            "`scheme:value`, or `scheme:scope:value`",
            {"type": "string", "examples": ["9999900000017", "tenant:T-77", "bank_customer:9991:C-17"]},
        ),
        _asked("kind", "The record kind, where the document does not say", {"type": "string", "enum": sorted(KINDS)}),
        _asked("adapter", "The format, where it cannot be recognised: docs/adapters.md"),
        _asked("on_behalf_of", "The institution whose report this is, by a delegation that is registered"),
        _asked(
            "channel",
            "By which door it came to the sender",
            {"type": "string", "enum": [one.value for one in Channel if one is not Channel.GATEWAY], "default": "api"},
        ),
        _asked(
            "received_on",
            "When the institution itself received it; may repeat",
            {"type": "array", "items": {"type": "string", "format": "date"}},
        ),
        _asked("fixes", "The submission of the same sender whose refused records these repair"),
        _asked("dry_run", "Only say what would be found", {"type": "string", "enum": ["true", "false"]}),
        _signed("Idempotency-Key", "One per document; a repeat with it is answered alike for seven days", '"b1946ac9"'),
        _signed(
            "Content-Digest", "RFC 9530, SHA-256 of the body", "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"
        ),
        _proof(
            "Signature-Input",
            'By default, RFC 9421, with `created`, `keyid` and `tag="fapi-2-request"`',
            'sig=("@method" "@target-uri" "authorization" "content-digest" "content-type" "idempotency-key")'
            ';created=1777600000;keyid="...";tag="fapi-2-request"',
        ),
        _proof("Signature", "By default, RFC 9421, by the sender's registered key", "sig=:...:"),
        _proof(
            "X-JWS-Signature",
            "Of a sender registered for `jws_body` whose body is not a JWS itself (docs/signature-profiles.md)",
            "eyJ...eyJ...c2ln",
        ),
        _asked("Content-Disposition", "The document's file name (RFC 6266)", place="header"),
        _asked("Prefer", "`respond-async` for 202 even where it could be dealt with at once", place="header"),
    ],
    "requestBody": {
        "required": True,
        "description": "The document's own bytes, in any format of docs/adapters.md; recognised from the content",
        "content": {"*/*": {}},
    },
}

OUTCOME = _for(
    "What became of a submission",
    {
        200: _says(
            "Its state and, once final, its receipts", _json(answers.FinalOutcome, answers.Processing, answers.Stalled)
        ),
        **ABSENT,
    },
)
FINDINGS = _for(
    "Everything that was found in it",
    {
        200: _says(
            "All findings, by Accept: JSON, a CSV for spreadsheets, Japanese text, or the sealed bytes",
            _list(answers.SaidFinding) | _text("text/csv") | _text() | _text("application/x-ndjson"),
        ),
        **LEFT,
        **FORMS,
    },
)
RAW = _for("The document as received", {200: _says("Its bytes", BYTES), **LEFT})
RETURNED = _for(
    "The refused records, to be fixed", {200: _says("A document in the sender's own layout", BYTES), **LEFT}
)
EVIDENCE = _for(
    "Evidence for offline verification",
    {
        200: _says("An evidence file or a container, as `hayame verify` takes them", ANY_JSON | CONTAINER),
        **ABSENT,
        **FORMS,
    },
)
HELD = _for("Records that wait to be placed", {200: _says("The work list, oldest first", _list(answers.HeldRecord))})

FEED = _for(
    "Read the feed",
    {
        200: _says(
            "Lines in order of position, by Accept; `Link: rel=next` and `Hayame-Next` say where to go on",
            _json(answers.ShownLine, answers.WithheldLine, media_type="application/x-ndjson")
            | _json(answers.FeedPage)
            | _list(answers.CloudEvent, "application/cloudevents-batch+json"),
        ),
        **FORMS,
    },
)
CHECKPOINT = _for(
    "The signed head of the log",
    {200: _says("A signed note, with its cosignatures", _text()), **ABSENT},
)
TIMESTAMP = _for(
    "When a third party saw the log",
    {200: _says("How it stands", _json(answers.TimeStamped))},
)
RECEIPTS = _for("The leaves of the log", {200: _says("Receipts (compact JWS), one a line", _text())})
PATH: Said = {200: _says("The path", _json(answers.Proof))}
INCLUSION = _for("Prove that a receipt is in the log", PATH)
CONSISTENCY = _for("Prove that the log only grew", PATH)
COSIGN = _for(
    "Hand in a cosignature",
    {201: _says("Kept, with when you cosigned it first", _json(answers.Cosigned)), **ABSENT},
)
COSIGNATURES = _for("Who witnessed what", {200: _says("The newest", _list(answers.Cosigned))})
LEAD_TIMES = _for("How long it took", {200: _says("Seconds between named instants", _json(answers.LeadTimes))})

LINK = _for("Say which firm a number names", {201: _says("Linked", _json(answers.Linked)), **ABSENT})
UNLINK = _for("Say that a number names a firm no longer", {200: _says("Ended", _json(answers.Unlinked)), **ABSENT})
SUCCEED = _for("Say that one firm became another", {201: _says("Noted", _json(answers.Succeeded)), **ABSENT})
LINEAGE = _for("What a firm was before, and became", {200: _says("Every step", _list(answers.SucceededSince))})
GUARANTEES = _for("Register guarantees", {201: _says("Registered", _json(answers.Registered))})

GIVE_CONSENT = _for("Record a firm's consent", {201: _says("Recorded", _json(answers.GivenConsent))})
CONSENTS = _for("Consents that concern you", {200: _says("The oldest first", _list(answers.ListedConsent))})
WITHDRAW_CONSENT = _for(
    "Withdraw a consent", {200: _says("Withdrawn from now on", _json(answers.WithdrawnConsent)), **ABSENT}
)

ENROLMENT = _public(
    "Register a key by a one-time code",
    {201: _says("Registered", _json(answers.RegisteredKey)), **REFUSALS},
)
INVITE = _for(
    "Make a one-time code for who is to report to you",
    {201: _says("The code; it is told only here", _json(answers.OneTimeCode))},
)
PARTICIPANT = _for(
    "Who you are here, and every change of that",
    {200: _says("As of now, with the newest changes", _json(answers.Participant)), **ABSENT},
)
CHANGE_EVIDENCE = _for(
    "Evidence of a change that concerns you",
    {200: _says("An evidence file, as `hayame verify` takes it", ANY_JSON), **ABSENT},
)
ROTATE = _for(
    "Replace your key by a new one",
    {201: _says("The new key, and until when it is valid", _json(answers.RegisteredKey)), **ABSENT},
)
REVOKE = _for(
    "Revoke one of your keys",
    {200: _says("The key, and when it ended", _json(answers.RegisteredKey)), **ABSENT},
)

OFFER_PAIRING = _for(
    "Make a pairing code for a firm",
    {201: _says("The code; it is told only here", _json(pairing_answers.PairingOffered)), **ABSENT},
)
PREVIEW_PAIRING = _for(
    "What a pairing code offers",
    {200: _says("The text to show, and what it says", _json(pairing_answers.PairingPreview)), **ABSENT},
)
REDEEM_PAIRING = _for(
    "Use a pairing code: the firm agreed",
    {201: _says("Paired; the same whatever is known of the firm", _json(pairing_answers.Paired)), **ABSENT},
)

DECLARE = _for("Declare what your reports hold", {201: _says("Declared, as asked", _json(answers.Declared))})
COVERAGE = _for(
    "How to read what is missing",
    {200: _says("Every institution that may report, and every kind", _list(answers.Covered))},
)

TOKEN = _public(
    "Get an access token",
    {
        200: _says("A token for five minutes", _json(answers.Token)),
        400: _says("Another grant, a scope that is not yours, or a proof missing or bad", _json(answers.TokenError)),
        401: _says("The assertion does not hold, or was used before", _json(answers.TokenError)),
        404: _says("Tokens come from another issuer", PROBLEM),
    },
)
SIGNATURE_CHECK = _for(
    "Why does my signature not hold?",
    {
        200: _says("How the request's signature looks from here", _json(answers.SignatureCheck)),
        413: _says("More than a megabyte", PROBLEM),
    },
)
SIGNATURE_CHECK["openapi_extra"] |= {
    "parameters": [
        _asked("Signature-Base", "The bytes you signed, in Base64, to be held against ours", place="header"),
    ],
    "requestBody": {"required": False, "content": {"application/octet-stream": {}}},
}
METADATA = _public("Where and how to sign in", {200: _says("Authorization server metadata", ANY_JSON)})
KEYS = _public(
    "Our public keys", {200: _says("A JWK Set", _json(answers.KeySet, media_type="application/jwk-set+json"))}
)
CATALOG = _public("Where this description is", {200: _says("A link set", {"application/linkset+json": {}})})
HEALTHY = _public("Does the process answer?", {200: _says("It does", _text())})
READY = _public("Does the database answer?", {200: _says("It does", _text())})
