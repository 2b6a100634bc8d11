"""Settings as a merchant's script reads and writes them, and what they do to orders: older ones, dry run, switches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.integration.connect.parts import MUGS, STICKER, JsonObject, ask, idle, kinds, refund_all
from tests.support.stage import REASON, Stage


async def put(play: Stage, path: str, body: JsonObject, status: int = 200) -> Any:
    said = await ask(play, "PUT", f"/api/v1/{path}", json=body)
    assert said.status == status, said.text
    return said.json


async def sync_of(play: Stage) -> JsonObject:
    return dict(await play.api("GET", f"shops/{play.shop_id}/cancellation-sync"))


async def put_sync(play: Stage, status: int = 200, **directions: JsonObject) -> Any:
    return await put(play, f"shops/{play.shop_id}/cancellation-sync", directions, status)


async def seller_cancels(play: Stage, order_id: str) -> int:
    state = await play.tiktok.control("GET", "state")
    return int(state["orders"][order_id]["effects"].get("seller_cancel_calls", 0))


async def told_events(play: Stage, order_id: str) -> list[str]:
    order = await play.order(order_id)
    return [entry["event"] for entry in order["changelog"]] if order else []


# --- read, and sent back ----------------------------------------------------------------------------------------------


async def test_what_was_read_can_be_sent_back_whole(play: Stage) -> None:
    for path in (
        f"shops/{play.shop_id}",
        f"shops/{play.shop_id}/cancellation-sync",
        f"shops/{play.shop_id}/sku-mappings",
    ):
        read = await play.api("GET", path)
        assert await put(play, path, read) == read
        assert await play.api("GET", path) == read


async def test_sending_back_changes_nothing_and_is_no_entry_of_the_audit(play: Stage) -> None:
    before = await play.api("GET", "audit")
    await put(play, f"shops/{play.shop_id}", await play.api("GET", f"shops/{play.shop_id}"))
    await put(play, f"shops/{play.shop_id}/cancellation-sync", await sync_of(play))
    assert await play.api("GET", "audit") == before


async def test_one_changed_field_of_what_was_read_is_the_only_change(play: Stage) -> None:
    read = await play.api("GET", f"shops/{play.shop_id}")
    changed = await put(play, f"shops/{play.shop_id}", read | {"hold_minutes": 7})
    assert changed == read | {"hold_minutes": 7}
    sync = await sync_of(play)
    sync["channel_to_store"]["restock"] = False
    assert (await put(play, f"shops/{play.shop_id}/cancellation-sync", sync)) == sync


async def test_what_cannot_be_set_here_is_refused_when_it_differs(play: Stage) -> None:
    read = await play.api("GET", f"shops/{play.shop_id}")
    for name, value in (("name", "Other"), ("region", "GB"), ("id", "shp_1"), ("cancellation_sync", None)):
        problem = await put(play, f"shops/{play.shop_id}", read | {name: value}, 422)
        assert problem["errors"][0]["pointer"] == f"#/{name}"
    sync = read["cancellation_sync"]
    sync["channel_to_store"]["restock"] = False
    problem = await put(play, f"shops/{play.shop_id}", read | {"cancellation_sync": sync}, 422)
    assert "cancellation-sync" in problem["detail"]
    assert (await sync_of(play))["channel_to_store"]["restock"] is True


async def test_a_field_nobody_knows_is_refused_by_name(play: Stage) -> None:
    for path in (f"shops/{play.shop_id}", f"shops/{play.shop_id}/cancellation-sync"):
        problem = await put(play, path, {"restok": True}, 422)
        assert problem["errors"][0]["pointer"] == "#/restok"


# --- reasons ----------------------------------------------------------------------------------------------------------


async def test_a_reason_of_another_region_is_refused_with_the_valid_ones(play: Stage) -> None:
    listed = await play.api("GET", f"shops/{play.shop_id}/cancel-reasons")
    valid = [reason["key"] for reason in listed["reasons"]]
    assert REASON in valid
    for change in (
        {"enabled": True, "default_reason": "made_up_reason"},
        {"fallback_reasons": [REASON, "made_up_reason"]},
    ):
        problem = await put_sync(play, 422, store_to_channel=change)
        assert problem["valid_reasons"] == valid
        assert all(key in problem["detail"] for key in valid)
    assert (await sync_of(play))["store_to_channel"]["default_reason"] == REASON


async def test_a_direction_without_a_reason_is_not_switched_on(play: Stage) -> None:
    await put_sync(play, store_to_channel={"enabled": False, "default_reason": None})
    problem = await put_sync(play, 422, store_to_channel={"enabled": True})
    assert problem["errors"][0]["pointer"] == "#/store_to_channel/default_reason"
    assert (await sync_of(play))["store_to_channel"]["enabled"] is False


# --- the past ---------------------------------------------------------------------------------------------------------


async def test_orders_placed_before_the_tie_are_shown_and_left_alone_until_a_person_says_so(bare: Stage) -> None:
    await bare.connect()
    await bare.product("MUG")
    shop = await bare.api("GET", f"shops/{bare.shop_id}")
    since = datetime.fromisoformat(shop["orders_since"])
    older = int((since - timedelta(hours=2)).timestamp())
    order_id = await bare.place(MUGS, create_time=older)
    order = await bare.settled(order_id, "placed before")
    assert order["state"] == "ignored"
    assert (await bare.magento.control("GET", "state"))["orders"] == []
    await bare.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await idle(bare)
    assert (await bare.magento.control("GET", "state"))["orders"] == []
    second = await bare.place(MUGS, create_time=older)
    order = await bare.settled(second, "placed before")
    await bare.api("POST", f"orders/{order['id']}/settle", {"allow": ["create"]})
    await bare.imported(second)


async def test_a_cancellation_older_than_the_switch_on_is_held_and_past_lets_it_through(play: Stage) -> None:
    await put_sync(play, channel_to_store={"enabled": False})
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "switched off")
    await past_a_second(play)
    await put_sync(play, channel_to_store={"enabled": True})
    order = await play.order(order_id) or {}
    await play.api("POST", f"orders/{order['id']}/settle", {})
    order = await play.settled(order_id, "older than the switch-on")
    assert kinds(order) == {"before_switch_on"}
    assert (await play.store_order(order_id))["credit_memos"] == []
    await play.api("POST", f"orders/{order['id']}/settle", {"allow": ["past"]})
    order = await play.settled(order_id, "both books agree: all")
    assert kinds(order) == set()
    assert len((await play.store_order(order_id))["credit_memos"]) == 1


async def test_a_credit_memo_older_than_the_switch_on_is_held_and_past_lets_it_through(play: Stage) -> None:
    await put_sync(play, store_to_channel={"enabled": False})
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await refund_all(play, order_id)
    await play.settled(order_id, "switched off")
    await past_a_second(play)
    await put_sync(play, store_to_channel={"enabled": True})
    order = await play.order(order_id) or {}
    await play.api("POST", f"orders/{order['id']}/settle", {})
    order = await play.settled(order_id, "older than the switch-on")
    assert await seller_cancels(play, order_id) == 0
    item = next(one for one in order["attention"] if one["kind"] == "before_switch_on")
    await play.api("POST", f"attention/{item['id']}/settle", {"allow": ["past"]})
    await play.settled(order_id, "both books agree: all")
    assert await seller_cancels(play, order_id) == 1


async def past_a_second(play: Stage) -> None:
    """Remotes tell whole seconds: what comes after is to be later by their own clocks."""

    start = datetime.now().astimezone().replace(microsecond=0)

    async def later() -> bool:
        return datetime.now().astimezone() > start + timedelta(seconds=1)

    await play.until(later, "a second has passed")


async def test_a_beginning_cannot_be_moved_into_the_past(play: Stage) -> None:
    sync = await sync_of(play)
    was = datetime.fromisoformat(sync["channel_to_store"]["effective_from"])
    problem = await put_sync(play, 422, channel_to_store={"effective_from": (was - timedelta(days=1)).isoformat()})
    assert "past" in problem["detail"]
    later = (was + timedelta(days=1)).isoformat()
    await put_sync(play, channel_to_store={"effective_from": later})
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "older than the switch-on")


# --- dry run ----------------------------------------------------------------------------------------------------------


async def test_a_dry_run_says_what_it_would_do_and_claims_nothing(play: Stage) -> None:
    running = await play.place(MUGS)
    refunded = await play.place(MUGS)
    for order_id in (running, refunded):
        await play.imported(order_id)
    await put(play, f"shops/{play.shop_id}", {"dry_run": True})
    fresh = await play.place(STICKER)
    order = await play.settled(fresh, "dry run: would create")
    assert (order["claims"], order["state"]) == ([], "waiting")
    await play.tiktok.control("POST", f"orders/{running}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(running, "dry run: would refund")
    assert "restocked" in order["because"]
    assert [claim["kind"] for claim in order["claims"]] == ["create", "invoice"]
    await refund_all(play, refunded)
    order = await play.settled(refunded, "dry run: would act on TikTok Shop")
    assert [claim["kind"] for claim in order["claims"]] == ["create", "invoice"]
    made = (await play.magento.control("GET", "state"))["orders"]
    assert fresh not in {one["ext_order_id"] for one in made}
    assert (await play.store_order(running))["credit_memos"] == []
    assert await seller_cancels(play, refunded) == 0


async def test_switching_dry_run_off_does_not_act_on_the_past(play: Stage) -> None:
    running = await play.place(MUGS)
    refunded = await play.place(MUGS)
    for order_id in (running, refunded):
        await play.imported(order_id)
    await put(play, f"shops/{play.shop_id}", {"dry_run": True})
    fresh = await play.place(STICKER)
    await play.settled(fresh, "dry run: would create")
    await play.tiktok.control("POST", f"orders/{running}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(running, "dry run: would refund")
    await refund_all(play, refunded)
    await play.settled(refunded, "dry run: would act on TikTok Shop")
    await past_a_second(play)
    await put(play, f"shops/{play.shop_id}", {"dry_run": False})
    for order_id, because in (
        (running, "older than the switch-on"),
        (refunded, "older than the switch-on"),
        (fresh, "placed before"),
    ):
        order = await play.order(order_id) or {}
        await play.api("POST", f"orders/{order['id']}/settle", {})
        await play.settled(order_id, because)
    assert (await play.store_order(running))["credit_memos"] == []
    assert await seller_cancels(play, refunded) == 0
    for order_id, allow in ((running, "past"), (refunded, "past")):
        order = await play.order(order_id) or {}
        await play.api("POST", f"orders/{order['id']}/settle", {"allow": [allow]})
        await play.settled(order_id, "both books agree: all")
    order = await play.order(fresh) or {}
    await play.api("POST", f"orders/{order['id']}/settle", {"allow": ["create"]})
    await play.imported(fresh)


async def test_after_dry_run_what_is_new_is_acted_on(play: Stage) -> None:
    await put(play, f"shops/{play.shop_id}", {"dry_run": True})
    await put(play, f"shops/{play.shop_id}", {"dry_run": False})
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await refund_all(play, order_id)
    await play.settled(order_id, "both books agree: all")


async def test_creating_switched_off_leaves_orders_to_the_other_connector(play: Stage) -> None:
    await put(play, f"shops/{play.shop_id}", {"create_orders": False})
    order_id = await play.place(MUGS)
    order = await play.settled(order_id, "another connector")
    assert order["state"] == "ignored"
    assert (await play.magento.control("GET", "state"))["orders"] == []
    assert await told_events(play, order_id)
