"""Searches, a second website, the control routes, faults, and the sandbox as a process."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
import pytest

from tests.contract.sandbox_magento.lab import DECREMENT, SKU_A, Lab, order_entity, search


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([("increment_id", "like", "TT-%")], [1, 2, 3]),
        ([("increment_id", "eq", "tt-2")], [2]),
        ([("entity_id", "in", "1,3")], [1, 3]),
        ([("grand_total", "gt", "105")], [3]),
        ([("grand_total", "lteq", "105.00")], [1, 2]),
        ([("entity_id", "gteq", "2"), ("state", "eq", "processing")], [2]),
        ([[("entity_id", "eq", "1"), ("entity_id", "eq", "3")]], [1, 3]),
        ([("total_paid", "null", "1")], [1, 3]),
        ([("total_paid", "notnull", "1")], [2]),
        ([("total_paid", "neq", "1")], [2]),
        ([("updated_at", "lt", "2001-01-01 00:00:00")], []),
    ],
)
async def test_filters(lab: Lab, filters: list[Any], found: list[int]) -> None:
    for number, quantity in ((1, 2), (2, 2), (3, 3)):
        await lab.order(number, number, [{**SKU_A, "qty": quantity}], invoiced=number == 2)
    answer = (await lab.done("GET", "orders?" + search(*filters, sort=[("entity_id", "ASC")]))).json
    assert [order["entity_id"] for order in answer["items"]] == found
    assert answer["total_count"] == len(found)


async def test_pages_and_sorting(lab: Lab) -> None:
    for number in (1, 2, 3):
        await lab.order(number, number, invoiced=False)
    page = search(sort=[("entity_id", "DESC")], pageSize=2, currentPage=2)
    answer = (await lab.done("GET", "orders?" + page)).json
    assert ([order["entity_id"] for order in answer["items"]], answer["total_count"]) == ([1], 3)
    past = (await lab.done("GET", "orders?" + search(pageSize=2, currentPage=3))).json
    assert (past["items"], past["total_count"]) == ([], 3)
    trimmed = search(pageSize=2, currentPage=3, fields="items[entity_id],total_count")
    assert (await lab.done("GET", "orders?" + trimmed)).json == {"items": None, "total_count": 3}
    assert (await lab.done("GET", "shipments?searchCriteria=", headers=await full(lab))).json["items"] == []


async def full(lab: Lab) -> dict[str, str]:
    made = await lab.control("POST", "integrations", {"name": "full", "resources": "all"})
    return {"Authorization": f"Bearer {made['access_token']}"}


async def test_a_second_website_has_its_own_orders_and_currency(lab: Lab) -> None:
    made = await lab.control("POST", "websites", {"website": "eu", "store": "eu_de", "currency": "EUR"})
    assert made == {"store_id": 2, "website_id": 2}
    body = order_entity("TT-1", [SKU_A])
    for column in [name for name in body["entity"] if name.endswith("currency_code") or name == "store_id"]:
        del body["entity"][column]
    order = (await lab.rest("POST", "orders", body, DECREMENT, store="eu_de")).json
    assert (order["store_id"], order["order_currency_code"]) == (2, "EUR")
    same = await lab.rest("POST", "orders", body, DECREMENT)
    assert (same.status, same.json["store_id"], same.json["order_currency_code"]) == (200, 1, "USD")
    body["entity"]["store_id"] = 2
    assert (await lab.rest("POST", "orders", body, store="all")).status == 400
    configs = (await lab.rest("GET", "store/storeConfigs", store="all")).json
    assert [config["base_currency_code"] for config in configs] == ["USD", "EUR"]
    channels = (await lab.done("GET", "inventory/stock-resolver/website/eu")).json
    assert len(channels["extension_attributes"]["sales_channels"]) == 2
    assert (await lab.rest("GET", "store/storeConfigs", store="nowhere")).status == 404
    assert [view["code"] for view in (await lab.done("GET", "store/storeViews")).json] == ["admin", "default", "eu_de"]
    assert [site["code"] for site in (await lab.done("GET", "store/websites")).json] == ["admin", "base", "eu"]


async def test_modules_name_the_plugin_while_it_is_there(lab: Lab) -> None:
    assert "AfterShip_TikTokShop" in (await lab.done("GET", "modules")).json
    await lab.control("POST", "settings", {"plugin": "none"})
    assert "AfterShip_TikTokShop" not in (await lab.done("GET", "modules")).json


async def test_state_counts_what_was_done(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.control("POST", "ship", {"order": 1, "items": [{"order_item_id": 1, "qty": 1}]})
    await lab.done("POST", "order/1/refund", {})
    state = await lab.control("GET", "state")
    assert state["effects"] == {"orders_created": 1, "invoices": 1, "shipments": 1, "credit_memos": 1}
    assert state["orders"][0]["items"][0]["qty_shipped"] == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("refund", {"order": 1}, 409),
        ("refund", {"order": 99}, 409),
        ("settings", {"plugin": "9.9"}, 409),
        ("product-save", {}, 400),
        ("storefront-order", {"items": [{"sku": "SKU-A", "qty": 1000}]}, 409),
    ],
)
async def test_what_cannot_be_done_says_so(lab: Lab, path: str, body: Any, status: int) -> None:
    await lab.order(1, 1, invoiced=False)
    assert (await lab.control("POST", path, body, status=status))["error"]


async def test_a_fault_after_the_work_leaves_the_work_done(lab: Lab) -> None:
    await lab.order(1, 1)
    async with lab.session.post(lab.url.join(lab.url / "_control/faults"), json={"kind": "cut", "path": "refund"}):
        pass
    with pytest.raises(aiohttp.ClientError):
        await lab.rest("POST", "order/1/refund", {})
    assert (await lab.done("GET", "orders/1")).json["state"] == "closed"
    calls = await lab.control("GET", "calls?path=refund")
    assert [(call["fault"], call["status"]) for call in calls["calls"]] == [("cut", 0)]


async def test_as_a_process() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge.sandbox.magento",
        "--port",
        "0",
        "--plugin",
        "1.0.19",
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        async with aiohttp.ClientSession() as session, session.get(ready["url"] + "_control/state") as answer:
            assert (await answer.json())["plugin"] == "1.0.19"
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_seeding_a_product_again_sets_quantity_and_flag(lab: Lab) -> None:
    assert (await lab.control("POST", "products", {"sku": "SKU-A", "price": 50}))["products"][0]["in_stock"] is False
    assert (await lab.control("POST", "products", {"sku": "SKU-A", "price": 50, "qty": 3}))["products"][0]["in_stock"]
    assert (await lab.done("GET", "inventory/get-product-salable-quantity/SKU-A/1")).json == 3
