"""Only some units of an order: cancelled on TikTok Shop, refunded in the store, in one go or bit by bit."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.connect.parts import MUGS, STICKER, JsonObject, ask, idle, kinds, store_cancels
from tests.support.stage import REASON, TOKEN, Stage

THREE = {"seller_sku": "MUG", "quantity": 3, "sale_price": "10.00"}
SYNC = {"enabled": True, "default_reason": REASON}


async def cancel(play: Stage, order_id: str, *lines: str, **more: Any) -> None:
    """TikTok cancels these lines."""
    body = {"role": "SYSTEM", "pending": False, "lines": list(lines), **more}
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", body)


async def refund(play: Stage, order_id: str, *, back: bool = False, **quantities: int) -> None:
    """The merchant refunds so many of each SKU in the admin area, without shipping."""
    made = await play.store_order(order_id)
    items = [
        {"order_item_id": row["item_id"], "qty": quantities[row["sku"]]}
        for row in made["items"]
        if quantities.get(row["sku"])
    ]
    body = {"order": made["id"], "items": items, "shipping_amount": 0, "back_to_stock": back}
    await play.magento.control("POST", "refund", body)


async def choose(play: Stage, **store_to_channel: Any) -> None:
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", {"store_to_channel": store_to_channel})


async def lines_of(play: Stage, order_id: str) -> dict[str, str]:
    return {line["id"]: line["display_status"] for line in (await play.channel_order(order_id))["order"]["line_items"]}


async def memos(play: Stage, order_id: str) -> list[tuple[Decimal, int]]:
    """Each credit memo's total, and how many units it took."""
    state, made = await play.magento.control("GET", "state"), await play.store_order(order_id)
    return [
        (Decimal(str(memo["grand_total"])), int(sum(Decimal(str(row["qty"])) for row in memo["items"])))
        for memo in state["credit_memos"]
        if memo["order"] == made["id"]
    ]


def done(order: JsonObject) -> Counter[str]:
    return Counter(entry["facts"]["effect"] for entry in order["changelog"] if entry["event"] == "done")


# --- TikTok → store ---------------------------------------------------------------------------------------------------


async def test_one_of_three_then_another_then_the_rest(play: Stage) -> None:
    order_id = await play.place(THREE)
    units = [unit["unit_id"] for unit in (await play.imported(order_id))["units"]]
    assert (await play.stock("MUG"))["salable"] == 97
    await cancel(play, order_id, units[1])
    order = await play.settled(order_id, "1 cancelled and refunded, 2 alive")
    assert await memos(play, order_id) == [(Decimal(10), 1)]
    assert (await play.stock("MUG"))["salable"] == 98
    assert {unit["unit_id"]: unit["store"] for unit in order["units"]}[units[1]] == "refunded"
    await cancel(play, order_id, units[0])
    await play.settled(order_id, "2 cancelled and refunded, 1 alive")
    assert await memos(play, order_id) == [(Decimal(10), 1), (Decimal(10), 1)]
    await cancel(play, order_id, units[2])
    order = await play.settled(order_id, "both books agree: all")
    assert await memos(play, order_id) == [(Decimal(10), 1), (Decimal(10), 1), (Decimal(14), 1)]
    made = await play.store_order(order_id)
    assert made["state"] == "closed"
    assert (await play.stock("MUG"))["salable"] == 100
    assert done(order) == Counter(create=1, invoice=1, refund=3)
    assert await store_cancels(play, order_id) == 0
    assert kinds(order) == set()


async def test_a_row_shipped_in_part_is_two_memos_and_the_stock_is_right(play: Stage) -> None:
    order_id = await play.place({**THREE, "quantity": 4})
    units = [unit["unit_id"] for unit in (await play.imported(order_id))["units"]]
    made = await play.store_order(order_id)
    await play.magento.control(
        "POST", "ship", {"order": made["id"], "items": [{"order_item_id": made["items"][0]["item_id"], "qty": 2}]}
    )
    await cancel(play, order_id, *units[:3])
    order = await play.settled(order_id, "3 cancelled and refunded, 1 alive")
    assert await memos(play, order_id) == [(Decimal(20), 2), (Decimal(10), 1)]
    stock = await play.stock("MUG")
    assert (stock["source"], stock["salable"]) == (98, 98)  # two left with a parcel, two came back
    assert kinds(order) == {"goods_under_way"}


