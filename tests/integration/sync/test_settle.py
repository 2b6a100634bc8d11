"""The rules of settling, each through the real HTTP surface and a real database."""

from __future__ import annotations

from typing import Any

from tests.support.stage import REASON, Stage

MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}
STICKER = {"seller_sku": "STICKER", "quantity": 1, "sale_price": "5.00"}


def events(order: dict[str, Any]) -> list[str]:
    return [entry["event"] for entry in order["changelog"]]


def kinds(order: dict[str, Any]) -> set[str]:
    return {item["kind"] for item in order["attention"]}


def sync_settings(body: dict[str, Any]) -> dict[str, Any]:
    return {name: dict(body[name]) for name in ("store_to_channel", "channel_to_store")}


async def effects(play: Stage, order_id: str) -> dict[str, Any]:
    state = await play.tiktok.control("GET", "state")
    return dict(state["orders"][order_id]["effects"])


# --- 1. TikTok order → Magento order and invoice ---------------------------------------------------------------------


async def test_a_new_order_becomes_a_store_order_with_an_invoice(play: Stage) -> None:
    order_id = await play.place(MUGS, STICKER)
    order = await play.imported(order_id)
    made = await play.store_order(order_id)
    assert made["state"] == "processing"
    assert made["increment_id"] == f"TT-{order_id}"
    assert float(made["total_paid"]) == 29.00
    assert order["state"] == "settled"
    assert (await play.stock("MUG"))["salable"] == 98
    assert [unit["store"] for unit in order["units"]] == ["living"] * 3


async def test_an_order_rests_before_it_is_created(play: Stage) -> None:
    settings = await play.api("GET", f"shops/{play.shop_id}")
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": play.store_id}, "hold_minutes": 60})
    order_id = await play.place(MUGS)
    order = await play.settled(order_id, "rests until")
    assert order["state"] == "waiting"
    assert (await play.magento.control("GET", "state"))["orders"] == []
    assert settings["id"] == play.shop_id


async def test_an_unpaid_or_held_order_waits_for_tiktok(play: Stage) -> None:
    order_id = await play.place(MUGS, status="ON_HOLD")
    await play.settled(order_id, "on hold")
    await play.tiktok.control("POST", f"orders/{order_id}/advance", {"status": "AWAITING_SHIPMENT"})
    await play.imported(order_id)


async def test_an_order_further_on_is_held_and_created_when_a_person_says_so(play: Stage) -> None:
    order_id = await play.place(MUGS, status="AWAITING_COLLECTION")
    order = await play.settled(order_id, "already under way")
    assert kinds(order) == {"already_under_way"}
    await play.api("POST", f"orders/{order['id']}/settle", {"allow": ["create"]})
    order = await play.imported(order_id)
    assert kinds(order) == set()


async def test_an_unknown_seller_sku_is_held_and_a_mapping_lets_it_through(play: Stage) -> None:
    order_id = await play.place({"seller_sku": "CUP", "sale_price": "10.00"})
    order = await play.settled(order_id, "CUP")
    assert kinds(order) == {"unknown_sku"}
    await play.api("PUT", f"shops/{play.shop_id}/sku-mappings", {"mappings": {"CUP": "MUG"}})
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await play.imported(order_id)
    assert (await play.stock("MUG"))["salable"] == 99


# --- 2. All living units refunded in Magento → TikTok order cancelled ------------------------------------------------


async def test_a_full_credit_memo_cancels_on_tiktok_with_the_default_reason(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})
    order = await play.settled(order_id, "both books agree: all")
    channel = await play.channel_order(order_id)
    assert channel["order"]["status"] == "CANCELLED"
    assert channel["cancellations"][0]["cancel_reason"] == REASON
    assert (await effects(play, order_id)).get("seller_cancel_calls", 0) == 1
    assert kinds(order) == set()


async def test_several_credit_memos_together_cancel_on_tiktok(play: Stage) -> None:
    order_id = await play.place(MUGS, STICKER)
    await play.imported(order_id)
    made = await play.store_order(order_id)
    mug, sticker = made["items"]
    await play.magento.control(
        "POST",
        "refund",
        {"order": made["id"], "items": [{"order_item_id": mug["item_id"], "qty": 2}], "shipping_amount": 0},
    )
    order = await play.settled(order_id, "1 unit lives on")
    assert kinds(order) == {"partial_refund"}
    assert (await effects(play, order_id)).get("seller_cancel_calls", 0) == 0
    await play.magento.control(
        "POST",
        "refund",
        {"order": made["id"], "items": [{"order_item_id": sticker["item_id"], "qty": 1}]},
    )
    order = await play.settled(order_id, "both books agree: all")
    assert (await effects(play, order_id)).get("seller_cancel_calls", 0) == 1
    assert kinds(order) == set()


