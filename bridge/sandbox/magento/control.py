"""What a merchant or an operator does, as JSON routes under `/_control/`; see `docs/reference/sandbox-magento.md`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web

from bridge.sandbox.faults import CONTROL_PREFIX
from bridge.sandbox.magento import documents, events, handshake, integrations, orders, refunds, report
from bridge.sandbox.magento.integrations import Integration
from bridge.sandbox.magento.memos import Asked
from bridge.sandbox.magento.state import MagentoSandbox, Order
from bridge.sandbox.magento.wire import ApplicationError, RestError, amount, json_answer, read_json

Work = Callable[[MagentoSandbox, Any, web.Request], Awaitable[Any]]


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _order(box: MagentoSandbox, body: Any) -> Order:
    """By `order` (entity id) or `increment_id`."""
    number = body.get("increment_id")
    for order in box.orders.values():
        if number is not None and order.row.get("increment_id") == number:
            return order
    return orders.find(box, body.get("order"))


def _integration(box: MagentoSandbox, wanted: Any) -> Integration:
    found = box.integrations.find(wanted)
    if found is None:
        raise ValueError(f"no integration {wanted!r}")
    return found


def _asked(body: Any) -> Asked:
    quantities = None
    if body.get("items") is not None:
        quantities = {int(line["order_item_id"]): _decimal(line["qty"]) for line in body["items"]}
    sums = {
        name: _decimal(body[column]) if body.get(column) is not None else None
        for name, column in (
            ("shipping", "shipping_amount"),
            ("positive", "adjustment_positive"),
            ("negative", "adjustment_negative"),
        )
    }
    return Asked(quantities, **sums)


async def _products(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    made = [
        box.add_product(
            str(one["sku"]),
            price=_decimal(one.get("price", 0)),
            qty=_decimal(one.get("qty", 0)),
            name=str(one.get("name", "")),
            type_id=str(one.get("type_id", "simple")),
            parent=one.get("parent"),
        )
        for one in (body if isinstance(body, list) else [body])
    ]
    return {"products": [report.product(one) for one in made]}


async def _stock(box: MagentoSandbox, _body: Any, request: web.Request) -> Any:
    found = box.stock.by_sku(request.match_info["sku"])
    if found is None:
        raise ValueError(f"no product {request.match_info['sku']!r}")
    return report.product(found)


async def _save_product(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    found = box.stock.by_sku(str(body["sku"]))
    if found is None:
        raise ValueError(f"no product {body['sku']!r}")
    if body.get("qty") is not None:
        found.source = _decimal(body["qty"])
        found.in_stock = found.source > 0
    if body.get("price") is not None:
        found.price = _decimal(body["price"])
    found.updated_at = box.stamp()
    events.product_saved(box, found)
    return report.product(found)


async def _refund(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    order = _order(box, body)
    memo_id = refunds.in_admin(
        box, order, _asked(body), back=bool(body.get("back_to_stock")), comment=str(body.get("comment", ""))
    )
    return {"credit_memo": memo_id, "order": report.order(box, order)}


async def _refund_beside(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    order = _order(box, body)
    box.beside.add(order.id)
    return {"order": order.id}


async def _ship(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    order = _order(box, body)
    made, _ = documents.ship(box, order, body, None)
    return {"shipment": made, "order": report.order(box, order)}


async def _invoice(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    order = _order(box, body)
    made, _ = documents.invoice(box, order, body, None)
    return {"invoice": made, "order": report.order(box, order)}


async def _cancel(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    order = _order(box, body)
    done, _ = orders.cancel(box, order, None)
    return {"cancelled": done, "order": report.order(box, order)}


async def _hold(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    order = _order(box, body)
    orders.hold(box, order, None, release=bool(body.get("release")))
    return {"order": report.order(box, order)}


_NAMES = ("increment_id", "ext_order_id", "customer_note", "created_at")
"""By what another connector's order names the sale it stands for, and when it was made."""


