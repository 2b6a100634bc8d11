"""What TikTok Shop's refusals mean: every answer that is no success becomes an outcome, in words for a merchant. Pure.

Sources: Partner Center "Common errors" and "Rate limits", and the error lists of Cancel Order, Approve Cancellation,
Reject Cancellation, Search Cancellations and Get Order Detail. 36009004 stands for many mistakes, and the page says not
to go by the number alone: its message is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from bridge.connectors.tiktok.protocol import Answer
from bridge.domain.outcomes import AlreadyDone, Failure, Outcome, Reauth, Rejected, Retry, Unknown


class Kind(Enum):
    REAUTH = auto()
    REJECTED = auto()
    LOOK = auto()
    """The state moved on: look again, and believe what the look shows."""
    RETRY = auto()
    THROTTLED = auto()
    MAYBE = auto()
    """TikTok broke down while working: a write may have been done."""
    EXPIRED = auto()
    """The access token: refresh it and ask once more."""
    CLOCK = auto()
    VERSION = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    kind: Kind
    text: str
    after: float | None = None
    """Seconds to wait where TikTok does not say."""


_RECONNECT = "connect the TikTok Shop again"

MEANINGS: Mapping[int, Meaning] = {
    # common errors
    105002: Meaning(Kind.EXPIRED, f"TikTok does not take the access token; {_RECONNECT}"),
    105005: Meaning(
        Kind.REAUTH,
        "the app lacks a permission for this; enable Order Information and Return & Refund Basic for it in Partner "
        f"Center, then {_RECONNECT}",
    ),
    101000: Meaning(Kind.REAUTH, f"TikTok does not take the access token for this shop; {_RECONNECT}"),
    106001: Meaning(
        Kind.REAUTH,
        "TikTok refuses our signature: check the app secret of the connection, and that this machine's clock is right",
    ),
    106013: Meaning(Kind.REAUTH, f"TikTok misses the shop's cipher; {_RECONNECT}"),
    36009002: Meaning(Kind.THROTTLED, "TikTok asks us to slow down"),
    36009003: Meaning(Kind.MAYBE, "TikTok had an internal error"),
    36009007: Meaning(Kind.MAYBE, "TikTok ran out of time"),
    36009009: Meaning(Kind.VERSION, "TikTok no longer knows this operation; an update of this service may be needed"),
    36009010: Meaning(Kind.REJECTED, "TikTok does not take this method; an update of this service may be needed"),
    36009014: Meaning(
        Kind.VERSION, "TikTok retired this version of the operation; an update of this service is needed"
    ),
    36009022: Meaning(Kind.REJECTED, "TikTok does not take this content type; an update of this service may be needed"),
    36009023: Meaning(Kind.REJECTED, "TikTok does not take this content type; an update of this service may be needed"),
    36009033: Meaning(
        Kind.REAUTH, "this machine's address is not on the app's IP allow list; add it in Partner Center"
    ),
    36009037: Meaning(Kind.THROTTLED, "the hourly limit of a TikTok development shop is used up", after=600.0),
    36009043: Meaning(Kind.REAUTH, "TikTok says that the shop is not active; check it in Seller Center"),
    36009044: Meaning(Kind.REAUTH, "TikTok says that the seller is not active; check the account in Seller Center"),
    98001004: Meaning(Kind.REJECTED, "TikTok finds the request's parameters invalid"),
    # reading orders
    10002014: Meaning(Kind.RETRY, "TikTok could not read the order just now"),
    10002015: Meaning(Kind.RETRY, "TikTok could not read the order just now"),
    10037002: Meaning(Kind.RETRY, "TikTok could not read the order just now"),
    10037003: Meaning(Kind.RETRY, "TikTok could not read the order just now"),
    10037004: Meaning(Kind.RETRY, "TikTok could not read the order just now"),
    10006402: Meaning(Kind.REAUTH, f"the app may not read orders of this shop; {_RECONNECT}"),
    21008111: Meaning(Kind.REJECTED, "the order does not belong to this shop"),
    25007006: Meaning(Kind.REJECTED, "TikTok does not know the order"),
    # cancelling and answering requests
    11050001: Meaning(
        Kind.REJECTED, "TikTok does not take this cancellation; some markets refuse to cancel single lines"
    ),
    25001001: Meaning(Kind.REJECTED, "TikTok finds the request's parameters invalid"),
    25001003: Meaning(Kind.REJECTED, "the order's status does not allow this"),
    25001011: Meaning(Kind.LOOK, "a cancellation or return of this order exists already"),
    25001014: Meaning(Kind.REJECTED, "TikTok does not know this reason here; choose another in Cancellation sync"),
    25001015: Meaning(Kind.REJECTED, "a seller may not use this reason; choose another in Cancellation sync"),
    25001016: Meaning(Kind.REJECTED, "this reason is not meant for rejecting; choose one of those TikTok offers"),
    25001020: Meaning(Kind.REJECTED, "TikTok withdrew this reason; choose another in Cancellation sync"),
    25001021: Meaning(
        Kind.REJECTED, "this reason does not fit the order's status; list a fallback in Cancellation sync"
    ),
    25001028: Meaning(Kind.RETRY, "TikTok is busy with another change of this order"),
    25001045: Meaning(
        Kind.REJECTED,
        "the parcel is on its way and the courier cannot stop it; use a return or refund in Seller Center",
    ),
    25001046: Meaning(Kind.REJECTED, "TikTok's risk control stopped this; deal with the order in Seller Center"),
    25001051: Meaning(Kind.LOOK, "the order is completed or cancelled already"),
    25001057: Meaning(Kind.REJECTED, "this reason is not meant for rejecting; choose one of those TikTok offers"),
    25001058: Meaning(Kind.MAYBE, "TikTok could not load the order's data"),
    25005010: Meaning(Kind.REJECTED, "TikTok does not cancel single lines of this order; cancel it whole or by hand"),
    25005011: Meaning(Kind.LOOK, "some of these units are cancelled or under a return already"),
    25007002: Meaning(Kind.MAYBE, "TikTok could not reach its data"),
    25011011: Meaning(Kind.LOOK, "the buyer's request no longer waits for an answer"),
    25011012: Meaning(Kind.LOOK, "the buyer's request no longer waits for an answer"),
    25020003: Meaning(Kind.LOOK, "the buyer's request no longer waits for an answer"),
    25020004: Meaning(Kind.REJECTED, "this kind of request cannot be answered like this"),
    25020005: Meaning(
        Kind.REJECTED, "the app has no permission for this order; check its permissions in Partner Center"
    ),
    25020009: Meaning(Kind.LOOK, "it is cancelled already"),
    25020010: Meaning(Kind.REJECTED, "the request was approved already and cannot be rejected"),
}

_OTHER_REASON_MAY_DO = frozenset({25001014, 25001015, 25001020, 25001021})


def other_reason_may_do(code: str) -> bool:
    """Whether a refused cancel may be accepted with another reason that the merchant listed."""
    return code.isdigit() and int(code) in _OTHER_REASON_MAY_DO


def _overloaded(message: str) -> Meaning:
    """36009004 by its message."""
    text = message.lower()
    if "version" in text:
        return Meaning(Kind.VERSION, "TikTok does not offer this version of the operation here")
    if "page_token" in text or "page token" in text:
        return Meaning(Kind.RETRY, "TikTok's place in the list ran out; the list is read again")
    if "timestamp" in text:
        return Meaning(Kind.CLOCK, "TikTok finds our time wrong")
    if "cipher" in text:
        return Meaning(Kind.REAUTH, f"TikTok does not take the shop's cipher; {_RECONNECT}")
    if "token" in text:
        return MEANINGS[105002]
    if "app_key" in text or "app key" in text:
        return Meaning(Kind.REAUTH, "TikTok does not know the app key; check it in the connection")
    if "sign" in text:
        return MEANINGS[106001]
    return Meaning(Kind.REJECTED, "TikTok does not understand the request; an update of this service may be needed")


def meaning(answer: Answer) -> Meaning:
    """What an answer that is no success means. HTTP 429 says it whatever its body (Partner Center, "Rate limits")."""
    if answer.code == 36009037:
        return MEANINGS[36009037]
    if answer.status == 429:
        return MEANINGS[36009002]
    if answer.code == 36009004:
        return _overloaded(answer.message)
    if answer.code is not None and answer.code in MEANINGS:
        return MEANINGS[answer.code]
    if answer.status == 503:
        return Meaning(Kind.RETRY, "TikTok is overloaded")
    if answer.code is None and answer.status in {401, 403}:
        return Meaning(Kind.REAUTH, f"TikTok's server refuses us with HTTP {answer.status}; {_RECONNECT}")
    if answer.status >= 500 or (answer.code is None and answer.status < 400):
        return Meaning(Kind.MAYBE, f"TikTok's server answered HTTP {answer.status} with nothing we can read")
    return Meaning(Kind.REJECTED, "TikTok refuses this for a reason not in its documentation")


def _words(found: Meaning, answer: Answer, skew: float | None) -> str:
    parts = [found.text]
    if found.kind is Kind.CLOCK and skew is not None:
        side = "ahead of" if skew > 0 else "behind"
        parts.append(f"this machine's clock is {abs(skew):.0f} s {side} TikTok's: set it right (NTP)")
    told = [f"code {answer.code}"] if answer.code is not None else []
    told += [f"“{answer.message}”"] if answer.message and found.kind is not Kind.THROTTLED else []
    told += [f"request {answer.request_id}"] if answer.request_id else []
    return "; ".join(parts) + (f" (TikTok: {', '.join(told)})" if told else "")


def _adjusted(found: Meaning, skew: float | None) -> Meaning:
    """A signature or time refused while the clocks differ is the clock's fault, and mends itself with it."""
    wrong_clock = skew is not None and not -270 <= skew <= 25
    if found.kind is Kind.CLOCK or (found is MEANINGS[106001] and wrong_clock):
        return Meaning(Kind.CLOCK, "TikTok finds our time wrong", after=60.0)
    return found


