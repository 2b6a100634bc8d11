from __future__ import annotations

from typing import Any

import pytest

from tests.contract.sandbox_shopify.shopify_caller import (
    CANCEL_OLD,
    CREATE,
    HOME,
    ORDER,
    REFUND,
    RESULT,
    Store,
)


def money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "USD"}}


async def test_a_cancel_runs_in_the_background(store: Store) -> None:
    order = await store.placed()
    await store.settings(cancel_seconds=None)
    started = await store.cancel(order, note="TikTok: changed mind [bridge:x]")
    assert started["job"]["done"] is False
    assert started["jobResult"]["status"] == "STARTED"
    result = {"id": started["jobResult"]["id"]}
    assert (await store.ask(RESULT, result)).data["node"] == {
        "done": False,
        "status": "STARTED",
        "errors": [],
        "order": {"cancelledAt": None},
    }
    assert await store.stock() == (7, 3, 10)
    assert (await store.control("POST", "jobs/run"))["ended"] == 1
    ended = (await store.ask(RESULT, result)).data["node"]
    assert (ended["done"], ended["status"]) == (True, "SUCCEEDED")
    shown = (await store.ask(ORDER, {"id": order["gid"]})).data["order"]
    assert shown["cancelledAt"] is not None
    assert (shown["cancelReason"], shown["cancellation"]) == ("OTHER", {"staffNote": "TikTok: changed mind [bridge:x]"})
    assert await store.stock() == (10, 0, 10)


async def test_2026_07_knows_the_job_only(store: Store) -> None:
    order = await store.placed()
    answer = await store.ask(CANCEL_OLD, {"id": order["gid"]}, version="2026-07")
    assert answer.headers["X-Shopify-API-Version"] == "2026-07"
    job = answer.data["orderCancel"]["job"]["id"]
    assert (await store.ask("query J($id: ID!) { job(id: $id) { done } }", {"id": job}, "2026-07")).data == {
        "job": {"done": True}
    }
    assert (await store.ask(RESULT, {"id": job}, "2026-07")).body["errors"]


async def test_a_job_can_fail_and_be_asked_again(store: Store) -> None:
    order = await store.placed()
    await store.settings(cancel_fails_next=1)
    failed = await store.cancel(order)
    ended = (await store.ask(RESULT, {"id": failed["jobResult"]["id"]})).data["node"]
    assert (ended["status"], ended["errors"][0]["code"]) == ("FAILED", "INTERNAL_ERROR")
    assert await store.stock() == (7, 3, 10)
    again = await store.cancel(order)
    assert (await store.ask(RESULT, {"id": again["jobResult"]["id"]})).data["node"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("cancel", {}),
        ("fulfil", {}),
        ("fulfil", {"lines": [{"sku": "SKU-A", "quantity": 1}]}),
        ("return", {"status": "IN_PROGRESS"}),
        ("fulfillment-order", {"status": "IN_PROGRESS", "request_status": "ACCEPTED"}),
    ],
)
@pytest.mark.parametrize("checked", ["call", "job"])
async def test_what_cannot_be_cancelled_is_refused(store: Store, path: str, body: Any, checked: str) -> None:
    order = await store.placed()
    await store.control("POST", f"orders/{order['id']}/{path}", body)
    await store.settings(cancel_checked=checked)
    before = await store.stock()
    answer = await store.cancel(order)
    if checked == "call":
        assert (answer["job"], answer["orderCancelUserErrors"][0]["code"]) == (None, "INVALID")
    else:
        ended = (await store.ask(RESULT, {"id": answer["jobResult"]["id"]})).data["node"]
        assert (ended["status"], ended["errors"][0]["code"]) == ("FAILED", "INVALID")
    assert await store.stock() == before


async def test_a_pending_authorisation_and_an_unknown_order_are_refused(store: Store) -> None:
    order = await store.placed(transaction_status="PENDING")
    assert (await store.cancel(order))["orderCancelUserErrors"][0]["code"] == "INVALID"
    unknown = await store.cancel({"gid": "gid://shopify/Order/1"})
    assert unknown["orderCancelUserErrors"][0]["code"] == "NOT_FOUND"


async def test_two_cancels_at_once_cancel_once(store: Store) -> None:
    order = await store.placed()
    await store.settings(cancel_seconds=None)
    jobs = [await store.cancel(order), await store.cancel(order)]
    await store.control("POST", "jobs/run")
    ended = [(await store.ask(RESULT, {"id": job["jobResult"]["id"]})).data["node"]["status"] for job in jobs]
    assert sorted(ended) == ["FAILED", "SUCCEEDED"]
    assert (await store.control("GET", "state"))["effects"]["cancel"] == 1


@pytest.mark.parametrize(
    ("gateway", "method", "refunded", "real"),
    [
        ("manual", None, "0.00", "0.00"),
        ("manual", {"originalPaymentMethodsRefund": True}, "64.97", "0.00"),
        ("TikTok Shop", {"originalPaymentMethodsRefund": True}, "64.97", "0.00"),
        ("shopify_payments", None, "0.00", "0.00"),
        ("shopify_payments", {"originalPaymentMethodsRefund": True}, "64.97", "64.97"),
    ],
)
async def test_money_moves_only_when_asked(store: Store, gateway: str, method: Any, refunded: str, real: str) -> None:
    order = await store.placed(gateway=gateway)
    await store.cancel(order, method=method)
    await store.control("POST", "jobs/run")
    assert (await store.control("GET", f"orders/{order['id']}"))["refunded"] == refunded
    assert (await store.control("GET", "state"))["real_money"] == real


async def test_a_refund_without_permission_is_refused_whole(store: Store) -> None:
    order = await store.placed()
    await store.settings(may_refund=False)
    answer = await store.cancel(order, method={"originalPaymentMethodsRefund": True})
    assert answer["orderCancelUserErrors"][0]["code"] == "NO_REFUND_PERMISSION"
    assert (await store.cancel(order))["orderCancelUserErrors"] == []


@pytest.mark.parametrize(
    ("sent", "restock", "quantity", "after"),
    [
        (0, "CANCEL", 1, (8, 2, 10)),
        (0, "NO_RESTOCK", 1, (7, 2, 9)),
        (3, "RETURN", 2, (9, 0, 9)),
        (3, "NO_RESTOCK", 2, (7, 0, 7)),
        (2, "CANCEL", 1, (8, 0, 8)),
        (2, "RETURN", 1, (8, 1, 9)),
    ],
)
async def test_what_a_refund_does_to_stock(
    store: Store, sent: int, restock: str, quantity: int, after: tuple[int, int, int]
) -> None:
    order = await store.placed()
    assert await store.stock() == (7, 3, 10)
    if sent:
        await store.control("POST", f"orders/{order['id']}/fulfil", {"lines": [{"sku": "SKU-A", "quantity": sent}]})
        assert await store.stock() == (7, 3 - sent, 10 - sent)
    assert (await store.refund(order, quantity, restock, None))["userErrors"] == []
    assert await store.stock() == after


@pytest.mark.parametrize(("restock", "after"), [(True, (10, 0, 10)), (False, (7, 0, 7))])
async def test_what_a_cancel_does_to_stock(store: Store, restock: bool, after: tuple[int, int, int]) -> None:
    order = await store.placed()
    await store.cancel(order, restock=restock)
    await store.control("POST", "jobs/run")
    assert await store.stock() == after


async def test_a_cancel_after_a_partial_refund_gives_back_the_rest(store: Store) -> None:
    order = await store.placed()
    await store.refund(order, 1, "CANCEL", "19.99")
    await store.cancel(order, method={"originalPaymentMethodsRefund": True})
    await store.control("POST", "jobs/run")
    found = await store.control("GET", f"orders/{order['id']}")
    assert (found["refunded"], found["received"], found["financial_status"]) == ("64.97", "64.97", "REFUNDED")
    assert [refund["total"] for refund in found["refunds"]] == ["19.99", "44.98"]
    assert await store.stock() == (10, 0, 10)


async def test_units_that_took_no_stock_give_none_back(store: Store) -> None:
    order = await store.placed(claim=False)
    assert await store.stock() == (10, 0, 10)
    await store.refund(order, 1, "CANCEL", None)
    assert await store.stock() == (10, 0, 10)
    await store.settings(restock_unclaimed=True)
    await store.refund(order, 1, "CANCEL", None, key="other")
    assert await store.stock() == (11, 0, 11)


async def test_a_key_makes_one_refund(store: Store) -> None:
    order = await store.placed()
    first = await store.refund(order, 1, "CANCEL", "19.99", key="a")
    again = await store.refund(order, 1, "CANCEL", "19.99", key="a")
    assert first["refund"]["id"] == again["refund"]["id"]
    assert await store.stock() == (8, 2, 10)
    other = await store.refund(order, 2, "CANCEL", None, key="a")
    assert (other["refund"], len(other["userErrors"])) == (None, 1)
    await store.refund(order, 1, "CANCEL", "19.99", key="b")
    assert len((await store.control("GET", f"orders/{order['id']}"))["refunds"]) == 2


async def test_a_refund_without_a_key_is_an_error_and_does_nothing(store: Store) -> None:
    order = await store.placed()
    bare = REFUND.replace(" @idempotent(key: $key)", "").replace(", $key: String!", "")
    answer = await store.ask(bare, {"input": {"orderId": order["gid"], "shipping": {"fullRefund": True}}})
    assert answer.code == "BAD_REQUEST"
    assert (await store.control("GET", "state"))["effects"].get("refund") is None


