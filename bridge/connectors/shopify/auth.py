"""The client-credentials grant: an access token for a day, asked for again before it ends.

Source: shopify.dev, "Client credentials grant". There is no refresh token, and the old token stays good until its end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from bridge.connectors.bodies import read_body
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry

TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
DAY: Final = 86_400


def token_url(base_url: str) -> str:
    return f"{base_url}/admin/oauth/access_token"


async def ask(
    session: aiohttp.ClientSession, credentials: Mapping[str, Any], now: Callable[[], datetime]
) -> tuple[dict[str, Any], datetime]:
    """Credentials with a fresh token in them, and when it ends. Raises `RemoteProblem`, never with a secret."""
    form = {
        "grant_type": "client_credentials",
        "client_id": str(credentials["client_id"]),
        "client_secret": str(credentials["client_secret"]),
    }
    status, raw, cut = 0, b"", ""
    try:
        async with session.post(
            str(credentials["token_url"]), data=form, timeout=TIMEOUT, allow_redirects=False
        ) as response:
            status, raw = response.status, await read_body(response)
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        cut = type(problem).__name__
    # Raised out here, so that an exception with the form in it hangs on none of ours.
    if cut:
        raise RemoteProblem(Retry(f"Shopify's token server could not be reached ({cut})"))
    asked_at = now()
    body = _body(status, raw)
    seconds = body.get("expires_in")
    life = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= 10 * DAY else DAY
    ends = asked_at.astimezone(UTC) + timedelta(seconds=life)
    return {**credentials, "access_token": str(body["access_token"]), "access_expires_at": ends.isoformat()}, ends


def _body(status: int, raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if status == 429 or status >= 500:
        raise RemoteProblem(Retry(f"Shopify's token server answers HTTP {status} and gives no token"))
    if status == 404:
        raise RemoteProblem(Rejected("There is no Shopify shop at this address", "not_found"))
    if status != 200 or not isinstance(body, dict):
        told = str(body.get("error_description") or body.get("error") or "")[:200] if isinstance(body, dict) else ""
        raise RemoteProblem(
            Reauth(
                f"Shopify gives the app no token (HTTP {status}{f', “{told}”' if told else ''}). Check client ID and "
                "client secret, and that the app is installed in this shop and belongs to the shop's own organisation."
            )
        )
    if not body.get("access_token"):
        raise RemoteProblem(Rejected("Shopify's token server answered success without a token", "no_token"))
    return body
