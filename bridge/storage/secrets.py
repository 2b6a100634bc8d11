"""Credentials at rest: sealed with Fernet (AES-128-CBC and HMAC-SHA256), keys rotated by listing the new one first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import meta
from bridge.storage.errors import WrongSecretKey
from bridge.storage.tables import alert_targets, connections

_KNOWN = {"bridge": "this key opens the credentials"}
_NAME = "secret_key_check"
_KEPT = 100
"""Sealed texts whose content is kept in memory, where the clients made from it keep it anyway. What is sealed anew is
another text."""


def generate_key() -> str:
    """A new secret key: 32 random bytes, URL-safe base64."""
    return Fernet.generate_key().decode("ascii")


class Vault:
    """Seals with the first key and opens with any of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises `WrongSecretKey` for a key that is none."""
        if not keys:
            raise WrongSecretKey("no secret key: set BRIDGE_SECRET_KEY to 32 random bytes in URL-safe base64")
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys])
        except ValueError:
            raise WrongSecretKey("a secret key is not 32 bytes in URL-safe base64: check BRIDGE_SECRET_KEY") from None
        self._decrypted = lru_cache(_KEPT)(self._fernet.decrypt)

    def __repr__(self) -> str:
        return "Vault(…)"

    def seal(self, value: dict[str, Any]) -> str:
        return self._fernet.encrypt(json.dumps(value, separators=(",", ":")).encode()).decode("ascii")

    def open(self, sealed: str) -> dict[str, Any]:
        """Raises `WrongSecretKey`."""
        try:
            opened: dict[str, Any] = json.loads(self._decrypted(sealed.encode("ascii")))
        except (InvalidToken, ValueError):
            raise WrongSecretKey(
                "no secret key opens what is stored: set BRIDGE_SECRET_KEY to the key the database was written with "
                "(several, the newest first, while rotating)"
            ) from None
        return opened

    def rotate(self, sealed: str) -> str:
        """The same content, sealed with the first key. Raises `WrongSecretKey`."""
        self.open(sealed)
        return self._fernet.rotate(sealed.encode("ascii")).decode("ascii")


async def verify_key(conn: AsyncConnection, vault: Vault) -> None:
    """Store a sealed known value on first use; afterwards raise `WrongSecretKey` where no key opens it."""
    stored = await meta.get(conn, _NAME)
    if stored is None:
        await meta.put_if_absent(conn, _NAME, vault.seal(_KNOWN))
        stored = await meta.get(conn, _NAME)
    if vault.open(stored or "") != _KNOWN:
        raise WrongSecretKey("the stored check of the secret key is not what it should be: restore a backup")


async def reseal(conn: AsyncConnection, vault: Vault) -> int:
    """Seal everything stored with the first key, so that older keys can go. Returns how many were sealed anew."""
    rows = (await conn.execute(select(connections.c.id, connections.c.credentials).with_for_update())).all()
    for row in rows:
        await conn.execute(
            update(connections).where(connections.c.id == row.id).values(credentials=vault.rotate(row.credentials))
        )
    targets = (await conn.execute(select(alert_targets.c.id, alert_targets.c.sealed).with_for_update())).all()
    for row in targets:
        await conn.execute(
            update(alert_targets).where(alert_targets.c.id == row.id).values(sealed=vault.rotate(row.sealed))
        )
    stored = await meta.get(conn, _NAME)
    if stored is not None:
        await meta.put(conn, _NAME, vault.rotate(stored))
    return len(rows) + len(targets)
