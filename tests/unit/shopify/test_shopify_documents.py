from __future__ import annotations

import pytest
from graphql import parse, validate

from bridge.connectors.shopify.documents import ALL
from bridge.connectors.shopify.holding import CAN_BE_HELD, HELD_ALREADY
from bridge.connectors.shopify.registration import TOPICS
from tests.unit.shopify.official import schema, schema_of_2026_07

ONLY_FROM_2026_10 = {"CANCEL", "JOB_RESULT"}
"""There the cancel is `CANCEL_OLD`, whose job alone is asked."""


@pytest.mark.parametrize("name", list(ALL))
def test_a_document_is_valid_against_the_official_schema(name: str) -> None:
    assert validate(schema(), parse(ALL[name])) == []


@pytest.mark.parametrize("name", sorted(set(ALL) - ONLY_FROM_2026_10))
def test_a_document_that_the_older_version_is_sent_is_valid_there(name: str) -> None:
    assert validate(schema_of_2026_07(), parse(ALL[name])) == []


@pytest.mark.parametrize("name", sorted(ONLY_FROM_2026_10))
def test_the_older_version_would_refuse_the_others(name: str) -> None:
    assert validate(schema_of_2026_07(), parse(ALL[name]))


def test_what_is_sent_by_name_is_in_the_official_schema() -> None:
    known = schema().type_map
    assert set(TOPICS) <= set(known["WebhookSubscriptionTopic"].values)  # type: ignore[attr-defined]
    assert "OTHER" in known["OrderCancelReason"].values  # type: ignore[attr-defined]
    assert "OTHER" in known["FulfillmentHoldReason"].values  # type: ignore[attr-defined]
    assert set(known["FulfillmentOrderStatus"].values) >= CAN_BE_HELD  # type: ignore[attr-defined]
    assert HELD_ALREADY in known["FulfillmentOrderHoldUserErrorCode"].values  # type: ignore[attr-defined]
    hold = known["FulfillmentOrderHoldInput"].fields  # type: ignore[attr-defined]
    assert {"reason", "reasonNotes", "handle", "notifyMerchant"} <= set(hold)
    assert {"CANCEL", "NO_RESTOCK"} <= set(known["RefundLineItemRestockType"].values)  # type: ignore[attr-defined]


def test_every_document_is_held_against_it() -> None:
    assert len(ALL) >= 21
