"""What the tests of connecting do again and again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.bootstrap import Service, running
from tests.support.stage import TOKEN, Stage, stage

JsonObject = dict[str, Any]
VALUES = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}
STICKER = {"seller_sku": "STICKER", "quantity": 1, "sale_price": "5.00"}


@dataclass(frozen=True)
class Said:
    """An HTTP answer, whatever its status."""

    status: int
    headers: dict[str, str]
    text: str
    json: Any


async def ask(
    play: Stage,
    method: str,
    path: str,
    *,
    token: bool = True,
    json: Any = None,
    data: Any = None,
    headers: dict[str, str] | None = None,
) -> Said:
    """Ask the service; `path` from the root. Redirects are not followed."""
    auth = {"Authorization": f"Bearer {TOKEN}"} if token else {}
    url = path if path.startswith("http") else play.url + path
    async with play.session.request(
        method, url, json=json, data=data, headers=auth | (headers or {}), allow_redirects=False
    ) as answer:
        text = await answer.text()
        is_json = "json" in answer.content_type
        return Said(
            answer.status, dict(answer.headers), text, await answer.json(content_type=None) if is_json else None
        )


async def integration(play: Stage, **fields: Any) -> JsonObject:
    """An integration in the store, active, with its four values."""
    return dict(await play.magento.control("POST", "integrations", {"name": "Bridge", **fields}))


def magento_body(play: Stage, values: JsonObject, **more: Any) -> JsonObject:
    return {
        "kind": "magento",
        "name": "Store",
        "url": play.magento.url,
        "credentials": {name: values[name] for name in VALUES},
        **more,
    }


async def connect_store(play: Stage, values: JsonObject | None = None) -> JsonObject:
    made: JsonObject = await play.api("POST", "connections", magento_body(play, values or await integration(play)))
    return made


async def connect_tiktok(play: Stage, tokens: JsonObject | None = None) -> JsonObject:
    made: JsonObject = await play.api("POST", "connections", tiktok_body(play, tokens or await grant(play)))
    return made


async def grant(play: Stage, *shop_ids: str) -> JsonObject:
    return dict(await play.tiktok.control("POST", "tokens", {"shop_ids": list(shop_ids)} if shop_ids else {}))


def tiktok_body(play: Stage, tokens: JsonObject) -> JsonObject:
    app = play.tiktok_box.app
    return {
        "kind": "tiktok",
        "name": "TikTok",
        "url": play.tiktok.url,
        "auth_url": play.tiktok.url,
        "credentials": {
            "app_key": app.key,
            "app_secret": app.secret,
            "access_token": tokens["access_token"],
            "refresh_token": tokens["refresh_token"],
        },
    }


def codes(connection: JsonObject) -> set[str]:
    return {found["code"] for found in connection["findings"]}


def text_of(connection: JsonObject, code: str) -> str:
    return " ".join(found["text"] for found in connection["findings"] if found["code"] == code)


async def connection(play: Stage, connection_id: str) -> JsonObject:
    return dict(await play.api("GET", f"connections/{connection_id}"))


def kinds(order: JsonObject) -> set[str]:
    return {item["kind"] for item in order["attention"]}


async def attention(play: Stage, kind: str | None = None) -> list[JsonObject]:
    items = (await play.api("GET", "attention"))["items"]
    return [item for item in items if kind in {None, item["kind"]}]


async def audited(play: Stage, what: str) -> list[Any]:
    """What changes of exactly this came to, the newest first."""
    return [one["after"] for one in (await play.api("GET", f"audit?what={what}"))["changes"]]


async def refund_all(play: Stage, order_id: str) -> int:
    """The merchant refunds the whole store order in the admin area; the credit memo's id."""
    made = await play.store_order(order_id)
    return int((await play.magento.control("POST", "refund", {"order": made["id"]}))["credit_memo"])


async def idle(play: Stage) -> None:
    """Wait until nothing is due or in hand."""

    async def look() -> bool:
        async with play.session.get(f"{play.url}/metrics") as answer:
            lines = [line for line in (await answer.text()).splitlines() if line.startswith("bridge_work{")]
        counts = {line.partition('state="')[2].partition('"')[0]: float(line.rsplit(" ", 1)[1]) for line in lines}
        return bool(counts) and counts.get("due", 0) == 0 and counts.get("leased", 0) == 0

    await play.until(look, "nothing is due or in hand")


class Ahead:
    """A clock that runs ahead of this machine's."""

    def __init__(self, by: timedelta = timedelta()) -> None:
        self.by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@contextlib.asynccontextmanager
async def whole(folder: Path, database_url: str, clock: Ahead | None = None) -> AsyncIterator[tuple[Stage, Service]]:
    """Everything up and connected, and the service's own parts at hand."""
    async with stage(folder, database_url) as play, running(play.config(port=0), clock) as service:
        play.url = f"http://127.0.0.1:{service.port}"
        await play.connect()
        await play.product("MUG", price="10.00")
        await play.product("STICKER", price="5.00")
        yield play, service


async def store_cancels(play: Stage, order_id: str) -> int:
    """How often the order was cancelled on TikTok by us."""
    state = await play.tiktok.control("GET", "state")
    return int(state["orders"][order_id]["effects"].get("seller_cancel_calls", 0))
