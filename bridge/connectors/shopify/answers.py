"""Shopify's answers and errors, and the outcome each one stands for. No I/O.

GraphQL answers 200 with `data`, `errors`, or both; what a mutation refuses stands in its own list of user errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.domain.outcomes import AlreadyDone, Failure, Outcome, Reauth, Rejected, RemoteProblem, Retry, Unknown

_SHOWN: Final = 600
_DEFAULT_WAIT: Final = 2.0
_NOT_ALLOWED: Final = frozenset({"ACCESS_DENIED"})
_PASSING: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})


class NotReached(Exception):
    """The call never arrived: no connection was made, so nothing was sent."""


class CutOff(Exception):
    """The call was sent, or may have been, and no whole answer came back."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call cost, and what is left of the shop's points."""

    requested: float
    maximum: float
    available: float
    restore: float
    """Points a second."""

    def wait(self, needed: float) -> float:
        """Seconds until so many points are there."""
        return max(0.0, (min(needed, self.maximum) - self.available) / self.restore) if self.restore > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is None where it is no JSON object."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Mapping[str, Any] | None = field(repr=False)

    @property
    def errors(self) -> tuple[Mapping[str, Any], ...]:
        """Top-level errors; Shopify also writes a plain text there (401, 404)."""
        given = self.body.get("errors") if self.body else None
        if isinstance(given, str):
            return ({"message": given},)
        return tuple(one for one in given if isinstance(one, dict)) if isinstance(given, list) else ()

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(
            str(one["extensions"].get("code", "")) for one in self.errors if isinstance(one.get("extensions"), dict)
        )

    @property
    def data(self) -> Mapping[str, Any] | None:
        given = self.body.get("data") if self.body else None
        return given if isinstance(given, dict) else None

    @property
    def said(self) -> str:
        told = "; ".join(dict.fromkeys(str(one.get("message") or "") for one in self.errors))
        return _flat(told) or f"HTTP {self.status}"

    @property
    def is_ok(self) -> bool:
        return self.status == 200 and self.data is not None and not self.errors


def read_answer(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    low = {name.lower(): value for name, value in headers.items()}
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    return Answer(status, low, body if isinstance(body, dict) else None)


def cost_of(answer: Answer) -> Cost | None:
    """None where the answer tells no cost."""
    extensions = answer.body.get("extensions") if answer.body else None
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    status = cost.get("throttleStatus") if isinstance(cost, dict) else None
    if not isinstance(cost, dict) or not isinstance(status, dict):
        return None
    try:
        return Cost(
            float(cost.get("requestedQueryCost") or 0),
            float(status["maximumAvailable"]),
            float(status["currentlyAvailable"]),
            float(status["restoreRate"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def nothing_done(answer: Answer) -> Failure | None:
    """Answers that say that nothing was done, on reads and writes alike."""
    if answer.status == 429 or "THROTTLED" in answer.codes:
        # Whether Shopify throttles with 200 or with 429 is told both ways, so both count.
        cost = cost_of(answer)
        after = cost.wait(cost.requested) if cost else _header_wait(answer)
        return Retry("Shopify asks to slow down: the shop's points are used up", max(after, 0.1), throttled=True)
    if answer.status == 401:
        return Reauth(
            f"Shopify does not take the access token ({answer.said}). The app was uninstalled or its secret was "
            "changed: connect the shop again."
        )
    if answer.codes & _NOT_ALLOWED or answer.status == 403:
        return Reauth(
            f"Shopify does not allow the app to do this ({answer.said}). Grant the missing scope in the app's "
            "configuration, release a version of it, and connect the shop again."
        )
    if answer.status == 402:
        return Reauth("Shopify has frozen the shop until its bill is paid (HTTP 402)")
    if answer.status == 423:
        return Reauth("Shopify has locked the shop (HTTP 423): its owner has to ask Shopify why")
    if answer.status == 404:
        return Rejected("There is no Shopify shop at this address, or not this version of its API", "not_found")
    if 300 <= answer.status < 400:
        return Rejected("Shopify answers with a redirect: connect with the …myshopify.com address", "redirected")
    if answer.status == 200 and answer.body is not None and answer.errors and answer.data is None:
        if answer.codes & _PASSING:
            return None  # nobody knows how far it came
        return Rejected(f"Shopify refuses the call: {answer.said}", next(iter(sorted(answer.codes)), "refused"))
    if 400 <= answer.status < 500:
        return Rejected(f"Shopify refuses the call: {answer.said}", f"http_{answer.status}")
    return None


def read_problem(answer: Answer) -> RemoteProblem:
    """A read that failed. Reads change nothing, so what may pass by itself is tried again."""
    return RemoteProblem(nothing_done(answer) or Retry(f"Shopify failed: {answer.said}", _header_wait(answer, None)))


def write_problem(answer: Answer) -> Outcome:
    """A write that was not plainly answered."""
    return nothing_done(answer) or Unknown(f"Shopify failed in the middle: {answer.said}")


def _header_wait(answer: Answer, default: float | None = _DEFAULT_WAIT) -> Any:
    value = answer.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        return default


# --- what a mutation refuses ------------------------------------------------------------------------------------------

_NO_REFUND: Final = "NO_REFUND"


def told_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    return _flat("; ".join(str(one.get("message") or one.get("code") or "no reason given") for one in errors))


def cancel_refused(errors: Sequence[Mapping[str, Any]]) -> Outcome:
    """`orderCancelUserErrors`, or the errors a cancel's job ended with.

    The texts for "already cancelled" and "fulfilled" are documented nowhere: what the order shows decides, not they.
    """
    codes = {str(one.get("code") or "") for one in errors}
    told = told_errors(errors)
    if "INTERNAL_ERROR" in codes:
        return Unknown(f"Shopify failed while cancelling: {told}")
    if "NOT_FOUND" in codes:
        return Rejected(f"Shopify does not find the order: {told}", "not_found")
    if any(code.startswith(_NO_REFUND) for code in codes):
        return Rejected(
            f"The app may not refund: {told}. Give it the permission to refund orders, or cancel the order by hand.",
            "no_refund",
        )
    return Rejected(f"Shopify refuses to cancel the order: {told}", next(iter(sorted(codes)), "") or "refused")


def refund_refused(errors: Sequence[Mapping[str, Any]]) -> Outcome:
    """`refundCreate.userErrors`: texts without codes."""
    return Rejected(f"Shopify refuses the refund: {told_errors(errors)}", "refused")


def create_refused(errors: Sequence[Mapping[str, Any]]) -> Outcome:
    codes = {str(one.get("code") or "") for one in errors}
    told = told_errors(errors)
    if "INVENTORY_CLAIM_FAILED" in codes:
        return Rejected(f"Shopify could not take the order's stock: {told}", "INVENTORY_CLAIM_FAILED")
    if "SHOP_DORMANT" in codes:
        return Reauth(f"The Shopify shop is dormant: {told}")
    if any(word in told.lower() for word in ("already been taken", "already exists", "must be unique")):
        # The unique metafield: an order for this sale is there.
        return AlreadyDone(f"Shopify has an order for this sale already: {told}")
    return Rejected(f"Shopify refuses the order: {told}", next(iter(sorted(codes)), "") or "refused")


def _flat(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