async def test_a_credit_memo_of_the_shipping_alone_cancels_nothing(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    made = await play.store_order(order_id)
    nothing = [{"order_item_id": made["items"][0]["item_id"], "qty": 0}]
    await play.magento.control("POST", "refund", {"order": made["id"], "items": nothing})
    await play.until(lambda: heard(play, order_id, "creditmemos/update"), "the memo was heard of")
    assert (await play.channel_order(order_id))["order"]["status"] == "AWAITING_SHIPMENT"


async def heard(play: Stage, order_id: str, topic: str) -> bool:
    order = await play.order(order_id)
    return any(entry["facts"].get("topic") == topic for entry in order["changelog"]) if order else False


async def test_the_direction_switched_off_does_nothing_and_says_so(play: Stage) -> None:
    path = f"shops/{play.shop_id}/cancellation-sync"
    body = sync_settings(await play.api("GET", path))
    body["store_to_channel"]["enabled"] = False
    await play.api("PUT", path, body)
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})
    await play.settled(order_id, "switched off")
    assert (await play.channel_order(order_id))["order"]["status"] == "AWAITING_SHIPMENT"


async def test_pending_is_not_done(play: Stage) -> None:
    await play.tiktok.control("PATCH", "settings", {"cancel_result": "pending"})
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    made = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": made["id"]})

    async def waiting() -> Any:
        order = await play.order(order_id)
        return order and any("PENDING is not done" in entry["because"] for entry in order["changelog"])

    await play.until(waiting, "the pending cancellation is waited for")
    channel = await play.channel_order(order_id)
    cancel_id = channel["cancellations"][0]["cancel_id"]
    await play.tiktok.control("POST", f"cancellations/{cancel_id}/accept")
    order = await play.order(order_id)
    assert order is not None
    await play.api("POST", f"orders/{order['id']}/settle", {})
    assert (await effects(play, order_id)).get("seller_cancel_calls", 0) == 1


# --- 3. TikTok cancellation of the whole order → offline credit memo, restock by the rule ----------------------------


async def test_a_buyers_cancellation_refunds_and_restocks(play: Stage) -> None:
    order_id = await play.place(MUGS, STICKER)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "both books agree: all")
    made = await play.store_order(order_id)
    assert made["state"] == "closed"
    assert len(made["credit_memos"]) == 1
    assert (await play.stock("MUG")) | {"salable": 100, "source": 100} == await play.stock("MUG")
    assert "restocked" in " ".join(entry["because"] for entry in order["changelog"])
    assert (await effects(play, order_id)).get("seller_cancel_calls", 0) == 0


async def test_without_restock_the_units_are_written_off(play: Stage) -> None:
    path = f"shops/{play.shop_id}/cancellation-sync"
    body = sync_settings(await play.api("GET", path))
    body["channel_to_store"]["restock"] = False
    await play.api("PUT", path, body)
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "both books agree: all")
    stock = await play.stock("MUG")
    assert (stock["source"], stock["salable"]) == (98, 98)
    assert "switched off" in " ".join(entry["because"] for entry in order["changelog"])


async def test_a_plugin_that_may_not_restock_refunds_without(play: Stage) -> None:
    await play.magento.control("POST", "settings", {"plugin": "1.0.19"})
    await play.api("POST", f"connections/{play.store_id}/doctor")
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "both books agree: all")
    assert (await play.stock("MUG"))["salable"] == 98
    assert "1.0.19" in " ".join(entry["because"] for entry in order["changelog"])


async def test_refunds_wait_while_the_plugin_breaks_them_and_resume_after_the_upgrade(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.magento.control("POST", "settings", {"plugin": "1.0.25"})
    await play.api("POST", f"connections/{play.store_id}/doctor")
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "1.0.25")
    assert order["state"] == "waiting"
    await play.magento.control("POST", "settings", {"plugin": "1.0.26"})
    await play.api("POST", f"connections/{play.store_id}/doctor")
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


async def test_cancelled_before_the_create_is_not_imported(play: Stage) -> None:
    order_id = await play.place(MUGS, status="ON_HOLD")
    await play.settled(order_id, "on hold")
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "BUYER"})
    order = await play.settled(order_id, "before it reached the store")
    assert order["state"] == "not_imported"
    assert (await play.magento.control("GET", "state"))["orders"] == []


