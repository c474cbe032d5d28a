"""Commands of the operator over the register of participants; where there are two administrators, they approve."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from ssl import DER_cert_to_PEM_cert
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.acts import acting
from gateway.cli.apps import As, Key, gateway_here, participants
from gateway.client import Client, own_keys
from gateway.errors import InvalidRequest
from gateway.schemas.identifiers import SignatureProfile
from gateway.security.keys import KeyRing, PublicKey, SigningKey
from gateway.security.words import APPROVAL, say

if TYPE_CHECKING:
    from gateway.registers.orders import Given, Order

NAMED = (
    *("id", "kind", "institution", "recipient", "may", "profile"),
    *("sender", "since", "until", "successor", "kid", "replaces"),
)
May = Annotated[list[str] | None, typer.Option(help="action:recipient, e.g. submit:13; may repeat.")]


@participants.command("enrol")
def enrol(  # noqa: PLR0913 - a command's options are its parameters
    id: str,
    kind: Annotated[str, typer.Argument(help="bank, vendor, office, corporation, tool, witness or administrator")],
    name: str,
    key: Annotated[Path, typer.Option(help="Its public key: JWK or PEM.")],
    institution: str = "",
    may: May = None,
) -> None:
    """Enrol a participant with its public key and what it may do."""
    from gateway.registers.orders import Enrol

    ring = KeyRing.parse(key.read_bytes())
    jwks = tuple(ring.jwks()["keys"])
    give(Enrol(id=id, kind=kind, name=name, institution=institution or None, keys=jwks, may=tuple(may or ())))


@participants.command("take-back")
def take_back(id: str, may: Annotated[list[str], typer.Argument(help="action:recipient, as enrolled.")]) -> None:
    """Take back some of what a participant may do."""
    from gateway.registers.orders import TakeBack

    give(TakeBack(id=id, may=tuple(may)))


@participants.command("let-go")
def let_go(id: str) -> None:
    """Let a participant be none any more: its keys, rights and delegations end at once; its history stays."""
    from gateway.registers.orders import LetGo

    give(LetGo(id=id))


@participants.command("invite")
def invite(  # noqa: PLR0913 - a command's options are its parameters
    id: str,
    kind: Annotated[str, typer.Argument(help="bank, vendor, office, corporation, tool, witness or administrator")] = "",
    name: Annotated[str, typer.Argument()] = "",
    institution: str = "",
    may: May = None,
    hours: Annotated[int, typer.Option(help="How long the code is good.")] = 72,
    key_days: Annotated[int, typer.Option(help="How long the key is good that it registers.")] = 730,
    replace: Annotated[
        bool, typer.Option("--replace", help="A new key for who is enrolled; the old ones end.")
    ] = False,
    at: Annotated[str, typer.Option(help="A corporation with enrol:AT, for itself: ask the gateway at --url.")] = "",
    url: Annotated[str, typer.Option(help="The gateway's published address.")] = "",
    as_: Annotated[str, typer.Option("--as", help="Your participant id.")] = "",
    key: Annotated[Path | None, typer.Option(help="Your private key (PEM).")] = None,
) -> None:
    """Print a one-time code, with which its holder registers a key of its own: hayame keys enrol."""
    from gateway.registers.invitations import Invite
    from gateway.registers.orders import Invitation

    invite = Invite(
        id=id,
        kind=kind,
        name=name,
        institution=institution or None,
        may=tuple(may or ()),
        hours=hours,
        key_days=key_days,
        replaces=replace,
    )
    if not at:
        give(Invitation(invite=invite))
        return
    if key is None:
        raise InvalidRequest("name your key with --key", ja="--key で自分の鍵を指定してください。")
    with Client(url, as_, SigningKey.load(key)) as client:
        typer.echo(own_keys.invite(client, at, invite.model_dump(mode="json")))


@participants.command("profile")
def set_profile(
    id: str,
    profile: SignatureProfile,
    certificate: Annotated[
        list[Path] | None, typer.Option(help="xml_signature: with which it signs, PEM or DER; may repeat.")
    ] = None,
) -> None:
    """Say what a participant proves its submissions with; from then on that, and nothing else, is taken."""
    from gateway.registers.orders import Profile
    from gateway.security.xml_signatures import certificate_der

    pems = tuple(DER_cert_to_PEM_cert(certificate_der(one.read_bytes())) for one in certificate or ())
    give(Profile(id=id, profile=profile, certificates=pems))


@participants.command("delegate")
def delegate(sender: str, institution: str, since: str, until: str = "") -> None:
    """Allow a sender to submit on an institution's behalf, from a date on (YYYY-MM-DD), until another if given."""
    from gateway.registers.orders import Delegate

    end = date.fromisoformat(until) if until else None
    give(Delegate(sender=sender, institution=institution, since=date.fromisoformat(since), until=end))