async def _place(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    lines = []
    for line in body["items"]:
        product = box.stock.by_sku(str(line["sku"]))
        if product is None:
            raise ValueError(f"no product {line['sku']!r}")
        lines.append((product, _decimal(line.get("qty", 1))))
    store = next((view for view in box.stores if view.code == body.get("store", "default")), box.stores[0])
    columns = {name: str(body[name]) for name in _NAMES if body.get(name) is not None}
    order = orders.place(box, lines, shipping=_decimal(body.get("shipping_amount", 0)), store=store, columns=columns)
    if body.get("invoice"):
        documents.invoice(box, order, {}, None)
    return report.order(box, order)


async def _create_integration(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    resources = body.get("resources", "short")
    made = box.integrations.create(
        str(body.get("name", "Bridge")),
        {"short": list(integrations.SHORT_LIST), "all": None}[resources] if isinstance(resources, str) else resources,
        callback_url=body.get("callback_url"),
        identity_url=body.get("identity_url"),
        credentials=body.get("credentials"),
    )
    return report.integration(made)


async def _change_integration(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    found = _integration(box, body["integration"])
    if body.get("delete"):
        del box.integrations.all[found.id]
        return {"deleted": found.id}
    if "active" in body:
        found.active = bool(body["active"])
    if "resources" in body:
        found.resources = body["resources"]
    if body.get("revoke") and found.token is not None:
        found.token.revoked = True
    return report.integration(found)


async def _admin_token(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    token = integrations.new_key()
    box.integrations.admin_tokens[token] = int(body.get("user_id", 1))
    return {"token": token}


async def _activate(box: MagentoSandbox, body: Any, request: web.Request) -> Any:
    """Activate and reauthorize are the same; a callback address makes a new integration."""
    if body.get("integration") is None:
        await _create_integration(box, body, request)
        body = {"integration": max(box.integrations.all)} | body
    found = _integration(box, body["integration"])
    base = body.get("store_base_url") or f"{request.scheme}://{request.host}/"
    return await handshake.activate(box, found, base)


async def _settings(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    if "plugin" in body:
        box.set_plugin(None if body["plugin"] in {None, "none"} else str(body["plugin"]))
    if "clock_offset" in body:
        box.clock_offset = timedelta(seconds=float(body["clock_offset"]))
    if "maintenance" in body:
        box.maintenance = bool(body["maintenance"])
    if "bearer_allowed" in body:
        box.bearer_allowed = bool(body["bearer_allowed"])
    if "inventory" in body:
        box.inventory = bool(body["inventory"])
    return report.settings(box)


async def _register(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    """Another program's registration, at the end of the list or before all others."""
    hook = {name: str(body[name]) for name in ("topic", "app_key", "address", "integration_id")}
    hook = {"id": str(body.get("id") or integrations.new_key()), **hook}
    box.webhooks.insert(0 if body.get("first") else len(box.webhooks), hook)
    return {"webhooks": box.webhooks}


async def _unregister(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    box.webhooks[:] = [hook for hook in box.webhooks if body.get("id") not in {None, hook["id"]}]
    return {"webhooks": box.webhooks}


async def _website(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    made = box.add_website(**{key: str(value) for key, value in body.items()})
    return {"store_id": made.id, "website_id": made.website.id}


async def _consumer(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    if body.get("drop") is not None:
        box.deliveries.drop_next(int(body["drop"]), body.get("topic"))
    if "paused" in body:
        (box.deliveries.pause if body["paused"] else box.deliveries.resume)()
    return {"paused": box.deliveries.paused, "waiting": box.deliveries.waiting}


async def _deliveries(box: MagentoSandbox, _body: Any, request: web.Request) -> Any:
    """`?wait=SECONDS`: first wait until the queue is empty; `drained` says whether it was."""
    drained = await box.deliveries.drained(min(float(request.query.get("wait", "0.001")), 60.0))
    return {"drained": drained, "waiting": box.deliveries.waiting, "deliveries": box.deliveries.as_json()}


async def _state(box: MagentoSandbox, _body: Any, _request: web.Request) -> Any:
    return report.state(box)


async def _memo(box: MagentoSandbox, body: Any, _request: web.Request) -> Any:
    saved = refunds.save_again(box, {"entity": {"entity_id": amount(body, "credit_memo")}})
    return {"credit_memo": saved.id}


ROUTES: list[tuple[str, str, Work]] = [
    ("POST", "products", _products),
    ("GET", "stock/{sku:.+}", _stock),
    ("POST", "product-save", _save_product),
    ("POST", "refund", _refund),
    ("POST", "refund-beside", _refund_beside),
    ("POST", "memo-save", _memo),
    ("POST", "ship", _ship),
    ("POST", "invoice", _invoice),
    ("POST", "cancel", _cancel),
    ("POST", "hold", _hold),
    ("POST", "storefront-order", _place),
    ("POST", "integrations", _create_integration),
    ("PATCH", "integrations", _change_integration),
    ("POST", "admin-token", _admin_token),
    ("POST", "activate", _activate),
    ("POST", "settings", _settings),
    ("POST", "registrations", _register),
    ("DELETE", "registrations", _unregister),
    ("POST", "websites", _website),
    ("POST", "consumer", _consumer),
    ("GET", "deliveries", _deliveries),
    ("GET", "state", _state),
]


def control_routes(box: MagentoSandbox) -> list[web.RouteDef]:
    """What cannot be done answers 409 with `{"error": …}`; a body that cannot be read 400."""

    def bound(work: Work) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            raw = await request.read()
            try:
                body = read_json(raw)
                return json_answer(await work(box, body, request))
            except (KeyError, TypeError) as problem:
                return json_answer({"error": f"{type(problem).__name__}: {problem}"}, 400)
            except RestError as problem:
                return json_answer({"error": json.dumps(problem.body(), default=str)}, 409)
            except ApplicationError:
                return json_answer({"error": "An error has happened during application run."}, 409)
            except (ValueError, ArithmeticError) as problem:
                return json_answer({"error": str(problem)}, 409)

        return handler

    return [web.route(method, f"{CONTROL_PREFIX}/{path}", bound(work)) for method, path, work in ROUTES]
