"""The plugin's queue consumer: one delivery after the other, each on a connection of its own, never repeated."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from bridge.sandbox.magento.wire import Row, php_json


@dataclass
class Delivery:
    """One delivery that was tried. `status` is the receiver's, None where nothing was heard."""

    topic: str
    address: str
    app_key: str
    body: str
    signature: str
    result: str
    status: int | None = None


class Deliveries:
    """Queue and consumer. An event reaches the registrations that exist when it is consumed, in stored order.

    A registration whose integration is gone ends the loop: later registrations of that topic get nothing.
    """

    def __init__(self, registrations: Callable[[str], list[Row]], consumer_key: Callable[[str], str | None]) -> None:
        self._registrations = registrations
        self._consumer_key = consumer_key
        self._queue: deque[tuple[str, Row]] = deque()
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._drops: list[tuple[str | None, int]] = []
        self._task: asyncio.Task[None] | None = None
        self.paused = False
        self.log: list[Delivery] = []

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def publish(self, topic: str, body: Row) -> None:
        """Put an event on the queue. It is kept until the consumer runs."""
        self._queue.append((topic, body))
        self._idle.clear()
        self._work.set()

    def drop_next(self, times: int, topic: str | None = None) -> None:
        """Lose the next deliveries on the way, as an unreachable receiver would. 0: lose no more."""
        if times:
            self._drops.append((topic, times))
        else:
            self._drops.clear()

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self._work.set()

    async def drained(self, seconds: float) -> bool:
        """Wait until the queue is empty and the last delivery answered; False when that took too long."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def start(self) -> None:
        self._task = asyncio.create_task(self._consume())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _consume(self) -> None:
        while True:
            await self._work.wait()
            if self.paused or not self._queue:
                if not self._queue:
                    self._idle.set()
                self._work.clear()
                continue
            topic, body = self._queue.popleft()
            await self._deliver(topic, php_json(body))

    async def _deliver(self, topic: str, body: str) -> None:
        for hook in list(self._registrations(topic)):
            key = self._consumer_key(str(hook["integration_id"]))
            if key is None:
                return
            signature = hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
            delivery = Delivery(topic, hook["address"], hook["app_key"], body, signature, "delivered")
            self.log.append(delivery)
            if self._dropped(topic):
                delivery.result = "dropped"
                continue
            try:
                delivery.status = await self._post(delivery)
            except (aiohttp.ClientError, OSError, ValueError):
                delivery.result = "lost"

    def _dropped(self, topic: str) -> bool:
        for position, (wanted, times) in enumerate(self._drops):
            if wanted in {None, topic}:
                self._drops[position] = (wanted, times - 1)
                if times <= 1:
                    del self._drops[position]
                return True
        return False

    @staticmethod
    async def _post(delivery: Delivery) -> int:
        """The call as the plugin's curl makes it: no user agent, no time-out, no redirect followed."""
        body = delivery.body.encode()
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "X-Magento-Hmac-Sha256": delivery.signature,
            "Content-Length": str(len(body)),
            "X-Webhook-Topic": delivery.topic,
            "X-App-Key": delivery.app_key,
        }
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None),
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
            ) as session,
            session.post(delivery.address, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            await answer.read()
            return answer.status

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(delivery) for delivery in self.log]
