"""Needs attention: what waits for a person, by cause, and one question with the answers it takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import shops
from bridge.storage.connections import Connection
from bridge.storage.shops import Shop
from bridge.web.api.attention import cancel_item_lines, dismiss_item, find_items, item_out, named, settle_item
from bridge.web.api.attention_groups import (
    DismissAll,
    GroupQuery,
    SettleAll,
    dismiss_kind,
    find_groups,
    settle_kind,
)
from bridge.web.api.buyer_requests import approve, reject, reject_reasons
from bridge.web.api.drifts import sweep_status
from bridge.web.api.models import AttentionOut, AttentionPage, AttentionQuery, Dismiss, Settle
from bridge.web.api.orders import whole_order
from bridge.web.api.request_models import Approve, Reject, RejectReasonsOut
from bridge.web.bodies import moment_of, read_query
from bridge.web.desk import DESK
from bridge.web.pages.allowing import ALLOWS, FOR_ALL, allowed, what_may_be_allowed
from bridge.web.pages.forms import FORM, wrong_fields
from bridge.web.pages.in_words import in_words
from bridge.web.pages.refusals import REFUSALS, told
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.visits import VISIT, remember
from bridge.web.problems import Problem, invalid

STATES: Final[Mapping[str, str]] = {
    "open": "Open",
    "dismissed": "Dismissed",
    "closed": "Settled",
    "all": "All",
}
_KEPT: Final = ("state", "kind", "shop", "order", "connection", "sort")
"""What a list's further pages ask for as well."""
LISTED: Final = 50
"""Items of a page at most."""
_SHOWN_OTHERWISE: Final = frozenset({"requests"})


async def show_groups(request: web.Request) -> web.Response:
    return await _groups(request)


async def _groups(request: web.Request, errors: dict[str, str] | None = None, status: int = 200) -> web.Response:
    desk = request.app[DESK]
    found = await find_groups(desk, GroupQuery())
    urgent = await find_items(desk, AttentionQuery(sort="deadline", limit=20))

    return show(
        request,
        "attention.html",
        title="Needs attention",
        page="attention",
        status=status,
        groups=[(one, FOR_ALL.get(one.kind)) for one in found.groups],
        as_of=found.as_of.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        allows=ALLOWS,
        urgent=urgent.items,
        sweeps=await sweep_status(desk),
        errors=errors or {},
    )


async def show_items(request: web.Request) -> web.Response:
    """One kind, or a state."""
    desk = request.app[DESK]
    errors: dict[str, str] = {}
    status = 200
    try:
        asked = read_query(request, AttentionQuery)
        asked = asked.model_copy(update={"limit": min(asked.limit, LISTED)})
        found = await find_items(desk, asked)
    except Problem as problem:
        asked, found = AttentionQuery(), AttentionPage(items=[], next=None)
        errors, status = wrong_fields(problem), problem.status
    listed = await desk.db.read(shops.all)
    kept = {
        name: value
        for name, value in asked.model_dump(include=set(_KEPT)).items()
        if value and value != AttentionQuery.model_fields[name].default
    }
    known = {kind.value for kind in AttentionKind}
    return show(
        request,
        "attention_items.html",
        title=found.items[0].title if asked.kind and found.items else "Questions",
        page="attention",
        status=status,
        items=found.items,
        asked=asked,
        states=STATES,
        kinds=sorted(known | ({asked.kind} if asked.kind else set())),
        shops={one.id: one.name or one.channel_shop_id for one in listed},
        errors=errors,
        first=f"/attention/items?{urlencode(kept)}" if asked.cursor else None,
        following=f"/attention/items?{urlencode({**kept, 'cursor': found.next})}" if found.next else None,
    )


async def show_item(request: web.Request) -> web.Response:
    return await _item(request)


