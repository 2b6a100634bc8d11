"""A run over the past: what would have been done, done by nobody; and chosen orders of it settled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.integration.connect.parts import MUGS, STICKER, JsonObject, ask, audited, idle, kinds, store_cancels
from tests.integration.full.test_full_linking import NOTES, NUMBERS, names, theirs
from tests.integration.pages.browsing import PASSWORD, Browser
from tests.support.mariadb import free_port
from tests.support.stage import REASON, Stage

if TYPE_CHECKING:
    from tests.integration.web.house import House

BOTH = {"store_to_channel": {"enabled": True, "default_reason": REASON}, "channel_to_store": {"enabled": True}}


async def before_go_live(play: Stage, **more: Any) -> None:
    """Another connector does everything; nothing of ours is switched on."""
    off = {"store_to_channel": {"enabled": False}, "channel_to_store": {"enabled": False}}
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", off)
    body = {"create_orders": False, "link_patterns": [NUMBERS], "link_note_patterns": [NOTES], **more}
    await play.api("PUT", f"shops/{play.shop_id}", body)


async def went_live(play: Stage) -> None:
    """Both directions on, dry run off, a second after whatever was before."""
    start = datetime.now(UTC).replace(microsecond=0)

    async def later() -> bool:
        return datetime.now(UTC) > start + timedelta(seconds=1)

    await play.until(later, "a second has passed")
    await play.api("PUT", f"shops/{play.shop_id}", {"dry_run": False})
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", BOTH)


async def month(play: Stage) -> dict[str, str]:
    """A mixed month: what happened → TikTok order id. The other connector made the store orders."""
    found: dict[str, str] = {}
    made: dict[str, JsonObject] = {}
    for name, way in (
        ("living", "number"),
        ("refunded", "number"),
        ("refunded in part", "note"),
        ("cancelled", "external id"),
        ("cancelled in part", "number"),
        ("both", "note"),
    ):
        found[name] = await play.place(MUGS, STICKER, announce=False)
        items = ({"sku": "MUG", "qty": 2}, {"sku": "STICKER", "qty": 1})
        made[name] = await theirs(play, *items, **names(found[name])[way])
    found["never in the store"] = await play.place(MUGS, announce=False)
    found["other rows"] = await play.place(MUGS, announce=False)
    await theirs(play, {"sku": "STICKER", "qty": 5}, **names(found["other rows"])["number"])
    await play.magento.control("POST", "refund", {"order": made["refunded"]["id"]})
    row = made["refunded in part"]["items"][0]["item_id"]
    part = {"order": made["refunded in part"]["id"], "items": [{"order_item_id": row, "qty": 1}], "shipping_amount": 0}
    await play.magento.control("POST", "refund", part)
    await cancel(play, found["cancelled"])
    line = (await play.channel_order(found["cancelled in part"]))["order"]["line_items"][0]["id"]
    await cancel(play, found["cancelled in part"], lines=[line])
    await play.magento.control("POST", "refund", {"order": made["both"]["id"]})
    await cancel(play, found["both"])
    await cancel(play, found["never in the store"])
    await play.magento.control("GET", "deliveries?wait=10")
    return found


async def cancel(play: Stage, order_id: str, **more: Any) -> None:
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False, **more})


async def run(play: Stage, **body: Any) -> JsonObject:
    job = (await play.api("POST", f"shops/{play.shop_id}/history", body, expect=202))["job"]
    return await ended(play, job)


async def at_the_pages(play: Stage) -> Browser:
    """A manager's browser, signed in."""
    await play.api("POST", "users", {"name": "anna", "password": PASSWORD, "role": "manager"})
    browser = Browser(cast("House", play))  # all that a browser needs of one is its address and its session
    assert "Sign out" in (await browser.sign_in("anna")).words
    return browser


async def ended(play: Stage, job: str, seconds: float = 60) -> JsonObject:
    async def done() -> Any:
        found = await play.api("GET", f"jobs/{job}")
        return found if found["state"] in {"done", "failed"} else None

    found: JsonObject = await play.until(done, "the run ends", seconds)
    assert found["state"] == "done", found
    return found


async def rows(play: Stage, effect: str | None = "all") -> dict[str, JsonObject]:
    query = f"?effect={effect}" if effect else ""
    found = await play.api("GET", f"shops/{play.shop_id}/history{query}")
    return {row["channel_order_id"]: row for row in found["orders"]}


