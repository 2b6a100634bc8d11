"""A caller of the sandbox with code of its own; what it is answered is held against the official models."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
from jsonschema import Draft4Validator

from bridge.sandbox.amazon import AmazonSandbox

MODELS = Path(__file__).resolve().parents[4] / "shared" / "schemas" / "amazon"
ABSENT = f"the official models are not beside the repository: {MODELS}"
OLD = "/fba/outbound/2020-07-01/fulfillmentOrders"
NEW = "/fulfillment/outbound/2026-07-04/orders"
ADDRESS = {
    "name": "Ann Example",
    "addressLine1": "2 Long Road",
    "city": "Leeds",
    "postalCode": "LS1 1AA",
    "countryCode": "GB",
}


@cache
def model(version: str) -> Any:
    path = MODELS / f"fulfillmentOutbound_{version}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def problem(self) -> tuple[int, str]:
        return self.status, self.body["errors"][0]["code"]


@dataclass
class Seller:
    box: AmazonSandbox
    session: aiohttp.ClientSession
    base: str
    token: str
    seen: list[tuple[str, str, Answer]] = field(default_factory=list)
    """Every answer of the API, with its method and path."""

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        headers = {"x-amz-access-token": self.token} if self.token else {}
        async with self.session.request(method, self.base + path, json=body, headers=headers, params=query) as answer:
            raw = await answer.read()
            found = Answer(answer.status, dict(answer.headers), json.loads(raw) if raw else None)
            self.seen.append((method.lower(), path, found))
            return found

    async def control(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        async with self.session.request(method, f"{self.base}/_control/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status == expect, f"{path}: {answer.status} {text}"
            return json.loads(text)

    async def settings(self, **changes: Any) -> None:
        await self.control("PATCH", "settings", changes)

    async def refresh(self, **changes: str) -> tuple[int, Any]:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self.box.tokens.refresh_token,
            "client_id": self.box.tokens.client_id,
            "client_secret": self.box.tokens.client_secret,
        }
        async with self.session.post(f"{self.base}/auth/o2/token", data={**form, **changes}) as answer:
            return answer.status, await answer.json()

    async def stocked(self, **units: int) -> None:
        for sku, quantity in units.items():
            await self.control("POST", "stock", {"sku": sku, "quantity": quantity})

    async def made(self, order_id: str = "TT-1", quantity: int = 3, **more: Any) -> Any:
        """Made through 2020-07-01: `quantity` of A, ten in stock before."""
        if "A" not in self.box.stock:
            await self.stocked(A=10)
        return await self.ask("POST", OLD, old_order(order_id, quantity, **more))

    async def status(self, order_id: str = "TT-1") -> str:
        answer = await self.ask("GET", f"{OLD}/{order_id}")
        found: str = answer.body["payload"]["fulfillmentOrder"]["fulfillmentOrderStatus"]
        return found


def old_order(order_id: str, quantity: int = 3, sku: str = "A", **more: Any) -> Any:
    return {
        "sellerFulfillmentOrderId": order_id,
        "displayableOrderId": "576461413038785752",
        "displayableOrderDate": "2026-11-26T10:00:00Z",
        "displayableOrderComment": "Thank you",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": ADDRESS,
        "items": [{"sellerSku": sku, "sellerFulfillmentOrderItemId": "1", "quantity": quantity}],
        **more,
    }


def new_order(order_id: str, quantity: str = "3", sku: str = "A", **more: Any) -> Any:
    product = {"productIdentifier": {"amazonSku": sku}}
    return {
        "orderId": order_id,
        "channel": "TikTok Shop",
        "fulfillmentConfiguration": {
            "action": "SHIP",
            "policy": "FILL_ALL",
            "serviceLevel": {"serviceTiers": ["STANDARD"]},
        },
        "destination": {"deliveryAddress": ADDRESS},
        "lineItems": [{"lineItemId": "1", "product": product, "amount": {"unit": "EACHES", "value": quantity}}],
        **more,
    }


def faults_of(method: str, path: str, answer: Answer) -> list[str]:
    """Where an answer differs from the official model: its status, its body, or a field that the model has not."""
    version = "2020-07-01" if "2020-07-01" in path else "2026-07-04"
    whole = model(version)
    declared = _operation(whole, method, path)["responses"]
    if str(answer.status) not in declared:
        return [f"{method} {path} has no answer {answer.status}"]
    schema = declared[str(answer.status)].get("schema")
    if schema is None:
        return [] if answer.body is None else [f"{method} {path} answers {answer.status} without a body"]
    checker = Draft4Validator({**schema, "definitions": whole["definitions"]})
    found = [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in checker.iter_errors(answer.body)]
    return found + _unknown(whole["definitions"], schema, answer.body, "")


def _operation(whole: Any, method: str, path: str) -> Any:
    parts = path.split("/")
    for template, methods in whole["paths"].items():
        wanted = template.split("/")
        fits = len(wanted) == len(parts) and all(
            one.startswith("{") or one == part for one, part in zip(wanted, parts, strict=True)
        )
        if fits and method in methods and not (path.endswith("/preview") and "{" in template):
            return methods[method]
    raise AssertionError(f"the model has no {method} {path}")


def _unknown(definitions: Any, schema: Any, value: Any, where: str) -> list[str]:
    """Models allow fields they do not name; a sandbox must not invent any."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    if isinstance(value, list):
        return [text for one in value for text in _unknown(definitions, schema.get("items", {}), one, f"{where}[]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    found = [f"{where}.{name} is not in the model" for name in value if name not in known]
    return found + [
        text
        for name in value
        if name in known
        for text in _unknown(definitions, known[name], value[name], f"{where}.{name}")
    ]
