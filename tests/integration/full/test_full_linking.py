"""Orders that another connector made: found by each way, tied when exactly one fits, and settled like any other."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.connect.parts import MUGS, JsonObject, ask, idle, kinds, store_cancels
from tests.support.stage import Stage

NUMBERS, NOTES = "TTS-{id}", "Sold on TikTok, order {id}."


async def beside(play: Stage, **more: Any) -> None:
    """Another connector makes the orders here."""
    body = {"create_orders": False, "link_patterns": [NUMBERS], "link_note_patterns": [NOTES], **more}
    await play.api("PUT", f"shops/{play.shop_id}", body)


async def theirs(play: Stage, *items: JsonObject, **columns: Any) -> JsonObject:
    """The other connector's store order."""
    lines = list(items) or [{"sku": "MUG", "qty": 2}]
    body = {"items": lines, "shipping_amount": 4, "invoice": True, **columns}
    return dict(await play.magento.control("POST", "storefront-order", body))


def names(order_id: str) -> dict[str, dict[str, str]]:
    """Every way in which a store order says which sale it is."""
    return {
        "external id": {"ext_order_id": order_id},
        "number": {"increment_id": f"TTS-{order_id}"},
        "note": {"customer_note": f"Gift wrap please. Sold on TikTok, order {order_id}. Thanks!"},
    }


async def linked(play: Stage, order_id: str, made: JsonObject) -> JsonObject:
    order = await play.settled(order_id, "alive on both sides")
    assert (order["origin"], order["store_order_id"]) == ("linked", str(made["id"]))
    return order


async def searches(play: Stage, after: int, order_id: str) -> int:
    """How often the store was asked for this sale."""
    calls = await play.magento.calls(method="GET", path="V1/orders", after=after)
    return sum(order_id in json.dumps(call) for call in calls)


async def swept(play: Stage) -> None:
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    number = (await play.api("POST", "sweeps", {"since": since}, expect=202))["job"]

    async def done() -> bool:
        return bool((await play.api("GET", f"jobs/{number}"))["state"] == "done")

    await play.until(done, "the sweep ends")
    await idle(play)


# --- each way ---------------------------------------------------------------------------------------------------------


async def test_an_order_is_found_by_its_external_id_its_number_or_its_note(play: Stage) -> None:
    """The store order comes after the sale was looked at in vain: its own message brings the two together."""
    await beside(play)
    for way in ("external id", "number", "note"):
        order_id = await play.place(MUGS)
        await play.settled(order_id, "another connector")
        made = await theirs(play, **names(order_id)[way])
        await linked(play, order_id, made)


async def test_an_order_that_is_there_first_is_found_when_the_sale_is_looked_at(play: Stage) -> None:
    await beside(play)
    for way in ("external id", "number", "note"):
        order_id = await play.place(MUGS, announce=False)
        made = await theirs(play, **names(order_id)[way])
        await play.tiktok.control("PATCH", f"orders/{order_id}", {"overrides": {"buyer_message": "hi"}})
        await play.api("POST", "sweeps", {})
        await linked(play, order_id, made)


