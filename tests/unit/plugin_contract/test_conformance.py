from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import oauthlib.oauth1
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from plugin_contract.caller import Bearer, NoCredentials, OAuth1, credentials, encode
from plugin_contract.conformance import Verdict, main, run

ROOT = Path(__file__).parents[3]
RECORDINGS = ROOT / "tests" / "recordings" / "magento"
HOOKS = "/rest/V1/aftership/webhooks"
OAUTH = {
    "MAGENTO_CONSUMER_KEY": "consumer-key",
    "MAGENTO_CONSUMER_SECRET": "consumer&secret",
    "MAGENTO_ACCESS_TOKEN": "access-token",
    "MAGENTO_ACCESS_TOKEN_SECRET": "token/secret",
}
REFUSED = '{"message":"The consumer isn\'t authorized to access %resources."}'


def recorded(path: str) -> tuple[int, str]:
    response = json.loads((RECORDINGS / f"{path}.json").read_text())["response"]
    return response["status"], response["body"]


def signed_well(request: web.Request) -> bool:
    """RFC 5849 by hand, so that the client's library is not asked about itself."""
    given = request.headers.get("Authorization", "")
    if given == "Bearer admin-token":
        return True
    fields = {key: unquote(value) for key, value in re.findall(r'(\w+)="([^"]*)"', given)}
    signature = fields.pop("oauth_signature", "")
    if "oauth_body_hash" in fields or fields.get("oauth_signature_method") != "HMAC-SHA256":
        return False
    url = f"http://{request.host}{request.raw_path}"
    pairs = [*fields.items(), *parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    encoded = sorted((quote(key, safe="~"), quote(value, safe="~")) for key, value in pairs)
    parameters = "&".join(f"{key}={value}" for key, value in encoded)
    base = "&".join(quote(part, safe="~") for part in (request.method, url.split("?", maxsplit=1)[0], parameters))
    key = f"{quote('consumer&secret', safe='~')}&{quote('token/secret', safe='~')}".encode()
    digest = base64.b64encode(hmac.new(key, base.encode(), hashlib.sha256).digest()).decode()
    return hmac.compare_digest(digest, signature) and fields.get("oauth_token") == "access-token"


class Store:
    """Answers as recorded; registrations beyond the recorded ones are kept as the plugin keeps them."""

    def __init__(self) -> None:
        self.report = "version/version_report"
        self.held: list[dict[str, Any]] = json.loads(recorded("webhooks/webhook_list")[1])
        self.fault = ""
        self.writes = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.fault == "maintenance":
            return web.Response(status=503, text="<h1>Service Temporarily Unavailable</h1>", content_type="text/html")
        if self.fault == "redirect":
            raise web.HTTPFound("/elsewhere")
        if not signed_well(request):
            return web.Response(status=401, text=REFUSED, content_type="application/json")
        if request.path == "/rest/V1/store/storeConfigs":
            status, text = recorded(self.report)
        elif self.fault == "no plugin":
            status, text = recorded("versions/no_plugin/webhook_register_creditmemos")
        else:
            status, text = await self.hooks(request)
        return web.Response(status=status, text=text, content_type="application/json")

    async def hooks(self, request: web.Request) -> tuple[int, str]:
        wanted = request.path.removeprefix(HOOKS).strip("/")
        if request.method == "POST":
            return self.register(json.loads(await request.read()))
        if not wanted:
            return 200, "null" if self.fault == "null list" else json.dumps(self.held)
        found = [one for one in self.held if one["id"] == wanted]
        if not found:
            unknown = {"null for unknown": (200, "null"), "404 for unknown": (404, "{}")}
            return unknown.get(self.fault, recorded(f"webhooks/webhook_{request.method.lower()}_unknown"))
        if request.method == "DELETE":
            self.writes += 1
            if self.fault != "delete keeps":
                self.held = [one for one in self.held if one["id"] != wanted]
        return 200, json.dumps(found[0])

    def register(self, body: dict[str, Any]) -> tuple[int, str]:
        sent = body["webhook"]
        if not {"topic", "address", "app_key"} <= set(sent):
            return recorded("webhooks/webhook_register_bad_missing_topic")
        self.writes += 1
        text = f"{sent['app_key']}-{sent['topic']}-{sent['address']}"
        name = hmac.new(b"id", text.encode(), hashlib.sha256).hexdigest()
        if self.fault == "other id":
            name = name[::-1]
        one = {"id": name, **sent, "integration_id": "4"}
        if self.fault == "stores twice" or all(held["id"] != name for held in self.held):
            self.held.append(one)
        return 200, json.dumps(one | ({"topic": "orders/update"} if self.fault == "other topic" else {}))


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def url(store: Store) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", store.answer)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url("")).rstrip("/")
    await server.close()


Command = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def command() -> Command:
    async def start(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MAGENTO_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-m", "plugin_contract.conformance", *arguments,
            cwd=ROOT, env=clean | (OAUTH if environment is None else environment),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    return start


async def test_a_store_that_answers_as_recorded_keeps_the_contract(url: str, store: Store, command: Command) -> None:
    before = list(store.held)
    code, out, err = await command(url + "/")
    assert (code, err) == (0, "")
    assert "reports 1.0.26; creditmemo_events: yes" in out
    assert "2 stored by 1 integrations" in out
    assert "--write" in out
    assert out.endswith("The store keeps the contract.\n")
    assert (store.held, store.writes) == (before, 0)


async def test_write_registers_reads_and_deletes_a_throw_away(url: str, store: Store, command: Command) -> None:
    before = list(store.held)
    code, out, err = await command(url, "--write", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["kept"] is True
    assert {one["check"] for one in report["findings"]} >= {"register", "delete", "unknown id, DELETE"}
    assert store.writes == 3
    assert store.held == before


async def test_a_bearer_token_does(url: str) -> None:
    findings = await run(url, {"MAGENTO_BEARER_TOKEN": "admin-token"}, write=True)
    assert Verdict.BROKEN not in {one.verdict for one in findings}


@pytest.mark.parametrize(
    "fault", ["maintenance", "redirect", "no plugin", "null list", "null for unknown", "404 for unknown"]
)
async def test_a_breach_is_found_without_writing(url: str, store: Store, fault: str) -> None:
    store.fault = fault
    findings = await run(url, OAUTH, write=False)
    assert Verdict.BROKEN in {one.verdict for one in findings}


@pytest.mark.parametrize("fault", ["other id", "other topic", "stores twice", "delete keeps"])
async def test_a_breach_is_found_by_writing(url: str, store: Store, fault: str) -> None:
    assert Verdict.BROKEN not in {one.verdict for one in await run(url, OAUTH, write=False)}
    store.fault = fault
    findings = await run(url, OAUTH, write=True)
    assert [one.check for one in findings if one.verdict is Verdict.BROKEN] == ["throw-away webhook"]


@pytest.mark.parametrize("fault", ["other id", "other topic", "stores twice"])
async def test_a_failed_throw_away_is_still_deleted(url: str, store: Store, fault: str) -> None:
    store.fault = fault
    before = list(store.held)
    await run(url, OAUTH, write=True)
    assert store.held == before


async def test_credentials_do_not_follow_a_redirect(url: str, store: Store) -> None:
    store.fault = "redirect"
    details = [one.detail for one in await run(url, OAUTH, write=False) if one.verdict is Verdict.BROKEN]
    assert details
    assert all("answered 302" in detail for detail in details)


async def test_a_breach_exits_1_and_says_what(url: str, store: Store, command: Command) -> None:
    store.fault = "404 for unknown"
    code, out, err = await command(url)
    assert (code, err) == (1, "")
    assert "broken  unknown id, GET: answered 404 where 200 is due" in out
    assert out.endswith("The store does not keep the contract.\n")


async def test_no_plugin_exits_1_and_says_install(url: str, store: Store, command: Command) -> None:
    store.report, store.fault = "versions/no_plugin/version_report", "no plugin"
    code, out, _ = await command(url)
    assert code == 1
    assert "reports no version" in out
    assert "Install version 1.0.26" in out


async def test_wrong_secrets_exit_1_and_are_not_printed(url: str, command: Command) -> None:
    code, out, err = await command(url, environment=OAUTH | {"MAGENTO_ACCESS_TOKEN_SECRET": "not-the-secret"})
    assert code == 1
    assert "answered 401" in out
    assert not any(secret in out + err for secret in (*OAUTH.values(), "not-the-secret"))


async def test_a_store_that_does_not_answer_exits_1(unused_tcp_port: int, command: Command) -> None:
    code, out, err = await command(f"http://127.0.0.1:{unused_tcp_port}")
    assert (code, err) == (1, "")
    assert "broken" in out


async def test_no_credentials_exit_2_and_name_what_to_set(command: Command) -> None:
    code, out, err = await command("http://127.0.0.1:1", environment={"MAGENTO_CONSUMER_KEY": "x"})
    assert (code, out) == (2, "")
    assert "MAGENTO_CONSUMER_SECRET" in err
    assert "MAGENTO_CONSUMER_KEY," not in err


@pytest.mark.parametrize(
    "arguments", [[], ["shop.example.com"], ["ftp://shop.example.com"], ["https://u@shop.example.com"], ["--wrong"]]
)
def test_wrong_use_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_signature_a_live_store_accepted_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first signed call of a throw-away integration, recorded; the store answered 200.
    real = oauthlib.oauth1.Client

    fixed = functools.partial(real, nonce="6b961f88040872146a31a8e238d97006", timestamp="1795311268")
    monkeypatch.setattr("plugin_contract.caller.Client", fixed)
    access = OAuth1(
        "nfj8697r1yldpvgclskpz9a2r7qqfu76",
        "cjyzxgbdrch90vdidpb0778hspikqj5t",
        "iptq909q1lvme62ig6pp86fzr43jbhrn",
        "6cx7jj6p9fnvhqchrk9l7prqtbsfyfmo",
    )
    header = access.authorization("GET", "http://magento.test/rest/V1/store/storeConfigs")
    assert 'oauth_signature="37thtG%2BQ9BVI9kpHuVOqTkiIom49O8FYPTAcz%2FiP3%2BM%3D"' in header


def test_brackets_are_encoded_once() -> None:
    assert encode("/rest/V1/orders?a[b]=c d%20e") == "/rest/V1/orders?a%5Bb%5D=c%20d%20e"


def test_the_oauth_values_come_first() -> None:
    assert credentials(OAUTH | {"MAGENTO_BEARER_TOKEN": "t"}) == OAuth1(*OAUTH.values())
    assert credentials({"MAGENTO_BEARER_TOKEN": " t "}) == Bearer("t")
    with pytest.raises(NoCredentials):
        credentials({})
