"""Login with Amazon: a refresh token for good, and access tokens for an hour.

Source: developer-docs.amazon.com/sp-api, "Connecting to the Selling Partner API". Nothing is signed but by the token.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from bridge.connectors.bodies import read_body
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry

TOKEN_URL: Final = "https://api.amazon.com/auth/o2/token"  # noqa: S105 -- an address, no token
TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
HOUR: Final = 3600
_SECRET_WRONG: Final = frozenset({"invalid_client", "unauthorized_client"})


async def ask(
    session: aiohttp.ClientSession, credentials: Mapping[str, Any], now: Callable[[], datetime]
) -> tuple[dict[str, Any], datetime]:
    """Credentials with a fresh access token in them, and when it ends. Raises `RemoteProblem`, never with a secret."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": str(credentials["refresh_token"]),
        "client_id": str(credentials["client_id"]),
        "client_secret": str(credentials["client_secret"]),
    }
    status, raw, cut = 0, b"", ""
    asked_at = now()
    try:
        url = str(credentials.get("token_url") or TOKEN_URL)
        async with session.post(url, data=form, timeout=TIMEOUT, allow_redirects=False) as response:
            status, raw = response.status, await read_body(response)
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        cut = type(problem).__name__
    # Raised out here, so that an exception with the form in it hangs on none of ours.
    if cut:
        raise RemoteProblem(Retry(f"Amazon's token server could not be reached ({cut})"))
    body = _body(status, raw)
    seconds = body.get("expires_in")
    life = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= 24 * HOUR else HOUR
    ends = asked_at.astimezone(UTC) + timedelta(seconds=life)
    fresh = {"access_token": str(body["access_token"]), "access_expires_at": ends.isoformat()}
    # The same refresh token comes back as a rule; where it is another one, that is the one to keep.
    renewed = body.get("refresh_token")
    return {**credentials, **fresh, **({"refresh_token": str(renewed)} if renewed else {})}, ends


def _body(status: int, raw: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if status == 429 or status >= 500:
        raise RemoteProblem(Retry(f"Amazon's token server answers HTTP {status} and gives no token"))
    told = body if isinstance(body, dict) else {}
    if status == 200 and told.get("access_token"):
        return told
    if status == 200:
        raise RemoteProblem(Rejected("Amazon's token server answered success without a token", "no_token"))
    # Its description may repeat what was sent: the error's own word says enough.
    word = str(told.get("error") or f"HTTP {status}")[:60]
    if word in _SECRET_WRONG:
        text = f"Amazon does not know the app by this client id and secret ({word}): connect with those it shows now"
    elif word == "invalid_grant":
        text = (
            f"Amazon does not take the refresh token any more ({word}): the seller withdrew the authorization, or a "
            "year is over. Authorize the app again in Seller Central and connect with the new refresh token"
        )
    elif 300 <= status < 400:
        raise RemoteProblem(Rejected("Amazon's token server answers with a redirect", "redirected"))
    else:
        text = f"Amazon gives no token ({word}): check the client id, the secret and the refresh token"
    raise RemoteProblem(Reauth(text))
