"""`/api/v1/overview`: 24 hours and 30 days at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import attention, overview, shops
from bridge.storage.connections import Connection
from bridge.storage.heard import now as database_now
from bridge.storage.overview import Settled
from bridge.storage.shops import Shop
from bridge.web.desk import DESK, WebDesk
from bridge.web.routes import Answer, Route, ok

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


class Step(BaseModel):
    start: datetime = Field(description="Start of a UTC hour or day")
    orders: int = Field(description="Orders that arrived")
    in_store: int = Field(description="Cancellations carried to the store")
    on_channel: int = Field(description="Cancellations carried to TikTok Shop")


class Period(BaseModel):
    orders: int
    in_store: int = Field(description="Cancellations decided in this time and done in the store")
    on_channel: int = Field(description="Cancellations decided in this time and done on TikTok Shop")
    measured: int = Field(description="So many of them were measured: the newest, at most 5000")
    median_seconds: float | None = Field(description="From decision to proof; half took no longer. Null: none was done")
    slow_seconds: float | None = Field(description="From decision to proof; nine of ten took no longer")
    drifts_healed: int = Field(description="Differences no message told of, found in this time and put right")
    steps: list[Step]


class ConnectionGlance(BaseModel):
    id: str
    kind: str
    name: str
    state: str
    because: str
    heard_at: datetime | None = Field(description="The newest message of the last 24 hours")
    swept_at: datetime | None = Field(description="When it, or one of its shops, was last swept to the end")


class ShopGlance(BaseModel):
    id: str
    name: str
    dry_run: bool
    braked: bool


class Overview(BaseModel):
    at: datetime
    day: Period = Field(description="The last 24 hours by the clock, the present one included")
    month: Period = Field(description="The last 30 days in UTC, today included")
    waiting: int = Field(description="Orders that wait for something outside, counted up to 1000")
    held: int = Field(description="Questions open for a person, counted up to 1000")
    connections: list[ConnectionGlance]
    shops: list[ShopGlance]


async def overview_of(desk: WebDesk) -> Overview:
    async def read(conn: AsyncConnection) -> Overview:
        now = await database_now(conn)
        found, of_all = await desk.connections.all(conn), await shops.all(conn)
        day, month = now - _DAY, now - 30 * _DAY
        ids = [one.id for one in of_all]
        took = await overview.settled(conn, ids, month)
        heard, swept = await overview.heard(conn, day), await overview.swept(conn)
        return Overview(
            at=now,
            day=await _period(conn, ids, now, _HOUR, 24, took),
            month=await _period(conn, ids, now, _DAY, 30, took),
            waiting=await overview.waiting(conn),
            held=await attention.count_open(conn, at_most=overview.AT_MOST),
            connections=[
                ConnectionGlance(
                    id=one.id,
                    kind=one.kind,
                    name=one.name,
                    state=one.state,
                    because=one.because,
                    heard_at=heard.get(one.id),
                    swept_at=_swept(one, of_all, swept),
                )
                for one in found
            ],
            shops=[
                ShopGlance(id=one.id, name=one.name, dry_run=one.settings.dry_run, braked=one.brake is not None)
                for one in of_all
            ],
        )

    return await desk.db.read(read)


def _swept(connection: Connection, of_all: list[Shop], swept: Mapping[str, datetime]) -> datetime | None:
    scopes = [connection.id, *[one.id for one in of_all if one.connection_id == connection.id]]
    return min((swept[one] for one in scopes if one in swept), default=None)


async def _period(
    conn: AsyncConnection, shop_ids: list[str], now: datetime, step: timedelta, count: int, took: list[Settled]
) -> Period:
    last = now.replace(minute=0, second=0, microsecond=0)
    if step == _DAY:
        last = last.replace(hour=0)
    edges = [last + step * place for place in range(1 - count, 2)]
    arrived = await overview.arrived(conn, edges)
    cancelled = await overview.cancelled(conn, shop_ids, edges[0], step)
    steps = [
        Step(
            start=start,
            orders=orders,
            in_store=cancelled.get(("store", start), 0),
            on_channel=cancelled.get(("channel", start), 0),
        )
        for start, orders in zip(edges, arrived, strict=False)
    ]
    measured = sorted(one.took.total_seconds() for one in took if one.claimed_at >= edges[0])
    return Period(
        orders=sum(one.orders for one in steps),
        in_store=sum(one.in_store for one in steps),
        on_channel=sum(one.on_channel for one in steps),
        measured=len(measured),
        median_seconds=_share(measured, 50),
        slow_seconds=_share(measured, 90),
        drifts_healed=await overview.healed(conn, edges[0]),
        steps=steps,
    )


def _share(ordered: list[float], percent: int) -> float | None:
    """The least of them that so many of a hundred do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


async def show_overview(request: web.Request) -> web.Response:
    return ok(await overview_of(request.app[DESK]))


ROUTES: Final = (
    Route(
        "GET",
        "/api/v1/overview",
        show_overview,
        "24 hours and 30 days at a glance, and the state of every connection",
        {200: Answer(Overview)},
    ),
)
