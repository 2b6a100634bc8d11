"""Connecting a Shopify shop, and looking at it again (doctor): `bridge.ports.Connector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bridge.addresses import date_offset, normalise_url
from bridge.connectors.checking import Checks
from bridge.connectors.shopify import auth, registration, sweeping
from bridge.connectors.shopify import credentials as stored
from bridge.connectors.shopify.checks import about_metafield, about_scopes, about_version, first_look, registering
from bridge.connectors.shopify.client import Client, TokenSource
from bridge.connectors.shopify.documents import ABOUT, PINNED
from bridge.connectors.shopify.door import make_test
from bridge.connectors.shopify.reading import read_time, text
from bridge.connectors.shopify.store import ShopifyStore, Tend
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import Clock, Connected, Examined, Known, TestDelivery

_SOON: Final = timedelta(minutes=10)


class Given:
    """A `TokenSource` for as long as connecting takes. `credentials` is what must be stored afterwards."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, credentials: Mapping[str, Any]) -> None:
        self._session = session
        self._clock = clock
        self.credentials: Mapping[str, Any] = credentials

    async def access_token(self) -> str:
        ends = read_time(self.credentials.get("access_expires_at"))
        fresh = bool(self.credentials.get("access_token"))
        if stored.renews(self.credentials) and (not fresh or ends is None or ends - self._clock.now() < _SOON):
            return await self.refreshed("")
        return str(self.credentials["access_token"])

    async def refreshed(self, stale: str) -> str:
        del stale
        self.credentials, _ = await renew(self._session, self._clock, self.credentials)
        return str(self.credentials["access_token"])


async def renew(
    session: aiohttp.ClientSession, clock: Clock, credentials: Mapping[str, Any]
) -> tuple[Mapping[str, Any], datetime | None]:
    """Credentials with a fresh token, and when it ends. Raises `RemoteProblem`."""
    if not stored.renews(credentials):
        raise RemoteProblem(
            Reauth("Shopify does not take the access token any more: make a new one, or an app, and connect again")
        )
    return await auth.ask(session, credentials, clock.now)


class ShopifyConnector:
    kind = "shopify"

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, *, allow_private: bool = False) -> None:
        self._session = session
        self._clock = clock
        self._allow_private = allow_private

    def normalise(self, url: str | None) -> str:
        """`my-shop`, `my-shop.myshopify.com` or the admin's address → `https://my-shop.myshopify.com`."""
        given = (url or "").strip()
        if not given:
            raise ValueError("Give the shop's address, such as https://my-shop.myshopify.com")
        if "://" not in given:
            given = f"https://{given}"
        parts = urlsplit(given)
        if parts.hostname == "admin.shopify.com":
            name = parts.path.removeprefix("/store/").partition("/")[0]
            given = f"https://{name}.myshopify.com"
        elif parts.hostname and "." not in parts.hostname and parts.hostname != "localhost":
            given = f"https://{parts.hostname}.myshopify.com"
        parts = urlsplit(given)
        base = normalise_url(f"{parts.scheme}://{parts.netloc}", allow_private=self._allow_private)
        if not self._allow_private and not (urlsplit(base).hostname or "").endswith(".myshopify.com"):
            raise ValueError("Give the shop's own address, https://….myshopify.com: Settings › Domains shows it")
        return base

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = stored.check(credentials)
        if kept.get("token_url"):
            parts = urlsplit(kept["token_url"])
            base = normalise_url(f"{parts.scheme}://{parts.netloc}", allow_private=self._allow_private)
            kept["token_url"] = auth.token_url(base)
        return kept

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]:
        """None where deliveries could not be verified: they are signed with the client secret."""
        if not public_url or not credentials.get("client_secret"):
            return ()
        return (registration.address(public_url, connection_id),)

    async def renew(self, credentials: Mapping[str, Any]) -> tuple[Mapping[str, Any], datetime | None]:
        return await renew(self._session, self._clock, credentials)

    def store(
        self, url: str, credentials: Mapping[str, Any], tokens: TokenSource, connection_id: str, public_url: str
    ) -> ShopifyStore:
        tend: Tend | None = None
        if self.hook_urls(public_url, connection_id, credentials):

            async def tend(client: Client) -> Sequence[str]:
                told = await registration.register(client, public_url, connection_id)
                return [f"Shopify does not send {', '.join(told.missing)}: {told.because}"] if told.missing else []

        return ShopifyStore(self._client(url, credentials, tokens), tend=tend, now=self._clock.now)

    def _client(self, url: str, credentials: Mapping[str, Any], tokens: TokenSource) -> Client:
        version = str(credentials.get("api_version") or PINNED)
        return Client(self._session, url, tokens, version=version, allow_private=self._allow_private)

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:
        tokens = Given(self._session, self._clock, {**credentials, "token_url": auth.token_url(url)})
        client = self._client(url, credentials, tokens)
        about = await client.read(ABOUT)
        findings = [*about_version(client, about), *about_scopes(about), *await about_metafield(client)]
        mode, told = await registering(client, connection_id, credentials, public_url, mend=True)
        findings += [one for one in told if one.code != "webhooks_mended"]
        return Connected(dict(tokens.credentials), self._facts(client, about, mode), findings=tuple(findings))

    async def examine(
        self,
        connection_id: str,
        url: str,
        credentials: Mapping[str, Any],
        public_url: str,
        *,
        mend: bool,
        known: Known,
    ) -> Examined:
        checks = Checks()
        tokens = Given(self._session, self._clock, {**credentials, "token_url": auth.token_url(url)})
        client = self._client(url, credentials, tokens)
        about = await first_look(client, checks)
        if isinstance(about, RemoteProblem):
            return Examined(tuple(checks.findings), problem=about)
        checks.say(*about_version(client, about), *about_scopes(about))
        if mend:
            checks.say(*(await checks.make("the field for TikTok's order id", partial(about_metafield, client)) or ()))
        register = partial(registering, client, connection_id, credentials, public_url, mend=mend)
        mode, told = await checks.make("webhooks", register) or (str(known.facts.get("mode") or "sweep-only"), [])
        checks.say(*told)
        newest = await checks.make("newest order", partial(sweeping.newest, client, "orders"))
        facts = self._facts(client, about, mode)
        return Examined(tuple(checks.findings), Connected(dict(tokens.credentials), facts), last_change=newest)

    def _facts(self, client: Client, about: Mapping[str, Any], mode: str) -> dict[str, Any]:
        shop = about.get("shop")
        told = shop if isinstance(shop, dict) else {}
        return {
            "api_version": client.answered_version or client.version,
            "shop": text(told.get("myshopifyDomain")),
            "shop_name": text(told.get("name")),
            "currency": text(told.get("currencyCode")),
            "mode": mode,
            "read_at": self._clock.now().isoformat(),
        }

    async def clock_offset(self, url: str) -> float | None:
        return await date_offset(self._session, url, lambda: self._clock.now().timestamp())

    def test_delivery(
        self, connection_id: str, credentials: Mapping[str, Any], public_url: str, mark: str
    ) -> TestDelivery | None:
        urls = self.hook_urls(public_url, connection_id, credentials)
        return make_test(urls[0], connection_id, str(credentials["client_secret"]), mark) if urls else None
