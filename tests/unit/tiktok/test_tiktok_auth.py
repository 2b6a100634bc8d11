from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bridge.connectors.tiktok.auth import Authorizer, Tokens, authorize_url, expiry, new_state, read_state
from bridge.connectors.tiktok.credentials import check, tokens_of, with_tokens
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECRET = "vErYsEcReT"
REFRESH = "ROW_refresh_me"
CODE = "one-time-code"


class Fixed:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def _refresh(session: aiohttp.ClientSession, answer: web.Response | None) -> tuple[Tokens, dict[str, str]]:
    """Refresh against a server that gives one answer; None cuts the connection."""
    seen: dict[str, str] = {}

    async def handle(request: web.Request) -> web.Response:
        seen.update(request.query, path=request.path)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    app = web.Application()
    app.router.add_get("/api/v2/token/{what}", handle)
    async with TestServer(app) as server:
        base = str(server.make_url("/"))
        return await Authorizer(session, Fixed(), "app1", SECRET, base).refresh(REFRESH), seen


def good(**more: object) -> web.Response:
    data = {
        "access_token": "ROW_a",
        "access_token_expire_in": 1795000000,
        "refresh_token": "ROW_b",
        "refresh_token_expire_in": 1895000000,
        "open_id": "70",
        "seller_name": "S",
        **more,
    }
    return web.json_response({"code": 0, "message": "success", "data": data})


async def test_refresh_gives_a_new_pair_with_absolute_expiries(session: aiohttp.ClientSession) -> None:
    tokens, seen = await _refresh(session, good())
    assert (tokens.access_token, tokens.refresh_token) == ("ROW_a", "ROW_b")
    assert tokens.access_expires_at == datetime.fromtimestamp(1795000000, UTC)
    assert seen == {
        "path": "/api/v2/token/refresh",
        "app_key": "app1",
        "app_secret": SECRET,
        "refresh_token": REFRESH,
        "grant_type": "refresh_token",
    }
    assert "ROW_" not in repr(tokens)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: web.json_response({"code": 36004005, "message": "can not find related auth record"}), Reauth),
        (lambda: web.json_response({"code": 36004001, "message": "rt has expired"}), Reauth),
        (lambda: web.json_response({"code": 36009003, "message": "internal"}), Retry),
        (lambda: web.json_response({"code": 36009002, "message": "slow"}, status=429), Retry),
        (lambda: web.Response(status=502, text="<html>"), Retry),
        (lambda: good(refresh_token=""), Rejected),
        (lambda: None, Retry),
    ],
)
async def test_refusals_tell_no_secret(
    session: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    answer: type[web.Response],
    kind: type,
) -> None:
    caplog.set_level(logging.DEBUG, logger="bridge")
    with pytest.raises(RemoteProblem) as problem:
        await _refresh(session, answer())
    assert isinstance(problem.value.outcome, kind)
    _assert_clean(problem.value, caplog.text)


async def test_unreachable_tells_no_secret(session: aiohttp.ClientSession) -> None:
    authorizer = Authorizer(session, Fixed(), "app1", SECRET, f"http://127.0.0.1:{unused_port()}")
    with pytest.raises(RemoteProblem) as problem:
        await authorizer.get(CODE)
    assert isinstance(problem.value.outcome, Retry)
    assert "could not be reached" in str(problem.value)
    _assert_clean(problem.value, "")


def _assert_clean(problem: BaseException, logged: str) -> None:
    """Neither the text nor anything that hangs on the exception carries the URL."""
    told = "".join(traceback.format_exception(problem)) + logged
    link: BaseException | None = problem
    while link is not None:
        told += repr(link) + str(vars(link))
        link = link.__cause__ or link.__context__
    for secret in (SECRET, REFRESH, CODE):
        assert secret not in told


def test_expiry_of_either_kind() -> None:
    assert expiry(1795000000, NOW) == datetime.fromtimestamp(1795000000, UTC)
    assert expiry(604800, NOW) == NOW + timedelta(days=7)
    assert expiry(None, NOW) is None
    assert expiry(True, NOW) is None
    assert expiry(10**15, NOW) is None


def test_state_is_ours_fresh_and_whole() -> None:
    state = new_state(b"key", "connection-1", NOW)
    assert read_state(b"key", state, NOW + timedelta(minutes=59)) == "connection-1"
    assert state != new_state(b"key", "connection-1", NOW)
    for key, text, at in [
        (b"other", state, NOW),
        (b"key", state[:-2], NOW),
        (b"key", "", NOW),
        (b"key", "é", NOW),
        (b"key", "!" * 40, NOW),
        (b"key", state, NOW + timedelta(hours=2)),
        (b"key", state, NOW - timedelta(minutes=5)),
    ]:
        with pytest.raises(ValueError, match=r"state|authorization"):
            read_state(key, text, at)


def test_authorize_url_by_market() -> None:
    url = urlsplit(authorize_url("748", "a+b/c="))
    assert url.hostname == "services.tiktokshop.com"
    assert parse_qs(url.query) == {"service_id": ["748"], "state": ["a+b/c="]}
    assert authorize_url("748", "s", us=True).startswith("https://services.us.tiktokshop.com/open/authorize?")
    assert authorize_url("748", "s", us=True, base_url="http://127.0.0.1:9/").startswith("http://127.0.0.1:9/open/")


GIVEN = {"app_key": "app1", "app_secret": SECRET, "access_token": "ROW_a", "refresh_token": "ROW_b"}


def test_credentials_keep_one_shape() -> None:
    kept = check({**GIVEN, "access_token_expire_in": 1795000000, "open_id": ""})
    assert kept == {**GIVEN, "access_expires_at": "2026-11-18T11:06:40+00:00"}
    assert check(kept) == kept
    tokens = tokens_of(kept)
    assert tokens.access_expires_at == datetime.fromtimestamp(1795000000, UTC)
    assert tokens_of(with_tokens(kept, Tokens("ROW_c", "ROW_d"))).refresh_token == "ROW_d"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"app_secret": ""}, "App secret"),
        ({"access_token": None}, "Access token"),
        ({"api_key": "x"}, "unknown credentials: api_key"),
        ({"app_key": "a:b"}, "letters and digits"),
        ({"refresh_token": "a\nb"}, "refresh_token must be text"),
        ({"refresh_token": 7}, "refresh_token must be text"),
        ({"access_expires_at": "soon"}, "access_expires_at must be"),
        ({"access_expires_at": "2026-01-01T00:00:00"}, "zone"),
    ],
)
def test_credentials_say_what_is_wrong_without_showing_it(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told) as problem:
        check({**GIVEN, **change})
    assert SECRET not in str(problem.value)