async def apply(play: Stage, job: str, *order_ids: str) -> dict[str, JsonObject]:
    body = {"job": job, "orders": list(order_ids)}
    answers = (await play.api("POST", f"shops/{play.shop_id}/history/apply", body, expect=202))["orders"]
    assert [one["order"] for one in answers] == list(order_ids)
    return {one["order"]: one for one in answers}


async def acts(play: Stage) -> tuple[int, int]:
    """Credit memos in the store; cancels we sent to TikTok."""
    state = await play.magento.control("GET", "state")
    channel = await play.tiktok.control("GET", "state")
    cancels = [order["effects"].get("seller_cancel_calls", 0) for order in channel["orders"].values()]
    return sum(len(order["credit_memos"]) for order in state["orders"]), sum(cancels)


@pytest.mark.both_databases
async def test_a_month_is_shown_and_nothing_is_done(play: Stage) -> None:
    """In dry run, with both directions off: the run takes them as on, since ever."""
    await before_go_live(play, dry_run=True)
    sales = await month(play)
    await idle(play)
    before, orders_before = await acts(play), await play.api("GET", "orders?limit=200")
    job = await run(play, days=30)
    assert await acts(play) == before
    found = await rows(play)
    would = {name: found[order_id]["effect"] or found[order_id]["verdict"] for name, order_id in sales.items()}
    assert would == {
        "living": "settled",
        "refunded": "cancel",
        "refunded in part": "held",
        "cancelled": "refund",
        "cancelled in part": "refund",
        "both": "settled",
        "never in the store": "ignored",
        "other rows": "held",
    }
    assert job["result"] == {"orders": 8, "counts": {"cancel": 1, "refund": 2, "held": 2, "nothing": 3}}
    refund = found[sales["cancelled"]]
    assert "not restocked" in refund["because"]
    assert refund["facts"]["everything"] is True
    assert {(row["sku"], row["quantity"], row["restock"]) for row in refund["facts"]["rows"]} == {
        ("MUG", 2, False),
        ("STICKER", 1, False),
    }
    assert len(refund["facts"]["units"]) == 3
    part = found[sales["cancelled in part"]]["facts"]
    assert (part["everything"], len(part["units"]), [(row["sku"], row["quantity"]) for row in part["rows"]]) == (
        False,
        1,
        [("MUG", 1)],
    )
    assert datetime.fromisoformat(refund["facts"]["changed_at"]) < datetime.now(UTC)
    assert found[sales["refunded"]]["store_number"] == f"TTS-{sales['refunded']}"
    assert "its rows are others" in found[sales["other rows"]]["because"]
    assert set(await rows(play, None)) == {
        sales[name] for name in ("refunded", "cancelled", "refunded in part", "cancelled in part", "other rows")
    }
    # Nothing was written to an order: those that were known are as they were, and no other is known.
    after = await play.api("GET", "orders?limit=200")
    assert [(one["id"], one["updated_at"]) for one in after["orders"]] == [
        (one["id"], one["updated_at"]) for one in orders_before["orders"]
    ]
    progress = job["progress"]
    assert (progress["orders"], progress["found"], progress["held"]) == (8, 3, 2)
    assert progress["read"] == progress["of_about"] > 8


@pytest.mark.both_databases
async def test_one_direction_may_be_asked_for_and_a_second_run_waits_for_the_first(play: Stage) -> None:
    await before_go_live(play)
    sales = await month(play)
    path = f"shops/{play.shop_id}/history"
    job = (await play.api("POST", path, {"directions": ["channel_to_store"]}, expect=202))["job"]
    said = await ask(play, "POST", f"/api/v1/{path}", json={})
    assert (said.status, "under way" in said.json["detail"]) == (409, True)
    begun = {"job": job, "days": 30, "directions": ["channel_to_store"]}
    assert await audited(play, f"shop {play.shop_id} history begun") == [begun], "not for the one that was refused"
    found = await ended(play, job)
    assert {name for name, count in found["result"]["counts"].items() if count} == {"refund", "held", "nothing"}
    assert (await rows(play, "refund")).keys() == {sales["cancelled"], sales["cancelled in part"]}
    wrong: list[JsonObject] = [{"days": 0}, {"days": 91}, {"directions": []}, {"directions": ["sideways"]}]
    for body in wrong:
        assert (await ask(play, "POST", f"/api/v1/{path}", json=body)).status == 422, body
    assert (await ask(play, "GET", f"/api/v1/{path}?job=job_nothing")).status == 404
    assert (await ask(play, "GET", "/api/v1/shops/shp_nothing/history")).status == 404


