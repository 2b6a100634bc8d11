"""Seller SKUs that no store knows: named, mapped, and the orders that waited go on by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.connect.parts import audited
from tests.integration.sync.test_settle import MUGS, kinds
from tests.support.stage import Stage

CUP = {"seller_sku": "CUP-TT", "quantity": 1, "sale_price": "10.00"}
PLATE = {"seller_sku": "PLATE-TT", "quantity": 1, "sale_price": "5.00"}


async def unknown(play: Stage, *lines: dict[str, Any]) -> str:
    order_id = await play.place(*lines)
    order = await play.settled(order_id, "no product with SKU")
    assert kinds(order) == {"unknown_sku"}
    return order_id


async def test_mapping_a_sku_settles_every_order_that_waits_for_it_and_no_other(play: Stage) -> None:
    one, two = await unknown(play, CUP), await unknown(play, CUP, PLATE)
    three = await unknown(play, PLATE, MUGS)
    path = f"shops/{play.shop_id}/sku-mappings"
    missing = (await play.api("GET", f"{path}/missing"))["missing"]
    assert missing == [{"sku": "CUP-TT", "orders": 2}, {"sku": "PLATE-TT", "orders": 2}]
    [item] = ((await play.order(two)) or {})["attention"]
    assert item["facts"] == {"skus": ["CUP-TT", "PLATE-TT"], "shop": play.shop_id}
    await play.api("POST", f"attention/{item['id']}/dismiss", {})
    assert await play.api("PATCH", path, {"mappings": {"CUP-TT": "MUG"}}) == {"changed": 1, "orders": 2}
    await play.imported(one)
    await play.settled(two, "no product with SKU PLATE-TT")
    again = ((await play.order(two)) or {})["attention"]
    assert [(one["state"], one["facts"]["skus"]) for one in again] == [("open", ["PLATE-TT"])]
    assert 'skus was ["CUP-TT", "PLATE-TT"], is ["PLATE-TT"]' in again[0]["reopened"]
    assert await play.api("PATCH", path, {"mappings": {"CUP-TT": "MUG"}}) == {"changed": 0, "orders": 0}
    await play.api("PUT", path, {"mappings": {"CUP-TT": "MUG", "PLATE-TT": "STICKER"}})
    for order_id in (two, three):
        await play.imported(order_id)
        assert kinds(await play.order(order_id) or {}) == set()
    assert (await play.api("GET", f"{path}/missing"))["missing"] == []
    await play.api("PATCH", path, {"mappings": {"CUP-TT": None}})
    assert (await play.api("GET", path))["mappings"] == {"PLATE-TT": "STICKER"}


async def test_a_virtual_bundle_takes_nobodys_stock_until_its_product_is_named(play: Stage) -> None:
    """The store knows a mug of that SKU; whether three of them are meant, only the merchant knows."""
    parts = [{"sku_id": "1", "sku_count": 3, "product_id": "1", "seller_sku": "MUG"}]
    order_id = await play.place({**MUGS, "overrides": {"combined_listing_skus": parts}})
    order = await play.settled(order_id, "is a virtual bundle on TikTok Shop")
    assert kinds(order) == {"unknown_sku"}
    assert "MUG is a virtual bundle on TikTok Shop (3 × MUG)" in order["because"]
    await play.api("PATCH", f"shops/{play.shop_id}/sku-mappings", {"mappings": {"MUG": "MUG"}})
    await play.imported(order_id)


@pytest.mark.both_databases
async def test_a_product_that_was_added_settles_all_of_the_kind(play: Stage) -> None:
    waiting = [await unknown(play, CUP) for _ in range(3)]
    other = await unknown(play, PLATE)
    await play.product("CUP-TT")
    done = await play.api("POST", "attention/settle", {"kind": "unknown_sku", "shop": play.shop_id}, expect=202)
    assert done == {"settled": 4, "skipped": 0, "left": 0}
    told = {"orders": 4, "allow": [], "shop": play.shop_id, "connection": None}
    assert await audited(play, "attention kind unknown_sku settled") == [told], "one change, however many orders"
    for order_id in waiting:
        await play.imported(order_id)
    await play.settled(other, "no product with SKU PLATE-TT")
    again = ((await play.order(other)) or {})["attention"]
    assert [(one["state"], one["reopened"]) for one in again] == [("open", None)], "asked again, and no news"