async def _item(request: web.Request, errors: dict[str, str] | None = None, status: int = 200) -> web.Response:
    desk = request.app[DESK]
    item = item_out(await named(desk, request.match_info["item"]))
    order = await whole_order(desk, item.order, entries=0) if item.order else None

    async def read(conn: AsyncConnection) -> tuple[Shop | None, Connection | None]:
        shop = await shops.get(conn, item.shop) if item.shop else None
        return shop, await desk.connections.get(conn, item.connection) if item.connection else None

    shop, connection = await desk.db.read(read)
    form = request.get(FORM)
    waiting: list[dict[str, Any]] = _requests(item)
    chosen = next((one for one in waiting if one["cancellation"] == _chosen(request)), waiting[0] if waiting else None)
    reasons, outage = None, ""
    if chosen and request[VISIT].may_change and item.state != "closed":
        reasons, outage = await _reasons(request, item, chosen["cancellation"])
    offered = what_may_be_allowed(order) if order and item.state == "open" else []
    return show(
        request,
        "attention_item.html",
        title=item.title,
        page="attention",
        status=status,
        item=item,
        order=order,
        shop=shop,
        connection=connection,
        facts=in_words({name: value for name, value in item.facts.items() if name not in _SHOWN_OTHERWISE}),
        waiting=waiting,
        chosen=chosen,
        reasons=reasons,
        outage=outage,
        is_brake=item.kind == AttentionKind.BRAKE.value and item.order is None,
        cancels_lines=item.kind == AttentionKind.PARTIAL_REFUND.value and item.order is not None,
        # Cancelling lines has a form of its own here, with its warning.
        allows=[(name, *ALLOWS[name], bool(form and form.has(f"allow_{name}"))) for name in offered if name != "lines"],
        typed={name: form.text(name) if form else "" for name in ("reason", "comment", "note")},
        errors=errors or {},
    )


def _requests(item: AttentionOut) -> list[dict[str, Any]]:
    """The buyer's requests an item shows; none of an item of another kind."""
    found = item.facts.get("requests")
    if item.kind != AttentionKind.BUYER_REQUEST.value or not isinstance(found, list):
        return []
    return [
        {**one, "respond_by": datetime.fromisoformat(one["respond_by"]) if one.get("respond_by") else None}
        for one in found
        if isinstance(one, dict) and one.get("cancellation")
    ]


def _chosen(request: web.Request) -> str:
    form = request.get(FORM)
    return (form.text("request") if form else "") or request.query.get("request", "")


async def _reasons(request: web.Request, item: AttentionOut, wanted: str) -> tuple[RejectReasonsOut | None, str]:
    """TikTok's own, asked now; else why there are none."""
    try:
        return await reject_reasons(request.app[DESK], item.id, wanted), ""
    except REFUSALS as error:
        return None, " ".join(told(error)[0].values())


async def settle(request: web.Request) -> web.Response:
    asked = Settle(allow=allowed(request[FORM]), seen=_seen(request))
    try:
        done = await settle_item(request.app[DESK], request.match_info["item"], asked, request[VISIT].who)
    except REFUSALS as error:
        return await _item(request, *told(error))
    return await _back(request, done.says)


async def cancel_lines(request: web.Request) -> web.Response:
    try:
        if not request[FORM].has("understood"):
            raise invalid("/understood", "Confirm that this counts as the seller's fault.")
        item, who = request.match_info["item"], request[VISIT].who
        done = await cancel_item_lines(request.app[DESK], item, who, _seen(request))
    except REFUSALS as error:
        return await _item(request, *told(error))
    return await _back(request, done.says)


async def approve_request(request: web.Request) -> web.Response:
    asked = Approve(request=request[FORM].text("request")[:64] or None, seen=_seen(request))
    try:
        done = await approve(request.app[DESK], request.match_info["item"], asked, request[VISIT].who)
    except REFUSALS as error:
        return await _item(request, *told(error))
    return await _back(request, done.says)


async def reject_request(request: web.Request) -> web.Response:
    form = request[FORM]
    reason, comment = form.text("reason"), form.text("comment")
    try:
        if not 0 < len(reason) <= 120:
            raise invalid("/reason", "Choose one of TikTok's reasons.")
        if len(comment) > 500:
            raise invalid("/comment", "At most 500 characters: the buyer reads it.")
        asked = Reject(request=form.text("request")[:64] or None, reason=reason, comment=comment, seen=_seen(request))
        done = await reject(request.app[DESK], request.match_info["item"], asked, request[VISIT].who)
    except REFUSALS as error:
        return await _item(request, *told(error))
    return await _back(request, done.says)


