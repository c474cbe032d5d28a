"""Commands of the operator, over the gateway's own database."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from gateway.errors import InvalidRequest, NotFound
from gateway.runtime.clock import SystemClock
from gateway.security.log_keys import LogKeys
from gateway.security.signing_keys import SigningKeys
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.store.engine import Session
    from gateway.wiring import Gateway
from gateway.cli.acts import acting
from gateway.cli.apps import (
    app,
    gateway_here,
    jobs_app,
    keys,
    log_app,
)
from gateway.cli.parties import give


@app.command()
def audit(
    count: int = 20,
    verify: Annotated[bool, typer.Option("--verify", help="Verify every entry, and print the heads to keep.")] = False,
    head: Annotated[
        list[str] | None, typer.Option(help="A head kept earlier, CHAIN:NUMBER:DIGEST; may repeat.")
    ] = None,
) -> None:
    """Show the newest of what operators did and of refusals at the door, or verify that nothing of it was altered."""
    from gateway.store import trail

    with gateway_here() as gateway, gateway.database.read() as session:
        if verify or head:
            raise typer.Exit(_verified(session, head or []))
        for entry in trail.newest(session, count):
            told = (entry.deed.at.isoformat(), entry.deed.who or "-", entry.deed.what, entry.deed.about)
            typer.echo("\t".join(told))


def _verified(session: Session, heads: list[str]) -> int:
    """Say what is wrong with the audit trail, or how far it is whole; the command's status."""
    from gateway.schemas.trail import CHAINS, flaws, is_head
    from gateway.store import disclosure_chain, trail

    if not all(is_head(one) for one in heads):
        raise InvalidRequest("a head is CHAIN:NUMBER:DIGEST", ja="--head は CHAIN:NUMBER:DIGEST で指定してください。")
    wrong = [flaw for chain in CHAINS for flaw in flaws(chain, trail.entries(session, chain), heads)]
    wrong += disclosure_chain.flaws(session)
    for one in wrong or [last.head for chain in CHAINS if (last := trail.find_last(session, chain))]:
        typer.echo(one)
    typer.echo(
        "監査記録に改変があります。 The audit trail was altered."
        if wrong
        else "監査記録に改変はありません。 The audit trail is whole."
    )
    return 1 if wrong else 0


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
    ids = {"submission": submission, "reason": reason, "recipients": recipient or [], "lines": wanted}
    with gateway_here() as gateway:
        with acting(gateway, "withdraw", **ids):
            gateway.withdrawer.withdraw(Asked(submission, REASONS[reason], by, tuple(recipient or ()), numbers))
            gateway.kept.keep()
            if rewrite:
                gateway.withdrawer.shred(submission, rewrite=True)
        time.sleep(NOTED_WITHIN_S)  # what was read a moment ago is being noted
        _tell_withdrawn(gateway, submission)


@app.command()
def withdrawals(submission: Annotated[str, typer.Argument(help="Only of this one.")] = "") -> None:
    """List what was withdrawn, why, and who had read which of the positions."""
    with gateway_here() as gateway:
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


@app.command()
def contested() -> None:
    """List numbers that name different firms by the words of different corporations, none of which is told so."""
    from gateway.registers.firms import contested as find

    with gateway_here() as gateway:
        for one in find(gateway.database, gateway.clock.now()):
            for said, at in one.words:
                typer.echo("\t".join((str(one.reference), said.party, f"by {said.by}", at.isoformat())))


@app.command()
def disclosures(
    subject: Annotated[str, typer.Argument(help="Whose: a corporate or invoice number, scheme:value or the like.")],
) -> None:
    """List to whom what was disclosed of a firm: corporation, kind, who handed it over, who was given it, the basis."""
    from gateway.schemas.identifiers import japanese_date, parse_subject
    from gateway.schemas.retention import load_record_period
    from gateway.store import disclosures, registers

    period = load_record_period("disclosure")

    with gateway_here() as gateway, gateway.database.read() as session:
        reference = parse_subject(subject)
        party = registers.find_links(session, [reference], japanese_date(gateway.clock.now())).get(reference)
        if party is None:
            raise NotFound("this number names no firm", ja="この番号に該当する事業者は登録されていません。")
        for one in disclosures.of_party(session, gateway.blocks, party):
            places = ",".join(_span(*run) for run in one.positions)
            rests_on = " ".join(filter(None, (one.basis, one.under))) or "-"
            kept = f"on record until {period.until(one.at, one.basis)}" if one.at else ""
            told = one.reader or "nobody yet", places, one.at.isoformat() if one.at else "", rests_on, kept
            typer.echo("\t".join((one.recipient, one.kind, f"from {one.sender}", *told)))


