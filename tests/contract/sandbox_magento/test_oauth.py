"""The handshake and signed calls: the recordings replayed with their own secrets, and the rules beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from oauthlib.oauth1 import Client

from bridge.sandbox.magento import oauth
from bridge.sandbox.magento.integrations import Integration, Token
from tests.contract.sandbox_magento.compare import compare
from tests.contract.sandbox_magento.lab import RECORDINGS, Lab, Reply, recording

CALLBACK = {
    key: value[0] for key, value in parse_qs(recording("oauth/oauth_1_callback_post")["request"]["body"]).items()
}


def answered(name: str) -> Token:
    fields = {key: value[0] for key, value in parse_qs(recording(f"oauth/{name}")["response"]["body"]).items()}
    return Token(fields["oauth_token"], fields["oauth_token_secret"], "")


REQUEST, ACCESS = answered("oauth_2_request_token"), answered("oauth_3_access_token")
SECRETS = {
    "oauth_2_request_token": "",
    "oauth_2_request_token_again": "",
    "oauth_3_access_token": REQUEST.secret,
    "oauth_3_access_token_no_verifier": REQUEST.secret,
    "oauth_3_access_token_bad_verifier": REQUEST.secret,
    "oauth_3_access_token_reused": REQUEST.secret,
    "oauth_4_first_call": ACCESS.secret,
    "oauth_5_nonce_replayed": ACCESS.secret,
}


def header(name: str) -> dict[str, str]:
    given = oauth.read_header(recording(f"oauth/{name}")["request"]["headers"]["Authorization"])
    assert given is not None
    return given


@pytest.mark.parametrize("name", SECRETS)
def test_recorded_signature(name: str) -> None:
    request = recording(f"oauth/{name}")["request"]
    base = oauth.base_string(request["method"], f"http://magento.test{request['path']}", "", header(name))
    assert oauth.signature(base, CALLBACK["oauth_consumer_secret"], SECRETS[name]) == header(name)["oauth_signature"]


def test_known_vector() -> None:
    given = {
        "oauth_consumer_key": "ck",
        "oauth_token": "tk",
        "oauth_timestamp": "1700000000",
        "oauth_nonce": "abc",
        "oauth_version": "1.0",
        "oauth_signature_method": "HMAC-SHA256",
    }
    base = oauth.base_string("GET", "https://m.example/rest/V1/orders", "searchCriteria%5BpageSize%5D=1", given)
    assert oauth.signature(base, "cs", "ts") == "e5lm6BagMoONCF8jwdsk9TmdLBpU1yI2du7WwpC25yw="


def recorded_integration(lab: Lab) -> Integration:
    """The integration of the recordings: its keys, verifier and number, inactive."""
    lab.box.integrations._last = 4
    permissions = json.loads(recording("oauth/oauth_4_first_call")["response"]["body"])[0]["extension_attributes"]
    keys = {"consumer_key": CALLBACK["oauth_consumer_key"], "consumer_secret": CALLBACK["oauth_consumer_secret"]}
    made = lab.box.integrations.create(
        "recorded", permissions["permissions"].split(","), callback_url=lab.hook_url, credentials=keys
    )
    made.verifier = CALLBACK["oauth_verifier"]
    made.activated_at = lab.box.now()
    return made


def verifier(made: Integration) -> None:
    made.token = Token("v" * 32, "s" * 32, "verifier")


def requested(made: Integration) -> None:
    made.token = Token(REQUEST.token, REQUEST.secret, "request")


def accessed(made: Integration) -> None:
    made.token = Token(ACCESS.token, ACCESS.secret, "access")
    made.active = True


ARRANGED: dict[str, Callable[[Integration], None]] = {
    "oauth_2_request_token": verifier,
    "oauth_2_request_token_bad_signature": verifier,
    "oauth_2_request_token_unknown_consumer": verifier,
    "oauth_2_request_token_again": requested,
    "oauth_2_request_token_expired": verifier,
    "oauth_3_access_token": requested,
    "oauth_3_access_token_bad_verifier": requested,
    "oauth_3_access_token_no_verifier": requested,
    "oauth_3_access_token_reused": accessed,
    "oauth_4_first_call": accessed,
    "oauth_5_nonce_replayed": accessed,
    "oauth_5_bad_signature": accessed,
    "oauth_5_hmac_sha1": accessed,
    "oauth_6_old_token_after_reauthorize": verifier,
}


def test_every_recording_is_replayed() -> None:
    assert {path.stem for path in (RECORDINGS / "oauth").glob("*.json")} == {*ARRANGED, "oauth_1_callback_post"}


@pytest.mark.parametrize("name", ARRANGED)
async def test_recording(name: str, lab: Lab) -> None:
    recorded = recording(f"oauth/{name}")
    request = recorded["request"]
    lab.at("2026-11-22 01:34:28")
    made = recorded_integration(lab)
    ARRANGED[name](made)
    if name.endswith("expired"):
        lab.at("2026-11-22 01:39:40")
    headers = {key: value for key, value in request["headers"].items() if key != "Content-Length"}
    reply = await lab.raw(request["method"], request["path"], request["body"], headers)
    if name == "oauth_5_nonce_replayed":
        assert reply.status == 200
        reply = await lab.raw(request["method"], request["path"], request["body"], headers)
    assert compare(recorded, reply) == []


async def test_callback_post_as_recorded(lab: Lab) -> None:
    wanted = recording("oauth/oauth_1_callback_post")["request"]
    lab.hook_status = 500
    body = {"name": "new", "callback_url": lab.hook_url, "identity_url": "https://bridge.example/identity"}
    answer = await lab.control("POST", "activate", body | {"store_base_url": "http://magento.test/"})
    (got,) = lab.received
    mask = re.compile(r"=[a-z0-9]{32}")
    assert mask.sub("=…", got.body) == mask.sub("=…", wanted["body"])
    assert len(got.body) == len(wanted["body"])
    port = str(lab.hook_url).split(":")[2].split("/")[0]
    assert got.headers.pop("127.0.0.1") == port
    assert got.headers.pop("User-Agent") == "Laminas\\Http\\Client"
    names = set(wanted["headers"]) - {"bridge.localhost", "User-Agent"}
    assert set(got.headers) == names
    assert answer["callback_status"] == 500
    identity, _, query = answer["identity_url"].partition("?")
    assert identity == "https://bridge.example/identity"
    assert set(parse_qs(query)) == {"oauth_consumer_key", "success_call_back"}


async def test_an_unreachable_callback_stops_the_activation(lab: Lab) -> None:
    body = {"callback_url": "http://127.0.0.1:9/callback", "identity_url": "https://x.example/"}
    answer = await lab.control("POST", "activate", body, status=409)
    assert answer["error"].startswith("The attempt to post data to consumer failed")


class Shop:
    """Our side of the handshake, signed by a library."""

    def __init__(self, lab: Lab, form: str) -> None:
        self.lab = lab
        self.form = {key: value[0] for key, value in parse_qs(form).items()}
        self.tokens: list[tuple[str, str]] = []

    async def post(self, step: str, **given: Any) -> Reply:
        url = f"{self.form['store_base_url']}oauth/token/{step}"
        client = Client(
            self.form["oauth_consumer_key"],
            self.form["oauth_consumer_secret"],
            signature_method="HMAC-SHA256",
            **given,
        )
        return await self.lab.raw("POST", f"/oauth/token/{step}", None, client.sign(url, http_method="POST")[1])

    async def exchange(self) -> tuple[str, str]:
        first = {key: value[0] for key, value in parse_qs((await self.post("request")).text).items()}
        given = {"resource_owner_key": first["oauth_token"], "resource_owner_secret": first["oauth_token_secret"]}
        last = parse_qs((await self.post("access", verifier=self.form["oauth_verifier"], **given)).text)
        return last["oauth_token"][0], last["oauth_token_secret"][0]


def signed(lab: Lab, keys: dict[str, Any], path: str, **given: Any) -> dict[str, str]:
    values = (keys["consumer_key"], keys["consumer_secret"], keys["access_token"], keys["access_token_secret"])
    client = Client(*values, **({"signature_method": "HMAC-SHA256"} | given))
    headers: dict[str, str] = client.sign(f"{lab.url.origin()}{path}", http_method="GET")[1]
    return headers


async def test_the_whole_handshake_and_a_reauthorize(lab: Lab) -> None:
    lab.box.bearer_allowed = False
    made = await lab.control("POST", "activate", {"name": "new", "callback_url": lab.hook_url})
    shop = Shop(lab, lab.received.pop().body)
    token, secret = await shop.exchange()
    path = "/rest/V1/store/storeConfigs"

    async def call(token: str, secret: str) -> Reply:
        keys = {"consumer_key": shop.form["oauth_consumer_key"], "consumer_secret": shop.form["oauth_consumer_secret"]}
        keys |= {"access_token": token, "access_token_secret": secret}
        return await lab.raw("GET", path, None, signed(lab, keys, path))

    assert (await call(token, secret)).status == 200
    await lab.control("POST", "activate", {"integration": made["integration"]})
    again = Shop(lab, lab.received.pop().body)
    assert again.form["oauth_consumer_key"] == shop.form["oauth_consumer_key"]
    assert again.form["oauth_verifier"] != shop.form["oauth_verifier"]
    old = await call(token, secret)
    assert (old.status, old.json["message"]) == (401, "Specified token does not exist")
    new = await again.exchange()
    assert (await call(*new)).status == 200


async def test_a_failed_access_try_leaves_the_request_token_usable(lab: Lab) -> None:
    await lab.control("POST", "activate", {"callback_url": lab.hook_url})
    shop = Shop(lab, lab.received.pop().body)
    first = {key: value[0] for key, value in parse_qs((await shop.post("request")).text).items()}
    given = {"resource_owner_key": first["oauth_token"], "resource_owner_secret": first["oauth_token_secret"]}
    assert (await shop.post("access", verifier="w" * 32, **given)).status == 401
    assert (await shop.post("access", verifier=shop.form["oauth_verifier"], **given)).status == 200


async def test_the_exchange_ends_after_300_seconds(lab: Lab) -> None:
    await lab.control("POST", "activate", {"callback_url": lab.hook_url})
    shop = Shop(lab, lab.received.pop().body)
    await lab.control("POST", "settings", {"clock_offset": 301})
    reply = await shop.post("request")
    assert (reply.status, reply.text) == (401, "oauth_problem=Consumer+key+has+expired")


PATH = "/rest/V1/store/storeConfigs"


async def test_the_nonce_is_used_up_before_the_signature_is_checked(lab: Lab) -> None:
    keys = lab.integration
    wrong = signed(lab, {**keys, "access_token_secret": "x" * 32}, PATH, nonce="n1", timestamp="1700000000")
    assert (await lab.raw("GET", PATH, None, wrong)).json["message"].startswith("The signature is invalid")
    right = signed(lab, keys, PATH, nonce="n1", timestamp="1700000000")
    reply = await lab.raw("GET", PATH, None, right)
    assert (reply.status, reply.json["parameters"]) == (401, ["1"])


@pytest.mark.parametrize(("ahead", "status"), [(590, 200), (620, 400), (-3600, 200)])
async def test_a_timestamp_may_be_old_but_not_far_ahead(lab: Lab, ahead: int, status: int) -> None:
    stamp = str(int(lab.box.now().timestamp()) + ahead)
    reply = await lab.raw("GET", PATH, None, signed(lab, lab.integration, PATH, timestamp=stamp))
    assert reply.status == status


async def test_the_clock_shows_in_the_date_header(lab: Lab) -> None:
    lab.at("2030-01-01 00:00:00")
    assert "2030" in (await lab.done("GET", "store/storeConfigs")).headers["Date"]


def group(number: int) -> str:
    names = {"field": "state", "value": "new", "condition_type": "neq"}
    stem = f"searchCriteria%5Bfilter_groups%5D%5B{number}%5D%5Bfilters%5D%5B0%5D"
    return "&".join(f"{stem}%5B{key}%5D={value}" for key, value in names.items())


@pytest.mark.parametrize(("groups", "status"), [(10, 200), (11, 401)])
async def test_eleven_filter_groups_break_the_signature(lab: Lab, groups: int, status: int) -> None:
    path = "/rest/V1/orders?" + "&".join(group(number) for number in range(groups))
    assert (await lab.raw("GET", path, None, signed(lab, lab.integration, path))).status == status


async def test_an_encoded_slash_in_the_path_breaks_the_signature(lab: Lab) -> None:
    path = "/rest/V1/products/A%2FB"
    assert (await lab.raw("GET", path, None, signed(lab, lab.integration, path))).status == 401
    path = "/rest/V1/products/SKU-A"
    assert (await lab.raw("GET", path, None, signed(lab, lab.integration, path))).status == 200


@pytest.mark.parametrize("query", ["a=b%20c", "a=b+c", "x%5B0%5D=%C3%A9", "fields=items[a,b]", "q=%2F%25"])
async def test_queries_that_a_library_signs_are_accepted(lab: Lab, query: str) -> None:
    path = f"{PATH}?{query}"
    encoded = path.replace("[", "%5B").replace("]", "%5D").replace(",", "%2C").replace("+", "%20")
    assert (await lab.raw("GET", path, None, signed(lab, lab.integration, encoded))).status == 200


async def test_inactive_deleted_and_revoked_integrations(lab: Lab) -> None:
    keys = lab.integration
    await lab.control("PATCH", "integrations", {"integration": keys["id"], "active": False})
    assert (await lab.raw("GET", PATH, None, signed(lab, keys, PATH))).status == 401
    assert (await lab.rest("GET", "store/storeConfigs")).status == 200
    await lab.control("PATCH", "integrations", {"integration": keys["id"], "active": True, "revoke": True})
    assert (await lab.raw("GET", PATH, None, signed(lab, keys, PATH))).status == 401
    await lab.control("PATCH", "integrations", {"integration": keys["id"], "delete": True})
    gone = await lab.raw("GET", PATH, None, signed(lab, keys, PATH))
    assert gone.json == {"message": "A consumer having the specified key does not exist"}


async def test_an_admin_token_is_let_in_where_bearer_is_off(lab: Lab) -> None:
    lab.box.bearer_allowed = False
    lab.token = (await lab.control("POST", "admin-token", {"user_id": 1}))["token"]
    config = (await lab.done("GET", "store/storeConfigs")).json[0]
    assert config["extension_attributes"]["permissions"] == "Magento_Backend::all"
