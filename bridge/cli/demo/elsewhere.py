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


def _shopify_order(box: Sandbox, order_id: str) -> JsonObject:
    return only(box.control("GET", "state")["orders"], "source_identifier", order_id, "Shopify")


def _shopify_shows(order: JsonObject) -> tuple[str, bool, object]:
    note = str(order["staff_note"])
    holds = bool(order["cancelled_at"]) and order["cancel_reason"] == "OTHER" and "[bridge:" in note
    return f"Shopify shows it as cancelled, reason Other, staff note “{note}”", holds, order


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
PLACES = (SHOPIFY,)


def tie(stage: Stage, place: Place, box: Sandbox, ready: Mapping[str, Any]) -> None:
    """Connect the platform and have the shop's next orders go there; those made before stay where they are."""
    place.stocked(box)
    body = {"kind": place.kind, "name": place.name, "url": box.url, "credentials": place.credentials(ready)}
    stage.tie(str(stage.api.post("/api/v1/connections", body)["id"]))
