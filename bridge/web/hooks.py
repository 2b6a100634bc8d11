"""Deliveries: raw bytes → verify → durable insert → answer. Nothing else happens here, and nothing is trusted.

Two hundred only after the row is durable. Our own faults are 503: TikTok takes a 401 as received (Partner Center,
"Configuration guide"), and Magento's plugin never repeats anything, so a 503 is at least seen in the store's log.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from bridge.domain.keys import HintKey, OrderKey, trace_of
from bridge.killpoints import KillPoint, reach
from bridge.ports import TEST_TOPIC, Hint, HookRefused, Platform
from bridge.storage.errors import StorageProblem
from bridge.storage.inbox import KEY, Arrival
from bridge.web.bodies import read_raw
from bridge.web.desk import DESK, WebDesk
from bridge.web.keyring import Keyring, Keys, Unavailable
from bridge.web.metrics import METRICS, Metrics
from bridge.web.problems import Problem

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.web")
_LOGGER: Final = logging.getLogger("bridge.web")
"""Asked first: deliveries are many, and a line that is not written must cost nothing."""
KEYRING: web.AppKey[Keyring] = web.AppKey("keyring", Keyring)

_LATER: Final = {"Retry-After": "30"}
_SLUGS: Final = {400: "bad-delivery", 401: "bad-signature", 413: "too-large", 503: "secret-unavailable"}


async def magento_hook(request: web.Request) -> web.Response:
    """A delivery of the plugin."""
    return await _store_hook(request, "magento")


async def store_hook(request: web.Request) -> web.Response:
    """A delivery of any other store."""
    return await _store_hook(request, request.match_info["kind"])


async def _store_hook(request: web.Request, kind: str) -> web.Response:
    connection_id = request.match_info["connection"]
    desk = request.app[DESK]
    if kind not in desk.doors or desk.platforms[kind].side != "store":
        raise Problem("not-found", "There is no such address for deliveries.")
    keyring = request.app[KEYRING]

    def again() -> Keys | None:
        return keyring.known_connection(connection_id)

    return await _take_in(request, kind, "", lambda: keyring.for_connection(connection_id), again)


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
    platform = desk.platforms[kind]
    if not _is_work(platform, keys, hint):
        metrics.deliveries.labels(kind, "no_work").inc()
        return web.Response()
    arrival = _arrival(keys, hint)
    if arrival is None:
        detail = "The delivery names something in a way that no remote does; it is not taken in."
        raise _refused(metrics, kind, "bad_body", "bad-delivery", detail)
    try:
        async with asyncio.timeout(platform.answer_within):
            await desk.inbox.put(arrival)
    except (StorageProblem, TimeoutError) as problem:
        detail = "The delivery could not be stored. Send it again."
        raise _refused(metrics, kind, "storage_down", "storage-unavailable", detail) from problem
    reach(KillPoint.HOOK_COMMITTED)
    if _LOGGER.isEnabledFor(logging.DEBUG):
        log.debug("delivery.taken_in", trace=trace_of(arrival.work_key), topic=arrival.topic, subject=arrival.subject)
    metrics.deliveries.labels(kind, "test" if hint.topic == TEST_TOPIC else "taken_in").inc()
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
            if refusal.status != 401 or refusal.reason == "no_signature":
                raise
            fresh = await keyring.renewed(keys, again)
            if fresh is None:
                raise
            hint = door.read(event, request.headers, raw, fresh.keys)
    except HookRefused as refusal:
        outcome = {401: "bad_signature", 503: "no_secret"}.get(refusal.status, "bad_body")
        slug = _SLUGS.get(refusal.status, "bad-delivery")
        problem = _refused(metrics, kind, outcome, slug, refusal.detail, reason=refusal.reason)
        if refusal.status == 401:
            # What arrived, so that the sender can see whether it is what was sent.
            problem.more["received"] = {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
        raise problem from None
    except Unavailable as problem:
        detail = f"The signature could not be judged: {problem}. Send it again."
        raise _refused(metrics, kind, "no_secret", "secret-unavailable", detail) from problem
    if not door.is_for(keys.connection_id, request.headers):
        detail = "The delivery does not name the connection of this address. Run doctor to register again."
        raise _refused(metrics, kind, "bad_body", "bad-delivery", detail, reason="app_key")
    return hint


def _is_work(platform: Platform, keys: Keys, hint: Hint) -> bool:
    if hint.topic in platform.account_topics:
        # A seller who left must not be taken for another one with the same app. A store's address is its own.
        return platform.side == "store" or hint.shop in keys.shops
    return (hint.topic in platform.topics or hint.topic == TEST_TOPIC) and bool(hint.subject)


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