@pytest.mark.both_databases
async def test_chosen_orders_are_settled_the_others_are_left_and_twice_is_once(play: Stage) -> None:
    await before_go_live(play)
    sales = await month(play)
    second = await play.place(MUGS, announce=False)
    made = await theirs(play, **names(second)["number"])
    await play.magento.control("POST", "refund", {"order": made["id"]})
    browser, here = await at_the_pages(play), f"/history/{play.shop_id}"
    begun = await browser.submit(await browser.get("/history"), here, days="30")
    assert "The run has begun" in begun.words
    job = (await play.api("GET", f"shops/{play.shop_id}/history"))["job"]["id"]
    await ended(play, job)
    page = await browser.get(here)
    assert "Cancellation on TikTok Shop 2" in page.words
    assert "Credit memo in" in page.words
    assert "switched off: switch it on first" in page.words
    assert "Choose order" not in page.html, "nothing can be applied yet"
    early = await apply(play, job, sales["refunded"])
    assert "switched off: switch it on first" in early[sales["refunded"]]["says"]
    await went_live(play)
    await idle(play)
    before = await acts(play)
    answers = await apply(play, job, sales["living"], "577000000000000000")
    assert [one["state"] for one in answers.values()] == ["refused", "refused"]
    assert "nothing would have been done" in answers[sales["living"]]["says"]
    chosen = [sales["refunded"], sales["cancelled"]]
    shown = await browser.submit(await browser.get(here), f"{here}/apply", order=chosen)
    assert "2 × MUG, not restocked" in shown.words
    assert "1 × Cancellation on TikTok Shop , for units worth 25.00 USD" in shown.words
    assert await acts(play) == before, "the page only says what will happen"
    done = await browser.submit(shown, f"{here}/apply")
    assert "2 orders were accepted" in done.words
    for name in ("refunded", "cancelled"):
        order = await play.settled(sales[name], "both books agree: all")
        assert order["origin"] == "linked"
        assert f"/orders/{order['id']}" in done.links
    assert await acts(play) == (before[0] + 1, before[1] + 1)
    again = await apply(play, job, sales["refunded"], sales["cancelled"])
    assert {one["state"] for one in again.values()} == {"accepted"}
    await idle(play)
    assert await acts(play) == (before[0] + 1, before[1] + 1)
    assert await store_cancels(play, second) == 0
    now = await rows(play, "all")
    assert (now[sales["refunded"]]["state"], now[second]["state"]) == ("applied", "found")
    assert now[sales["refunded"]]["order"]["state"] == "settled"
    audit = (await play.api("GET", f"audit?what=shop {play.shop_id} history applied"))["changes"]
    assert audit[-1]["after"] == {"job": job, "orders": chosen}
    assert audit[-1]["who"] == "user anna"


async def test_what_has_changed_since_the_run_decides(play: Stage) -> None:
    """The run found a cancel, and the merchant has cancelled in Seller Center meanwhile; and the other way round."""
    await before_go_live(play)
    sales = await month(play)
    job = (await run(play))["id"]
    await went_live(play)
    await cancel(play, sales["refunded"])
    state = await play.magento.control("GET", "state")
    made = next(order for order in state["orders"] if order["ext_order_id"] == sales["cancelled"])
    await play.magento.control("POST", "refund", {"order": made["id"]})
    await idle(play)
    before = await acts(play)
    await apply(play, job, sales["refunded"], sales["cancelled"])
    for name in ("refunded", "cancelled"):
        await play.settled(sales[name], "both books agree: all")
    assert await acts(play) == before


async def test_in_dry_run_nothing_is_applied(play: Stage) -> None:
    await before_go_live(play, dry_run=True)
    sales = await month(play)
    await play.api("PUT", f"shops/{play.shop_id}/cancellation-sync", BOTH)
    job = (await run(play))["id"]
    before = await acts(play)
    answers = await apply(play, job, sales["refunded"])
    assert (answers[sales["refunded"]]["state"], "dry run" in answers[sales["refunded"]]["says"]) == ("refused", True)
    await idle(play)
    assert await acts(play) == before


@pytest.mark.both_databases
async def test_linking_switched_off_an_applied_order_is_looked_for_all_the_same(play: Stage) -> None:
    await before_go_live(play, link_orders=False)
    sales = await month(play)
    job = (await run(play))["id"]
    await went_live(play)
    await apply(play, job, sales["refunded"])
    await play.settled(sales["refunded"], "both books agree: all")
    assert await store_cancels(play, sales["refunded"]) == 1


