"""Every recorded series of deliveries: topics in order, bodies byte for byte, signatures, headers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.contract.sandbox_magento.lab import (
    DECREMENT,
    INCREMENT,
    RECORDINGS,
    SKU_C,
    TOPICS,
    Lab,
    open_lab,
    order_entity,
    recording,
)

Step = Callable[[Lab], Awaitable[None]]

TAGS = ("1.0.17", "1.0.18", "1.0.19", "1.0.20", "1.0.21", "1.0.25")
KEEP = {"shipping_amount": 0, "adjustment_positive": 0, "adjustment_negative": 0}


def partial(item: int, *, back: bool) -> dict[str, Any]:
    arguments = KEEP | ({"extension_attributes": {"return_to_stock_items": [item]}} if back else {})
    return {"items": [{"order_item_id": item, "qty": 1}], "arguments": arguments}


def memo(order: int, item: int, quantity: int, total: float) -> dict[str, Any]:
    line = {"order_item_id": item, "qty": quantity, "row_total": total, "base_row_total": total}
    totals = {f"{prefix}{key}": total for prefix in ("", "base_") for key in ("grand_total", "subtotal")}
    return {"creditmemo": {"order_id": order, "items": [line], **totals}, "offlineRequested": True}


async def nothing(_lab: Lab) -> None:
    pass


def order(order_id: int, lines: list[dict[str, Any]] | None = None, *, ship: bool = False, **given: Any) -> Step:
    async def arrange(lab: Lab) -> None:
        ids = {key: value for key, value in given.items() if key == "memo"}
        await lab.order(order_id, order_id, lines, **{key: given[key] for key in given.keys() - ids.keys()})
        lab.ids(**{key: value - 1 for key, value in ids.items()})
        if ship:
            await lab.done("POST", f"order/{order_id}/ship", {})

    return arrange


def create(order_id: int, headers: dict[str, str] | None, line: dict[str, Any] | None = None) -> Step:
    async def act(lab: Lab) -> None:
        lab.ids(order=order_id - 1)
        lines = [line or {"sku": "SKU-A", "product_id": 1, "qty": 2, "price": 50}]
        await lab.done("POST", "orders", order_entity(f"TT-{order_id}", lines), headers)

    return act


def call(path: str, body: Any = None, headers: dict[str, str] | None = None, status: int = 200) -> Step:
    async def act(lab: Lab) -> None:
        reply = await lab.rest("POST", path, body or {}, headers)
        assert reply.status == status, reply.text

    return act


def control(path: str, *bodies: Any) -> Step:
    async def act(lab: Lab) -> None:
        for body in bodies:
            await lab.control("POST", path, body)

    return act


def both(*steps: Step) -> Step:
    async def act(lab: Lab) -> None:
        for step in steps:
            await step(lab)

    return act


def refund(order_id: int, *, back: bool = False, status: int = 200) -> Step:
    return call(f"order/{order_id}/refund", partial(order_id, back=back), status=status)


C = [SKU_C]
SERIES: dict[str, tuple[Step, Step]] = {
    "order_created_decrement": (nothing, create(1, DECREMENT)),
    "order_created": (nothing, create(2, None)),
    "order_invoiced": (order(1, invoiced=False), call("order/1/invoice")),
    "order_cancel_refused": (order(1), both(call("order/1/invoice", status=400), call("orders/1/cancel"))),
    "refund_order_partial": (order(1, memo=1), refund(1)),
    "refund_order_rest": (both(order(1, memo=1), refund(1)), call("order/1/refund")),
    "order_cancelled": (order(2, invoiced=False), call("orders/2/cancel")),
    "refund_creditmemo_route_minimal_body": (
        order(5, memo=3),
        call(
            "creditmemo/refund",
            {"creditmemo": {"order_id": 5, "items": [{"order_item_id": 5, "qty": 1}]}, "offlineRequested": True},
        ),
    ),
    "refund_creditmemo_route_partial_increment": (
        order(102, C, memo=119),
        call("creditmemo/refund", memo(102, 102, 1, 50), INCREMENT),
    ),
    "refund_creditmemo_route_rest": (
        both(order(102, C, memo=119), call("creditmemo/refund", memo(102, 102, 1, 50), INCREMENT)),
        call("creditmemo/refund", memo(102, 102, 1, 55)),
    ),
    "order_shipped": (order(103, C), call("order/103/ship")),
    "refund_order_partial_shipped_restock": (order(103, C, ship=True, memo=121), refund(103, back=True)),
    "refund_order_partial_shipped_keep": (
        both(order(103, C, ship=True, memo=121), refund(103, back=True)),
        refund(103),
    ),
    "refund_order_partial_restock": (order(104, C, memo=123), refund(104, back=True)),
    "refund_admin_partial_restock": (
        order(104, C, memo=124),
        control(
            "refund",
            {
                "order": 104,
                "items": [{"order_item_id": 104, "qty": 1}],
                "shipping_amount": 0,
                "back_to_stock": True,
            },
        ),
    ),
    "refund_admin_all_items_keep": (
        order(105, C, memo=125),
        control("refund", {"order": 105, "shipping_amount": 0}),
    ),
    "order_comment": (order(105, C), call("orders/105/comments", {"statusHistory": {"comment": "x"}})),
    "creditmemo_comment": (
        both(order(105, C, memo=125), call("order/105/refund")),
        call("creditmemo/125/comments", {"entity": {"comment": "x", "is_visible_on_front": 0, "parent_id": 125}}),
    ),
    "creditmemo_resaved": (
        both(order(105, C, memo=125), call("order/105/refund")),
        call("creditmemo", {"entity": {"entity_id": 125}}),
    ),
    "product_saved": (nothing, control("product-save", {"sku": "SKU-B"}, {"sku": "CONF-BLUE"})),
    **{f"{tag}/order_created_decrement": (nothing, create(1, DECREMENT, SKU_C)) for tag in TAGS},
    **{
        f"{tag}/r1_restock": (order(1, C, memo=1), refund(1, back=True, status=500 if tag == "1.0.25" else 200))
        for tag in TAGS
    },
    **{
        f"{tag}/r2_increment": (
            order(1, C, memo=3),
            call("creditmemo/refund", memo(1, 1, 1, 50), INCREMENT, 500 if tag == "1.0.25" else 200),
        )
        for tag in TAGS
    },
}


def test_every_series_is_replayed() -> None:
    folder = RECORDINGS / "deliveries"
    assert {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.json")} == set(SERIES)


@pytest.mark.parametrize("name", sorted(SERIES))
async def test_series(name: str) -> None:
    recorded = recording(f"deliveries/{name}")["deliveries"]
    arrange, act = SERIES[name]
    keys = {delivery["consumer_key"] for delivery in recorded}
    async with open_lab(name.split("/", maxsplit=1)[0] if "/" in name else "1.0.26") as lab:
        if keys:
            await lab.integrate(name="recorded", credentials={"consumer_key": keys.pop()})
        await lab.register()
        await arrange(lab)
        await lab.deliveries()
        await act(lab)
        got = await lab.deliveries()
    wanted = [delivery["request"] for delivery in recorded]
    assert [(one.headers["X-Webhook-Topic"], one.body) for one in got] == [
        (one["headers"]["X-Webhook-Topic"], one["raw_body"]) for one in wanted
    ]
    for one, other in zip(got, wanted, strict=True):
        assert one.path == other["path"]
        assert one.headers.keys() == other["headers"].keys()
        assert one.headers | {"Host": ""} == other["headers"] | {"Host": ""}


async def test_body_and_signature_of_the_known_vector(lab: Lab) -> None:
    key = "abcdefghijklmnopqrstuvwxyz012345"
    await lab.integrate(name="vector", credentials={"consumer_key": key})
    await lab.register("products/update")
    lab.ids(product=6)
    lab.box.stock.products.clear()
    await lab.control("POST", "products", {"sku": "A/B-é", "qty": 1})
    lab.ids(product=8)
    await lab.control("POST", "products", {"sku": "A/B-é", "qty": 1, "parent": "P"})
    lab.box.stock.products[7].visibility = 4
    await lab.control("POST", "product-save", {"sku": "A/B-é"})
    first = (await lab.deliveries())[0]
    assert first.body == (
        '{"id":"7","type_id":"simple","sku":"A\\/B-\\u00e9","visibility":"4","parent_ids":["9"],"change_type":"stock"}'
    )
    assert first.headers["X-Magento-Hmac-Sha256"] == "2416550108d60ebf4e5fbb6d108b2f0115c3b68553ade0eefa86676e62f81ece"


async def test_a_registration_of_a_deleted_integration_silences_those_after_it(lab: Lab) -> None:
    await lab.register("orders/update")
    old = lab.integration
    await lab.integrate(name="second")
    hook = {"topic": "orders/update", "address": lab.hook_url + "/second", "app_key": "conn-2"}
    await lab.done("POST", "aftership/webhooks", {"webhook": hook})
    await lab.order(1, 1, invoiced=False)
    assert [one.headers["X-App-Key"] for one in await lab.deliveries()] == ["conn-1", "conn-2"]
    await lab.control("PATCH", "integrations", {"integration": old["id"], "delete": True})
    await lab.order(2, 2, invoiced=False)
    assert await lab.deliveries() == []


async def test_an_admin_token_registers_under_the_admins_id(lab: Lab) -> None:
    token = (await lab.control("POST", "admin-token", {}))["token"]
    lab.token = token
    hook = {"topic": "orders/update", "address": lab.hook_url, "app_key": "conn-1"}
    assert (await lab.done("POST", "aftership/webhooks", {"webhook": hook})).json["integration_id"] == "1"


async def test_a_number_as_own_id_becomes_text(lab: Lab) -> None:
    hook = {"topic": "orders/update", "address": "x", "app_key": "c", "id": 7}
    assert (await lab.done("POST", "aftership/webhooks", {"webhook": hook})).json["id"] == "7"


async def test_nothing_is_repeated_and_drops_are_lost(lab: Lab) -> None:
    await lab.register("orders/update", "creditmemos/update")
    await lab.control("POST", "consumer", {"drop": 1, "topic": "creditmemos/update"})
    await lab.order(1, 1)
    await lab.done("POST", "order/1/refund", {})
    topics = [one.headers["X-Webhook-Topic"] for one in await lab.deliveries()]
    assert topics == ["orders/update"] * 4
    lab.hook_status = 500
    await lab.done("POST", "creditmemo", {"entity": {"entity_id": 1}})
    assert len(await lab.deliveries()) == 1
    log = (await lab.control("GET", "deliveries"))["deliveries"]
    assert [one["result"] for one in log if one["topic"] == "creditmemos/update"] == ["dropped", "delivered"]


async def test_an_unreachable_receiver_loses_the_message(lab: Lab) -> None:
    for number, address in enumerate(["http://127.0.0.1:9/x", "not a url"]):
        hook = {"topic": "orders/update", "address": address, "app_key": f"c{number}"}
        await lab.done("POST", "aftership/webhooks", {"webhook": hook})
    await lab.order(1, 1, invoiced=False)
    answer = await lab.control("GET", "deliveries?wait=10")
    assert [one["result"] for one in answer["deliveries"]] == ["lost", "lost"]
    assert answer["drained"]


async def test_a_paused_consumer_keeps_the_queue(lab: Lab) -> None:
    await lab.register(*TOPICS)
    await lab.control("POST", "consumer", {"paused": True})
    await lab.order(1, 1, invoiced=False)
    answer = await lab.control("GET", "deliveries?wait=0.05")
    assert (answer["drained"], answer["waiting"], lab.received) == (False, 2, [])
    await lab.control("POST", "consumer", {"paused": False})
    assert len(await lab.deliveries()) == 2


async def test_a_refused_refund_leaves_no_message(lab: Lab) -> None:
    await lab.register()
    await lab.order(1, 1, invoiced=False)
    await lab.deliveries()
    assert (await lab.rest("POST", "order/1/refund", {})).status == 400
    assert await lab.deliveries() == []


async def test_deliveries_come_one_after_the_other(lab: Lab) -> None:
    await lab.register()
    for number in range(1, 6):
        await lab.order(number, number, invoiced=False)
    bodies = [json.loads(one.body)["id"] for one in await lab.deliveries()]
    assert bodies == [text for number in range(1, 6) for text in (str(number), "1")]
