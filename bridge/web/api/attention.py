"""`/api/v1/attention`: what waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import attention, audit
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
from bridge.web.bodies import moment_of, read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, invalid
from bridge.web.routes import WHO, ok


async def list_attention(request: web.Request) -> web.Response:
    return ok(await find_items(request.app[DESK], read_query(request, AttentionQuery)))


async def find_items(desk: WebDesk, asked: AttentionQuery) -> AttentionPage:
    """Raises `BadCursor`."""
    items, following = await desk.db.read(
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
    return AttentionPage(items=[item_out(item) for item in items], next=following)


async def show_attention(request: web.Request) -> web.Response:
    return ok(item_out(await named(request.app[DESK], request.match_info["item"])))


async def settle_attention(request: web.Request) -> web.Response:
    """Settle the order behind it now; never a stored command."""
    asked = await read_json(request, Settle)
    return ok(await settle_item(request.app[DESK], request.match_info["item"], asked, request[WHO]), 202)


async def settle_item(desk: WebDesk, item_id: str, asked: Settle, who: str) -> Accepted:
    """Raises `Problem`, `ActionRefused`."""
    item = await named(desk, item_id)
    if item.kind == AttentionKind.BRAKE and item.shop_id is not None:
        return await _brake(desk, item, item.shop_id, asked, who)
    check_seen(item, asked.seen)
    if item.order_id is None:
        place, route = "the shop's settings", f"PUT /api/v1/shops/{item.shop_id}"
        if item.connection_id:
            place, route = "the connection's doctor", f"POST /api/v1/connections/{item.connection_id}/doctor"
        detail = f"This item is not about one order, so there is nothing to settle. Use {place}."
        raise Problem("conflict", detail, where=f"It is {route}.")
    await desk.actions.settle(item.order_id, frozenset(asked.allow), who)
    return Accepted(id=item.order_id, says="The order is due now; its changelog tells what comes of it.")


async def cancel_lines(request: web.Request) -> web.Response:
    """Cancel the refunded units of the order behind it line by line; never a stored command."""
    return ok(await cancel_item_lines(request.app[DESK], request.match_info["item"], request[WHO]), 202)


async def cancel_item_lines(desk: WebDesk, item_id: str, who: str, seen: str | None = None) -> LinesAccepted:
    """Raises `Problem`, `ActionRefused`, `RemoteProblem`."""
    item = await named(desk, item_id)
    check_seen(item, seen)
    if item.order_id is None or item.kind != AttentionKind.PARTIAL_REFUND.value:
        raise Problem("conflict", f"Lines are cancelled for an item of kind partial_refund; this one is {item.kind}.")
    lines = await desk.actions.cancel_lines(item.order_id, who)
    says = (
        f"Lines {', '.join(lines)} are cancelled now, as out of stock: TikTok Shop counts that as the seller's fault."
    )
    return LinesAccepted(id=item.order_id, says=says, lines=list(lines))


async def _brake(desk: WebDesk, item: Item, shop_id: str, asked: Settle, who: str) -> Accepted:
    if "brake" not in asked.allow:
        raise Problem(
            "conflict",
            "The direction is paused until somebody answers for these orders. Allow `brake` to let the waiting ones "
            "through, or raise max_cancels_per_hour in the shop's cancellation sync.",
            where=f"It is PUT /api/v1/shops/{shop_id}/cancellation-sync.",
        )
    # More orders may have come to wait behind the same brake: those that were not shown are asked about again.
    since, _, newest = (asked.seen or seen_of(item)).partition(" ")
    let = await desk.actions.release_brake(shop_id, who, since, _moment(newest) if asked.seen else None)
    says = f"{let} orders that waited are let through, spread over a while. They count: more may be asked about."
    return Accepted(id=shop_id, says=says)


async def dismiss_attention(request: web.Request) -> web.Response:
    """Seen. It stays away until its facts change."""
    asked = await read_json(request, Dismiss)
    return ok(await dismiss_item(request.app[DESK], request.match_info["item"], asked, request[WHO]))


async def dismiss_item(desk: WebDesk, item_id: str, asked: Dismiss, who: str) -> AttentionOut:
    """Raises `Problem`: 404, 409."""
    item = await named(desk, item_id)
    check_seen(item, asked.seen)
    note = f"{who}: {asked.note}" if asked.note else who

    async def write(conn: AsyncConnection) -> bool:
        if not await attention.dismiss(conn, item.id, note):
            return False
        about = {"kind": item.kind, "order": item.order_id}
        await audit.write(conn, who, f"attention item {item.id} dismissed", None, about)
        return True

    if not await desk.db.write(write):
        raise Problem("conflict", f"The item is {item.state}, not open: there is nothing to dismiss.")
    return item_out(await named(desk, item_id))


async def named(desk: WebDesk, item_id: str) -> Item:
    """Raises `Problem` 404."""
    item = await desk.db.read(lambda conn: attention.get(conn, item_id))
    if item is None:
        raise Problem("not-found", "There is no attention item of this id.")
    return item


def seen_of(item: Item) -> str:
    """Another one whenever the item says something else; of a brake, also since when the last order waits behind it."""
    if item.kind == AttentionKind.BRAKE:
        return f"{item.fingerprint} {item.facts.get('newest_at') or ''}".strip()
    return item.fingerprint


def check_seen(item: Item, shown: str | None) -> None:
    """Who answers must have read what the item says now. Raises `Problem` 409."""
    if shown is not None and shown != seen_of(item):
        raise Problem(
            "conflict",
            "This says something else by now than when it was read, so nothing was done. Read it again, then answer.",
        )


def _moment(text: str) -> datetime | None:
    try:
        return moment_of(text) if text else None
    except ValueError:
        raise invalid("/seen", "is not the `seen` of an item") from None


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
        seen=seen_of(item),
        opened_at=item.opened_at or item.created_at,
        dismissed_at=item.dismissed_at,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )
