from __future__ import annotations

from datetime import datetime, timedelta

import aiohttp
import pytest

from tests.contract.sandbox_woocommerce.woo_caller import Shop


async def test_an_order_takes_stock_once_and_gives_it_back_when_cancelled(shop: Shop) -> None:
    order = await shop.made(status="processing", meta_data=[{"key": "_tts", "value": "5764"}])
    assert (order["status"], order["total"], await shop.stock()) == ("processing", "64.97", 7)
    assert order["line_items"][0]["meta_data"][0]["key"] == "_reduced_stock"
    await shop.ask("PUT", f"/orders/{order['id']}", {"status": "completed"})
    assert await shop.stock() == 7
    cancelled = await shop.ask("PUT", f"/orders/{order['id']}", {"status": "cancelled"})
    assert (cancelled.body["status"], cancelled.body["refunds"], await shop.stock()) == ("cancelled", [], 10)
    await shop.ask("PUT", f"/orders/{order['id']}", {"status": "cancelled"})
    assert await shop.stock() == 10
    assert (await shop.ask("GET", "/orders", search="5764")).body == []
    pending = await shop.made(set_paid=False)
    assert (pending["status"], pending["date_paid"], await shop.stock()) == ("pending", None, 10)


async def test_a_refund_restocks_its_rows_and_the_last_one_ends_the_order(shop: Shop) -> None:
    order = await shop.made()
    first = await shop.refund(order, 1, "19.99")
    assert first.status == 201
    row = first.body["line_items"][0]
    assert (row["quantity"], row["total"]) == (-1, "-19.99")
    assert {"_refunded_item_id": str(order["line_items"][0]["id"])}.items() <= {
        one["key"]: one["value"] for one in row["meta_data"]
    }.items()
    now = await shop.order(order)
    assert (now["status"], now["refunds"][0]["total"], await shop.stock()) == ("processing", "-19.99", 8)
    kept = await shop.refund(order, 1, "19.99", api_restock=False)
    assert (kept.status, await shop.stock()) == (201, 8)
    await shop.refund(order, 1, "24.99")
    assert ((await shop.order(order))["status"], await shop.stock()) == ("refunded", 9)
    listed = await shop.ask("GET", f"/orders/{order['id']}/refunds")
    assert [one["amount"] for one in listed.body] == ["24.99", "19.99", "19.99"]
    one = await shop.ask("GET", f"/orders/{order['id']}/refunds/{first.body['id']}")
    assert one.body["amount"] == "19.99"


async def test_a_cancel_after_a_refund_gives_back_what_no_refund_did(shop: Shop) -> None:
    order = await shop.made()
    await shop.refund(order, 1, "19.99")
    await shop.refund(order, 1, "19.99", api_restock=False)
    await shop.ask("PUT", f"/orders/{order['id']}", {"status": "cancelled"})
    assert await shop.stock() == 10


async def test_what_is_left_out_of_a_refund(shop: Shop) -> None:
    order = await shop.made()
    line = order["line_items"][0]["id"]
    path = f"/orders/{order['id']}/refunds"
    nothing = await shop.ask("POST", path, {"api_refund": False, "line_items": [{"id": line, "quantity": 1}]})
    assert (nothing.status, nothing.body["amount"], await shop.stock()) == (201, "0.00", 8)
    summed = await shop.ask(
        "POST", path, {"api_refund": False, "line_items": [{"id": line, "quantity": 1, "refund_total": 19.99}]}
    )
    assert summed.body["amount"] == "19.99"
    gateway = await shop.ask("POST", path, {"amount": "1.00"})
    assert (gateway.status, gateway.code) == (500, "woocommerce_rest_cannot_create_order_refund")
    assert gateway.body["message"] == "The payment gateway for this order does not exist."
    assert (gateway.body["data"], len((await shop.order(order))["refunds"])) == (500, 2)
    paid = await shop.made(payment_method="stripe")
    real = await shop.ask("POST", f"/orders/{paid['id']}/refunds", {"amount": "1.00"})
    assert real.body["refunded_payment"] is True
    assert (await shop.control("GET", "state"))["real_money"] == "1.00"
    bank = await shop.made(payment_method="bacs")
    refused = await shop.ask("POST", f"/orders/{bank['id']}/refunds", {"amount": "1.00"})
    assert "does not support automatic refunds" in refused.body["message"]


