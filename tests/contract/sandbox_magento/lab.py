"""A sandbox store on loopback, a receiver for its deliveries, and the means to bring it into a recording's state.

Counters are set so that the sandbox gives out the very ids of the recording; requests are then replayed as recorded.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from bridge.sandbox.magento import MagentoSandbox, create_app

RECORDINGS = Path(__file__).parents[2] / "recordings" / "magento"
TOPICS = ("orders/update", "products/update", "creditmemos/update")
BEHAVIOUR = "as-inventory-behaviour"
DECREMENT = {BEHAVIOUR: "decrement"}
INCREMENT = {BEHAVIOUR: "increment"}
RESULT = "X-AS-Inventory-Reservation-Result"


def recording(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())
    return loaded


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def result(self) -> Any:
        return json.loads(self.headers[RESULT])


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: str


def order_entity(number: str, lines: list[dict[str, Any]], shipping: float = 5.0, **columns: Any) -> dict[str, Any]:
    """The body that `POST /V1/orders` was recorded with, for other lines.

    A line: sku, product_id, qty, price, and where wanted product_type, tax, discount. `columns` go on the order.
    """
    body: dict[str, Any] = deepcopy(json.loads(recording("orders/order_create_plain")["request"]["body"]))
    entity = body["entity"]
    template = entity["items"][0]
    items, subtotal, tax, discount = [], Decimal(0), Decimal(0), Decimal(0)
    for line in lines:
        price, quantity = Decimal(str(line["price"])), Decimal(str(line["qty"]))
        total = price * quantity
        item = dict(template) | {"sku": line["sku"], "name": f"Test {line['sku']}", "product_id": line["product_id"]}
        item |= {"product_type": line.get("product_type", "simple"), "qty_ordered": float(quantity)}
        for prefix in ("", "base_"):
            item |= {f"{prefix}price": float(price), f"{prefix}row_total": float(total)}
            item |= {f"{prefix}row_total_incl_tax": float(total), f"{prefix}price_incl_tax": float(price)}
            item |= {f"{prefix}tax_amount": line.get("tax", 0), f"{prefix}discount_amount": line.get("discount", 0)}
        items.append(item)
        subtotal += total
        tax += Decimal(str(line.get("tax", 0)))
        discount += Decimal(str(line.get("discount", 0)))
    tax += Decimal(str(columns.get("shipping_tax_amount", 0)))
    grand = float(subtotal + tax - discount + Decimal(str(shipping)))
    entity |= {"increment_id": number, "ext_order_id": number.removeprefix("TT-"), "items": items}
    for prefix in ("", "base_"):
        entity |= {f"{prefix}subtotal": float(subtotal), f"{prefix}grand_total": grand, f"{prefix}total_due": grand}
        entity |= {f"{prefix}shipping_amount": shipping, f"{prefix}shipping_incl_tax": shipping}
        entity |= {f"{prefix}tax_amount": float(tax), f"{prefix}discount_amount": -float(discount)}
    for key, value in columns.items():
        entity |= {key: value, f"base_{key}": value}
    return body


def search(*filters: tuple[str, str, str] | list[tuple[str, str, str]], **rest: Any) -> str:
    """Groups of filters as a query; a list is one group (OR)."""
    parts = []
    for number, group in enumerate(filters):
        for place, (name, kind, value) in enumerate(group if isinstance(group, list) else [group]):
            stem = f"searchCriteria[filter_groups][{number}][filters][{place}]"
            parts += [(f"{stem}[field]", name), (f"{stem}[condition_type]", kind), (f"{stem}[value]", value)]
    for key in ("pageSize", "currentPage"):
        if key in rest:
            parts.append((f"searchCriteria[{key}]", str(rest.pop(key))))
    for number, (name, direction) in enumerate(rest.pop("sort", [])):
        parts += [(f"searchCriteria[sortOrders][{number}][field]", name)]
        parts += [(f"searchCriteria[sortOrders][{number}][direction]", direction)]
    parts += list(rest.items())
    return "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in parts) or "searchCriteria="


SKU_A = {"sku": "SKU-A", "product_id": 1, "qty": 2, "price": 50}
SKU_C = {"sku": "SKU-C", "product_id": 3, "qty": 2, "price": 50}


@dataclass
class Lab:
    box: MagentoSandbox
    url: URL
    session: aiohttp.ClientSession
    hook_url: str
    received: list[Received]
    hook_status: int = 200
    token: str = ""
    integration: dict[str, Any] = field(default_factory=dict)

    async def control(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        async with self.session.request(method, self.url.join(URL(f"_control/{path}")), json=body) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return json.loads(text)

    async def raw(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Reply:
        target = URL(f"{self.url.origin()}{path}", encoded=True)
        data = body.encode() if body is not None else None
        async with self.session.request(method, target, data=data, headers=headers) as answer:
            return Reply(answer.status, dict(answer.headers), await answer.text())

    async def rest(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, store: str = ""
    ) -> Reply:
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"} | (headers or {})
        view = f"{store}/" if store else ""
        return await self.raw(method, f"/rest/{view}V1/{path}", None if body is None else json.dumps(body), sent)

    async def done(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """A call that must succeed."""
        reply = await self.rest(method, path, body, headers)
        assert reply.status == 200, reply.text
        return reply

    async def integrate(self, **body: Any) -> None:
        """An integration whose bearer token the lab uses from now on."""
        self.integration = await self.control("POST", "integrations", body)
        self.token = self.integration["access_token"]

    def ids(self, **last: int) -> None:
        """Let the next row of a table get `last + 1`."""
        for table, value in last.items():
            self.box._ids[table] = value

    def at(self, text: str) -> None:
        """Set the store's clock: `2026-11-22 01:24:49`, UTC."""
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        # half a second in, so that the calls of one test fall into this second
        self.box.clock_offset = moment + timedelta(seconds=0.1) - datetime.now(UTC)

    async def order(
        self,
        order_id: int,
        item_id: int,
        lines: list[dict[str, Any]] | None = None,
        *,
        number: str | None = None,
        reserved: bool = True,
        invoiced: bool = True,
        shipping: float = 5.0,
        **columns: Any,
    ) -> None:
        """An order with these ids: two of SKU-A at 50 and 5 shipping unless told."""
        self.ids(order=order_id - 1, item=item_id - 1)
        body = order_entity(number or f"TT-{order_id}", lines or [SKU_A], shipping, **columns)
        await self.done("POST", "orders", body, DECREMENT if reserved else None)
        if invoiced:
            await self.done("POST", f"order/{order_id}/invoice", {"capture": True})

    async def register(self, *topics: str) -> None:
        for topic in topics or TOPICS:
            hook = {"topic": topic, "address": self.hook_url, "app_key": "conn-1"}
            await self.done("POST", "aftership/webhooks", {"webhook": hook})

    async def deliveries(self) -> list[Received]:
        """What has arrived since the last time, once the queue is empty."""
        answer = await self.control("GET", "deliveries?wait=10")
        assert answer["drained"]
        got = list(self.received)
        self.received.clear()
        return got

    async def stock(self, sku: str) -> tuple[float, float]:
        """Source and salable quantity."""
        found = await self.control("GET", f"stock/{sku}")
        return found["source"], found["salable"]


