"""All measured stock effects of one refund of one of two units, and of the other calls that move stock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.sandbox_magento.lab import DECREMENT, INCREMENT, RECORDINGS, SKU_A, Lab, open_lab, order_entity

MATRIX: list[dict[str, Any]] = json.loads((RECORDINGS / "restock_matrix.json").read_text())["rows"]
BY_ORDER = "POST /V1/order/:id/refund"
VARIANT = {"sku": "CONF-BLUE", "product_id": 6, "qty": 2, "price": 20}


def title(row: dict[str, Any]) -> str:
    words = [row["product"].split()[0], "R1" if row["route"] == BY_ORDER else "R2", row["rows_named"]]
    words += [word for word in ("reserved_at_creation", "shipped", "restock_asked") if row[word]]
    return "-".join(words)


def test_the_matrix_is_whole() -> None:
    assert len(MATRIX) == 40


async def _order(lab: Lab, row: dict[str, Any]) -> str:
    if row["product"].startswith("configurable"):
        items = [{"sku": "CONF-RED", "qty": row["qty_ordered"]}]
        await lab.control("POST", "storefront-order", {"items": items, "shipping_amount": 5, "invoice": True})
        return "CONF-RED"
    line = VARIANT if row["product"].startswith("variant") else SKU_A
    await lab.order(1, 1, [line], reserved=row["reserved_at_creation"])
    return str(line["sku"])


@pytest.mark.parametrize("row", MATRIX, ids=title)
async def test_row(row: dict[str, Any], lab: Lab) -> None:
    parent, child = 1, 2
    before_order: dict[str, tuple[float, float]] = {
        sku: await lab.stock(sku) for sku in ("SKU-A", "CONF-RED", "CONF-BLUE")
    }
    sku = await _order(lab, row)
    if row["shipped"]:
        await lab.done("POST", "order/1/ship", {})
    before = await lab.stock(sku)
    configurable = row["product"].startswith("configurable")
    quantity = row["qty_refunded"]
    if row["route"] == BY_ORDER:
        own = [child] if configurable else [parent]
        back = {"std": own, "parent_id": [parent], "both_ids": [parent, child]}[row["rows_named"]]
        arguments: dict[str, Any] = {"shipping_amount": 0}
        if row["restock_asked"]:
            arguments["extension_attributes"] = {"return_to_stock_items": back}
        body = {"items": [{"order_item_id": parent, "qty": quantity}], "arguments": arguments}
        reply = await lab.rest("POST", "order/1/refund", body)
    else:
        both = [parent, child] if configurable else [parent]
        rows = {"std": both, "parent_row_only": [parent], "child_row_only": [child]}[row["rows_named"]]
        items = [{"order_item_id": item, "qty": quantity, "row_total": 20, "base_row_total": 20} for item in rows]
        sent = {"order_id": 1, "items": items, "grand_total": 20, "base_grand_total": 20}
        headers = INCREMENT if row["restock_asked"] else {}
        reply = await lab.rest("POST", "creditmemo/refund", {"creditmemo": sent, "offlineRequested": True}, headers)
    assert reply.status == row["status"], reply.text
    after = await lab.stock(sku)
    assert (after[0] - before[0], after[1] - before[1]) == (
        row["source_delta_by_refund"],
        row["salable_delta_by_refund"],
    )
    assert (after[0] - before_order[sku][0], after[1] - before_order[sku][1]) == (
        row["source_delta_since_before_order"],
        row["salable_delta_since_before_order"],
    )


@pytest.mark.parametrize("back", [True, False])
async def test_partly_shipped_uses_up_the_unshipped_first(lab: Lab, back: bool) -> None:
    await lab.order(1, 1, [{**SKU_A, "qty": 3}])
    await lab.done("POST", "order/1/ship", {"items": [{"order_item_id": 1, "qty": 1}]})
    start = await lab.stock("SKU-A")

    async def refund(quantity: int, *, back: bool) -> tuple[float, float]:
        arguments: dict[str, Any] = {"shipping_amount": 0}
        if back:
            arguments["extension_attributes"] = {"return_to_stock_items": [1]}
        body = {"items": [{"order_item_id": 1, "qty": quantity}], "arguments": arguments}
        await lab.done("POST", "order/1/refund", body)
        source, salable = await lab.stock("SKU-A")
        return source - start[0], salable - start[1]

    assert await refund(2, back=back) == ((0, 2) if back else (-2, 0))
    start = await lab.stock("SKU-A")
    assert await refund(1, back=True) == (1, 1)


async def test_cancelling_an_unreserved_order_makes_phantom_stock(lab: Lab) -> None:
    await lab.order(1, 1, reserved=False, invoiced=False)
    assert (await lab.done("POST", "orders/1/cancel")).json is True
    assert await lab.stock("SKU-A") == (100, 102)


async def test_cancelling_the_rest_of_a_partly_invoiced_order(lab: Lab) -> None:
    await lab.order(1, 1, [{**SKU_A, "qty": 3}], invoiced=False)
    await lab.done("POST", "order/1/invoice", {"items": [{"order_item_id": 1, "qty": 1}]})
    assert (await lab.done("POST", "orders/1/cancel")).json is True
    assert await lab.stock("SKU-A") == (100, 99)
    back = {"arguments": {"extension_attributes": {"return_to_stock_items": [1]}}}
    await lab.done("POST", "order/1/refund", back)
    assert await lab.stock("SKU-A") == (100, 100)
    assert (await lab.done("GET", "orders/1")).json["state"] == "closed"


@pytest.mark.parametrize("path", ["invoice", "ship", "refund", "orders/1/comments", "orders"])
async def test_decrement_by_mistake_reserves_the_whole_order_again(lab: Lab, path: str) -> None:
    await lab.order(1, 1, invoiced=path != "invoice")
    _, before = await lab.stock("SKU-A")
    bodies: dict[str, Any] = {
        "orders/1/comments": {"statusHistory": {"comment": "x"}},
        "orders": {"entity": {"entity_id": 1, "ext_order_id": "x"}},
        "refund": {"items": [{"order_item_id": 1, "qty": 0}], "arguments": {"shipping_amount": 5}},
    }
    reply = await lab.done(
        "POST", path if "/" in path or path == "orders" else f"order/1/{path}", bodies.get(path), DECREMENT
    )
    assert reply.result["status"] == "success"
    assert reply.result["order_id"] == (None if path == "orders" else "TT-1")
    _, after = await lab.stock("SKU-A")
    assert after == before - 2


async def test_two_lines_of_one_sku_are_reserved_as_their_sum(lab: Lab) -> None:
    lines = [{**SKU_A, "qty": 60}, {**SKU_A, "qty": 60}]
    reply = await lab.done("POST", "orders", order_entity("TT-1", lines), DECREMENT)
    assert reply.result["status"] == "failed"
    assert await lab.stock("SKU-A") == (100, 100)


@pytest.mark.parametrize("value", ["Decrement", "x, decrement", "increment", "decrement "])
async def test_only_the_exact_word_reserves(lab: Lab, value: str) -> None:
    headers = {"as-inventory-behaviour": value}
    reply = await lab.done("POST", "orders", order_entity("TT-1", [SKU_A]), headers)
    # the server strips white space around a header's value before the plugin sees it
    expected = "success" if value.strip() == "decrement" else "not_executed"
    assert reply.result["status"] == expected


async def test_a_second_create_reserves_nothing(lab: Lab) -> None:
    await lab.order(1, 1)
    reply = await lab.rest("POST", "orders", order_entity("TT-1", [SKU_A]), DECREMENT)
    assert (reply.status, await lab.stock("SKU-A")) == (400, (100, 98))


async def test_sold_out_and_restocked_still_reads_zero(lab: Lab) -> None:
    await lab.control("POST", "products", {"sku": "SKU-A", "price": 50, "qty": 2})
    await lab.order(1, 1)
    await lab.done("POST", "order/1/ship", {})
    await lab.done("POST", "order/1/refund", {"arguments": {"extension_attributes": {"return_to_stock_items": [1]}}})
    assert await lab.stock("SKU-A") == (2, 2)
    assert (await lab.done("GET", "inventory/get-product-salable-quantity/SKU-A/1")).json == 0
    assert (await lab.done("GET", "inventory/is-product-salable/SKU-A/1")).json is True
    await lab.order(2, 2)
    assert await lab.stock("SKU-A") == (2, 0)


@pytest.mark.parametrize(
    ("plugin", "reported", "header", "memos", "refunds", "increments"),
    [
        (None, None, False, False, True, False),
        ("1.0.17", "1.0.17", False, False, True, False),
        ("1.0.18", "1.0.17", False, True, True, False),
        ("1.0.19", "1.0.19", False, True, True, False),
        ("1.0.20", "1.0.19", False, True, True, True),
        ("1.0.21", "1.0.21", True, True, True, True),
        ("1.0.24", "1.0.24", True, True, True, True),
        ("1.0.25", "1.0.25", True, False, False, False),
        ("1.0.26", "1.0.26", True, True, True, True),
    ],
)
async def test_what_each_release_does(
    plugin: str | None, reported: str | None, header: bool, memos: bool, refunds: bool, increments: bool
) -> None:
    async with open_lab("1.0.26") as lab:
        await lab.register()
        await lab.control("POST", "settings", {"plugin": plugin or "none"})
        config = (await lab.done("GET", "store/storeConfigs")).json[0]
        assert config.get("extension_attributes", {}).get("aftership_tiktok") == reported
        created = await lab.done("POST", "orders", order_entity("TT-1", [SKU_A]), DECREMENT)
        assert ("X-AS-Inventory-Reservation-Result" in created.headers) is header
        assert await lab.stock("SKU-A") == (100, 98 if plugin else 100)
        await lab.done("POST", "order/1/invoice", {})
        before = await lab.stock("SKU-A")
        line = {"order_item_id": 1, "qty": 1}
        sent = {"creditmemo": {"order_id": 1, "items": [line]}, "offlineRequested": True}
        second = await lab.rest("POST", "creditmemo/refund", sent, INCREMENT)
        first = await lab.rest("POST", "order/1/refund", {"items": [line], "arguments": {"shipping_amount": 0}})
        assert {first.status, second.status} == {200 if refunds else 500}
        topics = [one.headers["X-Webhook-Topic"] for one in await lab.deliveries()]
        assert ("creditmemos/update" in topics) is memos
        source, salable = await lab.stock("SKU-A")
        if not refunds:
            assert (source, salable) == before
            assert first.text == "An error has happened during application run. See exception log for details.\n"
            assert (await lab.control("GET", "state"))["credit_memos"] == []
        elif increments:
            assert (source - before[0], salable - before[1]) == (-1, 1)
        else:
            assert (source - before[0], salable - before[1]) == (-2, 0)
