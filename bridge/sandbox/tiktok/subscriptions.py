"""Which address a shop's messages of one kind go to.

Sources: Partner Center endpoint pages Update, Get and Delete Shop Webhook (one address per event and shop; delete
always succeeds), "Webhook configuration guide" (what an address must look like).
"""

from __future__ import annotations

import ipaddress

from yarl import URL

from bridge.sandbox.tiktok.calls import Call, Field
from bridge.sandbox.tiktok.deliveries import EVENT_TYPES
from bridge.sandbox.tiktok.errors import Json, bad_parameter
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

PUT_BODY = {"address": Field("str", required=True), "event_type": Field("str", required=True)}
DELETE_BODY = {"event_type": Field("str", required=True)}


async def put(box: TikTokSandbox, call: Call) -> Json:
    event_type, address = call.body["event_type"], call.body["address"]
    if event_type not in EVENT_TYPES:
        raise bad_parameter("body.event_type is not an event type")
    _check_address(address, strict=box.settings.webhooks_strict_addresses)
    key = (call.shop.id, event_type)
    now = box.now()
    created = box.webhooks[key]["create_time"] if key in box.webhooks else now
    box.webhooks[key] = {"event_type": event_type, "address": address, "create_time": created, "update_time": now}
    return {}


async def get(box: TikTokSandbox, call: Call) -> Json:
    rows = [row for (shop_id, _), row in box.webhooks.items() if shop_id == call.shop.id]
    return {"webhooks": rows, "total_count": len(rows)}


async def delete(box: TikTokSandbox, call: Call) -> Json:
    box.webhooks.pop((call.shop.id, call.body["event_type"]), None)
    return {}


def _check_address(address: str, *, strict: bool) -> None:
    """A sandbox is used on loopback, so the real rule holds only where the settings ask for it."""
    try:
        url = URL(address)
    except ValueError:
        raise bad_parameter("body.address is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host or len(address) > 255:
        raise bad_parameter("body.address must be an https URL of at most 255 characters")
    if strict and (url.scheme != "https" or url.explicit_port is not None or _is_ip(url.host)):
        raise bad_parameter("body.address must be https, a domain name, without a port")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