async def test_equal_skus_at_different_prices_and_a_gift(play: Stage) -> None:
    await play.product("GIFT", price="0.00")
    dear = {"seller_sku": "MUG", "quantity": 1, "sale_price": "12.00"}
    gift = {"seller_sku": "GIFT", "quantity": 1, "sale_price": "0.00", "is_gift": True}
    order_id = await play.place(MUGS, dear, gift)
    order = await play.imported(order_id)
    assert len((await play.store_order(order_id))["items"]) == 3
    by_price = {unit["price"]: unit["unit_id"] for unit in order["units"]}
    await cancel(play, order_id, by_price["12.00 USD"])
    await play.settled(order_id, "1 cancelled and refunded, 3 alive")
    assert await memos(play, order_id) == [(Decimal(12), 1)]
    await cancel(play, order_id, by_price["0.00 USD"])
    order = await play.settled(order_id, "2 cancelled and refunded, 2 alive")
    assert await memos(play, order_id) == [(Decimal(12), 1), (Decimal(0), 1)]
    assert (await play.stock("GIFT"))["salable"] == 100
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "both books agree: all")
    assert (await memos(play, order_id))[-1] == (Decimal(24), 2)
    assert kinds(order) == set()


async def test_a_gift_that_is_left_when_no_money_is_left_is_for_a_person(play: Stage) -> None:
    await play.product("GIFT", price="0.00")
    gift = {"seller_sku": "GIFT", "quantity": 1, "sale_price": "0.00", "is_gift": True}
    order_id = await play.place({**MUGS, "quantity": 1}, gift, shipping_fee="0.00")
    units = {unit["seller_sku"]: unit["unit_id"] for unit in (await play.imported(order_id))["units"]}
    await cancel(play, order_id, units["MUG"])
    await play.settled(order_id, "1 cancelled and refunded, 1 alive", 20)
    await cancel(play, order_id, units["GIFT"])
    order = await play.settled(order_id, "gave back all")
    assert kinds(order) == {"cannot_refund"}
    assert len(await memos(play, order_id)) == 1


async def test_a_merchants_own_partial_memo_and_money_beside_it_book_nothing_more(play: Stage) -> None:
    """What an adjustment gave back is missing for the last memo: Magento refuses it, and a person is asked."""
    order_id = await play.place(MUGS, STICKER)
    units = {unit["seller_sku"]: unit["unit_id"] for unit in (await play.imported(order_id))["units"]}
    await refund(play, order_id, STICKER=1)
    await play.settled(order_id, "2 units live on")
    await cancel(play, order_id, units["STICKER"])
    await play.settled(order_id, "1 cancelled and refunded, 2 alive")
    made = await play.store_order(order_id)
    nothing = [{"order_item_id": row["item_id"], "qty": 0} for row in made["items"]]
    goodwill = {"order": made["id"], "items": nothing, "shipping_amount": 0, "adjustment_positive": 3}
    await play.magento.control("POST", "refund", goodwill)
    await idle(play)
    order = await play.settled(order_id, "1 cancelled and refunded, 2 alive")
    assert kinds(order) == set()
    assert await memos(play, order_id) == [(Decimal(5), 1), (Decimal(3), 0)]
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "The most money available to refund is 21")
    assert kinds(order) == {"refund_refused"}
    assert len(await memos(play, order_id)) == 2
    made = await play.store_order(order_id)
    items = [{"order_item_id": made["items"][0]["item_id"], "qty": 2}]
    by_hand = {"order": made["id"], "items": items, "shipping_amount": 4, "adjustment_negative": 3}
    await play.magento.control("POST", "refund", by_hand)
    order = await play.settled(order_id, "both books agree: all")
    assert kinds(order) == set()
    assert done(order)["refund"] == 0
    assert await store_cancels(play, order_id) == 0


# --- store → TikTok ---------------------------------------------------------------------------------------------------