def read_failure(answer: Answer, skew: float | None = None, backoff: float | None = None) -> Failure:
    """What a failed read comes to. `skew`: our clock less TikTok's, in seconds; `backoff`: our wait when throttled."""
    found = _adjusted(meaning(answer), skew)
    words, after = _words(found, answer, skew), answer.retry_after or found.after
    code = "" if answer.code is None else str(answer.code)
    match found.kind:
        case Kind.REAUTH | Kind.EXPIRED:
            return Reauth(words)
        case Kind.THROTTLED:
            return Retry(words, after or backoff, throttled=True)
        case Kind.CLOCK:
            return Retry(words, after, needs_person=True)
        case Kind.RETRY | Kind.MAYBE:
            return Retry(words, after)
        case Kind.REJECTED | Kind.LOOK | Kind.VERSION:
            return Rejected(words, code)


def write_outcome(answer: Answer, skew: float | None = None, backoff: float | None = None) -> Outcome:
    """What a failed write comes to. After a breakdown of TikTok's nobody knows whether it was done."""
    found = _adjusted(meaning(answer), skew)
    if found.kind is Kind.LOOK:
        return AlreadyDone(f"{_words(found, answer, skew)}; look again")
    if found.kind is Kind.MAYBE:
        return Unknown(_words(found, answer, skew))
    return read_failure(answer, skew, backoff)


def is_expired(answer: Answer) -> bool:
    return not answer.is_success and meaning(answer).kind is Kind.EXPIRED


def is_version(answer: Answer) -> bool:
    """Whether another version of the operation may do."""
    return not answer.is_success and meaning(answer).kind is Kind.VERSION
