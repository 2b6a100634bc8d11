from __future__ import annotations

from typing import Any

import pytest

from bridge.domain.channel_order import CancellationStatus
from bridge.domain.outcomes import AlreadyDone, Done, Rejected
from bridge.ports import Channel
from tests.contract.channel.channel_world import World, out_of_stock, reading

OUT = out_of_stock("US")


async def test_pending_is_not_done(world: World, channel: Channel) -> None:
    await world.control("PATCH", "/settings", cancel_result="pending")
    order = await reading(channel, await world.place())
    outcome = await channel.cancel_order(order, OUT, None)
    assert isinstance(outcome, Done)
    assert outcome.facts["status"] == CancellationStatus.PENDING
    order = await reading(channel, order.id)
    assert len(order.living) == 2
    assert order.requests() == ()  # ours, not a buyer's
    again = await channel.cancel_order(order, OUT, None)
    assert isinstance(again, AlreadyDone)
    await world.control("POST", f"/cancellations/{outcome.reference}/accept")
    assert (await reading(channel, order.id)).living == ()


@pytest.mark.parametrize(
    ("reason", "code"),
    [("no_such_reason", "25001014"), ("seller_cancel_unpaid_reason_out_of_stock", "25001021")],
)
async def test_a_wrong_reason(world: World, channel: Channel, reason: str, code: str) -> None:
    order = await reading(channel, await world.place())
    outcome = await channel.cancel_order(order, reason, None)
    assert isinstance(outcome, Rejected)
    assert outcome.code == code
    assert len((await reading(channel, order.id)).living) == 2


async def test_an_order_on_its_way(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/advance", status="IN_TRANSIT")
    outcome = await channel.cancel_order(await reading(channel, order_id), OUT, None)
    assert isinstance(outcome, Rejected)
    assert "courier" in outcome.because


@pytest.mark.parametrize("region", ["US", "GB"])
async def test_single_lines_where_allowed(world: World, region: str) -> None:
    channel, _ = await world.channel(region)
    order = await reading(channel, await world.place(region, quantity=3))
    chosen = frozenset(unit.id for unit in order.units[:2])
    outcome = await channel.cancel_order(order, out_of_stock(region), chosen)
    assert isinstance(outcome, Done)
    order = await reading(channel, order.id)
    assert set(order.deaths()) == chosen
    assert order.status == "AWAITING_SHIPMENT"
    rest = await channel.cancel_order(order, out_of_stock(region), None)
    assert isinstance(rest, Done)
    order = await reading(channel, order.id)
    assert order.living == ()
    assert set((await world.seen(order.id))["line_cancels"].values()) == {1}


async def test_lines_that_are_dead_already_are_looked_at_again(world: World, channel: Channel) -> None:
    """25005011: between our reading and our call somebody else cancelled one of them."""
    order = await reading(channel, await world.place(quantity=3))
    chosen = frozenset(unit.id for unit in order.units[:2])
    lines = [order.units[0].id]
    await world.control("POST", f"/orders/{order.id}/cancel", role="SYSTEM", pending=False, lines=lines)
    await world.control("PATCH", "/settings", completion="at_once")
    outcome = await channel.cancel_order(order, OUT, chosen)
    assert isinstance(outcome, AlreadyDone), outcome
    assert set((await reading(channel, order.id)).deaths()) == set(lines)


async def test_pending_lines_are_not_done(world: World, channel: Channel) -> None:
    await world.control("PATCH", "/settings", cancel_result="pending")
    order = await reading(channel, await world.place(quantity=3))
    one = frozenset({order.units[1].id})
    outcome = await channel.cancel_order(order, OUT, one)
    assert isinstance(outcome, Done)
    assert outcome.facts["status"] == CancellationStatus.PENDING
    order = await reading(channel, order.id)
    assert (order.deaths(), [record.unit_ids for record in order.cancellations]) == ({}, [one])
    await world.control("POST", f"/cancellations/{outcome.reference}/accept")
    assert set((await reading(channel, order.id)).deaths()) == one


async def test_single_lines_where_not_allowed_never_become_the_whole_order(world: World) -> None:
    asked: list[tuple[str, str, Any]] = [
        ("DE", "seller_cancel_reason_out_of_stock", 1),
        ("MX", "seller_cancel_reason_out_of_stock", 1),
        ("US", "seller_cancel_reason_wrong_price", 1),
        ("US", "seller_cancel_reason_out_of_stock", 0),
    ]
    for region, reason, count in asked:
        channel, _ = await world.channel(region)
        order = await reading(channel, await world.place(region))
        chosen = frozenset(unit.id for unit in order.units[:count])
        outcome = await channel.cancel_order(order, reason, chosen)
        assert isinstance(outcome, Rejected), (region, reason)
        assert len((await reading(channel, order.id)).living) == 2
    channel, _ = await world.channel()
    order = await reading(channel, await world.place())
    strangers = await channel.cancel_order(order, OUT, frozenset({"577999999999999999"}))
    assert isinstance(strangers, Rejected)
    assert await world.calls("/cancellations[?]") == []


async def test_a_buyers_request_is_approved_once(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    order = await reading(channel, order_id)
    (request,) = order.requests()
    cancelled = await channel.cancel_order(order, OUT, None)
    assert isinstance(cancelled, AlreadyDone)  # a request waits: it is answered instead
    assert isinstance(await channel.approve_cancellation(request.id, "token-1"), Done)
    order = await reading(channel, order_id)
    assert order.living == ()
    assert isinstance(await channel.approve_cancellation(request.id, "token-1"), Done | AlreadyDone)
    assert isinstance(await channel.approve_cancellation(request.id, "token-2"), AlreadyDone)
    assert set((await world.seen(order_id))["line_cancels"].values()) == {1}


async def test_a_buyers_request_is_rejected(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    (request,) = (await reading(channel, order_id)).requests()
    refused = await channel.reject_cancellation(request.id, "no_such_reason", "", "token-1")
    assert isinstance(refused, Rejected)
    packed = "seller_reject_apply_product_has_been_packed"
    assert isinstance(await channel.reject_cancellation(request.id, packed, "已打包 – packed", "token-2"), Done)
    order = await reading(channel, order_id)
    assert order.requests() == ()
    assert len(order.living) == 2
    assert isinstance(await channel.reject_cancellation("../7", packed, "", "t"), Rejected)
