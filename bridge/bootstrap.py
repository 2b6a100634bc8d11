"""The only place that names concrete classes: the service, put together and taken apart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import metadata
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from bridge.addresses import PublicResolver
from bridge.alerting.email import EmailSender
from bridge.alerting.mail_server import mail_server
from bridge.alerting.webhook import WebhookSender
from bridge.checkup import Checkup
from bridge.config import Config
from bridge.connectors.amazon.entry import ENTRY as AMAZON
from bridge.connectors.calls import tracing
from bridge.connectors.magento.entry import ENTRY as MAGENTO
from bridge.connectors.shopify.entry import ENTRY as SHOPIFY
from bridge.connectors.tiktok.entry import ENTRY as TIKTOK
from bridge.connectors.tiktok.reasons import cancels_lines, reasons_for
from bridge.connectors.woocommerce.entry import ENTRY as WOOCOMMERCE
from bridge.gateways import KeptGateways, MakeChannel, MakeStore
from bridge.keys import api_token, digest, secret_keys
from bridge.lifeline import Lifeline
from bridge.meters import Meters
from bridge.ports import (
    Account,
    AlertSender,
    Assembled,
    Channel,
    Clock,
    Entry,
    FoundShop,
    Parts,
    Platform,
    Store,
)
from bridge.readiness import Readiness
from bridge.storage import jobs, leases
from bridge.storage.alert_targets import AlertTargets
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.inbox_writer import InboxWriter
from bridge.storage.migrate import migrate
from bridge.storage.rates import SharedPace
from bridge.storage.secrets import Vault, reseal, verify_key
from bridge.sync import asked
from bridge.sync.alerts import Alerts
from bridge.sync.desk import Desk, SyncSettings, SystemClock, log
from bridge.sync.keepers import Keepers
from bridge.sync.people import Actions
from bridge.sync.restoring import RestoreChecks
from bridge.sync.rounds import Rounds
from bridge.sync.workers import Workers
from bridge.web.app import create_app
from bridge.web.desk import WebDesk
from bridge.web.server import make_runner
from bridge.web.users import first_user

KEEPALIVE_SECONDS = 3.0
"""Shorter than a server's own (nginx, Apache: 5 and up), so that no call goes out on a dying connection."""
ENTRIES: tuple[Entry, ...] = (TIKTOK, MAGENTO, SHOPIFY, AMAZON, WOOCOMMERCE)
"""Every platform there is. A further one is one more name here."""
PLATFORMS: Mapping[str, Platform] = {entry.platform.kind: entry.platform for entry in ENTRIES}
VERSION = metadata.version("bridge")


def reasons(region: str) -> list[dict[str, Any]]:
    """The cancellation reasons a seller may give in a region, for people."""
    return [
        {
            "key": reason.key,
            "text": reason.text,
            "seller_fault": reason.seller_fault,
            "statuses": sorted(reason.statuses),
            "cancels_lines": cancels_lines(region, reason.key),
        }
        for reason in reasons_for(region)
    ]


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs. `port` is the one it listens on."""

    config: Config
    db: Database
    desk: Desk
    workers: Workers
    rounds: Rounds
    actions: Actions
    runner: web.AppRunner
    port: int
    over: asyncio.Event
    """Set where it ended though nobody told it to; the log says why. Whoever runs it ends, to be started anew."""
    token: str | None = field(repr=False)
    first_password: str | None = field(default=None, repr=False)
    """Of the first user, where this start made it and made the password up: shown once."""


@contextlib.asynccontextmanager
async def running(config: Config, clock: Clock | None = None) -> AsyncIterator[Service]:
    """Start everything, hand over the service, and stop in order: nothing new is taken, what is in hand is finished."""
    async with contextlib.AsyncExitStack() as stack:
        service = await _start(config, clock or SystemClock(), stack)
        yield service
        log.info("service.stopping", busy=service.workers.busy)


async def _start(config: Config, clock: Clock, stack: contextlib.AsyncExitStack) -> Service:
    began = time.monotonic()
    keys, token = await asyncio.to_thread(_keys, config)
    vault = Vault(keys)
    db = await Database.open(config.database)
    stack.push_async_callback(db.close)
    await migrate(db)
    await db.write(lambda conn: verify_key(conn, vault))
    if len(keys) > 1:
        # A key is being changed: what is stored is sealed with the first, so that the others can go.
        await db.write(lambda conn: reseal(conn, vault), idempotent=True)
    if db.dialect == "sqlite":
        # Its file is locked: no other process lives that could hold a lease, so nothing waits for one to run out.
        await db.write(leases.end_all)
        await db.write(lambda conn: jobs.end_silent(conn, asked.KIND, 0, asked.LOST))
    given = config.admin_password
    first_password = await first_user(db, given.get_secret_value() if given else None)
    registry = CollectorRegistry()
    meters = Meters(registry)
    db.retried = meters.retried
    session = _session(config, meters)
    stack.push_async_callback(session.close)
    connections = Connections(vault)
    parts = Parts(session, clock, SharedPace(db), config.allow_private_urls, config.public_url or "")
    platforms = {entry.platform.kind: entry.assemble(parts) for entry in ENTRIES}
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    renewers = {kind: one.renew for kind, one in platforms.items() if one.renew is not None}
    keepers = Keepers(db, connections, clock, owner, renewers)
    stack.push_async_callback(keepers.finished)
    gateways = _gateways(db, connections, platforms, keepers)
    bell = Bell()
    inbox = InboxWriter(db, lambda keys: workers.wake(len(keys)), meters.batch)
    desk = Desk(
        db=db,
        connections=connections,
        gateways=gateways,
        clock=clock,
        settings=_sync_settings(config),
        owner=owner,
        wake=bell.ring,
        platforms=PLATFORMS,
        meter=meters,
        is_crowded=lambda: inbox.is_crowded,
    )
    targets = AlertTargets(vault)
    senders = _senders(config, session, clock)
    alerts = Alerts(db, targets, senders, owner, clock)
    workers = Workers(desk)
    bell.wakes(workers)
    actions = Actions(desk)
    inbox.start()
    stack.push_async_callback(inbox.close)
    rounds = Rounds(desk, lambda: keepers.renew_early(desk), alerts.round)
    courier = _courier()
    stack.push_async_callback(courier.close)
    web_desk = WebDesk(
        db=db,
        connections=connections,
        inbox=inbox,
        connectors={kind: one.connector for kind, one in platforms.items()},
        doors={kind: one.door for kind, one in platforms.items() if one.door is not None},
        platforms=PLATFORMS,
        handshakes={kind: one.handshake for kind, one in platforms.items() if one.handshake is not None},
        authorizations={kind: one.authorization for kind, one in platforms.items() if one.authorization is not None},
        gateways=gateways,
        actions=actions,
        restore_checks=RestoreChecks(desk),
        reasons=reasons,
        alert_targets=targets,
        alert_senders=senders,
        test_alert=alerts.test,
        clock=clock,
        metrics=registry,
        ready=Readiness(config, workers, rounds).problems,
        checkup=Checkup(config, db, workers, rounds, bool(token), clock.now).findings,
        courier=courier,
        version=VERSION,
        public_url=config.public_url,
        trusted_proxies=config.proxies,
        api_tokens=frozenset({digest(token)} if token else ()),
    )
    stack.push_async_callback(_ended, asyncio.create_task(meters.watch_the_loop(), name="loop-lag"))
    stack.push_async_callback(actions.close)
    lifeline = Lifeline(workers, rounds)
    lifeline.start()
    stack.push_async_callback(lifeline.stop, config.stop_timeout)
    runner, port = await _listen(config, web_desk)
    stack.push_async_callback(runner.cleanup)
    log.info(
        "service.started", host=config.host, port=port, database=db.dialect, seconds=round(time.monotonic() - began, 3)
    )
    return Service(config, db, desk, workers, rounds, actions, runner, port, lifeline.over, token, first_password)


def _senders(config: Config, session: aiohttp.ClientSession, clock: Clock) -> dict[str, AlertSender]:
    url = config.smtp_url.get_secret_value() if config.smtp_url else None
    public_url = config.public_url or ""
    return {
        "email": EmailSender(mail_server(url, config.smtp_from or "") if url else None, public_url),
        "webhook": WebhookSender(session, clock, public_url, config.allow_private_urls),
    }


def _keys(config: Config) -> tuple[list[str], str | None]:
    """Reads or makes files, so it runs beside the loop."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return secret_keys(config), api_token(config)


