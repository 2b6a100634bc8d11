"""How to connect to TikTok Shop: check what a merchant entered, prove it, find the shops, ask for their messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter

from bridge.addresses import normalise_url
from bridge.connectors.tiktok import credentials as stored
from bridge.connectors.tiktok.auth import AUTH_URL, Authorizer, Tokens, TokenSource
from bridge.connectors.tiktok.client import Client
from bridge.connectors.tiktok.protocol import AUTHORIZED_SHOPS, Answer, call
from bridge.connectors.tiktok.reading import Unreadable, items
from bridge.connectors.tiktok.registration import address_finding, hook_addresses, register
from bridge.connectors.tiktok.shop import ShopRef, TikTokShop
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem
from bridge.ports import Clock, Connected, Finding, FoundShop

API_URL = "https://open-api.tiktokglobalshop.com"
"""One host for all markets (Partner Center, "Sign your API request")."""


class Rotating:
    """A `TokenSource` over one grant for as long as connecting takes. `tokens` is what must be stored afterwards."""

    def __init__(self, authorizer: Authorizer, tokens: Tokens) -> None:
        self._authorizer = authorizer
        self.tokens = tokens
        self.was_rotated = False

    async def access_token(self) -> str:
        return self.tokens.access_token

    async def refreshed(self, stale: str) -> str:
        if self.tokens.access_token == stale:
            self.tokens = await self._authorizer.refresh(self.tokens.refresh_token)
            self.was_rotated = True
        return self.tokens.access_token


class TikTokConnector:
    """Implements `bridge.ports.Connector`."""

    kind = "tiktok"

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, *, allow_private_urls: bool = False) -> None:
        self._session = session
        self._clock = clock
        self._allow_private = allow_private_urls

    def normalise(self, url: str | None) -> str:
        return normalise_url(url or API_URL, allow_private=self._allow_private)

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        """`auth_url` (the token server) may stand among them; it is held to the same rules as the connection's url."""
        kept = stored.check(credentials)
        for name in ("auth_url", "authorize_url"):
            if kept.get(name):
                kept[name] = normalise_url(kept[name], allow_private=self._allow_private)
        return kept

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002 -- the port's signature; TikTok's addresses name the app
        return tuple(hook_addresses(public_url, str(credentials["app_key"])).values())

    def authorizer(self, credentials: Mapping[str, Any]) -> Authorizer:
        """Gets and renews tokens for this app. Only `app_key`, `app_secret` and `auth_url` are read."""
        return Authorizer(
            self._session,
            self._clock,
            credentials["app_key"],
            credentials["app_secret"],
            credentials.get("auth_url") or AUTH_URL,
        )

    async def renew(self, credentials: Mapping[str, Any]) -> tuple[Mapping[str, Any], datetime | None]:
        """Credentials with a fresh pair of tokens, and when the access token ends. Raises `RemoteProblem`."""
        tokens = await self.authorizer(credentials).refresh(credentials["refresh_token"])
        return stored.with_tokens(credentials, tokens), tokens.access_expires_at

    def client(
        self, url: str, credentials: Mapping[str, Any], tokens: TokenSource, limiter: AsyncLimiter | None = None
    ) -> Client:
        return Client(
            self._session, url, credentials["app_key"], credentials["app_secret"], tokens, self._clock, limiter
        )

    def shop(
        self,
        url: str,
        credentials: Mapping[str, Any],
        tokens: TokenSource,
        shop: ShopRef,
        limiter: AsyncLimiter | None = None,
    ) -> TikTokShop:
        """The channel of one shop; `limiter` is its share of calls (`shop_limiter()`)."""
        return TikTokShop(self.client(url, credentials, tokens, limiter), shop)

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:  # noqa: ARG002 -- the port's signature
        """`facts["identity"]` is the app key and the shops' ids; the same app and a shop in common are the same
        connection.

        Once tokens were exchanged nothing is raised any more, because the new ones must be stored: the old refresh
        token may be dead. What went wrong is then a finding of level `error`.
        """
        tokens = Rotating(self.authorizer(credentials), stored.tokens_of(credentials))
        client = self.client(url, credentials, tokens)
        try:
            shops = await self._shops(client)
        except RemoteProblem as problem:
            if not tokens.was_rotated:
                raise
            finding = Finding("error", "not_connected", str(problem))
            return Connected(stored.with_tokens(credentials, tokens.tokens), findings=(finding,))
        addresses = hook_addresses(public_url, credentials["app_key"])
        findings = [Finding("ok", "authorized", f"TikTok lets the app work for {', '.join(s.name for s in shops)}")]
        findings += [one for one in (_clock_finding(client.skew), address_finding(public_url)) if one is not None]
        for shop in shops:
            findings += await register(client, shop, addresses)
        is_told = not any(one.code.startswith(("webhooks_un", "webhook_missing", "public_url")) for one in findings)
        ids = sorted(shop.channel_shop_id for shop in shops)
        facts = {
            "identity": f"{credentials['app_key']}/{'+'.join(ids)}",
            "app_key": credentials["app_key"],
            "shop_ids": ids,
            "mode": "full" if is_told else "sweep-only",
            "seller_name": tokens.tokens.seller_name,
        }
        return Connected(stored.with_tokens(credentials, tokens.tokens), facts, tuple(shops), tuple(findings))

    async def _shops(self, client: Client) -> list[FoundShop]:
        answer = await client.read(call(AUTHORIZED_SHOPS))
        shops = _read_shops(answer)
        if not shops:
            raise RemoteProblem(Reauth("the token opens no shop; authorize the app for your TikTok Shop"))
        return shops


def _read_shops(answer: Answer) -> list[FoundShop]:
    try:
        rows = items(answer.data, "shops")
    except Unreadable as problem:
        raise RemoteProblem(Rejected(str(problem), "unreadable")) from problem
    shops = [
        FoundShop(
            channel_shop_id=str(row.get("id") or ""),
            name=str(row.get("name") or row.get("code") or row.get("id")),
            region=str(row.get("region") or ""),
            cipher=str(row.get("cipher") or ""),
            seller_type=str(row.get("seller_type") or ""),
        )
        for row in rows
    ]
    return [shop for shop in shops if shop.channel_shop_id and shop.cipher]


def _clock_finding(skew: float | None) -> Finding | None:
    """TikTok takes timestamps from 5 minutes back to 30 seconds ahead."""
    if skew is None or -60 <= skew <= 5:
        return None
    side = "ahead of" if skew > 0 else "behind"
    text = f"this machine's clock is {abs(skew):.0f} s {side} TikTok's; beyond 30 s ahead or 5 min behind nothing works"
    return Finding("warning", "clock", f"{text}: set it by NTP")