@pytest.mark.both_databases
async def test_a_run_that_was_killed_is_gone_on_with_and_compares_no_order_twice(dark: Stage) -> None:
    play, port = dark, free_port()
    await play.start(port)
    await play.connect()
    await play.product("MUG", price="10.00")
    await play.product("STICKER", price="5.00")
    await before_go_live(play)
    await month(play)
    job = (await play.api("POST", f"shops/{play.shop_id}/history", {}, expect=202))["job"]

    async def some() -> Any:
        found = await rows(play)
        return found if len(found) >= 3 else None

    before = await play.until(some, "some orders are compared")
    await play.kill()
    # Where others may serve the same database, the dead process's lease must run out first.
    await play.leases_run_out()
    await play.start(port)
    found = await ended(play, job, 60)
    assert found["result"]["counts"] == {"cancel": 1, "refund": 2, "held": 2, "nothing": 3}
    after = await rows(play)
    assert {order_id: row["found_at"] for order_id, row in before.items()} == {
        order_id: after[order_id]["found_at"] for order_id in before
    }
    assert found["progress"]["read"] == found["progress"]["of_about"]


async def test_a_store_that_is_down_is_waited_for(play: Stage) -> None:
    await before_go_live(play)
    await month(play)
    await idle(play)
    await play.magento.fault(kind="fail", path="V1/orders", status=503, body="<html>", times=2)
    job = (await play.api("POST", f"shops/{play.shop_id}/history", {}, expect=202))["job"]

    async def waits() -> Any:
        return (await play.api("GET", f"jobs/{job}"))["progress"]["waiting"]

    assert "tried again at" in await play.until(waits, "the run waits")
    found = await ended(play, job)
    assert found["result"]["counts"] == {"cancel": 1, "refund": 2, "held": 2, "nothing": 3}


# --- switching on never acts on the past ------------------------------------------------------------------------------


async def test_whatever_is_switched_on_the_past_is_shown_and_left(play: Stage) -> None:
    """Old memos and cancellations on linked orders; then directions, dry run, tie, authorization, brake, links."""
    await before_go_live(play)
    refunded, cancelled, later = [await play.place(MUGS) for _ in range(3)]
    for order_id in (refunded, cancelled):
        await theirs(play, **names(order_id)["number"])
        await play.settled(order_id, "alive on both sides")
    unlinked = await theirs(play, **names(later)["number"], invoice=True)
    state = await play.magento.control("GET", "state")
    for order in state["orders"]:
        if order["increment_id"] == f"TTS-{refunded}" or order["id"] == unlinked["id"]:
            await play.magento.control("POST", "refund", {"order": order["id"]})
    await cancel(play, cancelled)
    await idle(play)
    before = await acts(play)
    sync, shop = f"shops/{play.shop_id}/cancellation-sync", f"shops/{play.shop_id}"

    async def nothing_happens(what: str) -> None:
        since = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        await play.api("POST", "sweeps", {"since": since})
        for order_id in (refunded, cancelled, later):
            order = await play.order(order_id)
            assert order is not None
            await play.api("POST", f"orders/{order['id']}/settle", {})

        async def shown() -> bool:
            found = [await play.order(order_id) for order_id in (refunded, cancelled, later)]
            return all(order is not None and kinds(order) == {"before_switch_on"} for order in found)

        await play.until(shown, f"all three are shown as the past: {what}")
        await idle(play)
        assert await acts(play) == before, what

    await went_live(play)
    await nothing_happens("both directions switched on")
    await play.api("PUT", shop, {"dry_run": True})
    await play.api("PUT", shop, {"dry_run": False})
    await nothing_happens("dry run switched off")
    tie = (await play.api("GET", shop))["store"]
    await play.api("PUT", shop, {"store": None})
    await play.api("PUT", shop, {"store": tie})
    await nothing_happens("tied again")
    await play.api("POST", f"connections/{play.store_id}/doctor")
    await play.api("POST", f"connections/{play.tiktok_id}/doctor")
    await nothing_happens("authorized again")
    await play.api("PUT", sync, {"store_to_channel": {"max_cancels_per_hour": 1}})
    await play.api("PUT", sync, {"store_to_channel": {"max_cancels_per_hour": 100}})
    await nothing_happens("the brake moved")
    await play.api("PUT", shop, {"link_orders": False})
    await play.api("PUT", shop, {"link_orders": True, "link_patterns": [NUMBERS, "X-{id}"]})
    await nothing_happens("links by other patterns")
    for one in ("store_to_channel", "channel_to_store"):
        await play.api("PUT", sync, {one: {"enabled": False}})
        await play.api("PUT", sync, {one: {"enabled": True}})
    await nothing_happens("directions switched off and on")
