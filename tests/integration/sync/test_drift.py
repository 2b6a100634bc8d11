"""What was never told: found by the sweep or the audit, counted once, told late or never, healed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.stage import Stage

MUG = {"seller_sku": "MUG", "sale_price": "10.00"}


async def sweep(play: Stage) -> None:
    job = (await play.api("POST", "sweeps", {}, expect=202))["job"]

    async def ended() -> Any:
        found = await play.api("GET", f"jobs/{job}")
        return found if found["state"] in {"done", "failed"} else None

    found = await play.until(ended, "the sweep ends")
    assert (found["state"], found["result"]["not_swept"]) == ("done", {})


async def drained(play: Stage) -> None:
    """Every message on its way has arrived, and what it asked for was looked at."""
    assert (await play.magento.control("GET", "deliveries?wait=10"))["drained"]
    assert (await play.tiktok.control("GET", "webhooks/drained?wait=10"))["drained"]
    await play.until(lambda: at_rest(play), "nothing is due")


async def at_rest(play: Stage) -> bool:
    async with play.session.get(f"{play.url}/metrics") as answer:
        text = await answer.text()
    return all(f'bridge_work{{state="{state}"}} 0.0' in text for state in ("due", "waiting", "leased"))


async def drifts(play: Stage, query: str = "") -> Any:
    return await play.api("GET", f"drifts{query}")


async def lose_tiktok(play: Stage, number: int) -> None:
    await play.tiktok.control("PATCH", "settings", {"webhooks_drop_next": number})


async def refund_all(play: Stage, order_id: str) -> None:
    store = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": store["id"]})


async def test_a_told_cancellation_is_no_drift(play: Stage) -> None:
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM"})
    await play.settled(order_id, "refunded in the store")
    second = await play.place(MUG)
    await play.imported(second)
    await drained(play)
    await refund_all(play, second)
    await play.settled(second, "refunded in the store")
    found = await drifts(play)
    assert (found["drifts"], found["totals"]) == ([], {"last_day": [], "last_30_days": []})


@pytest.mark.both_databases
async def test_a_lost_message_of_tiktok_is_found_by_the_sweep_counted_and_healed(play: Stage) -> None:
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await drained(play)
    await lose_tiktok(play, 9)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM"})
    await sweep(play)
    order = await play.settled(order_id, "refunded in the store")
    told = [entry for entry in order["changelog"] if entry["event"] == "drift"]
    assert [entry["facts"]["found_by"] for entry in told] == ["sweep"]
    assert told[0]["because"].startswith("found by the sweep: no message had told of cancellation ")
    found = await drifts(play)
    assert len(found["drifts"]) == 1
    drift = found["drifts"][0]
    assert (drift["side"], drift["effect"], drift["order"]) == ("channel", "refund", order["id"])
    assert (drift["connection"], drift["told_at"]) == (play.tiktok_id, None)
    assert drift["healed_at"] is not None
    day = {"side": "channel", "found": 1, "by_audit": 0, "told_late": 0, "never_told": 1, "healed": 1, "open": 0}
    assert found["totals"]["last_day"] == [day]
    assert (await drifts(play, f"?connection={play.store_id}"))["drifts"] == []


async def test_a_lost_message_of_the_store_is_found_by_the_sweep(play: Stage) -> None:
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await drained(play)
    await play.magento.control("POST", "consumer", {"drop": 9})
    await refund_all(play, order_id)
    await sweep(play)
    await play.settled(order_id, "refunded in the store")
    drift = (await drifts(play))["drifts"][0]
    assert (drift["side"], drift["effect"], drift["connection"]) == ("store", "cancel", play.store_id)
    assert drift["because"].startswith("found by the sweep: no message had told of credit memo 0")


async def test_a_message_that_comes_after_all_told_late(play: Stage) -> None:
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await drained(play)
    await play.magento.control("POST", "consumer", {"paused": True})
    await refund_all(play, order_id)
    await sweep(play)
    await play.settled(order_id, "refunded in the store")
    assert (await drifts(play))["drifts"][0]["told_at"] is None
    await play.magento.control("POST", "consumer", {"paused": False})

    async def told() -> Any:
        return (await drifts(play))["totals"]["last_day"][0]["told_late"]

    await play.until(told, "the drift is told late")
    order = await play.order(order_id)
    assert order is not None
    assert "came after all, 0 minutes later" in [e["because"] for e in order["changelog"] if e["event"] == "drift"][-1]
    day = {"side": "store", "found": 1, "by_audit": 0, "told_late": 1, "never_told": 0, "healed": 1, "open": 0}
    assert (await drifts(play))["totals"]["last_day"] == [day]


async def test_an_order_no_message_ever_named_is_a_drift(play: Stage) -> None:
    order_id = await play.place(MUG, announce=False)
    await sweep(play)
    await play.imported(order_id)
    drift = (await drifts(play))["drifts"][0]
    assert (drift["effect"], drift["side"], drift["found_by"]) == ("create", "channel", "sweep")


async def test_the_state_of_the_sweeps_is_shown(play: Stage) -> None:
    order_id = await play.place(MUG)
    await play.imported(order_id)
    await sweep(play)
    status = await play.api("GET", "sweeps")
    shown = {(one["connection"], one["stream"]): one for one in status["cursors"]}
    wanted = {(play.tiktok_id, "orders"), (play.tiktok_id, "cancellations")}
    assert set(shown) == wanted | {(play.store_id, "orders"), (play.store_id, "creditmemos")}
    orders = shown[play.store_id, "orders"]
    assert (orders["seen"], orders["running"], orders["name"]) == (1, False, "Store")
    assert orders["since"] is not None
    assert status["audit"] is None


async def silent(play: Stage, kind: str) -> list[Any]:
    return list((await play.api("GET", f"attention?kind={kind}"))["items"])


async def test_a_store_that_tells_nothing_is_asked_about_until_it_delivers_again(play: Stage) -> None:
    order_ids = [await play.place(MUG) for _ in range(4)]
    for order_id in order_ids:
        await play.imported(order_id)
    await drained(play)
    # A second of the store's clock passes: what it delivered before was delivered before.
    await play.magento.control("POST", "settings", {"clock_offset": 5})
    await play.magento.control("POST", "consumer", {"drop": 99})
    for order_id in order_ids[:2]:
        await refund_all(play, order_id)
    await sweep(play)
    for order_id in order_ids[:2]:
        await play.settled(order_id, "refunded in the store")
    await sweep(play)
    assert await silent(play, "silent_plugin") == []
    await refund_all(play, order_ids[2])
    await sweep(play)
    await play.settled(order_ids[2], "refunded in the store")
    await sweep(play)
    items = await silent(play, "silent_plugin")
    assert [(item["connection"], item["facts"]["drifts"]) for item in items] == [(play.store_id, 3)]
    assert "3 changes of 3 orders" in items[0]["because"]
    assert await silent(play, "silent_channel") == []
    await play.magento.control("POST", "consumer", {"drop": 0})
    await refund_all(play, order_ids[3])
    await play.settled(order_ids[3], "refunded in the store")
    await sweep(play)
    assert await silent(play, "silent_plugin") == []
