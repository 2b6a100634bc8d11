"""Connecting a Magento store, and looking at it again (doctor): `bridge.ports.Connector`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from bridge.addresses import date_offset
from bridge.connectors.magento import examining, hooks
from bridge.connectors.magento.addresses import store_url
from bridge.connectors.magento.checks import about_inventory, about_permissions, about_plugin, reads_inventory
from bridge.connectors.magento.client import Client
from bridge.connectors.magento.door import make_test
from bridge.connectors.magento.examining import Subject, facts_of, registering
from bridge.connectors.magento.signing import Credentials, check_credentials
from bridge.connectors.magento.views import read_report, read_views
from bridge.ports import Connected, Examined, Known, TestDelivery


class MagentoConnector:
    kind = "magento"

    def __init__(
        self, session: aiohttp.ClientSession, *, allow_private: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        self._session = session
        self._allow_private = allow_private
        self._now = now

    def normalise(self, url: str | None) -> str:
        return store_url(url, allow_private=self._allow_private)

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        return check_credentials(credentials)

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]:
        """None where deliveries could not be verified: they are signed with the consumer key."""
        if not public_url or not credentials.get("consumer_key"):
            return ()
        return (hooks.address(public_url, connection_id),)

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:
        client = self._client(url, credentials)
        report = await read_report(client)
        views = await read_views(client, report.configs)
        findings = [*about_plugin(report), *about_permissions(report, credentials)]
        inventory = await reads_inventory(client, views)
        findings.append(about_inventory(inventory=inventory))
        subject = Subject(connection_id, credentials, self._told_at(public_url, connection_id, credentials))
        told, found = await registering(client, subject, mend=True, known_id="")
        facts = facts_of(report, views, told, inventory=inventory, now=self._now())
        # That nothing stood there before is no news to who connects.
        findings += [one for one in found if one.code != "hooks_mended"]
        return Connected(credentials=dict(credentials), facts=facts, findings=tuple(findings))

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
        subject = Subject(connection_id, credentials, self._told_at(public_url, connection_id, credentials))
        return await examining.examine(self._client(url, credentials), subject, mend=mend, known=known, now=self._now)

    async def clock_offset(self, url: str) -> float | None:
        return await date_offset(self._session, url, self._now)

    def test_delivery(
        self, connection_id: str, credentials: Mapping[str, Any], public_url: str, mark: str
    ) -> TestDelivery | None:
        urls = self.hook_urls(public_url, connection_id, credentials)
        return make_test(urls[0], connection_id, str(credentials["consumer_key"]), mark) if urls else None

    def _client(self, url: str, credentials: Mapping[str, Any]) -> Client:
        return Client(self._session, url, Credentials.of(credentials), allow_private=self._allow_private, now=self._now)

    def _told_at(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> str:
        """The public address to register; empty where deliveries could not be verified or nobody reaches us."""
        return public_url if self.hook_urls(public_url, connection_id, credentials) else ""
