"""Commands over one's own keys, at the participant's side: enrol by a code, rotate, revoke, look at the history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from gateway.cli.apps import As, Ca, Certificate, Key, Url, keys, tls_with
from gateway.client import Client, own_keys
from gateway.security.keys import SigningKey

Server = Annotated[str, typer.Option("--url", "--server", help="The gateway's published address.")]


@keys.command("enrol")
def enrol(
    url: Server,
    code: Annotated[str, typer.Option(help="The one-time code you were given.")],
    out: Annotated[Path, typer.Option(help="Where your private key is written; one that is there is used.")] = Path(
        "key.pem"
    ),
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Make a key, which never leaves this machine, and have it registered by a one-time code; prints your id."""
    registered = own_keys.enrol(url, code, _made(out), tls_with(ca, certificate))
    typer.echo(f"{registered['participant']} {registered['kid']} valid until {registered['valid_until']}")


@keys.command("rotate")
def rotate(  # noqa: PLR0913 - a command's options are its parameters
    url: Url,
    name: As,
    key: Key,
    out: Annotated[Path, typer.Option(help="Where the new private key is written; one that is there is used.")],
    overlap_hours: Annotated[int, typer.Option(help="How long the old key is good beside the new one.")] = 24,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Replace your key by a new one, on the old one's word; the old one ends when the overlap is over."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        registered = own_keys.rotate(client, _made(out), overlap_hours)
    typer.echo(f"{registered['participant']} {registered['kid']} valid until {registered['valid_until']}")


@keys.command("revoke")
def revoke(  # noqa: PLR0913 - a command's options are its parameters
    url: Url,
    name: As,
    key: Key,
    kid: Annotated[str, typer.Option(help="Which of your keys; the one you sign this with, if left out.")] = "",
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Revoke a key of yours, at once: it signs nothing any more; receipts for what it signed before stay good."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        ended = own_keys.revoke(client, kid or client.key.kid)
    typer.echo(f"{ended['participant']} {ended['kid']} ended {ended['valid_until']}")


@keys.command("history")
def history(url: Url, name: As, key: Key, certificate: Certificate = None, ca: Ca = None) -> None:
    """Print what is registered of you, and every change of it as it was sealed, as JSON."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        shown = client.get(f"/v1/participants/{name}").json()
    typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())


def _made(path: Path) -> SigningKey:
    """The key in a file, made if there is none: so that a command whose answer was lost can be given again."""
    if not path.exists():
        SigningKey.generate().save(path)
    return SigningKey.load(path)
