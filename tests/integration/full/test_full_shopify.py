"""One day of a Shopify shop on a server database: what is forged, echoed, lost, only tried, and long past."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.shopify import ShopifySandbox
from tests.integration.connect.parts import ask, idle, store_cancels
from tests.integration.full.test_full_history import rows, run
from tests.support.chaos import MUGS
from tests.support.mariadb import free_port
from tests.support.shopify_stories import connect, open_shop, order_of
from tests.support.stage import Shop, Stage, stage

AGREE = "both books agree: all"


@pytest.fixture
async def day(tmp_path: Path, mariadb_url: str) -> AsyncIterator[tuple[Stage, ShopifySandbox, Shop, str]]:
    port = free_port()
    here = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
    async with stage(tmp_path, mariadb_url) as play, play.inside(**here):
        box, shop = await open_shop(play)
        yield play, box, shop, await connect(play, box, shop)


async def deliver(play: Stage, connection: str, secret: str, body: bytes, **headers: str) -> int:
    signed = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    sent = {"X-Shopify-Topic": "orders/updated", "X-Shopify-Hmac-Sha256": signed, "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    said = await ask(play, "POST", f"/hooks/shopify/{connection}", token=False, data=body, headers=sent)
    return int(said.status)


async def cancel(play: Stage, order_id: str) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})


async def for_real(play: Stage, order_id: str) -> None:
    """The dry run ends; what was cancelled in it is settled because a person says so."""
    await play.api("PUT", f"shops/{play.shop_id}", {"dry_run": False})
    found = await play.order(order_id)
    assert found is not None
    await play.api("POST", f"orders/{found['id']}/settle", {"allow": ["past"]})


def effects(order: Any) -> Counter[str]:
    return Counter(entry["facts"]["effect"] for entry in order["changelog"] if entry["event"] == "done")


async def test_a_day_of_a_shopify_shop(day: tuple[Stage, ShopifySandbox, Shop, str]) -> None:
    play, box, shop, connection = day
    shop_path = f"shops/{play.shop_id}"

    # Only tried: decided and written down, and nothing done on either side.
    await play.api("PUT", shop_path, {"dry_run": True})
    await play.settled(await play.place(MUGS), "dry run: would create")
    assert not box.orders
    await play.api("PUT", shop_path, {"dry_run": False})
    first = await play.place(MUGS)
    await play.imported(first)
    await play.api("PUT", shop_path, {"dry_run": True})
    await cancel(play, first)
    await play.settled(first, "dry run: would")
    assert box.effects["cancel"] == 0
    await for_real(play, first)
    await play.settled(first, AGREE)

    # Echoes: what Shopify tells of our own cancel has no effect of its own.
    await shop.control("GET", "webhooks/drained?wait=10")
    await idle(play)
    order = await play.settled(first, AGREE)
    assert effects(order) == Counter({"create": 1, "refund": 1})
    assert (box.effects["cancel"], await store_cancels(play, first)) == (1, 0)

    # Forged, garbled or odd: refused at the door or taken for no work, and the shop is not asked.
    second = await play.place(MUGS)
    await play.imported(second)
    await shop.control("GET", "webhooks/drained?wait=10")
    await idle(play)
    secret, made = box.tokens.secrets[0], await order_of(play, second)
    body = json.dumps({"id": int(made["id"])}).encode()
    before = await shop.last_call()
    for status, key, raw, more in (
        (401, "another", body, {}),
        (401, secret, body, {"X-Shopify-Hmac-Sha256": ""}),
        (401, secret, body, {"X-Shopify-Hmac-Sha256": "AAAA"}),
        (400, secret, body, {"X-Shopify-Topic": ""}),
        (400, secret, b"<html>", {}),
        (400, secret, b"[]", {}),
        (400, secret, b'{"id":"7/../8"}', {}),
        (200, secret, body, {"X-Shopify-Topic": "products/update"}),
    ):
        assert await deliver(play, connection, key, raw, **{n.replace("-", "_"): v for n, v in more.items()}) == status
    assert await deliver(play, "con_nobody", secret, body) == 404
    await idle(play)
    assert await shop.last_call() == before

    # Lost: the merchant cancels, nothing tells of it, and the sweep finds it.
    await shop.control("PATCH", "settings", {"webhooks_paused": True})
    await shop.control("POST", f"orders/{made['id']}/cancel", {})
    await play.api("POST", "sweeps", {})
    order = await play.settled(second, AGREE)
    assert (effects(order)["cancel"], await store_cancels(play, second)) == (1, 1)
    assert "drift" in {entry["event"] for entry in order["changelog"]}

    # Past: what happened while the direction was off is shown, and done by nobody.
    third = await play.place(MUGS)
    await play.imported(third)
    off = {"store_to_channel": {"enabled": False}, "channel_to_store": {"enabled": False}}
    await play.api("PUT", f"{shop_path}/cancellation-sync", off)
    await shop.control("POST", f"orders/{(await order_of(play, third))['id']}/cancel", {})
    await run(play)
    shown = (await rows(play))[third]
    assert shown["effect"] == "cancel"
    assert await store_cancels(play, third) == 0
    assert box.effects["cancel"] == 3
    assert box.real_money == 0

    # Asked for and withdrawn: the parcel is held meanwhile, and goes on afterwards.
    await play.api("PUT", f"{shop_path}/cancellation-sync", {"buyer_requests": {"hold_fulfilment": True}})
    await shop.control("PATCH", "settings", {"webhooks_paused": False})
    fourth = await play.place(MUGS)
    await play.imported(fourth)
    await play.tiktok.control("POST", f"orders/{fourth}/cancel", {"role": "BUYER"})
    await play.settled(fourth, "is held until it is decided")
    [work] = (await order_of(play, fourth))["fulfillment_orders"]
    assert (work["status"], len(work["holds"])) == ("ON_HOLD", 1)
    [asked] = (await play.channel_order(fourth))["cancellations"]
    await play.tiktok.control("POST", f"cancellations/{asked['cancel_id']}/withdraw", {})

    async def goes_on() -> Any:
        found = await play.order(fourth)
        return found if found and found["state"] == "settled" else None

    order = await play.until(goes_on, "the order is settled again")
    [work] = (await order_of(play, fourth))["fulfillment_orders"]
    assert (work["status"], work["holds"]) == ("OPEN", [])
    assert effects(order) == Counter({"create": 1, "hold": 1, "release": 1})
