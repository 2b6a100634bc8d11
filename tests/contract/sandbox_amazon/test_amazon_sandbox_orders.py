from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.contract.sandbox_amazon.amazon_caller import ADDRESS, NEW, OLD, Seller, new_order, old_order


async def test_an_order_holds_stock_until_it_is_cancelled(seller: Seller) -> None:
    assert (await seller.made()).status == 200
    assert (await seller.control("GET", "stock/A"))["quantity"] == 7
    order = (await seller.ask("GET", f"{OLD}/TT-1")).body["payload"]
    assert order["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Received"
    assert order["fulfillmentOrderItems"][0]["quantity"] == 3
    assert (await seller.ask("PUT", f"{OLD}/TT-1/cancel")).body == {}
    order = (await seller.ask("GET", f"{OLD}/TT-1")).body["payload"]
    assert order["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Cancelled"
    assert order["fulfillmentOrderItems"][0]["cancelledQuantity"] == 3
    assert (await seller.control("GET", "stock/A"))["quantity"] == 10
    assert (await seller.ask("PUT", f"{OLD}/TT-1/cancel")).status == 200
    assert (await seller.control("GET", "state"))["effects"] == {"create": 1, "cancel": 1, "cancel_again": 1}
    await seller.settings(cancel_again="refused")
    assert (await seller.ask("PUT", f"{OLD}/TT-1/cancel")).problem == (400, "InvalidInput")


async def test_a_cancellation_ends_later_or_too_late(seller: Seller) -> None:
    await seller.settings(cancel_seconds=60)
    await seller.made("slow")
    assert (await seller.ask("PUT", f"{OLD}/slow/cancel")).status == 200
    assert await seller.status("slow") == "Received"
    await seller.control("POST", "clock", {"advance": 61})
    assert await seller.status("slow") == "Cancelled"
    await seller.settings(cancel_seconds=None, cancel_lost_next=1)
    await seller.made("lost")
    assert (await seller.ask("PUT", f"{OLD}/lost/cancel")).status == 200
    assert await seller.status("lost") == "Received"
    assert await seller.control("POST", "cancel/run") == {"ended": 1}
    assert await seller.status("lost") == "Processing"
    await seller.made("picked")
    assert (await seller.ask("PUT", f"{OLD}/picked/cancel")).status == 200
    await seller.control("POST", "orders/picked/status", {"status": "Processing"})
    await seller.control("POST", "cancel/run")
    assert await seller.status("picked") == "Processing"
    assert (await seller.control("GET", "stock/A"))["quantity"] == 4


@pytest.mark.parametrize(
    ("status", "answer"), [("New", 400), ("Received", 200), ("Planning", 200), ("Processing", 400), ("Complete", 400)]
)
async def test_what_can_be_cancelled(seller: Seller, status: str, answer: int) -> None:
    await seller.settings(first_status="New")
    await seller.made()
    await seller.control("POST", "orders/TT-1/status", {"status": status})
    assert (await seller.ask("PUT", f"{OLD}/TT-1/cancel")).status == answer
    assert await seller.status() == ("Cancelled" if answer == 200 else status)
    await seller.settings(cancel_new="accepted", cancel_too_late="accepted")
    assert (await seller.ask("PUT", f"{OLD}/TT-1/cancel")).status == 200
    assert await seller.status() == ("Cancelled" if status in {"New", "Received", "Planning"} else status)


async def test_what_has_begun_does_not_go_back(seller: Seller) -> None:
    await seller.made()
    await seller.control("POST", "orders/TT-1/status", {"status": "Processing"})
    told = await seller.control("POST", "orders/TT-1/status", {"status": "Received"}, expect=409)
    assert "cannot become Received again" in told["error"]
    assert "Received and Planning" in (await seller.control("POST", "orders/TT-1/cancel", expect=409))["error"]


async def test_parcels_leave_one_after_the_other(seller: Seller) -> None:
    await seller.made()
    await seller.control("POST", "orders/TT-1/ship", {"quantities": {"1": 2}})
    shipments = (await seller.ask("GET", f"{OLD}/TT-1")).body["payload"]["fulfillmentShipments"]
    assert [one["fulfillmentShipmentStatus"] for one in shipments] == ["SHIPPED", "PENDING"]
    assert await seller.status() == "Processing"
    await seller.control("POST", "orders/TT-1/refulfil")
    await seller.control("POST", "orders/TT-1/lose", {"quantities": {"1": 1}})
    assert await seller.status() == "CompletePartialled"
    item = (await seller.ask("GET", f"{OLD}/TT-1")).body["payload"]["fulfillmentOrderItems"][0]
    assert (item["cancelledQuantity"], item["unfulfillableQuantity"]) == (0, 1)
    new = (await seller.ask("GET", f"{NEW}/TT-1")).body["order"]
    assert new["status"] == "COMPLETE_PARTIAL"
    assert [one["status"] for one in new["shipments"]] == ["SHIPPED", "CANCELLED", "PROCESSING"]


async def test_what_is_not_in_stock_is_not_sent(seller: Seller) -> None:
    await seller.stocked(A=2)
    await seller.made("some", 3, fulfillmentPolicy="FillAllAvailable")
    some = (await seller.ask("GET", f"{OLD}/some")).body["payload"]["fulfillmentOrderItems"][0]
    assert (some["unfulfillableQuantity"], await seller.status("some")) == (1, "Received")
    await seller.stocked(A=2)
    await seller.made("none", 3, fulfillmentPolicy="FillOrKill")
    assert await seller.status("none") == "Unfulfillable"
    assert (await seller.control("GET", "stock/A"))["quantity"] == 2


async def test_bad_orders_are_refused_and_nothing_is_kept(seller: Seller) -> None:
    await seller.stocked(A=10)
    long, twice = "x" * 41, old_order("x")["items"] * 2
    bad = [
        old_order("x", sku="UNKNOWN"),
        old_order(long),
        old_order("x", items=twice),
        old_order("x", quantity=0),
        old_order("x", items=[]),
        old_order("x", destinationAddress={**ADDRESS, "postalCode": ""}),
        old_order("x", destinationAddress={**ADDRESS, "countryCode": "JP"}),
        old_order("x", shippingSpeedCategory="Fast"),
        old_order("x", displayableOrderDate="yesterday"),
        old_order("x", quantity=251),
    ]
    assert {(await seller.ask("POST", OLD, one)).problem for one in bad} == {(400, "InvalidInput")}
    new = [new_order("x", "2.5"), new_order("x", sku="UNKNOWN"), new_order("x", channel="c" * 41), new_order("")]
    assert {(await seller.ask("POST", NEW, one)).problem for one in new} == {(400, "InvalidInput")}
    assert (await seller.control("GET", "state"))["orders"] == []
    assert seller.box.stock == {"A": 10}
    assert (await seller.ask("POST", OLD, old_order("x", sku="UNKNOWN"))).body["errors"][0]["message"] == (
        "the SellerSKU for Item Id: 1 is invalid."
    )


async def test_an_id_is_used_once(seller: Seller) -> None:
    await seller.made()
    assert (await seller.made(quantity=5)).problem == (400, "InvalidInput")
    assert (await seller.ask("POST", NEW, new_order("TT-1"))).problem == (400, "InvalidInput")
    await seller.settings(repeated_create="accepted")
    assert (await seller.made(quantity=5)).status == 200
    kept = await seller.control("GET", "orders/TT-1")
    assert (kept["creates"], kept["items"][0]["quantity"]) == (2, 3)
    await seller.settings(repeated_create="refused", errors_in_success=1)
    wrapped = await seller.made()
    assert (wrapped.status, wrapped.problem[1]) == (200, "InvalidInput")


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_an_order_nobody_knows(seller: Seller, status: int) -> None:
    await seller.settings(missing_status=status)
    for method, path in (("GET", f"{OLD}/no"), ("PUT", f"{OLD}/no/cancel"), ("GET", f"{NEW}/no")):
        assert (await seller.ask(method, path)).status == status


async def test_the_newer_version_calls_all_before_the_end_processing(seller: Seller) -> None:
    await seller.stocked(A=10)
    made = await seller.ask("POST", NEW, new_order("TT-2"))
    assert (made.status, made.body) == (202, {"orderId": "TT-2", "status": "PROCESSING"})
    assert await seller.status("TT-2") == "Received"
    order = (await seller.ask("GET", f"{NEW}/TT-2", shipments="EXCLUDE")).body["order"]
    assert order["lineItems"][0]["amount"] == {"unit": "EACHES", "value": "3.0"}
    assert "shipments" not in order
    assert (await seller.ask("GET", f"{NEW}/TT-2", shipments="SOME")).status == 400
    assert (await seller.ask("PUT", f"{NEW}/TT-2/cancel")).status == 202
    assert (await seller.ask("GET", f"{NEW}/TT-2")).body["order"]["status"] == "CANCELLED"
    await seller.ask("POST", NEW, new_order("TT-3"))
    assert (await seller.ask("PUT", f"{NEW}/TT-3/status", {"status": "PROCESSING"})).status == 204
    assert (await seller.ask("GET", f"{NEW}/TT-3")).body["order"]["status"] == "PROCESSING"
    assert (await seller.ask("PUT", f"{NEW}/TT-3/cancel")).problem == (400, "InvalidInput")


async def test_lists_come_in_pages_by_the_time_of_the_last_change(seller: Seller) -> None:
    await seller.settings(page_size=2)
    for number in range(5):
        await seller.made(f"TT-{number}", 1)
        await seller.control("POST", "clock", {"advance": 60})
    await seller.control("POST", "orders/TT-0/status", {"status": "Planning"})
    found: list[str] = []
    token: str | None = ""
    while token is not None:
        query = {"nextToken": token} if token else {"queryStartDate": "2020-01-01T00:00:00Z"}
        page = (await seller.ask("GET", OLD, **query)).body["payload"]
        found += [one["sellerFulfillmentOrderId"] for one in page["fulfillmentOrders"]]
        token = page.get("nextToken")
    assert found == ["TT-1", "TT-2", "TT-3", "TT-4", "TT-0"]
    changed = (await seller.ask("GET", f"{OLD}/TT-0")).body["payload"]["fulfillmentOrder"]["statusUpdatedDate"]
    newer = await seller.ask("GET", NEW, updatedAfter=changed)
    assert [one["orderId"] for one in newer.body["orders"]] == ["TT-0"]
    first = (await seller.ask("GET", NEW)).body["pagination"]["nextToken"]
    assert (await seller.ask("GET", OLD, nextToken=first)).status == 400
    await seller.control("DELETE", "pages")
    assert (await seller.ask("GET", NEW, pageToken=first)).status == 400
    await seller.settings(list_lag=30)
    assert [one["orderId"] for one in (await seller.ask("GET", NEW, updatedAfter=changed)).body["orders"]] == []


async def test_a_preview_names_what_is_lacking(seller: Seller) -> None:
    await seller.stocked(A=2)
    body = {"address": ADDRESS, "items": old_order("x")["items"]}
    preview = (await seller.ask("POST", f"{OLD}/preview", body)).body["payload"]["fulfillmentPreviews"][0]
    assert (preview["isFulfillable"], len(preview["unfulfillablePreviewItems"])) == (False, 1)
    asked = {"destination": {"deliveryAddress": ADDRESS}, "lineItems": new_order("x", "2")["lineItems"]}
    newer = (await seller.ask("POST", NEW.replace("orders", "previews"), asked)).body
    assert "constraints" not in newer
    assert (await seller.control("GET", "state"))["orders"] == []


async def test_capitals_and_orders_of_other_programs(seller: Seller) -> None:
    await seller.settings(status_upper=True)
    await seller.stocked(A=5)
    made = await seller.control(
        "POST", "orders", {"items": [{"sku": "A", "quantity": 2}], "displayed_id": "57", "status": "Processing"}
    )
    assert await seller.status(made["id"]) == "PROCESSING"
    told = await seller.control("POST", "orders", {"items": [{"sku": "NONE"}]}, expect=409)
    assert "SellerSKU" in told["error"]


async def test_a_cut_or_late_call_does_its_work_all_the_same(seller: Seller) -> None:
    await seller.stocked(A=10)
    await seller.control("POST", "faults", {"kind": "cut", "method": "POST", "path": "fulfillmentOrders$"}, expect=201)
    with pytest.raises(aiohttp.ClientError):
        await seller.made()
    assert await seller.status() == "Received"
    # Twice: a client may send a PUT again by itself when a connection that was kept open is cut.
    late = {"kind": "late", "method": "PUT", "path": "/cancel$", "seconds": None, "times": 2}
    await seller.control("POST", "faults", late, expect=201)
    with pytest.raises(aiohttp.ClientError):
        await seller.ask("PUT", f"{OLD}/TT-1/cancel")
    assert await seller.status() == "Received"
    await seller.control("POST", "release")
    assert await seller.status() == "Cancelled"
    await asyncio.gather(*[seller.made(f"many-{number}", 1) for number in range(4)])
    assert (await seller.control("GET", "stock/A"))["quantity"] == 6
