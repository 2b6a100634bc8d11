"""What people ask for: settle now, link, sweep. Never a stored command: an order is marked and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.domain.keys import OrderKey
from bridge.domain.link import Answer
from bridge.domain.linking import Misfit, fit_rows
from bridge.domain.requests import note_on_rejecting
from bridge.ports import ActionRefused, Applied, RejectReason, Settled, Wanted
from bridge.storage import attention, audit, orders, shops, work
from bridge.storage.orders import OrderRecord
from bridge.sync import answers, applying, asked, braking, bulk, history, lines, linking
from bridge.sync.bulk import settle_order
from bridge.sync.desk import Desk

ALLOWED = frozenset({"create", "past", "brake", "link", "lines"})


MENDED = (AttentionKind.CONNECTION.value, AttentionKind.TOKEN_EXPIRES.value)
"""What a new authorization answers."""


class Actions:
    """Implements `ports.Actions`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: set[asyncio.Task[None]] = set()
        self._closing = False

    async def settle(self, order_id: str, allow: frozenset[str], who: str) -> None:
        check_allowed(allow)

        async def write(conn: AsyncConnection) -> None:
            await settle_order(conn, order_id, allow, who)
            await audit.write(conn, who, f"order {order_id} settled", None, {"allow": sorted(allow)})

        await self._desk.db.write(write)
        self._desk.wake()

    async def cancel_lines(self, order_id: str, who: str) -> tuple[str, ...]:
        record = await self._desk.db.read(lambda conn: _order(conn, order_id))
        return await lines.cancel_lines(self._desk, record, who)

    def wake(self) -> None:
        self._desk.wake()

    async def release_brake(self, shop_id: str, who: str, since: str, until: datetime | None = None) -> int:
        return await braking.release(self._desk, shop_id, who, since, until)

    async def settle_all(self, wanted: Wanted, allow: frozenset[str], who: str) -> Settled:
        check_allowed(allow)
        return await bulk.settle_all(self._desk, wanted, allow, who)

    async def answer(self, order_id: str, shown: Mapping[str, Any], answer: Answer) -> str:
        shop = await answers.keep(self._desk, order_id, shown, answer)
        if shop.settings.dry_run:
            return "The shop is in dry run: nothing is sent to TikTok Shop, and the word is not kept for later."
        return note_on_rejecting(shop.region) if answer.decision == "reject" else ""

    async def reject_reasons(self, order_id: str, cancellation: str) -> tuple[RejectReason, ...]:
        return await answers.reject_reasons(self._desk, order_id, cancellation)

    async def link(self, order_id: str, store_order: str, who: str) -> None:
        desk = self._desk
        record = await desk.db.read(lambda conn: _order(conn, order_id))
        shop = await desk.db.read(lambda conn: shops.get(conn, record.shop_id))
        if shop is None or shop.settings.store is None:
            raise ActionRefused("the shop is not tied to a store: tie it first, then link the order")
        connection = record.store_connection_id or shop.settings.store.connection
        store = await desk.gateways.store(connection)
        if record.store_order_id:
            tied = await store.read_order(record.store_order_id)
            if tied is not None and not tied.is_cancelled:
                raise ActionRefused(f"the order is already tied to store order {tied.number}, which still stands")
        found = await store.find_orders("", [store_order])
        order = (
            found[0] if len(found) == 1 else await store.read_order(store_order) if store_order.isdecimal() else None
        )
        if order is None:
            raise ActionRefused(
                f"the store shows no order {store_order}: give its number or id as the store's admin shows it"
            )
        channel = await (await desk.gateways.channel(shop.id)).read_order(record.channel_order_id)
        if channel is None:
            raise ActionRefused(f"TikTok Shop does not show order {record.channel_order_id}")
        sku_map = await desk.db.read(lambda conn: shops.sku_map(conn, shop.id))
        fit = fit_rows(channel, order, sku_map)
        if isinstance(fit, Misfit):
            raise ActionRefused(f"the store order's rows are not this order's units: {fit.because}")

        async def write(conn: AsyncConnection) -> None:
            await linking.tie(
                conn,
                record,
                connection,
                order,
                fit,
                because=f"{who} linked it to store order {order.number}",
                reserved_because="linked by a person to an order the bridge did not create",
                owner=desk.owner,
                facts={"who": who},
            )
            await audit.write(conn, who, f"order {record.id} linked", None, {"store_order": order.number})
            await work.mark(conn, [_key(record)])

        try:
            await desk.db.write(write)
        except linking.AlreadyTied as taken:
            raise ActionRefused(str(taken)) from taken
        desk.wake()

    async def sweep(self, connection_id: str | None, since: datetime | None, who: str) -> str:
        job_id = await asked.begin(self._desk, connection_id, since, who)
        self._begin(asked.run(self._desk, job_id, connection_id, since))
        return job_id

    async def history(self, shop_id: str, days: int, directions: Sequence[str], who: str) -> str:
        desk = self._desk
        since = desk.clock.now() - timedelta(days=days)

        async def write(conn: AsyncConnection) -> str:
            shop = await shops.get(conn, shop_id)
            if shop is None or shop.settings.store is None:
                raise ActionRefused("the shop is not tied to a store: tie it first, dry run on; then ask for its past")
            job = await history.begin(conn, shop_id, since, days, directions, who)
            about = {"job": job.id, "days": days, "directions": list(directions)}
            await audit.write(conn, who, f"shop {shop_id} history begun", None, about)
            return job.id

        try:
            job_id = await desk.db.write(write)
        except history.UnderWay as running:
            raise ActionRefused(str(running)) from running
        self._begin(history.run(desk, job_id, self._is_closing))
        return job_id

    async def apply_history(self, shop_id: str, job_id: str, order_ids: Sequence[str], who: str) -> tuple[Applied, ...]:
        return await applying.apply(self._desk, shop_id, job_id, order_ids, who)

    def _begin(self, work_: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work_)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _is_closing(self) -> bool:
        return self._closing

    async def reauthorized(self, connection_id: str) -> None:
        desk = self._desk
        desk.outages.works(connection_id)

        async def write(conn: AsyncConnection) -> None:
            await attention.close(conn, connection_id=connection_id, kinds=MENDED)
            after = None
            for shop in await shops.all(conn):
                tied = shop.settings.store is not None and shop.settings.store.connection == connection_id
                if shop.connection_id != connection_id and not tied:
                    continue
                while page := await orders.alive(conn, shop.id, after, 500):
                    waiting = [record for record in page if record.state == "waiting"]
                    await work.mark(conn, [_key(record) for record in waiting])
                    after = page[-1].id
                after = None

        await desk.db.write(write)
        desk.wake()

    async def close(self) -> None:
        """Wait for what runs in the background to end."""
        self._closing = True
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def check_allowed(allow: frozenset[str]) -> None:
    """Raises `ActionRefused`."""
    unknown = allow - ALLOWED
    if unknown:
        raise ActionRefused(f"{', '.join(sorted(unknown))} cannot be allowed; choose from {', '.join(sorted(ALLOWED))}")


async def _order(conn: AsyncConnection, order_id: str) -> OrderRecord:
    record = await orders.get(conn, order_id)
    if record is None:
        raise ActionRefused(f"there is no order {order_id}")
    return record


def _key(record: OrderRecord) -> str:
    return str(OrderKey(record.shop_id, record.channel_order_id))