async def test_one_of_three_refunded_is_held_and_two_memos_that_take_all_cancel_the_whole_order(play: Stage) -> None:
    order_id = await play.place(THREE)
    await play.imported(order_id)
    await refund(play, order_id, MUG=1)
    order = await play.settled(order_id, "2 units live on")
    assert kinds(order) == {"partial_refund"}
    assert await store_cancels(play, order_id) == 0
    await refund(play, order_id, MUG=2)
    order = await play.settled(order_id, "both books agree: all")
    assert kinds(order) == set()
    assert await store_cancels(play, order_id) == 1
    assert done(order) == Counter(create=1, invoice=1, cancel=1)


async def test_one_of_three_refunded_is_ignored_with_a_line(play: Stage) -> None:
    await choose(play, partial="ignore")
    order_id = await play.place(THREE)
    await play.imported(order_id)
    await refund(play, order_id, MUG=1)
    order = await play.settled(order_id, "set to be ignored")
    assert (order["state"], kinds(order)) == ("settled", set())
    assert await store_cancels(play, order_id) == 0


async def test_one_of_three_refunded_cancels_its_line_and_later_the_rest_whole(play: Stage) -> None:
    await choose(play, partial="cancel_lines")
    order_id = await play.place(THREE)
    await play.imported(order_id)
    await refund(play, order_id, MUG=1)
    order = await play.settled(order_id, "1 cancelled and refunded, 2 alive")
    assert Counter((await lines_of(play, order_id)).values())["CANCELLED"] == 1
    [record] = (await play.channel_order(order_id))["cancellations"]
    assert (record["cancel_reason"], len(record["cancel_line_items"])) == (REASON, 1)
    assert (await play.channel_order(order_id))["order"]["status"] == "AWAITING_SHIPMENT"
    assert done(order) == Counter(create=1, invoice=1, cancel_lines=1)
    claim = next(entry["facts"] for entry in order["changelog"] if entry["event"] == "claimed")
    assert claim["attempt"] == 1
    await refund(play, order_id, MUG=2)
    order = await play.settled(order_id, "both books agree: all")
    assert len((await play.channel_order(order_id))["cancellations"]) == 2
    assert done(order) == Counter(create=1, invoice=1, cancel_lines=1, cancel=1)
    assert len(await memos(play, order_id)) == 2  # the merchant's own: nothing was booked by us
    assert kinds(order) == set()


async def test_a_line_cancel_that_is_pending_is_waited_for(play: Stage) -> None:
    await choose(play, partial="cancel_lines")
    order_id = await play.place(THREE)
    await play.imported(order_id)
    await play.tiktok.control("PATCH", "settings", {"cancel_result": "pending"})
    await refund(play, order_id, MUG=1)

    async def waits() -> bool:
        order = await play.order(order_id)
        return order is not None and any("PENDING is not done" in entry["because"] for entry in order["changelog"])

    await play.until(waits, "the pending cancellation is waited for")
    assert "CANCELLED" not in (await lines_of(play, order_id)).values()
    [record] = (await play.channel_order(order_id))["cancellations"]
    await play.tiktok.control("POST", f"cancellations/{record['cancel_id']}/accept")
    found = await play.order(order_id)
    assert found is not None
    assert await store_cancels(play, order_id) == 1


async def test_a_person_says_it_for_one_order(play: Stage) -> None:
    order_id, other_id = await play.place(THREE), await play.place(MUGS, STICKER)
    for one in (order_id, other_id):
        await play.imported(one)
    await refund(play, order_id, MUG=2)
    await refund(play, other_id, STICKER=1)
    held = await play.settled(order_id, "1 unit lives on")
    other = await play.settled(other_id, "2 units live on")
    [item] = held["attention"]
    said = await ask(play, "POST", f"/api/v1/attention/{item['id']}/cancel-lines")
    assert said.status == 202, said.text
    assert len(said.json["lines"]) == 2
    assert "seller's fault" in said.json["says"]
    order = await play.settled(order_id, "2 cancelled and refunded, 1 alive")
    dead = {line for line, status in (await lines_of(play, order_id)).items() if status == "CANCELLED"}
    assert dead == set(said.json["lines"])
    assert kinds(order) == set()
    assert kinds(other) == {"partial_refund"}
    assert "CANCELLED" not in (await lines_of(play, other_id)).values()
    again = await ask(play, "POST", f"/api/v1/attention/{item['id']}/cancel-lines")
    assert again.status == 409, "it is settled: there are no lines left to cancel"


