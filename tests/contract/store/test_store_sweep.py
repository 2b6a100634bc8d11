from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.connectors.magento import search, store, sweeping
from bridge.domain.outcomes import Done
from bridge.ports import Changed, Store
from tests.contract.store.magento_bench import Bench, SandboxBench, everything

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def sweep(target: Store, stream: str, since: datetime) -> list[Changed]:
    found: list[Changed] = []
    page: str | None = None
    while True:
        read = await target.changed(stream, since, page)
        found += read.items
        if read.next_page is None:
            return found
        page = read.next_page


async def test_a_change_is_swept_up_in_both_lists(bench: Bench) -> None:
    order = await bench.create()
    newest = await bench.store.newest("orders")
    assert newest is not None
    assert newest >= order.updated_at
    done = await bench.store.refund_order(order, everything(order, restock=True))
    assert isinstance(done, Done)
    orders = {found.order_id: found for found in await sweep(bench.store, "orders", order.updated_at)}
    assert (orders[order.id].number, orders[order.id].other_id) == (order.number, order.channel_order_id)
    memos = await sweep(bench.store, "creditmemos", order.updated_at)
    assert order.id in {found.order_id for found in memos}
    latest = await bench.store.newest("creditmemos")
    assert latest is not None
    assert latest >= order.updated_at


async def test_the_streams_name_their_overlap(bench: Bench) -> None:
    assert {stream.name: stream.overlap for stream in bench.store.streams} == {
        "orders": timedelta(minutes=5),
        "creditmemos": timedelta(minutes=5),
    }
    with pytest.raises(ValueError, match="no stream"):
        await bench.store.newest("customers")


async def test_an_empty_store_has_no_newest(sandbox: SandboxBench) -> None:
    assert await sandbox.store.newest("orders") is None
    assert await sandbox.store.newest("creditmemos") is None
    assert (await sandbox.store.changed("orders", LONG_AGO, None)).items == ()


async def test_nothing_is_left_out_while_rows_move(sandbox: SandboxBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "PAGE_SIZE", 3)
    made = [(await sandbox.create(invoice=False)).id for _ in range(10)]
    first = await sandbox.store.changed("orders", LONG_AGO, None)
    assert [found.order_id for found in first.items] == made[:3]
    # The first and one that is still to come change in the middle of the sweep, and a new one appears.
    for order_id in (made[0], made[6]):
        await sandbox.store.invoice_order(order_id, reserve=False)
    made.append((await sandbox.create(invoice=False)).id)
    rest: list[str] = []
    page = first.next_page
    while page is not None:
        read = await sandbox.store.changed("orders", LONG_AGO, page)
        rest += [found.order_id for found in read.items]
        page = read.next_page
    assert rest == made[3:]


async def test_only_what_changed_since_is_read(sandbox: SandboxBench) -> None:
    old = await sandbox.create()
    sandbox.box.clock_offset = timedelta(hours=1)
    new = await sandbox.create()
    since = new.updated_at - timedelta(minutes=5)
    assert [found.order_id for found in await sweep(sandbox.store, "orders", since)] == [new.id]
    newest = await sandbox.store.newest("orders")
    assert newest == new.updated_at
    assert old.updated_at < since


async def test_all_memos_of_an_order_are_read_however_many_pages(
    sandbox: SandboxBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PAGE_SIZE", 1)
    assert search.PAGE_SIZE == 100
    order = await sandbox.create()
    for _ in range(2):
        body = {"order": int(order.id), "items": [{"order_item_id": int(order.rows[0].id), "qty": 1}]}
        await sandbox.control("POST", "refund", body | {"shipping_amount": 0})
    assert [memo.quantities for memo in (await sandbox.read(order.id)).refunds] == [{order.rows[0].id: 1}] * 2
