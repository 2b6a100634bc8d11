from __future__ import annotations

from pathlib import Path

import pytest

from bridge.sandbox.faults import Faults
from bridge.sandbox.tiktok import Settings, control, control_orders, control_webhooks
from bridge.sandbox.tiktok.endpoints import ENDPOINTS
from bridge.sandbox.tiktok.reasons import default_reason, reject_reasons, seller_reasons, table
from bridge.sandbox.tiktok.regions import region_of

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "sandbox-tiktok.md").read_text(encoding="utf-8")
ROUTES = [(route[0], route[1]) for part in (control, control_orders, control_webhooks) for route in part.ROUTES]


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_every_control_route_is_documented(method: str, path: str) -> None:
    assert f"`{method} {path}`" in PAGE


def test_the_routes_of_faults_are_documented() -> None:
    for route in Faults().routes():
        assert f"`{route.method} {route.path}`" in PAGE


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_resource_is_documented() -> None:
    for endpoint in ENDPOINTS:
        assert endpoint.resource.split("/")[-1].replace("{cancel_id}", "") in PAGE


@pytest.mark.parametrize("region", ["US", "GB", "UK", "DE", "FR", "MX", "BR", "JP", "ID", "MY", "PH", "SG", "TH", "VN"])
def test_every_region_has_an_out_of_stock_reason(region: str) -> None:
    market = region_of(region).market
    for status in ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT"):
        assert any("out_of_stock" in key for key in seller_reasons(market, status))
        assert default_reason(market, "SELLER", status) in seller_reasons(market, status)
    assert seller_reasons(market, "IN_TRANSIT") == []
    assert bool(reject_reasons(market)) is (region != "JP")
    for role in ("BUYER", "SYSTEM", "OPERATOR"):
        assert any(default_reason(market, role, "AWAITING_SHIPMENT") in keys for keys in table()[market].values())
