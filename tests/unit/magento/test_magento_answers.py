from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.connectors.magento.answers import (
    Absent,
    Answer,
    Write,
    is_absent,
    is_application_error,
    is_nonce_used,
    message_of,
    read_problem,
    retry_after,
    write_outcome,
)
from bridge.domain.outcomes import AlreadyDone, Done, Reauth, Rejected, Retry, Unknown
from tests.unit.magento.recorded import answer, every_exchange

JSON = {"content-type": "application/json; charset=utf-8"}
HTML = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("name", "write", "kind", "says"),
    [
        ("orders/order_create_duplicate_increment_id", Write.CREATE, AlreadyDone, "number"),
        ("orders/order_create_duplicate_increment_id_decrement", Write.CREATE, AlreadyDone, "number"),
        ("orders/order_create_empty", Write.CREATE, Rejected, "Please provide payment"),
        ("invoices/invoice_second_refused", Write.INVOICE, AlreadyDone, "does not allow an invoice"),
        ("refunds/refund_order_double", Write.REFUND, AlreadyDone, "closed"),
        ("refunds/refund_order_double_items", Write.REFUND, AlreadyDone, "Less is left"),
        ("refunds/refund_order_on_hold", Write.REFUND, Rejected, "on hold"),
        ("refunds/refund_order_not_invoiced", Write.REFUND, Rejected, "no invoice"),
        ("refunds/refund_order_unknown", Write.REFUND, Rejected, "does not find"),
        ("refunds/refund_order_restock_unknown_item", Write.REFUND, Rejected, '"SKU-A" product is not part'),
        ("refunds/refund_order_shipping_too_high", Write.REFUND, Rejected, "is: $0.00"),
        ("refunds/refund_configurable_rows_fails", Write.REFUND, Unknown, "hides the cause"),
        ("refunds/refund_order_bad_token", Write.REFUND, Reauth, "Magento_Sales::creditmemo"),
        ("refunds/refund_order_no_permission", Write.REFUND, Reauth, "Magento_Sales::creditmemo"),
        ("refunds/maintenance_refund", Write.REFUND, Retry, "maintenance"),
        ("versions/1.0.25/refund_order_partial_restock", Write.REFUND, Unknown, "in the middle"),
        ("webhooks/webhook_register_bad_unknown_field", Write.REGISTER, Unknown, "Report ID"),
        ("webhooks/webhook_register_bad_missing_topic", Write.REGISTER, Rejected, "necessary parameters"),
        ("webhooks/webhook_register_no_permission", Write.REGISTER, Reauth, "Magento_Backend::store"),
        ("versions/no_plugin/webhook_register_creditmemos", Write.REGISTER, Rejected, "does not have this call"),
        ("oauth/oauth_5_bad_signature", Write.REFUND, Reauth, "offloader"),
        ("oauth/oauth_5_nonce_replayed", Write.REFUND, Retry, "nonce"),
        ("oauth/oauth_5_hmac_sha1", Write.REFUND, Reauth, "HMAC-SHA1"),
        ("oauth/oauth_6_old_token_after_reauthorize", Write.REFUND, Reauth, "connect it again"),
    ],
)
def test_a_recorded_refusal_of_a_write_has_its_meaning(name: str, write: Write, kind: type, says: str) -> None:
    outcome = write_outcome(answer(name), write)
    assert type(outcome) is kind
    assert not isinstance(outcome, Done)
    assert says in outcome.because


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("refunds/maintenance_get", Retry, "maintenance"),
        ("orders/orders_search_bad_field", Retry, "webapi-6b0244634d73c"),
        ("orders/orders_search_no_criteria", Rejected, '"searchCriteria" is required'),
        ("orders/order_get_unknown", Rejected, "doesn't exist"),
        ("stock/stock_salable_quantity_unknown_sku", Retry, "HTTP 500"),
        ("version/no_token", Reauth, "Magento_Backend::store"),
        ("version/bad_token", Reauth, "Magento_Backend::store"),
        ("version/bearer_not_allowed", Reauth, "standalone bearer"),
        ("version/version_report_no_permission", Reauth, "Magento_Backend::store"),
    ],
)
def test_a_recorded_refusal_of_a_read_has_its_meaning(name: str, kind: type, says: str) -> None:
    problem = read_problem(answer(name))
    assert type(problem.outcome) is kind
    assert says in str(problem)


@pytest.mark.parametrize("name", every_exchange())
def test_no_recorded_refusal_is_taken_for_a_success(name: str) -> None:
    found = answer(name)
    if not found.is_ok:
        for write in Write:
            assert not isinstance(write_outcome(found, write), Done)
        assert "%1" not in message_of(found)
        assert "%resources" not in message_of(found)
        assert read_problem(found).outcome.because