async def test_only_the_money_of_a_refund_is_checked(shop: Shop) -> None:
    order = await shop.made()
    more = await shop.refund(order, 1, "64.98")
    assert (more.status, more.body["message"]) == (500, "Invalid refund amount.")
    assert (await shop.refund(order, 9, "0.00")).status == 201
    assert await shop.stock() == 16
    negative = await shop.refund(order, 1, "-1.00")
    assert (negative.status, negative.code) == (500, "woocommerce_rest_invalid_order_refund")
    as_number = await shop.ask("POST", f"/orders/{order['id']}/refunds", {"amount": 19.99, "api_refund": False})
    assert (as_number.status, as_number.code, as_number.body["data"]["status"]) == (400, "rest_invalid_param", 400)
    nobody = await shop.ask("POST", "/orders/1/refunds", {"amount": "1.00"})
    assert (nobody.status, nobody.code) == (500, "woocommerce_rest_invalid_order_id")
    assert (await shop.ask("GET", "/orders/1/refunds")).body == []


async def test_the_merchant_cancels_refunds_and_throws_away(shop: Shop) -> None:
    order = await shop.made()
    path = f"orders/{order['id']}"
    await shop.control("POST", f"{path}/refund", {"lines": [{"sku": "A", "quantity": 1}], "restock": False})
    told = await shop.control("POST", f"{path}/refund", {"amount": "2.50", "reason": "sorry"})
    assert ([one["amount"] for one in told["refunds"]], await shop.stock()) == (["19.99", "2.50"], 7)
    by_hand = await shop.control("POST", f"{path}/status", {"status": "refunded"})
    assert (by_hand["refunds"][-1]["reason"], by_hand["remaining"]) == ("Order fully refunded.", "0.00")
    assert await shop.stock() == 7
    other = await shop.made()
    await shop.control("POST", f"orders/{other['id']}/trash")
    assert [one["id"] for one in (await shop.ask("GET", "/orders")).body] == [order["id"]]
    assert (await shop.order(other))["status"] == "trash"
    assert [one["id"] for one in (await shop.ask("GET", "/orders", status="trash")).body] == [other["id"]]
    assert (await shop.control("POST", f"orders/{other['id']}/restore"))["status"] == "processing"
    await shop.control("DELETE", f"orders/{other['id']}")
    gone = await shop.ask("GET", f"/orders/{other['id']}")
    assert (gone.status, gone.code) == (404, "woocommerce_rest_shop_order_invalid_id")
    assert (await shop.ask("PUT", f"/orders/{other['id']}", {})).status == 400
    assert "Invalid refund" in (await shop.control("POST", f"{path}/refund", {"amount": "9"}, expect=409))["error"]


async def test_lists_by_the_time_of_change_in_both_clocks(shop: Shop) -> None:
    orders = []
    for _ in range(3):
        orders.append(await shop.made(1))
        await shop.control("POST", "clock", {"advance": 3600})
    await shop.ask("PUT", f"/orders/{orders[0]['id']}", {"customer_note": "changed"})
    first, second, third = (one["id"] for one in orders)

    async def ids(**query: str) -> list[int]:
        return [one["id"] for one in (await shop.ask("GET", "/orders", **query)).body]

    assert await ids() == [third, second, first]
    assert await ids(orderby="modified", order="desc") == [first, third, second]
    assert await ids(orderby="id", order="asc", per_page="1", page="2") == [second]
    assert await ids(orderby="id", order="asc", offset="1", per_page="5") == [second, third]
    changed = orders[1]["date_modified_gmt"]
    assert datetime.fromisoformat(changed) - datetime.fromisoformat(orders[1]["date_modified"]) == timedelta(hours=5)
    asked = {"orderby": "id", "order": "asc"}
    assert await ids(modified_after=changed, dates_are_gmt="true", **asked) == [first, third]
    assert await ids(modified_after=orders[1]["date_modified"], **asked) == [first, third]
    assert await ids(modified_after=changed, **asked) == []
    assert await ids(include=f"{second},{third}", **asked) == [second, third]
    page = await shop.ask("GET", "/orders", per_page="2", _fields="id,meta_data")
    assert (page.headers["X-WP-Total"], page.headers["X-WP-TotalPages"]) == ("3", "2")
    assert set(page.body[0]) == {"id", "meta_data"}
    for wrong in ({"per_page": "101"}, {"orderby": "x"}, {"status": "x"}, {"modified_after": "x"}, {"page": "0"}):
        assert (await shop.ask("GET", "/orders", **wrong)).code == "rest_invalid_param"


