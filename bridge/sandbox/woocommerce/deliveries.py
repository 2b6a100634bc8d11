"""Webhooks on their way: made when something changed, filled in when they are sent, signed, and never sent again.

Source: WooCommerce's class-wc-webhook.php. One change tells each webhook once in a call. The body is what the order is
when the delivery is made, which may be later. The delivery id is a hash of the webhook and the second. 2xx, 301 and 302
count as received; there is no retry; a webhook is disabled by a failure that finds more than five before it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.woocommerce.model import Json, Webhook
from bridge.sandbox.woocommerce.settings import Settings

FAILURES_ALLOWED = 5
_SALT = "bridge-sandbox"
Build = Callable[[str, int], Json]
"""The body of a delivery: topic, and the id of what it is about."""


class Message(BaseModel):
    """One delivery; `status` is what its receiver answered, 0 for no answer in time."""

    model_config = ConfigDict(validate_assignment=True)

    number: int
    webhook: int
    topic: str
    subject: int
    address: str
    body: str = Field(default="", description="filled in when it is sent, unless it was made by hand")
    signature: str | None = Field(default=None, description="in place of the right one")
    state: Literal["queued", "held", "sending", "received", "failed", "lost"] = "queued"
    headers: dict[str, str] = {}
    status: int | None = None

    @property
    def is_moving(self) -> bool:
        return self.state in {"queued", "held", "sending"}


class Deliveries:
    def __init__(self, settings: Settings, webhooks: dict[int, Webhook]) -> None:
        self._settings = settings
        self._webhooks = webhooks
        self._messages: list[Message] = []
        self._pending: dict[tuple[str, int], None] = {}
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._pump: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._numbers = 0

    @property
    def messages(self) -> list[Message]:
        return self._messages

    def publish(self, topic: str, subject: int) -> None:
        """Something changed. Told at the end of the call, once however often it changed in it."""
        self._pending[topic, subject] = None

    def end_call(self) -> None:
        """What changed in the call that ends now, for every active webhook of its topic."""
        for topic, subject in self._pending:
            for webhook in list(self._webhooks.values()):
                if webhook.topic == topic and webhook.status == "active":
                    self._add(self._message(webhook.id, topic, subject, webhook.url))
        self._pending.clear()

    def by_hand(self, topic: str, body: str, address: str, webhook: int, signature: str | None) -> Message:
        made = self._message(webhook, topic, 0, address)
        made.body, made.signature = body, signature
        self._add(made)
        return made

    def _message(self, webhook: int, topic: str, subject: int, address: str) -> Message:
        self._numbers += 1
        return Message(number=self._numbers, webhook=webhook, topic=topic, subject=subject, address=address)

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

    def release(self) -> None:
        """End a pause, and let go what was held to be reordered."""
        self._settings.webhooks_reorder_next = 0
        self._release_held()
        self._settings.webhooks_paused = False
        self._wake.set()

    def resend(self, number: int) -> bool:
        """Make a delivery once more whatever became of it; False when there is none."""
        found = next((message for message in self._messages if message.number == number), None)
        if found is None:
            return False
        self._messages.append(found.model_copy(update={"state": "queued", "status": None}))
        self._wake.set()
        return True

    async def drained(self, wait: float) -> bool:
        """Wait until nothing is queued, held or being sent."""
        try:
            async with asyncio.timeout(wait), self._changed:
                await self._changed.wait_for(lambda: not any(message.is_moving for message in self._messages))
        except TimeoutError:
            return False
        return True

    def poke(self) -> None:
        """Look again after a change of settings."""
        self._wake.set()

    def start(self, session: aiohttp.ClientSession, build: Build) -> None:
        self._session = session
        self._pump = asyncio.create_task(self._run(session, build))

    async def close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
            self._pump = None

    async def ping(self, webhook: Webhook) -> int:
        """The unsigned form that a new webhook sends; what it was answered, 0 for nothing."""
        if self._session is None:
            return 0
        headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": self._agent}
        status = await self._post(
            self._session, webhook.url, f"webhook_id={webhook.id}".encode(), headers, self._settings.ping_timeout
        )
        webhook.pending_delivery = status != 200
        return status

    @property
    def _agent(self) -> str:
        return f"WooCommerce/{self._settings.version} Hookshot (WordPress/{self._settings.wp_version})"

    async def _run(self, session: aiohttp.ClientSession, build: Build) -> None:
        while True:
            self._wake.clear()
            while not self._settings.webhooks_paused:
                following = next((one for one in self._messages if one.state == "queued"), None)
                if following is None:
                    break
                following.state = "sending"
                await self._send(session, following, build)
            await self._wake.wait()

    async def _send(self, session: aiohttp.ClientSession, message: Message, build: Build) -> None:
        webhook = self._webhooks.get(message.webhook)
        if not message.body:
            message.body = json.dumps(build(message.topic, message.subject), separators=(",", ":"))
        message.headers = self._headers(message, webhook)
        message.status = await self._post(
            session, message.address, message.body.encode(), message.headers, self._settings.webhooks_timeout
        )
        is_received = 200 <= message.status < 303
        if webhook is not None:
            _count(webhook, is_received=is_received)
        message.state = "received" if is_received else "failed"
        async with self._changed:
            self._changed.notify_all()

    def _headers(self, message: Message, webhook: Webhook | None) -> dict[str, str]:
        resource, _, event = message.topic.partition(".")
        said = message.signature
        if said is None:
            said = signature(message.body.encode(), webhook.secret if webhook else "")
        delivery = hashlib.md5(f"{_SALT}{message.webhook}{int(time.time())}".encode(), usedforsecurity=False)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "X-WC-Webhook-Source": "http://shop.example/",
            "X-WC-Webhook-Topic": message.topic,
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": said,
            "X-WC-Webhook-ID": str(message.webhook),
            "X-WC-Webhook-Delivery-ID": delivery.hexdigest(),
        }
        return {name: value for name, value in headers.items() if value}

    async def _post(
        self, session: aiohttp.ClientSession, address: str, body: bytes, headers: dict[str, str], seconds: float
    ) -> int:
        try:
            async with (
                asyncio.timeout(seconds),
                session.post(address, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return answer.status
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            return 0


def _count(webhook: Webhook, *, is_received: bool) -> None:
    if is_received:
        webhook.failures = 0
    elif webhook.failures > FAILURES_ALLOWED:
        webhook.status = "disabled"
    else:
        webhook.failures += 1


def signature(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
