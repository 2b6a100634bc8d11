"""The handshake that "Activate" starts: the callback post, the request token, the access token."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
from aiohttp import web

from bridge.sandbox.magento import oauth
from bridge.sandbox.magento.integrations import EXPIRES_AFTER, Integration, Token, new_key
from bridge.sandbox.magento.state import MagentoSandbox
from bridge.sandbox.magento.wire import RestError

CALLBACK_SECONDS = 5.0
FAILED = "The attempt to post data to consumer failed due to an unexpected error. Please try again later."


async def activate(box: MagentoSandbox, integration: Integration, store_base_url: str) -> dict[str, Any]:
    """Post the credentials to the callback and give the address that the merchant's browser opens next.

    Also "Reauthorize": keys stay, the old access token ends at once. The status of the answer does not matter.
    Raises ValueError where the callback cannot be reached within 5 s; the activation stops there.
    """
    if integration.callback_url is None:
        integration.active = True
        return {"integration": integration.id, "identity_url": None, "callback_status": None}
    integration.token = Token(new_key(), new_key(), "verifier")
    integration.verifier = new_key()
    integration.activated_at = box.now()
    form = {
        "oauth_consumer_key": integration.consumer_key,
        "oauth_consumer_secret": integration.consumer_secret,
        "store_base_url": store_base_url,
        "oauth_verifier": integration.verifier,
    }
    status = await _post(integration.callback_url, urlencode(form))
    back = f"{store_base_url}admin/admin/integration/loginSuccessCallback/"
    query = urlencode({"oauth_consumer_key": integration.consumer_key, "success_call_back": back})
    identity = f"{integration.identity_url}?{query}" if integration.identity_url else None
    return {"integration": integration.id, "identity_url": identity, "callback_status": status}


async def _post(address: str, form: str) -> int:
    headers = {
        "User-Agent": "Laminas\\Http\\Client",
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    target = urlsplit(address)
    if target.port is not None and target.hostname:
        # a stray header line that the store really sends when the address has a port
        headers[target.hostname.strip("[]").replace(":", "-")] = str(target.port)
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=CALLBACK_SECONDS), skip_auto_headers=("Accept-Encoding",)
            ) as session,
            session.post(address, data=form, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
        raise ValueError(FAILED) from problem


def _parameters(request: web.Request) -> dict[str, str]:
    return oauth.read_header(request.headers.get("Authorization", "")) or {}


def _verify(given: dict[str, str], request: web.Request, url: str, integration: Integration, secret: str) -> None:
    base = oauth.base_string(request.method, url, request.rel_url.raw_query_string, given)
    if not oauth.verified(given["oauth_signature"], base, integration.consumer_secret, secret):
        raise RestError(401, "The signature is invalid. Verify and try again.")


def _request_token(box: MagentoSandbox, request: web.Request, url: str) -> Token:
    given = _parameters(request)
    integration = box.integrations.check_protocol(given)
    if integration.activated_at is None or box.now() - integration.activated_at > EXPIRES_AFTER:
        raise RestError(401, "Consumer key has expired")
    _verify(given, request, url, integration, "")
    if integration.token is None or integration.token.kind != "verifier":
        raise RestError(401, "Cannot create request token because consumer token is not a verifier token")
    integration.token = Token(new_key(), new_key(), "request")
    return integration.token


def _access_token(box: MagentoSandbox, request: web.Request, url: str) -> Token:
    given = _parameters(request)
    integration = box.integrations.check_protocol(given, "oauth_token", "oauth_verifier")
    token = integration.token
    if token is None or token.token != given["oauth_token"]:
        raise RestError(401, "Specified token does not exist")
    if token.kind != "request":
        raise RestError(401, "Token is already being used")
    if integration.verifier != given["oauth_verifier"]:
        raise RestError(401, "Token verifier and verifier token do not match")
    if integration.activated_at is None or box.now() - integration.activated_at > EXPIRES_AFTER:
        raise RestError(401, "Consumer key has expired")
    _verify(given, request, url, integration, token.secret)
    integration.token = Token(new_key(), new_key(), "access")
    integration.active = True
    return integration.token


def answer(box: MagentoSandbox, request: web.Request, url: str) -> web.Response:
    """`POST /oauth/token/request` and `/oauth/token/access`: form-encoded, called text/html."""
    try:
        token = (_request_token if request.path.endswith("/request") else _access_token)(box, request, url)
    except RestError as problem:
        text = problem.message
        if isinstance(problem.parameters, dict):
            for name, value in problem.parameters.items():
                text = text.replace(f"%{name}", str(value))
        for position, value in enumerate(problem.parameters if isinstance(problem.parameters, list) else [], 1):
            text = text.replace(f"%{position}", str(value))
        response = web.Response(status=problem.status, body=f"oauth_problem={quote_plus(text)}".encode())
    else:
        response = web.Response(
            body=urlencode({"oauth_token": token.token, "oauth_token_secret": token.secret}).encode()
        )
    response.headers["Content-Type"] = "text/html; charset=UTF-8"
    response.headers["Cache-Control"] = "max-age=0, must-revalidate, no-cache, no-store"
    return response
