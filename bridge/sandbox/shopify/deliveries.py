"""Webhooks on their way: signed, sent, retried, and mistreated on request.

Source: shopify.dev, "Webhooks: delivery structure", "verify deliveries", and the changelog on retries: any 2xx within
five seconds counts as received; else eight retries over four hours, with the same body to the same address; after eight
failures in a row the subscription is deleted. No order is promised; here it is the order of the changes unless told
otherwise.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.shopify.model import Subscription
from bridge.sandbox.shopify.settings import Settings
from bridge.sandbox.shopify.tokens import Tokens
from bridge.sandbox.shopify.wire import Json

RETRIES = (15.0, 45.0, 120.0, 360.0, 900.0, 2100.0, 4200.0, 6660.0)
"""Seconds. Shopify says eight over four hours, growing; the single waits are ours."""
FAILURES_ALLOWED = 8


class Message(BaseModel):
    """One delivery; `attempts` are the HTTP statuses its receiver gave, 0 for no answer in time."""

    model_config = ConfigDict(validate_assignment=True)

    id: str
    event_id: str
    topic: str
    subscription: int | None
    address: str
    body: str
    headers: dict[str, str]
    state: Literal["queued", "held", "sending", "waiting", "received", "dropped", "lost"] = "queued"
    attempts: list[int] = Field(default_factory=list)
    due: float = 0.0

    @property
    def is_moving(self) -> bool:
        return self.state in {"queued", "held", "sending"}


class Deliveries:
    def __init__(
        self,
        settings: Settings,
        domain: str,
        tokens: Tokens,
        subscriptions: dict[int, Subscription],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._domain = domain
        self._tokens = tokens
        self._subscriptions = subscriptions
        self._now = now
        self._messages: list[Message] = []
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._pump: asyncio.Task[None] | None = None

    @property
    def messages(self) -> list[Message]:
        return self._messages

    def publish(self, topic: str, content: Json, event_id: str) -> None:
        """A change, for every subscription of its topic (`ORDERS_CANCELLED`)."""
        for subscription in list(self._subscriptions.values()):
            if subscription.topic == topic:
                shown = content
                if subscription.include_fields:
                    shown = {key: value for key, value in content.items() if key in subscription.include_fields}
                body = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
                self.send(topic, body, subscription.uri, event_id=event_id, subscription=subscription)

    def send(
        self,
        topic: str,
        body: str,
        address: str,
        *,
        event_id: str | None = None,
        subscription: Subscription | None = None,
        signature: str | None = None,
    ) -> Message:
        """Queue one delivery, after what the settings want done to it; `signature` replaces the right one."""
        webhook_id = str(uuid.uuid4())
        event = event_id or str(uuid.uuid4())
        named, _, action = topic.lower().rpartition("_")
        spoken = named.startswith("fulfillment_orders")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": topic.lower().replace("orders_", "orders/", 1) if spoken else f"{named}/{action}",
            "X-Shopify-Hmac-Sha256": self._tokens.sign(body.encode()) if signature is None else signature,
            "X-Shopify-Shop-Domain": self._domain,
            "X-Shopify-API-Version": self._settings.api_versions[-1],
            "X-Shopify-Webhook-Id": webhook_id,
            "X-Shopify-Event-Id": event,
            "X-Shopify-Triggered-At": self._now().isoformat().replace("+00:00", "Z"),
        }
        if subscription is not None and subscription.name:
            headers["X-Shopify-Name"] = subscription.name
        message = Message(
            id=webhook_id,
            event_id=event,
            topic=topic,
            subscription=subscription.id if subscription else None,
            address=address,
            body=body,
            headers=headers,
        )
        self._add(message)
        return message

    def _add(self, message: Message) -> None:
        settings = self._settings
        self._messages.append(message)
        if settings.webhooks_drop_next > 0:
            settings.webhooks_drop_next -= 1
            message.state = "lost"
        elif settings.webhooks_reorder_next > 0:
            settings.webhooks_reorder_next -= 1
            message.state = "held"
            if settings.webhooks_reorder_next == 0:
                self._release_held()
        elif settings.webhooks_duplicate_next > 0:
            settings.webhooks_duplicate_next -= 1
            self._messages.append(message.model_copy(deep=True))
        self._wake.set()

    def _release_held(self) -> None:
        held = [message for message in self._messages if message.state == "held"]
        self._messages = [message for message in self._messages if message.state != "held"]
        for message in reversed(held):
            message.state = "queued"
            self._messages.append(message)

    def release(self, *, newest_first: bool = False) -> None:
        """End a pause, and let go what was held to be reordered."""
        self._settings.webhooks_reorder_next = 0
        self._release_held()
        if newest_first:
            queued = [message for message in self._messages if message.state == "queued"]
            rest = [message for message in self._messages if message.state != "queued"]
            self._messages = [*rest, *reversed(queued)]
        self._settings.webhooks_paused = False
        self._wake.set()

    def retry_now(self, message_id: str | None = None) -> int:
        """Make every waiting delivery due (or the one named); how many."""
        found = [one for one in self._messages if one.state == "waiting" and message_id in {None, one.id}]
        for message in found:
            message.state = "queued"
        self._wake.set()
        return len(found)

    def resend(self, message_id: str) -> bool:
        """Make a delivery once more whatever became of it; False when there is none."""
        found = next((message for message in self._messages if message.id == message_id), None)
        if found is None:
            return False
        self._messages.append(found.model_copy(update={"state": "queued", "attempts": [], "due": 0.0}))
        self._wake.set()
        return True

    async def drained(self, wait: float) -> bool:
        """Wait until nothing is queued, held or being sent; what waits for a retry does not count."""
        try:
            async with asyncio.timeout(wait), self._changed:
                await self._changed.wait_for(lambda: not any(message.is_moving for message in self._messages))
        except TimeoutError:
            return False
        return True

    def poke(self) -> None:
        """Look again after a change of settings."""
        self._wake.set()

    def start(self, session: aiohttp.ClientSession) -> None:
        self._pump = asyncio.create_task(self._run(session))

    async def close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
            self._pump = None

    async def _run(self, session: aiohttp.ClientSession) -> None:
        while True:
            self._wake.clear()
            pause: float | None = None
            now = time.monotonic()
            for message in self._messages:
                if message.state == "waiting" and message.due <= now:
                    message.state = "queued"
                elif message.state == "waiting":
                    pause = min(pause or message.due - now, message.due - now)
            while not self._settings.webhooks_paused:
                following = next((one for one in self._messages if one.state == "queued"), None)
                if following is None:
                    break
                following.state = "sending"
                await self._send(session, following)
                pause = 0.0
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send(self, session: aiohttp.ClientSession, message: Message) -> None:
        if message.attempts and self._settings.webhooks_new_id_on_retry:
            message.headers = {**message.headers, "X-Shopify-Webhook-Id": str(uuid.uuid4())}
        status = 0
        try:
            async with (
                asyncio.timeout(self._settings.webhooks_timeout),
                session.post(
                    message.address, data=message.body.encode(), headers=message.headers, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            status = 0
        message.attempts = [*message.attempts, status]
        is_received = 200 <= status < 300
        self._judge(message, is_received=is_received)
        async with self._changed:
            self._changed.notify_all()

    def _judge(self, message: Message, *, is_received: bool) -> None:
        subscription = self._subscriptions.get(message.subscription or 0)
        if subscription is not None:
            subscription.failures = 0 if is_received else subscription.failures + 1
            if subscription.failures >= FAILURES_ALLOWED:
                del self._subscriptions[subscription.id]
        if is_received:
            message.state = "received"
        elif len(message.attempts) > len(RETRIES) or (
            message.subscription is not None and message.subscription not in self._subscriptions
        ):
            message.state = "dropped"
        else:
            wait = RETRIES[len(message.attempts) - 1] * self._settings.webhooks_retry_scale
            message.due = time.monotonic() + wait
            message.state = "waiting"