def _span(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


@jobs_app.command("list")
def list_jobs() -> None:
    """List the jobs that are still to be done, and those that were given up, with their causes."""
    from gateway.store import jobs

    with gateway_here() as gateway, gateway.database.read() as session:
        for one in jobs.unfinished(session):
            state = "given up" if one.given_up else "open"
            typer.echo(f"{one.id}\t{state}\t{one.task}\t{one.key}\t{one.attempts} attempts\t{one.failure or ''}")


@jobs_app.command("retry")
def retry_job(job: int) -> None:
    """Let a job that was given up be tried again."""
    from gateway.store import jobs

    with gateway_here() as gateway, acting(gateway, "jobs.retry", job=job), gateway.database.write() as session:
        if not jobs.put_back(session, job, gateway.clock.now()):
            raise NotFound("no job of this number was given up", ja="この番号の、中止された処理はありません。")
        gateway.database.notify(session)
    typer.echo(f"job {job} is tried again")


@log_app.command("check")
def check_logs() -> None:
    """Compare the logs with their kept checkpoints; ends with status 1 where one was rewound or forked."""
    with gateway_here() as gateway:
        wrong = gateway.kept.found_wrong()
    for recipient, (kept, reason) in sorted(wrong.items()):
        typer.echo(f"{recipient}\t{kept.origin}\t{kept.size}\t{kept.root.hex()}\t{reason}")
    raise typer.Exit(1 if wrong else 0)


@log_app.command("stamps")
def list_stamps() -> None:
    """List the logs with how far they are time-stamped, since when the rest waits, and what went wrong last."""
    from gateway.store import stamps

    with gateway_here() as gateway, gateway.database.read() as session:
        for one in stamps.turns(session):
            since = one.waiting_since_at.isoformat() if one.is_behind and one.waiting_since_at else ""
            how = f"{gateway.gate.state(one)}\t{one.stamped_size} of {one.size}"
            typer.echo(f"{one.recipient}\t{how}\t{since}\t{one.failures} failures\t{one.failure or ''}")


@log_app.command("reopen")
def reopen_log(recipient: str) -> None:
    """Let a log that was rewound or forked go on under a new name, sealing what was last known of it."""
    from gateway.runtime.reopen import reopen

    with gateway_here() as gateway, acting(gateway, "log.reopen", recipient=recipient) as told:
        said = reopen(gateway.sealer, gateway.kept, gateway.blocks.cipher, recipient)
        told["size"] = said.size
    typer.echo(f"{said.opens} goes on after {said.origin}, of which {said.size} entries were signed")


@keys.command("rotate-storage")
def rotate_storage() -> None:
    """Make a new key-encryption key and wrap the keys of everything stored anew with it, while the gateway runs."""
    with gateway_here() as gateway, acting(gateway, "keys.rotate-storage") as told:
        told["keys"] = gateway.storage.rotate()
        typer.echo(f"{told['keys']} keys are wrapped by {gateway.kms.current()}")


@keys.command("destroy")
def destroy_keys(
    recipient: Annotated[str, typer.Option(help="The corporation whose content is to be erased, for good.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy the keys of a corporation: its content can never be read again; receipts and proofs still hold."""
    if not yes:
        typer.confirm(f"Erase everything stored for {recipient}? / {recipient} の内容をすべて消去しますか", abort=True)
    with gateway_here() as gateway, acting(gateway, "keys.destroy", recipient=recipient) as told:
        told["lines"] = gateway.storage.destroy(recipient)
        typer.echo(f"erased {told['lines']} lines of {recipient}")


@keys.command("publish")
def publish_key() -> None:
    """Print the gateway's public key set, by which receipts and checkpoints are verified."""
    settings = Settings.from_environment()
    clock = SystemClock()
    signing = SigningKeys(LogKeys(settings.key_file, clock), settings.signing_folder, clock)
    typer.echo(orjson.dumps(signing.published().jwks()).decode())


@keys.command("rotate-signing")
def rotate_signing(
    hours: Annotated[float, typer.Option(min=24, help="From when it is published until it signs.")] = 25,
    at_once: Annotated[bool, typer.Option("--at-once", help="It signs now: the present key was stolen.")] = False,
) -> None:
    """Announce the next key for receipts and tokens; each process begins to sign with it at the instant printed."""
    with gateway_here() as gateway, acting(gateway, "keys.rotate-signing") as told:
        made = gateway.signing.rotate(timedelta() if at_once else timedelta(hours=hours))
        told |= {"key": made.public.kid, "from": made.from_at.isoformat()}
    typer.echo(f"{made.public.kid} signs from {made.from_at.isoformat()} on")


@keys.command("log-successor")
def announce_log_key(
    hours: Annotated[float, typer.Option(min=24, max=8_760, help="From when it is published until it signs.")] = 25,
    overlap_hours: Annotated[
        float, typer.Option(min=24, max=8_760, help="How long the old key signs beside it.")
    ] = 720,
) -> None:
    """Announce a successor of the key that signs the logs, by that key's word; all processes begin at its instant."""
    from gateway.registers.orders import LogSuccessor

    give(LogSuccessor(hours=hours, overlap_hours=overlap_hours), "keys")


@keys.command("end-log-key")
def end_log_key(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """End the key that signs the logs, since it was stolen or lost: everybody outside needs the new key file."""
    from gateway.registers.orders import EndLogKey

    if not yes:
        typer.confirm("End the key of the logs, at once and for good? / ログの鍵を直ちに失効させますか", abort=True)
    give(EndLogKey(), "keys")


@keys.command("certificate")
def print_certificate() -> None:
    """Print the keys of the logs that sign now as certificates (PEM), by which openssl verifies containers."""
    from gateway.security.issuing import issuer_pem

    settings = Settings.from_environment()
    for key in LogKeys(settings.key_file, SystemClock()).signers:
        typer.echo(issuer_pem(key, settings.log_name), nl=False)
