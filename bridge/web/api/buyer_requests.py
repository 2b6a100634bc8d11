"""`/api/v1/attention/{item}/approve`, `reject`, `reject-reasons`: a person answers a buyer's request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.domain.attention import AttentionKind
from bridge.domain.link import Answer
from bridge.domain.requests import note_on_rejecting
from bridge.ports import ReasonNotListed
from bridge.storage import orders, shops
from bridge.storage.attention import Item
from bridge.web.api.attention import check_seen, named
from bridge.web.api.models import Accepted
from bridge.web.api.request_models import Approve, Reject, RejectReasonOut, RejectReasonsOut, RejectReasonsQuery
from bridge.web.bodies import read_json, read_query
from bridge.web.desk import DESK, WebDesk
from bridge.web.problems import Problem, invalid
from bridge.web.routes import WHO, ok


async def approve_request(request: web.Request) -> web.Response:
    """Kept with the order, which is settled now: TikTok is told if the request still waits as it was shown."""
    asked = await read_json(request, Approve)
    return ok(await approve(request.app[DESK], request.match_info["item"], asked, request[WHO]), 202)


async def approve(desk: WebDesk, item_id: str, asked: Approve, who: str) -> Accepted:
    """Raises `Problem`, `ActionRefused`, `RemoteProblem`."""
    order, shown = await _shown(desk, item_id, asked.request, asked.seen)
    return await _answer(desk, order, shown, Answer("approve", who=who))


async def reject_request(request: web.Request) -> web.Response:
    asked = await read_json(request, Reject)
    return ok(await reject(request.app[DESK], request.match_info["item"], asked, request[WHO]), 202)


async def reject(desk: WebDesk, item_id: str, asked: Reject, who: str) -> Accepted:
    """Raises `Problem`, `ActionRefused`, `RemoteProblem`."""
    order, shown = await _shown(desk, item_id, asked.request, asked.seen)
    return await _answer(desk, order, shown, Answer("reject", asked.reason, asked.comment, who=who))


async def _answer(desk: WebDesk, order: str, shown: Mapping[str, Any], answer: Answer) -> Accepted:
    try:
        note = await desk.actions.answer(order, shown, answer)
    except ReasonNotListed as problem:
        errors = [{"pointer": "#/reason", "detail": str(problem)}]
        keys = [reason.key for reason in problem.listed]
        raise Problem("invalid", f"{problem}.", errors=errors, more={"valid_reasons": keys}) from problem
    does = "approved" if answer.decision == "approve" else "rejected"
    says = f"The request {shown['cancellation']} is {does} now, if it still waits; the order's changelog tells."
    return Accepted(id=order, says=f"{says} {note}".strip())


async def list_reject_reasons(request: web.Request) -> web.Response:
    """TikTok's own reasons for this request, asked now."""
    asked = read_query(request, RejectReasonsQuery)
    return ok(await reject_reasons(request.app[DESK], request.match_info["item"], asked.request))


async def reject_reasons(desk: WebDesk, item_id: str, wanted: str | None) -> RejectReasonsOut:
    """Raises `Problem`, `ActionRefused`, `RemoteProblem`."""
    order, shown = await _shown(desk, item_id, wanted)
    listed = await desk.actions.reject_reasons(order, str(shown["cancellation"]))
    record = await desk.db.read(lambda conn: orders.get(conn, order))
    shop = await desk.db.read(lambda conn: shops.get(conn, record.shop_id)) if record else None
    reasons = [RejectReasonOut(key=reason.key, text=reason.text) for reason in listed]
    note = note_on_rejecting(shop.region) if shop else ""
    return RejectReasonsOut(request=str(shown["cancellation"]), reasons=reasons, note=note)


async def _shown(
    desk: WebDesk, item_id: str, wanted: str | None, seen: str | None = None
) -> tuple[str, Mapping[str, Any]]:
    """The order, and the request as the item shows it: the one named, else the one with the nearest deadline."""
    item = await named(desk, item_id)
    _check(item)
    check_seen(item, seen)
    waiting: list[Mapping[str, Any]] = item.facts["requests"]
    if wanted is None:
        return str(item.order_id), waiting[0]
    found = next((one for one in waiting if one["cancellation"] == wanted), None)
    if found is None:
        there = ", ".join(one["cancellation"] for one in waiting)
        raise invalid("/request", f"this item shows no request {wanted}; it shows {there}")
    return str(item.order_id), found


def _check(item: Item) -> None:
    if item.kind != AttentionKind.BUYER_REQUEST.value or item.order_id is None:
        detail = (
            f"This item is of kind {item.kind}: only a buyer's request (buyer_request) can be approved or rejected. "
            f"To do here: {item.what_to_do}"
        )
        raise Problem("conflict", detail)
    if item.state == "closed":
        raise Problem(
            "conflict",
            "The buyer's request no longer waits for an answer; the order's changelog tells what became of it.",
        )
