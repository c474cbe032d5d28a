"""The command line: thin. Each command parses, calls one thing, prints what came of it.

What only some commands need is imported by them: ``hayame verify`` should not wait for a database and a web server.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from ssl import SSLContext
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import orjson
import typer

from gateway.client import Client, Following
from gateway.errors import ConfigurationError, GatewayError, InvalidRequest, LogForked, NotFound
from gateway.security.cosignatures import read_quorum
from gateway.security.keys import KeyRing, SigningKey, load_or_make
from gateway.security.verify import verify_evidence
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.wiring import Gateway

app = typer.Typer(help="Hayame 早め: timely, verifiable data for credit guarantee corporations.", no_args_is_help=True)
participants = typer.Typer(help="Who may do what: enrol, list, delegate.", no_args_is_help=True)
keys = typer.Typer(help="Signing keys: ours and new ones.", no_args_is_help=True)
jobs_app = typer.Typer(
    help="What is worked off in the background: list it, try again what was given up.", no_args_is_help=True
)
forms = typer.Typer(help="Write a form to be filled in.", no_args_is_help=True)
log_app = typer.Typer(help="The logs: which are as they should be; reopen one that was rewound.", no_args_is_help=True)
app.add_typer(log_app, name="log")
app.add_typer(jobs_app, name="jobs")
app.add_typer(participants, name="participants")
app.add_typer(keys, name="keys")
app.add_typer(forms, name="forms")


Url = Annotated[str, typer.Option(help="The gateway's published address.")]
As = Annotated[str, typer.Option("--as", help="Your participant id.")]
Key = Annotated[Path, typer.Option(help="Your private key (PEM).")]
Certificate = Annotated[Path | None, typer.Option(help="Your client certificate and its key, in one file (PEM).")]
Ca = Annotated[Path | None, typer.Option(help="Who certifies the gateway (PEM), if not one whom all trust.")]


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


@contextmanager
def _gateway() -> Iterator[Gateway]:
    from gateway.wiring import build

    gateway = build(Settings.from_environment())
    try:
        yield gateway
    finally:
        gateway.database.close()


@app.command()
def serve(
    host: str = "",
    port: int = 0,
    until_eof: Annotated[bool, typer.Option(help="As one of several: stop when standard input closes.")] = False,
) -> None:
    """Serve HTTP in HAYAME_PROCESSES processes (and, unless HAYAME_WORKER=false, work off large submissions in one)."""
    import uvicorn

    from gateway.api.edge import edge
    from gateway.runtime.collector import calm_collector
    from gateway.runtime.logs import log_without_content
    from gateway.wiring import application, build

    settings = Settings.from_environment()
    tls = _tls(settings)
    address = urlsplit(settings.base_url)
    host, port = host or address.hostname or "127.0.0.1", port or address.port or 8040
    served = application(build(settings), ["--host", host, "--port", str(port)])
    calm_collector()
    log_without_content()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection is an open file
    server = uvicorn.Server(
        uvicorn.Config(
            served,
            http=edge(settings.header_timeout_s, settings.body_idle_s),
            ws="none",
            ssl_context_factory=tls,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=20,
        )
    )
    if until_eof:
        _at_eof(lambda: setattr(server, "should_exit", True))
    server.run(sockets=[_listening(host, port, shared=until_eof or settings.processes > 1)])
    if not server.started:
        raise typer.Exit(3)


def _tls(settings: Settings) -> Callable[..., SSLContext] | None:
    from gateway.security.certificates import server_context

    if settings.tls_certificate is None:
        return None
    context = server_context(settings.tls_certificate, settings.tls_key, settings.client_ca)
    return lambda *_: context


def _listening(host: str, port: int, *, shared: bool) -> socket.socket:
    """An address to listen at; with ``shared`` the kernel spreads connections over all processes that listen there."""
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        one.bind((host, port))
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen at {host} port {port}: {error.strerror}",
            ja=f"{host} のポート {port} で待ち受けできません: {error.strerror}",
        ) from error
    return one


@app.command()
def work(until_eof: Annotated[bool, typer.Option(help="Stop when standard input closes.")] = False) -> None:
    """Work off large submissions, releases and regular work until stopped."""
    from gateway.runtime.collector import calm_collector
    from gateway.runtime.logs import log_without_content
    from gateway.runtime.scheduler import schedule
    from gateway.wiring import worker

    stop = threading.Event()
    if until_eof:
        _at_eof(stop.set)
    log_without_content()
    with _gateway() as gateway:
        calm_collector()
        scheduler = schedule(gateway.database, gateway.clock)
        try:
            with gateway.kept.keeping():
                worker(gateway).run(stop)
        except KeyboardInterrupt:
            stop.set()
        finally:
            scheduler.shutdown(wait=False)


def _at_eof(stop: Callable[[], None]) -> None:
    """Stop when standard input closes, which it does however our parent dies."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stop()

    threading.Thread(target=wait, daemon=True).start()


