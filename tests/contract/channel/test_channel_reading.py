from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.domain.channel_order import CancellationStatus
from bridge.ports import Channel
from tests.contract import tiktok_spec
from tests.contract.channel.channel_world import World, out_of_stock, reading


def test_requests_are_held_against_the_published_pages() -> None:
    """The check itself runs at the end of every test of this suite."""
    if tiktok_spec.load() is None:
        pytest.skip(f"requests are not checked: {tiktok_spec.ABSENT}")
    spec = tiktok_spec.load()
    assert spec is not None
    problems = spec.request_problems("POST", "/return_refund/202309/cancellations", {"idempotency_key": "x"}, {}, {})
    assert "query.idempotency_key is not listed" in problems


async def test_an_order_in_full(world: World, channel: Channel) -> None:
    order = await reading(channel, await world.place(quantity=3))
    assert order.region == "US"
    assert order.shop_id == world.shops["US"].id
    assert order.is_known
    assert len(order.living) == 3
    assert order.payment.total.amount == Decimal("35.00")
    assert order.address.country == "US"
    assert order.address.street
    assert not order.has_tracking


async def test_many_cancellations_are_all_read(world: World, channel: Channel) -> None:
    order_id = await world.place(quantity=60)
    order = await reading(channel, order_id)
    for unit in order.units[:55]:
        await world.control("POST", f"/orders/{order_id}/cancel", role="SYSTEM", lines=[unit.id], force=True)
    order = await reading(channel, order_id)
    assert len(order.cancellations) == 55
    assert len(order.living) == 5


async def test_a_request_waits_and_a_withdrawn_one_lets_the_order_live(world: World, channel: Channel) -> None:
    order_id = await world.place()
    made = await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER", deadline=1999999999)
    order = await reading(channel, order_id)
    (request,) = order.requests()
    assert request.respond_by == datetime.fromtimestamp(1999999999, UTC)
    assert len(order.living) == 2
    await world.control("POST", f"/cancellations/{made['cancellation']['cancel_id']}/withdraw")
    order = await reading(channel, order_id)
    assert order.cancellations[0].status == CancellationStatus.CLOSED
    assert len(order.living) == 2


