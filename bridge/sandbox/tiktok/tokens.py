"""Codes and tokens: given once, rotated at refresh, gone when they expire or are revoked.

Sources: Partner Center "Authorization guide" (the code is valid 30 minutes and once; `*_expire_in` are points in time);
codes of dead tokens: EcomPHP/tiktokshop-php pull request 15 (36004001 expired, 36004005 no record), 36004004 for a
code in several public clients. That a refresh kills the old refresh token at once is assumed; the old access token
lives on to its own end.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.sandbox.tiktok.clock import Clock
from bridge.sandbox.tiktok.errors import Json, Refusal
from bridge.sandbox.tiktok.model import SCOPES, Grant
from bridge.sandbox.tiktok.settings import Settings

CODE_LIFE = 30 * 60


@dataclass(frozen=True, slots=True)
class _Code:
    expires: float
    shop_ids: list[str]


class Tokens:
    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._by_access: dict[str, Grant] = {}
        self._by_refresh: dict[str, Grant] = {}

    def new_code(self, shop_ids: Sequence[str]) -> str:
        code = f"ROW_{secrets.token_urlsafe(24)}"
        self._codes[code] = _Code(self._clock.now() + CODE_LIFE, list(shop_ids))
        return code

    def redeem(self, code: str) -> Grant:
        found = self._codes.pop(code, None)
        if found is None or found.expires < self._clock.now():
            raise Refusal(36004004, "invalid auth code")
        return self.grant(found.shop_ids)

    def grant(self, shop_ids: Sequence[str], scopes: Sequence[str] = SCOPES) -> Grant:
        """A fresh pair, as if the seller had just consented."""
        return self._keep(
            Grant(
                access_token=f"ROW_{secrets.token_urlsafe(32)}",
                refresh_token=f"ROW_{secrets.token_urlsafe(32)}",
                access_expires=self._clock.now() + self._settings.access_token_ttl,
                refresh_expires=self._clock.now() + self._settings.refresh_token_ttl,
                shop_ids=list(shop_ids),
                scopes=list(scopes),
                open_id="7010736057180325637",
            )
        )

    def refresh(self, refresh_token: str) -> Grant:
        old = self._by_refresh.get(refresh_token)
        if old is None or old.revoked:
            raise Refusal(36004005, "can not find related auth record")
        if old.refresh_expires <= self._clock.now():
            raise Refusal(36004001, "rt has expired")
        del self._by_refresh[refresh_token]
        fresh = replace(
            old,
            access_token=f"ROW_{secrets.token_urlsafe(32)}",
            refresh_token=f"ROW_{secrets.token_urlsafe(32)}",
            access_expires=self._clock.now() + self._settings.access_token_ttl,
        )
        return self._keep(fresh)

    def check(self, access_token: str) -> Grant:
        """The grant behind a token; Refusal when it is unknown, revoked or expired."""
        grant = self._by_access.get(access_token)
        if grant is None or grant.revoked:
            raise Refusal(101000, "Invalid access token", 401)
        if grant.access_expires <= self._clock.now():
            raise Refusal(105002, "Expired credentials, access token has expired", 401)
        return grant

    def grants(self) -> list[Grant]:
        """What is alive or expired, oldest first; a rotated pair is there by its access token."""
        return list(self._by_access.values())

    def expire_access(self) -> None:
        for grant in self._by_access.values():
            grant.access_expires = min(grant.access_expires, self._clock.now())

    def expire_refresh(self) -> None:
        for grant in self._by_refresh.values():
            grant.refresh_expires = min(grant.refresh_expires, self._clock.now())

    def revoke(self) -> list[str]:
        """The seller takes the app's access away; the ids of the shops it had."""
        shop_ids = {shop_id for grant in self._by_access.values() if not grant.revoked for shop_id in grant.shop_ids}
        for grant in self._by_access.values():
            grant.revoked = True
        return sorted(shop_ids)

    def set_scopes(self, scopes: Sequence[str]) -> None:
        for grant in self._by_access.values():
            grant.scopes = list(scopes)

    def _keep(self, grant: Grant) -> Grant:
        self._by_access[grant.access_token] = grant
        self._by_refresh[grant.refresh_token] = grant
        return grant


def render(grant: Grant, *, seller_name: str, region: str) -> Json:
    """The data of Get Access Token and Refresh Access Token; expiries are Unix times, not durations."""
    return {
        "access_token": grant.access_token,
        "access_token_expire_in": int(grant.access_expires),
        "refresh_token": grant.refresh_token,
        "refresh_token_expire_in": int(grant.refresh_expires),
        "open_id": grant.open_id,
        "seller_name": seller_name,
        "seller_base_region": region,
        "user_type": 0,
        "granted_scopes": grant.scopes,
    }
