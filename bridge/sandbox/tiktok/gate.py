"""Every API call passes here: path, method, content type, app, time, signature, token, shop, scope, rate, parameters.

Sources: Partner Center "Common API parameters", "Sign your API request", "Common errors".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from urllib.parse import parse_qsl

from aiohttp import web

from bridge.sandbox.tiktok import signing
from bridge.sandbox.tiktok.calls import Call, Endpoint, check_body, shop_refusal
from bridge.sandbox.tiktok.cancelling import settle_time
from bridge.sandbox.tiktok.endpoints import ENDPOINTS
from bridge.sandbox.tiktok.errors import Json, Refusal, bad_parameter, envelope, missing_parameter
from bridge.sandbox.tiktok.model import Grant, Shop
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

COMMON_QUERY = frozenset({"app_key", "timestamp", "sign", "access_token"})
PAST, FUTURE = 300, 30
_PATH = re.compile(r"/(?P<category>[a-z_]+)/(?P<version>\d{6})/(?P<resource>.+)")


async def serve(box: TikTokSandbox, request: web.Request) -> web.Response:
    """Answer one API call in the usual envelope."""
    request_id = box.request_id()
    try:
        data = await _answer(box, request)
    except Refusal as refusal:
        always_200 = box.settings.errors_with_http_200 and refusal.status != 429
        return web.json_response(
            envelope(None, request_id, refusal.code, refusal.message),
            status=200 if always_200 else refusal.status,
            headers=refusal.headers,
        )
    return web.json_response(envelope(data, request_id))


async def _answer(box: TikTokSandbox, request: web.Request) -> Json:
    settle_time(box)
    endpoint, path = _find(box, request)
    body = await request.read()
    multipart = request.content_type.startswith("multipart/")
    if request.method != "GET" and request.content_type != "application/json":
        raise Refusal(36009022, "Content-Type must be application/json", 400)
    pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
    query = dict(pairs)
    if twice := [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]:
        raise bad_parameter(f"query.{twice[0]} is given twice")
    _check_app(box, query)
    _check_time(box, query)
    _check_sign(box, request.path, pairs, body, multipart=multipart)
    grant = _check_token(box, request, query)
    shop = _check_shop(box, endpoint, grant, query)
    if endpoint.scope not in grant.scopes:
        raise Refusal(105005, f"Access denied, the app needs the scope {endpoint.scope}", 403)
    box.limits.check(endpoint.name, shop.id if shop else "")
    allowed = COMMON_QUERY | endpoint.query | ({"shop_cipher"} if endpoint.shop_level else set())
    for key in query:
        if key not in allowed:
            raise bad_parameter(f"query.{key} is not a parameter of this API")
    fields = _read_body(body)
    check_body(fields, endpoint.body)
    call = Call(
        endpoint=endpoint,
        grant=grant,
        query=query,
        body=fields,
        path=path,
        raw_path=request.path,
        shop_or_none=shop,
    )
    return await endpoint.handler(box, call)


def _find(box: TikTokSandbox, request: web.Request) -> tuple[Endpoint, dict[str, str]]:
    match = _PATH.fullmatch(request.path)
    methods: list[Endpoint] = []
    found: dict[str, str] = {}
    versions: set[str] = set()
    if match:
        for endpoint in ENDPOINTS:
            if endpoint.category != match["category"]:
                continue
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.resource)
            if inner := re.fullmatch(pattern, match["resource"]):
                found = inner.groupdict()
                methods.append(endpoint)
                versions |= set(endpoint.versions)
    if match is None or not methods:
        raise Refusal(36009009, "Invalid path", 404)
    if not box.settings.eligibility_202602 and methods[0].resource.endswith("aftersale_eligibility"):
        versions.discard("202602")
    if match["version"] not in versions:
        raise Refusal(36009004, "Invalid API version", 400)
    for endpoint in methods:
        if endpoint.method == request.method and match["version"] in endpoint.versions:
            return endpoint, {**found, "version": match["version"]}
    raise Refusal(36009010, "Method not allowed", 405)


def _check_app(box: TikTokSandbox, query: dict[str, str]) -> None:
    if "app_key" not in query:
        raise missing_parameter("query.app_key")
    if query["app_key"] != box.app.key:
        raise Refusal(36009004, "Invalid app_key", 400)


def _check_time(box: TikTokSandbox, query: dict[str, str]) -> None:
    given = query.get("timestamp")
    if given is None:
        raise missing_parameter("query.timestamp")
    if not re.fullmatch(r"[0-9]{10}", given):
        raise Refusal(36009004, "Invalid timestamp", 400)
    now = box.clock.now()
    if not now - PAST <= int(given) <= now + FUTURE:
        raise Refusal(36009004, "Invalid timestamp, it is out of the accepted window", 400)


def _check_sign(box: TikTokSandbox, path: str, pairs: list[tuple[str, str]], body: bytes, *, multipart: bool) -> None:
    given = dict(pairs).get("sign")
    if given is None:
        raise missing_parameter("query.sign")
    expected = signing.request_signature(box.app.secret, path, pairs, body, multipart=multipart)
    if not signing.same(given, expected):
        raise Refusal(box.settings.wrong_sign_code, "Signature is invalid", 401)


def _check_token(box: TikTokSandbox, request: web.Request, query: dict[str, str]) -> Grant:
    token = request.headers.get("x-tts-access-token") or query.get("access_token")
    if not token:
        raise missing_parameter("header.x-tts-access-token")
    return box.tokens.check(token)


def _check_shop(box: TikTokSandbox, endpoint: Endpoint, grant: Grant, query: dict[str, str]) -> Shop | None:
    cipher = query.get("shop_cipher")
    if not endpoint.shop_level:
        if cipher is not None:
            raise Refusal(36009004, "Unexpected identifier: shop_cipher", 400)
        return None
    if not cipher:
        raise Refusal(106013, "shop_cipher is missing", 400)
    shop = box.shop_by_cipher(cipher)
    if shop is None or shop.id not in grant.shop_ids:
        raise shop_refusal()
    return shop


def _read_body(body: bytes) -> Json:
    if not body:
        return {}
    try:
        fields = json.loads(body)
    except ValueError:
        raise bad_parameter("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise bad_parameter("the body is not a JSON object")
    return fields
