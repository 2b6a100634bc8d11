"""The overview: what was done, what waits, and whether everything is connected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web

from bridge.web.api.overview import Period, overview_of
from bridge.web.desk import DESK
from bridge.web.pages.filters import number, span
from bridge.web.pages.first_steps import first_steps
from bridge.web.pages.rendering import show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import HOME, VISIT

WIDTH: Final = 720
HEIGHT: Final = 150


@dataclass(frozen=True, slots=True)
class Bar:
    """The two bars of one hour or day, orders left and cancellations right. Units of the drawing."""

    x: float
    """Where the orders begin; the cancellations begin one width further."""
    width: float
    orders: float
    cancelled: float


def bars(period: Period) -> tuple[int, list[Bar]]:
    """The number at the top of the drawing, and two bars for each step. Nothing but zero has no height."""
    top = max([1, *[max(one.orders, one.in_store + one.on_channel) for one in period.steps]])
    slot = WIDTH / len(period.steps)

    def height(count: int) -> float:
        return round(max(2.0, HEIGHT * count / top), 1) if count else 0.0

    return top, [
        Bar(round(place * slot, 1), round(slot * 0.42, 1), height(one.orders), height(one.in_store + one.on_channel))
        for place, one in enumerate(period.steps)
    ]


def seconds(value: float) -> str:
    """A length of time as people say it."""
    if value < 1:
        return "under a second"
    if value < 120:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    return span(timedelta(seconds=value))


def settling(period: Period) -> tuple[str, str]:
    """How long a cancellation usually took, and a sentence that explains the number."""
    count, median, slow = period.measured, period.median_seconds, period.slow_seconds
    way = "from the decision to its proof on the other side"
    if median is None or slow is None:
        return "none yet", "No cancellation was carried to the other side in this time."
    if count == 1:
        return seconds(median), f"That is how long the only cancellation took, {way}."
    if count == 2:
        return seconds(median), f"The quicker of 2 cancellations, {way}; the other one took {seconds(slow)}."
    if count < 10:
        return seconds(median), f"The middle one of {count} cancellations, {way}; the slowest took {seconds(slow)}."
    usual = f"Half of {number(count)} cancellations took no longer, {way}"
    return seconds(median), f"{usual}; nine of ten took no longer than {seconds(slow)}."


async def show_overview(request: web.Request) -> web.Response:
    found = await overview_of(request.app[DESK], request[VISIT].zone)
    periods = [
        (name, each, period, *settling(period), *bars(period))
        for name, each, period in (("24 hours", "hour", found.day), ("30 days", "day", found.month))
    ]
    return show(
        request,
        "overview.html",
        title="Overview",
        page="overview",
        found=found,
        steps=[] if found.connections else first_steps(request.app[DESK]),
        periods=periods,
        width=WIDTH,
        height=HEIGHT,
    )


ROUTES: Final = (PageRoute("GET", HOME, show_overview, "24 hours and 30 days at a glance, and every connection"),)
