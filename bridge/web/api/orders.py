"""`/api/v1/orders`: what is known of an order, and what a person may ask for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import attention, changelog, ledger, money_proofs, orders
from bridge.storage.order_search import ListedOrder
from bridge.storage.orders import OrderRecord, OrderState
from bridge.web.api.attention import item_out
from bridge.web.api.models import (
    Accepted,
    ClaimOut,
    EntryOut,
    Link,
    OrderBrief,
    OrderOut,
    OrderPage,
    OrderQuery,
    Settle,
)
from bridge.web.api.money import proof_out
from bridge.web.bodies import read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, invalid
from bridge.web.routes import WHO, ok

ENTRIES: Final = 500
"""Of an order's changelog; the export has all."""
_STATES = frozenset(state.value for state in OrderState)


async def list_orders(request: web.Request) -> web.Response:
    return ok(await find_orders(request.app[DESK], read_query(request, OrderQuery)))


async def find_orders(desk: WebDesk, asked: OrderQuery) -> OrderPage:
    """Raises `Problem` 422, `BadCursor`."""
    if asked.state is not None and asked.state not in _STATES:
        raise invalid("/state", f"must be one of {', '.join(sorted(_STATES))}")
    found, following = await desk.db.read(
        lambda conn: orders.search(
            conn, query=asked.query, state=asked.state, shop_id=asked.shop, cursor=asked.cursor, limit=asked.limit
        )
    )
    return OrderPage(orders=[OrderBrief(**_brief(one)) for one in found], next=following)


async def show_order(request: web.Request) -> web.Response:
    """By our id or TikTok's."""
    return ok(await whole_order(request.app[DESK], request.match_info["order"]))


async def whole_order(desk: WebDesk, order_id: str, *, entries: int = ENTRIES) -> OrderOut:
    """With so many entries of its changelog, the oldest. Raises `Problem`: 404, 409."""
    return await desk.db.read(lambda conn: _whole(conn, order_id, entries))


async def settle_order(request: web.Request) -> web.Response:
    """Look at the order now, read both sides and close the difference. It happens behind this answer."""
    asked = await read_json(request, Settle)
    return ok(await settle_now(request.app[DESK], request.match_info["order"], asked, request[WHO]), 202)


async def settle_now(desk: WebDesk, order_id: str, asked: Settle, who: str) -> Accepted:
    record = await desk.db.read(lambda conn: find_order(conn, order_id))
    await desk.actions.settle(record.id, frozenset(asked.allow), who)
    return Accepted(id=record.id, says="The order is due now; its changelog tells what comes of it.")


async def link_order(request: web.Request) -> web.Response:
    """Tie the order to a store order that is there already."""
    asked = await read_json(request, Link)
    return ok(await link_now(request.app[DESK], request.match_info["order"], asked, request[WHO]))


async def link_now(desk: WebDesk, order_id: str, asked: Link, who: str) -> OrderOut:
    """Raises `Problem`, `ActionRefused`, `RemoteProblem`."""
    record = await desk.db.read(lambda conn: find_order(conn, order_id))
    await desk.actions.link(record.id, asked.store_order, who)
    return await desk.db.read(lambda conn: _whole(conn, record.id))


async def find_order(conn: AsyncConnection, order_id: str) -> OrderRecord:
    """By our id or the channel's. Raises `Problem`: 404, 409 where two shops have an order of this number."""
    record = await orders.get(conn, order_id)
    if record is not None:
        return record
    found = await orders.by_channel_id(conn, order_id)
    if not found:
        raise Problem("not-found", "There is no order of this id, neither ours nor TikTok Shop's.")
    if len(found) > 1:
        listed = ", ".join(one.id for one in found)
        raise Problem("conflict", f"Several shops have an order of this number; name one by our id: {listed}.")
    return found[0]


async def _whole(conn: AsyncConnection, order_id: str, most: int = ENTRIES) -> OrderOut:
    record = await find_order(conn, order_id)
    reading = dict(record.reading or {})
    units = reading.pop("units", [])
    entries = await changelog.of_order(conn, record.id, limit=most) if most else []
    items, _ = await attention.search(conn, state="open", order_id=record.id)
    reading.pop("money", None)
    proof = await money_proofs.of_order(conn, record.id)
    return OrderOut(
        **_brief(record),
        units=[dict(unit) for unit in units] if isinstance(units, list) else [],
        reading=reading,
        money=proof_out(proof) if proof else None,
        claims=[_claim(claim) for claim in await ledger.history(conn, record.id)],
        changelog=[EntryOut(at=one.at, event=one.event, because=one.because, facts=one.facts) for one in entries],
        attention=[item_out(item) for item in items],
    )


def _claim(claim: ledger.Claim) -> ClaimOut:
    """Without the payload: it holds the buyer's address."""
    values = asdict(claim) | {"units": list(claim.units)}
    return ClaimOut(**{name: values[name] for name in ClaimOut.model_fields})


def _brief(record: OrderRecord | ListedOrder) -> dict[str, Any]:
    return {
        "id": record.id,
        "channel_order_id": record.channel_order_id,
        "shop": record.shop_id,
        "state": str(record.state),
        "because": record.because,
        "store_connection": record.store_connection_id,
        "store_view": record.store_view,
        "store_order_id": record.store_order_id,
        "store_number": record.store_number,
        "origin": record.origin,
        "reserved": str(record.reserved) if record.reserved else None,
        "reserved_because": record.reserved_because,
        "blocked": record.blocked,
        "channel_created_at": record.channel_created_at,
        "settled_at": record.settled_at,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }
