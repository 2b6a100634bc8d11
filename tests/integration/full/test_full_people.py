"""What a merchant's script asks for: orders found by any id, linked, settled; attention; sweeps and their jobs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.connect.parts import (
    MUGS,
    STICKER,
    JsonObject,
    ask,
    attention,
    audited,
    codes,
    connection,
    idle,
    kinds,
    refund_all,
    store_cancels,
)
from tests.support.stage import REASON, Stage


async def job(play: Stage, body: JsonObject) -> JsonObject:
    number = (await play.api("POST", "sweeps", body, expect=202))["job"]

    async def done() -> Any:
        found = await play.api("GET", f"jobs/{number}")
        return found if found["state"] in {"done", "failed"} else None

    found: JsonObject = await play.until(done, "the sweep ends")
    return found


# --- orders -----------------------------------------------------------------------------------------------------------


async def test_an_order_is_found_by_every_id_it_has(play: Stage) -> None:
    order_id, other = await play.place(MUGS), await play.place(STICKER)
    order = await play.imported(order_id)
    await play.imported(other)
    for query in (order["id"], order_id, order["store_number"], order["id"][:-3], f"TT-{order_id}"):
        found = (await play.api("GET", f"orders?query={query}"))["orders"]
        assert [one["id"] for one in found if one["id"] == order["id"]] == [order["id"]], query
    exact = (await play.api("GET", f"orders?query={order['store_number']}"))["orders"]
    assert [one["channel_order_id"] for one in exact] == [order_id]
    by_store = (await play.api("GET", f"orders?query={order['store_order_id']}"))["orders"]
    assert order["id"] in {one["id"] for one in by_store}
    assert (await play.api("GET", "orders?query=nothing"))["orders"] == []
    for wanted in (order["id"], order_id):
        assert (await play.api("GET", f"orders/{wanted}"))["id"] == order["id"]
    states = (await play.api("GET", "orders?state=settled"))["orders"]
    assert len(states) == 2
    assert (await ask(play, "GET", "/api/v1/orders?state=mended")).status == 422
    first = await play.api("GET", "orders?limit=1")
    second = await play.api("GET", f"orders?limit=1&cursor={first['next']}")
    assert {one["channel_order_id"] for one in first["orders"] + second["orders"]} == {order_id, other}
    assert second["next"] is None


async def another_connectors_order(play: Stage, **more: Any) -> JsonObject:
    """An order in the store that somebody else made for the same sale."""
    items = [{"sku": "MUG", "qty": 2}]
    body = {"items": items, "shipping_amount": 4, "invoice": True, **more}
    return dict(await play.magento.control("POST", "storefront-order", body))


async def test_an_order_of_another_connector_is_linked_and_settled_both_ways(play: Stage) -> None:
    await play.api("PUT", f"shops/{play.shop_id}", {"create_orders": False})
    linked = []
    for _ in range(2):
        order_id = await play.place(MUGS)
        order = await play.settled(order_id, "another connector")
        made = await another_connectors_order(play)
        shown = await play.api("POST", f"orders/{order['id']}/link", {"store_order": made["increment_id"]})
        assert (shown["store_order_id"], shown["origin"]) == (str(made["id"]), "linked")
        await play.settled(order_id, "alive on both sides")
        linked.append((order_id, made))
    (refunded, store_one), (cancelled, store_two) = linked
    await play.magento.control("POST", "refund", {"order": store_one["id"]})
    await play.settled(refunded, "both books agree: all")
    assert await store_cancels(play, refunded) == 1
    await play.tiktok.control("POST", f"orders/{cancelled}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(cancelled, "both books agree: all")
    state = await play.magento.control("GET", "state")
    memos = {one["id"]: one["credit_memos"] for one in state["orders"]}
    assert (len(memos[store_one["id"]]), len(memos[store_two["id"]])) == (1, 1)
    told = " ".join(entry["because"] for entry in order["changelog"])
    assert "not restocked" in told


async def test_what_cannot_be_linked_says_why(play: Stage) -> None:
    await play.api("PUT", f"shops/{play.shop_id}", {"create_orders": False})
    first, second = await play.place(MUGS), await play.place(MUGS)
    one = await play.settled(first, "another connector")
    two = await play.settled(second, "another connector")
    made = await another_connectors_order(play)
    wrong = await play.magento.control("POST", "storefront-order", {"items": [{"sku": "STICKER", "qty": 1}]})

    async def refused(order: JsonObject, wanted: str) -> str:
        said = await ask(play, "POST", f"/api/v1/orders/{order['id']}/link", json={"store_order": wanted})
        assert (said.status, said.json["type"]) == (409, "/problems/conflict"), said.text
        return str(said.json["detail"])

    assert "shows no order" in await refused(one, "999999")
    assert "not this order's units" in await refused(one, wrong["increment_id"])
    await play.api("POST", f"orders/{one['id']}/link", {"store_order": str(made["id"])})
    assert "already tied" in await refused(two, made["increment_id"])
    assert "already tied" in await refused(one, made["increment_id"])


async def test_a_linked_order_does_not_act_on_what_was_before(play: Stage) -> None:
    """A memo made before the direction's beginning is the past, linked or not."""
    await play.api("PUT", f"shops/{play.shop_id}", {"create_orders": False})
    order_id = await play.place(MUGS)
    order = await play.settled(order_id, "another connector")
    made = await another_connectors_order(play)
    await play.magento.control("POST", "refund", {"order": made["id"]})
    sync = f"shops/{play.shop_id}/cancellation-sync"
    await play.api("PUT", sync, {"store_to_channel": {"enabled": False}})
    start = datetime.now(UTC).replace(microsecond=0)

    async def later() -> bool:
        return datetime.now(UTC) > start + timedelta(seconds=1)

    await play.until(later, "a second has passed")
    await play.api("PUT", sync, {"store_to_channel": {"enabled": True, "default_reason": REASON}})
    await play.api("POST", f"orders/{order['id']}/link", {"store_order": made["increment_id"]})
    shown = await play.settled(order_id, "older than the switch-on")
    assert kinds(shown) == {"before_switch_on"}
    assert await store_cancels(play, order_id) == 0


async def test_a_pattern_holds_the_order_id_once(play: Stage) -> None:
    for wrong in ("OTHER-", "{id}{id}"):
        said = await ask(play, "PUT", f"/api/v1/shops/{play.shop_id}", json={"link_patterns": [wrong]})
        assert said.status == 422
        assert said.json["errors"][0]["pointer"] == "#/link_patterns/0"


async def test_an_order_found_under_a_known_pattern_is_taken_over_and_not_created_again(play: Stage) -> None:
    read = await play.api("GET", f"shops/{play.shop_id}")
    await play.api("PUT", f"shops/{play.shop_id}", read | {"link_patterns": ["OTHER-{id}"]})
    await play.imported(await play.place(MUGS))
    ours = next(iter(await play.magento.calls(method="POST", path="V1/orders$")))
    second = await play.place(MUGS, status="ON_HOLD")
    await play.settled(second, "on hold")
    theirs = json.loads(ours["body"])
    theirs["entity"]["increment_id"] = f"OTHER-{second}"
    del theirs["entity"]["ext_order_id"]
    await play.magento.control("POST", "settings", {"bearer_allowed": True})
    token = next(one.token.token for one in play.magento_box.integrations.all.values() if one.token)
    headers = {"Authorization": f"Bearer {token}"}
    made = await ask(play, "POST", f"{play.magento.url}/rest/V1/orders", token=False, json=theirs, headers=headers)
    assert made.status == 200, made.text
    await play.magento.control("POST", "invoice", {"order": made.json["entity_id"]})
    await play.tiktok.control("POST", f"orders/{second}/advance", {"status": "AWAITING_SHIPMENT"})
    order = await play.imported(second)
    assert (order["origin"], order["store_number"]) == ("linked", f"OTHER-{second}")
    assert len((await play.magento.control("GET", "state"))["orders"]) == 2
    await play.magento.control("POST", "refund", {"order": made.json["entity_id"]})
    await play.settled(second, "both books agree: all")
    assert await store_cancels(play, second) == 1


