"""Connecting an Amazon seller, and looking at it again (doctor): `bridge.ports.Connector`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from importlib import metadata
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bridge.addresses import date_offset, normalise_url
from bridge.connectors.amazon import auth
from bridge.connectors.amazon import credentials as stored
from bridge.connectors.amazon.addresses import REGIONS, base_of, region_of, seller_url
from bridge.connectors.amazon.client import Client, TokenSource
from bridge.connectors.amazon.ordering import COMMENT, Wishes
from bridge.connectors.amazon.protocol import Version
from bridge.connectors.amazon.protocol_2020 import Version2020
from bridge.connectors.amazon.protocol_2026 import Version2026
from bridge.connectors.amazon.reading import read_time
from bridge.connectors.amazon.store import AmazonStore
from bridge.connectors.checking import Checks
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry
from bridge.domain.pacing import Rate, Turn
from bridge.ports import Clock, Connected, Examined, Finding, Known, Pace, TestDelivery

AGENT: Final = f"bridge/{metadata.version('bridge')} (Language=Python)"
"""Amazon asks every app to name itself and its language so."""
FIRST_SECONDS: Final = 12.0
_SOON: Final = timedelta(minutes=2)
_A_DAY: Final = timedelta(days=1)
_ABOUT: Final = (
    "2026-07-04 does not show whether units are being picked, so a cancellation is tried, and Amazon's answer decides."
)


class Given:
    """A `TokenSource` for as long as connecting takes. `credentials` is what must be stored afterwards."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, credentials: Mapping[str, Any]) -> None:
        self._session = session
        self._clock = clock
        self.credentials: Mapping[str, Any] = credentials

    async def access_token(self) -> str:
        ends = read_time(self.credentials.get("access_expires_at"))
        if not self.credentials.get("access_token") or ends is None or ends - self._clock.now() < _SOON:
            return await self.refreshed("")
        return str(self.credentials["access_token"])

    async def refreshed(self, stale: str) -> str:
        del stale
        self.credentials, _ = await auth.ask(self._session, self.credentials, self._clock.now)
        return str(self.credentials["access_token"])


class AmazonConnector:
    """`pace` counts the calls of every process."""

    kind = "amazon"

    def __init__(
        self, session: aiohttp.ClientSession, clock: Clock, pace: Pace, *, allow_private: bool = False
    ) -> None:
        self._session = session
        self._clock = clock
        self._pace = pace
        self._allow_private = allow_private

    def normalise(self, url: str | None) -> str:
        return seller_url(url, allow_private=self._allow_private)

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = stored.check(credentials)
        if kept.get("token_url"):
            kept["token_url"] = normalise_url(kept["token_url"], allow_private=self._allow_private, keep_path=True)
        return kept

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]:
        del public_url, connection_id, credentials
        return ()

    async def renew(self, credentials: Mapping[str, Any]) -> tuple[Mapping[str, Any], datetime | None]:
        """Credentials with a fresh token, and when it ends. Raises `RemoteProblem`."""
        return await auth.ask(self._session, credentials, self._clock.now)

    def store(self, url: str, credentials: Mapping[str, Any], tokens: TokenSource, connection_id: str) -> AmazonStore:
        return AmazonStore(
            self._client(url, tokens, connection_id),
            version_of(credentials),
            Wishes(
                speed=stored.chosen(credentials, "shipping_speed"),
                policy=stored.chosen(credentials, "fulfillment_policy"),
                marketplace_id=str(credentials.get("marketplace_id") or ""),
                comment=str(credentials.get("order_comment") or COMMENT),
            ),
            scans=stored.chosen(credentials, "scan") == "yes",
            now=self._clock.now,
        )

    def _client(self, url: str, tokens: TokenSource, connection_id: str) -> Client:
        async def turn(rate: Rate, longest: float) -> Turn:
            return await self._pace.take(f"amazon:{connection_id}", rate, longest)

        return Client(self._session, base_of(url), tokens, turn, user_agent=AGENT, allow_private=self._allow_private)

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:
        """One list proves the tokens, the region and the role at once."""
        del public_url
        tokens = Given(self._session, self._clock, credentials)
        version = version_of(credentials)
        await self._list(self._client(url, tokens, connection_id), version)
        findings = (*_about(url, version), _no_messages())
        return Connected(dict(tokens.credentials), self._facts(url, version), findings=findings)

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
        del public_url, mend, known
        checks = Checks()
        tokens = Given(self._session, self._clock, credentials)
        version = version_of(credentials)
        client = self._client(url, tokens, connection_id)
        problem = await self._first_look(client, version, checks)
        if problem is not None:
            return Examined(tuple(checks.findings), problem=problem)
        checks.say(*_about(url, version), _no_messages())
        # A token that is good proves nothing of the grant behind it, so that is asked as well.
        if await checks.make("the refresh token", partial(tokens.refreshed, "")):
            checks.say(Finding("ok", "token_life", "Amazon gave a fresh access token for the refresh token."))
        their = client.their_time
        offset = (self._clock.now() - their).total_seconds() if their is not None else None
        connected = Connected(dict(tokens.credentials), self._facts(url, version))
        return Examined(tuple(checks.findings), connected, clock_offset=offset)

    async def _first_look(self, client: Client, version: Version, checks: Checks) -> RemoteProblem | None:
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await self._list(client, version)
        except TimeoutError:
            problem = RemoteProblem(Retry(f"Amazon did not answer within {FIRST_SECONDS:.0f} seconds"))
        except RemoteProblem as found:
            problem = found
        else:
            checks.say(Finding("ok", "reachable", "Amazon answers as its Selling Partner API does."))
            checks.say(Finding("ok", "authorized", "Amazon knows the app and lets it read fulfilment orders."))
            return None
        because = problem.outcome.because
        if isinstance(problem.outcome, Reauth):
            checks.say(Finding("error", "not_authorized", because))
        elif isinstance(problem.outcome, Rejected):
            checks.say(Finding("error", "refused", because))
        else:
            checks.say(Finding("error", "unreachable", f"{because}. Run doctor again."))
        checks.not_checked(("version", "the refresh token"), "of the error above")
        return problem

    async def _list(self, client: Client, version: Version) -> None:
        """Raises `RemoteProblem`."""
        version.page(await client.read(version.listing(self._clock.now() - _A_DAY, None)))

    def _facts(self, url: str, version: Version) -> dict[str, Any]:
        return {
            "api_version": version.name,
            "region": region_of(url),
            "mode": "sweep-only",
            "read_at": self._clock.now().isoformat(),
        }

    async def clock_offset(self, url: str) -> float | None:
        return await date_offset(self._session, base_of(url), lambda: self._clock.now().timestamp())

    def test_delivery(
        self, connection_id: str, credentials: Mapping[str, Any], public_url: str, mark: str
    ) -> TestDelivery | None:
        del connection_id, credentials, public_url, mark
        return None


def version_of(credentials: Mapping[str, Any]) -> Version:
    return Version2026() if stored.chosen(credentials, "api_version") == Version2026.name else Version2020()


def _about(url: str, version: Version) -> list[Finding]:
    where = REGIONS.get(region_of(url), "")
    place = f"for sellers of {where}" if where else f"at {urlsplit(url).netloc}"
    text = f"Fulfillment Outbound {version.name} is spoken, {place}."
    return [Finding("ok", "api_version", f"{text} {_ABOUT}" if isinstance(version, Version2026) else text)]


def _no_messages() -> Finding:
    return Finding("ok", "no_messages", "Amazon sends no messages here: what changes there is found by the sweep.")