@app.command()
def verify(
    evidence: Path,
    key: Annotated[Path, typer.Option(help="The gateway's published key (JWK Set, JWK or PEM).")],
    witness: Annotated[list[str] | None, typer.Option(help="NAME=KEYFILE of a witness you trust; may repeat.")] = None,
    quorum: Annotated[int, typer.Option(help="How many of them must have cosigned; 0 for all.")] = 0,
) -> None:
    """Verify an evidence file offline, with the published key and, where named, the keys of witnesses."""
    trusted = read_quorum(witness, quorum) if witness or quorum else None
    report = verify_evidence(evidence.read_bytes(), KeyRing.parse(key.read_bytes()), trusted)
    for check in report.checks:
        typer.echo(f"{check.verdict:<10} {check.name:<22} {check.detail_ja} / {check.detail_en}")
    typer.echo(
        "証拠は有効です。 The evidence holds." if report.holds else "証拠は無効です。 The evidence does NOT hold."
    )
    raise typer.Exit(0 if report.holds else 1)


def _client_context(ca: Path | None, certificate: Path | None) -> SSLContext | None:
    from gateway.security.certificates import client_context

    return None if ca is None and certificate is None else client_context(ca, certificate)


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
    with Client(url, name, SigningKey.load(key), tls=_client_context(ca, certificate)) as client:
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
    with Client(url, name, SigningKey.load(key), tls=_client_context(ca, certificate)) as client:
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
    with Client(url, name, SigningKey.load(key), tls=_client_context(ca, certificate)) as client:
        for line in Following(client, recipient, keys, log_name).fetch():
            typer.echo(orjson.dumps(line).decode())


