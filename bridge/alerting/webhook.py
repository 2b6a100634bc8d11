"""Alerts by webhook, signed as Standard Webhooks says (https://www.standardwebhooks.com): one POST, one answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from bridge.addresses import normalise_url
from bridge.alerting.message import payload
from bridge.domain.alerting import Message
from bridge.domain.outcomes import Done, Outcome, Rejected, Retry, Unknown
from bridge.ports import Clock, NewTarget

TIMEOUT = aiohttp.ClientTimeout(total=20, connect=10)
PREFIX = "whsec_"
_EXCERPT = 120
_SECRET_BYTES = range(24, 65)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA256 over id, timestamp and body, joined by dots."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Implements `ports.AlertSender`."""

    session: aiohttp.ClientSession
    clock: Clock
    public_url: str
    allow_private: bool

    def check(self, address: str, secret: str | None) -> NewTarget:
        """Its path and query may be a secret: only its host is shown. Raises ValueError with what is wrong."""
        parts = urlsplit(address.strip())
        if parts.fragment:
            raise ValueError("the address must not contain '#'")
        origin = normalise_url(urlunsplit((parts.scheme, parts.netloc, "", "", "")), allow_private=self.allow_private)
        tail = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if not (tail.isascii() and tail.isprintable()) or " " in tail:
            raise ValueError("the address must be plain ASCII without spaces: percent-encode what is not")
        shown = origin + ("/…" if tail != "/" else "/")
        known = _checked(secret) if secret else PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        return NewTarget(shown, {"url": origin + tail, "secret": known}, once=None if secret else known)

    async def send(self, address: str, secrets: Mapping[str, Any], message: Message) -> Outcome:
        body = payload(message, self.public_url)
        timestamp = int(self.clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secrets["secret"], message.id, timestamp, body),
        }
        try:
            async with self.session.post(
                secrets["url"], data=body, headers=headers, allow_redirects=False, timeout=TIMEOUT
            ) as answer:
                return _outcome(answer.status, await _excerpt(answer), address)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as problem:
            return Retry(f"{address} cannot be reached: {_reason(problem)}")
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            # The request may have arrived: a repeat carries the same webhook-id.
            return Unknown(f"{address} gave no answer: {_reason(problem)}")


def _checked(secret: str) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError("the secret must be whsec_ and the base64 of 24 to 64 bytes; leave it out to get one made")
    return secret


async def _excerpt(answer: aiohttp.ClientResponse) -> str:
    """The first words of a refusal, for the operator; nothing else of the answer is read or kept."""
    if 200 <= answer.status < 300:
        return ""
    start = (await answer.content.read(_EXCERPT)).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in start).strip()


def _outcome(status: int, words: str, address: str) -> Outcome:
    if 200 <= status < 300:
        return Done(reference=str(status))
    if 300 <= status < 400:
        return Retry(f"{address} answered {status}: redirects are not followed; name the address it leads to")
    said = f": {words}" if words else ""
    if status == 410:
        return Rejected(f"{address} answered 410, gone{said}", "410")
    return Retry(f"{address} answered {status}{said}")


def _reason(problem: Exception) -> str:
    """Why, without the address: its path may be a secret."""
    inner = getattr(problem, "os_error", problem)
    words = getattr(inner, "strerror", None)
    return str(words) if words else type(problem).__name__
