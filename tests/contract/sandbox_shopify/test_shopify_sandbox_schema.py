from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    build_client_schema,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    parse,
    validate,
    validate_schema,
)

from bridge.sandbox.shopify.engine import schema
from tests.contract.sandbox_shopify.shopify_caller import ABSENT, SCHEMAS, Store

OURS = schema()
NAMED = sorted(name for name in OURS.type_map if not name.startswith("__"))


@cache
def official() -> GraphQLSchema | None:
    path = SCHEMAS / "admin_2026-10.json.gz"
    if not path.exists():
        return None
    with gzip.open(path) as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


@pytest.fixture
def theirs() -> GraphQLSchema:
    found = official()
    if found is None:
        pytest.skip(ABSENT)
    return found


@pytest.fixture
def documents() -> dict[str, str]:
    path = SCHEMAS / "validated_documents_2026-10.json"
    if not path.exists():
        pytest.skip(ABSENT)
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_schema_is_valid() -> None:
    assert validate_schema(OURS) == []
    assert validate_schema(schema(job_results=False)) == []


@pytest.mark.parametrize("name", NAMED)
def test_every_type_is_as_the_official_one(name: str, theirs: GraphQLSchema) -> None:
    mine, real = OURS.type_map[name], theirs.type_map[name]
    assert type(mine) is type(real)
    if is_enum_type(mine) and is_enum_type(real):
        assert set(mine.values) <= set(real.values)
    if is_object_type(mine) and is_object_type(real):
        assert {one.name for one in mine.interfaces} <= {one.name for one in real.interfaces}
    if is_input_object_type(mine) and is_input_object_type(real):
        assert mine.is_one_of == real.is_one_of
        assert {key for key, one in real.fields.items() if str(one.type).endswith("!")} <= set(mine.fields)
        for key, one in mine.fields.items():
            assert (str(one.type), one.default_value) == (str(real.fields[key].type), real.fields[key].default_value)
    if (is_object_type(mine) or is_interface_type(mine)) and (is_object_type(real) or is_interface_type(real)):
        for key, held in mine.fields.items():
            assert str(held.type) == str(real.fields[key].type), key
            for argument, one in held.args.items():
                wanted = real.fields[key].args[argument]
                assert (str(one.type), one.default_value) == (str(wanted.type), wanted.default_value), argument


def test_the_directive_is_the_official_one(theirs: GraphQLSchema) -> None:
    mine, real = OURS.get_directive("idempotent"), theirs.get_directive("idempotent")
    assert mine is not None
    assert real is not None
    assert (mine.locations, {key: str(one.type) for key, one in mine.args.items()}) == (
        real.locations,
        {key: str(one.type) for key, one in real.args.items()},
    )


def test_every_validated_document_is_valid_here(documents: dict[str, str]) -> None:
    assert [name for name, text in documents.items() if validate(OURS, parse(text))] == []


def test_only_job_results_are_missing_before_2026_10(documents: dict[str, str]) -> None:
    old = schema(job_results=False)
    failing = {name for name, text in documents.items() if validate(old, parse(text))}
    assert failing == {"OrderCancel", "PollNode"}


async def test_every_validated_document_runs(store: Store, documents: dict[str, str]) -> None:
    order = await store.placed()
    # Some of the documents ask for fifty times fifty objects.
    await store.settings(cancel_seconds=None, bucket_size=20_000)
    await store.control("POST", "bucket", {"available": 20_000})
    work = f"gid://shopify/FulfillmentOrder/{order['fulfillment_orders'][0]['id']}"
    definition = (
        'mutation { metafieldDefinitionCreate(definition: {name: "TikTok order", namespace: "$app:tts", '
        'key: "order_id", type: "id", ownerType: ORDER}) { createdDefinition { id } userErrors { message } } }'
    )
    assert (await store.ask(definition)).data["metafieldDefinitionCreate"]["userErrors"] == []
    meta = {"ownerId": order["gid"], "namespace": "$app:tts", "key": "order_id", "type": "id", "value": "5764"}
    custom = {"namespace": "$app:tts", "key": "order_id", "value": "5764"}

    async def run(name: str, variables: dict[str, Any] | None = None) -> Any:
        return (await store.ask(documents[name], variables)).data

    assert (await run("Versions"))["shop"]["myshopifyDomain"] == store.box.domain
    assert (await run("MetafieldsSet", {"m": [meta]}))["metafieldsSet"]["userErrors"] == []
    found = await run("ByIdentifier", {"identifier": {"customId": custom}})
    assert found["orderByIdentifier"]["id"] == order["gid"]
    found = await run("FindOrder", {"q": "source_name:tiktok", "first": 5})
    assert found["orders"]["nodes"][0]["metafield"] == {"value": "5764"}
    assert (await run("Tags", {"id": order["gid"], "tags": ["seen"]}))["tagsAdd"]["userErrors"] == []
    assert (await run("Suggested", {"id": order["gid"]}))["order"]["suggestedRefund"]["amountSet"]["shopMoney"] == {
        "amount": "64.97",
        "currencyCode": "USD",
    }
    assert (await run("FO", {"id": order["gid"]}))["order"]["fulfillmentOrders"]["nodes"][0]["id"] == work
    held = await run("Hold", {"id": work, "hold": {"reason": "OTHER", "handle": "ask"}})
    hold = held["fulfillmentOrderHold"]["fulfillmentHold"]["id"]
    released = await run("Release", {"id": work, "holdIds": [hold]})
    assert released["fulfillmentOrderReleaseHold"]["fulfillmentOrder"]["status"] == "OPEN"
    await store.control("POST", f"orders/{order['id']}/fulfillment-order", {"request_status": "ACCEPTED"})
    asked = await run("FOSubmitCancel", {"id": work, "m": "please"})
    assert asked["fulfillmentOrderSubmitCancellationRequest"]["userErrors"] == []
    closed = await run("FOCancel", {"id": work})
    assert closed["fulfillmentOrderCancel"]["replacementFulfillmentOrder"]["status"] == "OPEN"
    sent = await store.control("POST", f"orders/{order['id']}/fulfil")
    undone = await run("FulfillmentCancel", {"id": f"gid://shopify/Fulfillment/{sent['fulfillments'][0]['id']}"})
    assert undone["fulfillmentCancel"]["fulfillment"]["status"] == "CANCELLED"
    cancelled = await run("OrderCancel", {"orderId": order["gid"], "restock": True, "reason": "OTHER"})
    job = cancelled["orderCancel"]
    assert job["orderCancelUserErrors"] == []
    assert (await run("PollNode", {"id": job["jobResult"]["id"]}))["node"]["status"] == "STARTED"
    assert (await run("PollJob", {"id": job["job"]["id"]}))["job"]["done"] is False
    sub = {"uri": "https://sync.example.com/hooks", "name": "bridge", "format": "JSON"}
    made = await run("Webhook", {"topic": "ORDERS_CANCELLED", "sub": sub})
    assert made["webhookSubscriptionCreate"]["webhookSubscription"]["apiVersion"] == {"handle": "2026-10"}
    assert len((await run("Webhooks"))["webhookSubscriptions"]["nodes"]) == 1
