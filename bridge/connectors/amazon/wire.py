"""Selling Partner API calls and their answers, and the outcome each answer stands for. No I/O.

Amazon answers errors as a list of code, message and details (`definitions.Error` of its models), with any status. What
it says of a refused order may hold the buyer's address, so only code and message are passed on, and those without what
we sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bridge.domain.outcomes import Failure, Outcome, Reauth, Rejected, RemoteProblem, Retry, Unknown

_SHOWN: Final = 400
_DEFAULT_WAIT: Final = 2.0
_NO_ORDER: Final = re.compile(r"not found|does ?n[o']t exist|no (fulfil\w+ )?order|unknown order", re.IGNORECASE)
_TOKEN: Final = re.compile(r"token", re.IGNORECASE)


class NotReached(Exception):
    """The call never arrived: no connection was made, so nothing was sent."""


class CutOff(Exception):
    """The call was sent, or may have been, and no whole answer came back."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, without its token."""

    method: Literal["GET", "PUT", "POST"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is None where it is no JSON object."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Mapping[str, Any] | None = field(repr=False)

    @property
    def errors(self) -> tuple[Mapping[str, Any], ...]:
        given = self.body.get("errors") if self.body else None
        return tuple(one for one in given if isinstance(one, dict)) if isinstance(given, list) else ()

    @property
    def code(self) -> str:
        return next((str(one["code"]) for one in self.errors if one.get("code")), f"http_{self.status}")

    @property
    def said(self) -> str:
        told = "; ".join(dict.fromkeys(_words(one) for one in self.errors))
        return told or f"HTTP {self.status}"

    @property
    def is_ok(self) -> bool:
        """A success may still carry errors (both models allow it): then it is none."""
        return 200 <= self.status < 300 and self.body is not None and not self.errors


def read_answer(status: int, headers: Mapping[str, str], raw: bytes) -> Answer:
    low = {name.lower(): value for name, value in headers.items()}
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        body = None
    return Answer(status, low, body if isinstance(body, dict) else None)


def is_stale(answer: Answer) -> bool:
    """The access token may have ended a moment ago. Amazon says so with 401, or with 403 and words about the token,
    which stand in the details.
    """
    return answer.status == 401 or (answer.status == 403 and any(map(_is_about_token, answer.errors)))


def _is_about_token(error: Mapping[str, Any]) -> bool:
    return _TOKEN.search(f"{error.get('message')} {error.get('details')}") is not None


def is_missing(answer: Answer) -> bool:
    """There is no such order. What Amazon answers then is told nowhere: 404, or a 400 that says so [not confirmed]."""
    return answer.status == 404 or (answer.status == 400 and _NO_ORDER.search(answer.said) is not None)


def nothing_done(answer: Answer) -> Failure | None:
    """Answers that say that nothing was done, on reads and writes alike."""
    if answer.status == 429:
        return Retry("Amazon asks to slow down: its quota is used up", _wait(answer), throttled=True)
    if is_stale(answer):
        return Reauth(
            f"Amazon does not take the access token ({answer.said}): authorize the app again in Seller Central and "
            "connect with the new refresh token"
        )
    if answer.status == 403:
        return Reauth(
            f"Amazon does not allow the app to do this ({answer.said}): give it the role Amazon Fulfillment, authorize "
            "it again in Seller Central, and connect with the new refresh token"
        )
    if 300 <= answer.status < 400:
        return Rejected("Amazon answers with a redirect: connect with the address of the seller's region", "redirected")
    if 400 <= answer.status < 500:
        return Rejected(f"Amazon refuses the call: {answer.said}", answer.code)
    if 200 <= answer.status < 300 and answer.errors:
        return Rejected(f"Amazon refuses the call: {answer.said}", answer.code)
    return None


def read_problem(answer: Answer) -> RemoteProblem:
    """A read that failed. Reads change nothing, so what may pass by itself is tried again."""
    return RemoteProblem(nothing_done(answer) or Retry(f"Amazon failed: {answer.said}", _wait(answer, None)))


def write_problem(answer: Answer) -> Outcome:
    """A write that was not plainly answered."""
    return nothing_done(answer) or Unknown(f"Amazon failed in the middle: {answer.said}")


def told_rate(answer: Answer) -> float | None:
    """Calls a second that Amazon grants this account and app; None where it does not say."""
    try:
        rate = float(answer.headers.get("x-amzn-ratelimit-limit", ""))
    except ValueError:
        return None
    return rate if 0.001 <= rate <= 1000 else None


def without(text: str, private: Iterable[str]) -> str:
    """A text of Amazon's with everything taken out that came from us about a person."""
    for one in sorted({one.strip() for one in private if len(one.strip()) > 1}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return text


def rows_in(value: object, what: str) -> Sequence[Mapping[str, Any]]:
    """A list of objects, empty where it is absent. Raises `RemoteProblem`."""
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    raise odd(f"{what} is not a list of objects")


def odd(what: str) -> RemoteProblem:
    return RemoteProblem(Rejected(f"Amazon's answer cannot be read: {what}", code="shape"))


def _wait(answer: Answer, default: float | None = _DEFAULT_WAIT) -> float | None:
    """What `Retry-After` says, else the time in which one call comes back."""
    try:
        return max(0.0, float(answer.headers.get("retry-after", "")))
    except ValueError:
        rate = told_rate(answer)
        return default if rate is None else 1 / rate


def _words(error: Mapping[str, Any]) -> str:
    line = " ".join(f"{error.get('code') or 'error'}: {error.get('message') or 'no reason given'}".split())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
