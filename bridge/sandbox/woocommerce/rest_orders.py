"""`/orders` and their `/refunds`: lists with their filters, and each call's own refusals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from aiohttp import web

from bridge.sandbox.woocommerce import ordering, refunding, views
from bridge.sandbox.woocommerce.model import STATUSES, TRASH, Json, Order, Refund, WpError, invalid
from bridge.sandbox.woocommerce.state import WooCommerceSandbox
from bridge.sandbox.woocommerce.wire import only, page_of, read_moment

Shown = tuple[int, Json | list[Json], dict[str, str]]
"""Status, body and headers of an answer."""
_ORDERINGS = ("date", "id", "include", "title", "slug", "modified")


async def list_orders(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    rows, headers = page_of(_sorted(_filtered(box, request), request), request)
    return 200, [only(views.order(box, one), request) for one in rows], headers


async def get_order(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    return 200, only(views.order(box, _order(box, request, 404)), request), {}


async def create_order(box: WooCommerceSandbox, request: web.Request, body: Json) -> Shown:
    if body.get("id"):
        raise WpError("woocommerce_rest_shop_order_exists", "Cannot create existing shop_order.", 400)
    return 201, only(views.order(box, ordering.create(box, body)), request), {}


async def update_order(box: WooCommerceSandbox, request: web.Request, body: Json) -> Shown:
    order = _order(box, request, 400)
    ordering.update(box, order, body)
    return 200, only(views.order(box, order), request), {}


async def delete_order(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    order = _order(box, request, 404)
    before = views.order(box, order)
    if request.query.get("force") == "true":
        del box.orders[order.id]
        return 200, before, {}
    if order.status == TRASH:
        raise WpError("woocommerce_rest_already_trashed", "The shop_order has already been deleted.", 410)
    ordering.trash(box, order)
    return 200, views.order(box, order), {}


async def batch(_box: WooCommerceSandbox, _request: web.Request, body: Json) -> Shown:
    """A batch of nothing, which shows whether a key may write. PHP's empty list of answers is an array."""
    if any(body.get(name) for name in ("create", "update", "delete")):
        raise WpError("sandbox_not_built", "The sandbox takes empty batches only.", 501)
    return 200, [], {}


async def list_refunds(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    """Newest first. Of an order that nobody knows there are none."""
    order = box.orders.get(int(request.match_info["order"]))
    found: list[Refund] = [] if order is None else list(reversed(order.refunds))
    rows, headers = page_of(found, request)
    return 200, [only(views.refund(box, one), request) for one in rows], headers


async def get_refund(box: WooCommerceSandbox, request: web.Request, _body: Json) -> Shown:
    order = box.orders.get(int(request.match_info["order"]))
    if order is None:
        raise WpError("woocommerce_rest_invalid_order_id", "Invalid order ID.", 404, bare=True)
    found = next((one for one in order.refunds if one.id == int(request.match_info["refund"])), None)
    if found is None:
        raise WpError("woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.", 404)
    return 200, only(views.refund(box, found), request), {}


async def create_refund(box: WooCommerceSandbox, request: web.Request, body: Json) -> Shown:
    order = box.orders.get(int(request.match_info["order"]))
    if order is None:
        raise WpError("woocommerce_rest_invalid_order_id", "Invalid order ID.", 404, bare=True)
    made = refunding.from_request(box, order, body)
    return 201, only(views.refund(box, made), request), {}


def _order(box: WooCommerceSandbox, request: web.Request, status: int) -> Order:
    found = box.orders.get(int(request.match_info["order"]))
    if found is None:
        raise WpError("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", status)
    return found


def _filtered(box: WooCommerceSandbox, request: web.Request) -> list[Order]:
    query = request.query
    wanted = [one for one in query.get("status", "any").split(",") if one]
    unknown = [one for one in wanted if one not in {*STATUSES, "any", TRASH}]
    if unknown:
        raise invalid("status", f"status[0] is not one of any, trash, {', '.join(STATUSES)}.")
    found = [
        order for order in box.orders.values() if order.status in wanted or ("any" in wanted and order.status != TRASH)
    ]
    # Without `dates_are_gmt`, times are compared in the site's own.
    zone = UTC if query.get("dates_are_gmt") in {"true", "1"} else box.zone
    for name, is_modified, is_after in (
        ("after", False, True),
        ("before", False, False),
        ("modified_after", True, True),
        ("modified_before", True, False),
    ):
        if name in query:
            bound = read_moment(query[name], name, zone)
            # Kept by the second, and the bound itself is not among them.
            at = {order.id: (order.modified_at if is_modified else order.created_at) for order in found}
            found = [
                order
                for order in found
                if (
                    at[order.id].replace(microsecond=0) > bound
                    if is_after
                    else at[order.id].replace(microsecond=0) < bound
                )
            ]
    if query.get("include"):
        numbers = {int(one) for one in query["include"].split(",") if one.strip().isdigit()}
        found = [order for order in found if order.id in numbers]
    if query.get("search"):
        found = [order for order in found if _has(order, query["search"].casefold())]
    return found


def _has(order: Order, term: str) -> bool:
    """Ids, numbers, names and addresses are searched; meta data and notes are not."""
    told = [str(order.id), order.number, *(row.name for row in order.rows)]
    told += [str(value) for address in (order.billing, order.shipping) for value in address.values()]
    return any(term in one.casefold() for one in told)


def _sorted(orders: Sequence[Order], request: web.Request) -> list[Order]:
    by, direction = request.query.get("orderby", "date"), request.query.get("order", "desc")
    if by not in _ORDERINGS:
        raise invalid("orderby", f"orderby is not one of {', '.join(_ORDERINGS)}.")
    if direction not in {"asc", "desc"}:
        raise invalid("order", "order is not one of asc, desc.")
    keys = {
        "date": lambda order: (order.created_at.replace(microsecond=0), order.id),
        "modified": lambda order: (order.modified_at.replace(microsecond=0), order.id),
    }
    return sorted(orders, key=keys.get(by, lambda order: (order.id,)), reverse=direction == "desc")
