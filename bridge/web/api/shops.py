"""`/api/v1/shops`: which store takes a shop's orders, and *Channel settings › Cancellation sync*."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.domain.keys import OrderKey
from bridge.domain.settings import ShopSettings
from bridge.ports import Platform
from bridge.storage import attention, audit, brake, foreign, shops, skus, work
from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web import others
from bridge.web.api.models import (
    SHOP_FIELDS,
    SHOWN_FIELDS,
    CancellationSyncChange,
    CancellationSyncOut,
    FindingOut,
    MissingSku,
    MissingSkus,
    Reason,
    ReasonList,
    ShopChange,
    ShopList,
    ShopOut,
    SkuMappingChanges,
    SkuMappings,
    SkuMappingsChanged,
)
from bridge.web.bodies import read_json
from bridge.web.desk import DESK, WebDesk
from bridge.web.holding import check_holds
from bridge.web.problems import Problem, invalid, unknown
from bridge.web.routes import WHO, ok
from bridge.web.settings_changes import lets_brake_go, with_shop_change, with_sync_change, without_choices
from plugin_contract.versions import capabilities

"""Kinds that are no store."""


async def list_shops(request: web.Request) -> web.Response:
    desk = request.app[DESK]

    async def read(conn: AsyncConnection) -> list[ShopOut]:
        stores = {one.id: one for one in await desk.connections.all(conn)}
        return [_out(desk, shop, _store_of(shop, stores.get)) for shop in await shops.all(conn)]

    return ok(ShopList(shops=await desk.db.read(read)))


async def show_shop(request: web.Request) -> web.Response:
    shop, store = await _named(request)
    return ok(_out(request.app[DESK], shop, store))


def _always(_settings: ShopSettings) -> None:
    """Whatever was saved before: who uses the API names what is to change."""


async def change_shop(request: web.Request) -> web.Response:
    asked = await read_json(request, ShopChange)
    return ok(await set_shop(request.app[DESK], request.match_info["shop"], asked, request[WHO]))


async def set_shop(
    desk: WebDesk, shop_id: str, asked: ShopChange, who: str, may: Callable[[ShopSettings], None] = _always
) -> ShopOut:
    """Which store takes the shop's orders, and how they are made there. Raises `Problem`, and what `may` raises."""
    sent: dict[str, Any] = asked.model_dump(exclude_unset=True)
    for name in ("link_patterns", "link_note_patterns"):
        if name in sent:
            sent[name] = _patterns(name, sent[name])
    await shop_and_store(desk, shop_id)

    async def write(conn: AsyncConnection) -> tuple[Shop, Connection | None]:
        shop = await _locked(conn, shop_id)
        may(shop.settings)
        _check_shown(asked, _out(desk, shop, await _store(desk, conn, shop)))
        tie = sent.get("store")
        store = await _checked_store(desk, conn, tie["connection"]) if tie else None
        after = with_shop_change(shop.settings, sent, _views(store) if store else None, desk.clock.now())
        if one_way(desk, store) is not None:
            after = without_choices(shop.settings, after, desk.clock.now())
        stored = await _save(conn, who, shop, after)
        if after.store is not None and _finds_others(shop.settings, after):
            # Orders that were not ours may be by these patterns.
            await foreign.forget_connection(conn, after.store.connection)
        for tied in {tie_.connection for tie_ in (shop.settings.store, after.store) if tie_}:
            await others.review(conn, desk.connections, tied)
        return stored, await _store(desk, conn, stored)

    return _out(desk, *await desk.db.write(write))


def _check_shown(asked: ShopChange, shown: ShopOut) -> None:
    """What was read may be sent back; a change of what cannot be set here must not be lost in silence."""
    for name in SHOWN_FIELDS:
        if name in asked.model_fields_set and getattr(asked, name) != getattr(shown, name):
            text = "is shown here and not set here"
            if name == "cancellation_sync":
                text += f": PUT it to /api/v1/shops/{shown.id}/cancellation-sync"
            raise invalid(f"/{name}", f"{text}; leave it out, or send it as it was read")


