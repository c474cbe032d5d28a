"""The command of a small bank or vendor: watch a folder and hand over what is dropped into it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.cli.apps import app, tls_with
from gateway.client import Client
from gateway.errors import ConfigurationError
from gateway.security.keys import KeyRing, SigningKey

PATHS = ("folder", "key", "gateway_key", "certificate", "ca")


class Choices(BaseModel):
    """What the agent is told, by a file or by options; times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path
    url: str = Field(pattern=r"^https?://[^\s]+$")
    client: str = Field(min_length=1, max_length=200)
    key: Path
    recipient: tuple[str, ...] = ()
    on_behalf_of: str = ""
    adapter: str = ""
    kind: str = ""
    subject: str = ""
    gateway_key: Path | None = None
    certificate: Path | None = None
    ca: Path | None = None
    every: float = Field(default=5, ge=0.1, le=3_600)
    settle: float = Field(default=5, ge=0, le=3_600)

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of each submission."""
        named = {name: getattr(self, name) for name in ("on_behalf_of", "adapter", "kind", "subject")}
        return {"recipient": list(self.recipient)} | {name: value for name, value in named.items() if value}


@app.command()
def agent(  # noqa: PLR0913 - a command's options are its parameters
    folder: Annotated[Path | None, typer.Argument(help="The folder into which files are dropped.")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file that says what the options would.")] = None,
    url: Annotated[str | None, typer.Option(help="The gateway's published address.")] = None,
    client: Annotated[str | None, typer.Option("--as", help="Your participant id.")] = None,
    key: Annotated[Path | None, typer.Option(help="Your private key (PEM).")] = None,
    recipient: Annotated[list[str] | None, typer.Option(help="A corporation it is for; may repeat.")] = None,
    on_behalf_of: Annotated[str | None, typer.Option(help="The bank for which you hand over.")] = None,
    adapter: Annotated[str | None, typer.Option(help="The format, where it is not to be recognised.")] = None,
    kind: Annotated[str | None, typer.Option(help="The kind of record.")] = None,
    subject: Annotated[str | None, typer.Option(help="Whose figures these are, where the files do not say.")] = None,
    gateway_key: Annotated[
        Path | None, typer.Option(help="The gateway's published key, from your own copy: receipts are verified.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="Your client certificate and its key (PEM).")] = None,
    ca: Annotated[Path | None, typer.Option(help="Who certifies the gateway (PEM), if not one whom all trust.")] = None,
    every: Annotated[float | None, typer.Option(help="Look again after so many seconds; 5.")] = None,
    settle: Annotated[
        float | None, typer.Option(help="Seconds for which a file has to stay the same to be complete; 5.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Hand over what lies there, then end; status 1 if some waits.")
    ] = False,
) -> None:
    """Hand over every file dropped into a folder; receipt, findings and what came back are laid beside it."""
    given = {name: value for name, value in locals().items() if name not in ("config", "once") and value is not None}
    if not _run(_chosen(config, given), once=once):
        raise typer.Exit(1)


def _run(chosen: Choices, *, once: bool) -> bool:
    from gateway.agent import Agent, Instructions, watch
    from gateway.collectors.folder import Folder

    keys = KeyRing.parse(chosen.gateway_key.read_bytes()) if chosen.gateway_key else None
    folder = Folder(chosen.folder, chosen.settle)
    tls = tls_with(chosen.ca, chosen.certificate)
    with Client(chosen.url, chosen.client, SigningKey.load(chosen.key), tls=tls) as client:
        watching = Agent(client, folder, Instructions(chosen.asked, keys), typer.echo)
        if not once:
            typer.echo(f"「{chosen.folder}」を見ています。 / Watching {chosen.folder}.")
        return watch(watching, min(chosen.every, chosen.settle or chosen.every) if once else chosen.every, once=once)


def _chosen(config: Path | None, given: dict[str, Any]) -> Choices:
    """What was chosen: options before the file; paths in the file are taken from where it lies.

    Raises:
        ConfigurationError: something is missing, unknown, or not of its form; it names what.
    """
    try:
        told = tomllib.loads(config.read_text("utf-8")) if config else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{config}: {error}", ja=f"設定ファイル {config} を読めません: {error}") from error
    if config is not None:
        told |= {name: config.parent / told[name] for name in PATHS if isinstance(told.get(name), str)}
    try:
        return Choices.model_validate(told | given)
    except ValidationError as error:
        named = ", ".join(sorted({str(one["loc"][0]) for one in error.errors()}))
        raise ConfigurationError(
            f"missing, unknown or not of their form: {named}", ja=f"指定がないか、正しくない項目があります: {named}"
        ) from error