async def test_the_command_says_which_lines(play: Stage) -> None:
    order_id = await play.place(THREE)
    await play.imported(order_id)
    await refund(play, order_id, MUG=1)
    [item] = (await play.settled(order_id, "2 units live on"))["attention"]
    words = ["attention", "cancel-lines", item["id"], "--json", "--url", play.url]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", *words, env={**os.environ, "BRIDGE_API_TOKEN": TOKEN}, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    said = json.loads(out)
    await play.settled(order_id, "1 cancelled and refunded, 2 alive")
    dead = [line for line, status in (await lines_of(play, order_id)).items() if status == "CANCELLED"]
    assert said["lines"] == dead


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"default_reason": "seller_cancel_reason_wrong_price"}, "list seller_cancel_reason_out_of_stock"),
        ({"enabled": False}, "switched off"),
    ],
    ids=["no reason", "off"],
)
async def test_a_person_who_cannot_have_it_is_told_why(play: Stage, change: JsonObject, words: str) -> None:
    order_id = await play.place(THREE)
    await play.imported(order_id)
    await refund(play, order_id, MUG=1)
    held = await play.settled(order_id, "2 units live on")
    await choose(play, **change)
    said = await ask(play, "POST", f"/api/v1/attention/{held['attention'][0]['id']}/cancel-lines")
    assert (said.status, said.json["type"]) == (409, "/problems/conflict"), said.text
    assert words in said.json["detail"]
    assert "CANCELLED" not in (await lines_of(play, order_id)).values()


async def test_only_items_about_a_partial_refund_cancel_lines(play: Stage) -> None:
    order_id = await play.place({"seller_sku": "CUP", "sale_price": "10.00"})
    held = await play.settled(order_id, "CUP")
    said = await ask(play, "POST", f"/api/v1/attention/{held['attention'][0]['id']}/cancel-lines")
    assert said.status == 409
    assert "unknown_sku" in said.json["detail"]
    assert (await ask(play, "POST", "/api/v1/attention/att_none/cancel-lines")).status == 404


async def test_lines_that_tiktok_does_not_cancel_singly_are_for_a_person_and_the_rest_still_goes_whole(
    play: Stage,
) -> None:
    await choose(play, partial="cancel_lines")
    order_id = await play.place(THREE)
    await play.imported(order_id)
    body = json.dumps({"code": 25005010, "message": "can not cancel individual lines of this order", "data": {}})
    await play.tiktok.fault(
        method="POST", path=r"/cancellations\?", kind="fail", status=200, body=body, content_type="application/json"
    )
    await refund(play, order_id, MUG=1)
    order = await play.settled(order_id, "25005010")
    assert kinds(order) == {"cancel_refused"}
    await refund(play, order_id, MUG=2)
    order = await play.settled(order_id, "both books agree: all")
    assert done(order) == Counter(create=1, invoice=1, cancel=1)


async def test_the_brake_counts_lines_too(play: Stage) -> None:
    await choose(play, partial="cancel_lines", max_cancels_per_hour=1)
    first, second = await play.place(THREE), await play.place(THREE)
    for order_id in (first, second):
        await play.imported(order_id)
    await refund(play, first, MUG=1)
    await play.settled(first, "1 cancelled and refunded, 2 alive")
    await refund(play, second, MUG=1)
    await play.settled(second, "the direction is paused")
    [brake] = (await play.api("GET", "attention?kind=brake"))["items"]
    assert (brake["order"], brake["facts"]["count"]) == (None, 1), "one thing to answer for the shop"


async def test_dry_run_cancels_no_lines(play: Stage) -> None:
    await choose(play, partial="cancel_lines")
    order_id = await play.place(THREE)
    await play.imported(order_id)
    await play.api("PUT", f"shops/{play.shop_id}", {"dry_run": True})
    await refund(play, order_id, MUG=1)
    await play.settled(order_id, "dry run: would act")
    assert await store_cancels(play, order_id) == 0