@pytest.mark.parametrize(
    ("quantity", "restock", "amount"),
    [(4, "CANCEL", None), (1, "RETURN", None), (1, "LEGACY_RESTOCK", None), (1, "CANCEL", "64.98"), (1, "CANCEL", "0")],
)
async def test_a_refund_that_cannot_be_is_refused_whole(
    store: Store, quantity: int, restock: str, amount: str | None
) -> None:
    order = await store.placed()
    answer = await store.refund(order, quantity, restock, amount)
    assert answer["refund"] is None
    assert answer["userErrors"]
    assert await store.stock() == (7, 3, 10)


async def test_an_order_is_created_with_its_money_and_stock(store: Store) -> None:
    await store.control("POST", "variants", {"sku": "SKU-A", "price": "10.00", "available": 3})
    variant = (await store.ask('{ productVariants(first: 2, query: "sku:SKU-A") { nodes { id sku } } }')).data
    line = {"variantId": variant["productVariants"]["nodes"][0]["id"], "quantity": 2, "priceSet": money("9.50")}
    tax = {"title": "VAT", "rate": "0.1", "priceSet": money("1.90")}
    given = {
        "lineItems": [{**line, "taxLines": [tax]}],
        "shippingLines": [{"title": "Std", "priceSet": money("4.00")}],
        "sourceIdentifier": "576461413038785752",
        "transactions": [{"gateway": "manual", "kind": "SALE", "status": "SUCCESS", "amountSet": money("24.90")}],
    }
    options = {"inventoryBehaviour": "DECREMENT_OBEYING_POLICY"}
    made = (await store.ask(CREATE, {"order": given, "options": options})).data["orderCreate"]
    assert made["userErrors"] == []
    assert made["order"]["totalPriceSet"]["shopMoney"]["amount"] == "24.9"
    assert made["order"]["displayFinancialStatus"] == "PAID"
    assert await store.stock() == (1, 2, 3)
    refused = (await store.ask(CREATE, {"order": given, "options": options})).data["orderCreate"]
    assert refused["userErrors"][0]["code"] == "INVENTORY_CLAIM_FAILED"
    assert await store.stock() == (1, 2, 3)


async def test_a_unique_metafield_keeps_an_order_from_being_made_twice(store: Store) -> None:
    define = (
        'mutation { metafieldDefinitionCreate(definition: {name: "o", namespace: "$app:tts", key: "order_id", '
        'type: "id", ownerType: ORDER}) { userErrors { message } } }'
    )
    find = (
        'query F($v: String!) { orderByIdentifier(identifier: {customId: {namespace: "$app:tts", key: "order_id", '
        "value: $v}}) { id } }"
    )
    assert (await store.ask(find, {"v": "1"})).code == "NOT_FOUND"
    await store.ask(define)
    assert (await store.ask(find, {"v": "1"})).data == {"orderByIdentifier": None}
    given = {
        "lineItems": [{"title": "Mug", "quantity": 1, "priceSet": money("1.00")}],
        "metafields": [{"namespace": "$app:tts", "key": "order_id", "type": "id", "value": "1"}],
    }
    made = (await store.ask(CREATE, {"order": given})).data["orderCreate"]
    assert (await store.ask(find, {"v": "1"})).data["orderByIdentifier"] == {"id": made["order"]["id"]}
    again = (await store.ask(CREATE, {"order": given})).data["orderCreate"]
    assert (again["order"], again["userErrors"][0]["code"]) == (None, "INVALID")


async def test_suggested_units_add_up_to_the_line(store: Store) -> None:
    await store.control("POST", "variants", {"sku": "SKU-A", "price": "10.00", "available": 9})
    code = {"itemFixedDiscountCode": {"code": "TT", "amountSet": money("0.10")}}
    line = {"title": "Mug", "quantity": 3, "priceSet": money("10.00")}
    paid = [{"gateway": "manual", "kind": "SALE", "status": "SUCCESS", "amountSet": money("29.90")}]
    given = {"lineItems": [line], "discountCode": code, "transactions": paid}
    made = (await store.ask(CREATE, {"order": given})).data["orderCreate"]["order"]
    order = await store.control("GET", f"orders/{made['name'].removeprefix('#')}")
    ask = """query S($id: ID!, $l: ID!) { order(id: $id) { suggestedRefund(refundLineItems: [
        {lineItemId: $l, quantity: 1, restockType: CANCEL}]) { amountSet { shopMoney { amount } } } } }"""
    amounts = []
    for number in range(3):
        found = (await store.ask(ask, {"id": order["gid"], "l": order["lines"][0]["gid"]})).data["order"]
        amounts.append(found["suggestedRefund"]["amountSet"]["shopMoney"]["amount"])
        assert (await store.refund(order, 1, "CANCEL", amounts[-1], key=f"k{number}"))["userErrors"] == []
    assert amounts == ["9.97", "9.96", "9.97"]
    assert (await store.control("GET", f"orders/{order['id']}"))["refunded"] == "29.90"


