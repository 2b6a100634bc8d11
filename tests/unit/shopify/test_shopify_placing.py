"""Which location units of a row go back to."""

from __future__ import annotations

import pytest

from bridge.connectors.shopify.placing import lines_of

HERE, THERE = "gid://shopify/Location/1", "gid://shopify/Location/2"


@pytest.mark.parametrize(
    ("quantity", "shelf", "expected"),
    [
        (2, {HERE: 2}, [(2, HERE)]),
        (2, {HERE: 1, THERE: 3}, [(2, THERE)]),
        (3, {HERE: 1, THERE: 2}, [(1, HERE), (2, THERE)]),
        (3, {HERE: 2}, [(2, HERE), (1, None)]),
        (2, {}, [(2, None)]),
    ],
    ids=["one place", "one that has them all", "each its own", "some nowhere", "nowhere"],
)
def test_units_go_back_to_where_they_are_and_to_no_other_shelf(
    quantity: int, shelf: dict[str, int], expected: list[tuple[int, str | None]]
) -> None:
    lines = lines_of("7", quantity, shelf)
    assert {line["lineItemId"] for line in lines} == {"gid://shopify/LineItem/7"}
    assert [(line["quantity"], line.get("locationId")) for line in lines] == expected
    assert [line["restockType"] for line in lines] == ["CANCEL" if place else "NO_RESTOCK" for _, place in expected]
