"""Commands about consents, for who records them and whom they concern; none needs a database."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli.apps import As, Ca, Certificate, Key, Url, consents, tls_with
from gateway.client import Client
from gateway.security.keys import SigningKey


@consents.command("give")
def give(  # noqa: PLR0913 - a command's options are its parameters
    consent: Annotated[Path, typer.Argument(help='What was agreed (JSON): {"firm": …, "consent": …}.')],
    url: Url,
    name: As,
    key: Key,
    text: Annotated[Path | None, typer.Option(help="The text that was agreed to; its digest is recorded.")] = None,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Record that a firm consented; what waits for that is published."""
    given = orjson.loads(consent.read_bytes())
    if text is not None:
        given["consent"]["text_sha256"] = hashlib.sha256(text.read_bytes()).hexdigest()
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        recorded = client.post("/v1/consents", given).json()
    typer.echo(recorded["id"])


@consents.command("list")
def list_consents(  # noqa: PLR0913 - a command's options are its parameters
    url: Url,
    name: As,
    key: Key,
    expiring: Annotated[int | None, typer.Option(help="Only those that end within so many days.")] = None,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """List the consents that concern you: firm, what to whom, until when, and whether it holds today."""
    asked = {} if expiring is None else {"expiring": expiring}
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        found = client.get("/v1/consents", asked).json()
    for one in found:
        agreed = one["consent"]
        ends = one["withdrawn_at"] or agreed.get("valid_to", "")
        state = "holds" if one["holds"] else "withdrawn" if one["withdrawn_at"] else "over"
        what = ",".join(agreed["data_classes"]), ",".join(agreed["recipients"])
        typer.echo("\t".join((one["id"], one["firm"], *what, agreed["valid_from"], ends, state)))


@consents.command("withdraw")
def withdraw(  # noqa: PLR0913 - a command's options are its parameters
    consent: str,
    url: Url,
    name: As,
    key: Key,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Withdraw a consent: nothing is disclosed under it from now on, and the feeds concerned say so."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        ended = client.post(f"/v1/consents/{consent}/withdrawal", {}).json()
    typer.echo(f"{ended['id']} withdrawn {ended['withdrawn_at']}")
