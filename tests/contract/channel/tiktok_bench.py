"""TikTok Shop's bench for the suite of channels."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.connectors.tiktok.door import TikTokDoor
from bridge.connectors.tiktok.platform import PLATFORM
from bridge.ports import Channel
from tests.contract.channel.channel_bench import ChannelBench
from tests.contract.channel.channel_world import World, open_world, out_of_stock


@dataclass(kw_only=True)
class TikTokBench(ChannelBench):
    platform = PLATFORM
    faults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "cancel": {"method": "POST", "path": "/cancellations[?]"},
        "approve": {"method": "POST", "path": "/approve[?]"},
        # aiohttp repeats a GET once on a connection that was cut.
        "read": {"method": "GET", "path": "/order/202309/orders[?]", "times": 2},
    }

    world: World

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(self.credentials[name] for name in ("app_secret", "access_token", "refresh_token"))

    @property
    def wrong(self) -> Mapping[str, Any]:
        return {**self.credentials, "app_secret": "wrong-secret-of-nobody"}

    @property
    def reason(self) -> str:
        return out_of_stock("US")

    async def again(self) -> Channel:
        return (await self.world.channel())[0]

    async def place(self) -> str:
        return await self.world.place()

    async def ask(self, order_id: str) -> None:
        await self.world.control("POST", f"/orders/{order_id}/cancel", role="BUYER")

    async def withdraw_grant(self) -> None:
        await self.world.control("POST", "/tokens/revoke")

    async def done(self, order_id: str) -> int:
        cancels = (await self.world.seen(order_id))["line_cancels"].values()
        return max(cancels, default=0)

    def topic_of(self, path: str) -> str:
        return path.rsplit("/", 1)[1]


@asynccontextmanager
async def open_tiktok() -> AsyncIterator[TikTokBench]:
    async with open_world() as world:
        credentials = await world.grant()
        yield TikTokBench(
            url=world.base,
            session=world.session,
            credentials=credentials,
            connector=world.connector,
            door=TikTokDoor(),
            channel=world.channel_of(credentials)[0],
            world=world,
        )
