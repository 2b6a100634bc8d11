"""What a sweep of any store must keep: nothing is left out, whatever moves meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.domain.outcomes import Done
from bridge.ports import Changed, Store
from tests.contract.store.store_bench import BoxBench, StoreBench, refund

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def sweep(target: Store, stream: str, since: datetime) -> list[Changed]:
    found: list[Changed] = []
    page: str | None = None
    while True:
        read = await target.changed(stream, since, page)
        found += read.items
        if read.next_page is None:
            return found
        assert read.next_page != page
        page = read.next_page


async def test_a_change_is_swept_up(any_store: StoreBench) -> None:
    bench = any_store
    order = await bench.create()
    newest = await bench.store.newest("orders")
    assert newest is not None
    assert newest >= order.updated_at
    found = {one.order_id: one for one in await sweep(bench.store, "orders", order.updated_at)}
    assert found[order.id].other_id in {order.channel_order_id, ""}
    assert all(one.updated_at.tzinfo is not None for one in found.values())
    done = await bench.store.refund_order(order, refund(order))
    assert isinstance(done, Done)
    await bench.shown(order, done, {row.id: row.left for row in order.rows})
    for stream in bench.store.streams:
        assert stream.overlap > timedelta(0)
        assert order.id in {one.order_id for one in await sweep(bench.store, stream.name, order.updated_at)}
        latest = await bench.store.newest(stream.name)
        assert latest is not None
        assert latest >= order.updated_at
    with pytest.raises(ValueError, match="stream"):
        await bench.store.newest("customers")
    with pytest.raises(ValueError, match="stream"):
        await bench.store.changed("customers", LONG_AGO, None)


async def test_an_empty_store_has_nothing_new(any_box: BoxBench) -> None:
    for stream in any_box.store.streams:
        newest = await any_box.store.newest(stream.name)
        # One that cannot ask for the newest says the time up to which there is nothing.
        assert newest is None or abs(newest - datetime.now(UTC)) < timedelta(minutes=1)
        assert await sweep(any_box.store, stream.name, LONG_AGO) == []


async def test_nothing_is_left_out_while_rows_move(any_box: BoxBench) -> None:
    bench = any_box
    since = datetime.now(UTC) - timedelta(hours=1)
    with bench.short_pages(2):
        made = [await bench.create() for _ in range(5)]
        first = await bench.store.changed("orders", since, None)
        assert first.items
        seen = [one.order_id for one in first.items]
        # One that was read and one that was not change in the middle of the sweep, and a new one appears.
        for order in (made[0], made[3]):
            await bench.take_back(order)
        late = await bench.create()
        page = first.next_page
        while page is not None:
            read = await bench.store.changed("orders", since, page)
            seen += [one.order_id for one in read.items]
            page = read.next_page
    assert {order.id for order in made} <= set(seen)
    assert late.id in set(seen) | {one.order_id for one in await sweep(bench.store, "orders", late.updated_at)}
