from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from plugin_contract.registration import (
    Reason,
    RegisterRequest,
    Registration,
    UnreadableRegistration,
    Wanted,
    foreign,
    missing,
    plan,
    read_registration,
    read_registrations,
    webhook_id,
)

FOLDER = Path(__file__).parents[2] / "recordings" / "magento" / "webhooks"
OURS = "https://sync.example.com/hooks/magento/conn-1"
TOPICS = ("creditmemos/update", "orders/update")


def exchange(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def answer(name: str) -> Any:
    return json.loads(exchange(name)["response"]["body"])


def want(topic: str, address: str = OURS) -> Wanted:
    return Wanted(topic=topic, app_key="conn-1", address=address)


def stored(wanted: Wanted, integration: str | None = "4") -> Registration:
    return Registration(
        id=wanted.stored_id,
        topic=wanted.topic,
        app_key=wanted.app_key,
        address=wanted.address,
        integration_id=integration,
    )


WANTED = tuple(want(topic) for topic in TOPICS)


def test_the_vector_of_the_default_id() -> None:
    expected = "e9a6908a61ec5b679e5f4bef2a5fa63b8978a90f6370486c95e4759402b29854"
    assert webhook_id("conn-1", "creditmemos/update", OURS) == expected
    assert want("creditmemos/update").stored_id == expected


@pytest.mark.parametrize(
    "name",
    [
        "webhook_register_creditmemos_oauth1",
        "webhook_register_orders_bearer",
        "webhook_register_duplicate",
        "webhook_get",
    ],
)
def test_the_recorded_ids_are_the_computed_ones(name: str) -> None:
    one = read_registration(answer(name))
    assert one is not None
    assert one.id == webhook_id(one.app_key, one.topic, one.address)
    assert one.integration_id == "4"


@pytest.mark.parametrize(
    "name",
    [
        "webhook_register_creditmemos_oauth1",
        "webhook_register_orders_bearer",
        "webhook_register_custom_id",
        "webhook_register_https",
        "webhook_register_unknown_topic",
    ],
)
def test_our_request_body_is_what_the_live_store_accepted(name: str) -> None:
    sent = json.loads(exchange(name)["request"]["body"])
    assert json.loads(RegisterRequest.of(Wanted(**sent["webhook"])).body()) == sent
    one = read_registration(answer(name))
    assert one is not None
    assert one.id == Wanted(**sent["webhook"]).stored_id


def test_what_the_store_refused_cannot_be_asked() -> None:
    for name in (
        "webhook_register_bad_missing_topic",
        "webhook_register_bad_flat_body",
        "webhook_register_bad_unknown_field",
    ):
        assert exchange(name)["response"]["status"] in {400, 500}
        with pytest.raises(ValidationError):
            RegisterRequest.model_validate_json(exchange(name)["request"]["body"])


@pytest.mark.parametrize("name", ["webhook_get_unknown", "webhook_delete_unknown"])
def test_an_unknown_id_is_none(name: str) -> None:
    assert answer(name) == []
    assert read_registration(answer(name)) is None
    assert read_registration(None) is None


def test_the_deleted_one_is_answered() -> None:
    one = read_registration(answer("webhook_delete"))
    assert one is not None
    assert one.id == "my-own-id"


@pytest.mark.parametrize("body", [{}, {"id": "1"}, [1], "x", 7, True, {"message": "Request does not match any route."}])
def test_anything_else_is_no_registration(body: object) -> None:
    with pytest.raises(UnreadableRegistration):
        read_registration(body)


@pytest.mark.parametrize("body", [{}, None, "x", [[]], [None], [{"id": "1"}]])
def test_anything_else_is_no_list(body: object) -> None:
    with pytest.raises(UnreadableRegistration):
        read_registrations(body)


def test_lists_are_read_in_stored_order() -> None:
    assert read_registrations(answer("webhook_list_empty")) == ()
    assert [one.topic for one in read_registrations(answer("webhook_list"))] == list(TOPICS)


def test_a_new_address_under_an_own_id_is_echoed_and_not_stored() -> None:
    echoed = read_registration(answer("webhook_register_custom_id_new_address"))
    assert echoed is not None
    held = [one for one in read_registrations(answer("webhook_list_after_custom_id")) if one.id == "my-own-id"]
    assert held[0].address != echoed.address
    change = Wanted(id="my-own-id", topic=echoed.topic, app_key=echoed.app_key, address=echoed.address)
    steps = plan(held, [change])
    assert steps.to_delete == tuple(held)
    assert steps.to_register == (change,)


def test_missing_is_what_is_not_stored() -> None:
    assert missing([], WANTED) == WANTED
    assert missing([stored(WANTED[0])], WANTED) == (WANTED[1],)
    assert missing([stored(one) for one in WANTED], WANTED) == ()
    assert missing([stored(want(topic, OURS + "/")) for topic in TOPICS], WANTED) == WANTED


def test_one_stored_by_another_integration_is_replaced_because_its_key_signs() -> None:
    left_behind = [stored(one, "3") for one in WANTED]
    assert missing(left_behind, WANTED, own_integration_id="4") == WANTED
    steps = plan(left_behind, WANTED, own_integration_id="4")
    assert steps.to_delete == tuple(left_behind)
    assert steps.to_register == WANTED


@given(st.lists(st.sampled_from([stored(one, who) for one in WANTED for who in ("3", "4", None)]), max_size=6))
def test_a_plan_carried_out_leaves_nothing_missing(registrations: list[Registration]) -> None:
    steps = plan(registrations, WANTED, own_integration_id="4")
    gone = {one.id for one in steps.to_delete}
    kept = [one for one in registrations if one.id not in gone]
    for one in steps.to_register:
        assert one.stored_id not in {other.id for other in kept}, "a stored id would be ignored without a word"
        kept.append(stored(one))
    assert missing(kept, WANTED, own_integration_id="4") == ()
    assert plan(kept, WANTED, own_integration_id="4").to_register == ()


def test_foreign_names_those_that_may_silence_ours() -> None:
    memo, order = (stored(one) for one in WANTED)
    deleted = stored(want("creditmemos/update", "https://old.example.com"), "2")
    later = stored(want("orders/update", "https://other.example.com"), "9")
    found = foreign([deleted, memo, order, later], own_addresses={OURS}, own_integration_id="4")
    assert [(one.registration, one.reason, one.may_silence) for one in found] == [
        (deleted, Reason.OTHER_INTEGRATION, (memo,)),
        (later, Reason.OTHER_INTEGRATION, ()),
    ]


def test_our_own_address_under_a_deleted_integration_is_foreign() -> None:
    memo = stored(WANTED[0])
    left_behind = stored(WANTED[0], "3")
    found = foreign([left_behind, memo], own_addresses={OURS}, own_integration_id="4")
    assert [(one.registration, one.may_silence) for one in found] == [(left_behind, (memo,))]


def test_our_own_integration_with_an_old_address_silences_nobody() -> None:
    old = stored(want("creditmemos/update", "https://old.example.com"))
    memo = stored(WANTED[0])
    found = foreign([old, memo], own_addresses={OURS}, own_integration_id="4")
    assert [(one.reason, one.may_silence) for one in found] == [(Reason.OTHER_ADDRESS, ())]


def test_without_our_integration_id_the_address_decides() -> None:
    other = stored(want("creditmemos/update", "https://other.example.com"), "2")
    memo = stored(WANTED[0])
    found = foreign([other, memo], own_addresses={OURS})
    assert [(one.reason, one.may_silence) for one in found] == [(Reason.OTHER_ADDRESS, (memo,))]
    assert foreign([memo], own_addresses={OURS}) == ()
