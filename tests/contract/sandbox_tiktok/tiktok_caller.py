"""A client of the tests' own: six lines of signing, and every answer held against the vendor's pages."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from tests.contract.tiktok_spec import Spec

Json = dict[str, Any]


def sign(secret: str, path: str, query: dict[str, str], body: bytes) -> str:
    text = secret + path
    for key in sorted(query):
        if key not in {"sign", "access_token"}:
            text += key + query[key]
    return hmac.new(secret.encode(), text.encode() + body + secret.encode(), hashlib.sha256).hexdigest()


@dataclass
class Answer:
    status: int
    code: int
    message: str
    data: Any
    headers: dict[str, str]


@dataclass
class Caller:
    session: aiohttp.ClientSession
    base: str
    key: str
    secret: str
    token: str
    cipher: str | None
    spec: Spec | None
    skew: float = 0.0

    async def call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        *,
        change: dict[str, str | None] | None = None,
        headers: dict[str, str | None] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """`change` replaces common query parameters after signing (None leaves them out)."""
        content = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        full = {"app_key": self.key, "timestamp": str(int(time.time() + self.skew)), **(query or {})}
        if self.cipher is not None and not path.startswith("/authorization/"):
            full.setdefault("shop_cipher", self.cipher)
        full["sign"] = sign(self.secret, path, full, content)
        sent = {**full, **(change or {})}
        all_headers = {"x-tts-access-token": self.token, "content-type": "application/json", **(headers or {})}
        kept = {name: value for name, value in all_headers.items() if value is not None}
        query_text = urlencode({name: value for name, value in sent.items() if value is not None})
        async with self.session.request(
            method, URL(f"{self.base}{path}?{query_text}", encoded=True), data=content or None, headers=kept
        ) as response:
            answer = await response.json()
            found = Answer(response.status, answer["code"], answer["message"], answer["data"], dict(response.headers))
        assert set(answer) == {"code", "message", "request_id", "data"}
        if found.code == 0 and self.spec is not None:
            assert self.spec.answer_problems(method, path, answer) == []
            assert self.spec.request_problems(method, path, full, kept, body) == []
        return found

    async def ok(self, method: str, path: str, query: dict[str, str] | None = None, body: Any = None) -> Any:
        found = await self.call(method, path, query, body)
        assert (found.status, found.code) == (200, 0), found
        return found.data

    async def cancel(self, order_id: str, reason: str, **more: Any) -> Answer:
        body = {"order_id": order_id, "cancel_reason": reason, **more}
        return await self.call("POST", "/return_refund/202309/cancellations", body=body)

    async def order(self, order_id: str) -> Json:
        orders = (await self.ok("GET", "/order/202309/orders", {"ids": order_id}))["orders"]
        assert len(orders) == 1
        found: Json = orders[0]
        return found

    async def cancellations(self, **body: Any) -> list[Json]:
        data = await self.ok("POST", "/return_refund/202309/cancellations/search", {"page_size": "50"}, body)
        rows: list[Json] = data["cancellations"]
        return rows


@dataclass
class Control:
    session: aiohttp.ClientSession
    base: str

    async def send(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        async with self.session.request(method, f"{self.base}/_control/{path}", json=body) as response:
            answer = await response.json()
            if expect is not None:
                assert response.status == expect, answer
            else:
                assert response.status < 400, answer
            return answer

    async def place(self, *, shop_id: str | None = None, **fields: Any) -> Json:
        fields.setdefault("lines", [{"seller_sku": "SKU-1", "sale_price": "10.00"}])
        placed: Json = await self.send("POST", "orders", {"shop_id": shop_id, **fields})
        return placed

    async def settings(self, **fields: Any) -> None:
        await self.send("PATCH", "settings", fields)

    async def state(self) -> Json:
        found: Json = await self.send("GET", "state")
        return found
