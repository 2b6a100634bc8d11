"""An answer that does not end is not read to its end: by no client, and from no token server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.connectors import bodies
from bridge.connectors.amazon import auth as amazon_auth
from bridge.connectors.magento.client import Client as MagentoClient
from bridge.connectors.magento.signing import Credentials
from bridge.connectors.shopify import auth as shopify_auth
from bridge.connectors.tiktok.auth import Authorizer
from bridge.connectors.tiktok.client import Client as TikTokClient
from bridge.connectors.tiktok.protocol import AUTHORIZED_SHOPS, call
from bridge.domain.outcomes import RemoteProblem, Retry

NOW = datetime(2026, 11, 1, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


class Kept:
    """An access token that nobody renews."""

    async def access_token(self) -> str:
        return "ROW_a"

    async def refreshed(self, stale: str) -> str:
        raise AssertionError(stale)


@contextlib.asynccontextmanager
async def endless() -> AsyncIterator[str]:
    """A server whose answers go on until the reader goes away."""
    over = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"x" * 4096)
        await over.wait()
        return answer

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
        over.set()


Ask = Callable[[aiohttp.ClientSession, str], Awaitable[object]]
SECRETS = {"client_id": "i", "client_secret": "s", "refresh_token": "r"}
FOUR = Credentials("k", "s", "t", "u")
ASKED: dict[str, Ask] = {
    "TikTok": lambda session, url: TikTokClient(session, url, "k", "s", Kept(), Clock()).read(call(AUTHORIZED_SHOPS)),
    "TikTok's token": lambda session, url: Authorizer(session, Clock(), "k", "s", url).refresh("r"),
    "Shopify's token": lambda session, url: shopify_auth.ask(session, {**SECRETS, "token_url": url}, Clock().now),
    "Amazon's token": lambda session, url: amazon_auth.ask(session, {**SECRETS, "token_url": url}, Clock().now),
    "Magento": lambda session, url: MagentoClient(session, url, FOUR, allow_private=True).get("/rest/V1/orders"),
}


@pytest.mark.parametrize("which", ASKED)
async def test_an_answer_without_an_end_is_given_up(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_BYTES", 1024)
    async with endless() as url, aiohttp.ClientSession() as session, asyncio.timeout(5):
        with pytest.raises(RemoteProblem) as given_up:
            await ASKED[which](session, url)
    assert isinstance(given_up.value.outcome, Retry)
    assert "TooLong" in given_up.value.outcome.because or "was given up" in given_up.value.outcome.because