@app.command()
def evidence(  # noqa: PLR0913 - a command's options are its parameters
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
    with Client(url, name, SigningKey.load(key), tls=_client_context(ca, certificate)) as client:
        out.write_bytes(client.evidence(submission, line=line, quorum=quorum))
    typer.echo(out)


@app.command()
def adapters() -> None:
    """List the formats that are understood."""
    from gateway.plugins import load_adapters

    for adapter in load_adapters().values():
        typer.echo(f"{adapter.name}/{adapter.version}\t{', '.join(sorted(adapter.kinds))}")


@app.command()
def audit(count: int = 20) -> None:
    """Show the newest refusals at the door, with their causes."""
    from gateway.store import submissions

    with _gateway() as gateway, gateway.database.read() as session:
        for at, code, reason, path in submissions.newest_audit(session, count):
            typer.echo(f"{at.isoformat()}\t{code}\t{path}\t{reason}")


@app.command()
def withdraw(  # noqa: PLR0913 - a command's options are its parameters
    submission: str,
    reason: Annotated[str, typer.Option(help="misdirected, erasure, retention or consent")],
    lines: Annotated[str, typer.Option(help="Only these, counted from 0: 0,4,7")] = "",
    recipient: Annotated[list[str] | None, typer.Option(help="Only from this corporation; may repeat.")] = None,
    by: Annotated[str, typer.Option(help="Who wants it; kept here, not sealed.")] = "",
    rewrite: Annotated[bool, typer.Option("--rewrite", help="PostgreSQL: rewrite the tables, locking them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Withdraw a submission, or lines of it, for good: stubs take their place, the feed says so; who had read it."""
    from gateway.runtime.notes import NOTED_WITHIN_S
    from gateway.runtime.withdraw import Asked
    from gateway.schemas.withdrawal import REASONS

    wanted = [number.strip() for number in lines.split(",")] if lines else []
    if reason not in REASONS or not all(number.isdecimal() for number in wanted):
        raise InvalidRequest("name one reason, and lines by number", ja="理由と行番号の指定を確認してください。")
    if not yes:
        typer.confirm(f"Withdraw {submission}, for good? / {submission} を取り下げますか(取消不可)", abort=True)
    numbers = tuple(int(number) for number in wanted) if wanted else None
    with _gateway() as gateway:
        gateway.withdrawer.withdraw(Asked(submission, REASONS[reason], by, tuple(recipient or ()), numbers))
        gateway.kept.keep()
        if rewrite:
            gateway.withdrawer.shred(submission, rewrite=True)
        time.sleep(NOTED_WITHIN_S)  # what was read a moment ago is being noted
        _tell_withdrawn(gateway, submission)


@app.command()
def withdrawals(submission: Annotated[str, typer.Argument(help="Only of this one.")] = "") -> None:
    """List what was withdrawn, why, and who had read which of the positions."""
    with _gateway() as gateway:
        _tell_withdrawn(gateway, submission)


def _tell_withdrawn(gateway: Gateway, submission: str) -> None:
    from gateway.store import withdrawals

    with gateway.database.read() as session:
        found = withdrawals.everything(session, submission)
        for one in found:
            places = ",".join(_span(*run) for run in one.positions) or "-"
            what = "whole" if one.whole else "lines"
            told = (one.withdrawn_at.isoformat(), one.recipient, one.submission, what, one.reason, places, one.asked_by)
            typer.echo("\t".join(told))
            for read in withdrawals.who_had_read(session, one):
                places = ",".join(_span(*run) for run in read.positions)
                typer.echo(f"\tread by {read.reader}\t{places}\tsince {read.at.isoformat()}")


def _span(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


@jobs_app.command("list")
def list_jobs() -> None:
    """List the jobs that are still to be done, and those that were given up, with their causes."""
    from gateway.store import jobs

    with _gateway() as gateway, gateway.database.read() as session:
        for one in jobs.unfinished(session):
            state = "given up" if one.given_up else "open"
            typer.echo(f"{one.id}\t{state}\t{one.task}\t{one.key}\t{one.attempts} attempts\t{one.failure or ''}")


@jobs_app.command("retry")
def retry_job(job: int) -> None:
    """Let a job that was given up be tried again."""
    from gateway.store import jobs

    with _gateway() as gateway, gateway.database.write() as session:
        if not jobs.put_back(session, job, gateway.clock.now()):
            raise NotFound("no job of this number was given up", ja="この番号の、中止された処理はありません。")
        gateway.database.notify(session)
    typer.echo(f"job {job} is tried again")


@log_app.command("check")
def check_logs() -> None:
    """Compare the logs with their kept checkpoints; ends with status 1 where one was rewound or forked."""
    with _gateway() as gateway:
        wrong = gateway.kept.found_wrong()
    for recipient, (kept, reason) in sorted(wrong.items()):
        typer.echo(f"{recipient}\t{kept.origin}\t{kept.size}\t{kept.root.hex()}\t{reason}")
    raise typer.Exit(1 if wrong else 0)


@log_app.command("reopen")
def reopen_log(recipient: str) -> None:
    """Let a log that was rewound or forked go on under a new name, sealing what was last known of it."""
    from gateway.runtime.reopen import reopen

    with _gateway() as gateway:
        said = reopen(gateway.sealer, gateway.kept, gateway.blocks.cipher, recipient)
    typer.echo(f"{said.opens} goes on after {said.origin}, of which {said.size} entries were signed")


@app.command()
def demo(input: Annotated[Path | None, typer.Option(help="A folder of your own files.")] = None) -> None:
    """See the whole line work: banks, a vendor, corporations and a targeting tool, each a program of its own."""
    arguments = ["--input", str(input)] if input else []
    command = [sys.executable, "-m", "mocks.demo", *arguments]
    raise typer.Exit(subprocess.call(command))  # noqa: S603 - our own program, no shell


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


@keys.command("rotate-storage")
def rotate_storage() -> None:
    """Make a new key-encryption key and wrap the keys of everything stored anew with it, while the gateway runs."""
    with _gateway() as gateway:
        typer.echo(f"{gateway.storage.rotate()} keys are wrapped by {gateway.kms.current()}")


@keys.command("destroy")
def destroy_keys(
    recipient: Annotated[str, typer.Option(help="The corporation whose content is to be erased, for good.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy the keys of a corporation: its content can never be read again; receipts and proofs still hold."""
    if not yes:
        typer.confirm(f"Erase everything stored for {recipient}? / {recipient} の内容をすべて消去しますか", abort=True)
    with _gateway() as gateway:
        typer.echo(f"erased {gateway.storage.destroy(recipient)} lines of {recipient}")


@keys.command("publish")
def publish_key() -> None:
    """Print the gateway's public key set, by which receipts and checkpoints are verified."""
    key = load_or_make(Settings.from_environment().key_file)
    typer.echo(orjson.dumps(KeyRing([key.public]).jwks()).decode())


@participants.command("enrol")
def enrol(  # noqa: PLR0913 - a command's options are its parameters
    id: str,
    kind: Annotated[str, typer.Argument(help="bank, vendor, office, corporation, tool or witness")],
    name: str,
    key: Annotated[Path, typer.Option(help="Its public key: JWK or PEM.")],
    institution: str = "",
    may: Annotated[list[str] | None, typer.Option(help="action:recipient, e.g. submit:13; may repeat.")] = None,
) -> None:
    """Enrol a participant with its public key and what it may do."""
    from gateway.registers import enrolment

    with _gateway() as gateway:
        entry = enrolment.Entry(
            id=id,
            kind=kind,
            name=name,
            institution=institution or None,
            keys=KeyRing.parse(key.read_bytes()),
            may=enrolment.entitlements(may or []),
        )
        enrolment.enrol(gateway.database, entry, gateway.clock.now())
    typer.echo(f"enrolled {id}")


@participants.command("delegate")
def delegate(sender: str, institution: str, since: str, until: str = "") -> None:
    """Allow a sender to submit on an institution's behalf, from a date on (YYYY-MM-DD)."""
    from gateway.registers import enrolment

    with _gateway() as gateway:
        end = date.fromisoformat(until) if until else None
        enrolment.delegate(gateway.database, sender, institution, date.fromisoformat(since), end)
    typer.echo(f"{sender} may submit for {institution}")


@participants.command("list")
def list_participants() -> None:
    """List the participants and what they may do."""
    from gateway.registers import enrolment

    with _gateway() as gateway:
        for one in enrolment.everybody(gateway.database):
            may = " ".join(sorted(f"{action}:{recipient}" for action, recipient in one.entitlements))
            typer.echo(f"{one.id}\t{one.kind}\t{one.name}\t{one.institution}\t{len(one.keys)} keys\t{may}")
