"""Connecting a Shopify shop, and looking at it again (doctor): `bridge.ports.Connector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bridge.addresses import normalise_url
from bridge.connectors.shopify import auth, registration
from bridge.connectors.shopify import credentials as stored
from bridge.connectors.shopify.answers import told_errors
from bridge.connectors.shopify.client import Client, TokenSource
from bridge.connectors.shopify.documents import ABOUT, DEFINITION, KEY, NAMESPACE, PINNED
from bridge.connectors.shopify.reading import read_time, rows_in, text
from bridge.connectors.shopify.scopes import NEEDED, lacking
from bridge.connectors.shopify.store import ShopifyStore, Tend
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import Clock, Connected, Finding

_SOON: Final = timedelta(minutes=10)
_TAKEN: Final = frozenset({"TAKEN", "UNSTRUCTURED_ALREADY_EXISTS"})


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
        findings = [*_about_version(client, about), *_about_scopes(about)]
        findings += await _about_metafield(client)
        mode, told = await self._register(client, connection_id, credentials, public_url)
        shop = about.get("shop")
        facts = {
            "api_version": client.answered_version or client.version,
            "shop": text(shop.get("myshopifyDomain")) if isinstance(shop, dict) else "",
            "shop_name": text(shop.get("name")) if isinstance(shop, dict) else "",
            "currency": text(shop.get("currencyCode")) if isinstance(shop, dict) else "",
            "mode": mode,
            "read_at": self._clock.now().isoformat(),
        }
        return Connected(dict(tokens.credentials), facts, findings=(*findings, *told))

    async def _register(
        self, client: Client, connection_id: str, credentials: Mapping[str, Any], public_url: str
    ) -> tuple[str, list[Finding]]:
        if not credentials.get("client_secret"):
            text_ = "Without the client secret Shopify's messages cannot be verified: changes are found by the sweep."
            return "sweep-only", [Finding("warning", "sweep_only", text_)]
        if not public_url:
            text_ = "BRIDGE_PUBLIC_URL is not set, so Shopify cannot tell us of changes; they are found by the sweep."
            return "sweep-only", [Finding("warning", "public_url_missing", text_)]
        told = await registration.register(client, public_url, connection_id)
        if told.missing:
            text_ = (
                f"Shopify does not send {', '.join(told.missing)}; these changes are found by the sweep. {told.because}"
            )
            return "sweep-only", [Finding("warning", "webhook_missing", text_)]
        findings = [Finding("ok", "webhooks", f"Shopify sends {len(registration.TOPICS)} kinds of messages here.")]
        if told.elsewhere:
            text_ = f"The app's messages go to another address too: {', '.join(told.elsewhere)}."
            findings.append(Finding("warning", "webhooks_elsewhere", text_))
        return "full", findings


def _about_version(client: Client, about: Mapping[str, Any]) -> list[Finding]:
    rows = rows_in(about.get("publicApiVersions"), "publicApiVersions")
    supported = sorted(text(row.get("handle")) for row in rows if row.get("supported") is True)
    if client.version in supported:
        return [Finding("ok", "api_version", f"Shopify supports version {client.version} of its Admin API.")]
    told = (
        f"Shopify no longer lists version {client.version} of its Admin API (it has {', '.join(supported) or 'none'})"
    )
    return [Finding("error", "api_version", f"{told}: install a newer version of the bridge.")]


def _about_scopes(about: Mapping[str, Any]) -> list[Finding]:
    installed = about.get("currentAppInstallation")
    missing = lacking(installed if isinstance(installed, dict) else {})
    found = [
        Finding(
            "error",
            "scope_missing",
            f"The app lacks the scope {name}, needed to {NEEDED[name]}. Add it in the Dev Dashboard under your app › "
            "Versions, release that version, agree to it in the shop, and run doctor.",
        )
        for name in missing
    ]
    return found or [Finding("ok", "scopes", "The app has every scope it needs.")]


async def _about_metafield(client: Client) -> list[Finding]:
    """The unique metafield by which our own orders are found again, made once."""
    definition = {
        "name": "TikTok Shop order",
        "namespace": NAMESPACE,
        "key": KEY,
        "type": "id",
        "ownerType": "ORDER",
        "capabilities": {"uniqueValues": {"enabled": True}},
    }
    answer = await client.write(DEFINITION, {"definition": definition}, "metafieldDefinitionCreate")
    if not isinstance(answer, Mapping):
        because = str(getattr(answer, "because", ""))
    else:
        errors = rows_in(answer.get("userErrors"), "errors")
        because = "" if {str(one.get("code")) for one in errors} <= _TAKEN else told_errors(errors)
    if not because:
        return [Finding("ok", "metafield", "Orders carry TikTok's order id in a unique field of the app's own.")]
    text_ = (
        f"The field for TikTok's order id could not be made: {because} Orders are found by their source's id and name."
    )
    return [Finding("warning", "metafield", text_)]
