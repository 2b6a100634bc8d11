"""What the web side works with, handed in by `bootstrap`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from bridge.domain.outcomes import Outcome
from bridge.ports import (
    Actions,
    AlertSender,
    ChannelAuthorization,
    Clock,
    Connector,
    Door,
    Finding,
    Gateways,
    Platform,
    RestoreChecks,
    StoreHandshake,
)
from bridge.proxies import Network, client
from bridge.storage.alert_targets import AlertTarget, AlertTargets
from bridge.storage.connections import Connections
from bridge.storage.engine import Database
from bridge.storage.inbox_writer import InboxWriter
from bridge.storage.overview import Arrivals


@dataclass(frozen=True, slots=True)
class WebDesk:
    db: Database
    connections: Connections
    inbox: InboxWriter
    connectors: Mapping[str, Connector]
    """By kind: `magento`, `tiktok`, …"""
    doors: Mapping[str, Door]
    """By kind."""
    platforms: Mapping[str, Platform]
    """By kind: every platform there is, as data."""
    handshakes: Mapping[str, StoreHandshake]
    """By kind, of stores that can connect themselves."""
    authorizations: Mapping[str, ChannelAuthorization]
    """By kind, of channels whose sellers can authorize us in a browser."""
    gateways: Gateways
    actions: Actions
    restore_checks: RestoreChecks
    reasons: Callable[[str], list[dict[str, Any]]]
    """Region → cancellation reasons a seller may give there: `key`, `text`, `seller_fault`, `statuses`,
    `cancels_lines`."""
    alert_targets: AlertTargets
    alert_senders: Mapping[str, AlertSender]
    """By kind: `email`, `webhook`."""
    test_alert: Callable[[AlertTarget], Awaitable[Outcome]]
    clock: Clock
    metrics: CollectorRegistry
    ready: Callable[[], Awaitable[list[str]]]
    """What keeps the service from doing its work, in sentences; empty when nothing does."""
    checkup: Callable[[], Awaitable[list[Finding]]]
    """What doctor says of the service itself: settings, database, workers, rounds, backlog."""
    courier: aiohttp.ClientSession
    """For calls to our own public address, which may lead to a private one: never for an address that somebody gave."""
    version: str
    public_url: str | None = None
    """Where the internet reaches this service. Without it, addresses are made from the API caller's own request."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose `X-Forwarded-For` is believed."""
    api_tokens: frozenset[str] = field(default=frozenset(), repr=False)
    """sha256 hex digests of the tokens."""
    arrivals: Arrivals = field(default_factory=Arrivals, repr=False)
    """What was counted for the overview and does not change any more."""


DESK: web.AppKey[WebDesk] = web.AppKey("desk", WebDesk)


def public_url(request: web.Request) -> str:
    """Where remotes reach us. Without a configured one: as the caller reached us, so ask only for callers we know."""
    configured = request.app[DESK].public_url
    return (configured or str(request.url.origin())).rstrip("/")


def visitors_address(request: web.Request) -> str | None:
    """None where it cannot be known, so that nobody answers for what others did from behind the same proxy."""
    forwarded = request.headers.getall("X-Forwarded-For", [])
    return client(request.remote, forwarded, request.app[DESK].trusted_proxies)