@asynccontextmanager
async def open_lab(plugin: str | None = "1.0.26", **given: Any) -> AsyncIterator[Lab]:
    received: list[Received] = []

    async def hook(request: web.Request) -> web.Response:
        received.append(Received(request.path, dict(request.headers), await request.text()))
        return web.Response(status=lab.hook_status)

    receiver = web.Application()
    receiver.router.add_post("/{tail:.*}", hook)
    box = MagentoSandbox(plugin, **({"bearer_allowed": True} | given))
    async with (
        TestServer(create_app(box)) as store,
        TestServer(receiver) as hooks,
        aiohttp.ClientSession() as session,
    ):
        address = str(hooks.make_url("/webhooks/magento/conn-1"))
        lab = Lab(box, store.make_url("/"), session, address, received)
        names = ["SKU-A", "SKU-B", "SKU-C", "SKU-D", "CONF-RED", "CONF-BLUE"]
        products: list[dict[str, Any]] = [{"sku": sku, "name": f"Test {sku}", "price": 50, "qty": 100} for sku in names]
        products.append({"sku": "CONF", "name": "Test CONF", "price": 50, "type_id": "configurable"})
        products += [{"sku": sku, "price": 50, "qty": 100, "parent": "CONF"} for sku in ("CONF-RED", "CONF-BLUE")]
        await lab.control("POST", "products", products)
        await lab.integrate(name="Bridge")
        yield lab
