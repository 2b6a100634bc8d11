"""How to connect to TikTok Shop: check what a merchant entered, prove it, find the shops, ask for their messages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
from aiolimiter import AsyncLimiter

from bridge.addresses import date_offset, normalise_url
from bridge.connectors.checking import Checks
from bridge.connectors.tiktok import credentials as stored
from bridge.connectors.tiktok import examining
from bridge.connectors.tiktok.auth import AUTH_URL, Authorizer, Tokens, TokenSource
from bridge.connectors.tiktok.client import Client
from bridge.connectors.tiktok.door import make_test
from bridge.connectors.tiktok.examining import facts_of, no_shop, read_shops
from bridge.connectors.tiktok.protocol import AUTHORIZED_SHOPS, call
from bridge.connectors.tiktok.registration import address_finding, hook_addresses, register
from bridge.connectors.tiktok.shop import ShopRef, TikTokShop
from bridge.domain.outcomes import RemoteProblem, Retry
from bridge.ports import Clock, Connected, Examined, Finding, FoundShop, Known, TestDelivery

API_URL = "https://open-api.tiktokglobalshop.com"
"""One host for all markets (Partner Center, "Sign your API request")."""
FIRST_SECONDS = 12.0
"""Until the first answer, a renewed token included."""


class Rotating:
    """A `TokenSource` over one grant for as long as connecting takes. `tokens` is what must be stored afterwards."""

    def __init__(self, authorizer: Authorizer, tokens: Tokens) -> None:
        self._authorizer = authorizer
        self.tokens = tokens
        self.was_rotated = False
        self._renewal: asyncio.Future[None] | None = None

    async def access_token(self) -> str:
        return self.tokens.access_token

    async def refreshed(self, stale: str) -> str:
        """A renewal that was begun is finished, whoever stops waiting for it: the new pair comes once."""
        if self.tokens.access_token == stale:
            self._renewal = self._renewal or asyncio.ensure_future(self._renew())
            await asyncio.shield(self._renewal)
        return self.tokens.access_token

    async def _renew(self) -> None:
        try:
            self.tokens = await self._authorizer.refresh(self.tokens.refresh_token)
            self.was_rotated = True
        finally:
            self._renewal = None

    async def finished(self) -> None:
        """No renewal is under way any more; `tokens` is what must be stored."""
        if (renewal := self._renewal) is not None:
            await asyncio.gather(renewal, return_exceptions=True)


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
            made = await register(client, shop, addresses, mend=True)
            # That nothing was asked for before is no news to who connects.
            findings += [one for one in made if one.code != "webhooks_mended"]
        facts = facts_of(credentials, shops, tokens.tokens, findings)
        return Connected(stored.with_tokens(credentials, tokens.tokens), facts, tuple(shops), tuple(findings))

    async def examine(
        self,
        connection_id: str,  # noqa: ARG002 -- the port's signature
        url: str,
        credentials: Mapping[str, Any],
        public_url: str,
        *,
        mend: bool,
        known: Known,
    ) -> Examined:
        """Tokens that were exchanged on the way are handed back, whatever else went wrong: the old ones may be dead."""
        tokens = Rotating(self.authorizer(credentials), stored.tokens_of(credentials))
        client = self.client(url, credentials, tokens)
        addresses = hook_addresses(public_url, credentials["app_key"])
        checks = Checks()
        shops: Sequence[FoundShop] | RemoteProblem
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                shops = await examining.first_look(client, checks)
        except TimeoutError:
            shops = RemoteProblem(Retry(f"TikTok did not answer within {FIRST_SECONDS:.0f} seconds"))
            checks.say(Finding("error", "unreachable", f"{shops.outcome.because}. Run doctor again."))
        newest = None
        if not isinstance(shops, RemoteProblem):
            newest = await examining.examine_shops(client, shops, addresses, public_url, checks, mend=mend, known=known)
        await tokens.finished()
        checks.say(*examining.token_findings(tokens.tokens, self._clock.now()))
        fresh = stored.with_tokens(credentials, tokens.tokens)
        if isinstance(shops, RemoteProblem):
            kept = Connected(fresh) if tokens.was_rotated else None
            return Examined(tuple(checks.findings), kept, shops, client.skew)
        facts = facts_of(credentials, shops, tokens.tokens, checks.findings)
        return Examined(
            tuple(checks.findings),
            Connected(fresh, facts, tuple(shops)),
            clock_offset=client.skew,
            last_change=newest,
        )

    async def clock_offset(self, url: str) -> float | None:
        return await date_offset(self._session, url, lambda: self._clock.now().timestamp())

    def test_delivery(
        self,
        connection_id: str,  # noqa: ARG002 -- the port's signature; TikTok's addresses name the app
        credentials: Mapping[str, Any],
        public_url: str,
        mark: str,
    ) -> TestDelivery | None:
        if not public_url:
            return None
        address = next(iter(hook_addresses(public_url, str(credentials["app_key"])).values()))
        return make_test(address, str(credentials["app_key"]), str(credentials["app_secret"]), mark)

    async def _shops(self, client: Client) -> list[FoundShop]:
        shops = read_shops(await client.read(call(AUTHORIZED_SHOPS)))
        if not shops:
            raise no_shop()
        return shops


def _clock_finding(skew: float | None) -> Finding | None:
    """TikTok takes timestamps from 5 minutes back to 30 seconds ahead."""
    if skew is None or -60 <= skew <= 5:
        return None
    side = "ahead of" if skew > 0 else "behind"
    text = f"this machine's clock is {abs(skew):.0f} s {side} TikTok's; beyond 30 s ahead or 5 min behind nothing works"
    return Finding("warning", "clock", f"{text}: set it by NTP")
