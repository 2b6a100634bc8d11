"""Connecting a WooCommerce store, and looking at it again (doctor): `bridge.ports.Connector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bridge.addresses import date_offset, normalise_url
from bridge.connectors.checking import Checks
from bridge.connectors.woocommerce import credentials as stored
from bridge.connectors.woocommerce import registration, sweeping
from bridge.connectors.woocommerce.checks import about_stock, about_store, first_look, may_write, registering
from bridge.connectors.woocommerce.client import Client
from bridge.connectors.woocommerce.door import make_test
from bridge.connectors.woocommerce.signing import ApiKey
from bridge.connectors.woocommerce.store import Tend, WooCommerceStore, about_of, status_of, version_of
from bridge.domain.outcomes import RemoteProblem
from bridge.ports import Clock, Connected, Examined, Known, TestDelivery


class WooCommerceConnector:
    kind = "woocommerce"

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, *, allow_private: bool = False) -> None:
        self._session = session
        self._clock = clock
        self._allow_private = allow_private

    def normalise(self, url: str | None) -> str:
        """`shop.example.com/blog/` → `https://shop.example.com/blog`; `/wp-json/…` and `/wp-admin/…` are taken off."""
        given = (url or "").strip()
        if not given:
            raise ValueError("Give the store's address, such as https://shop.example.com")
        if "://" not in given:
            given = f"https://{given}"
        parts = urlsplit(given)
        path = parts.path
        for mark in ("/wp-json", "/wp-admin", "/wp-login.php", "/index.php"):
            path = path.partition(mark)[0]
        if "/wp-" in parts.path:
            # The admin's addresses carry queries, which say nothing of where the store is.
            parts = parts._replace(query="", fragment="")
        return normalise_url(parts._replace(path=path).geturl(), allow_private=self._allow_private, keep_path=True)

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        return stored.check(credentials)

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]:
        del credentials
        return (registration.address(public_url, connection_id),) if public_url else ()

    def store(self, url: str, credentials: Mapping[str, Any], connection_id: str, public_url: str) -> WooCommerceStore:
        tend: Tend | None = None
        if public_url:
            secret = str(credentials["webhook_secret"])

            async def tend(client: Client) -> Sequence[str]:
                told = await registration.register(client, public_url, connection_id, secret)
                return [f"WooCommerce does not send {', '.join(told.missing)}: {told.because}"] if told.missing else []

        client = self._client(url, credentials)
        return WooCommerceStore(client, keys=stored.meta_keys(credentials), tend=tend, now=self._clock.now)

    def _client(self, url: str, credentials: Mapping[str, Any]) -> Client:
        key = ApiKey(str(credentials["consumer_key"]), str(credentials["consumer_secret"]))
        return Client(self._session, url, key, allow_private=self._allow_private)

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:
        client = self._client(url, credentials)
        status = await status_of(client)
        findings = [*about_store(status), *await may_write(client)]
        secret = str(credentials["webhook_secret"])
        mode, told = await registering(client, connection_id, secret, public_url, mend=True, anew=True)
        findings += [one for one in told if one.code != "webhooks_mended"]
        return Connected(dict(credentials), self._facts(status, mode), findings=tuple(findings))

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
        client = self._client(url, credentials)
        status = await first_look(client, checks)
        if isinstance(status, RemoteProblem):
            return Examined(tuple(checks.findings), problem=status)
        try:
            checks.say(*about_store(status))
        except RemoteProblem as problem:
            return Examined(tuple(checks.findings), problem=problem)
        checks.say(*(await checks.make("stock keeping", partial(about_stock, client)) or ()))
        checks.say(*(await checks.make("permission to write", partial(may_write, client)) or ()))
        secret = str(credentials["webhook_secret"])
        register = partial(registering, client, connection_id, secret, public_url, mend=mend)
        mode, told = await checks.make("webhooks", register) or (str(known.facts.get("mode") or "sweep-only"), [])
        checks.say(*told)
        newest = await checks.make("newest order", partial(sweeping.newest, client, "orders"))
        connected = Connected(dict(credentials), self._facts(status, mode))
        return Examined(tuple(checks.findings), connected, last_change=newest)

    def _facts(self, status: Mapping[str, Any], mode: str) -> dict[str, Any]:
        return {
            "version": version_of(status),
            "currency": about_of(status).currency,
            "mode": mode,
            "read_at": self._clock.now().isoformat(),
        }

    async def clock_offset(self, url: str) -> float | None:
        return await date_offset(self._session, url, lambda: self._clock.now().timestamp())

    def test_delivery(
        self, connection_id: str, credentials: Mapping[str, Any], public_url: str, mark: str
    ) -> TestDelivery | None:
        urls = self.hook_urls(public_url, connection_id, credentials)
        return make_test(urls[0], str(credentials["webhook_secret"]), mark) if urls else None
