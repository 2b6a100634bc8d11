"""Two store views of two websites with different currencies: an order lands in the tied one, and is found there."""

from __future__ import annotations

import pytest

from tests.integration.connect.parts import MUGS, ask, refund_all
from tests.support.stage import REASON, Stage


@pytest.fixture
async def european(bare: Stage) -> Stage:
    """A German TikTok Shop tied to the second website's view; the first website is in US dollars."""
    await bare.magento.control("POST", "websites", {"website": "eu", "store": "eu_de", "currency": "EUR"})
    bare.region = "DE"
    await bare.connect(store_to_channel=False)
    await bare.product("MUG")
    await bare.api("PUT", f"shops/{bare.shop_id}", {"store": {"connection": bare.store_id, "store_view": "eu_de"}})
    reasons = await bare.api("GET", f"shops/{bare.shop_id}/cancel-reasons")
    keys = [reason["key"] for reason in reasons["reasons"]]
    reason = REASON if REASON in keys else keys[0]
    sync = {"store_to_channel": {"enabled": True, "default_reason": reason}}
    await bare.api("PUT", f"shops/{bare.shop_id}/cancellation-sync", sync)
    return bare


async def test_an_order_lands_in_the_tied_view_with_its_currency(european: Stage) -> None:
    play = european
    order_id = await play.place(MUGS)
    order = await play.imported(order_id)
    made = await play.store_order(order_id)
    assert (made["store_id"], made["currency"]) == (2, "EUR")
    assert order["store_view"] == "eu_de"


async def test_its_credit_memo_is_found_and_cancels_on_tiktok(european: Stage) -> None:
    play = european
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await refund_all(play, order_id)
    await play.settled(order_id, "both books agree: all")
    assert (await play.channel_order(order_id))["order"]["status"] == "CANCELLED"


async def test_its_credit_memo_is_found_by_the_sweep_too(european: Stage) -> None:
    play = european
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.magento.control("GET", "deliveries?wait=10")
    await play.magento.control("POST", "consumer", {"drop": 20})
    await refund_all(play, order_id)
    await play.magento.control("GET", "deliveries?wait=10")
    await play.api("POST", "sweeps", {})
    await play.settled(order_id, "both books agree: all")


async def test_a_tiktok_cancellation_is_refunded_in_that_view(european: Stage) -> None:
    play = european
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1
    assert (await play.stock("MUG"))["salable"] == 100


async def test_a_tie_to_a_view_of_another_currency_is_held_with_what_to_do(european: Stage) -> None:
    play = european
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": play.store_id, "store_view": "default"}})
    order_id = await play.place(MUGS)
    order = await play.settled(order_id, "base currency")
    assert "EUR" in order["because"]
    assert (await play.magento.control("GET", "state"))["orders"] == []


async def test_a_tie_to_an_unknown_view_is_refused_and_names_those_there_are(european: Stage) -> None:
    play = european
    before = await play.api("GET", f"shops/{play.shop_id}")
    body = {"store": {"connection": play.store_id, "store_view": "fr"}}
    said = await ask(play, "PUT", f"/api/v1/shops/{play.shop_id}", json=body)
    assert (said.status, said.json["type"]) == (422, "/problems/invalid")
    assert "default, eu_de" in said.json["detail"]
    assert await play.api("GET", f"shops/{play.shop_id}") == before


async def test_a_view_added_later_is_known_after_doctor(play: Stage) -> None:
    await play.magento.control("POST", "websites", {"website": "eu", "store": "eu_de", "currency": "EUR"})
    body = {"store": {"connection": play.store_id, "store_view": "eu_de"}}
    said = await ask(play, "PUT", f"/api/v1/shops/{play.shop_id}", json=body)
    assert said.status == 422
    await play.api("POST", f"connections/{play.store_id}/doctor")
    await play.api("PUT", f"shops/{play.shop_id}", body)


async def test_an_order_pins_its_view_and_a_changed_tie_touches_later_orders_only(play: Stage) -> None:
    await play.magento.control("POST", "websites", {"website": "us2", "store": "us_two", "currency": "USD"})
    await play.api("POST", f"connections/{play.store_id}/doctor")
    first = await play.place(MUGS)
    await play.imported(first)
    await play.api("PUT", f"shops/{play.shop_id}", {"store": {"connection": play.store_id, "store_view": "us_two"}})
    second = await play.place(MUGS)
    await play.imported(second)
    assert ((await play.store_order(first))["store_id"], (await play.store_order(second))["store_id"]) == (1, 2)
    for order_id in (first, second):
        await refund_all(play, order_id)
        await play.settled(order_id, "both books agree: all")
