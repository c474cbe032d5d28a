"""Commands around pairing codes: a corporation or bank makes one, accounting software shows and uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli.apps import As, Ca, Certificate, Key, Url, pairings, tls_with
from gateway.client import Client
from gateway.client import pairings as codes
from gateway.schemas.consent import DataClass, GrantedBy, Purpose
from gateway.schemas.identifiers import parse_subject
from gateway.schemas.pairing import Agreement, Terms
from gateway.security.keys import SigningKey

Code = Annotated[str, typer.Argument(help="The pairing code, as the firm has it.")]


@pairings.command("issue")
def issue(  # noqa: PLR0913 - a command's options are its parameters
    firm: Annotated[str, typer.Argument(help="By any number you know it by: 9999900000017, guarantee:13-0000017, …")],
    firm_name: Annotated[str, typer.Argument(help="What it is called, where it is new to the gateway.")],
    text: Annotated[Path, typer.Option(help="The text that the firm will be shown, whole (UTF-8).")],
    text_version: Annotated[str, typer.Option(help="Which version of your text that is.")],
    recipient: Annotated[list[str], typer.Option(help="A corporation, bank or other recipient; may repeat.")],
    url: Url,
    name: As,
    key: Key,
    data_class: Annotated[list[DataClass], typer.Option(help="What of its data; may repeat.")],
    purpose: Annotated[list[Purpose], typer.Option(help="What for; may repeat.")],
    valid_days: Annotated[int, typer.Option(help="For how many days from the day of agreement on.")] = 365,
    hours: Annotated[int, typer.Option(help="For how many hours the code can be used.")] = 72,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Make a pairing code for a firm; it is printed here and kept nowhere."""
    offered = {"text_version": text_version, "text": text.read_text("utf-8"), "valid_days": valid_days}
    offered |= {"data_classes": data_class, "purposes": purpose, "recipients": recipient}
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        made = codes.offer(client, parse_subject(firm), firm_name, Terms.model_validate(offered), hours)
    typer.echo(f"{made['code']} until {made['expires_at']}")


@pairings.command("show")
def show(  # noqa: PLR0913 - a command's options are its parameters
    code: Code,
    url: Url,
    name: As,
    key: Key,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Print what a code offers, as JSON: the text to be shown, the recipients' names, and what it says."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        offered = codes.preview(client, code)
    typer.echo(orjson.dumps(offered, option=orjson.OPT_INDENT_2).decode())


@pairings.command("redeem")
def redeem(  # noqa: PLR0913 - a command's options are its parameters
    code: Code,
    tenant: Annotated[str, typer.Argument(help="Which of your tenants the firm is.")],
    url: Url,
    name: As,
    key: Key,
    granted_by: Annotated[str, typer.Option(help="Who agreed for the firm.")],
    role: Annotated[str, typer.Option(help="As what: 代表者, 本人, …")],
    text_sha256: Annotated[str, typer.Option(help="Digest of the text that was shown (`show` prints it).")],
    evidence: Annotated[str | None, typer.Option(help="Your own id of the log of that click.")] = None,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Use a code, once the firm agreed to the text that it was shown; prints the consent and where its data go."""
    by = GrantedBy(name=granted_by, role=role)
    agreement = Agreement(tenant=tenant, granted_by=by, text_sha256=text_sha256, evidence=evidence)
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        paired = codes.redeem(client, code, agreement)
    typer.echo(f"{paired['consent']} {' '.join(paired['recipients'])} until {paired['valid_to']}")