async def test_taxes_come_on_top_unless_the_order_is_exempt(shop: Shop) -> None:
    await shop.settings(tax_rate="0.19", prices_include_tax=True)
    taxed = await shop.made(1)
    assert (taxed["total"], taxed["total_tax"], taxed["prices_include_tax"]) == ("29.74", "4.75", True)
    assert taxed["line_items"][0]["taxes"] == [{"id": 1, "total": "3.8", "subtotal": "3.8"}]
    tax = {"id": taxed["line_items"][0]["id"], "quantity": 1, "refund_total": "19.99"}
    body = {"api_refund": False, "line_items": [{**tax, "refund_tax": [{"id": 1, "refund_total": 3.8}]}]}
    given = await shop.ask("POST", f"/orders/{taxed['id']}/refunds", body)
    assert (given.body["amount"], given.body["line_items"][0]["total_tax"]) == ("23.79", "-3.80")
    exempt = await shop.made(1, meta_data=[{"key": "is_vat_exempt", "value": "yes"}])
    assert (exempt["total"], exempt["line_items"][0]["taxes"]) == ("24.99", [])
    await shop.settings(number_of_decimals=0)
    assert (await shop.made(1, meta_data=[{"key": "is_vat_exempt", "value": "yes"}]))["total"] == "25"


async def test_products_are_found_by_sku_with_their_variations(shop: Shop) -> None:
    await shop.control("POST", "products", {"sku": "A", "stock": 1})
    red = await shop.control("POST", "products", {"sku": "B-RED", "stock": 4, "parent": "B"})
    await shop.control("POST", "products", {"sku": "B-BLUE", "stock": 2, "parent": "B", "manages_stock": False})
    found = (await shop.ask("GET", "/products", sku="A,B-RED,NONE")).body
    assert [(one["sku"], one["type"], one["parent_id"] > 0) for one in found] == [
        ("B-RED", "variation", True),
        ("A", "simple", False),
    ]
    assert {one["sku"] for one in (await shop.ask("GET", "/products")).body} == {"A", "B"}
    path = f"/products/{red['parent']}/variations"
    assert {one["sku"]: one["stock_quantity"] for one in (await shop.ask("GET", path)).body} == {
        "B-RED": 4,
        "B-BLUE": None,
    }
    changed = await shop.ask("PUT", f"{path}/{red['id']}", {"stock_quantity": 7})
    assert (changed.body["stock_quantity"], await shop.stock("B-RED")) == (7, 7)
    line = {"product_id": red["parent"], "variation_id": red["id"], "quantity": 2, "total": "9.00"}
    order = await shop.made(line_items=[line])
    row = order["line_items"][0]
    assert (row["product_id"], row["variation_id"], row["total"], row["subtotal"]) == (
        red["parent"],
        red["id"],
        "9.00",
        "20.00",
    )
    assert await shop.stock("B-RED") == 5
    await shop.control("DELETE", "products/B-RED")
    assert (await shop.order(order))["line_items"][0]["sku"] is None
    assert (await shop.ask("GET", f"/products/{red['id']}")).code == "woocommerce_rest_product_invalid_id"
    nameless = await shop.ask("POST", "/orders", {"line_items": [{"quantity": 1}]})
    assert nameless.code == "woocommerce_rest_required_product_reference"
    bad = await shop.ask("POST", "/orders", {"line_items": [{"product_id": 1, "total": 9.0}]})
    assert bad.code == "rest_invalid_param"


async def test_mails_go_to_buyers_whose_address_is_known(shop: Shop) -> None:
    await shop.made()
    assert (await shop.control("GET", "state"))["mails"] == {}
    order = await shop.made(billing={"email": "ann@example.com"})
    await shop.refund(order, 1, "19.99")
    assert (await shop.control("GET", "state"))["mails"] == {
        "customer_processing_order": 1,
        "customer_partially_refunded_order": 1,
    }


async def test_a_cut_or_late_refund_is_made_all_the_same(shop: Shop) -> None:
    order = await shop.made()
    cut = {"kind": "cut", "method": "POST", "path": "/refunds", "containing": "bridge:x"}
    await shop.control("POST", "faults", cut, expect=201)
    with pytest.raises(aiohttp.ClientError):
        await shop.refund(order, 1, "19.99")
    assert (len((await shop.order(order))["refunds"]), await shop.stock()) == (1, 8)
    await shop.control("POST", "faults", {**cut, "kind": "late", "seconds": None}, expect=201)
    with pytest.raises(aiohttp.ClientError):
        await shop.refund(order, 1, "19.99")
    assert len((await shop.order(order))["refunds"]) == 1
    await shop.control("POST", "release")
    assert (len((await shop.order(order))["refunds"]), await shop.stock()) == (2, 9)
