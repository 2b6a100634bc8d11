"""What every part of the core works with, handed in by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

import structlog

from bridge.ports import Channel, Clock, Gateways, Meter, Platform, Store, Uncounted
from bridge.storage.connections import Connection, Connections
from bridge.storage.engine import Database
from bridge.storage.shops import Shop
from bridge.sync.outages import Outages

CALL_TIMEOUT = timedelta(seconds=100)
"""Longer than any connector lets a write run: an act starts only with more lease left than this."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.sync")


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """Times are in seconds where they are numbers."""

    quiet_period: timedelta = timedelta(seconds=120)
    """After an unknown outcome nothing is repeated before this and a look: PHP may still be booking."""
    partial_quiet_period: timedelta = timedelta(minutes=15)
    """The same for a partial refund, which Magento's own checks do not guard."""
    lease: timedelta = timedelta(seconds=240)
    workers: int = 4
    sweep_interval: timedelta = timedelta(minutes=5)
    first_pass: timedelta = timedelta(days=1)
    """How far back the first sweep of a connection looks."""
    outage_ceiling: timedelta = timedelta(minutes=5)
    capabilities_life: timedelta = timedelta(days=1)
    keep_changelog: timedelta = timedelta(days=730)
    """The story of orders that are settled; then it is deleted."""
    keep_personal: timedelta = timedelta(days=180)
    """Buyers' addresses inside stored create bodies; then they are blanked."""
    history_rate: float = 4.0
    """Orders that a run over the past compares in a second, at most: the shops are used by others meanwhile."""


@dataclass(frozen=True, slots=True)
class Desk:
    db: Database
    connections: Connections
    gateways: Gateways
    clock: Clock
    settings: SyncSettings
    owner: str
    """Names this process in leases."""
    wake: Callable[[], None]
    """Tell the workers that something became due."""
    platforms: Mapping[str, Platform]
    """By kind of connection."""
    meter: Meter = field(default_factory=Uncounted)
    outages: Outages = field(default_factory=Outages)
    is_crowded: Callable[[], bool] = lambda: False
    """Whether many deliveries are coming in at this moment."""


@runtime_checkable
class FromRecords(Protocol):
    """Gateways that take the records a caller has just read, and do not read them again. Raise `RemoteProblem`."""

    def channel_of(self, connection: Connection, shop: Shop) -> Channel: ...

    def store_of(self, connection: Connection) -> Store: ...


async def channel_of(desk: Desk, connection: Connection, shop: Shop) -> Channel:
    """The shop's channel, from records read under the same lease. Raises `RemoteProblem`."""
    gateways = desk.gateways
    if isinstance(gateways, FromRecords):
        return gateways.channel_of(connection, shop)
    return await gateways.channel(shop.id)


async def store_of(desk: Desk, connection: Connection) -> Store:
    """The store of a connection read under the same lease. Raises `RemoteProblem`."""
    gateways = desk.gateways
    if isinstance(gateways, FromRecords):
        return gateways.store_of(connection)
    return await gateways.store(connection.id)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)
