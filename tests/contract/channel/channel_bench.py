"""What the suite for channels (`test_every_channel.py`) asks of a platform: one bench for each.

A bench opens one shop of its platform on that platform's sandbox and says how things are arranged there; the suite
judges through `bridge.ports` alone. To add a platform: subclass `ChannelBench`, write an async context manager that
yields one on a fresh sandbox, and name it in `BENCHES` (`channel_benches.py`). Fill in:

- the fields: address, credentials as stored, connector, door, an open channel;
- `faults`: which call of the sandbox is meant by `cancel`, `approve` and `read`, as the fields of its
  `POST /_control/faults` (`method`, `path`, `containing`), and `times`, where a library repeats a read by itself;
- `place`: a new paid order of two units; `ask`: its buyer asks to cancel it; `withdraw_grant`: the seller takes our
  authorization back; `again`: the same shop through another client that remembers nothing;
- `reason`: a key that cancels a paid order; `done`: how often the sandbox cancelled the units of an order;
- `wrong`: credentials that are not accepted; `secrets`: everything that must be seen nowhere;
- `topic_of`: the topic that an address we registered stands for.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import aiohttp

from bridge.domain.channel_order import Cancellation, ChannelOrder
from bridge.ports import Channel, Connector, Door, Platform


@dataclass(kw_only=True)
class ChannelBench(ABC):
    platform: ClassVar[Platform]
    faults: ClassVar[Mapping[str, Mapping[str, Any]]]

    url: str
    session: aiohttp.ClientSession
    credentials: dict[str, Any]
    connector: Connector
    door: Door
    channel: Channel

    @property
    @abstractmethod
    def secrets(self) -> tuple[str, ...]: ...

    @property
    @abstractmethod
    def wrong(self) -> Mapping[str, Any]: ...

    @property
    @abstractmethod
    def reason(self) -> str: ...

    @abstractmethod
    async def again(self) -> Channel: ...

    @abstractmethod
    async def place(self) -> str: ...

    @abstractmethod
    async def ask(self, order_id: str) -> None: ...

    @abstractmethod
    async def withdraw_grant(self) -> None: ...

    @abstractmethod
    async def done(self, order_id: str) -> int: ...

    def topic_of(self, path: str) -> str:
        """Empty where the message itself says it."""
        del path
        return ""

    # --- what all share -----------------------------------------------------------------------------------------------

    async def read(self, order_id: str) -> ChannelOrder:
        order = await self.channel.read_order(order_id)
        assert order is not None
        return order

    async def asked(self) -> tuple[ChannelOrder, Cancellation]:
        """An order whose buyer asks to cancel it, and the request."""
        order_id = await self.place()
        await self.ask(order_id)
        order = await self.read(order_id)
        (request,) = order.requests()
        return order, request

    async def fault(self, kind: str, call: str, **more: Any) -> None:
        """The next such call fails in this way (`bridge/sandbox/faults.py`)."""
        body = {"kind": kind, **self.faults[call], **more}
        async with self.session.post(f"{self.url}/_control/faults", json=body) as answer:
            text = await answer.text()
            assert answer.status in {200, 201}, text
            json.loads(text)
