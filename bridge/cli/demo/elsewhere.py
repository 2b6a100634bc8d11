"""The demo's other platforms, one step each: a sale is made there, cancelled there, and another cancelled from here.

A platform more is one `Place` more in `PLACES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.cli.demo.stage import JsonObject, Sandbox, Stage
from bridge.cli.failing import Failed

SKU = "TOTE-GREY"
PRICE = "15.00"
IN_STOCK = 20
CANCELLED = {"status": "cancelled"}


@dataclass(frozen=True, slots=True)
class Place:
    """One platform's sandbox, and what the story needs to know of it."""

    kind: str
    """The platform's word for itself in the API."""
    name: str
    module: str
    """Runs the sandbox; its first line says where it is and what lets one in."""
    title: str
    credentials: Callable[[Mapping[str, Any]], JsonObject]
    """That first line → what `bridge connect` would ask for."""
    stocked: Callable[[Sandbox], None]
    """Puts `SKU` on sale."""
    order: Callable[[Sandbox, str], JsonObject]
    """The platform's order of a TikTok order. Raises `Failed` unless there is exactly one."""
    cancelled_by_merchant: Callable[[Sandbox, JsonObject], None] | None
    """None where what happens there never cancels here."""
    shows: Callable[[JsonObject], tuple[str, bool, object]]
    """A cancelled order → what is to be seen in it, whether it is so, and what there is."""
    on_its_way: Callable[[Sandbox, JsonObject], None] | None = None
    """Has the platform send an order, where that ends what can be cancelled there."""


def _shopify_order(box: Sandbox, order_id: str) -> JsonObject:
    return only(box.control("GET", "state")["orders"], "source_identifier", order_id, "Shopify")


def _shopify_shows(order: JsonObject) -> tuple[str, bool, object]:
    note = str(order["staff_note"])
    holds = bool(order["cancelled_at"]) and order["cancel_reason"] == "OTHER" and "[bridge:" in note
    return f"Shopify shows it as cancelled, reason Other, staff note “{note}”", holds, order


def _amazon_order(box: Sandbox, order_id: str) -> JsonObject:
    return only(box.control("GET", "state")["orders"], "displayed_id", order_id, "Amazon")


def _amazon_shows(order: JsonObject) -> tuple[str, bool, object]:
    unsent = all(item["cancelled"] == item["quantity"] and not item["shipped"] for item in order["items"])
    return "Amazon shows it as Cancelled, no unit sent", order["status"] == "Cancelled" and unsent, order


def _woocommerce_order(box: Sandbox, order_id: str) -> JsonObject:
    orders = box.control("GET", "state")["orders"]
    rows = [{**order, "sale": order["meta"].get("_bridge_tiktok_order_id")} for order in orders]
    return only(rows, "sale", order_id, "WooCommerce")


def _woocommerce_shows(order: JsonObject) -> tuple[str, bool, object]:
    reasons = [str(refund["reason"]) for refund in order["refunds"]]
    paid_back = any(refund["refunded_payment"] for refund in order["refunds"])
    holds = len(reasons) == 1 and "[bridge:" in reasons[0] and order["status"] == "refunded" and not paid_back
    return f"WooCommerce shows one refund, no payment service asked, reason “{'; '.join(reasons)}”", holds, order


def only(orders: list[JsonObject], field: str, value: str, where: str) -> JsonObject:
    """The one order whose field says so. Raises `Failed`."""
    found = [one for one in orders if one[field] == value]
    if len(found) != 1:
        raise Failed(f"{where} has {len(found)} orders for TikTok order {value}, not one")
    return dict(found[0])


SHOPIFY = Place(
    kind="shopify",
    name="Shopify",
    module="bridge.sandbox.shopify",
    title="The same with a Shopify shop: cancelled there, and from here",
    credentials=lambda ready: {"client_id": ready["client_id"], "client_secret": ready["client_secret"]},
    stocked=lambda box: box.control("POST", "variants", {"sku": SKU, "price": PRICE, "available": IN_STOCK}) and None,
    order=_shopify_order,
    cancelled_by_merchant=lambda box, order: box.control("POST", f"orders/{order['id']}/cancel", {}) and None,
    shows=_shopify_shows,
)
AMAZON = Place(
    kind="amazon",
    name="Amazon",
    module="bridge.sandbox.amazon",
    title="The same with an Amazon seller, whose warehouse sends the parcels: cancelled from here, or too late",
    credentials=lambda ready: {
        name: ready[name] for name in ("client_id", "client_secret", "refresh_token", "token_url")
    },
    stocked=lambda box: box.control("POST", "stock", {"sku": SKU, "quantity": IN_STOCK}) and None,
    order=_amazon_order,
    cancelled_by_merchant=None,
    shows=_amazon_shows,
    on_its_way=lambda box, order: (
        box.control("POST", f"orders/{order['id']}/status", {"status": "Processing"}) and None
    ),
)
WOOCOMMERCE = Place(
    kind="woocommerce",
    name="WooCommerce",
    module="bridge.sandbox.woocommerce",
    title="The same with a WooCommerce store: cancelled there, and refunded from here",
    credentials=lambda ready: {name: ready[name] for name in ("consumer_key", "consumer_secret")},
    stocked=lambda box: box.control("POST", "products", {"sku": SKU, "price": PRICE, "stock": IN_STOCK}) and None,
    order=_woocommerce_order,
    cancelled_by_merchant=lambda box, order: box.control("POST", f"orders/{order['id']}/status", CANCELLED) and None,
    shows=_woocommerce_shows,
)
PLACES = (SHOPIFY, AMAZON, WOOCOMMERCE)


def tie(stage: Stage, place: Place, box: Sandbox, ready: Mapping[str, Any]) -> None:
    """Connect the platform and have the shop's next orders go there; those made before stay where they are."""
    place.stocked(box)
    body = {"kind": place.kind, "name": place.name, "url": box.url, "credentials": place.credentials(ready)}
    connection = str(stage.api.post("/api/v1/connections", body)["id"])
    stage.tie(connection, one_way=place.cancelled_by_merchant is None)