async def test_settling_what_is_not_there_or_allowing_what_is_not_known(play: Stage) -> None:
    order_id = await play.place(MUGS)
    order = await play.imported(order_id)
    assert (await ask(play, "POST", "/api/v1/orders/ord_nothing/settle", json={})).status == 404
    said = await ask(play, "POST", f"/api/v1/orders/{order['id']}/settle", json={"allow": ["everything"]})
    assert (said.status, said.json["errors"][0]["pointer"]) == (422, "#/allow/0")
    assert (await ask(play, "POST", f"/api/v1/orders/{order_id}/settle", json={})).status == 202


# --- attention --------------------------------------------------------------------------------------------------------


async def test_attention_is_listed_dismissed_and_stays_so_until_the_facts_change(play: Stage) -> None:
    order_id = await play.place({"seller_sku": "CUP", "sale_price": "10.00"})
    order = await play.settled(order_id, "CUP")
    (item,) = await attention(play, "unknown_sku")
    assert item["order"] == order["id"]
    assert item["what_to_do"]
    gone = await play.api("POST", f"attention/{item['id']}/dismiss", {"note": "we know"})
    assert (gone["state"], "we know" in gone["note"]) == ("dismissed", True)
    assert (await ask(play, "POST", f"/api/v1/attention/{item['id']}/dismiss", json={})).status == 409
    await play.tiktok.control("PATCH", f"orders/{order_id}", {"overrides": {"buyer_message": "hello"}})
    await play.api("POST", "sweeps", {})
    await idle(play)
    assert await attention(play) == []
    listed = (await play.api("GET", "attention?state=dismissed"))["items"]
    assert [one["id"] for one in listed] == [item["id"]]
    assert (await play.api("GET", "attention?state=all&kind=unknown_sku"))["items"] == listed
    assert (await ask(play, "GET", "/api/v1/attention?state=none")).status == 422


async def test_settling_an_item_settles_its_order_and_closes_it(play: Stage) -> None:
    order_id = await play.place({"seller_sku": "CUP", "sale_price": "10.00"})
    await play.settled(order_id, "CUP")
    (item,) = await attention(play)
    await play.api("PUT", f"shops/{play.shop_id}/sku-mappings", {"mappings": {"CUP": "MUG"}})
    await play.api("POST", f"attention/{item['id']}/settle", {"allow": ["past"]}, expect=202)
    assert await audited(play, f"order {item['order']} settled") == [{"allow": ["past"]}]
    await play.imported(order_id)
    assert await attention(play) == []
    assert (await ask(play, "POST", "/api/v1/attention/att_nothing/settle", json={})).status == 404


async def test_an_item_about_a_connection_names_doctor(play: Stage) -> None:
    await play.tiktok.control("POST", "tokens/revoke")
    await play.until(lambda: attention(play, "connection"), "the connection is told of")
    (item,) = await attention(play, "connection")
    said = await ask(play, "POST", f"/api/v1/attention/{item['id']}/settle", json={})
    assert (said.status, f"connections/{play.tiktok_id}/doctor" in said.json["detail"]) == (409, True)


# --- sweeps -----------------------------------------------------------------------------------------------------------


async def test_a_sweep_is_a_job_that_tells_what_it_marked(play: Stage) -> None:
    order_id = await play.place(MUGS, announce=False)
    found = await job(play, {})
    assert (found["state"], found["kind"], found["result"]["not_swept"]) == ("done", "sweep", {})
    assert found["result"]["marked"][play.shop_id] >= 1
    await play.imported(order_id)
    only = await job(play, {"connection": play.tiktok_id})
    assert await audited(play, "sweep begun") == [{"job": found["id"], "since": None}]
    assert await audited(play, f"connection {play.tiktok_id} sweep begun") == [{"job": only["id"], "since": None}]
    assert set(only["result"]["marked"]) <= {shop["id"] for shop in (await play.api("GET", "shops"))["shops"]}
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    again = await job(play, {"since": since})
    assert again["progress"]["since"] == since
    for body in (
        {"since": (datetime.now(UTC) + timedelta(hours=1)).isoformat()},
        {"since": "2026-11-23T10:00:00"},
        {"connection": "con_nothing"},
        {"since": "yesterday"},
    ):
        said = await ask(play, "POST", "/api/v1/sweeps", json=body)
        assert (said.status, said.json["type"]) == (422, "/problems/invalid"), body
    assert (await ask(play, "GET", "/api/v1/jobs/job_nothing")).status == 404


