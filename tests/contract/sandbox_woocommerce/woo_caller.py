"""A caller of the sandbox with code of its own: over "https" with Basic, or signed with oauthlib."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
from oauthlib.oauth1 import SIGNATURE_TYPE_QUERY, Client
from yarl import URL

from bridge.sandbox.woocommerce import WooCommerceSandbox

API = "/wp-json/wc/v3"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        found: str = self.body["code"]
        return found


@dataclass
class Shop:
    box: WooCommerceSandbox
    session: aiohttp.ClientSession
    base: str

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        """As over https, behind a server that ends TLS."""
        said = base64.b64encode(f"{self.box.keys.key}:{self.box.keys.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {said}", "X-Forwarded-Proto": "https"}
        return await self.raw(method, URL(self.base + API + path).with_query(query), body, headers)

    async def signed(self, method: Literal["GET", "POST"], path: str, body: Any = None, **changes: Any) -> Answer:
        url, _, _ = self.signer(**changes).sign(self.base + API + path, http_method=method)
        return await self.raw(method, URL(url, encoded=True), body, {})

    def signer(self, **changes: Any) -> Client:
        given = {"signature_method": "HMAC-SHA256", "signature_type": SIGNATURE_TYPE_QUERY, **changes}
        secret = given.pop("client_secret", self.box.keys.secret)
        return Client(given.pop("client_key", self.box.keys.key), client_secret=secret, **given)

    async def raw(self, method: str, url: URL, body: Any, headers: dict[str, str]) -> Answer:
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            raw = await answer.read()
            is_json = answer.content_type == "application/json"
            return Answer(answer.status, dict(answer.headers), json.loads(raw) if is_json else raw.decode())

    async def control(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        async with self.session.request(method, f"{self.base}/_control/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status == expect, f"{path}: {answer.status} {text}"
            return json.loads(text)

    async def settings(self, **changes: Any) -> None:
        await self.control("PATCH", "settings", changes)

    async def made(self, quantity: int = 3, **more: Any) -> Any:
        """Paid for through the API: `quantity` of A at 19.99 with 5.00 for the post, ten in stock before."""
        if self.box.by_sku("A") is None:
            await self.control("POST", "products", {"sku": "A", "price": "19.99", "stock": 10})
        product = self.box.by_sku("A")
        assert product is not None
        body = {
            "set_paid": True,
            "payment_method": "tiktok",
            "line_items": [{"product_id": product.id, "quantity": quantity}],
            "shipping_lines": [{"method_id": "flat", "method_title": "Post", "total": "5.00"}],
            **more,
        }
        answer = await self.ask("POST", "/orders", body)
        assert answer.status == 201, answer.body
        return answer.body

    async def stock(self, sku: str = "A") -> int:
        found: int = (await self.control("GET", f"stock/{sku}"))["stock"]
        return found

    async def refund(self, order: Any, quantity: int, amount: str, **more: Any) -> Answer:
        line = {"id": order["line_items"][0]["id"], "quantity": quantity, "refund_total": float(amount)}
        body = {"amount": amount, "reason": "[bridge:x]", "api_refund": False, "line_items": [line], **more}
        return await self.ask("POST", f"/orders/{order['id']}/refunds", body)

    async def order(self, order: Any) -> Any:
        return (await self.ask("GET", f"/orders/{order['id']}")).body

    async def subscribe(self, topic: str, url: str) -> Any:
        body = {"topic": topic, "delivery_url": url, "secret": "hush", "name": "bridge"}
        answer = await self.ask("POST", "/webhooks", body)
        assert answer.status == 201, answer.body
        return answer.body

    async def drained(self) -> None:
        assert (await self.control("GET", "webhooks/drained?wait=10"))["drained"]


@dataclass
class Receiver:
    """Keeps what arrives and answers with the next of `answers`, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [headers.get("X-WC-Webhook-Topic", "ping") for headers, _ in self.got]

    def bodies(self) -> list[Any]:
        return [json.loads(raw) for headers, raw in self.got if "X-WC-Webhook-Topic" in headers]
