"""Deliveries: raw bytes → verify → durable insert → answer. Nothing else happens here, and nothing is trusted.

Two hundred only after the row is durable. Our own faults are 503: TikTok takes a 401 as received (Partner Center,
"Configuration guide"), and Magento's plugin never repeats anything, so a 503 is at least seen in the store's log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bridge.domain.keys import HintKey, OrderKey
from bridge.killpoints import KillPoint, reach
from bridge.ports import Hint, HookRefused
from bridge.storage.errors import StorageProblem
from bridge.storage.inbox import KEY, Arrival
from bridge.web.bodies import read_raw
from bridge.web.desk import DESK, WebDesk
from bridge.web.keyring import Keyring, Keys, Unavailable
from bridge.web.metrics import METRICS, Metrics
from bridge.web.problems import Problem
from plugin_contract.deliveries import APP_KEY_HEADER

KEYRING: web.AppKey[Keyring] = web.AppKey("keyring", Keyring)

WORTH_A_LOOK: Final = frozenset(
    {
        "creditmemos/update",
        "orders/update",
        "order-status-change",
        "cancellation-status-change",
        "return-status-change",
        "reverse-status-update",
        "package-update",
        "seller-deauthorization",
        "upcoming-authorization-expiration",
    }
)
"""Topics that cause work; the others are acknowledged and counted."""
_ACCOUNT: Final = frozenset({"seller-deauthorization", "upcoming-authorization-expiration"})
"""Messages about the account, which name no order."""

# TikTok gives a receiver 3 s and repeats what failed; the plugin waits as long as it takes, and never repeats.
_SECONDS: Final = {"tiktok": 2.5, "magento": 10.0}
_LATER: Final = {"Retry-After": "30"}
_SLUGS: Final = {400: "bad-delivery", 401: "bad-signature", 413: "too-large", 503: "secret-unavailable"}


async def magento_hook(request: web.Request) -> web.Response:
    """A delivery of the plugin."""
    connection_id = request.match_info["connection"]
    keyring = request.app[KEYRING]

    def again() -> Keys | None:
        return keyring.known_connection(connection_id)

    return await _take_in(request, "magento", "", lambda: keyring.for_connection(connection_id), again)


async def tiktok_hook(request: web.Request) -> web.Response:
    """A message of TikTok Shop; the answer to a message taken in is exactly 200 with an empty body."""
    app_key, event = request.match_info["app_key"], request.match_info["event"]
    keyring = request.app[KEYRING]
    return await _take_in(
        request, "tiktok", event, lambda: keyring.for_app(app_key), lambda: keyring.known_app(app_key)
    )


async def _take_in(
    request: web.Request,
    kind: str,
    event: str,
    find: Callable[[], Awaitable[Keys | None]],
    again: Callable[[], Keys | None],
) -> web.Response:
    desk, metrics, keyring = request.app[DESK], request.app[METRICS], request.app[KEYRING]
    began = time.perf_counter()
    try:
        keys = await find()
    except Unavailable as problem:
        raise _refused(metrics, kind, "no_secret", "secret-unavailable", f"Not taken in: {problem}.") from problem
    if keys is None:
        detail = "No connection has this address. Connect again, or delete the registration at the sender."
        raise _refused(metrics, kind, "unknown_connection", "unknown-connection", detail)
    try:
        raw = await read_raw(request)
    except Problem as problem:
        metrics.deliveries.labels(kind, "too_large" if problem.status == 413 else "bad_body").inc()
        raise
    hint = await _verified(desk, metrics, keyring, kind, event, request, raw, keys, again)
    reach(KillPoint.HOOK_VERIFIED)
    if not _is_work(keys, hint):
        metrics.deliveries.labels(kind, "no_work").inc()
        return web.Response()
    arrival = _arrival(keys, hint)
    if arrival is None:
        detail = "The delivery names something in a way that no remote does; it is not taken in."
        raise _refused(metrics, kind, "bad_body", "bad-delivery", detail)
    try:
        async with asyncio.timeout(_SECONDS[kind]):
            await desk.inbox.put(arrival)
    except (StorageProblem, TimeoutError) as problem:
        detail = "The delivery could not be stored. Send it again."
        raise _refused(metrics, kind, "storage_down", "storage-unavailable", detail) from problem
    reach(KillPoint.HOOK_COMMITTED)
    metrics.deliveries.labels(kind, "taken_in").inc()
    metrics.delivery_seconds.labels(kind).observe(time.perf_counter() - began)
    return web.Response()


async def _verified(
    desk: WebDesk,
    metrics: Metrics,
    keyring: Keyring,
    kind: str,
    event: str,
    request: web.Request,
    raw: bytes,
    keys: Keys,
    again: Callable[[], Keys | None],
) -> Hint:
    """The hint, if the sender holds a key. A secret may have been changed elsewhere: look once before saying no."""
    door = desk.doors[kind]
    try:
        try:
            hint = door.read(event, request.headers, raw, keys.keys)
        except HookRefused as refusal:
            if refusal.status != 401:
                raise
            fresh = await keyring.renewed(keys, again)
            if fresh is None:
                raise
            hint = door.read(event, request.headers, raw, fresh.keys)
    except HookRefused as refusal:
        outcome = {401: "bad_signature", 503: "no_secret"}.get(refusal.status, "bad_body")
        slug = _SLUGS.get(refusal.status, "bad-delivery")
        raise _refused(metrics, kind, outcome, slug, refusal.detail, reason=refusal.reason) from None
    except Unavailable as problem:
        detail = f"The signature could not be judged: {problem}. Send it again."
        raise _refused(metrics, kind, "no_secret", "secret-unavailable", detail) from problem
    if kind == "magento" and request.headers.get(APP_KEY_HEADER) != keys.connection_id:
        # The same consumer key may sign for two registrations; only the one made for this connection speaks here.
        detail = f"{APP_KEY_HEADER} does not name the connection of this address. Run doctor to register again."
        raise _refused(metrics, kind, "bad_body", "bad-delivery", detail, reason="app_key")
    return hint


def _is_work(keys: Keys, hint: Hint) -> bool:
    if hint.topic in _ACCOUNT:
        # A seller who left must not be taken for another one with the same app.
        return hint.shop in keys.shops
    return hint.topic in WORTH_A_LOOK and bool(hint.subject)


def _arrival(keys: Keys, hint: Hint) -> Arrival | None:
    """None for ids that could not be told apart again in a work key."""
    shop = keys.shops.get(hint.shop)
    connection_id = shop[1] if shop else keys.connection_id
    if shop and hint.subject:
        key = str(OrderKey(shop[0], hint.subject))
    elif ":" in hint.shop:
        return None
    else:
        key = str(HintKey(connection_id, hint.topic, hint.subject, hint.shop))
    if len(key) > KEY or not key.isprintable():
        return None
    return Arrival(connection_id, hint.dedupe, hint.topic, hint.subject, hint.note, key)


def _refused(metrics: Metrics, kind: str, outcome: str, slug: str, detail: str, reason: str = "") -> Problem:
    metrics.deliveries.labels(kind, outcome).inc()
    headers = _LATER if slug in {"secret-unavailable", "storage-unavailable"} else {}
    return Problem(slug, detail, headers=headers, more={"reason": reason} if reason else None)
