from __future__ import annotations

import pytest
from graphql import parse, validate

from bridge.connectors.shopify.documents import ALL
from bridge.connectors.shopify.registration import TOPICS
from tests.unit.shopify.official import schema


@pytest.mark.parametrize("name", list(ALL))
def test_a_document_is_valid_against_the_official_schema(name: str) -> None:
    assert validate(schema(), parse(ALL[name])) == []


def test_what_is_sent_by_name_is_in_the_official_schema() -> None:
    known = schema().type_map
    assert set(TOPICS) <= set(known["WebhookSubscriptionTopic"].values)  # type: ignore[attr-defined]
    assert "OTHER" in known["OrderCancelReason"].values  # type: ignore[attr-defined]
    assert {"CANCEL", "NO_RESTOCK"} <= set(known["RefundLineItemRestockType"].values)  # type: ignore[attr-defined]


def test_every_document_is_held_against_it() -> None:
    assert len(ALL) >= 18
