"""The money proof of settled orders, over HTTP: equal, beyond tolerance, and TikTok's discount as revenue."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.stage import JsonObject, Stage

MUG: JsonObject = {"seller_sku": "MUG", "sale_price": "10.00", "tax": "0.80"}
STICKER: JsonObject = {"seller_sku": "STICKER", "sale_price": "4.10", "seller_discount": "0.90", "quantity": 3}


async def cancelled(play: Stage, order_id: str) -> JsonObject:
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM"})
    return await play.settled(order_id, "refunded in the store")


async def proofs(play: Stage, query: str = "") -> Any:
    return await play.api("GET", f"money-proofs{query}")


@pytest.mark.both_databases
async def test_a_cancelled_order_is_proven_to_the_cent(play: Stage) -> None:
    order = await cancelled(play, await play.place(MUG, STICKER, shipping_fee_tax="0.30", small_order_fee="1.50"))
    proof = order["money"]
    assert (proof["state"], proof["tiktok"], proof["store"], proof["difference"]) == (
        "equal",
        "28.90",
        "28.90",
        "0.00",
    )
    lines = [(line["what"], line["sku"], line["tiktok"], line["store"], line["basis"]) for line in proof["lines"]]
    assert lines == [
        ("unit", "MUG", "10.80", "10.80", "told"),
        *[("unit", "STICKER", "4.10", "4.10", "told")] * 3,
        ("shipping_and_fees", "", "5.80", "5.80", "told"),
    ]
    found = await proofs(play, "?state=equal")
    assert [one["order"] for one in found["proofs"]] == [order["id"]]
    assert found["counts"] == {"equal": 1}
    assert "money" not in order["reading"]


@pytest.mark.both_databases
async def test_an_order_without_a_credit_memo_has_no_proof(play: Stage) -> None:
    order = await play.imported(await play.place(MUG))
    assert order["money"] is None
    assert (await proofs(play))["proofs"] == []


@pytest.mark.both_databases
async def test_a_memo_changed_by_hand_is_listed_and_blocks_nothing(play: Stage) -> None:
    order_id = await play.place(MUG, STICKER)
    await play.imported(order_id)
    store = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": store["id"], "adjustment_negative": 2})
    order = await play.settled(order_id, "refunded in the store")
    proof = order["money"]
    assert (proof["state"], proof["difference"]) == ("different", "-2.00")
    assert "2.00 USD less than that; an adjustment by hand -2.00 USD" in proof["because"]
    assert (order["state"], order["attention"]) == ("settled", [])
    found = await proofs(play, f"?state=different&shop={play.shop_id}")
    assert [one["channel_order_id"] for one in found["proofs"]] == [order_id]
    # The shop accepts so much from now on: the next look says so.
    await play.api("PUT", f"shops/{play.shop_id}", {"money_tolerance": "2.00"})
    await play.api("POST", f"orders/{order_id}/settle", {}, expect=202)

    async def within() -> Any:
        again = await play.order(order_id)
        return again and again["money"]["state"] == "within"

    await play.until(within, "the proof is within the tolerance")


async def test_tiktoks_discount_booked_as_revenue_is_explained(play: Stage) -> None:
    await play.api("PUT", f"shops/{play.shop_id}", {"platform_discount": "revenue"})
    line = {"seller_sku": "MUG", "sale_price": "8.00", "platform_discount": "2.00"}
    order = await cancelled(play, await play.place(line))
    proof = order["money"]
    assert (proof["state"], proof["tiktok"], proof["store"], proof["difference"]) == (
        "equal",
        "12.00",
        "14.00",
        "0.00",
    )
    assert "2.00 USD of it are TikTok's own discount, booked as revenue" in proof["because"]