async def test_a_platform_cancellation_after_dispatch(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/ship", tracking_number="T1", collected=True)
    await world.control("POST", f"/orders/{order_id}/cancel", role="SYSTEM", reason="package_lost", force=True)
    order = await reading(channel, order_id)
    assert order.living == ()
    assert all(unit.left_seller for unit in order.units)
    assert {death.reason for death in order.deaths().values()} == {"package_lost"}


async def test_a_cancellation_without_a_record(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/cancel", role="SYSTEM", record=False, force=True)
    order = await reading(channel, order_id)
    assert order.living == ()
    assert order.cancellations == ()
    assert order.cancel_role == "SYSTEM"


async def test_units_under_a_return_are_covered(world: World, channel: Channel) -> None:
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/advance", status="DELIVERED")
    order = await reading(channel, order_id)
    await world.control("POST", f"/orders/{order_id}/returns", lines=[order.units[0].id])
    order = await reading(channel, order_id)
    assert order.returned_unit_ids == {order.units[0].id}


@pytest.mark.parametrize("region", ["US", "GB", "DE", "MX"])
@pytest.mark.parametrize("newer", [True, False])
async def test_reasons_are_those_the_shop_takes(world: World, region: str, newer: bool) -> None:
    """With the newer eligibility call and, where a market has none, by our table: the same answer."""
    await world.control("PATCH", "/settings", eligibility_202602=newer)
    channel, _ = await world.channel(region)
    order = await reading(channel, await world.place(region))
    reasons = await channel.cancel_reasons(order)
    assert reasons is not None
    assert out_of_stock(region) in reasons
    assert await channel.cancel_reasons(order) == reasons
    asked = [call["path"].split("/")[2] for call in await world.calls("aftersale_eligibility")]
    assert asked == (["202602"] * 2 if newer else ["202602", "202309", "202309"])


@pytest.mark.parametrize("newer", [True, False])
async def test_no_reason_fits_an_order_on_its_way(world: World, channel: Channel, newer: bool) -> None:
    await world.control("PATCH", "/settings", eligibility_202602=newer)
    order_id = await world.place()
    await world.control("POST", f"/orders/{order_id}/advance", status="IN_TRANSIT")
    assert await channel.cancel_reasons(await reading(channel, order_id)) == ()


@pytest.mark.parametrize("region", ["US", "GB"])
@pytest.mark.parametrize("newer", [True, False])
async def test_single_lines_go_with_the_out_of_stock_reason_only(world: World, region: str, newer: bool) -> None:
    await world.control("PATCH", "/settings", eligibility_202602=newer)
    channel, _ = await world.channel(region)
    order = await reading(channel, await world.place(region, quantity=3))
    one = frozenset({order.units[0].id})
    told = await channel.line_cancel_reasons(order, one)
    assert (told.keys, told.because) == ((out_of_stock(region),), "")
    assert len(await channel.cancel_reasons(order) or ()) > 1
    await world.control("POST", f"/orders/{order.id}/advance", status="IN_TRANSIT")
    gone = await channel.line_cancel_reasons(await reading(channel, order.id), one)
    assert gone.keys == ()
    assert "courier can not cancel" in gone.because


@pytest.mark.parametrize("region", ["DE", "MX"])
async def test_single_lines_have_no_reason_elsewhere_and_tiktok_is_not_asked(world: World, region: str) -> None:
    channel, _ = await world.channel(region)
    order = await reading(channel, await world.place(region))
    told = await channel.line_cancel_reasons(order, frozenset({order.units[0].id}))
    assert told.keys == ()
    assert "only in the US and the UK" in told.because
    assert await world.calls("aftersale_eligibility") == []


async def test_lines_have_no_reason_while_a_buyers_request_waits(world: World, channel: Channel) -> None:
    order_id = await world.place(quantity=3)
    order = await reading(channel, order_id)
    await world.control("POST", f"/orders/{order_id}/cancel", role="BUYER", lines=[order.units[2].id])
    told = await channel.line_cancel_reasons(await reading(channel, order_id), frozenset({order.units[0].id}))
    assert told.keys == ()
    assert "processing reverse order" in told.because


@pytest.mark.parametrize("stream", ["orders", "cancellations"])
async def test_a_sweep_sees_every_order_while_they_move(world: World, channel: Channel, stream: str) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    ids, requests = [], []
    for number in range(130):
        at = int((start + timedelta(seconds=number // 3)).timestamp())
        if stream == "cancellations":
            await world.control("POST", "/clock", set=float(at), frozen=True)
        ids.append(await world.place(create_time=at, announce=False))
        if stream == "cancellations":
            made = await world.control("POST", f"/orders/{ids[-1]}/cancel", role="BUYER", deadline=1999999999)
            requests.append(made["cancellation"]["cancel_id"])
    await world.control("POST", "/clock", reset=True)
    newest = await channel.newest(stream)
    assert newest == start + timedelta(seconds=129 // 3)
    assert {one.name for one in channel.streams} >= {stream}
    seen: dict[str, datetime] = {}
    page: str | None = None
    pages = 0
    while True:
        found = await channel.changed(stream, start, page)
        pages += 1
        assert all(item.updated_at >= start for item in found.items)
        seen |= {item.order_id: item.updated_at for item in found.items}
        page = found.next_page
        if page is None:
            break
        if stream == "orders":
            await world.control("PATCH", f"/orders/{ids[pages]}", overrides={"seller_note": "moved"})
        else:
            await world.control("POST", f"/cancellations/{requests[pages]}/withdraw")
    assert set(seen) == set(ids)
    assert 2 <= pages <= 8
