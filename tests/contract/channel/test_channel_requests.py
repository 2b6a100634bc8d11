"""Answering buyers' requests: TikTok's own reasons, answers that come too late, and the key that tells them apart."""

from __future__ import annotations

import pytest

from bridge.domain.channel_order import Cancellation, CancellationStatus
from bridge.domain.outcomes import AlreadyDone, Done, Rejected, RemoteProblem
from bridge.ports import Channel
from tests.contract.channel.channel_world import World, reading

PACKED = "seller_reject_apply_product_has_been_packed"


async def asked(world: World, channel: Channel, region: str = "US") -> Cancellation:
    order_id = await world.place(region)
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    (request,) = (await reading(channel, order_id)).requests()
    return request


async def status_of(channel: Channel, request: Cancellation, order_id: str) -> str:
    order = await reading(channel, order_id)
    return next(one.status for one in order.cancellations if one.id == request.id)


@pytest.mark.parametrize(
    ("region", "key"),
    [
        ("US", PACKED),
        ("GB", "order_manage_list_action_respond_popup_reject_reason_delivered_uk"),
        ("DE", "ecom_reverse_reject_cancel_reason_product_packed"),
        ("MX", "reverse_reject_request_reason_5"),
    ],
)
async def test_reasons_are_those_of_the_market_and_each_of_them_is_taken(world: World, region: str, key: str) -> None:
    channel, _ = await world.channel(region)
    listed = await channel.reject_reasons((await asked(world, channel, region)).id)
    assert key in {reason.key for reason in listed}
    assert all(reason.text for reason in listed)
    for number, reason in enumerate(listed):
        request = await asked(world, channel, region)
        assert isinstance(await channel.reject_cancellation(request.id, reason.key, "", f"token-{number}"), Done)


async def test_a_reason_of_another_market_is_refused_and_the_request_waits_on(world: World, channel: Channel) -> None:
    request = await asked(world, channel)
    foreign = "ecom_reverse_reject_cancel_reason_product_packed"
    outcome = await channel.reject_cancellation(request.id, foreign, "", "token-1")
    assert isinstance(outcome, Rejected)
    assert outcome.code == "25001016"
    again = await channel.reject_cancellation(request.id, PACKED, "It is packed", "token-1")
    assert isinstance(again, Done), "a refused call leaves its key free"


async def test_an_approved_request_is_not_rejected(world: World, channel: Channel) -> None:
    request = await asked(world, channel)
    assert isinstance(await channel.approve_cancellation(request.id, "token-1"), Done)
    late = await channel.reject_cancellation(request.id, PACKED, "", "token-2")
    assert isinstance(late, Rejected)
    assert "approved already" in late.because


async def test_a_withdrawn_request_is_answered_by_a_look(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    (request,) = (await reading(channel, order_id)).requests()
    await world.control("POST", f"/cancellations/{request.id}/withdraw")
    assert isinstance(await channel.approve_cancellation(request.id, "token-1"), AlreadyDone)
    assert isinstance(await channel.reject_cancellation(request.id, PACKED, "", "token-2"), AlreadyDone)
    assert await status_of(channel, request, order_id) == CancellationStatus.CLOSED
    assert set((await world.seen(order_id))["line_cancels"].values()) == {0}


async def test_a_request_that_timed_out_is_approved_by_the_channel(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    (request,) = (await reading(channel, order_id)).requests()
    assert request.respond_by is not None
    await world.control("POST", f"/cancellations/{request.id}/time-out")
    order = await reading(channel, order_id)
    assert (order.living, order.requests()) == ((), ())
    assert isinstance(await channel.approve_cancellation(request.id, "token-1"), AlreadyDone)


async def test_the_same_key_answers_once_and_another_request_needs_another(world: World, channel: Channel) -> None:
    """A buyer who was rejected may ask again for the same units."""
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    (first,) = (await reading(channel, order_id)).requests()
    for _ in range(2):
        assert isinstance(await channel.reject_cancellation(first.id, PACKED, "", "token-1"), Done)
    assert (await world.seen(order_id))["effects"]["reject_calls"] == 1
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    (second,) = (await reading(channel, order_id)).requests()
    assert second.id != first.id
    assert isinstance(await channel.reject_cancellation(second.id, PACKED, "", "token-1"), Rejected), "key is taken"
    assert isinstance(await channel.reject_cancellation(second.id, PACKED, "", "token-2"), Done)


async def test_shipping_rejects_it_in_the_us(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")
    (request,) = (await reading(channel, order_id)).requests()
    await world.control("POST", f"/orders/{order_id}/ship")
    assert await status_of(channel, request, order_id) == CancellationStatus.CLOSED
    assert isinstance(await channel.approve_cancellation(request.id, "token-1"), AlreadyDone)


async def test_a_market_that_takes_no_rejection_says_so(world: World, channel: Channel) -> None:
    await world.control("PATCH", "/settings", us_takes_reject=False)
    request = await asked(world, channel)
    refused = await channel.reject_cancellation(request.id, PACKED, "", "token-1")
    assert isinstance(refused, Rejected)
    assert refused.code == "25020004"


async def test_reasons_of_a_request_that_is_not_there_are_no_list(channel: Channel) -> None:
    with pytest.raises(RemoteProblem):
        await channel.reject_reasons("4035999999999999999")
