"""`/api/v1/overview`: 24 hours and 30 days at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import attention, overview, shops
from bridge.storage.connections import Connection
from bridge.storage.heard import now as database_now
from bridge.storage.overview import Sweeping
from bridge.storage.shops import Shop
from bridge.web.desk import DESK, WebDesk
from bridge.web.routes import Answer, Route, ok


class Step(BaseModel):
    start: datetime = Field(description="Start of an hour or day in UTC")
    orders: int = Field(description="Orders that arrived")
    in_store: int = Field(description="Cancellations carried to the store")
    on_channel: int = Field(description="Cancellations carried to TikTok Shop")


class Period(BaseModel):
    orders: int
    in_store: int = Field(description="Cancellations decided in this time and done in the store")
    on_channel: int = Field(description="Cancellations decided in this time and done on TikTok Shop")
    measured: int = Field(description="So many cancellations, both ways, were measured")
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
    is_swept: bool = Field(description="A shop is tied through it, so that it is asked for what it never told")
    swept_at: datetime | None = Field(
        description="When that of its lists that was read longest ago was read to its end; null: one never was"
    )
    sweeping_since: datetime | None = Field(description="Since when one of its lists is being read; null: none is")


class ShopGlance(BaseModel):
    id: str
    name: str
    dry_run: bool
    braked: bool


class Overview(BaseModel):
    at: datetime
    day: Period = Field(description="The last 24 hours by the clock, the present one included")
    month: Period = Field(description="The last 30 days in UTC, today included")
    waiting: int = Field(description="Orders in the state `waiting`: they go on by themselves; counted up to 1000")
    held: int = Field(description="Questions open for a person, counted up to 1000")
    connections: list[ConnectionGlance]
    shops: list[ShopGlance]


async def overview_of(desk: WebDesk, zone: tzinfo = UTC) -> Overview:
    """`zone`: whose hours and days are counted."""

    async def read(conn: AsyncConnection) -> Overview:
        now = await database_now(conn)
        found, of_all = await desk.connections.all(conn), await shops.all(conn)
        heard = await overview.heard(conn, [one.id for one in found], now - timedelta(days=1))
        sweeping = await overview.sweeping(conn)
        return Overview(
            at=now,
            day=await _period(desk, conn, now, _hours(now, zone)),
            month=await _period(desk, conn, now, _days(now, zone)),
            waiting=await overview.waiting(conn),
            held=await attention.count_open(conn, at_most=overview.AT_MOST),
            connections=[_glance(one, of_all, heard, sweeping) for one in found],
            shops=[
                ShopGlance(id=one.id, name=one.name, dry_run=one.settings.dry_run, braked=one.brake is not None)
                for one in of_all
            ],
        )

    return await desk.db.read(read)


def _hours(now: datetime, zone: tzinfo) -> list[datetime]:
    """Where the last 24 hours of the zone's clock begin, and where the present one ends."""
    last = now.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    return [last + timedelta(hours=place) for place in range(-23, 2)]


def _days(now: datetime, zone: tzinfo) -> list[datetime]:
    """Where the last 30 days of the zone begin, and where the present one ends; some have 23 hours or 25."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return [(today + timedelta(days=place)).astimezone(UTC) for place in range(-29, 2)]


def _glance(
    connection: Connection, of_all: list[Shop], heard: Mapping[str, datetime], sweeping: Mapping[str, Sweeping]
) -> ConnectionGlance:
    """A channel is swept shop by shop, a store as a whole; neither before a shop is tied to a store."""
    tied = [one for one in of_all if one.settings.store is not None]
    scopes = [one.id for one in tied if one.connection_id == connection.id]
    if any(one.settings.store is not None and one.settings.store.connection == connection.id for one in tied):
        scopes.append(connection.id)
    ends = [sweeping[one].swept_at if one in sweeping else None for one in scopes]
    known = [one for one in ends if one is not None]
    running = [one for scope in scopes if scope in sweeping and (one := sweeping[scope].running_since)]
    return ConnectionGlance(
        id=connection.id,
        kind=connection.kind,
        name=connection.name,
        state=connection.state,
        because=connection.because,
        heard_at=heard.get(connection.id),
        is_swept=bool(scopes),
        swept_at=min(known) if known and len(known) == len(ends) else None,
        sweeping_since=min(running, default=None),
    )


async def _period(desk: WebDesk, conn: AsyncConnection, now: datetime, edges: list[datetime]) -> Period:
    """From the first edge to the last; each edge but the last begins a step."""
    arrived = await desk.arrivals.between(conn, edges, now)
    cancelled = await overview.cancelled(conn, edges)
    took = await overview.took(conn, edges[0], sum(cancelled.values()))
    steps = [
        Step(
            start=start,
            orders=orders,
            in_store=cancelled.get(("store", place), 0),
            on_channel=cancelled.get(("channel", place), 0),
        )
        for place, (start, orders) in enumerate(zip(edges, arrived, strict=False))
    ]
    return Period(
        orders=sum(one.orders for one in steps),
        in_store=sum(one.in_store for one in steps),
        on_channel=sum(one.on_channel for one in steps),
        measured=took.measured,
        median_seconds=took.median.total_seconds() if took.median is not None else None,
        slow_seconds=took.slow.total_seconds() if took.slow is not None else None,
        drifts_healed=await overview.healed(conn, edges[0]),
        steps=steps,
    )


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