def _patterns(name: str, given: list[str]) -> tuple[str, ...]:
    for place, pattern in enumerate(given):
        if pattern.count("{id}") != 1:
            raise invalid(f"/{name}/{place}", "must contain {id} once, where TikTok's order id stands")
    return tuple(given)


def _finds_others(before: ShopSettings, after: ShopSettings) -> bool:
    """Whether store orders that stood for no sale may stand for one by these settings."""
    searched = ("store", "link_orders", "link_patterns", "link_note_patterns", "order_number_prefix")
    return any(getattr(before, name) != getattr(after, name) for name in searched)


async def _checked_store(desk: WebDesk, conn: AsyncConnection, connection_id: str) -> Connection:
    store = await desk.connections.get(conn, connection_id)
    if store is None:
        raise invalid(
            "/store/connection", "there is no connection of this id", where="(GET /api/v1/connections lists them)"
        )
    platform = desk.platforms.get(store.kind)
    if platform is None or platform.side != "store":
        raise invalid(
            "/store/connection",
            f"{store.name} is a {platform.name if platform else store.kind} connection; name a store's",
        )
    if store.state == "announced":
        raise invalid("/store/connection", f"{store.name} is not connected yet: finish that first")
    return store


def _views(store: Connection) -> list[str] | None:
    found = store.facts.get("views")
    return [str(view["code"]) for view in found] if isinstance(found, list) else None


async def show_cancellation_sync(request: web.Request) -> web.Response:
    return ok(sync_out(*await with_cancellation(request.app[DESK], request.match_info["shop"])))


async def change_cancellation_sync(request: web.Request) -> web.Response:
    asked = await read_json(request, CancellationSyncChange)
    return ok(await set_cancellation_sync(request.app[DESK], request.match_info["shop"], asked, request[WHO]))


async def set_cancellation_sync(
    desk: WebDesk,
    shop_id: str,
    asked: CancellationSyncChange,
    who: str,
    may: Callable[[ShopSettings], None] = _always,
) -> CancellationSyncOut:
    """Both directions, and the rules for buyers' requests. Raises `Problem`, and what `may` raises.

    `may` looks at the settings as they are when these are saved: nobody changes them in between.
    """
    change: dict[str, dict[str, Any]] = asked.model_dump(exclude_unset=True)
    if "fallback_reasons" in change.get("store_to_channel", {}):
        change["store_to_channel"]["fallback_reasons"] = tuple(change["store_to_channel"]["fallback_reasons"])
    if "rules" in change.get("buyer_requests", {}):
        change["buyer_requests"]["rules"] = tuple(asked.buyer_requests.rules)
    shop, store = await with_cancellation(desk, shop_id)
    held = shop.settings.cancellation_sync.buyer_requests.hold_fulfilment
    if change.get("buyer_requests", {}).get("hold_fulfilment") and not held:
        await check_holds(desk, store)
    reasons = desk.reasons(shop.region)

    async def write(conn: AsyncConnection) -> Shop:
        latest = await _locked(conn, shop_id)
        may(latest.settings)
        sync = with_sync_change(
            latest.settings.cancellation_sync, change, region=latest.region, reasons=reasons, now=desk.clock.now()
        )
        after = latest.settings.model_copy(update={"cancellation_sync": sync})
        stored = await _save(conn, who, latest, after)
        if sync.buyer_requests != latest.settings.cancellation_sync.buyer_requests:
            # What waits for a person may be answered by these rules, or no longer be.
            waiting = await attention.orders_with(conn, AttentionKind.BUYER_REQUEST.value, latest.id)
            await work.mark(conn, [str(OrderKey(latest.id, one)) for one in waiting])
        if latest.brake is not None and lets_brake_go(latest.settings.cancellation_sync, sync):
            await brake.release(conn, latest.id, who, desk.clock.now(), let_through=False)
        if after.store is not None:
            await others.review(conn, desk.connections, after.store.connection)
        return stored

    stored = await desk.db.write(write)
    desk.actions.wake()
    return sync_out(stored, store)