def test_placeholders_are_filled_in_from_the_back() -> None:
    parameters = ",".join(f'"p{number}"' for number in range(1, 12))
    text = f'{{"message":"%1 %10 %11","parameters":[{parameters}]}}'
    assert message_of(Answer(400, JSON, text)) == "p1 p10 p11"
    named = '{"message":"%fieldName and %field","parameters":{"field":"a","fieldName":"b"}}'
    assert message_of(Answer(400, JSON, named)) == "b and a"


@pytest.mark.parametrize("text", ["", "null", "[]", "<html>", '{"message":7}', "[" * 5000 + "]" * 5000])
def test_a_body_that_is_not_magentos_has_no_message(text: str) -> None:
    assert message_of(Answer(500, JSON, text)) == ""


@pytest.mark.parametrize("status", [502, 504, 520, 522, 524])
def test_a_gateway_that_gave_up_leaves_a_write_unknown(status: int) -> None:
    assert isinstance(write_outcome(Answer(status, HTML, "<h1>Bad Gateway</h1>"), Write.REFUND), Unknown)
    assert isinstance(read_problem(Answer(status, HTML, "")).outcome, Retry)


def test_a_503_of_a_cache_that_gave_up_waiting_is_not_maintenance() -> None:
    varnish = Answer(503, HTML, "<h1>Error 503 Backend fetch failed</h1><h3>Guru Meditation:</h3>")
    assert isinstance(write_outcome(varnish, Write.REFUND), Unknown)
    assert isinstance(read_problem(varnish).outcome, Retry)


def test_slow_down_is_handed_on_with_its_time() -> None:
    outcome = write_outcome(Answer(429, {"retry-after": "17"}, ""), Write.CREATE)
    assert outcome == Retry(outcome.because if isinstance(outcome, Retry) else "", 17.0, throttled=True)
    now = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
    dated = Answer(503, {"retry-after": "Sun, 22 Nov 2026 01:01:30 GMT"}, "")
    assert retry_after(dated, now) == 90.0
    assert retry_after(Answer(503, {"retry-after": "soon"}, "")) is None
    assert retry_after(Answer(503, {}, "")) is None


def test_a_deadlock_was_rolled_back_and_may_be_repeated() -> None:
    text = '{"message":"SQLSTATE[40001]: Serialization failure: 1213 Deadlock found when trying to get lock"}'
    assert isinstance(write_outcome(Answer(400, JSON, text), Write.REFUND), Retry)


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_clock_says_so(status: int) -> None:
    text = '{"message":"The timestamp value in the oauth_timestamp parameter is invalid."}'
    outcome = read_problem(Answer(status, JSON, text)).outcome
    assert isinstance(outcome, Reauth)
    assert "clock" in outcome.because


def test_a_success_that_is_not_json_is_unknown_for_a_write_and_tried_again_for_a_read() -> None:
    page = Answer(200, HTML, "<html>Just a moment...</html>")
    assert isinstance(write_outcome(page, Write.CREATE), Unknown)
    assert isinstance(read_problem(page).outcome, Retry)


def test_a_redirect_is_not_followed_but_explained() -> None:
    outcome = write_outcome(Answer(301, {"location": "https://www.example.com/?token=1"}, ""), Write.CREATE)
    assert isinstance(outcome, Rejected)
    assert "token" not in outcome.because


def test_a_firewalls_page_goes_to_a_person() -> None:
    assert isinstance(write_outcome(Answer(403, HTML, "<html>Forbidden</html>"), Write.CREATE), Rejected)


def test_less_left_than_asked_means_that_somebody_was_faster() -> None:
    text = (
        '{"message":"The quantity to refund must not be greater than the unrefunded quantity for product SKU \\"A\\"."}'
    )
    assert isinstance(write_outcome(Answer(400, JSON, text), Write.REFUND), AlreadyDone)


def test_only_magentos_own_404_means_that_a_thing_is_not_there() -> None:
    gone = answer("orders/order_get_unknown")
    no_route = answer("versions/no_plugin/webhook_register_creditmemos")
    web_server = Answer(404, HTML, "<h1>404 Not Found</h1>")
    assert is_absent(gone, Absent.ENTITY)
    assert not is_absent(gone, Absent.IS_A_PROBLEM)
    assert not is_absent(no_route, Absent.ENTITY)
    assert is_absent(no_route, Absent.ENTITY_OR_ROUTE)
    assert not is_absent(web_server, Absent.ENTITY_OR_ROUTE)
    assert isinstance(read_problem(web_server).outcome, Retry)


def test_the_two_answers_that_need_more_than_a_meaning_are_recognised() -> None:
    assert is_nonce_used(answer("oauth/oauth_5_nonce_replayed"))
    assert not is_nonce_used(answer("oauth/oauth_5_bad_signature"))
    assert is_application_error(answer("versions/1.0.25/refund_order_partial_restock"))
    assert not is_application_error(answer("orders/orders_search_bad_field"))
