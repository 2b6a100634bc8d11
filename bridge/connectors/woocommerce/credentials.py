"""A WooCommerce connection's credentials: their one stored shape. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

NAMES: Final = {
    "consumer_key": "Consumer key (ck_…): WooCommerce › Settings › Advanced › REST API",
    "consumer_secret": "Consumer secret (cs_…), shown once when the key is made",
}
_OPTIONAL: Final = ("order_meta_keys", "webhook_secret")
_META_KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_MOST_META_KEYS: Final = 10


def check(given: Mapping[str, Any]) -> dict[str, str]:
    """Raises ValueError that names what is missing or unknown and where it is found, never a value."""
    unknown = sorted(set(given) - set(NAMES) - set(_OPTIONAL))
    if unknown:
        raise ValueError(f"unknown credentials: {', '.join(unknown)}; a WooCommerce store takes {', '.join(NAMES)}")
    kept = {name: _text(name, value) for name, value in given.items() if value not in (None, "", [])}
    for name, what in NAMES.items():
        if not kept.get(name):
            raise ValueError(f"{what} is missing")
    for name, begins in (("consumer_key", "ck_"), ("consumer_secret", "cs_")):
        if not kept[name].startswith(begins):
            raise ValueError(f"{name} must begin with {begins}: {NAMES[name]}")
    meta_keys(kept)
    kept["webhook_secret"] = webhook_secret(kept["consumer_secret"])
    return kept


def webhook_secret(consumer_secret: str) -> str:
    """What our webhooks sign with. Made from the key, so that it is known before the first delivery, and the same again
    when the store is connected anew with the same key. Digits and letters alone: WordPress decodes others.
    """
    return hmac.new(consumer_secret.encode(), b"bridge: webhooks", hashlib.sha256).hexdigest()


def meta_keys(credentials: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the order fields in which another connector keeps TikTok's order id. Raises ValueError."""
    given = str(credentials.get("order_meta_keys") or "")
    keys = tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
    if len(keys) > _MOST_META_KEYS or any(not _META_KEY.fullmatch(key) for key in keys):
        raise ValueError(
            f"order_meta_keys takes up to {_MOST_META_KEYS} names of order fields, parted by commas, each of letters, "
            "digits and _ . : -"
        )
    return keys


def _text(name: str, value: Any) -> str:
    if isinstance(value, list) and name == "order_meta_keys" and all(isinstance(one, str) for one in value):
        value = ",".join(value)
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or len(value) > 2000:
        raise ValueError(f"{name} must be text as WooCommerce shows it, without line breaks or special characters")
    return value.strip()
