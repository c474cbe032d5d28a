"""Commands of those outside: senders, readers, witnesses, whoever verifies; none needs a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from gateway.client import Client, Following
from gateway.errors import LogForked
from gateway.security.cosignatures import read_quorum
from gateway.security.keys import KeyRing, SigningKey
from gateway.security.timestamps import Authorities
from gateway.security.verify import verify_evidence
from gateway.settings import Settings

if TYPE_CHECKING:
    pass
from gateway.cli.apps import As, Ca, Certificate, Key, Url, app, evidence_app, forms, keys, tls_with


@app.command()
def verify(
    evidence: Path,
    key: Annotated[Path, typer.Option(help="The gateway's published key (JWK Set, JWK or PEM).")],
    witness: Annotated[list[str] | None, typer.Option(help="NAME=KEYFILE of a witness you trust; may repeat.")] = None,
    quorum: Annotated[int, typer.Option(help="How many of them must have cosigned; 0 for all.")] = 0,
    tsa: Annotated[Path | None, typer.Option(help="Root of the time-stamping authority (PEM).")] = None,
) -> None:
    """Verify an evidence file or container offline, with the published key and those of whom else you name."""
    trusted = read_quorum(witness, quorum) if witness or quorum else None
    authorities = Authorities.load(tsa) if tsa else None
    report = verify_evidence(evidence.read_bytes(), KeyRing.parse(key.read_bytes()), trusted, authorities)
    for check in report.checks:
        typer.echo(f"{check.verdict:<10} {check.name:<22} {check.detail_ja} / {check.detail_en}")
    typer.echo(
        "証拠は有効です。 The evidence holds." if report.holds else "証拠は無効です。 The evidence does NOT hold."
    )
    raise typer.Exit(0 if report.holds else 1)


@app.command()
def witness(  # noqa: PLR0913 - a command's options are its parameters
    recipient: str,
    url: Url,
    name: As,
    key: Key,
    gateway_key: Annotated[Path, typer.Option(help="The gateway's published key, from your own copy.")],
    cosign_with: Annotated[Path | None, typer.Option(help="Another private key (PEM) to cosign with.")] = None,
    seen: Annotated[Path | None, typer.Option(help="What was seen last; keep it. Default witness-RECIPIENT.")] = None,
    every: Annotated[float, typer.Option(help="Look again after so many seconds; 0 for once.")] = 0,
    log_name: str = Settings().log_name,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Watch a corporation's log and cosign its heads; ends with status 3 where it was forked or rewound."""
    from gateway.client.witnessing import Watched, Witnessing, watch

    keys = KeyRing.parse(gateway_key.read_bytes())
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        log = Watched(client, recipient, keys, log_name)
        watching = Witnessing(log, SigningKey.load(cosign_with or key), seen or Path(f"witness-{recipient}"))
        try:
            watch(watching, every, typer.echo)
        except LogForked as error:
            typer.echo(f"{error.ja}\n{error.message}", err=True)
            raise typer.Exit(3) from error


@app.command()
def submit(  # noqa: PLR0913 - a command's options are its parameters
    document: Path,
    url: Url,
    name: As,
    key: Key,
    recipient: Annotated[list[str] | None, typer.Option(help="A corporation it is for; may repeat.")] = None,
    subject: str = "",
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Hand over a document; prints its receipts, and the findings (日本語) on standard error."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        asked = {"recipient": recipient or [], "subject": subject}
        outcome = client.submit_and_wait(document.read_bytes(), filename=document.name, **asked)
        for finding in outcome.findings:
            typer.echo(
                f"[{finding['severity']}] {finding['code']} {finding['place_ja']}: {finding['message_ja']}", err=True
            )
    typer.echo(f"{outcome.submission} {outcome.verdict} {outcome.counts}", err=True)
    for receipt in outcome.receipts:
        typer.echo(receipt)
    raise typer.Exit(1 if outcome.verdict == "refused" else 0)


@app.command()
def feed(  # noqa: PLR0913 - a command's options are its parameters
    recipient: str,
    url: Url,
    name: As,
    key: Key,
    gateway_key: Annotated[Path, typer.Option(help="The gateway's published key.")],
    log_name: str = Settings().log_name,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Print every line of a corporation's feed, proven against its log, as NDJSON."""
    keys = KeyRing.parse(gateway_key.read_bytes())
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        for line in Following(client, recipient, keys, log_name).fetch():
            typer.echo(orjson.dumps(line).decode())


@evidence_app.command("fetch")
def fetch_evidence(  # noqa: PLR0913 - a command's options are its parameters
    submission: str,
    url: Url,
    name: As,
    key: Key,
    out: Path = Path("evidence.json"),
    line: Annotated[int | None, typer.Option(help="Only this line, with no byte of another.")] = None,
    quorum: Annotated[int | None, typer.Option(help="Under a checkpoint that so many witnesses cosigned.")] = None,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Fetch the evidence of an outcome into a file, to be verified by anybody, offline."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        out.write_bytes(client.evidence(submission, line=line, quorum=quorum))
    typer.echo(out)


@evidence_app.command("export")
def export_evidence(  # noqa: PLR0913 - a command's options are its parameters
    submission: str,
    url: Url,
    name: As,
    key: Key,
    out: Path = Path("evidence.asice"),
    recipient: Annotated[str | None, typer.Option(help="Which of several recipients' outcomes.")] = None,
    quorum: Annotated[int | None, typer.Option(help="Under a checkpoint that so many witnesses cosigned.")] = None,
    certificate: Certificate = None,
    ca: Ca = None,
) -> None:
    """Fetch all evidence of an outcome as a signed container (ASiC-E), which openssl verifies too."""
    with Client(url, name, SigningKey.load(key), tls=tls_with(ca, certificate)) as client:
        container = client.evidence(submission, recipient=recipient, quorum=quorum, container=True)
    out.write_bytes(container)
    typer.echo(out)
    if b"checkpoint.tst" not in container:
        typer.echo("タイムスタンプはまだ付与されていません。 Not time-stamped yet.", err=True)


@app.command()
def adapters() -> None:
    """List the formats that are understood."""
    from gateway.plugins import load_adapters

    for adapter in load_adapters().values():
        typer.echo(f"{adapter.name}/{adapter.version}\t{', '.join(sorted(adapter.kinds))}")


@forms.command("monitoring-report")
def monitoring_report(
    out: Path = Path("業況報告書.xlsx"), recipient: str = "", bank: str = "", guarantee: str = ""
) -> None:
    """Write an empty 業況報告書 form (xlsx), with what is known filled in."""
    from gateway.formats.forms import write_form

    known = {"/cgc_id": recipient, "/bank_code": bank, "/guarantee_nos/0": guarantee}
    out.write_bytes(write_form("monitoring-report", {at: value for at, value in known.items() if value}))
    typer.echo(out)


@keys.command("new")
def new_key(out: Path) -> None:
    """Make a new signing key (PEM, mode 0600) and print its public JWK."""
    key = SigningKey.generate()
    key.save(out)
    typer.echo(orjson.dumps(key.public.jwk()).decode())
