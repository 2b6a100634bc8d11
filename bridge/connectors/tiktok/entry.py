"""How TikTok Shop enters the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.connectors.tiktok import auth
from bridge.connectors.tiktok import credentials as stored
from bridge.connectors.tiktok.connect import TikTokConnector
from bridge.connectors.tiktok.door import TikTokDoor
from bridge.connectors.tiktok.platform import PLATFORM
from bridge.connectors.tiktok.shop import ShopRef, shop_limiter
from bridge.ports import Account, Assembled, Channel, Entry, FoundShop, Parts


@dataclass(frozen=True, slots=True)
class Authorization:
    """TikTok Shop's authorization as the web side asks for it."""

    connector: TikTokConnector

    def authorize_url(self, credentials: Mapping[str, Any], state: str) -> str:
        service_id = credentials.get("service_id")
        if not service_id:
            raise ValueError("service_id is missing: Partner Center › App & Service › your app › Service ID")
        base = credentials.get("authorize_url") or None
        return auth.authorize_url(service_id, state, us=credentials.get("region") == "US", base_url=base)

    async def exchange(self, credentials: Mapping[str, Any], code: str) -> Mapping[str, Any]:
        tokens = await self.connector.authorizer(credentials).get(code)
        return stored.with_tokens(credentials, tokens)


def _assemble(parts: Parts) -> Assembled:
    connector = TikTokConnector(parts.session, parts.clock, allow_private_urls=parts.allow_private)

    def open_channel(account: Account, shop: FoundShop) -> Channel:
        ref = ShopRef(id=shop.channel_shop_id, region=shop.region, cipher=shop.cipher)
        return connector.shop(account.url, account.credentials, account.tokens, ref, shop_limiter())

    return Assembled(
        connector,
        TikTokDoor(),
        open_channel=open_channel,
        renew=connector.renew,
        authorization=Authorization(connector),
    )


ENTRY = Entry(PLATFORM, _assemble)
