"""The applications that commands belong to, the options many of them have, and the gateway they work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.wiring import Gateway

app = typer.Typer(help="Hayame 早め: timely, verifiable data for credit guarantee corporations.", no_args_is_help=True)
participants = typer.Typer(help="Who may do what: enrol, list, delegate.", no_args_is_help=True)
keys = typer.Typer(help="Signing keys: ours and new ones.", no_args_is_help=True)
jobs_app = typer.Typer(
    help="What is worked off in the background: list it, try again what was given up.", no_args_is_help=True
)
pairings = typer.Typer(help="Pairing codes: a firm agrees in its accounting software.", no_args_is_help=True)
forms = typer.Typer(help="Write a form to be filled in.", no_args_is_help=True)
log_app = typer.Typer(help="The logs: which are as they should be; reopen one that was rewound.", no_args_is_help=True)
evidence_app = typer.Typer(help="What proves an outcome offline: a file, or a container.", no_args_is_help=True)
consents = typer.Typer(help="What firms agreed may be disclosed: give, list, withdraw.", no_args_is_help=True)
app.add_typer(consents, name="consents")
reference_app = typer.Typer(help="Lists that rules look in: import them, check them.", no_args_is_help=True)
guarantees = typer.Typer(help="A corporation's register of guarantees.", no_args_is_help=True)
app.add_typer(reference_app, name="reference")
app.add_typer(guarantees, name="guarantees")
app.add_typer(evidence_app, name="evidence")
app.add_typer(log_app, name="log")
app.add_typer(jobs_app, name="jobs")
app.add_typer(participants, name="participants")
app.add_typer(keys, name="keys")
app.add_typer(forms, name="forms")
app.add_typer(pairings, name="pairings")


Url = Annotated[str, typer.Option(help="The gateway's published address.")]
As = Annotated[str, typer.Option("--as", help="Your participant id.")]
Key = Annotated[Path, typer.Option(help="Your private key (PEM).")]
Certificate = Annotated[Path | None, typer.Option(help="Your client certificate and its key, in one file (PEM).")]
Ca = Annotated[Path | None, typer.Option(help="Who certifies the gateway (PEM), if not one whom all trust.")]


@contextmanager
def gateway_here() -> Iterator[Gateway]:
    """The gateway that the environment's settings describe, for the time of a block."""
    from gateway.wiring import build

    gateway = build(Settings.from_environment())
    try:
        yield gateway
    finally:
        gateway.database.close()


def tls_with(ca: Path | None, certificate: Path | None) -> SSLContext | None:
    """How to speak TLS with a client certificate, or trusting another authority; None for the usual way."""
    from gateway.security.certificates import client_context

    return None if ca is None and certificate is None else client_context(ca, certificate)
