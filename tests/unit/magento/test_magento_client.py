from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from bridge.addresses import PublicResolver
from bridge.connectors.magento.addresses import store_url
from bridge.connectors.magento.answers import CutOff, NotReached
from bridge.connectors.magento.client import PARALLEL_CALLS, WRITE_TIMEOUT, Client
from bridge.connectors.magento.signing import Credentials
from bridge.domain.outcomes import Rejected, RemoteProblem, Retry

FOUR = Credentials("key-" + "k" * 28, "secret-" + "s" * 25, "token-" + "t" * 26, "tsecret-" + "u" * 24)
SECRETS = (FOUR.consumer_secret, FOUR.access_token, FOUR.access_token_secret, FOUR.consumer_key, "oauth_signature")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


@asynccontextmanager
async def spoken(answer: bytes) -> AsyncIterator[str]:
    """A server that reads a request, says these bytes, and cuts the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def client(session: aiohttp.ClientSession, url: str, write_timeout: float = WRITE_TIMEOUT) -> Client:
    return Client(session, url, FOUR, allow_private=True, write_timeout=write_timeout)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_the_url_is_sent_exactly_as_it_was_signed(session: aiohttp.ClientSession) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.raw_path)
        return web.json_response({})

    async with served(handler) as url:
        await client(session, url).get("/rest/V1/orders", "a%5Bb%5D=%2B%2F%2C%20%25")
    assert seen == ["/rest/V1/orders?a%5Bb%5D=%2B%2F%2C%20%25"]


async def test_bytes_and_headers_of_a_write_arrive_as_given(session: aiohttp.ClientSession) -> None:
    seen: list[tuple[bytes, str | None, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(
            (await request.read(), request.headers.get("as-inventory-behaviour"), request.headers.get("Content-Type"))
        )
        return web.json_response("12")

    body = '{"a":1.10,"ü":"x"}'.encode()
    async with served(handler) as url:
        answer = await client(session, url).post("/rest/V1/orders", body, {"as-inventory-behaviour": "decrement"})
    assert seen == [(body, "decrement", "application/json")]
    assert answer.json() == "12"


async def test_nothing_listening_means_that_nothing_was_sent(session: aiohttp.ClientSession) -> None:
    with pytest.raises(NotReached) as problem:
        await client(session, f"http://127.0.0.1:{closed_port()}").post("/rest/V1/orders", b"{}")
    assert not any(secret in repr(problem.value) for secret in SECRETS)


async def test_a_name_that_does_not_resolve_means_that_nothing_was_sent() -> None:
    class Nowhere(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            raise OSError(None, "no such name")

        async def close(self) -> None:
            return None

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as opened:
        with pytest.raises(NotReached):
            await client(opened, "http://shop.example").post("/rest/V1/orders", b"{}")


async def test_a_name_that_leads_to_a_private_address_is_not_called() -> None:
    asked: list[str] = []

    class Rebound(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            asked.append(host)
            return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

        async def close(self) -> None:
            return None

    connector = aiohttp.TCPConnector(resolver=PublicResolver(Rebound()))
    async with aiohttp.ClientSession(connector=connector) as opened:
        with pytest.raises(NotReached, match="private"):
            await Client(opened, "https://shop.example.com", FOUR).post("/rest/V1/orders", b"{}")
    assert asked == ["shop.example.com"]


@pytest.mark.parametrize(
    "url", ["http://shop.example.com", "https://127.0.0.1", "https://10.0.0.8", "https://[::1]", "https://localhost"]
)
async def test_private_addresses_are_refused_as_written(session: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(ValueError, match="BRIDGE_ALLOW_PRIVATE_URLS"):
        Client(session, url, FOUR)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", b"nonsense\r\n\r\n"],
    ids=["no answer", "half an answer", "not http"],
)
async def test_a_connection_that_breaks_after_sending_leaves_it_open(
    session: aiohttp.ClientSession, answer: bytes
) -> None:
    async with spoken(answer) as url:
        with pytest.raises(CutOff) as problem:
            await client(session, url).post("/rest/V1/orders", b"{}")
    assert not any(secret in repr(problem.value) for secret in SECRETS)
    assert problem.value.__cause__ is None
    assert problem.value.__suppress_context__


async def test_silence_ends_at_the_hard_time_out(session: aiohttp.ClientSession) -> None:
    release = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with served(handler) as url:
        with pytest.raises(CutOff, match="did not answer"):
            await client(session, url, write_timeout=0.2).post("/rest/V1/orders", b"{}")
        release.set()


async def test_reads_that_fail_on_the_way_may_be_tried_again(session: aiohttp.ClientSession) -> None:
    with pytest.raises(RemoteProblem) as problem:
        await client(session, f"http://127.0.0.1:{closed_port()}").get("/rest/V1/orders/1")
    assert isinstance(problem.value.outcome, Retry)
    async with spoken(b"") as url:
        with pytest.raises(RemoteProblem) as problem:
            await client(session, url).get("/rest/V1/orders/1")
    assert isinstance(problem.value.outcome, Retry)


async def test_a_used_nonce_is_cured_by_one_fresh_signature(session: aiohttp.ClientSession) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        text = {"message": "The nonce is already being used by the consumer with ID %1", "parameters": ["5"]}
        return web.json_response(text, status=401) if len(seen) in {1, 3, 4} else web.json_response({"id": 1})

    async with served(handler) as url:
        assert await client(session, url).get("/rest/V1/orders/1") == {"id": 1}
        with pytest.raises(RemoteProblem) as problem:
            await client(session, url).get("/rest/V1/orders/1")
    assert isinstance(problem.value.outcome, Retry)
    assert len(seen) == len(set(seen)) == 4


async def test_redirects_are_not_followed(session: aiohttp.ClientSession) -> None:
    paths: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with served(handler) as url:
        with pytest.raises(RemoteProblem) as problem:
            await client(session, url).get("/rest/V1/orders/1")
    assert isinstance(problem.value.outcome, Rejected)
    assert paths == ["/rest/V1/orders/1"]


async def test_no_more_calls_at_a_time_than_a_store_can_bear(session: aiohttp.ClientSession) -> None:
    running = most = 0
    full = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == PARALLEL_CALLS:
            full.set()
        await full.wait()
        running -= 1
        return web.json_response({})

    async with served(handler) as url:
        store = client(session, url)
        await asyncio.gather(*(store.get(f"/rest/V1/orders/{number}") for number in range(PARALLEL_CALLS * 3)))
    assert most == PARALLEL_CALLS


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://Shop.Example.com/", "https://shop.example.com"),
        ("shop.example.com", "https://shop.example.com"),
        ("https://shop.example.com:443/index.php/rest/V1", "https://shop.example.com"),
        ("https://shop.example.com/shop/rest/default/V1/", "https://shop.example.com/shop"),
        ("https://shop.example.com/interest", "https://shop.example.com/interest"),
        ("https://shop.example.com:8443/", "https://shop.example.com:8443"),
    ],
)
def test_an_address_has_one_spelling(given: str, url: str) -> None:
    assert store_url(given, allow_private=False) == url


@pytest.mark.parametrize("given", ["", None, "ftp://shop.example.com", "https://u:p@shop.example.com", "https://"])
def test_what_is_no_address_is_refused(given: str | None) -> None:
    with pytest.raises(ValueError, match=r"address"):
        store_url(given, allow_private=True)
