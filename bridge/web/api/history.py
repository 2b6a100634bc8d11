"""`/api/v1/shops/{shop}/history`: what the past would have caused, and what a person picks out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import history, jobs, orders, shops
from bridge.storage.history import Entry
from bridge.storage.jobs import Job
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.web.api.history_models import (
    AppliedOrder,
    AppliedOut,
    Apply,
    HistoryOut,
    HistoryQuery,
    HistoryRow,
    HistoryStarted,
    NewHistory,
    OrderNow,
)
from bridge.web.api.job_models import JobOut
from bridge.web.bodies import read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, unknown
from bridge.web.routes import WHO, ok

KIND = "history"


async def start_history(request: web.Request) -> web.Response:
    asked = await read_json(request, NewHistory)
    started = await begin_history(request.app[DESK], request.match_info["shop"], asked, request[WHO])
    return ok(started, 202, {"Location": f"/api/v1/jobs/{started.job}"})


async def begin_history(desk: WebDesk, shop_id: str, asked: NewHistory, who: str) -> HistoryStarted:
    """Compare what changed in the last days, doing nothing. It happens behind this answer.

    Raises `Problem` 404, `ActionRefused`.
    """
    shop = await desk.db.read(lambda conn: _shop(conn, shop_id))
    directions = tuple(dict.fromkeys(asked.directions))
    return HistoryStarted(job=await desk.actions.history(shop.id, asked.days, directions, who))


async def show_history(request: web.Request) -> web.Response:
    asked = read_query(request, HistoryQuery)
    return ok(await history_of(request.app[DESK], request.match_info["shop"], asked))


async def history_of(desk: WebDesk, shop_id: str, asked: HistoryQuery) -> HistoryOut:
    """A page of what a run found. Raises `Problem` 404, `BadCursor`."""

    async def read(conn: AsyncConnection) -> HistoryOut:
        shop = await _shop(conn, shop_id)
        job = await _job(conn, shop, asked.job)
        if job is None:
            return HistoryOut(job=None, counts={}, orders=[], next=None)
        found, following = await history.page(
            conn, job.id, effect=asked.effect, state=asked.state, cursor=asked.cursor, limit=asked.limit
        )
        # What a run that has ended found was counted once.
        counts = (job.result or {}).get("counts") or await history.counts(conn, job.id)
        rows = await _rows(conn, shop, found)
        return HistoryOut(job=JobOut(**asdict(job)), counts=counts, orders=rows, next=following)

    return await desk.db.read(read)


async def chosen_of(desk: WebDesk, shop_id: str, job_id: str, order_ids: Sequence[str]) -> list[HistoryRow]:
    """What a run found about these orders, in their order; those it has nothing about are left out. Raises `Problem`
    404.
    """

    async def read(conn: AsyncConnection) -> list[HistoryRow]:
        shop = await _shop(conn, shop_id)
        await _job(conn, shop, job_id)
        found = await history.of_orders(conn, job_id, order_ids)
        return await _rows(conn, shop, [found[one] for one in dict.fromkeys(order_ids) if one in found])

    return await desk.db.read(read)


async def apply_history(request: web.Request) -> web.Response:
    asked = await read_json(request, Apply)
    return ok(await apply_chosen(request.app[DESK], request.match_info["shop"], asked, request[WHO]), 202)


async def apply_chosen(desk: WebDesk, shop_id: str, asked: Apply, who: str) -> AppliedOut:
    """Settle these orders now, their past allowed. What both sides say then decides, not what the run had found.

    Raises `Problem` 404, `ActionRefused`.
    """

    async def read(conn: AsyncConnection) -> Shop:
        shop = await _shop(conn, shop_id)
        await _job(conn, shop, asked.job)
        return shop

    shop = await desk.db.read(read)
    answers = await desk.actions.apply_history(shop.id, asked.job, asked.orders, who)
    found = [
        AppliedOrder(order=one.order, state="accepted" if one.is_taken else "refused", says=one.says) for one in answers
    ]
    return AppliedOut(orders=found)


async def _shop(conn: AsyncConnection, shop_id: str) -> Shop:
    shop = await shops.get(conn, shop_id)
    if shop is None:
        raise unknown("shop", "/api/v1/shops")
    return shop


async def _job(conn: AsyncConnection, shop: Shop, job_id: str | None) -> Job | None:
    """The run named, else the shop's newest, None where there is none. Raises `Problem` 404."""
    if job_id is None:
        newest = await jobs.newest(conn, KIND)
        return next((job for job in newest if job.progress.get("shop") == shop.id), None)
    job = await jobs.get(conn, job_id)
    if job is None or job.kind != KIND or job.progress.get("shop") != shop.id:
        raise Problem(
            "not-found", "There is no run of this id over this shop's past; without one, the newest is shown."
        )
    return job


async def _rows(conn: AsyncConnection, shop: Shop, found: Sequence[Entry]) -> list[HistoryRow]:
    known = await orders.of_channel_ids(conn, shop.id, [entry.channel_order_id for entry in found])
    return [_row(entry, known.get(entry.channel_order_id)) for entry in found]


def _row(entry: Entry, order: OrderRecord | None) -> HistoryRow:
    return HistoryRow(
        channel_order_id=entry.channel_order_id,
        store_order_id=entry.store_order_id,
        store_number=entry.store_number,
        effect=entry.effect,
        verdict=entry.verdict,
        because=entry.because,
        facts=entry.facts,
        state=entry.state,
        found_at=entry.created_at,
        order=OrderNow(id=order.id, state=order.state.value, because=order.because) if order else None,
    )
