"""The consent page and the two token calls. On the real platform these live on hosts of their own.

Sources: Partner Center "Authorization guide", "Generate a test access token". The token calls are not signed; app
secret and tokens travel in the URL.
"""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from bridge.sandbox.tiktok.errors import Refusal, bad_parameter, envelope, missing_parameter
from bridge.sandbox.tiktok.model import Grant
from bridge.sandbox.tiktok.sandbox import TikTokSandbox
from bridge.sandbox.tiktok.tokens import render


async def authorize(box: TikTokSandbox, request: web.Request) -> web.Response:
    """Consent without asking, or refusal where the settings say so; then back to the app's redirect URL."""
    if request.query.get("service_id") != box.app.service_id:
        raise web.HTTPBadRequest(text="unknown service_id")
    target = URL(box.app.redirect_url)
    if box.settings.consent == "deny":
        target = target.update_query({"code": "null", "error": "auth_denied"})
    else:
        wanted = box.settings.consent_shops
        target = target.update_query({"code": box.tokens.new_code(list(box.shops) if wanted is None else wanted)})
    if "state" in request.query:
        target = target.update_query({"state": request.query["state"]})
    raise web.HTTPFound(str(target))


async def get_token(box: TikTokSandbox, request: web.Request) -> web.Response:
    return _answer(box, request, "authorized_code", "auth_code", redeem=True)


async def refresh_token(box: TikTokSandbox, request: web.Request) -> web.Response:
    return _answer(box, request, "refresh_token", "refresh_token", redeem=False)


def _answer(box: TikTokSandbox, request: web.Request, grant_type: str, key: str, *, redeem: bool) -> web.Response:
    request_id = box.request_id()
    try:
        _check(box, request, grant_type, key)
        grant = box.tokens.redeem(request.query[key]) if redeem else box.tokens.refresh(request.query[key])
    except Refusal as refusal:
        status = 200 if box.settings.errors_with_http_200 else refusal.status
        return web.json_response(envelope(None, request_id, refusal.code, refusal.message), status=status)
    return web.json_response(envelope(token_data(box, grant), request_id, message="success"))


def _check(box: TikTokSandbox, request: web.Request, grant_type: str, key: str) -> None:
    query = request.query
    for name in ("app_key", "app_secret", key, "grant_type"):
        if not query.get(name):
            raise missing_parameter(f"query.{name}")
    if query["grant_type"] != grant_type:
        raise bad_parameter(f"query.grant_type must be {grant_type}")
    if query["app_key"] != box.app.key:
        raise Refusal(36009004, "Invalid app_key", 400)
    if query["app_secret"] != box.app.secret:
        raise Refusal(36009004, "Invalid app_secret", 400)


def token_data(box: TikTokSandbox, grant: Grant) -> dict[str, object]:
    first = next((box.shops[shop_id] for shop_id in grant.shop_ids if shop_id in box.shops), None)
    return render(grant, seller_name=first.name if first else "Sample seller", region=first.region if first else "US")
