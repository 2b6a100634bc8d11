"""Magento's answers and errors, and the outcome each one stands for. No I/O.

Error bodies are `{"message": "... %1 %name ...", "parameters": [...] or {...}}`; the placeholders are for the reader to
fill in (Magento\\Framework\\Webapi\\ErrorProcessor). Texts here never carry a header, a token or a signature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from bridge.domain.outcomes import AlreadyDone, Failure, Outcome, Reauth, Rejected, RemoteProblem, Retry, Unknown

_SHOWN = 600
_REPORT = re.compile(r"Report ID: ([\w-]+)")
_GATEWAYS = frozenset({502, 504, 520, 521, 522, 523, 524})
_BACKEND_GAVE_UP = re.compile(r"backend fetch failed|first byte timeout|guru meditation|gateway time", re.IGNORECASE)
_APPLICATION_RUN = "An error has happened during application run"


class Write(StrEnum):
    """The calls that change something; the same refusal means different things on different ones."""

    CREATE = "create"
    INVOICE = "invoice"
    REFUND = "refund"
    REGISTER = "register"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with lower-case names, text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_json(self) -> bool:
        return "json" in self.headers.get("content-type", "")

    def json(self) -> Any:
        """The parsed body. Raises ValueError (also for nesting too deep to read)."""
        try:
            return json.loads(self.text)
        except RecursionError:
            raise ValueError("nested too deep") from None

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300


class NotReached(Exception):
    """The call never arrived: no connection was made, so nothing was sent."""


class CutOff(Exception):
    """The call was sent, or may have been, and no whole answer came back."""


class Absent(StrEnum):
    """When a 404 is an answer. A page that is not Magento's JSON never is: a web server misled by a deployment must not
    make orders look deleted.
    """

    IS_A_PROBLEM = "problem"
    ENTITY = "entity"
    ENTITY_OR_ROUTE = "route"
    """Also where the store does not have the call at all: the module behind it is not there."""


def is_absent(answer: Answer, allowed: Absent) -> bool:
    if answer.status != 404 or allowed is Absent.IS_A_PROBLEM or not message_of(answer):
        return False
    return allowed is Absent.ENTITY_OR_ROUTE or not _is_no_route(answer)


def _is_no_route(answer: Answer) -> bool:
    return "match any route" in message_of(answer).lower()


def message_of(answer: Answer) -> str:
    """Magento's own words with the placeholders filled in; empty for pages that are not its JSON."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return ""
    text: str = body["message"]
    parameters = body.get("parameters")
    if isinstance(parameters, list):
        # From the back, so that %1 does not eat the beginning of %10.
        for number in range(len(parameters), 0, -1):
            text = text.replace(f"%{number}", str(parameters[number - 1]))
    elif isinstance(parameters, dict):
        for name in sorted(parameters, key=len, reverse=True):
            text = text.replace(f"%{name}", str(parameters[name]))
    return _flat(text)


