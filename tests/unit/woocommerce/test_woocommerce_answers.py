from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.connectors.woocommerce.answers import Answer, is_absent, read_answer, read_problem, write_problem
from bridge.domain.outcomes import Reauth, Rejected, Retry, Unknown

PAGE = b"<!doctype html><title>Robin Sample, robin@example.com</title>"


def answer(status: int, body: Any, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def error(code: str, message: str = "No.") -> dict[str, Any]:
    return {"code": code, "message": message, "data": {"status": 401}}


@pytest.mark.parametrize(
    ("given", "read", "write"),
    [
        (answer(401, error("woocommerce_rest_cannot_view")), Reauth, Reauth),
        (answer(403, error("woocommerce_rest_cannot_create")), Reauth, Reauth),
        (answer(401, error("woocommerce_rest_authentication_error")), Reauth, Reauth),
        (answer(401, PAGE), Reauth, Reauth),
        (answer(403, PAGE), Retry, Retry),
        (answer(403, error("wordfence_blocked")), Retry, Retry),
        (answer(429, PAGE, Retry_After="7"), Retry, Retry),
        (answer(503, PAGE, Retry_After="600"), Retry, Retry),
        (answer(503, PAGE), Retry, Unknown),
        (answer(502, PAGE), Retry, Unknown),
        (answer(504, PAGE), Retry, Unknown),
        (answer(500, error("internal_server_error")), Retry, Unknown),
        (answer(408, PAGE), Retry, Unknown),
        (answer(200, PAGE), Retry, Unknown),
        (answer(200, b""), Retry, Unknown),
        (answer(404, PAGE), Retry, Retry),
        (answer(404, error("rest_no_route")), Rejected, Rejected),
        (answer(404, error("woocommerce_rest_shop_order_invalid_id")), Rejected, Rejected),
        (answer(400, error("rest_invalid_param")), Rejected, Rejected),
        (answer(301, b"", Location="https://www.shop.example/"), Rejected, Rejected),
    ],
)
def test_each_answer_has_its_outcome(given: Answer, read: type, write: type) -> None:
    assert not given.is_ok
    assert isinstance(read_problem(given).outcome, read)
    assert isinstance(write_problem(given), write)
    assert "robin" not in f"{read_problem(given)} {write_problem(given)!r} {given!r}".lower()


def test_an_order_is_absent_only_where_woocommerce_itself_says_so() -> None:
    assert is_absent(answer(404, error("woocommerce_rest_shop_order_invalid_id")))
    assert not is_absent(answer(404, PAGE))
    assert not is_absent(answer(404, error("rest_no_route")))
    assert not is_absent(answer(200, error("woocommerce_rest_shop_order_invalid_id")))


def test_waits_are_told_in_seconds_or_as_a_date() -> None:
    outcome = read_problem(answer(503, PAGE, Retry_After="600")).outcome
    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.throttled) == (600.0, True)
    dated = read_problem(answer(429, b"", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")).outcome
    assert isinstance(dated, Retry)
    assert dated.after == 0.0
    silent = read_problem(answer(429, b"", Retry_After="soon")).outcome
    assert isinstance(silent, Retry)
    assert silent.after is None


def test_a_firewall_is_for_a_person_and_a_key_says_what_to_do() -> None:
    firewall = read_problem(answer(403, PAGE)).outcome
    assert isinstance(firewall, Retry)
    assert firewall.needs_person
    for code in ("woocommerce_rest_cannot_view", "woocommerce_rest_authentication_error"):
        assert "Read/Write" in read_problem(answer(401, error(code))).outcome.because


def test_a_byte_order_mark_before_the_answer_is_read_over() -> None:
    assert answer(200, b"\xef\xbb\xbf" + b'{"id": 7}').body == {"id": 7}


def test_warnings_of_php_before_an_order_are_no_order() -> None:
    assert answer(200, b"<br /><b>Warning</b>: x\n" + b'{"id": 7}').body is None


def test_an_error_with_200_is_no_order() -> None:
    assert not answer(200, error("woocommerce_rest_cannot_view")).is_ok
