"""Bearer tokens. Only their digests are known here."""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web

from bridge.web.desk import DESK
from bridge.web.problems import Problem


def who_asks(request: web.Request) -> str:
    """The token's name for the audit: the beginning of its digest. Raises `Problem` 401."""
    found = _holder(request)
    if found is None:
        detail = "Send `Authorization: Bearer <token>` with an API token (BRIDGE_API_TOKEN, or one made by the bridge)."
        raise Problem("token-required", detail, headers={"WWW-Authenticate": 'Bearer realm="bridge"'})
    return found


def is_authorized(request: web.Request) -> bool:
    return _holder(request) is not None


def _holder(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    digest = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).hexdigest()
    matched: str | None = None
    # All are compared, each in the same time.
    for known in request.app[DESK].api_tokens:
        if hmac.compare_digest(known, digest):
            matched = f"token {known[:8]}"
    return matched
