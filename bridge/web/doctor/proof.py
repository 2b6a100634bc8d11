"""A signed test delivery to our own public address: the way every message takes, from the internet's side to the inbox.

It is made with the connection's own key, exactly as the remote would make it, and answered by the same code; so it
proves name, certificate, proxy, headers, body, signature and storage in one. It names nothing, so it leads to no order.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import string
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from bridge.ports import TEST_TOPIC, Finding, TestDelivery
from bridge.storage import heard
from bridge.storage.engine import Database

_SECONDS: Final = 8.0
_READ_BYTES: Final = 16_384
_SEEN_WITHIN: Final = 2.0
"""Seconds: it was stored before it was answered, so a read that follows sees it; a replica may lag."""
_PAUSE: Final = 0.1
_MARK: Final = string.ascii_lowercase + string.digits
_PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Answered:
    """What our public address answered, or `failure`: why nothing was heard."""

    status: int = 0
    content_type: str = ""
    location: str = ""
    text: str = ""
    seconds: float = 0.0
    failure: str = ""

    @property
    def problem(self) -> dict[str, Any]:
        """Our own problem document; empty where somebody else answered."""
        if not self.content_type.startswith(_PROBLEM):
            return {}
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) and str(found.get("type", "")).startswith("/problems/") else {}


def new_mark() -> str:
    return "".join(secrets.choice(_MARK) for _ in range(20))


async def prove(db: Database, session: aiohttp.ClientSession, test: TestDelivery, mark: str) -> Finding:
    """Send it and say what came of it. Raises `StorageProblem` where the inbox cannot be read."""
    since = await db.read(heard.now)
    answered = await _send(session, test)
    if answered.status != 200:
        return judge(test, answered)
    arrived = await _arrives(db, mark, since)
    if arrived:
        await db.write(lambda conn: heard.forget(conn, TEST_TOPIC, mark, since))
    return judge(test, answered, arrived=arrived)


async def _arrives(db: Database, mark: str, since: Any) -> bool:
    async def look(conn: AsyncConnection) -> bool:
        return await heard.arrived(conn, TEST_TOPIC, mark, since)

    deadline = time.monotonic() + _SEEN_WITHIN
    while not await db.read(look):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_PAUSE)
    return True


async def _send(session: aiohttp.ClientSession, test: TestDelivery) -> Answered:
    began = time.monotonic()
    try:
        async with session.post(
            URL(test.url, encoded=True),
            data=test.body,
            headers=test.headers,
            # The plugin sends none, and a firewall may object to that.
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            allow_redirects=False,
        ) as answer:
            raw = await answer.content.read(_READ_BYTES)
            return Answered(
                answer.status,
                answer.headers.get("Content-Type", ""),
                answer.headers.get("Location", ""),
                raw.decode("utf-8", "replace"),
                time.monotonic() - began,
            )
    except aiohttp.ClientConnectorDNSError:
        return Answered(failure="its name cannot be looked up: make the DNS record of BRIDGE_PUBLIC_URL's host")
    except aiohttp.ClientConnectorCertificateError as problem:
        told = getattr(problem.certificate_error, "verify_message", "") or "not valid"
        return Answered(failure=f"its certificate is refused ({told}): renew it, and send the whole chain")
    except aiohttp.ClientSSLError:
        return Answered(failure="it does not speak TLS as it must: check the proxy's certificate and port")
    except aiohttp.ClientConnectorError as problem:
        told = problem.os_error.strerror or type(problem.os_error).__name__
        return Answered(failure=f"nobody answers there ({told}): start the proxy, open the port")
    except TimeoutError:
        return Answered(failure=f"no answer within {_SECONDS:.0f} s: the proxy does not reach the service, or is slow")
    except (aiohttp.ClientError, OSError) as problem:
        return Answered(failure=f"the connection broke ({type(problem).__name__})")


def judge(test: TestDelivery, answered: Answered, *, arrived: bool = False) -> Finding:
    """Pure. Each text names what was sent where, what came back, and what to do."""
    what = f"A signed test delivery to {test.url}"
    if answered.failure:
        text = (
            f"{what} did not get through: {answered.failure}. Seen from this machine; if others do get through, its "
            "network does not lead to its own public address, which harms nothing."
        )
        return Finding("error", "test_delivery_failed", text)
    if answered.status == 200 and arrived and answered.seconds > test.seconds:
        text = (
            f"{what} was taken in, but only after {answered.seconds:.1f} s; the sender waits {test.seconds:.0f} s. "
            "Look at the proxy and the database."
        )
        return Finding("warning", "test_delivery_slow", text)
    if answered.status == 200 and arrived:
        text = f"{what} was taken in after {answered.seconds * 1000:.0f} ms, unaltered, and is in the inbox."
        return Finding("ok", "test_delivery", text)
    if answered.status == 200:
        text = (
            f"{what} was answered 200 by something else: it is not in this service's inbox. BRIDGE_PUBLIC_URL leads to "
            "another machine, a waiting page, or a bridge with another database."
        )
        return Finding("error", "test_delivery_failed", text)
    altered = _altered(test, answered)
    if altered:
        text = f"{what} was altered on the way: {altered} Every real message is altered the same way."
        return Finding("error", "test_delivery_altered", text)
    return Finding("error", "test_delivery_failed", f"{what} was not taken in: {_refused(answered)}")


def _altered(test: TestDelivery, answered: Answered) -> str:
    """What of the delivery did not arrive as it was sent, by what the hook says it got; empty where that is not it."""
    problem = answered.problem
    reason = problem.get("reason")
    header = test.signature_header
    if reason == "no_signature":
        return f"the header {header} did not arrive. Have the proxy hand it on as it comes."
    if reason == "app_key":
        return "the header X-App-Key did not arrive as it was sent. Have the proxy hand it on as it comes."
    if reason == "bad_header":
        return f"{problem.get('detail', 'a header is missing')}. Have the proxy hand it on as it comes."
    if reason not in {"bad_signature", "bad_body", "not_json"}:
        return ""
    received = problem.get("received")
    received = received if isinstance(received, dict) else {}
    if received.get("sha256") == hashlib.sha256(test.body).hexdigest():
        return (
            f"the body arrived whole, and the header {header} with another value. Does the proxy put its own there "
            "(a login, say)? Have it hand the header on as it comes."
        )
    size = f", {received['bytes']} bytes of {len(test.body)} sent" if "bytes" in received else ""
    return (
        f"the body arrived changed{size}. Switch off for /hooks/ what rewrites bodies in the proxy (a firewall that "
        "normalises JSON, compression, a filter): the signature is over the bytes."
    )


def _refused(answered: Answered) -> str:
    status, problem = answered.status, answered.problem
    if 300 <= status < 400:
        parts = urlsplit(answered.location)
        where = f" to {parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""
        return (
            f"redirected{where} (HTTP {status}), which no sender follows. Set BRIDGE_PUBLIC_URL to the final address."
        )
    if problem.get("type") == "/problems/unknown-connection":
        return "a bridge answers there that does not know this connection. Does the proxy lead to an older one?"
    if problem:
        return f"the service answers HTTP {status}: {problem.get('detail', '')}"
    if status in {401, 407}:
        return f"the proxy asks for a login (HTTP {status}). Exempt /hooks/ from it: messages are signed."
    if status == 403:
        return (
            "a firewall forbids it (HTTP 403). Allow POST to /hooks/ there; Magento's plugin sends no User-Agent, to "
            "which some object."
        )
    if status == 404:
        return "HTTP 404, and not from the service: have the proxy hand /hooks/ on to it."
    if status == 405:
        return "HTTP 405, and not from the service: have the proxy let POST through to /hooks/."
    if status == 413:
        return "the proxy finds it too large (HTTP 413). Let it take at least 1 MB for /hooks/."
    if status in {502, 503, 504}:
        return f"the proxy does not reach the service (HTTP {status}): check the address it hands on to."
    return f"HTTP {status}, and not from the service."
