"""Money, states, and the loose refund route."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.contract.sandbox_magento.arrangements import TAXED
from tests.contract.sandbox_magento.lab import INCREMENT, SKU_A, Lab, search


async def memo_of(lab: Lab, reply_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await lab.done("GET", f"creditmemo/{reply_id}")).json
    return found


def units(item: int, quantity: float, **arguments: Any) -> dict[str, Any]:
    return {"items": [{"order_item_id": item, "qty": quantity}], "arguments": {"shipping_amount": 0} | arguments}


async def order_of(lab: Lab, order_id: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = (await lab.done("GET", f"orders/{order_id}")).json
    return found


async def test_tax_discount_and_shipping_add_up_to_the_invoice(lab: Lab) -> None:
    await lab.order(1, 1, TAXED, shipping=15.0, shipping_tax_amount=1.24)
    assert (await order_of(lab))["total_paid"] == 113.65
    assert (await order_of(lab))["items"][0]["row_total"] == 89.99
    memos = [(await lab.done("POST", "order/1/refund", units(1, 1))).json for _ in range(3)]
    assert [(await memo_of(lab, memo))["grand_total"] for memo in memos] == [32.47, 32.47, 32.47]
    assert (await order_of(lab))["state"] == "complete"
    last = await memo_of(lab, (await lab.done("POST", "order/1/refund", {})).json)
    assert (last["grand_total"], last["tax_amount"], last["items"]) == (16.24, 1.24, [])
    order = await order_of(lab)
    assert (order["state"], order["total_refunded"]) == ("closed", 113.65)


async def test_everything_at_once_gives_the_same_sum(lab: Lab) -> None:
    await lab.order(1, 1, TAXED, shipping=15.0, shipping_tax_amount=1.24)
    memo = await memo_of(lab, (await lab.done("POST", "order/1/refund", {})).json)
    assert (memo["grand_total"], memo["tax_amount"], memo["discount_amount"]) == (113.65, 8.66, -10)
    assert "adjustment_positive" not in memo


async def test_shipping_is_refunded_unless_it_is_named(lab: Lab) -> None:
    await lab.order(1, 1, [{**SKU_A, "qty": 3}], shipping=15.0)
    memo = await memo_of(
        lab, (await lab.done("POST", "order/1/refund", {"items": [{"order_item_id": 1, "qty": 1}]})).json
    )
    assert memo["shipping_amount"] == 15
    await lab.done("POST", "order/1/refund", {"items": [], "arguments": {"shipping_amount": 0}})
    assert (await order_of(lab))["state"] == "closed"


async def test_all_items_without_shipping_leave_the_order_complete(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.done("POST", "order/1/refund", {"items": [], "arguments": {"shipping_amount": 0}})
    order = await order_of(lab)
    assert (order["state"], order["total_refunded"]) == ("complete", 100)
    await lab.done("POST", "order/1/refund", {})
    assert (await order_of(lab))["state"] == "closed"


async def test_shipping_all_makes_complete_and_the_refund_closes(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.done("POST", "order/1/ship", {})
    assert (await order_of(lab))["state"] == "complete"
    assert (await lab.done("POST", "orders/1/cancel")).json is False
    await lab.done("POST", "order/1/refund", {})
    assert (await order_of(lab))["state"] == "closed"


async def test_a_negative_quantity_makes_a_memo_of_shipping_only(lab: Lab) -> None:
    await lab.order(1, 1)
    body = {"items": [{"order_item_id": 1, "qty": -1}], "arguments": {"shipping_amount": 5}}
    memo = await memo_of(lab, (await lab.done("POST", "order/1/refund", body)).json)
    assert (memo["grand_total"], memo["items"]) == (5, [])


async def test_adjustments_show_on_memo_and_order(lab: Lab) -> None:
    await lab.order(1, 1)
    reply = await lab.done("POST", "order/1/refund", units(1, 1, adjustment_positive=2, adjustment_negative=0.5))
    memo = await memo_of(lab, reply.json)
    assert (memo["grand_total"], memo["adjustment"], memo["adjustment_positive"]) == (51.5, 1.5, 2)
    assert (await order_of(lab))["adjustment_negative"] == 0.5


def loose(order: int, *items: dict[str, Any], **columns: Any) -> dict[str, Any]:
    return {"creditmemo": {"order_id": order, "items": list(items), **columns}, "offlineRequested": True}


async def test_the_loose_route_breaks_a_later_refund_of_the_rest(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.done(
        "POST", "creditmemo/refund", loose(1, {"order_item_id": 1, "qty": 1}, grand_total=50, base_grand_total=50)
    )
    reply = await lab.rest("POST", "order/1/refund", {})
    assert reply.json["message"].endswith("The most money available to refund is 55.")


async def test_the_loose_route_books_what_it_is_sent(lab: Lab) -> None:
    await lab.order(1, 1)
    line = {"order_item_id": 1, "qty": 1}
    zero = (await lab.done("POST", "creditmemo/refund", loose(1, line))).json
    assert "grand_total" not in zero
    order = await order_of(lab)
    assert (order["total_refunded"], order["items"][0]["qty_refunded"]) == (0, 1)
    negative = loose(1, {"order_item_id": 1, "qty": -1}, grand_total=3, base_grand_total=3)
    assert (await lab.done("POST", "creditmemo/refund", negative)).json["items"] == []
    much = (await lab.done("POST", "creditmemo/refund", loose(1, line, grand_total=500))).json
    assert much["grand_total"] == 500
    assert (await order_of(lab))["total_refunded"] == 503
    online = {"creditmemo": {"order_id": 1, "items": [], "grand_total": 1, "base_grand_total": 1}}
    await lab.done("POST", "creditmemo/refund", online)
    assert (await order_of(lab))["total_online_refunded"] == 1


async def test_a_comment_with_a_parent_lands_on_that_other_memo(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.done("POST", "order/1/refund", units(1, 1))
    body = loose(1, {"order_item_id": 1, "qty": 1}, comments=[{"comment": "mine", "parent_id": 1}])
    made = (await lab.done("POST", "creditmemo/refund", body)).json
    assert [line["comment"] for line in (await memo_of(lab, "1"))["comments"]] == ["mine"]
    assert (await memo_of(lab, made["entity_id"]))["comments"] == []


async def test_a_closed_order_takes_one_more_empty_memo(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.done("POST", "order/1/refund", {})
    assert (await lab.done("POST", "creditmemo/refund", loose(1, {"order_item_id": 1, "qty": 1}))).json["state"] == 2


async def test_transaction_id_is_kept_and_found(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.done(
        "POST", "creditmemo/refund", loose(1, {"order_item_id": 1, "qty": 1}, transaction_id="b:1"), INCREMENT
    )
    found = (await lab.done("GET", "creditmemos?" + search(("transaction_id", "eq", "b:1")))).json
    assert found["total_count"] == 1


async def test_the_merchants_click_beside_ours_books_twice(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.control("POST", "refund-beside", {"order": 1})
    back = {"arguments": {"extension_attributes": {"return_to_stock_items": [1]}}}
    await lab.done("POST", "order/1/refund", back)
    found = (await lab.done("GET", "creditmemos?" + search(("order_id", "eq", "1")))).json
    assert [memo["grand_total"] for memo in found["items"]] == [105, 105]
    assert (await order_of(lab))["total_refunded"] == 105
    assert await lab.stock("SKU-A") == (100, 102)


async def test_four_refunds_by_order_at_once_book_once(lab: Lab) -> None:
    await lab.order(1, 1)
    replies = await asyncio.gather(*(lab.rest("POST", "order/1/refund", {}) for _ in range(4)))
    assert sorted(reply.status for reply in replies) == [200, 400, 400, 400]


async def test_admin_refund_of_a_configurable_returns_the_child(lab: Lab) -> None:
    items = [{"sku": "CONF-RED", "qty": 2}]
    order = await lab.control("POST", "storefront-order", {"items": items, "invoice": True})
    assert [item["parent_item_id"] for item in order["items"]] == [None, 1]
    body = {"order": 1, "items": [{"order_item_id": 1, "qty": 1}], "back_to_stock": True, "comment": "by hand"}
    answer = await lab.control("POST", "refund", body)
    assert await lab.stock("CONF-RED") == (100, 99)
    memo = await memo_of(lab, answer["credit_memo"])
    assert [item["order_item_id"] for item in memo["items"]] == [1, 2]
    assert memo["comments"][0]["comment"] == "by hand"


async def test_an_order_of_configurable_rows_can_neither_be_shipped_nor_refunded(lab: Lab) -> None:
    rows = [{"sku": "CONF-RED", "product_id": 7, "qty": 1, "price": 50, "product_type": "configurable"}]
    await lab.order(1, 1, [*rows, {"sku": "CONF-RED", "product_id": 5, "qty": 1, "price": 0}])
    for path in ("ship", "refund"):
        assert (await lab.rest("POST", f"order/1/{path}", {})).status == 400


async def test_partial_update_writes_the_columns_sent(lab: Lab) -> None:
    await lab.order(1, 1, invoiced=False)
    body = {"entity": {"entity_id": 1, "ext_order_id": "later", "state": "closed"}}
    await lab.done("POST", "orders", body)
    order = await order_of(lab)
    assert (order["ext_order_id"], order["state"], order["grand_total"]) == ("later", "closed", 105)


async def test_hold_and_release(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.control("POST", "hold", {"order": 1})
    assert (await order_of(lab))["status"] == "holded"
    await lab.control("POST", "hold", {"order": 1, "release": True})
    assert (await order_of(lab))["status"] == "processing"


async def test_tax_that_no_row_carries_goes_with_the_last_memo(lab: Lab) -> None:
    lines = [{"sku": "SKU-A", "product_id": 1, "qty": 2, "price": 10, "tax": 0.83}]
    await lab.order(1, 1, lines, invoiced=False)
    tax = {f"{prefix}{name}": value for prefix in ("", "base_") for name, value in (("tax_amount", 0.84),)}
    await lab.done("POST", "orders", {"entity": {"entity_id": 1, **tax}})
    await lab.done("POST", "order/1/invoice", {})
    first = await memo_of(lab, (await lab.done("POST", "order/1/refund", units(1, 1))).json)
    last = await memo_of(lab, (await lab.done("POST", "order/1/refund", {})).json)
    assert (first["tax_amount"], last["tax_amount"]) == (0.42, 0.42)
    order = await order_of(lab)
    assert (order["state"], order["tax_refunded"], order["total_refunded"]) == ("closed", 0.84, 25.84)


async def test_shipping_left_behind_keeps_the_tax_that_no_row_carries(lab: Lab) -> None:
    lines = [{"sku": "SKU-A", "product_id": 1, "qty": 2, "price": 10, "tax": 0.83}]
    await lab.order(1, 1, lines, invoiced=False)
    await lab.done("POST", "orders", {"entity": {"entity_id": 1, "tax_amount": 0.84, "base_tax_amount": 0.84}})
    await lab.done("POST", "order/1/invoice", {})
    memo = await memo_of(lab, (await lab.done("POST", "order/1/refund", units(1, 2))).json)
    assert memo["tax_amount"] == 0.83
