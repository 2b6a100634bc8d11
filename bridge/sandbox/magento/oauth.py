"""OAuth 1.0a as the store verifies it: reading the header, the base string, HMAC-SHA256.

Written for the sandbox alone, so that a mistake in a client cannot be answered by the same mistake here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import quote, unquote, unquote_plus

_PARAMETER = re.compile(r'\s*([^=\s,]+)\s*=\s*"([^"]*)"\s*(?:,|$)')
_RUNS = re.compile(r"\d+|\D")


def encode(text: str) -> str:
    return quote(text, safe="-._~")


def read_header(header: str) -> dict[str, str] | None:
    """The parameters of an `Authorization: OAuth …` header, decoded; None for another scheme."""
    scheme, _, rest = header.partition(" ")
    if scheme.casefold() != "oauth":
        return None
    return {unquote(key): unquote(value) for key, value in _PARAMETER.findall(rest)}


def read_query(query: str) -> list[tuple[str, str]]:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return [(unquote_plus(key), unquote_plus(value)) for key, _, value in pairs]


def _natural(text: str) -> list[tuple[int, int]]:
    return [(48, int(run)) if run.isdigit() else (ord(run), 0) for run in _RUNS.findall(text)]


def base_string(method: str, url: str, query: str, parameters: dict[str, str]) -> str:
    """`url` is scheme, host and path as requested.

    Two traits of Magento 2.4.6 are kept: parameters are sorted by natural order of the encoded key, so that eleven
    filter groups (`[10]` after `[9]`, not after `[1]`) fail against a client that sorts by bytes; and an encoded slash
    in the path is decoded, so that such a path fails as well.
    """
    signed = [(key, value) for key, value in parameters.items() if key not in {"oauth_signature", "realm"}]
    pairs = [(encode(key), encode(value)) for key, value in [*signed, *read_query(query)]]
    pairs.sort(key=lambda pair: (_natural(pair[0]), pair[1]))
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    host = host.casefold().removesuffix(":80" if scheme == "http" else ":443")
    path = re.sub("%2f", "/", path, flags=re.IGNORECASE)
    normal = "&".join(f"{key}={value}" for key, value in pairs)
    return "&".join([method.upper(), encode(f"{scheme.casefold()}://{host}/{path}"), encode(normal)])


def signature(base: str, consumer_secret: str, token_secret: str = "") -> str:
    key = f"{encode(consumer_secret)}&{encode(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def verified(given: str, base: str, consumer_secret: str, token_secret: str = "") -> bool:
    return hmac.compare_digest(given.encode(), signature(base, consumer_secret, token_secret).encode())