async def _listen(config: Config, desk: WebDesk) -> tuple[web.AppRunner, int]:
    runner = make_runner(create_app(desk))
    await runner.setup()
    site = web.TCPSite(runner, config.host, config.port, backlog=1024)
    await site.start()
    return runner, int(runner.addresses[0][1])


def _sync_settings(config: Config) -> SyncSettings:
    return SyncSettings(
        quiet_period=timedelta(seconds=config.quiet_period),
        partial_quiet_period=timedelta(seconds=config.quiet_period * 7.5),
        lease=timedelta(seconds=config.lease),
        workers=config.workers,
        sweep_interval=timedelta(seconds=config.sweep_interval),
        keep_changelog=timedelta(days=config.keep_changelog_days),
        keep_personal=timedelta(days=config.keep_personal_days),
    )


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _session(config: Config, meters: Meters) -> aiohttp.ClientSession:
    """One session for all calls. Names are resolved to public addresses only, unless private ones are allowed; and anew
    for each connection, so that a name cannot be checked as one address and called as another.
    """
    resolver = None if config.allow_private_urls else PublicResolver(aiohttp.DefaultResolver())
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver, use_dns_cache=False, keepalive_timeout=KEEPALIVE_SECONDS, limit=100, limit_per_host=16
        ),
        headers={"User-Agent": f"bridge/{VERSION}"},
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[tracing(meters)],
    )


def _courier() -> aiohttp.ClientSession:
    """For calls to our own public address, which may lead to a private one inside the operator's network."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(use_dns_cache=False, force_close=True), cookie_jar=aiohttp.DummyCookieJar()
    )


class Bell:
    """Wakes this process's workers; hung up before they exist."""

    def __init__(self) -> None:
        self._workers: Workers | None = None

    def wakes(self, workers: Workers) -> None:
        self._workers = workers

    def ring(self) -> None:
        if self._workers is not None:
            self._workers.wake()


def _gateways(
    db: Database, connections: Connections, platforms: Mapping[str, Assembled], keepers: Keepers
) -> KeptGateways:
    def account(connection: Connection) -> Account:
        return Account(
            connection.id,
            connection.url,
            connection.credentials,
            keepers.of(connection) if platforms[connection.kind].renew else None,
            connection.plugin_override,
        )

    def channel(opened: Callable[[Account, FoundShop], Channel]) -> MakeChannel:
        return lambda connection, shop: opened(
            account(connection), FoundShop(shop.channel_shop_id, shop.name, shop.region, shop.cipher)
        )

    def store(opened: Callable[[Account], Store]) -> MakeStore:
        return lambda connection: opened(account(connection))

    return KeptGateways(
        db,
        connections,
        channels={kind: channel(one.open_channel) for kind, one in platforms.items() if one.open_channel is not None},
        stores={kind: store(one.open_store) for kind, one in platforms.items() if one.open_store is not None},
        seen=keepers.seen,
    )
