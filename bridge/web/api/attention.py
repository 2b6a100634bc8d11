"""`/api/v1/attention`: what waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from bridge.domain.attention import AttentionKind
from bridge.storage import attention
from bridge.storage.attention import Item
from bridge.web.api.models import (
    Accepted,
    AttentionOut,
    AttentionPage,
    AttentionQuery,
    Dismiss,
    LinesAccepted,
    Settle,
)
from bridge.web.bodies import read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem
from bridge.web.routes import WHO, ok


async def list_attention(request: web.Request) -> web.Response:
    asked = read_query(request, AttentionQuery)
    items, following = await request.app[DESK].db.read(
        lambda conn: attention.search(
            conn,
            state=None if asked.state == "all" else asked.state,
            kind=asked.kind,
            order_id=asked.order,
            shop_id=asked.shop,
            connection_id=asked.connection,
            by_deadline=asked.sort == "deadline",
            cursor=asked.cursor,
            limit=asked.limit,
        )
    )
    return ok(AttentionPage(items=[item_out(item) for item in items], next=following))


async def show_attention(request: web.Request) -> web.Response:
    return ok(item_out(await named(request)))


async def settle_attention(request: web.Request) -> web.Response:
    """Settle the order behind it now; never a stored command."""
    desk = request.app[DESK]
    asked = await read_json(request, Settle)
    item = await named(request)
    if item.kind == AttentionKind.BRAKE and item.shop_id is not None and item.order_id is None:
        return await _brake(desk, item.shop_id, asked, request[WHO])
    if item.order_id is None:
        where = f"POST /api/v1/connections/{item.connection_id}/doctor" if item.connection_id else "the shop's settings"
        raise Problem("conflict", f"This item is not about one order, so there is nothing to settle. Use {where}.")
    await desk.actions.settle(item.order_id, frozenset(asked.allow), request[WHO])
    return ok(Accepted(id=item.order_id, says="The order is due now; its changelog tells what comes of it."), 202)


async def cancel_lines(request: web.Request) -> web.Response:
    """Cancel the refunded units of the order behind it line by line; never a stored command."""
    desk = request.app[DESK]
    item = await named(request)
    if item.order_id is None or item.kind != AttentionKind.PARTIAL_REFUND.value:
        raise Problem("conflict", f"Lines are cancelled for an item of kind partial_refund; this one is {item.kind}.")
    lines = await desk.actions.cancel_lines(item.order_id, request[WHO])
    says = (
        f"Lines {', '.join(lines)} are cancelled now, as out of stock: TikTok Shop counts that as the seller's fault."
    )
    return ok(LinesAccepted(id=item.order_id, says=says, lines=list(lines)), 202)


async def _brake(desk: WebDesk, shop_id: str, asked: Settle, who: str) -> web.Response:
    if "brake" not in asked.allow:
        raise Problem(
            "conflict",
            "The direction is paused until somebody answers for these orders. Allow `brake` to let the waiting ones "
            "through, or raise max_cancels_per_hour: PUT /api/v1/shops/{shop}/cancellation-sync.",
        )
    let = await desk.actions.release_brake(shop_id, who)
    says = f"{let} orders that waited are let through, spread over a while. They count: more may be asked about."
    return ok(Accepted(id=shop_id, says=says), 202)


async def dismiss_attention(request: web.Request) -> web.Response:
    """Seen. It stays away until its facts change."""
    desk = request.app[DESK]
    asked = await read_json(request, Dismiss)
    item = await named(request)
    note = f"{request[WHO]}: {asked.note}" if asked.note else request[WHO]
    if not await desk.db.write(lambda conn: attention.dismiss(conn, item.id, note), idempotent=False):
        raise Problem("conflict", f"The item is {item.state}, not open: there is nothing to dismiss.")
    return ok(item_out(await named(request)))


async def named(request: web.Request) -> Item:
    wanted = request.match_info["item"]
    item = await request.app[DESK].db.read(lambda conn: attention.get(conn, wanted))
    if item is None:
        raise Problem("not-found", "There is no attention item of this id.")
    return item


def item_out(item: Item) -> AttentionOut:
    return AttentionOut(
        id=item.id,
        kind=item.kind,
        state=item.state,
        title=item.title,
        because=item.because,
        what_to_do=item.what_to_do,
        order=item.order_id,
        shop=item.shop_id,
        connection=item.connection_id,
        facts=item.facts,
        note=item.note,
        deadline_at=item.deadline_at,
        overdue=item.deadline_at is not None and item.deadline_at < datetime.now(UTC),
        reopened=item.reopened,
        opened_at=item.opened_at or item.created_at,
        dismissed_at=item.dismissed_at,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )
