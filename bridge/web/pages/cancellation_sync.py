"""*Channel settings › Cancellation sync*: both directions of one TikTok Shop, and which store takes its orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.settings import CancellationSync, ShopSettings
from bridge.storage import shops
from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web.api.models import CancellationSyncChange, ShopChange
from bridge.web.api.shops import one_way, reasons_for, set_cancellation_sync, set_shop, shop_and_store, sync_out
from bridge.web.bodies import as_model
from bridge.web.desk import DESK, WebDesk
from bridge.web.pages.forms import FORM, Form, wrong_fields
from bridge.web.pages.made_of import MADE_OF, check_made_of, made_of
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.shop_choice import to_a_shop
from bridge.web.pages.visits import VISIT, remember
from bridge.web.problems import Problem

PATH: Final = "/settings/cancellation-sync"
_PARTIAL: Final = {
    "hold": ("Ask a person", "The refund stands in the store; the order waits under Needs attention. Nothing is lost."),
    "cancel_lines": (
        "Cancel those lines",
        "US and UK only, as out of stock only. TikTok Shop counts each as the seller's fault.",
    ),
    "ignore": ("Do nothing", "The changelog of the order says so. The buyer keeps the sale on TikTok Shop."),
}


async def show_settings(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(
    request: web.Request,
    *,
    form: Form | None = None,
    about: str = "",
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> web.Response:
    """`form`: what was sent and is wrong; it is shown as it was typed."""
    desk = request.app[DESK]
    shop, store = await shop_and_store(desk, request.match_info["shop"])
    platform = desk.platforms.get(store.kind) if store else None

    async def read(conn: AsyncConnection) -> tuple[list[Shop], list[Connection]]:
        return await shops.all(conn), await desk.connections.all(conn)

    others, connections = await desk.db.read(read)
    sync = sync_out(shop, store)
    sent = form if about == "sync" else None
    return show(
        request,
        "cancellation_sync.html",
        title="Cancellation sync",
        page="cancellation-sync",
        status=status,
        shop=shop,
        shops=others,
        store=store,
        stores=[(one.id, one.name) for one in connections if _is_store(desk, one) and one.state != "announced"],
        views=_views(store),
        platform=platform,
        one_way=one_way(desk, store) is not None,
        sync=sync,
        shown=_shown(sync, sent),
        reasons=reasons_for(desk, shop),
        partial=_PARTIAL,
        plugin=_plugin(store),
        holds=_holds(store),
        tie=form if about == "store" else None,
        made_of={"sync": made_of(shop.settings.cancellation_sync), "store": made_of(*_tied(shop.settings))},
        errors=dict(errors or {}),
    )


def _shown(sync: CancellationSync, sent: Form | None) -> dict[str, Any]:
    """What the fields hold: what is stored, or what was just typed."""
    there, back = sync.store_to_channel, sync.channel_to_store
    if sent is None:
        return {
            "there": there.enabled,
            "default_reason": there.default_reason or "",
            "fallback_reasons": list(there.fallback_reasons),
            "partial": there.partial,
            "max_cancels_per_hour": there.max_cancels_per_hour,
            "back": back.enabled,
            "restock": "yes" if back.restock else "no",
            "requests": sync.buyer_requests.enabled,
            "hold": sync.buyer_requests.hold_fulfilment,
        }
    return {
        "there": sent.has("store_to_channel/enabled"),
        "default_reason": sent.text("store_to_channel/default_reason"),
        "fallback_reasons": list(sent.all("store_to_channel/fallback_reasons")),
        "partial": sent.text("store_to_channel/partial", there.partial),
        "max_cancels_per_hour": sent.text("store_to_channel/max_cancels_per_hour"),
        "back": sent.has("channel_to_store/enabled"),
        "restock": sent.text("channel_to_store/restock", "yes"),
        "requests": sent.has("buyer_requests/enabled"),
        "hold": sent.has("buyer_requests/hold_fulfilment"),
    }


async def save_settings(request: web.Request) -> web.Response:
    desk, form, shop_id = request.app[DESK], request[FORM], request.match_info["shop"]
    shop, store = await shop_and_store(desk, shop_id)
    change: dict[str, Any] = {
        "store_to_channel": {
            "enabled": form.has("store_to_channel/enabled"),
            "default_reason": form.text("store_to_channel/default_reason") or None,
            "fallback_reasons": _in_order(desk, shop, form.all("store_to_channel/fallback_reasons")),
            "partial": form.text("store_to_channel/partial", "hold"),
            "max_cancels_per_hour": form.text("store_to_channel/max_cancels_per_hour"),
        },
        "channel_to_store": {
            "enabled": form.has("channel_to_store/enabled"),
            "restock": form.text("channel_to_store/restock", "yes") == "yes",
        },
    }
    # What the page does not show keeps its value.
    if shop.settings.cancellation_sync.buyer_requests.rules:
        change["buyer_requests"] = {"enabled": form.has("buyer_requests/enabled")}
    if _holds(store):
        held = {"hold_fulfilment": form.has("buyer_requests/hold_fulfilment")}
        change["buyer_requests"] = {**change.get("buyer_requests", {}), **held}
    try:
        asked = as_model(change, CancellationSyncChange)
        after = await set_cancellation_sync(
            desk,
            shop_id,
            asked,
            request[VISIT].who,
            lambda now: check_made_of(form.text(MADE_OF), now.cancellation_sync),
        )
    except Problem as problem:
        return await _page(request, form=form, about="sync", errors=wrong_fields(problem), status=problem.status)
    told = _told(shop.settings.cancellation_sync, after)
    await remember(request, f"Saved. {told}" if told else "Nothing was different, so nothing changed.")
    return see_other(f"{PATH}/{shop_id}")


def _in_order(desk: WebDesk, shop: Shop, ticked: Sequence[str]) -> list[str]:
    """The reasons tried after the default: those kept keep their order, which counts; the new ones come after them.

    What the page has no box for stays as it is.
    """
    listed = {one.key for one in reasons_for(desk, shop)}
    before = shop.settings.cancellation_sync.store_to_channel.fallback_reasons
    kept = [one for one in before if one in ticked or one not in listed]
    return kept + [one for one in ticked if one and one not in kept]


_WORDS: Final = {
    ("store_to_channel", "enabled"): "the direction to TikTok Shop",
    ("store_to_channel", "default_reason"): "default reason",
    ("store_to_channel", "fallback_reasons"): "further reasons",
    ("store_to_channel", "partial"): "partial refunds",
    ("store_to_channel", "max_cancels_per_hour"): "cancellations per hour",
    ("channel_to_store", "enabled"): "the direction to the store",
    ("channel_to_store", "restock"): "restock",
    ("buyer_requests", "enabled"): "rules for buyers' requests",
    ("buyer_requests", "hold_fulfilment"): "holding what is not sent",
}


def _told(before: CancellationSync, after: CancellationSync) -> str:
    """What changed, in a sentence each."""
    found = []
    for (part, name), words in _WORDS.items():
        was, now = getattr(getattr(before, part), name), getattr(getattr(after, part), name)
        if was != now:
            found.append(f"{words[:1].upper()}{words[1:]}: {_said(was)} → {_said(now)}.")
    return " ".join(found)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value) or "none"
    return "none" if value is None else str(value)


async def save_store(request: web.Request) -> web.Response:
    """Which store takes the shop's orders, whether orders are created there, and whether anything is done at all."""
    desk, form, shop_id = request.app[DESK], request[FORM], request.match_info["shop"]
    shop, _ = await shop_and_store(desk, shop_id)
    connection, tie = form.text("store/connection"), shop.settings.store
    store: dict[str, Any] | None = {"connection": connection} if connection else None
    if store and tie and tie.connection == connection and form.has("store/store_view"):
        store["store_view"] = form.text("store/store_view")
    change: dict[str, Any] = {"create_orders": form.has("create_orders"), "dry_run": form.has("dry_run")}
    if store or tie:
        change["store"] = store
    try:
        after = await set_shop(
            desk,
            shop_id,
            as_model(change, ShopChange),
            request[VISIT].who,
            lambda now: check_made_of(form.text(MADE_OF), *_tied(now)),
        )
    except Problem as problem:
        return await _page(request, form=form, about="store", errors=wrong_fields(problem), status=problem.status)
    if after.dry_run and not shop.settings.dry_run:
        text = "Dry run is on: everything is looked at and written down, nothing is done."
    elif shop.settings.dry_run and not after.dry_run:
        text = "Dry run is off. What changes from now on is acted on; what happened before is shown, and left alone."
    else:
        text = "Saved."
    await remember(request, text)
    return see_other(f"{PATH}/{shop_id}")


def _tied(settings: ShopSettings) -> tuple[object, ...]:
    """What the form about the store shows."""
    return settings.store, settings.create_orders, settings.dry_run


def _is_store(desk: WebDesk, connection: Connection) -> bool:
    platform = desk.platforms.get(connection.kind)
    return platform is not None and platform.side == "store"


def _views(store: Connection | None) -> list[tuple[str, str]]:
    found = store.facts.get("views") if store else None
    if not isinstance(found, list):
        return []
    return [(str(one["code"]), f"{one.get('name') or one['code']} ({one.get('currency', '')})") for one in found]


def _holds(store: Connection | None) -> bool:
    """The store can hold what it has not sent yet, as last read."""
    known = store.facts.get("capabilities") if store else None
    return isinstance(known, dict) and bool(known.get("holds_fulfilment"))


def _plugin(store: Connection | None) -> str:
    """The plugin's version as it was last read, or as the operator states it; empty where there is none to have."""
    if store is None or "plugin_version" not in store.facts:
        return ""
    reported = str(store.facts.get("plugin_version") or "not reported")
    return f"{reported}, stated to be {store.plugin_override}" if store.plugin_override else reported


ROUTES: Final = (
    PageRoute(
        "GET",
        PATH,
        to_a_shop(PATH, "Cancellation sync", "cancellation-sync"),
        "Cancellation sync of the first shop, or of the one chosen",
    ),
    PageRoute("GET", PATH + "/{shop}", show_settings, "Both directions of one TikTok Shop, and its store"),
    PageRoute("POST", PATH + "/{shop}", save_settings, "Save both directions"),
    PageRoute("POST", PATH + "/{shop}/store", save_store, "Choose the store, and whether anything is done"),
)