async def test_a_sweep_while_a_shop_is_down_says_so_and_sweeps_the_others(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.magento.control("GET", "deliveries?wait=10")
    await play.magento.control("POST", "consumer", {"drop": 20})
    await refund_all(play, order_id)
    await play.magento.control("GET", "deliveries?wait=10")
    await idle(play)
    await play.tiktok.fault(kind="fail", path="orders/search", status=503, body="<html>", times=1000)
    found = await job(play, {})
    assert found["state"] == "done"
    assert found["result"]["marked"].get(play.store_id, 0) >= 1
    assert set(found["result"]["not_swept"]) == {play.tiktok_id}
    assert "TikTok" in found["result"]["not_swept"][play.tiktok_id]
    await play.settled(order_id, "both books agree: all")


# --- problems everywhere ----------------------------------------------------------------------------------------------


async def test_every_error_is_a_problem_with_a_type_and_what_to_do(play: Stage) -> None:
    asked: list[tuple[str, str, Any, dict[str, str], int]] = [
        ("GET", "/api/v1/orders/nothing", None, {}, 404),
        ("GET", "/api/v1/nothing", None, {}, 404),
        ("GET", "/nothing", None, {}, 404),
        ("POST", "/api/v1/orders", {}, {}, 405),
        ("GET", "/api/v1/orders?limit=0", None, {}, 422),
        ("GET", "/api/v1/orders?cursor=made-up", None, {}, 422),
        ("GET", "/api/v1/orders?nonsense=1", None, {}, 422),
        ("PUT", f"/api/v1/shops/{play.shop_id}", [1], {}, 422),
        ("PUT", f"/api/v1/shops/{play.shop_id}", {"hold_minutes": "many"}, {}, 422),
        ("POST", "/api/v1/connections", {"kind": "fax"}, {}, 422),
        ("POST", "/api/v1/connections", {"kind": "magento", "url": "ftp://x"}, {}, 422),
        ("DELETE", "/api/v1/connections/con_nothing", None, {}, 404),
        ("POST", "/api/v1/connections/con_nothing/doctor", None, {}, 404),
        ("GET", "/plugin/version-check", None, {}, 422),
        ("GET", "/plugin/version-check?connection=con_nothing", None, {}, 404),
    ]
    for method, path, body, headers, status in asked:
        said = await ask(play, method, path, json=body, headers=headers)
        assert said.status == status, (method, path, said.text)
        assert said.headers["Content-Type"] == "application/problem+json", path
        assert said.json["type"].startswith("/problems/")
        assert said.json["status"] == status
        assert len(said.json["detail"]) > 10
    said = await ask(play, "GET", "/api/v1/orders", token=False)
    assert (said.status, said.json["type"]) == (401, "/problems/token-required")
    said = await ask(play, "PUT", f"/api/v1/shops/{play.shop_id}", data=b"{not json", headers={})
    assert said.status in {400, 415}


async def test_no_answer_holds_a_credential(play: Stage) -> None:
    for one in play.magento_box.integrations.all.values():
        assert one.token is not None
        for path in ("connections", f"connections/{play.store_id}", f"connections/{play.tiktok_id}", "audit"):
            said = await ask(play, "GET", f"/api/v1/{path}")
            for value in (one.consumer_key, one.consumer_secret, one.token.token, one.token.secret):
                assert value not in said.text
            assert '"credentials"' not in said.text
    assert codes(await connection(play, play.store_id))