async def test_cancelled_while_the_create_runs_is_finished_and_refunded(play: Stage) -> None:
    await play.magento.fault(kind="slow", method="POST", path="V1/orders", seconds=0.5)
    before = await play.magento.last_call()
    order_id = await play.place(MUGS)
    await play.magento.calls(path="V1/orders", method="POST", after=before, wait=10)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "both books agree: all")
    made = await play.store_order(order_id)
    assert (made["state"], len(made["credit_memos"])) == ("closed", 1)
    assert (await play.stock("MUG"))["salable"] == 100


# --- 4. Equal books, partial differences -----------------------------------------------------------------------------


async def test_a_partial_cancellation_is_refunded_by_quantity_and_shows_both_sides_units(play: Stage) -> None:
    order_id = await play.place(MUGS, STICKER)
    order = await play.imported(order_id)
    first = order["units"][0]["unit_id"]
    await play.tiktok.control(
        "POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False, "lines": [first]}
    )
    order = await play.settled(order_id, "1 cancelled and refunded, 2 alive")
    states = {unit["unit_id"]: (unit["channel"], unit["store"]) for unit in order["units"]}
    assert states.pop(first) == ("cancelled", "refunded")
    assert set(states.values()) == {("living", "living")}
    assert len((await play.store_order(order_id))["credit_memos"]) == 1
    assert kinds(order) == set()


async def test_nothing_to_do_is_written_down_once(play: Stage) -> None:
    order_id = await play.place(MUGS)
    order = await play.imported(order_id)
    for _ in range(3):
        await play.api("POST", f"orders/{order['id']}/settle", {})
        await play.imported(order_id)
    made = await play.store_order(order_id)
    await play.magento.control("POST", "hold", {"order": made["id"]})
    await play.until(lambda: heard(play, order_id, "orders/update"), "the hold was heard of")
    order = await play.imported(order_id)
    assert events(order).count("decided") == 1


# --- 6. The sweep ----------------------------------------------------------------------------------------------------


async def sweep(play: Stage) -> None:
    job = (await play.api("POST", "sweeps", {}))["job"]
    job_id = job["id"] if isinstance(job, dict) else job

    async def done() -> bool:
        return bool((await play.api("GET", f"jobs/{job_id}"))["state"] == "done")

    await play.until(done, "the sweep ends")


async def test_a_dropped_credit_memo_delivery_is_healed_by_the_sweep(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.magento.control("GET", "deliveries?wait=10")
    made = await play.store_order(order_id)
    await play.magento.control("POST", "consumer", {"drop": 20})
    await play.magento.control("POST", "refund", {"order": made["id"]})
    await play.magento.control("GET", "deliveries?wait=10")
    assert (await play.channel_order(order_id))["order"]["status"] == "AWAITING_SHIPMENT"
    await sweep(play)
    await play.settled(order_id, "both books agree: all")
    assert (await play.channel_order(order_id))["order"]["status"] == "CANCELLED"


async def test_a_dropped_cancellation_message_is_healed_by_the_sweep(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("PATCH", "settings", {"webhooks_drop_next": 10})
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await sweep(play)
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


async def test_a_new_order_nobody_told_of_is_found_by_the_sweep(play: Stage) -> None:
    order_id = await play.place(MUGS, announce=False)
    await sweep(play)
    await play.imported(order_id)


async def idle(play: Stage) -> bool:
    async with play.session.get(f"{play.url}/metrics") as answer:
        lines = [line for line in (await answer.text()).splitlines() if "work" in line and not line.startswith("#")]
    return bool(lines) and all(float(line.rsplit(" ", 1)[1]) == 0 for line in lines)


async def test_orders_that_are_not_ours_are_remembered_and_left_alone(play: Stage) -> None:
    placed = await play.magento.control(
        "POST", "storefront-order", {"items": [{"sku": "MUG", "qty": 1}], "invoice": True}
    )
    entity = placed["id"]
    await play.magento.calls(path=f"V1/orders/{entity}", method="GET", wait=10)
    await play.until(lambda: idle(play), "the first look is over")
    before = await play.magento.last_call()
    await play.magento.control("POST", "ship", {"order": entity})
    await play.magento.control("GET", "deliveries?wait=10")
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    reads = await play.magento.calls(path=f"V1/orders/{entity}", method="GET", after=before)
    assert reads == []
