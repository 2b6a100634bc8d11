"""The key that encrypts secrets at rest, and the first API token: given, or generated for the embedded database."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from bridge.config import Config
from bridge.storage.secrets import generate_key


class KeyMissing(Exception):
    """A key that must be given was not; the text says how to make one."""


def secret_keys(config: Config) -> list[str]:
    """Raises `KeyMissing` for a server database without a key: generated keys would differ between processes."""
    if config.secret_key is not None:
        keys = [key.strip() for key in config.secret_key.get_secret_value().split(",") if key.strip()]
        if keys:
            return keys
    if not config.is_embedded:
        raise KeyMissing(
            "BRIDGE_SECRET_KEY is not set. A server database needs it, the same in every process. Make one with: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' and keep a copy "
            "apart from the database's backups"
        )
    return [_kept(config.data_dir / "secret.key", generate_key)]


def api_token(config: Config) -> str | None:
    """The first API token; None when none was given and none is generated (server database)."""
    if config.api_token is not None:
        return config.api_token.get_secret_value()
    if not config.is_embedded:
        return None
    return _kept(config.data_dir / "api-token", lambda: secrets.token_urlsafe(32))


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _kept(path: Path, make: object) -> str:
    """The text in the file; made on first use, readable by its owner alone."""
    assert callable(make)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        text = str(make())
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return text
