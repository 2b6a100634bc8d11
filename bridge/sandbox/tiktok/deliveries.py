"""Messages on their way to the subscriber: signed, sent, retried, and mistreated on request.

Source: Partner Center "Webhook configuration guide": 200 within 3 s, and 401 too, count as received; anything else is
sent again after 2 min, 30 min, 3 h and 12 h, then dropped. No order is promised; here it is the order of publishing
unless told otherwise.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.tiktok.errors import Json
from bridge.sandbox.tiktok.model import App
from bridge.sandbox.tiktok.settings import Settings
from bridge.sandbox.tiktok.signing import webhook_signature

RETRIES = (120.0, 1800.0, 10800.0, 43200.0)
RECEIVED = frozenset({200, 401})

EVENT_TYPES = {
    "ORDER_STATUS_CHANGE": 1,
    "REVERSE_STATUS_UPDATE": 2,
    "RECIPIENT_ADDRESS_UPDATE": 3,
    "PACKAGE_UPDATE": 4,
    "PRODUCT_STATUS_CHANGE": 5,
    "SELLER_DEAUTHORIZATION": 6,
    "UPCOMING_AUTHORIZATION_EXPIRATION": 7,
    "CANCELLATION_STATUS_CHANGE": 11,
    "RETURN_STATUS_CHANGE": 12,
    "NEW_CONVERSATION": 13,
    "NEW_MESSAGE": 14,
    "PRODUCT_INFORMATION_CHANGE": 15,
    "PRODUCT_CREATION": 16,
    "PRODUCT_CATEGORY_CHANGE": 18,
    "NEW_MESSAGE_LISTENER": 33,
    "INVOICE_STATUS_CHANGE": 36,
    "PRODUCT_AUDIT_STATUS_CHANGE": 37,
}


class Message(BaseModel):
    """One message; `attempts` are the HTTP statuses its receiver gave, 0 for no answer in time."""

    model_config = ConfigDict(validate_assignment=True)

    id: str
    event_type: str
    shop_id: str
    address: str
    body: str
    authorization: str | None
    state: Literal["queued", "held", "sending", "waiting", "received", "dropped", "lost"] = "queued"
    attempts: list[int] = Field(default_factory=list)
    due: float = 0.0

    @property
    def is_moving(self) -> bool:
        return self.state in {"queued", "held", "sending"}


class Deliveries:
    def __init__(self, settings: Settings, app: App) -> None:
        self._settings = settings
        self._app = app
        self._messages: list[Message] = []
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._pump: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def messages(self) -> list[Message]:
        return self._messages

    def publish(self, event_type: str, shop_id: str, data: Json, *, address: str, message_id: str, at: int) -> Message:
        body = json.dumps(
            {
                "type": EVENT_TYPES[event_type],
                "tts_notification_id": message_id,
                "shop_id": shop_id,
                "timestamp": at,
                "data": data,
            },
            separators=(",", ":"),
            ensure_ascii=False,
        )
        message = Message(
            id=message_id, event_type=event_type, shop_id=shop_id, address=address, body=body, authorization=None
        )
        message.authorization = webhook_signature(self._app.key, self._app.secret, body.encode())
        return self.add(message)

    def add(self, message: Message) -> Message:
        """Queue a message, after what the settings want done to it."""
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
        return message

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
        """Make every waiting message due (or the one named); how many."""
        found = [
            message for message in self._messages if message.state == "waiting" and message_id in {None, message.id}
        ]
        for message in found:
            message.state = "queued"
        self._wake.set()
        return len(found)

    def resend(self, message_id: str) -> bool:
        """Send a message once more whatever became of it; False when there is none."""
        found = next((message for message in self._messages if message.id == message_id), None)
        if found is None:
            return False
        self._messages.append(found.model_copy(update={"state": "queued", "attempts": [], "due": 0.0}))
        self._wake.set()
        return True

    async def drained(self, wait: float) -> bool:
        """Wait until nothing is queued, held or being sent; messages waiting for a retry do not count."""
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
        tasks = [task for task in (self._pump, *self._running) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pump = None

    async def _run(self, session: aiohttp.ClientSession) -> None:
        while True:
            self._wake.clear()
            pause: float | None = None
            now = time.monotonic()
            for message in list(self._messages):
                if message.state == "waiting" and message.due <= now:
                    message.state = "queued"
                elif message.state == "waiting":
                    pause = min(pause or message.due - now, message.due - now)
            if not self._settings.webhooks_paused:
                for message in [one for one in self._messages if one.state == "queued"]:
                    if len(self._running) >= self._settings.webhooks_concurrency:
                        break
                    message.state = "sending"
                    task = asyncio.create_task(self._send(session, message))
                    self._running.add(task)
                    task.add_done_callback(self._sent)
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()

    async def _send(self, session: aiohttp.ClientSession, message: Message) -> None:
        headers = {"Content-Type": "application/json"}
        if message.authorization is not None:
            headers["Authorization"] = message.authorization
        status = 0
        try:
            async with asyncio.timeout(self._settings.webhooks_timeout):
                async with session.post(
                    message.address, data=message.body.encode(), headers=headers, allow_redirects=False
                ) as answer:
                    status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError):
            status = 0
        message.attempts = [*message.attempts, status]
        if status in RECEIVED:
            message.state = "received"
        elif len(message.attempts) > len(RETRIES):
            message.state = "dropped"
        else:
            wait = RETRIES[len(message.attempts) - 1] * self._settings.webhooks_retry_scale
            message.due = time.monotonic() + wait
            message.state = "waiting"
        async with self._changed:
            self._changed.notify_all()
