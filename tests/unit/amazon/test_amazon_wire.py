"""Every answer is one outcome; nothing sent and unanswered is ever called undone; nothing private is passed on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.connectors.amazon.protocol import encoded, is_id
from bridge.connectors.amazon.wire import (
    Answer,
    is_missing,
    is_stale,
    nothing_done,
    read_answer,
    read_problem,
    told_rate,
    without,
    write_problem,
)
from bridge.domain.outcomes import Reauth, Rejected, Retry, Unknown


def answer(status: int, *errors: tuple[str, str], headers: dict[str, str] | None = None, body: Any = None) -> Answer:
    told = {"errors": [{"code": code, "message": text, "details": "secret address"} for code, text in errors]}
    raw = json.dumps(body if body is not None else told if errors else {}).encode()
    return read_answer(status, headers or {}, raw)


EXPIRED = ("Unauthorized", "The access token you provided has expired.")
DENIED = ("Unauthorized", "Access to requested resource is denied.")


@pytest.mark.parametrize(
    ("given", "read", "write"),
    [
        (answer(400, ("InvalidInput", "no such thing")), Rejected, Rejected),
        (answer(401, EXPIRED), Reauth, Reauth),
        (answer(403, EXPIRED), Reauth, Reauth),
        (answer(403, DENIED), Reauth, Reauth),
        (answer(404, ("NotFound", "gone")), Rejected, Rejected),
        (answer(413, ("TooLarge", "large")), Rejected, Rejected),
        (answer(429, ("QuotaExceeded", "You exceeded your quota")), Retry, Retry),
        (answer(500, ("InternalFailure", "oh")), Retry, Unknown),
        (answer(503, ("ServiceUnavailable", "later")), Retry, Unknown),
        (answer(302), Rejected, Rejected),
        (answer(200, ("InvalidInput", "errors in a success")), Rejected, Rejected),
        (read_answer(200, {}, b"<html>"), Retry, Unknown),
        (read_answer(502, {}, b"<html>"), Retry, Unknown),
    ],
)
def test_every_answer_is_one_outcome(given: Answer, read: type, write: type) -> None:
    assert not given.is_ok
    assert isinstance(read_problem(given).outcome, read)
    assert isinstance(write_problem(given), write)
    assert "secret" not in str(read_problem(given))


@pytest.mark.parametrize("given", [answer(200), answer(202), read_answer(200, {}, b""), read_answer(204, {}, b" ")])
def test_a_success_is_one_with_an_empty_body_too(given: Answer) -> None:
    assert given.is_ok


def test_a_token_that_ended_is_told_from_a_role_that_is_lacking() -> None:
    assert is_stale(answer(401))
    assert is_stale(answer(403, EXPIRED))
    assert not is_stale(answer(403, DENIED))
    in_details = {"code": "Unauthorized", "message": DENIED[1], "details": "The access token you provided has expired."}
    assert is_stale(answer(403, body={"errors": [in_details]}))
    refused = nothing_done(answer(403, DENIED))
    assert refused is not None
    assert "Amazon Fulfillment" in refused.because


def test_an_order_that_is_not_there_is_told_from_a_bad_question() -> None:
    assert is_missing(answer(404))
    assert is_missing(answer(400, ("InvalidInput", "Fulfillment order TT-1 does not exist")))
    assert not is_missing(answer(400, ("InvalidInput", "queryStartDate is malformed")))
    assert not is_missing(answer(403, ("Unauthorized", "not found")))


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"x-amzn-RateLimit-Limit": "0.5"}, 2.0),
        ({"Retry-After": "3", "x-amzn-RateLimit-Limit": "0.5"}, 3.0),
        ({"Retry-After": "tomorrow"}, 2.0),
        ({}, 2.0),
    ],
)
def test_a_quota_that_is_used_up_is_waited_for_by_everybody(headers: dict[str, str], after: float) -> None:
    outcome = nothing_done(answer(429, ("QuotaExceeded", "You exceeded your quota"), headers=headers))
    assert isinstance(outcome, Retry)
    assert outcome.throttled
    assert outcome.after == after


@pytest.mark.parametrize(("told", "rate"), [("2.0", 2.0), ("0.0", None), ("nan", None), ("many", None), ("1e9", None)])
def test_the_rate_that_amazon_tells(told: str, rate: float | None) -> None:
    assert told_rate(answer(200, headers={"X-Amzn-RateLimit-Limit": told})) == rate


def test_what_we_sent_about_a_person_does_not_come_back_in_a_reason() -> None:
    told = "Address 'Robin Sample, 1 Main St, AUSTIN' is invalid for Austinite in TX"
    private = ["Robin Sample", "1 Main St", "Austin", "TX", "", " "]
    assert without(told, private) == "Address '…, …, …' is invalid for Austinite in …"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("TT-1", True), ("5" * 40, True), ("5" * 41, False), ("", False), ("..", False), ("a\nb", False), ("a/b", True)],
)
def test_what_can_be_an_id(text: str, is_one: bool) -> None:
    assert is_id(text) == is_one


def test_an_id_is_one_segment_whatever_stands_in_it() -> None:
    assert encoded("a/b?c#d é") == "a%2Fb%3Fc%23d%20%C3%A9"