async def test_holds_are_released_one_by_one(store: Store) -> None:
    order = await store.placed()
    await store.control("POST", f"orders/{order['id']}/hold", {"handle": "merchant"})
    work = f"gid://shopify/FulfillmentOrder/{order['fulfillment_orders'][0]['id']}"
    hold = """mutation H($id: ID!) { fulfillmentOrderHold(id: $id, fulfillmentHold: {reason: OTHER, handle: "ours"}) {
        fulfillmentHold { id } fulfillmentOrder { status } userErrors { code } } }"""
    release = """mutation R($id: ID!, $ids: [ID!]) { fulfillmentOrderReleaseHold(id: $id, holdIds: $ids) {
        fulfillmentOrder { status fulfillmentHolds { handle } } userErrors { message } } }"""
    made = (await store.ask(hold, {"id": work})).data["fulfillmentOrderHold"]
    twice = (await store.ask(hold, {"id": work})).data["fulfillmentOrderHold"]
    assert twice["userErrors"][0]["code"] == "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
    ours = {"id": work, "ids": [made["fulfillmentHold"]["id"]]}
    left = (await store.ask(release, ours)).data["fulfillmentOrderReleaseHold"]["fulfillmentOrder"]
    assert left == {"status": "ON_HOLD", "fulfillmentHolds": [{"handle": "merchant"}]}
    every = (await store.ask(release, {"id": work})).data["fulfillmentOrderReleaseHold"]["fulfillmentOrder"]
    assert every == {"status": "OPEN", "fulfillmentHolds": []}


async def test_a_3pl_gives_the_order_back_when_asked(store: Store) -> None:
    order = await store.placed()
    path = f"orders/{order['id']}"
    await store.control("POST", f"{path}/fulfillment-order", {"status": "IN_PROGRESS", "request_status": "ACCEPTED"})
    ask = """mutation A($id: ID!) { fulfillmentOrderSubmitCancellationRequest(id: $id) {
        fulfillmentOrder { requestStatus } userErrors { message } } }"""
    work = f"gid://shopify/FulfillmentOrder/{order['fulfillment_orders'][0]['id']}"
    asked = (await store.ask(ask, {"id": work})).data["fulfillmentOrderSubmitCancellationRequest"]
    assert asked["fulfillmentOrder"]["requestStatus"] == "CANCELLATION_REQUESTED"
    await store.control("POST", f"{path}/cancellation-request", {"accept": True})
    assert (await store.cancel(order))["orderCancelUserErrors"] == []


async def test_a_deactivated_location_takes_nothing_back(store: Store) -> None:
    order = await store.placed()
    await store.control("POST", "locations", {"name": "Second"})
    await store.control("POST", "locations", {"id": int(HOME.rsplit("/", 1)[1]), "active": False})
    assert (await store.cancel(order))["orderCancelUserErrors"][0]["code"] == "INVALID"
    assert (await store.refund(order, 1, "CANCEL", None))["userErrors"]
    assert (await store.cancel(order, restock=False))["orderCancelUserErrors"] == []


async def test_orders_are_found_page_by_page(store: Store) -> None:
    placed = [await store.placed(1, tags=[f"TikTokOrderID:{number}"]) for number in range(5)]
    page = """query P($q: String, $after: String) { orders(first: 2, after: $after, query: $q, sortKey: UPDATED_AT) {
        nodes { id } pageInfo { hasNextPage endCursor } } }"""
    seen: list[str] = []
    after = None
    while True:
        found = (await store.ask(page, {"q": "updated_at:>='2026-01-01T00:00:00Z'", "after": after})).data["orders"]
        seen += [one["id"] for one in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
        if len(seen) == 2:
            # What changes while we read moves behind our cursor: it is seen again, and nothing is skipped.
            await store.control("POST", f"orders/{placed[0]['id']}/edit", {"note": "x"})
    assert seen == [one["gid"] for one in [*placed, placed[0]]]
    by_tag = (await store.ask(page, {"q": 'tag:"TikTokOrderID:3"'})).data["orders"]["nodes"]
    assert by_tag == [{"id": placed[3]["gid"]}]
    assert (await store.ask(page, {"q": "updated_at:>2100-01-01"})).data["orders"]["nodes"] == []
    either = (await store.ask(page, {"q": "name:1001 OR name:1002"})).data["orders"]["nodes"]
    assert len(either) == 2
    misspelt = (await store.ask(page, {"q": "custom_attribute:1"})).body
    assert len(misspelt["data"]["orders"]["nodes"]) == 2
    assert misspelt["extensions"]["search"][0]["warnings"][0]["field"] == "custom_attribute"
