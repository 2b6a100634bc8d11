"""The control API, last part: messages to the subscriber, seen, made by hand, retried, released, waited for."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.faults import CONTROL_PREFIX
from bridge.sandbox.tiktok.control import message_states, read, refuse, subscriptions
from bridge.sandbox.tiktok.deliveries import EVENT_TYPES, Message
from bridge.sandbox.tiktok.sandbox import TikTokSandbox
from bridge.sandbox.tiktok.signing import webhook_signature


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MessageSpec(_Strict):
    """A message made by hand; `raw` replaces the whole body, `signature` spoils the header."""

    event_type: str = "ORDER_STATUS_CHANGE"
    shop_id: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    type: int | None = None
    address: str | None = None
    raw: str | None = None
    signature: str = Field("right", pattern="^(right|wrong|none)$")


class SubscriptionSpec(_Strict):
    """Another program that uses the same app asks for an event; `address` null: nobody does any more."""

    event_type: str
    shop_id: str | None = None
    address: str | None = None


class ReleaseSpec(_Strict):
    newest_first: bool = False


async def get_webhooks(box: TikTokSandbox, _request: web.Request) -> web.Response:
    messages = [message.model_dump(exclude={"due"}) for message in box.deliveries.messages]
    return web.json_response({"messages": messages, "subscriptions": subscriptions(box)})


async def post_message(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, MessageSpec)
    shop = box.shops.get(spec.shop_id) if spec.shop_id else next(iter(box.shops.values()))
    if shop is None:
        return refuse(404, "no such shop")
    subscription = box.webhooks.get((shop.id, spec.event_type))
    address = spec.address or (subscription["address"] if subscription else box.app.webhook_url)
    if address is None:
        return refuse(409, f"shop {shop.id} has no address for {spec.event_type}")
    message_id = box.new_id("notification")
    body = spec.raw
    if body is None:
        content = {
            "type": EVENT_TYPES.get(spec.event_type, 999) if spec.type is None else spec.type,
            "tts_notification_id": message_id,
            "shop_id": shop.id,
            "timestamp": box.now(),
            "data": spec.data,
        }
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    authorization: str | None = webhook_signature(box.app.key, box.app.secret, body.encode())
    if spec.signature != "right":
        authorization = None if spec.signature == "none" else "0" * 64
    box.deliveries.add(
        Message(
            id=message_id,
            event_type=spec.event_type,
            shop_id=shop.id,
            address=address,
            body=body,
            authorization=authorization,
        )
    )
    return web.json_response({"id": message_id}, status=201)


async def put_subscription(box: TikTokSandbox, request: web.Request) -> web.Response:
    """For one shop, or for all."""
    spec = await read(request, SubscriptionSpec)
    if spec.event_type not in EVENT_TYPES:
        return refuse(422, f"no event {spec.event_type}")
    now = box.now()
    for shop_id in [spec.shop_id] if spec.shop_id else list(box.shops):
        box.webhooks.pop((shop_id, spec.event_type), None)
        if spec.address is not None:
            times = {"create_time": now, "update_time": now}
            row = {"event_type": spec.event_type, "address": spec.address, **times}
            box.webhooks[(shop_id, spec.event_type)] = row
    return web.json_response({"subscriptions": subscriptions(box)})


async def retry_webhooks(box: TikTokSandbox, request: web.Request) -> web.Response:
    return web.json_response({"due": box.deliveries.retry_now(request.query.get("id"))})


async def resend_webhook(box: TikTokSandbox, request: web.Request) -> web.Response:
    if not box.deliveries.resend(request.match_info["id"]):
        return refuse(404, "no such message")
    return web.json_response({})


async def release_webhooks(box: TikTokSandbox, request: web.Request) -> web.Response:
    spec = await read(request, ReleaseSpec)
    box.deliveries.release(newest_first=spec.newest_first)
    return web.json_response({})


async def drained(box: TikTokSandbox, request: web.Request) -> web.Response:
    done = await box.deliveries.drained(min(float(request.query.get("wait", "10")), 60.0))
    return web.json_response({"drained": done, "states": message_states(box)})


_P = CONTROL_PREFIX
ROUTES = (
    ("GET", f"{_P}/webhooks", get_webhooks),
    ("POST", f"{_P}/webhooks", post_message),
    ("PUT", f"{_P}/subscriptions", put_subscription),
    ("POST", f"{_P}/webhooks/retry", retry_webhooks),
    ("POST", f"{_P}/webhooks/release", release_webhooks),
    ("GET", f"{_P}/webhooks/drained", drained),
    ("POST", f"{_P}/webhooks/{{id}}/resend", resend_webhook),
)
