"""Bearer tokens: the one of the settings, which may do everything, and those that people made, which may less."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import structlog
from aiohttp import web

from bridge.storage import api_tokens
from bridge.storage.api_tokens import ALL, PREFIX, Scope, digest
from bridge.storage.errors import StorageProblem
from bridge.web.desk import DESK
from bridge.web.problems import Problem
from bridge.web.tokens import scope_missing

log: structlog.stdlib.BoundLogger = structlog.get_logger("bridge.web")


@dataclass(frozen=True, slots=True)
class Caller:
    who: str
    """For the audit: the beginning of the token's digest, and its name where it has one."""
    scopes: frozenset[Scope]


async def caller(request: web.Request, scope: Scope) -> Caller:
    """Who asks. Raises `Problem`: 401 without a token that is known, 403 where it has not this scope."""
    found = await _holder(request)
    if found is None:
        detail = "Send `Authorization: Bearer <token>` with an API token (BRIDGE_API_TOKEN, or one made by the bridge)."
        raise Problem("token-required", detail, headers={"WWW-Authenticate": 'Bearer realm="bridge"'})
    if scope not in found.scopes:
        raise scope_missing(scope)
    return found


async def is_authorized(request: web.Request, scope: Scope) -> bool:
    found = await _holder(request)
    return found is not None and scope in found.scopes


async def _holder(request: web.Request) -> Caller | None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    text = given.strip()
    if scheme.lower() != "bearer" or not text:
        return None
    desk, sent = request.app[DESK], digest(text)
    matched: Caller | None = None
    # All are compared, each in the same time.
    for known in desk.api_tokens:
        if hmac.compare_digest(known, sent):
            matched = Caller(f"token {known[:8]}", ALL)
    if matched is not None or not text.startswith(PREFIX):
        return matched
    # The index finds by the digest: what its timing tells of it tells nothing of the token.
    token = await desk.db.read(lambda conn: api_tokens.living(conn, sent))
    if token is None or not hmac.compare_digest(token.digest, sent):
        return None
    if token.is_stale:
        try:
            await desk.db.write(lambda conn: api_tokens.used(conn, token.id), idempotent=True)
        except StorageProblem as problem:  # reading goes on where nothing can be written
            log.warning("token_use_not_noted", because=type(problem).__name__)
    return Caller(f"token {sent[:8]} ({token.name})", token.scopes)
