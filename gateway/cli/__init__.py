"""The command line: thin. Each command parses, calls one thing, prints what came of it.

What only some commands need is imported by them: ``hayame verify`` should not wait for a database and a web server.
"""

from __future__ import annotations

import sys

import typer

from gateway.cli import (  # noqa: F401 - importing them is what makes their commands known
    agent,
    consents,
    guarantees,
    operating,
    outside,
    own_keys,
    pairing,
    parties,
    reference,
    serving,
)
from gateway.cli.apps import app
from gateway.errors import GatewayError


def main() -> None:
    """Run a command; errors of ours, and of the caller's, are said in both languages and end with status 1."""
    try:
        app()
    except GatewayError as error:
        typer.echo(f"{error.ja}\n{error.message}", err=True)
        sys.exit(1)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        typer.echo(f"ファイルを開けません: {error.filename}\nthe file cannot be opened: {error.filename}", err=True)
        sys.exit(1)
