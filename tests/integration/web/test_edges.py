"""What holds for every route: tokens, headers, problems, logs, the document."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.web.pages.rendering import SCRIPT_PATH
from bridge.web.pages.table import ROUTES as PAGES
from bridge.web.routes import ROUTES
from tests.integration.web.house import House

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "routes.md"


def registered(house: House) -> set[tuple[str, str]]:
    """What the router itself has but for the pages, which have a reference of their own; HEAD comes with GET, and
    `*` refuses."""
    assert house.app is not None
    everything = {
        (route.method, route.resource.canonical)
        for route in house.app.router.routes()
        if route.resource is not None and route.method not in {"HEAD", "*"}
    }
    pages = {(route.method, route.path) for route in PAGES} | {("GET", SCRIPT_PATH)}
    assert pages <= everything
    return everything - pages


async def test_the_document_and_the_router_name_the_same_routes(house: House) -> None:
    answer = await house.ask("GET", "/api/v1/openapi.json", token=False)
    assert answer.json["openapi"] == "3.1.0"
    documented = {(method.upper(), path) for path, operations in answer.json["paths"].items() for method in operations}
    assert documented == registered(house)


async def test_the_document_refers_to_nothing_that_is_not_there(house: House) -> None:
    document = (await house.ask("GET", "/api/v1/openapi.json", token=False)).json
    names = set(re.findall(r"#/components/schemas/([\w-]+)", str(document)))
    assert names <= set(document["components"]["schemas"])
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids))


async def test_every_route_stands_on_the_page(house: House) -> None:
    text = PAGE.read_text("utf-8")
    rows = {
        (match[1], match[2])
        for match in re.finditer(r"^\| `(GET|POST|PUT|PATCH|DELETE) ([^`]+)` \|", text, re.MULTILINE)
    }
    assert rows == registered(house)


async def test_every_problem_stands_on_the_page() -> None:
    from bridge.web.problems import CATALOGUE

    text = PAGE.read_text("utf-8")
    rows = {
        (match[1], int(match[2])) for match in re.finditer(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", text, re.MULTILINE)
    }
    assert rows == {(slug, status) for slug, (status, _) in CATALOGUE.items()}


async def test_every_api_route_but_the_document_needs_a_token(house: House) -> None:
    assert house.app is not None
    for route in house.app[ROUTES].routes:
        path = re.sub(r"{\w+}", "x", route.path)
        if not route.path.startswith("/api/v1/") or route.path.endswith("openapi.json"):
            assert not route.token
            continue
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic eDp5"},
            {"Authorization": "Bearer "},
        ):
            answer = await house.ask(route.method, path, token=False, headers=headers)
            assert (answer.status, answer.json["type"]) == (401, "/problems/token-required"), route.path
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_every_answer_has_its_headers_and_no_banner(house: House) -> None:
    for method, path in (
        ("GET", "/healthz"),
        ("GET", "/api/v1/shops"),
        ("GET", "/nowhere"),
        ("POST", "/hooks/magento/con_x"),
        ("GET", "/oauth/tiktok/callback"),
    ):
        headers = (await house.ask(method, path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


@pytest.mark.parametrize(
    ("raw", "status"), [(b"{", 400), (b"\xff", 400), (b"[1]", 422), (b'"x"', 422), (b"null", 422), (b"[" * 5000, 400)]
)
async def test_a_body_that_is_no_object_is_said_to_be_none(house: House, raw: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await house.ask("POST", "/api/v1/sweeps", data=raw, headers=headers)
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_a_form_is_415(house: House) -> None:
    assert (await house.ask("POST", "/api/v1/sweeps", data={"a": "b"})).status == 415


async def test_a_slow_body_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.web import bodies

    monkeypatch.setattr(bodies.read_raw, "__defaults__", (bodies.MAX_BODY, 0.1))
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/v1/sweeps HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer token-of-the-test\r\n\r\n{"
    )
    await writer.drain()
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()


async def test_a_mistake_of_ours_is_a_500_without_values(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def breaks(*_: Any) -> None:
        raise RuntimeError("hunter2 is the password")

    monkeypatch.setattr(house.actions, "sweep", breaks)
    answer = await house.ask("POST", "/api/v1/sweeps")
    assert (answer.status, answer.json["type"]) == (500, "/problems/internal")
    logged = capsys.readouterr().out
    assert "request_failed" in logged
    assert "start_sweep" in logged
    assert "hunter2" not in answer.text + logged


async def test_the_access_log_has_no_query_and_no_deliveries(
    house: House, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await house.ask("GET", "/oauth/tiktok/callback?code=very-secret-code&state=s", token=False)
    await house.ask("GET", "/healthz")
    await house.magento_says("con_x", {"id": "7"})
    logged = capsys.readouterr().out + caplog.text
    assert "/oauth/tiktok/callback" in logged
    assert "very-secret-code" not in logged
    assert "/healthz" not in logged
    assert "/hooks/" not in logged


async def test_ready_names_every_problem(house: House) -> None:
    assert (await house.ask("GET", "/readyz", token=False)).json == {"status": "ok", "version": "0.0.1"}
    house.problems += ["The disk is nearly full.", "No worker runs."]
    answer = await house.ask("GET", "/readyz", token=False)
    assert (answer.status, answer.json["problems"]) == (503, ["The disk is nearly full.", "No worker runs."])


async def test_stopping_waits_for_a_request_under_way(house: House) -> None:
    """Deliveries that were accepted are answered before the process ends."""
    from bridge.web.server import SHUTDOWN_SECONDS, make_runner

    began, gate = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        began.set()
        await gate.wait()
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/", slow)
    runner = make_runner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    asked = asyncio.create_task(house.ask("GET", f"http://127.0.0.1:{runner.addresses[0][1]}/"))
    await began.wait()
    stopping = asyncio.create_task(runner.cleanup())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    gate.set()
    assert (await asked).text == "done"
    await stopping
    # Longer than TikTok waits for an answer to a message (3 s), and a whole stop is over within 10 s.
    assert 3 <= SHUTDOWN_SECONDS <= 4


async def test_an_address_that_is_written_out_is_nobodys_id(house: House) -> None:
    """`GET /attention/{item}` is not offered where `settle` is meant."""
    for path in ("/api/v1/attention/settle", "/api/v1/attention/dismiss"):
        for method in ("GET", "OPTIONS", "PUT"):
            answer = await house.ask(method, path)
            assert (answer.status, answer.json["type"]) == (405, "/problems/method-not-allowed")
            assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("line", [b"GET /oauth/tiktok/callback?code=hunter2" + b"x" * 9000, b"hunter2 is no request"])
async def test_what_is_not_http_is_a_problem_and_is_not_repeated(
    house: House, line: bytes, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """aiohttp would say the line's beginning to the sender and, with a traceback, to the log."""
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(line + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()
    said = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    assert " 400 " in said.splitlines()[0]
    assert "Content-Type: application/problem+json" in said
    assert "nosniff" in said
    assert "/problems/bad-request" in said
    assert "hunter2" not in said + caplog.text + capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/sweeps", {"since": 0}),
        ("/api/v1/sweeps", {"since": "1700000000"}),
        ("/api/v1/sweeps", {"since": "0001-01-01T00:00:00+14:00"}),
        ("/api/v1/sweeps", {"since": "2026-03-01T12:00:00"}),
        ("/api/v1/restore-check/resume", {"force": 1}),
        ("/api/v1/restore-check/resume", {"force": "true"}),
    ],
)
async def test_a_value_of_another_type_is_refused_not_understood(house: House, path: str, body: object) -> None:
    answer = await house.ask("POST", path, json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/invalid"), answer.text


@pytest.mark.parametrize("since", ["0.5", "1700000000", "2026-03-01", "0001-01-01T00:00:00%2B14:00"])
async def test_a_time_in_a_query_is_written_out(house: House, since: str) -> None:
    assert (await house.ask("GET", f"/api/v1/drifts?since={since}")).status == 422
    assert (await house.ask("GET", "/api/v1/drifts?since=2026-03-01t12:00:00.5z")).status == 200
