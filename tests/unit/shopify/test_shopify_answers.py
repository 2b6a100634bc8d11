from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.connectors.shopify.answers import (
    cancel_refused,
    cost_of,
    create_refused,
    read_answer,
    read_problem,
    refund_refused,
    write_problem,
)
from bridge.connectors.shopify.client import Points
from bridge.domain.outcomes import AlreadyDone, Reauth, Rejected, Retry, Unknown

COST = {
    "cost": {
        "requestedQueryCost": 752,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 1000.0, "currentlyAvailable": 252, "restoreRate": 50.0},
    }
}
THROTTLED = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": COST}


def answer(status: int, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(status, headers, raw)


@pytest.mark.parametrize("status", [200, 429])
def test_throttled_is_told_both_ways_and_waits_until_the_points_are_there(status: int) -> None:
    given = answer(status, THROTTLED)
    for outcome in (write_problem(given), read_problem(given).outcome):
        assert isinstance(outcome, Retry)
        assert outcome.throttled
        assert outcome.after == pytest.approx(10.0)


def test_429_without_a_body_waits_as_its_header_says() -> None:
    outcome = write_problem(answer(429, b"", **{"Retry-After": "3.5"}))
    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.throttled) == (3.5, True)


def denied(code: str) -> dict[str, Any]:
    return {"errors": [{"message": "no", "extensions": {"code": code}}], "data": None}


@pytest.mark.parametrize(
    ("status", "body", "read", "write"),
    [
        (401, {"errors": "[API] Invalid API key or access token"}, Reauth, Reauth),
        (403, {"errors": "forbidden"}, Reauth, Reauth),
        (200, denied("ACCESS_DENIED"), Reauth, Reauth),
        (402, {"errors": "unavailable"}, Reauth, Reauth),
        (404, {"errors": "Not Found"}, Rejected, Rejected),
        (301, b"", Rejected, Rejected),
        (200, denied("undefinedField"), Rejected, Rejected),
        (200, denied("INTERNAL_SERVER_ERROR"), Retry, Unknown),
        (500, b"<html>", Retry, Unknown),
        (502, b"", Retry, Unknown),
        (503, b"", Retry, Unknown),
        (200, b"<html>", Retry, Unknown),
        (200, {"data": {"orderCancel": None}, "errors": [{"message": "half"}]}, Retry, Unknown),
        (200, b"[" * 100_000, Retry, Unknown),
    ],
)
def test_an_answer_becomes_one_outcome(status: int, body: Any, read: type, write: type) -> None:
    given = answer(status, body)
    assert type(read_problem(given).outcome) is read
    assert type(write_problem(given)) is write


def test_nothing_sent_and_unclear_is_ever_called_undone() -> None:
    for status in range(500, 600):
        assert isinstance(write_problem(answer(status, b"")), Unknown)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("NOT_FOUND", Rejected),
        ("INVALID", Rejected),
        ("NO_REFUND_PERMISSION", Rejected),
        ("INTERNAL_ERROR", Unknown),
        ("SOMETHING_NEW", Rejected),
    ],
)
def test_a_refused_cancel(code: str, wanted: type) -> None:
    assert type(cancel_refused([{"code": code, "message": "words"}])) is wanted


def test_a_taken_metafield_means_that_the_order_is_there() -> None:
    taken = [{"code": "INVALID", "message": "Value has already been taken"}]
    assert isinstance(create_refused(taken), AlreadyDone)
    assert isinstance(create_refused([{"code": "INVENTORY_CLAIM_FAILED", "message": "no stock"}]), Rejected)
    assert isinstance(refund_refused([{"message": "Quantity is too large"}]), Rejected)


def test_points_fill_up_by_the_clock() -> None:
    now = [0.0]
    points = Points(lambda: now[0])
    assert points.wait("any") == 0
    cost = cost_of(answer(200, THROTTLED))
    assert cost is not None
    points.told("big", cost)
    assert points.wait("big") == pytest.approx(10.0)
    assert points.wait("never asked before") == 0
    now[0] = 4.0
    assert points.wait("big") == pytest.approx(6.0)
    now[0] = 100.0
    assert points.wait("big") == 0


@pytest.mark.parametrize("cost", [{}, {"cost": 1}, {"cost": {"throttleStatus": {"restoreRate": "x"}}}])
def test_a_cost_that_cannot_be_read_is_none(cost: Any) -> None:
    assert cost_of(answer(200, {"data": {}, "extensions": cost})) is None