async def test_a_linked_order_is_settled_in_both_directions(play: Stage) -> None:
    await beside(play)
    refunded, cancelled = await play.place(MUGS), await play.place(MUGS)
    one = await theirs(play, **names(refunded)["number"])
    two = await theirs(play, **names(cancelled)["note"])
    await linked(play, refunded, one)
    await linked(play, cancelled, two)
    await play.magento.control("POST", "refund", {"order": one["id"]})
    await play.settled(refunded, "both books agree: all")
    assert await store_cancels(play, refunded) == 1
    await play.tiktok.control("POST", f"orders/{cancelled}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(cancelled, "both books agree: all")
    assert "not restocked" in " ".join(entry["because"] for entry in order["changelog"])
    state = await play.magento.control("GET", "state")
    assert [len(made["credit_memos"]) for made in state["orders"]] == [1, 1]


async def test_a_sweep_finds_a_store_order_that_no_message_told_of(play: Stage) -> None:
    await beside(play)
    await play.magento.control("POST", "consumer", {"drop": 1000})
    for way in ("external id", "number", "note"):
        order_id = await play.place(MUGS)
        await play.settled(order_id, "another connector")
        made = await theirs(play, **names(order_id)[way])
        await play.api("POST", "sweeps", {})
        await linked(play, order_id, made)


async def test_an_order_from_before_the_shop_was_taken_is_found_when_its_store_order_changes(play: Stage) -> None:
    """The bridge never saw the sale; the refund of today names it, and is carried over: the change is new."""
    await beside(play, create_orders=True)
    month = timedelta(days=30)
    old = int((datetime.now(UTC) - month).timestamp())
    order_id = await play.place(MUGS, create_time=old, announce=False)
    made = await theirs(play, **names(order_id)["number"])
    await linked(play, order_id, made)
    await play.magento.control("POST", "refund", {"order": made["id"]})
    await play.settled(order_id, "both books agree: all")
    assert await store_cancels(play, order_id) == 1


async def test_what_was_already_under_way_is_looked_for_and_dry_run_links_as_well(play: Stage) -> None:
    await beside(play, create_orders=True)
    order_id = await play.place(MUGS, status="AWAITING_COLLECTION")
    order = await play.settled(order_id, "already under way")
    assert kinds(order) == {"already_under_way"}
    order = await linked(play, order_id, await theirs(play, **names(order_id)["number"]))
    assert kinds(order) == set()
    await beside(play, create_orders=True, dry_run=True)
    second = await play.place(MUGS)
    await play.settled(second, "dry run: would create")
    await linked(play, second, await theirs(play, **names(second)["note"]))


async def test_before_a_create_the_note_is_looked_at_too_and_prices_need_not_be_ours(play: Stage) -> None:
    await beside(play, create_orders=True)
    await play.product("CHEAP", price="1.00")
    order_id = await play.place({"seller_sku": "CHEAP", "sale_price": "10.00", "quantity": 2}, announce=False)
    made = await theirs(play, {"sku": "CHEAP", "qty": 2}, **names(order_id)["note"])
    await play.api("POST", "sweeps", {})
    await linked(play, order_id, made)
    assert len((await play.magento.control("GET", "state"))["orders"]) == 1


async def test_without_an_invoice_it_waits_for_whoever_made_it(play: Stage) -> None:
    await beside(play)
    order_id = await play.place(MUGS)
    made = await theirs(play, invoice=False, **names(order_id)["number"])
    order = await play.settled(order_id, "has no invoice")
    assert kinds(order) == {"not_invoiced"}
    await play.magento.control("POST", "invoice", {"order": made["id"]})
    await linked(play, order_id, made)


# --- what is not taken ------------------------------------------------------------------------------------------------


async def test_several_and_other_rows_are_for_a_person(play: Stage) -> None:
    await beside(play)
    order_id = await play.place(MUGS)
    one = await theirs(play, **names(order_id)["note"])
    await linked(play, order_id, one)
    second = await play.place(MUGS, announce=False)
    for way in ("number", "note"):
        await theirs(play, **names(second)[way])
    order = await play.settled(second, "2 orders for this sale")
    assert (kinds(order), order["store_order_id"]) == ({"found_other_order"}, None)
    third = await play.place(MUGS, announce=False)
    await theirs(play, {"sku": "STICKER", "qty": 2}, **names(third)["number"])
    order = await play.settled(third, "its rows are others: 2 × mug were sold")
    assert kinds(order) == {"found_other_order"}


async def test_a_store_order_stands_for_one_sale_only(play: Stage) -> None:
    await beside(play)
    first, second = await play.place(MUGS), await play.place(MUGS, announce=False)
    notes = " ".join(names(each)["note"]["customer_note"] for each in (first, second))
    made = await theirs(play, customer_note=notes)
    await linked(play, first, made)
    await play.tiktok.control("PATCH", f"orders/{second}", {"overrides": {"buyer_message": "hi"}})
    await play.api("POST", "sweeps", {})
    order = await play.settled(second, "already tied to TikTok order")
    assert (kinds(order), order["store_order_id"]) == ({"found_other_order"}, None)


@pytest.mark.both_databases
async def test_a_longer_id_or_another_sales_external_id_is_no_match(play: Stage) -> None:
    await beside(play)
    order_id = await play.place(MUGS)
    await play.settled(order_id, "another connector")
    await theirs(play, customer_note=f"Sold on TikTok, order {order_id}1.")
    await theirs(play, increment_id=f"TTS-{order_id}9")
    await theirs(play, ext_order_id="577000000000000999", **names(order_id)["note"])
    await idle(play)
    order = await play.settled(order_id, "another connector")
    assert (order["store_order_id"], kinds(order)) == (None, set())


async def test_switched_off_nothing_is_looked_for_and_switched_on_it_is(play: Stage) -> None:
    await beside(play, link_orders=False)
    order_id = await play.place(MUGS)
    await play.settled(order_id, "another connector")
    made = await theirs(play, **names(order_id)["number"])
    await play.magento.control("GET", "deliveries?wait=10")
    await idle(play)
    order = await play.settled(order_id, "another connector")
    assert order["store_order_id"] is None
    await play.api("PUT", f"shops/{play.shop_id}", {"link_orders": True})
    await play.magento.control("POST", "ship", {"order": made["id"]})
    await linked(play, order_id, made)


async def test_a_person_may_have_one_order_looked_for_although_it_is_switched_off(play: Stage) -> None:
    await beside(play, link_orders=False)
    order_id = await play.place(MUGS)
    order = await play.settled(order_id, "another connector")
    made = await theirs(play, **names(order_id)["number"])
    await play.api("POST", f"orders/{order['id']}/settle", {"allow": ["link"]})
    await linked(play, order_id, made)


async def test_a_sale_that_is_over_is_searched_for_once(play: Stage) -> None:
    await beside(play)
    order_id = await play.place(MUGS)
    order = await play.settled(order_id, "another connector")
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})

    async def seen() -> bool:
        found = await play.api("GET", f"orders/{order_id}")
        return bool(found["reading"]["channel"]["status"] == "CANCELLED")

    await play.until(seen, "the cancellation is read")
    await swept(play)
    after = await play.magento.last_call()
    for _ in range(3):
        await swept(play)
    entries = (await play.api("GET", f"orders/{order_id}"))["changelog"]
    assert await searches(play, after, order_id) == 0, entries
    # A person who says *settle now* has it looked for again, and so has a change on either side.
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await idle(play)
    assert await searches(play, after, order_id) > 0
    made = await theirs(play, **names(order_id)["number"])
    await play.settled(order_id, "both books agree: all")
    state = await play.magento.control("GET", "state")
    assert [len(each["credit_memos"]) for each in state["orders"] if each["id"] == made["id"]] == [1]


async def test_a_pattern_of_a_note_holds_the_order_id_once(play: Stage) -> None:
    said = await ask(play, "PUT", f"/api/v1/shops/{play.shop_id}", json={"link_note_patterns": ["TikTok"]})
    assert (said.status, said.json["errors"][0]["pointer"]) == (422, "#/link_note_patterns/0")
