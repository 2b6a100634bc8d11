from __future__ import annotations

from datetime import UTC, datetime

import aiohttp
import pytest

from bridge.connectors.woocommerce.connect import WooCommerceConnector
from bridge.connectors.woocommerce.credentials import check, meta_keys

GIVEN = {"consumer_key": "ck_1", "consumer_secret": "cs_1"}


class Still:
    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC)


def test_the_webhook_secret_is_made_and_the_same_each_time() -> None:
    first, again = check(GIVEN), check({**GIVEN, "order_meta_keys": "_other"})
    assert first["webhook_secret"] == again["webhook_secret"]
    assert first["webhook_secret"] != check({**GIVEN, "consumer_secret": "cs_2"})["webhook_secret"]
    assert first["webhook_secret"].isalnum()
    assert "cs_1" not in first["webhook_secret"]
    assert check(first) == first


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"consumer_key": ""}, "Consumer key"),
        ({"consumer_secret": None}, "Consumer secret"),
        ({"consumer_key": "cs_1"}, "must begin with ck_"),
        ({"consumer_secret": "cs_\n1"}, "without line breaks"),
        ({"token": "x"}, "unknown credentials: token"),
        ({"order_meta_keys": "a b"}, "order_meta_keys"),
        ({"order_meta_keys": ",".join(f"k{n}" for n in range(11))}, "up to 10"),
    ],
)
def test_what_is_wrong_is_said_without_a_value(change: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        check({**GIVEN, **change})
    assert "cs_1" not in str(refused.value)


def test_fields_of_other_connectors_are_kept_in_their_order() -> None:
    assert meta_keys({"order_meta_keys": "_b, _a ,_b"}) == ("_b", "_a")
    assert meta_keys(check({**GIVEN, "order_meta_keys": ["_b", "_a"]})) == ("_b", "_a")
    assert meta_keys({}) == ()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("shop.example.com", "https://shop.example.com"),
        ("https://Shop.Example.com/", "https://shop.example.com"),
        ("https://shop.example.com/blog/", "https://shop.example.com/blog"),
        ("https://shop.example.com/blog/wp-json/wc/v3/", "https://shop.example.com/blog"),
        ("https://shop.example.com/wp-admin/admin.php?page=wc-settings", "https://shop.example.com"),
    ],
)
async def test_the_address_is_the_shops_own_folder_included(given: str, kept: str) -> None:
    async with aiohttp.ClientSession() as session:
        assert WooCommerceConnector(session, Still()).normalise(given) == kept


@pytest.mark.parametrize("given", ["", "http://shop.example.com", "https://127.0.0.1", "https://a:b@shop.example.com"])
async def test_addresses_that_are_not_called(given: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match=r".+"):
            WooCommerceConnector(session, Still()).normalise(given)