async def list_reasons(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    shop, _ = await with_cancellation(desk, request.match_info["shop"])
    return ok(ReasonList(region=shop.region, reasons=reasons_for(desk, shop)))


def reasons_for(desk: WebDesk, shop: Shop) -> list[Reason]:
    """With which reasons a seller may cancel in the shop's region."""
    return [Reason.model_validate({**one, "statuses": sorted(one["statuses"])}) for one in desk.reasons(shop.region)]


async def show_sku_mappings(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    shop, _ = await _named(request)
    return ok(SkuMappings(mappings=await desk.db.read(lambda conn: shops.sku_map(conn, shop.id))))


async def change_sku_mappings(request: web.Request) -> web.Response:
    """All of them. Orders that waited for one of those that changed are looked at."""
    asked = await read_json(request, SkuMappings)

    def whole(before: dict[str, str]) -> dict[str, str | None]:
        gone: dict[str, str | None] = dict.fromkeys(before.keys() - asked.mappings.keys())
        return gone | asked.mappings

    await _map_skus(request, whole)
    return ok(asked)


async def add_sku_mappings(request: web.Request) -> web.Response:
    """Some of them; the others stay. Orders that waited for one of those that changed are looked at."""
    asked = await read_json(request, SkuMappingChanges)
    changed, waited = await _map_skus(request, lambda _before: asked.mappings)
    return ok(SkuMappingsChanged(changed=changed, orders=waited))


async def list_missing_skus(request: web.Request) -> web.Response:
    shop, _ = await _named(request)
    found = await request.app[DESK].db.read(lambda conn: skus.missing(conn, shop.id))
    return ok(MissingSkus(missing=[MissingSku(sku=one.sku, orders=one.orders) for one in found]))


async def _map_skus(
    request: web.Request, wanted: Callable[[dict[str, str]], Mapping[str, str | None]]
) -> tuple[int, int]:
    """How many mappings changed, and how many orders are looked at for it. Wakes the workers."""
    desk = request.app[DESK]

    async def write(conn: AsyncConnection) -> tuple[int, int]:
        shop = await _locked(conn, request.match_info["shop"])
        before = await shops.sku_map(conn, shop.id)
        changes = {sku: to for sku, to in wanted(before).items() if before.get(sku) != to}
        if not changes:
            return 0, 0
        await skus.change(conn, shop.id, changes)
        was = {sku: before.get(sku) for sku in sorted(changes)}
        await audit.write(conn, request[WHO], f"shop {shop.id} sku-mappings", was, dict(sorted(changes.items())))
        return len(changes), await skus.mark_waiting(conn, shop.id, changes.keys())

    changed, waited = await desk.db.write(write)
    if waited:
        desk.actions.wake()
    return changed, waited


# --- shared ---------------------------------------------------------------------------------------------------------


async def _shop(conn: AsyncConnection, shop_id: str) -> Shop:
    shop = await shops.get(conn, shop_id)
    if shop is None:
        raise unknown("shop", "/api/v1/shops")
    return shop


async def _locked(conn: AsyncConnection, shop_id: str) -> Shop:
    """Two people who save at once save one after the other, so that neither undoes what the other one changed."""
    shop = await shops.locked(conn, shop_id)
    if shop is None:
        raise unknown("shop", "/api/v1/shops")
    return shop


async def shop_and_store(desk: WebDesk, shop_id: str) -> tuple[Shop, Connection | None]:
    """A shop, and the store it is tied to. Raises `Problem` 404."""

    async def read(conn: AsyncConnection) -> tuple[Shop, Connection | None]:
        shop = await _shop(conn, shop_id)
        return shop, await _store(desk, conn, shop)

    return await desk.db.read(read)


async def _named(request: web.Request) -> tuple[Shop, Connection | None]:
    return await shop_and_store(request.app[DESK], request.match_info["shop"])


async def _store(desk: WebDesk, conn: AsyncConnection, shop: Shop) -> Connection | None:
    tie = shop.settings.store
    return await desk.connections.get(conn, tie.connection) if tie else None


def _store_of(shop: Shop, find: Callable[[str], Connection | None]) -> Connection | None:
    return find(shop.settings.store.connection) if shop.settings.store else None


async def with_cancellation(desk: WebDesk, shop_id: str) -> tuple[Shop, Connection | None]:
    """Raises `Problem` 404 where there is nothing to set: a one-way store, or no such shop."""
    shop, store = await shop_and_store(desk, shop_id)
    platform = one_way(desk, store)
    if store is not None and platform is not None:
        detail = (
            f"{shop.name} is tied to the {platform.name} store {store.name}. There a TikTok Shop cancellation cancels "
            "the order by itself, one way only: there is nothing to set."
        )
        raise Problem("no-cancellation-settings", detail)
    return shop, store


def one_way(desk: WebDesk, store: Connection | None) -> Platform | None:
    """The store's platform, where nothing of it ever reaches the channel."""
    platform = desk.platforms.get(store.kind) if store is not None else None
    return platform if platform is not None and platform.one_way else None


async def _save(conn: AsyncConnection, who: str, shop: Shop, after: ShopSettings) -> Shop:
    """Save, and write down what changed, before and after."""
    was, now = shop.settings.model_dump(mode="json"), after.model_dump(mode="json")
    changed = {name for name in now if was.get(name) != now[name]}
    if not changed:
        return shop
    stored = await shops.save_settings(conn, shop.id, after)
    before = {name: was.get(name) for name in sorted(changed)}
    await audit.write(conn, who, f"shop {shop.id} settings", before, {name: now[name] for name in sorted(changed)})
    return stored


def _out(desk: WebDesk, shop: Shop, store: Connection | None) -> ShopOut:
    settings = shop.settings
    allowed, because = _restock(store)
    return ShopOut(
        id=shop.id,
        connection=shop.connection_id,
        channel_shop_id=shop.channel_shop_id,
        name=shop.name,
        region=shop.region,
        seller_type=shop.seller_type,
        cancellation_sync=None if one_way(desk, store) else settings.cancellation_sync,
        restock={"allowed": allowed, "because": because},
        findings=_findings(shop, store),
        **{name: getattr(settings, name) for name in SHOP_FIELDS},
    )


def sync_out(shop: Shop, store: Connection | None) -> CancellationSyncOut:
    allowed, because = _restock(store)
    sync = shop.settings.cancellation_sync
    return CancellationSyncOut(
        store_to_channel=sync.store_to_channel,
        channel_to_store=sync.channel_to_store,
        buyer_requests=sync.buyer_requests,
        restock_allowed=allowed,
        restock_because=because,
        findings=_findings(shop, store),
    )


def _findings(shop: Shop, store: Connection | None) -> list[FindingOut]:
    return [FindingOut(level=one.level, code=one.code, text=one.text) for one in others.findings(shop, store)]


def _restock(store: Connection | None) -> tuple[bool | None, str]:
    if store is None:
        return None, "No store is tied to this shop yet."
    # What was read last, by settling or by connecting.
    known = store.facts.get("capabilities")
    if "plugin_version" not in store.facts:
        # A store without a plugin says itself what it can.
        if isinstance(known, dict):
            return bool(known.get("restock_allowed")), str(known.get("restock_because") or "")
        return None, "What the store can do has not been read yet; run doctor, or settle an order."
    # Judged anew, because the operator may have stated another version since.
    reading = known if isinstance(known, dict) else {"reported": store.facts.get("plugin_version")}
    judged = capabilities(reading.get("reported"), override=store.plugin_override).restock
    return judged.allowed, judged.because
