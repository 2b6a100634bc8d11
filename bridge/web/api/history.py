"""`/api/v1/shops/{shop}/history`: what the past would have caused, and what a person picks out of it."""

from __future__ import annotations

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
from bridge.web.api.models import JobOut
from bridge.web.bodies import read_json, read_query
from bridge.web.desk import DESK
from bridge.web.problems import Problem
from bridge.web.routes import WHO, ok

KIND = "history"


async def start_history(request: web.Request) -> web.Response:
    """Compare what changed in the last days, doing nothing. It happens behind this answer."""
    desk = request.app[DESK]
    asked = await read_json(request, NewHistory)
    shop = await desk.db.read(lambda conn: _shop(conn, request))
    directions = tuple(dict.fromkeys(asked.directions))
    job = await desk.actions.history(shop.id, asked.days, directions, request[WHO])
    return ok(HistoryStarted(job=job), 202, {"Location": f"/api/v1/jobs/{job}"})


async def show_history(request: web.Request) -> web.Response:
    asked = read_query(request, HistoryQuery)

    async def read(conn: AsyncConnection) -> HistoryOut:
        shop = await _shop(conn, request)
        job = await _job(conn, shop, asked.job)
        if job is None:
            return HistoryOut(job=None, counts={}, orders=[], next=None)
        found, following = await history.page(conn, job.id, effect=asked.effect, cursor=asked.cursor, limit=asked.limit)
        rows = [_row(entry, await orders.by_channel(conn, shop.id, entry.channel_order_id)) for entry in found]
        counts = await history.counts(conn, job.id)
        return HistoryOut(job=JobOut(**asdict(job)), counts=counts, orders=rows, next=following)

    return ok(await request.app[DESK].db.read(read))


async def apply_history(request: web.Request) -> web.Response:
    """Settle these orders now, their past allowed. What both sides say then decides, not what the run had found."""
    desk = request.app[DESK]
    asked = await read_json(request, Apply)

    async def read(conn: AsyncConnection) -> Shop:
        shop = await _shop(conn, request)
        await _job(conn, shop, asked.job)
        return shop

    shop = await desk.db.read(read)
    answers = await desk.actions.apply_history(shop.id, asked.job, asked.orders, request[WHO])
    found = [
        AppliedOrder(order=one.order, state="accepted" if one.is_taken else "refused", says=one.says) for one in answers
    ]
    return ok(AppliedOut(orders=found), 202)


async def _shop(conn: AsyncConnection, request: web.Request) -> Shop:
    shop = await shops.get(conn, request.match_info["shop"])
    if shop is None:
        raise Problem("not-found", "There is no shop of this id; GET /api/v1/shops lists them.")
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
