"""WooCommerce's answers and errors, and the outcome each one stands for. No I/O.

Errors are `{"code": "woocommerce_rest_…", "message": "…", "data": {"status": 401}}` (WP_Error as WordPress' REST server
writes it). Everything that is no such JSON comes from something in front of it: a cache, a security plugin, WordPress'
maintenance page, PHP. Such a page is never taken for an order, nor for the absence of one, whatever its status.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from bridge.domain.outcomes import Failure, Outcome, Reauth, Rejected, RemoteProblem, Retry, Unknown

_SHOWN: Final = 300
_BOM: Final = b"\xef\xbb\xbf"
_GONE: Final = frozenset({"woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_invalid_order_id"})
REFUND_FAILED: Final = "woocommerce_rest_cannot_create_order_refund"
"""What `wc_create_refund` refuses comes as a 500 with this code, and no refund stands."""
NO_ROUTE: Final = "rest_no_route"
_KEY_HELP: Final = (
    "In WooCommerce › Settings › Advanced › REST API, make a key with the permission Read/Write for a user who may "
    "manage WooCommerce, and connect again."
)


class NotReached(Exception):
    """The call never arrived: no connection was made, so nothing was sent."""


class CutOff(Exception):
    """The call was sent, or may have been, and no whole answer came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is None where it is no JSON."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Any = field(repr=False)

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300 and isinstance(self.body, (dict, list)) and not self.code

    @property
    def code(self) -> str:
        """WordPress' code of an error; empty where this is no error of its REST server."""
        if not isinstance(self.body, dict) or "message" not in self.body:
            return ""
        given = self.body.get("code")
        return given if isinstance(given, str) else ""

    @property
    def said(self) -> str:
        """WordPress' own words, in one line; else what kind of page it is. Never the page itself."""
        if not self.code:
            kind = self.headers.get("content-type", "").partition(";")[0].strip()
            return f"HTTP {self.status} with a page that is not WooCommerce's ({kind or 'of no type'})"
        given = self.body.get("message")
        line = " ".join(given.split()) if isinstance(given, str) else ""
        return f"{line if len(line) <= _SHOWN else line[:_SHOWN] + '…'} ({self.code})".strip()

    @property
    def total(self) -> int | None:
        """How many rows the whole list has."""
        given = self.headers.get("x-wp-total", "").strip()
        return int(given) if given.isascii() and given.isdigit() else None


def read_answer(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    low = {name.lower(): value for name, value in headers.items()}
    try:
        # Files saved with a byte order mark put it before every answer of their WordPress.
        body = json.loads(raw.removeprefix(_BOM))
    except (ValueError, RecursionError):
        body = None
    return Answer(status, low, body)


def retry_after(answer: Answer, now: datetime | None = None) -> float | None:
    """Seconds, from a number or a date (RFC 9110); None where it does not say."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def is_absent(answer: Answer) -> bool:
    """WooCommerce itself says that there is no such order. A 404 page of the web server says nothing of the kind."""
    return answer.status == 404 and answer.code in _GONE


def nothing_done(answer: Answer) -> Failure | None:
    """Answers that say that nothing was done, on reads and writes alike."""
    wait = retry_after(answer)
    if answer.status == 429:
        return Retry("The store asks all callers to slow down (HTTP 429)", wait, throttled=True)
    if answer.status == 503 and wait is not None:
        # WordPress' maintenance mode, and most overload guards, say when to come back (wp_maintenance: 600 s).
        return Retry("The store is in maintenance or overloaded (HTTP 503)", wait, throttled=True)
    if answer.status in {401, 403}:
        return _not_allowed(answer)
    if 300 <= answer.status < 400:
        because = "The store answers with a redirect, which is not followed with the keys in hand"
        return Rejected(
            f"{because}: connect with the address that it leads to (www or not, https, folder)", "redirected"
        )
    if answer.status == 404 and answer.code == NO_ROUTE:
        because = "WordPress answers, but has no WooCommerce REST API at this address"
        return Rejected(f"{because}: is the plugin WooCommerce active, and the address the shop's own?", NO_ROUTE)
    if answer.status in {404, 405, 410} and not answer.code:
        because = f"The web server does not find WordPress' REST API: {answer.said}"
        return Retry(f"{because}. Settings › Permalinks must not be Plain, and the folder must be right", wait)
    if 400 <= answer.status < 500 and answer.status != 408:
        return Rejected(f"WooCommerce refuses the call: {answer.said}", answer.code or f"http_{answer.status}")
    return None


def _not_allowed(answer: Answer) -> Failure:
    if not answer.code:
        if answer.status == 401:
            return Reauth(
                "The web server itself asks for a password before WooCommerce is reached (HTTP 401): take the "
                "protection off for /wp-json/, then connect again"
            )
        because = f"Something in front of WooCommerce forbids the call: {answer.said}"
        return Retry(f"{because}. Let the bridge's address pass in the firewall or security plugin", needs_person=True)
    if "permission" in answer.said.lower() or answer.code == "woocommerce_rest_authentication_error":
        return Reauth(f"WooCommerce does not take the key: {answer.said} {_KEY_HELP}")
    if answer.code.startswith(("woocommerce_rest_", "rest_")):
        return Reauth(
            f"WooCommerce does not allow the key to do this: {answer.said} {_KEY_HELP} Where the key is right, the web "
            "server drops the Authorization header, or WordPress behind a proxy does not know that it is called by "
            "https."
        )
    # A security plugin that answers in WordPress' own form.
    return Retry(f"A plugin forbids the call: {answer.said}", needs_person=True)


def read_problem(answer: Answer) -> RemoteProblem:
    """A read that failed. Reads change nothing, so what may pass by itself is tried again."""
    known = nothing_done(answer)
    if known is not None:
        return RemoteProblem(known)
    return RemoteProblem(Retry(f"The store did not answer as WooCommerce does: {answer.said}", retry_after(answer)))


def write_problem(answer: Answer) -> Outcome:
    """A write that was not plainly answered: PHP goes on when a proxy has given up on it."""
    return nothing_done(answer) or Unknown(f"The store failed in the middle: {answer.said}")


def odd(what: str) -> RemoteProblem:
    return RemoteProblem(Rejected(f"WooCommerce's answer cannot be read: {what}", "shape"))
