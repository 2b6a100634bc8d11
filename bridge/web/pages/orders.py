"""Orders: found by any id, and one of them with both books and its story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import changelog, shops
from bridge.storage.changelog import Entry
from bridge.storage.orders import OrderState
from bridge.storage.shops import Shop
from bridge.web.api.models import Link, OrderPage, OrderQuery, Settle
from bridge.web.api.orders import find_orders, link_now, settle_now, whole_order
from bridge.web.bodies import read_query
from bridge.web.desk import DESK
from bridge.web.pages import fitting
from bridge.web.pages.allowing import ALLOWS, allowed, what_may_be_allowed
from bridge.web.pages.forms import FORM, wrong_fields
from bridge.web.pages.order_links import Sides, order_links, order_sides, refund_word
from bridge.web.pages.refusals import REFUSALS, told
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import VISIT, remember
from bridge.web.problems import Problem, invalid

STATES: Final[Mapping[str, tuple[str, str, str]]] = {
    OrderState.NEW.value: ("new", "note", "Known, not looked at yet."),
    OrderState.WAITING.value: ("waiting", "note", "Looked at again by itself; the reason says what for."),
    OrderState.IMPORTING.value: ("being imported", "note", "Its store order is being made."),
    OrderState.IMPORTED.value: ("imported", "note", "In the store; a difference is being closed."),
    OrderState.SETTLED.value: ("settled", "good", "Both sides agree, unit by unit."),
    OrderState.HELD.value: ("held", "warn", "Waits for a person."),
    OrderState.NOT_IMPORTED.value: ("not imported", "", "Rightly has no store order."),
    OrderState.IGNORED.value: ("ignored", "", "None of ours."),
    OrderState.POISONED.value: ("set aside", "bad", "Failed again and again; waits for a person."),
}
"""State → its word, its tone and what it means."""
LISTED: Final = 50
"""Orders of a page at most."""
_SIDES: Final = {"living": "", "cancelled": "bad", "refunded": "bad", "returned": "warn", "partly refunded": "warn"}


async def show_orders(request: web.Request) -> web.Response:
    desk = request.app[DESK]
    errors: dict[str, str] = {}
    status = 200
    try:
        asked = read_query(request, OrderQuery)
        asked = asked.model_copy(update={"limit": min(asked.limit, LISTED)})
        found = await find_orders(desk, asked)
    except Problem as problem:
        asked = OrderQuery(query=request.query.get("query", "")[:100] or None)
        errors, status, found = wrong_fields(problem), problem.status, OrderPage(orders=[], next=None)
    kept = {
        name: value for name, value in (("query", asked.query), ("state", asked.state), ("shop", asked.shop)) if value
    }
    listed = await desk.db.read(shops.all)
    return show(
        request,
        "orders.html",
        title="Orders",
        page="orders",
        status=status,
        orders=found.orders,
        states=STATES,
        shops={one.id: one.name or one.channel_shop_id for one in listed},
        asked=asked,
        errors=errors,
        first=_orders_at(kept) if asked.cursor else None,
        following=_orders_at({**kept, "cursor": found.next}) if found.next else None,
    )


def _orders_at(query: Mapping[str, str]) -> str:
    return f"/orders?{urlencode(query)}" if query else "/orders"


async def show_order(request: web.Request) -> web.Response:
    return await _order(request)


async def _order(
    request: web.Request, errors: dict[str, str] | None = None, status: int = 200, store_order: str = ""
) -> web.Response:
    desk = request.app[DESK]
    order = await whole_order(desk, request.match_info["order"], entries=0)
    before = request.query.get("before", "")[:64] or None

    async def read(conn: AsyncConnection) -> tuple[list[Entry], str | None, Shop | None, Sides]:
        shop = await shops.get(conn, order.shop)
        return *await changelog.latest(conn, order.id, before), shop, await order_sides(conn, desk, order, shop)

    entries, earlier, shop, (channel, store) = await desk.db.read(read)
    told_of = fitting.story(entries)
    if len(told_of) < len(entries):
        earlier = told_of[-1][0].id
    from_unit = _place(request, len(order.units))
    units = fitting.page_of(order.units, from_unit)
    claims = fitting.fitting(
        reversed(order.claims),
        fitting.ATTEMPTS,
        lambda one: fitting.weight(one.because[:300], one.reference, around=420),
    )
    allows = what_may_be_allowed(order)
    form = request.get(FORM)
    return show(
        request,
        "order.html",
        title=f"Order {order.channel_order_id}",
        page="orders",
        status=status,
        order=order,
        shop=shop,
        state=STATES.get(order.state, (order.state, "", "")),
        units=units,
        from_unit=from_unit,
        units_before=_order_at(order.id, "units-heading", before=before) if from_unit else None,
        units_after=_order_at(order.id, "units-heading", before=before, units=str(from_unit + len(units)))
        if from_unit + len(units) < len(order.units)
        else None,
        sides=_SIDES,
        channel=order.reading.get("channel") or {},
        store=order.reading.get("store") or {},
        money_lines=fitting.fitting(
            order.money.lines, fitting.MONEY, lambda one: fitting.weight(one.sku, one.what, around=160)
        )
        if order.money
        else [],
        questions=fitting.fitting(
            order.attention, fitting.QUESTIONS, lambda one: fitting.weight(one.title, one.because, around=260)
        ),
        claims=claims[::-1],
        story=told_of,
        earlier=_order_at(order.id, "story", before=earlier) if earlier else None,
        newest=_order_at(order.id, "story") if before else None,
        allows=[(name, *ALLOWS[name], bool(form and form.has(f"allow_{name}"))) for name in allows],
        may_link=order.state not in _NOT_LINKED and order.store_order_id is None,
        links=order_links(desk, order, shop, channel, store),
        refund_word=refund_word(desk, store),
        errors=errors or {},
        store_order=store_order,
    )


def _order_at(order_id: str, part: str, **query: str | None) -> str:
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"/orders/{order_id}{f'?{asked}' if asked else ''}#{part}"


def _place(request: web.Request, count: int) -> int:
    """From which unit on they are shown; from the first where the address says nothing, or what cannot be."""
    text = request.query.get("units", "")
    place = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    return place if place < count else 0


_NOT_LINKED: Final = frozenset({OrderState.IGNORED.value, OrderState.IMPORTING.value})


async def settle_order(request: web.Request) -> web.Response:
    form, order_id = request[FORM], request.match_info["order"]
    try:
        done = await settle_now(request.app[DESK], order_id, Settle(allow=allowed(form)), request[VISIT].who)
    except REFUSALS as error:
        return await _order(request, *told(error))
    await remember(request, done.says)
    return see_other(f"/orders/{done.id}")


async def link_order(request: web.Request) -> web.Response:
    number = request[FORM].text("store_order")
    try:
        if not 0 < len(number) <= 64:
            raise invalid("/store_order", "Give the id or the number of the store's order, at most 64 characters.")
        order = await link_now(
            request.app[DESK], request.match_info["order"], Link(store_order=number), request[VISIT].who
        )
    except REFUSALS as error:
        return await _order(request, *told(error), store_order=number)
    await remember(request, f"Linked to the store's order {order.store_number or number}.")
    return see_other(f"/orders/{order.id}")


ROUTES: Final = (
    PageRoute("GET", "/orders", show_orders, "Find orders by any id, by state and by shop"),
    PageRoute("GET", "/orders/{order}", show_order, "One order: both books, money, attempts and its story"),
    PageRoute("POST", "/orders/{order}/settle", settle_order, "Settle the order now"),
    PageRoute("POST", "/orders/{order}/link", link_order, "Link the order to a store order that is there"),
)