async def dismiss(request: web.Request) -> web.Response:
    desk, item = request.app[DESK], request.match_info["item"]
    text = "Dismissed. It stays away until its facts change."
    try:
        asked = Dismiss(note=_note(request), seen=_seen(request))
        await dismiss_item(desk, item, asked, request[VISIT].who)
    except REFUSALS as error:
        errors, status = told(error)
        # The form was sent twice, or two people dismissed it: what was wished for is so.
        if status != 409 or (await named(desk, item)).state != "dismissed":
            return await _item(request, errors, status)
        text = "It was dismissed already. It stays away until its facts change."
    await remember(request, text)
    return see_other("/attention")


def _seen(request: web.Request) -> str | None:
    """What the item said on the page whose form this is."""
    return request[FORM].text("seen")[:200] or None


def _until(request: web.Request) -> datetime | None:
    """When the page whose form this is was made."""
    text = request[FORM].text("until")
    try:
        return moment_of(text) if text else None
    except ValueError:
        raise invalid("", "The form does not say when its page was made: reload the page.") from None


def _note(request: web.Request) -> str:
    note = request[FORM].text("note")
    if len(note) > 2000:
        raise invalid("/note", "At most 2,000 characters.")
    return note


async def _back(request: web.Request, says: str) -> web.Response:
    await remember(request, says)
    return see_other(f"/attention/{request.match_info['item']}")


async def settle_all(request: web.Request) -> web.Response:
    form = request[FORM]
    try:
        asked = SettleAll(kind=_kind(request), allow=allowed(form), until=_until(request))
        done = await settle_kind(request.app[DESK], asked, request[VISIT].who)
    except REFUSALS as error:
        return await _groups(request, *told(error))
    says = f"{done.settled} {'order is' if done.settled == 1 else 'orders are'} looked at now, spread over a while."
    says += f" {done.skipped} skipped: they are not about one order." if done.skipped else ""
    says += f" {done.left} are left: send it again for them." if done.left else ""
    await remember(request, says)
    return see_other("/attention")


async def dismiss_all(request: web.Request) -> web.Response:
    try:
        asked = DismissAll(kind=_kind(request), note=_note(request), until=_until(request))
        done = await dismiss_kind(request.app[DESK], asked, request[VISIT].who)
    except REFUSALS as error:
        return await _groups(request, *told(error))
    await remember(request, f"{done.dismissed} dismissed. Each comes back when its own facts change.")
    return see_other("/attention")


def _kind(request: web.Request) -> str:
    kind = request[FORM].text("kind")
    if not 0 < len(kind) <= 64:
        raise invalid("/kind", "The form names no kind: reload the page.")
    return kind


ROUTES: Final = (
    PageRoute("GET", "/attention", show_groups, "What waits for a person, by cause; what runs out comes first"),
    PageRoute("POST", "/attention/settle", settle_all, "Settle the orders behind all open items of a kind"),
    PageRoute("POST", "/attention/dismiss", dismiss_all, "All open items of a kind were seen"),
    PageRoute("GET", "/attention/items", show_items, "Items by kind and state: open, dismissed or settled"),
    PageRoute("GET", "/attention/{item}", show_item, "One item: why, what to do, and the answers it takes"),
    PageRoute("POST", "/attention/{item}/settle", settle, "Settle the order behind it, or release the brake"),
    PageRoute("POST", "/attention/{item}/cancel-lines", cancel_lines, "Cancel the refunded lines on TikTok Shop"),
    PageRoute("POST", "/attention/{item}/approve", approve_request, "Approve a buyer's request"),
    PageRoute("POST", "/attention/{item}/reject", reject_request, "Reject a buyer's request"),
    PageRoute("POST", "/attention/{item}/dismiss", dismiss, "It was seen"),
)
