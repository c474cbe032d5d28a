"""Settings → a running gateway: the only module that knows which back end was chosen."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.confined.pool import Pool, confined
from gateway.errors import ConfigurationError
from gateway.formats.local_benchmark import load_boundaries
from gateway.pipeline import Line
from gateway.plugins import load_adapters
from gateway.ports import Kms
from gateway.registers.participants import Participants
from gateway.registers.releases import MERGE, release_merged
from gateway.rules.pack import standard_pack
from gateway.runtime.clock import SystemClock
from gateway.runtime.committer import Committer, Tools
from gateway.runtime.expire import Expiry
from gateway.runtime.issuers import OurTokens, TheirTokens
from gateway.runtime.kept_heads import KeptFiles, KeptHeads
from gateway.runtime.loader import Loader
from gateway.runtime.notices import Notices
from gateway.runtime.registrar import Registrar
from gateway.runtime.sealer import Sealer
from gateway.runtime.shelf import Shelf
from gateway.runtime.stamp_gate import StampGate
from gateway.runtime.stamper import Office, Stamper
from gateway.runtime.storage import Storage
from gateway.runtime.wakeups import Wakeups
from gateway.runtime.withdraw import SHRED, Withdrawer, document_of
from gateway.runtime.worker import Worker
from gateway.schemas.retention import Retention, load_retention
from gateway.security import log_key_changes
from gateway.security.at_rest import AtRest
from gateway.security.certificates import Proxies
from gateway.security.keys import SigningKey
from gateway.security.kms import FileKms, GivenKms
from gateway.security.log_keys import LogKeys
from gateway.security.owner_keys import OwnerKeys
from gateway.security.signing_keys import SigningKeys
from gateway.security.timestamps import Authorities
from gateway.settings import Settings
from gateway.steps.authenticate import Door, Issuer, Terms
from gateway.store import disclosure_chain
from gateway.store.consent_notices import NOTICE
from gateway.store.engine import Database, Watch
from gateway.store.feed import Blocks
from gateway.store.migrate import migrate
from gateway.store.plain_rows import close_plain
from gateway.store.storage_keys import StorageKeys
from gateway.store.walls import is_climbed

LOGGER = logging.getLogger("hayame.wiring")

if TYPE_CHECKING:
    from fastapi import FastAPI

PACKED_S, PACKED_WITHIN_S, LARGE_PACKED_S = 3.0, 4.5, 15.0
"""How long reading a packed document may take while its sender waits; and in the background, within a job's lease."""
LOOK_S, SETTLED_S = 0.5, 30.0  # how often a child process is looked at; after how long it is not held for broken


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a process is made of, whatever it does with it."""

    settings: Settings
    database: Database
    blocks: Blocks
    shelf: Shelf
    line: Line
    participants: Participants
    logs: LogKeys
    signing: SigningKeys
    kept: KeptHeads
    kms: Kms
    sealer: Sealer
    office: Office | None
    gate: StampGate
    clock: SystemClock
    retention: Retention | None

    @property
    def key(self) -> SigningKey:
        """The key of the logs, the newest that signs now."""
        return self.logs.current

    @property
    def storage(self) -> Storage:
        """What an operator does with the keys of what is stored."""
        return Storage(self.database, self.blocks, self.kms, self.clock, self.raw_folder)

    @property
    def registrar(self) -> Registrar:
        """What changes the registers, and seals each change."""
        return Registrar(self.database, self.blocks, self.sealer, self.clock)

    @property
    def withdrawer(self) -> Withdrawer:
        """What withdraws submissions and lines."""
        comparing = frozenset(rule.code for rule in self.line.pack.rules if rule.form in {"history", "rows_history"})
        return Withdrawer(self.database, self.blocks, self.sealer, self.clock, self.raw_folder, comparing)

    @property
    def raw_folder(self) -> Path:
        """Where large documents are kept."""
        return self.settings.data_dir / "raw"

    def door(self) -> Door:
        """Who lets callers in."""
        settings = self.settings
        terms = Terms(settings.base_url, settings.signature_max_age_s, settings.unbound_tokens)
        return Door(self.participants, _issuer(self), self.database, self.clock, terms)

    def line_with(self, pool: Pool) -> Line:
        """The line, with packed documents read by a pool's children."""
        return replace(self.line, adapters=confined(self.line.adapters, pool))


def build(settings: Settings) -> Gateway:
    """Open the database, bring it up to date, load keys, certificates, adapters and rules.

    Raises:
        ConfigurationError: something does not fit.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / "raw").mkdir(exist_ok=True)
    retention = load_retention(settings.retention) if settings.retention else None
    office = _office(settings)
    database = Database(settings.url)
    migrate(database)
    if not database.is_sqlite and is_climbed(database.engine):
        LOGGER.warning(
            "the database role is a superuser or has BYPASSRLS: row-level security holds it back from nothing"
        )
    clock = SystemClock()
    logs = LogKeys(settings.key_file, clock)
    log_key_changes.forget(logs)
    kms = GivenKms(settings.storage_keys) if settings.storage_keys else FileKms(settings.key_file.parent / "storage")
    signing = SigningKeys(logs, settings.signing_folder, clock)
    files = KeptFiles(settings.kept_heads, logs, settings.log_name)
    kept = KeptHeads(database, files)
    kept.look()
    layouts = (str(settings.layouts_dir),) if settings.layouts_dir else ()
    shelf = Shelf(settings.reference_data)
    made = Gateway(
        settings=settings,
        database=database,
        blocks=Blocks(AtRest(OwnerKeys(kms, StorageKeys(database), clock))),
        shelf=shelf,
        line=Line(
            load_adapters(),
            standard_pack(),
            layouts,
            shelf.lists,
            (str(settings.data_dir / "column_maps"),),
            load_boundaries(str(settings.benchmark_boundaries)) if settings.benchmark_boundaries else None,
        ),
        participants=Participants(database, clock),
        logs=logs,
        signing=signing,
        kept=kept,
        kms=kms,
        sealer=Sealer(database, logs, signing, settings.log_name, clock, kept),
        office=office,
        gate=StampGate(database, clock, timedelta(seconds=settings.stamp_max_age_s) if office else None),
        clock=clock,
        retention=retention,
    )
    try:
        made.storage.check()
        close_plain(database, made.blocks)
    except ConfigurationError:
        database.close()
        raise
    return made


def _office(settings: Settings) -> Office | None:
    """Where time stamps come from, if the operator named an authority."""
    if settings.tsa_url is None:
        return None
    if settings.tsa_certificates is None:
        raise ConfigurationError(
            "HAYAME_TSA_URL needs HAYAME_TSA_CERTIFICATES, the authority's root certificate (PEM)",
            ja="HAYAME_TSA_URL には HAYAME_TSA_CERTIFICATES(タイムスタンプ局のルート証明書)が必要です。",
        )
    if settings.stamp_max_age_s <= settings.stamp_interval_s:
        raise ConfigurationError(
            "HAYAME_STAMP_MAX_AGE_S has to be longer than HAYAME_STAMP_INTERVAL_S",
            ja="HAYAME_STAMP_MAX_AGE_S は HAYAME_STAMP_INTERVAL_S より長くしてください。",
        )
    trusted = Authorities.load(settings.tsa_certificates)
    return Office(settings.tsa_url, trusted, timedelta(seconds=settings.stamp_interval_s))


def _issuer(gateway: Gateway) -> Issuer:
    """Who issues tokens: we, unless the operator named another."""
    settings = gateway.settings
    if settings.issuer is None or settings.issuer_jwks is None:
        return OurTokens(settings.base_url, gateway.signing)
    return TheirTokens(settings.issuer, settings.issuer_jwks, gateway.clock)


def application(gateway: Gateway, where: Sequence[str] = ()) -> FastAPI:
    """The HTTP application, with committer, wake-ups and (by setting) a worker and more servers like itself.

    Args:
        gateway: what it is made of.
        where: options of ``serve`` that say where it listens, for the other servers.
    """
    from gateway.api.app import create_app  # who does not serve starts without a web framework
    from gateway.api.parts import Limits, Parts
    from gateway.api.rates import Rates

    settings, watch, pool = gateway.settings, Watch(gateway.database), Pool(PACKED_S, PACKED_WITHIN_S)
    wakeups, proxies = Wakeups(watch, gateway.database), Proxies(settings.certificate_proxies)
    tools = Tools(gateway.database, gateway.blocks, gateway.line.pack, gateway.sealer, gateway.clock, wakeups)
    committer = Committer(tools, settings.group_size, settings.idempotency_days)
    parts = Parts(
        database=gateway.database,
        blocks=gateway.blocks,
        line=gateway.line_with(pool),
        committer=committer,
        door=gateway.door(),
        participants=gateway.participants,
        registrar=gateway.registrar,
        news=wakeups,
        clock=gateway.clock,
        signing=gateway.signing,
        base_url=settings.base_url,
        other_issuer=settings.issuer,
        log_name=settings.log_name,
        kept=gateway.kept,
        stamps=gateway.gate,
        lists_told=gateway.shelf.told,
        raw_folder=gateway.raw_folder,
        limits=Limits(settings.large_bytes, settings.large_records, settings.max_bytes, settings.inline_raw_bytes),
        rates=Rates(_per_minute(settings)),
        proxies=proxies,
        tls=settings.tls_certificate is not None,
        certificates=settings.client_ca is not None or bool(proxies),
    )

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        tasks = [asyncio.create_task(committer.run()), asyncio.create_task(wakeups.run())]
        children = [["work"]] * settings.worker + [["serve", *where]] * (settings.processes - 1)
        tasks += [asyncio.create_task(_keep(arguments)) for arguments in children]
        try:
            gateway.gate.look()
            with gateway.kept.keeping(), gateway.gate.looking(), gateway.shelf.looking():
                yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            pool.close()
            watch.close()
            gateway.database.close()

    return create_app(parts, running)


async def _keep(arguments: Sequence[str]) -> None:
    """Keep one child process; it stops by itself when our end of its standard input closes, however we die.

    One that ends as soon as it begins, because the disk is full or gone, is given more and more time.
    """
    command = [sys.executable, "-m", "gateway", *arguments, "--until-eof"]
    environment = os.environ | {"HAYAME_PROCESSES": "1", "HAYAME_WORKER": "false"}
    pause_s = LOOK_S
    while True:
        begun = time.monotonic()
        child = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)  # noqa: S603 - our own program, no shell
        try:
            while child.poll() is None:
                await asyncio.sleep(LOOK_S)
        finally:
            if child.stdin is not None:
                child.stdin.close()
            if child.poll() is None:
                child.wait(timeout=30)
        pause_s = LOOK_S if time.monotonic() - begun > SETTLED_S else min(2 * pause_s, SETTLED_S)
        await asyncio.sleep(pause_s)


def _per_minute(settings: Settings) -> dict[str, int]:
    """How often a minute what is rated may happen, by the name of its bucket."""
    return {
        "client": settings.rate_client_per_minute,
        "tokens": settings.rate_tokens_per_minute,
        "codes": settings.rate_codes_per_minute,
        "refused": settings.rate_refused_per_minute,
    }


@contextmanager
def stamping(gateway: Gateway) -> Iterator[None]:
    """Fetch time stamps for the time of a block, where there is an authority to ask."""
    if gateway.office is None:
        yield
        return
    with gateway.gate.looking(), Stamper(gateway.database, gateway.clock, gateway.office).stamping():
        yield


def worker(gateway: Gateway) -> Worker:
    """A worker over the same database; the child that reads its packed documents ends with the process."""
    loader = Loader(
        database=gateway.database,
        blocks=gateway.blocks,
        line=gateway.line_with(Pool(LARGE_PACKED_S, children=1)),
        participants=gateway.participants,
        sealer=gateway.sealer,
        clock=gateway.clock,
        raw_folder=gateway.raw_folder,
    )
    return Worker(gateway.database, loader, gateway.clock, gateway.settings.idempotency_days, _others(gateway))


def _others(gateway: Gateway) -> Mapping[str, Callable[[str], object]]:
    """What a worker does besides working on documents, by task."""
    expiry = Expiry(gateway.database, gateway.withdrawer, gateway.clock, gateway.retention)
    notices = Notices(gateway.database, gateway.blocks, gateway.sealer, gateway.clock)
    return {
        "expire": lambda _: expiry.expire(),
        SHRED: lambda key: gateway.withdrawer.shred(document_of(key)),
        "announce": lambda _: notices.announce(),
        NOTICE: notices.give,
        MERGE: lambda _: release_merged(gateway.database, gateway.blocks.cipher, gateway.clock),
        "chain": lambda _: _chain_disclosures(gateway),
    }


def _chain_disclosures(gateway: Gateway) -> None:
    with gateway.database.write() as session:
        disclosure_chain.close(gateway.database, session, gateway.clock.now())