def _flat(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def retry_after(answer: Answer, now: datetime | None = None) -> float | None:
    """Seconds the store asks to wait: a number or a date (RFC 9110); None where it does not say."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def is_nonce_used(answer: Answer) -> bool:
    """The one refusal that a freshly signed attempt may cure at once."""
    return answer.status == 401 and "nonce" in message_of(answer).lower()


def is_application_error(answer: Answer) -> bool:
    """PHP died outside Magento's own error handling: plain text, no report id."""
    return answer.status == 500 and not answer.is_json and _APPLICATION_RUN in answer.text


def _unauthorized(message: str) -> Reauth:
    low = message.lower()
    if "authorized to access" in low:
        wanted = message.partition("access")[2].strip(" .") or "what was asked"
        return Reauth(
            f"Magento refuses the integration access to {wanted}. Either its API permissions lack this resource "
            "(System › Integrations › API), or its token is wrong or was revoked, or a bearer token is used while "
            "Stores › Configuration › Services › OAuth does not allow access tokens as standalone bearer tokens: "
            "connect with all four OAuth values."
        )
    if "signature is invalid" in low:
        return Reauth(
            "Magento finds the OAuth signature invalid. Check the consumer secret and the access token secret; behind "
            "a proxy that ends TLS, Magento may believe it is called by http:// while https:// was signed: set the "
            "offloader header (web/secure/offloader_header) and have the proxy send it."
        )
    if "timestamp" in low:
        return _clock(message)
    if "token" in low or "consumer" in low:
        return Reauth(
            f"Magento does not know these credentials any more ({message}). The integration was deactivated, deleted "
            "or reauthorized: connect it again."
        )
    return Reauth(f"Magento refuses the credentials: {message or 'no reason given'}")


def _clock(message: str) -> Reauth:
    return Reauth(
        f"Magento refuses the time in our signature ({message}). The clock of this machine or of the store is wrong by "
        "more than 10 minutes: set it right (NTP), then connect again."
    )


def _page(answer: Answer) -> str:
    kind = answer.headers.get("content-type", "no content type").partition(";")[0]
    return f"HTTP {answer.status} with a {kind or 'nameless'} body"


def _common(answer: Answer) -> Failure | None:
    """What means the same on every call: nothing was done, and why."""
    message = message_of(answer)
    if answer.status == 401:
        if is_nonce_used(answer):
            return Retry(
                "Magento says that the OAuth nonce was used before; the next attempt is signed anew", after=1.0
            )
        return _unauthorized(message)
    if answer.status == 400 and "timestamp" in message.lower():
        return _clock(message)
    if answer.status == 400 and "signature method" in message.lower():
        return Reauth(f"Magento refuses how calls are signed: {message}")
    if answer.status == 429:
        return Retry("The store asks all callers to slow down (HTTP 429)", retry_after(answer), throttled=True)
    if answer.status == 503 and not _BACKEND_GAVE_UP.search(answer.text):
        what = "The store is in maintenance mode or overloaded (HTTP 503)"
        return Retry(what, retry_after(answer), throttled="retry-after" in answer.headers)
    if 300 <= answer.status < 400:
        return Rejected(
            "The store answers with a redirect, which is not followed because the call is signed for its own address. "
            "Connect with the address the store redirects to (www or not, https, path).",
            code="redirected",
        )
    if answer.status == 403:
        said = message or _page(answer)
        return Rejected(f"A firewall in front of the store or Magento forbids the call: {said}", code="forbidden")
    return None


def read_problem(answer: Answer) -> RemoteProblem:
    """A read that failed. Reads change nothing, so what may pass by itself is tried again."""
    known = _common(answer)
    if known:
        return RemoteProblem(known)
    message = message_of(answer)
    if answer.status >= 500:
        report = _REPORT.search(message)
        hint = f" Magento's log has it under {report[1]}." if report else ""
        return RemoteProblem(Retry(f"The store failed: {message or _page(answer)}.{hint}", retry_after(answer)))
    if answer.is_ok:
        return RemoteProblem(Retry(f"The store answered with something that is not its JSON: {_page(answer)}"))
    if answer.status == 404 and not message:
        return RemoteProblem(Retry(f"The web server of the store does not find Magento: {_page(answer)}"))
    code = "not_found" if answer.status == 404 else f"http_{answer.status}"
    return RemoteProblem(Rejected(f"Magento refuses: {message or _page(answer)}", code=code))


def write_outcome(answer: Answer, write: Write) -> Outcome:
    """A write that was not plainly answered with success."""
    known = _common(answer)
    if known:
        return known
    message = message_of(answer)
    low = message.lower()
    if answer.is_ok:
        return Unknown(f"The store answered with something that is not its JSON: {_page(answer)}")
    if answer.status in _GATEWAYS or answer.status == 503:
        return Unknown(f"A proxy gave up waiting for the store ({_page(answer)}); Magento may still be booking")
    if answer.status >= 500:
        return Unknown(f"The store failed in the middle: {message or _page(answer)}")
    if answer.status == 404 and _is_no_route(answer):
        return Rejected(f"The store does not have this call: {message}", code="no_route")
    if answer.status == 404:
        return Rejected(f"Magento does not find it: {message or _page(answer)}", code="not_found")
    if answer.status == 408:
        return Unknown("The store or a proxy gave up waiting (HTTP 408)")
    if "sqlstate" in low and ("deadlock" in low or "lock wait" in low):
        return Retry(
            "The store's database was busy with this order (deadlock); Magento rolled the call back", after=5.0
        )
    if write is Write.CREATE and "unique constraint violation" in low:
        return AlreadyDone("An order of this number is in the store already")
    if write is Write.INVOICE and ("does not allow an invoice" in low or "without products" in low):
        return AlreadyDone(f"Nothing is left to invoice: {message}")
    if "could not save a creditmemo" in low or "could not save an invoice" in low:
        # Rolled back from 2.4.5 on; before, a failing restock leaves the memo in place (RefundOrder had no mutex).
        return Unknown(f"Magento hides the cause in its log: {message}")
    if write is Write.REFUND:
        return _refund_refused(message)
    return Rejected(f"Magento refuses: {message or _page(answer)}", code=f"http_{answer.status}")


_LESS_LEFT = ("greater than the unrefunded quantity", "invalid quantity to refund", "does not allow a creditmemo")


def _refund_refused(message: str) -> Outcome:
    low = message.lower()
    if "status of closed" in low:
        return AlreadyDone("The order is closed: everything in it is refunded")
    if "status of canceled" in low:
        return AlreadyDone("The order is cancelled in the store")
    if "status of holded" in low:
        return Rejected("The order is on hold in Magento: release it (Unhold), then settle again", code="on_hold")
    if "status of payment_review" in low:
        return Rejected(
            "The order's payment is under review in Magento: finish that, then settle again", code="in_review"
        )
    if any(words in low for words in _LESS_LEFT):
        return AlreadyDone(f"Less is left to refund than was asked: {message}")
    if "most money available to refund" in low:
        return Rejected(
            f"Magento has no paid amount left for this refund: {message} The order has no invoice, or somebody "
            "refunded an amount without units.",
            code="no_money_left",
        )
    if "maximum shipping amount" in low:
        return Rejected(f"The shipping was refunded before: {message}", code="shipping_refunded")
    return Rejected(f"Magento refuses the credit memo: {message or 'no reason given'}", code="refused")
