from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin_contract.inventory import (
    REQUEST_HEADER,
    RESULT_HEADER,
    Call,
    Outcome,
    ReservationResult,
    UnreadableResult,
    read_result,
    request_headers,
)

VERSIONS = Path(__file__).parents[2] / "recordings" / "magento" / "versions"
SUCCESS = '{"order_id":"TT-1","status":"success","method":"sendSalesEvent","message":"OK"}'


def test_the_header_belongs_on_the_create() -> None:
    assert request_headers(Call.CREATE) == {"as-inventory-behaviour": "decrement"}


def test_the_invoice_repairs_only_an_order_known_to_be_unreserved() -> None:
    assert request_headers(Call.INVOICE) == {}
    assert request_headers(Call.INVOICE, known_unreserved=True) == {"as-inventory-behaviour": "decrement"}


@pytest.mark.parametrize("call", sorted(set(Call) - {Call.CREATE, Call.INVOICE}))
@pytest.mark.parametrize("known_unreserved", [True, False])
def test_no_other_call_carries_it(call: Call, known_unreserved: bool) -> None:
    assert request_headers(call, known_unreserved=known_unreserved) == {}


@pytest.mark.parametrize(("tag", "present"), [("no_plugin", False), ("1.0.20", False), ("1.0.21", True)])
def test_the_recorded_creates(tag: str, present: bool) -> None:
    recorded = json.loads((VERSIONS / tag / "order_create_decrement.json").read_text())
    assert recorded["request"]["headers"][REQUEST_HEADER] == "decrement"
    result = read_result(recorded["response"]["headers"])
    assert (result is not None) is present
    if result is not None:
        assert (result.outcome, result.reserved, result.method) == (Outcome.SUCCESS, True, "sendSalesEvent")
        assert result.order_id == json.loads(recorded["response"]["body"])["increment_id"]


@pytest.mark.parametrize(
    ("value", "outcome", "reserved"),
    [
        (SUCCESS, Outcome.SUCCESS, True),
        (SUCCESS.replace("success", "failed"), Outcome.FAILED, False),
        (SUCCESS.replace("success", "not_executed"), Outcome.NOT_EXECUTED, False),
        (SUCCESS.replace("success", "partly"), Outcome.UNKNOWN, None),
        (SUCCESS.replace("success", "unknown"), Outcome.UNKNOWN, None),
        ('{"order_id":null,"status":"success"}', Outcome.SUCCESS, True),
    ],
)
def test_the_status_decides(value: str, outcome: Outcome, reserved: bool | None) -> None:
    result = read_result({RESULT_HEADER.lower(): value})
    assert result is not None
    assert (result.outcome, result.reserved) == (outcome, reserved)


def test_an_unknown_status_is_kept_as_it_came() -> None:
    result = read_result({RESULT_HEADER: SUCCESS.replace("success", "partly")})
    assert result == ReservationResult(order_id="TT-1", status="partly", method="sendSalesEvent", message="OK")


@pytest.mark.parametrize("headers", [{}, {RESULT_HEADER: ""}, {"X-Other": SUCCESS}])
def test_absent_is_none(headers: dict[str, str]) -> None:
    assert read_result(headers) is None


@pytest.mark.parametrize("value", ["success", "[]", "null", "{}", '{"status":null}', '{"status":', "[" * 50_000])
def test_unreadable_is_named(value: str) -> None:
    with pytest.raises(UnreadableResult):
        read_result({RESULT_HEADER: value})