@participants.command("succeed")
def succeed(institution: str, successor: str, since: str) -> None:
    """Let an institution's code stand for its successor from a date on (YYYY-MM-DD): banks that merge."""
    from gateway.registers.orders import Succeed

    give(Succeed(institution=institution, successor=successor, since=date.fromisoformat(since)))


@participants.command("cover")
def cover(  # noqa: PLR0913 - a command's options are its parameters
    institution: str,
    recipient: str,
    kind: str,
    form: Annotated[str, typer.Argument(help="full_tape, event or exception")],
    since: str,
    baseline: Annotated[str, typer.Option(help="As of when all that stood was handed over (YYYY-MM-DD).")] = "",
) -> None:
    """Declare, for a bank that cannot itself, what its reports of a kind to a corporation hold, from a date on."""
    from gateway.registers.coverage import Declaration, Form
    from gateway.registers.orders import Cover

    if form not in list(Form):
        raise InvalidRequest("name one form", ja="報告の形を確認してください。")
    baseline_on = date.fromisoformat(baseline) if baseline else None
    declaration = Declaration(kind=kind, form=Form(form), since=date.fromisoformat(since), baseline_on=baseline_on)
    give(Cover(institution=institution, recipient=recipient, declaration=declaration))


@participants.command("revoke-key", context_settings={"ignore_unknown_options": True})  # a name may begin with "-"
def revoke_key(kid: str) -> None:
    """End a participant's key at once."""
    from gateway.registers.orders import EndKey

    give(EndKey(kid=kid))


@participants.command("proposals")
def proposals() -> None:
    """List the changes that wait for two administrators."""
    from gateway.registers import orders

    with gateway_here() as gateway:
        for id, (ordered, at) in orders.waiting(gateway.registrar, gateway.clock.now()).items():
            typer.echo(f"{id}\t{at.isoformat()}\t{ordered}")


@participants.command("approve")
def approve(proposal: str, name: As, key: Key) -> None:
    """Approve a change as an administrator, with your own key; the second of two has it carried out."""
    from gateway.registers import orders

    with gateway_here() as gateway:
        ordered = orders.ordered(gateway.registrar, proposal, gateway.clock.now())
        issuer, claims = gateway.settings.base_url, {"approves": orders.digest_of(ordered)}
        word = say(SigningKey.load(key), APPROVAL, issuer, claims, datetime.now(UTC))
        with acting(gateway, "participants.approve", proposal=proposal, administrator=name):
            _tell(orders.approve(gateway.registrar, proposal, name, word, issuer))
            gateway.kept.keep()


@participants.command("list")
def list_participants() -> None:
    """List the participants and what they may do."""
    from gateway.registers import enrolment

    with gateway_here() as gateway:
        for one in enrolment.everybody(gateway.database):
            may = " ".join(sorted(f"{action}:{recipient}" for action, recipient in one.entitlements))
            typer.echo(
                f"{one.id}\t{one.kind}\t{one.name}\t{one.institution}\t{len(one.keys)} keys\t{one.profile.value}\t{may}"
            )


def give(order: Order, app: str = "participants") -> None:
    """Give an order of the operator, and say what came of it."""
    from gateway.registers import orders

    with gateway_here() as gateway, acting(gateway, f"{app}.{order.order}", **_ids(order)) as told:
        given = orders.give(gateway.registrar, order)
        gateway.kept.keep()
        if given.proposal:
            told["proposal"] = given.proposal
    _tell(given)


def _ids(order: Order) -> dict[str, Any]:
    """Whom and what an order is about: ids and dates, no names."""
    said = (order.invite if order.order == "invite" else order).model_dump(mode="json", exclude_none=True)
    ids = {name: said[name] for name in NAMED if said.get(name)}
    return ids | {"keys": [PublicKey.from_jwk(jwk).kid for jwk in said["keys"]]} if said.get("keys") else ids


def _tell(given: Given) -> None:
    waits = f"{given.proposal} 管理者2名の承認待ち · waits for two administrators: hayame participants approve"
    typer.echo(waits if given.proposal else given.told)
